"""Runs one file of tools/benchmarks on either VM; see tools/bench.py.

    bench_cases FILE_STEM      with the file's folder on sys.path

The file defines CASES, a tuple of (name, function, operations in one call). Prints a line
`CASE nanoseconds bytes name` for each: time of one operation, best of several rounds, collections
included; and the bytes of heap it takes (CPython: the most it holds at once). Then a line
`RATIO limit name | other | less` for each of RATIOS, if it has any: (name, another case, how many
times as long as that it may take at most, the case of what is no part of it).
"""

import gc
import sys
import time

_ROUNDS = 30  # short ones, so that some are not interrupted
_ROUND_US = 6000


def _us() -> int:
    if hasattr(time, "ticks_us"):
        return time.ticks_us()
    return time.perf_counter_ns() // 1000


def _elapsed_us(start) -> int:
    if hasattr(time, "ticks_us"):
        return time.ticks_diff(time.ticks_us(), start)
    return _us() - start


def _round_us(function, calls) -> int:
    gc.collect()
    start = _us()
    for _ in range(calls):
        function()
    return _elapsed_us(start)


def nanoseconds(function, operations) -> int:
    """Return the time of one operation, the best round's."""
    calls = 1
    while True:
        us = _round_us(function, calls)
        if us >= _ROUND_US // 2:
            break
        calls *= 4
    calls = max(1, calls * _ROUND_US // us)
    best = min(_round_us(function, calls) for _ in range(_ROUNDS))
    return best * 1000 // (calls * operations)


def allocated(function, operations) -> int:
    """Return the bytes of heap one operation takes."""
    gc.collect()
    if hasattr(gc, "mem_alloc"):
        gc.disable()
        before = gc.mem_alloc()
        function()
        taken = gc.mem_alloc() - before
        gc.enable()
        return taken // operations
    import tracemalloc

    tracemalloc.start()
    function()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    function()
    taken = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return taken // operations


def main() -> int:
    """Run the file named on the command line."""
    cases = __import__(sys.argv[1])
    for name, function, operations in cases.CASES:
        function()
        size = allocated(function, operations)
        print("CASE %d %d %s" % (nanoseconds(function, operations), size, name))
    for name, other, limit, *less in getattr(cases, "RATIOS", ()):
        print("RATIO %d %s" % (limit, " | ".join([name, other] + less)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
