"""Silence suppression: nothing is sent while nothing is said but how loud that is (RFC 3389).

A frame is speech when it is clearly louder than the floor, which follows the quietest frames; 200
ms after the last one are sent too. Then a comfort noise packet gives the level, and another one
each time that changes or a second has gone by; the first speech frame has the marker.
"""

from micropython import const

from usip.rtp import conceal

_FRAME = const(160)
_HANG_FRAMES = const(10)
_REPEAT_FRAMES = const(50)
_LEAST = const(24)  # mean magnitude that may be speech: -63 dBov
_CLEAR = const(3)  # times the floor


def noise_level(mean: int) -> int:
    """Return the level of even noise of *mean* magnitude in -dBov, 0 .. 127."""
    if mean <= 0:
        return 127
    level = -1  # mean 32768 would be 1.2 dB above 0 dBov
    while mean < 16384 and level < 120:
        mean *= 2
        level += 6
    return level + (32768 - mean) * 6 // 16384 if mean < 32768 else 0


class Suppressor:
    """Decides for each frame: 0 send it, 1 send comfort noise of `level`, 2 send nothing."""

    def __init__(self) -> None:
        self.level = 0
        self._floor = 0  # mean magnitude in 1/16
        self._hang = _HANG_FRAMES
        self._since = _REPEAT_FRAMES

    def decide(self, pcm) -> int:
        """Take the frame that is to be sent next; no heap."""
        now = conceal.level(pcm, 0, _FRAME)
        higher = self._floor + (self._floor >> 7) + 1
        self._floor = higher if self._floor and higher < 16 * now else 16 * now
        if now > _LEAST and 16 * now > _CLEAR * self._floor:
            self._hang = _HANG_FRAMES
        elif self._hang:
            self._hang -= 1
        if self._hang:
            self._since = _REPEAT_FRAMES
            return 0
        level = noise_level(now)
        self._since += 1
        if self._since < _REPEAT_FRAMES and -6 < level - self.level < 6:
            return 2
        self.level = level
        self._since = 0
        return 1
