"""Levels: gain with a limiter, and a high-pass filter, in place on one frame; no heap.

A gain is in 1/4096 and moves evenly from the last frame's, so changing it never clicks. What
would pass 16 bits is limited, not wrapped.
"""

from array import array

import micropython
from micropython import const

UNITY = 4096

_UNITY = const(4096)
_FRAME = const(160)
_MOST = const(32767)  # 18 dB


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
