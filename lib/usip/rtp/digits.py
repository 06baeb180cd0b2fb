"""The presses of a call, each once, whichever way it came: RFC 4733, in-band, SIP INFO.

A press by another way within `_SAME_MS` of one of the same key is that press again: senders use
two ways at once, and the sound of a key is heard later than its event arrives. A press is there at
its first sign and once more when it ends, then with its duration, told by the way it came first.
"""

from array import array

from micropython import const

from usip.ticks import ticks_diff

RFC4733 = 0
INBAND = 1
INFO = 2
END = 32  # added to the event code of a press that ended

_END = const(32)
_QUEUE = const(16)
_SAME_MS = const(400)


class Digits:
    """A queue of presses and of their ends, in order; the 17th unread one is lost."""

    def __init__(self) -> None:
        self._queue = bytearray(2 * _QUEUE)  # event code and way in turn
        self._ms = array("H", [0] * _QUEUE)
        self._count = 0
        self._code = -1  # the newest press, its way and time
        self._way = -1
        self._at_ms = 0
        self.duration_ms = 0  # of what `next_event` returned last, 0 for a press
        self.way = RFC4733  # and the way it came

    def press(self, code: int, way: int, now_ms: int) -> bool:
        """Take a press; False when it is one already known. No heap."""
        if code == self._code and way != self._way:
            if ticks_diff(now_ms, self._at_ms) < _SAME_MS:
                return False
        self._code = code
        self._way = way
        self._at_ms = now_ms
        self._put(code, way, 0)
        return True

    def end(self, code: int, way: int, duration: int, now_ms: int) -> None:
        """Take the end of a press, of *duration* samples, unless another way told it first."""
        if code == self._code:
            if way != self._way:
                return
            self._at_ms = now_ms
        ms = duration // 8
        self._put(code + _END, way, ms if ms < 65535 else 65535)

    def _put(self, code, way, ms):
        n = self._count
        if n < _QUEUE:
            self._queue[2 * n] = code
            self._queue[2 * n + 1] = way
            self._ms[n] = ms
            self._count = n + 1

    def next_event(self) -> int:
        """Return the code of the next press, that of its end plus END, or -1. No heap."""
        if self._count == 0:
            return -1
        queue = self._queue
        code = queue[0]
        self.way = queue[1]
        self.duration_ms = self._ms[0]
        self._count -= 1
        for i in range(self._count):
            queue[2 * i] = queue[2 * i + 2]
            queue[2 * i + 1] = queue[2 * i + 3]
            self._ms[i] = self._ms[i + 1]
        return code
