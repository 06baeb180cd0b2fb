"""From 16 to 8 kHz and back by a half-band filter: 3.4 kHz pass, 4.6 kHz are 51 dB down.

Every second coefficient of such a filter is zero, and the middle one a half: eleven products make
a sample. No frame uses heap. The delay is 1.3 ms each way.
"""

from array import array

import micropython
from micropython import const

_PAST = const(42)  # samples at 16 kHz
_HALF_PAST = const(22)  # samples at 8 kHz
_TAPS = array("h", (10377, -3337, 1861, -1189, 793, -531, 348, -219, 129, -68, 28))


@micropython.viper
def _decimate(work: ptr16, pcm: ptr16, count: int):
    """Make pcm[:count] of work[:42 + 2 count]."""
    work = ptr16(work)
    pcm = ptr16(pcm)
    taps = ptr16(_TAPS)
    i = 0
    while i < count:
        at = i + i + 21
        total = ((((int(work[at]) & 0xFFFF) ^ 0x8000) - 0x8000) << 14) + 16384
        k = 0
        while k < 11:
            n = k + k + 1
            a = ((int(work[at - n]) & 0xFFFF) ^ 0x8000) - 0x8000
            a += ((int(work[at + n]) & 0xFFFF) ^ 0x8000) - 0x8000
            h = ((int(taps[k]) & 0xFFFF) ^ 0x8000) - 0x8000
            total += (a >> 1) * h << 1
            k += 1
        total = total >> 15
        if total > 32767:
            total = 32767
        if total < -32768:
            total = -32768
        pcm[i] = total & 0xFFFF
        i += 1


@micropython.viper
def _interpolate(work: ptr16, pcm: ptr16, count: int):
    """Make pcm[:2 count] of work[:22 + count]."""
    work = ptr16(work)
    pcm = ptr16(pcm)
    taps = ptr16(_TAPS)
    i = 0
    while i < count:
        at = i + 10
        pcm[i + i] = int(work[at])
        total = 4096
        k = 0
        while k < 11:
            a = ((int(work[at - k]) & 0xFFFF) ^ 0x8000) - 0x8000
            a += ((int(work[at + k + 1]) & 0xFFFF) ^ 0x8000) - 0x8000
            h = ((int(taps[k]) & 0xFFFF) ^ 0x8000) - 0x8000
            total += (a >> 1) * h
            k += 1
        total = total >> 13
        if total > 32767:
            total = 32767
        if total < -32768:
            total = -32768
        pcm[i + i + 1] = total & 0xFFFF
        i += 1


@micropython.viper
def _copy(to: ptr16, at: int, pcm: ptr16, start: int, count: int):
    to = ptr16(to)
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        to[at + i] = int(pcm[start + i])
        i += 1


class Decimator:
    """Frames of 320 samples at 16 kHz in, of 160 at 8 kHz out."""

    def __init__(self) -> None:
        self._work = array("h", [0] * (_PAST + 320))

    def apply(self, wide, pcm) -> None:
        """Fill pcm[0:160] from wide[0:320], two array('h')."""
        work = self._work
        _copy(work, _PAST, wide, 0, 320)
        _decimate(work, pcm, 160)
        _copy(work, 0, work, 320, _PAST)


class Interpolator:
    """Frames of 160 samples at 8 kHz in, of 320 at 16 kHz out."""

    def __init__(self) -> None:
        self._work = array("h", [0] * (_HALF_PAST + 160))

    def apply(self, pcm, wide) -> None:
        """Fill wide[0:320] from pcm[0:160], two array('h')."""
        work = self._work
        _copy(work, _HALF_PAST, pcm, 0, 160)
        _interpolate(work, wide, 160)
        _copy(work, 0, work, 160, _HALF_PAST)
