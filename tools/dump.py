"""The command line that tools.sipdump and tools.sdpdump have in common."""

import argparse
import json
import sys
from pathlib import Path


def run(program: str, text: str, describe, on_vm, argv=None) -> int:
    """Read the FILE named on the command line, print it as JSON; return the exit status.

    describe(octets, step) and on_vm(octets, heap, step) return what is printed; OSError and
    RuntimeError of theirs are told in one sentence.
    """
    parser = argparse.ArgumentParser(prog=program, description=text)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--vm", choices=("cpython", "micropython"), default="cpython")
    parser.add_argument("--heap", default="48k", help="hard limit of the VM's heap (48k)")
    parser.add_argument("--chunks", type=int, default=0, metavar="N", help="feed N octets a time")
    options = parser.parse_args(argv)
    if options.chunks < 0:
        parser.error("--chunks: %d is below 0" % options.chunks)
    try:
        if options.file == "-":
            octets = sys.stdin.buffer.read()
        else:
            octets = Path(options.file).read_bytes()
        if options.vm == "micropython":
            found = on_vm(octets, options.heap, options.chunks)
        else:
            found = describe(octets, options.chunks)
    except (OSError, RuntimeError) as error:
        print("%s: %s" % (program, error), file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0
