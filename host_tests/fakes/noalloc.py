"""Proof that a stretch of code uses no heap: on the VM the heap is locked meanwhile.

    with NoAlloc():
        parser.index(message, buf, 0, end)          # an allocation raises MemoryError

    with NoAlloc(limit=1024) as heap:               # or: at most so many bytes
        core.receive(buf, end, source, now_ms)
    heap.allocated

Run the code once before, so that what is made on first use exists. On CPython the code runs and
nothing is checked (`allocated` stays 0).
"""

import gc

try:
    from micropython import heap_lock, heap_unlock
except ImportError:
    heap_lock = heap_unlock = None


class NoAlloc:
    """Locks the heap, or with *limit* > 0 counts the bytes taken and asserts the limit."""

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.allocated = 0

    def __enter__(self):
        gc.collect()
        if heap_lock is None:
            return self
        if self.limit:
            gc.disable()  # nothing is given back, so that all that is taken shows
            self.allocated = -gc.mem_alloc()
        else:
            heap_lock()
        return self

    def __exit__(self, kind, error, trace):
        if heap_lock is None:
            return
        if not self.limit:
            heap_unlock()
            return
        self.allocated += gc.mem_alloc()
        gc.enable()
        if error is None:
            assert self.allocated <= self.limit, "%d bytes of heap" % self.allocated
