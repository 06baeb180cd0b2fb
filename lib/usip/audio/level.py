"""Levels: gain, limiter, noise gate and a high-pass filter, in place on one frame; no heap.

A gain is in 1/4096 and moves evenly from the last frame's, so changing it never clicks. What
would pass 16 bits is cut off, not wrapped; a Limiter lowers the gain so that it need not be.
"""

from array import array

import micropython
from micropython import const

from usip.rtp import conceal

UNITY = 4096

_UNITY = const(4096)
_FRAME = const(160)
_MOST = const(32767)  # 18 dB
_ATTACK = const(16)  # samples, 2 ms
_OPENING = const(40)  # 5 ms
_HANG_FRAMES = const(12)
_CLOSED = const(400)  # -20 dB


@micropython.viper
def _ramp(pcm: ptr16, count: int, first: int, last: int, ramp: int):
    """Multiply pcm[:count] by a gain that goes from *first* to *last* in *ramp* samples."""
    pcm = ptr16(pcm)
    step = ((last - first) << 8) // ramp
    gain = first << 8
    i = 0
    while i < count:
        if i < ramp - 1:
            gain += step
        else:
            gain = last << 8
        a = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        g = gain >> 8
        # in two parts, so that no product passes 2**30
        a = ((a >> 4) * g >> 8) + ((a & 15) * g >> 12)
        if a > 32767:
            a = 32767
        if a < -32768:
            a = -32768
        pcm[i] = a & 0xFFFF
        i += 1


@micropython.viper
def _high_pass(pcm: ptr16, count: int, state: ptr32, pole: int):
    """y[n] = x[n] - x[n-1] + pole/4096 y[n-1]; *state* is x[n-1] and 16 y[n-1]."""
    pcm = ptr16(pcm)
    state = ptr32(state)
    x1 = int(state[0])
    y1 = int(state[1])
    i = 0
    while i < count:
        x = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        y1 = ((x - x1) << 4) + (y1 >> 8) * (pole >> 4) + ((y1 & 255) * (pole >> 4) >> 8)
        x1 = x
        y = y1 >> 4
        if y > 32767:
            y = 32767
        if y < -32768:
            y = -32768
        pcm[i] = y & 0xFFFF
        i += 1
    state[0] = x1
    state[1] = y1


@micropython.viper
def _peak(pcm: ptr16, count: int) -> int:
    """Return the greatest magnitude in pcm[:count]."""
    pcm = ptr16(pcm)
    peak = 0
    i = 0
    while i < count:
        a = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        if a < 0:
            a = 0 - a
        if a > peak:
            peak = a
        i += 1
    return peak


def gain_of(decibels: float) -> int:
    """Return the gain in 1/4096 of -60 .. 18 dB."""
    gain = round(_UNITY * 10 ** (decibels / 20))
    return gain if gain < _MOST else _MOST


class Gain:
    """A gain that may be changed at any time: set `target`, in 1/4096."""

    def __init__(self, target: int = _UNITY) -> None:
        self.target = self._now = target

    def apply(self, pcm, ramp: int = _FRAME) -> None:
        """Amplify the array('h') pcm[0:160] in place; reach `target` after *ramp* samples."""
        if self._now != _UNITY or self.target != _UNITY:
            _ramp(pcm, _FRAME, self._now, self.target, ramp)
            self._now = self.target


class HighPass:
    """Takes out hum and what a microphone adds below *hz* (-3 dB there), 20 .. 400."""

    def __init__(self, hz: int = 120) -> None:
        self._pole = round(4096 * (1 - 6.2832 * hz / 8000))
        self._state = array("i", [0, 0])

    def apply(self, pcm) -> None:
        """Filter the array('h') pcm[0:160] in place."""
        _high_pass(pcm, _FRAME, self._state, self._pole)


class Limiter:
    """A gain, *target* in 1/4096, that steps back from what would pass *ceiling*.

    It looks at a whole frame before it is played, and comes back within a second.
    """

    def __init__(self, target: int = _UNITY, ceiling: int = 29204) -> None:
        self.target = self._now = target
        self._ceiling = ceiling  # -1 dBov

    def apply(self, pcm) -> None:
        """Amplify the array('h') pcm[0:160] in place."""
        now = self._now
        wanted = now + (self.target - now + 15 >> 4)
        if wanted > self.target:
            wanted = self.target
        ramp = _FRAME
        peak = _peak(pcm, _FRAME)
        if peak * (wanted >> 4) >> 8 > self._ceiling:
            wanted = self._ceiling * _UNITY // peak
            if wanted < now:
                ramp = _ATTACK
        if now != _UNITY or wanted != _UNITY:
            _ramp(pcm, _FRAME, now, wanted, ramp)
            self._now = wanted


class Gate:
    """Weakens what is quieter than *decibels* (dBov, r.m.s.) by 20 dB after a quarter second."""

    def __init__(self, decibels: int) -> None:
        # the mean magnitude of speech and of noise is about 2 dB below its r.m.s.
        self._least = round(26000 * 10 ** (decibels / 20))
        self._gain = Gain()
        self._hang = 0

    def apply(self, pcm) -> None:
        """Take the array('h') pcm[0:160], which opens the gate before it is heard."""
        if conceal.level(pcm, 0, _FRAME) >= self._least:
            self._hang = _HANG_FRAMES
        elif self._hang:
            self._hang -= 1
        if self._hang:
            self._gain.target = _UNITY
            self._gain.apply(pcm, _OPENING)
        else:
            self._gain.target = _CLOSED
            self._gain.apply(pcm)
