"""Sound over sound: a tone or a prompt beside what a call sends or hears, added sample by sample.

An overlay stands in the place of a call's source or sink and steps out of it when its sound is
finished or `stop` is called; the call itself knows nothing of it. No frame uses heap.
"""

from array import array

import micropython
from micropython import const

_FRAME = const(160)


@micropython.viper
def mix(pcm: ptr16, other: ptr16, at: int, count: int):
    """Add other[at:at + count] to pcm[:count], limited to 16 bits."""
    pcm = ptr16(pcm)
    other = ptr16(other)
    i = 0
    while i < count:
        a = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        a += ((int(other[at + i]) & 0xFFFF) ^ 0x8000) - 0x8000
        if a > 32767:
            a = 32767
        if a < -32768:
            a = -32768
        pcm[i] = a & 0xFFFF
        i += 1


class Overlay:
    """Adds *sound*, which has read(pcm) or better add(pcm), to one direction of *call*."""

    def __init__(self, call, sound, is_sent: bool) -> None:
        self._call = call
        self.sound = sound
        self._is_sent = is_sent
        self._scratch = None if hasattr(sound, "add") else array("h", bytes(2 * _FRAME))
        self._inner = call.source if is_sent else call.sink
        if is_sent:
            call.source = self
        else:
            call.sink = self
        call.fit()

    @property
    def is_wide(self) -> bool:
        """Whether frames of 320 samples can be mixed."""
        inner = self._inner
        return self._scratch is None and (inner is None or getattr(inner, "is_wide", False))

    def read(self, pcm) -> None:
        """Fill *pcm* with what is to be sent, the sound added."""
        if self._inner is not None:
            self._inner.read(pcm)
        else:
            for i in range(len(pcm)):
                pcm[i] = 0
        self._add(pcm)

    def write(self, pcm) -> None:
        """Play *pcm* with the sound added."""
        inner = self._inner
        self._add(pcm)
        if inner is not None:
            inner.write(pcm)

    def _add(self, pcm):
        sound = self.sound
        if self._scratch is None:
            sound.add(pcm)
        else:
            sound.read(self._scratch)
            mix(pcm, self._scratch, 0, _FRAME)
        if sound.is_finished:
            self.stop()

    def stop(self) -> None:
        """Leave the call as it was; a second time, or under another overlay, only be silent."""
        call = self._call
        self.sound.close()
        if self._is_sent and call.source is self:
            call.source = self._inner
        elif not self._is_sent and call.sink is self:
            call.sink = self._inner
        else:
            self.sound = NOTHING
            return
        call.fit()

    def close(self) -> None:
        """Close the sound and the end below it."""
        self.sound.close()
        if self._inner is not None:
            self._inner.close()


class _Nothing:
    is_finished = False

    def add(self, pcm) -> None:
        """Add nothing."""

    def read(self, pcm) -> None:
        """Give silence."""
        for i in range(len(pcm)):
            pcm[i] = 0

    def close(self) -> None:
        """Nothing to release."""


NOTHING = _Nothing()


def hear(call, sound) -> Overlay:
    """Let us hear *sound* over the far side's voice, such as a call waiting tone."""
    return Overlay(call, sound, False)


def send(call, sound) -> Overlay:
    """Let the far side hear *sound* over ours, such as a prompt."""
    return Overlay(call, sound, True)


def announce_waiting(call, country: str = "eu", times: int = 2) -> Overlay:
    """Let us hear in *call* that another one waits, *times* times."""
    from usip.audio.tone import call_tone

    return hear(call, call_tone("waiting", country, -16, times))
