"""L16, PCM of 16 bits (RFC 3551 4.5.11), at 8 kHz: nothing lost but what the network loses.

For the laboratory: 128 kbit/s, and a packet holds 20 ms at most. Loaded only when configured.
"""

import micropython
from micropython import const

from usip.rtp.jitter import LATE, OVERFLOW, JitterBuffer

_MS = const(8)  # samples
_BLOCK = const(16)  # octets of a millisecond
_SILENCE = bytes(_BLOCK)


@micropython.viper
def _encode(pcm: ptr16, buf: ptr8, at: int, count: int):
    pcm = ptr16(pcm)
    buf = ptr8(buf)
    i = 0
    while i < count:
        a = int(pcm[i]) & 0xFFFF
        buf[at] = a >> 8
        buf[at + 1] = a & 0xFF
        at += 2
        i += 1


@micropython.viper
def _decode(buf: ptr8, at: int, pcm: ptr16, to: int, count: int):
    buf = ptr8(buf)
    pcm = ptr16(pcm)
    end = to + count
    while to < end:
        pcm[to] = int(buf[at]) << 8 | int(buf[at + 1])
        at += 2
        to += 1


@micropython.viper
def _lay(ring: ptr8, held: ptr8, size: int, source: ptr8, start: int, at: int, blocks: int) -> int:
    """Copy *blocks* milliseconds of source[start:] to sample *at* of the ring; count the new."""
    ring = ptr8(ring)
    held = ptr8(held)
    source = ptr8(source)
    ms = at >> 3
    fresh = 0
    while blocks:
        if int(held[ms]) == 0:
            held[ms] = 1
            fresh += 1
            i = 0
            while i < 16:
                ring[(ms << 4) + i] = source[start + i]
                i += 1
        start += 16
        ms += 1
        if ms << 3 >= size:
            ms = 0
        blocks -= 1
    return fresh


class L16Buffer(JitterBuffer):
    """A ring of samples in place of octets."""

    def __init__(self, slots: int) -> None:
        super().__init__(slots)
        self.octets = bytearray(2 * self.size)

    def put(self, buf, start: int, end: int, position: int) -> int:
        """As JitterBuffer.put."""
        blocks = (end - start) // _BLOCK
        behind = self.position - position
        if behind > 0:
            blocks -= behind // _MS
            if blocks <= 0:
                return LATE
            start += 2 * behind
            position += behind
        last = position + blocks * _MS
        if last - self.position > self.size:
            return OVERFLOW
        if last > self.end:
            self.end = last
        at = position % self.size
        return _MS * _lay(self.octets, self._held, self.size, buf, start, at, blocks)

    def fill(self, octet: int, position: int, end: int) -> None:
        """Lay down silence at position .. end wherever nothing is held and the ring reaches."""
        if position < self.position:
            position = self.position
        if end > self.position + self.size:
            end = self.position + self.size
        while position < end:
            self.put(_SILENCE, 0, _BLOCK, position)
            position += _MS


class Coder:
    """Both directions of one call; frames of 160 samples."""

    name = b"L16"
    octets = 2  # a sample
    is_wide = False
    silence = 0
    buffer = L16Buffer

    def encode(self, pcm, buf, at: int) -> None:
        """Write a frame, array('h'), as 320 octets to buf[at:]; no heap."""
        _encode(pcm, buf, at, 160)

    def decode(self, buf, start: int, pcm, at: int, count: int) -> None:
        """Write *count* samples from sample *start* of buf on to pcm[at:]; no heap."""
        _decode(buf, 2 * start, pcm, at, count)

    def keep(self) -> None:
        """There is no state."""

    restore = keep
