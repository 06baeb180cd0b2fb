"""The self test of a sound device: what its loudspeaker says, its microphone must hear.

A second of quiet, then a tone of 1 kHz, each measured; in the air between the two, or through a
wire in their place. `step` is called once in 20 ms, so it runs beside everything else.
"""

from array import array
from math import cos, log10, pi

from micropython import const

from usip.audio.tone import Tone

_FRAME = const(160)
_SETTLE = const(10)  # frames
_QUIET = const(50)
_END = const(125)
_LATE = const(35)  # the tone has arrived by then


class Loopback:
    """A test of *source* and *sink*, as open() of a device returns them.

    Afterwards: *quiet* and *loud*, mean magnitudes; *tone*, the share of what was heard that was
    the tone, 0 to 100; *delay_ms*, -1 when it was not heard; *peak*.
    """

    def __init__(self, source, sink) -> None:
        self._source = source
        self._sink = sink
        self._pcm = array("h", bytes(2 * _FRAME))
        self._tone = Tone(1000, level=-12)
        self._frame = 0
        self._coefficient = 2 * cos(2 * pi * 1000 / 8000)
        self._share = self._frames = 0
        self.quiet = self.loud = self.peak = self.tone = 0
        self.delay_ms = -1

    def step(self) -> bool:
        """Play and record 20 ms; return whether there is more to do. Uses heap (floats)."""
        pcm = self._pcm
        frame = self._frame
        self._frame += 1
        self._source.read(pcm)
        self._measure(frame, pcm)
        if frame >= _QUIET:
            self._tone.read(pcm)
        else:
            for i in range(_FRAME):
                pcm[i] = 0
        self._sink.write(pcm)
        if self._frame < _END:
            return True
        self.quiet //= _QUIET - _SETTLE
        self.loud //= _END - _QUIET - _LATE
        self.tone = round(self._share / (_END - _QUIET - _LATE))
        return False

    def _measure(self, frame, pcm):
        level = self._level(pcm)
        if frame < _SETTLE:
            return
        if frame < _QUIET:
            self.quiet += level
            return
        share = self._purity(pcm)
        if self.delay_ms < 0 and share > 50 and level > 3 * self.quiet // (_QUIET - _SETTLE):
            self.delay_ms = 20 * (frame - _QUIET)
        if frame >= _QUIET + _LATE:
            self.loud += level
            self._share += share

    def _level(self, pcm):
        total = 0
        for sample in pcm:
            size = sample if sample > 0 else -sample
            total += size
            if size > self.peak:
                self.peak = size
        return total // _FRAME

    def _purity(self, pcm):
        """Return how much of the frame's energy is at 1 kHz, in percent (Goertzel)."""
        s1 = s2 = 0.0
        energy = 1.0
        coefficient = self._coefficient
        for sample in pcm:
            s1, s2 = sample + coefficient * s1 - s2, s1
            energy += sample * sample
        power = s1 * s1 + s2 * s2 - coefficient * s1 * s2
        return 100 * power * 2 / _FRAME / energy


def decibels(level: int) -> int:
    """Return a magnitude in dB below full scale."""
    return round(20 * log10(level / 32768)) if level > 0 else -96
