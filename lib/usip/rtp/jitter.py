"""The jitter buffer: received octets at the place their timestamp says, and how long to wait.

JitterBuffer is a ring of 20 ms slots addressed by time, not a list of packets: a payload is laid
down at its media position, in samples since the stream began, and one octet per millisecond says
whether it is there. So reordering, duplicates, packets of any length, and a change of length need
no care at all, and nothing is moved before it is decoded.

Delays watches the relative transit time of each packet (arrival minus timestamp): its least value
is the clock offset, what goes beyond it is jitter. It keeps the least and the greatest value of
each of the last 16 seconds. The wait asked for is the second greatest of the maxima (the greatest
until 16 s are known), so it grows within one packet, shrinks when 16 s have gone by without need,
and is not held up by a single spike; clock drift moves the minimum along.

Positions are small ints: `rebase` them before they pass 2**29 (18 hours).
"""

from array import array

import micropython
from micropython import const

LATE = const(-1)
OVERFLOW = const(-2)

_SLOT = const(160)
_MS = const(8)  # samples
_BUCKETS = const(16)
_BUCKET_MS = const(1000)
_LEAST_WAIT_MS = const(20)
_LIMIT = const(30000)  # transit times are kept as 16 bits
_NONE = const(32767)


@micropython.viper
def _lay(ring: ptr8, held: ptr8, size: int, source: ptr8, start: int, at: int, blocks: int) -> int:
    """Copy *blocks* milliseconds of source[start:] to ring[at:], round its end; count the new."""
    ring = ptr8(ring)
    held = ptr8(held)
    source = ptr8(source)
    at = at % size
    fresh = 0
    while blocks:
        ms = at >> 3
        if int(held[ms]) == 0:
            held[ms] = 1
            fresh += 1
            ring[at] = source[start]
            ring[at + 1] = source[start + 1]
            ring[at + 2] = source[start + 2]
            ring[at + 3] = source[start + 3]
            ring[at + 4] = source[start + 4]
            ring[at + 5] = source[start + 5]
            ring[at + 6] = source[start + 6]
            ring[at + 7] = source[start + 7]
        start += 8
        at += 8
        if at >= size:
            at = 0
        blocks -= 1
    return fresh


@micropython.viper
def _lay_one(ring: ptr8, held: ptr8, size: int, octet: int, at: int, blocks: int):
    """Fill *blocks* milliseconds of ring[at:] that are not held with *octet*."""
    ring = ptr8(ring)
    held = ptr8(held)
    at = at % size
    while blocks:
        ms = at >> 3
        if int(held[ms]) == 0:
            held[ms] = 1
            i = 0
            while i < 8:
                ring[at + i] = octet & 0xFF
                i += 1
        at += 8
        if at >= size:
            at = 0
        blocks -= 1


@micropython.viper
def _run(held: ptr8, size: int, at: int, value: int, blocks: int) -> int:
    """Return how many of the *blocks* milliseconds from *at* on have the mark *value*."""
    held = ptr8(held)
    ms = at % size >> 3
    end = size >> 3
    n = 0
    while n < blocks and int(held[ms]) == value:
        n += 1
        ms += 1
        if ms >= end:
            ms = 0
    return n


@micropython.viper
def _take(held: ptr8, size: int, at: int, blocks: int) -> int:
    """Clear the *blocks* milliseconds from *at* on and return 1 when all are held, else 0."""
    held = ptr8(held)
    first = at % size >> 3
    end = size >> 3
    ms = first
    n = 0
    while n < blocks:
        if int(held[ms]) == 0:
            return 0
        n += 1
        ms += 1
        if ms >= end:
            ms = 0
    ms = first
    while n:
        held[ms] = 0
        n -= 1
        ms += 1
        if ms >= end:
            ms = 0
    return 1


@micropython.viper
def _note(low: ptr16, high: ptr16, at: int, transit: int, jitter: ptr32):
    """Take a transit time into the second *at*, and into *jitter*: jitter, transit before."""
    low = ptr16(low)
    high = ptr16(high)
    jitter = ptr32(jitter)
    a = int(jitter[1])
    if a != 32767:
        step = (transit - a) << 3
        if step < 0:
            step = 0 - step
        a = int(jitter[0])
        jitter[0] = a + step - (a + 8 >> 4)
    jitter[1] = transit
    if transit < ((int(low[at]) & 0xFFFF) ^ 0x8000) - 0x8000:
        low[at] = transit & 0xFFFF
    if transit > ((int(high[at]) & 0xFFFF) ^ 0x8000) - 0x8000:
        high[at] = transit & 0xFFFF


@micropython.viper
def _clear(held: ptr8, size: int, at: int, blocks: int):
    held = ptr8(held)
    ms = at % size >> 3
    end = size >> 3
    while blocks > 0:
        held[ms] = 0
        ms += 1
        if ms >= end:
            ms = 0
        blocks -= 1


class JitterBuffer:
    """A ring of *slots* slots of 20 ms; all positions in samples, multiples of 8.

    `position` is what plays next; `end` is behind the newest octet ever laid down.
    """

    def __init__(self, slots: int = 16, octets=None) -> None:
        self.size = slots * _SLOT
        self.octets = bytearray(self.size) if octets is None else octets
        self._held = bytearray(self.size // _MS)
        self.position = 0
        self.end = 0

    @micropython.native
    def put(self, buf, start: int, end: int, position: int) -> int:
        """Lay down buf[start:end] at *position*; return the new samples, LATE or OVERFLOW.

        What is before `position` is left out, what is held already stays, so 0 is a duplicate. A
        rest under 8 octets is left out too. OVERFLOW: the ring cannot reach so far; nothing done.
        """
        blocks = (end - start) // _MS
        behind = self.position - position
        if behind > 0:
            blocks -= behind // _MS
            if blocks <= 0:
                return LATE
            start += behind
            position += behind
        last = position + blocks * _MS
        if last - self.position > self.size:
            return OVERFLOW
        if last > self.end:
            self.end = last
        return _MS * _lay(
            self.octets, self._held, self.size, buf, start, position % self.size, blocks
        )

    def fill(self, octet: int, position: int, end: int) -> None:
        """Lay down *octet* at position .. end wherever nothing is held and the ring reaches."""
        if position < self.position:
            position = self.position
        if end > self.position + self.size:
            end = self.position + self.size
        if end <= position:
            return
        if end > self.end:
            self.end = end
        blocks = (end - position) // _MS
        _lay_one(self.octets, self._held, self.size, octet, position % self.size, blocks)

    def run(self, limit: int) -> int:
        """Return how many of the next *limit* samples are held without a gap."""
        return _MS * _run(self._held, self.size, self.position % self.size, 1, limit // _MS)

    def run_at(self, position: int, limit: int) -> int:
        """Return how many samples from *position* on are held without a gap."""
        return _MS * _run(self._held, self.size, position % self.size, 1, limit // _MS)

    def gap(self) -> int:
        """Return the samples missing before the first one held, or -1 when nothing is held."""
        room = self.end - self.position
        if room <= 0:
            return -1
        n = _run(self._held, self.size, self.position % self.size, 0, room // _MS)
        return -1 if n * _MS >= room else n * _MS

    @micropython.native
    def take(self, samples: int) -> int:
        """Move `position` forward and return 1 when the next *samples* are held, else 0."""
        if not _take(self._held, self.size, self.position, samples // _MS):
            return 0
        self.position += samples
        return 1

    def skip(self, samples: int) -> None:
        """Move `position` forward; what is passed is forgotten."""
        blocks = samples // _MS
        if samples >= self.size:
            blocks = self.size // _MS
        _clear(self._held, self.size, self.position % self.size, blocks)
        self.position += samples
        if self.end < self.position:
            self.end = self.position

    def clear(self, position: int) -> None:
        """Forget everything; play from *position* next."""
        _clear(self._held, self.size, 0, self.size // _MS)
        self.position = self.end = position

    def rebase(self, samples: int) -> None:
        """Take *samples*, a multiple of `size`, off all positions."""
        self.position -= samples
        self.end -= samples


class Delays:
    """Relative transit times in ms over the last 16 s: `least`, and from it `need_ms` to the most.

    `wait_ms` is the wait to aim at, one frame at least, so that what follows a loss is known.
    """

    def __init__(self) -> None:
        self._low = array("h", [_NONE] * _BUCKETS)
        self._high = array("h", [-_NONE] * _BUCKETS)
        self._jitter = array("i", [0, 0])
        self.reset()

    def reset(self) -> None:
        """Forget all: another clock offset holds from now on."""
        for i in range(_BUCKETS):
            self._low[i] = _NONE
            self._high[i] = -_NONE
        self._at = 0
        self._bucket = -1
        self._jitter[0] = 0
        self._jitter[1] = _NONE
        self.least = 0
        self.need_ms = 0
        self.wait_ms = _LEAST_WAIT_MS
        self.is_known = False

    @property
    def jitter(self) -> int:
        """The interarrival jitter of RFC 3550 6.4.1 in samples, times 16."""
        return self._jitter[0]

    @micropython.native
    def note(self, transit_ms: int, now_ms: int) -> None:
        """Take the transit time of a packet that arrived at *now_ms*, a count that only grows."""
        if transit_ms > _LIMIT:
            transit_ms = _LIMIT
        elif transit_ms < -_LIMIT:
            transit_ms = -_LIMIT
        bucket = now_ms // _BUCKET_MS
        if bucket != self._bucket:
            self._turn(bucket)
        _note(self._low, self._high, self._at, transit_ms, self._jitter)
        above = transit_ms - self.least
        if above < 0 or above > self.wait_ms or not self.is_known:
            self.is_known = True
            self._measure()

    def _turn(self, bucket: int) -> None:
        """Begin another second; seconds without packets keep what was known."""
        self._bucket = bucket
        self._measure()
        self._at = at = (self._at + 1) % _BUCKETS
        self._low[at] = _NONE
        self._high[at] = -_NONE

    def _measure(self) -> None:
        least = _NONE
        first = second = -_NONE
        known = 0
        for i in range(_BUCKETS):
            if self._low[i] != _NONE:
                known += 1
                if self._low[i] < least:
                    least = self._low[i]
                high = self._high[i]
                if high > first:
                    second = first
                    first = high
                elif high > second:
                    second = high
        if known == 0:
            return
        self.least = least
        self.need_ms = need = (first if known < _BUCKETS else second) - least
        self.wait_ms = need if need > _LEAST_WAIT_MS else _LEAST_WAIT_MS
