"""Runs on the VM: the heap that importing each module named on the command line takes.

Prints `NAME BYTES` for each, in the order given: what a module imports itself is counted on it
unless it was imported before. `NAME failed` when it does not import.
"""

import gc
import sys


def _imported(name) -> int:
    gc.collect()
    gc.collect()
    before = gc.mem_alloc()
    __import__(name)
    gc.collect()
    gc.collect()
    return gc.mem_alloc() - before


for argument in sys.argv[1:]:
    try:
        print(argument, _imported(argument))
    except (ImportError, MemoryError, AttributeError, NameError, OSError, ValueError) as error:
        print(argument, "failed")
        sys.print_exception(error, sys.stderr)
