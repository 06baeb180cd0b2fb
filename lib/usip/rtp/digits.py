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

_QUEUE = const(8)
_SAME_MS = const(400)


class Digits:
    """Two queues of event codes, for presses and for their ends; the ninth unread one is lost."""

    def __init__(self) -> None:
        self._presses = bytearray(_QUEUE)
        self._press_count = 0
        self._ends = bytearray(2 * _QUEUE)  # code and way in turn
        self._end_ms = array("H", [0] * _QUEUE)
        self._end_count = 0
        self._code = -1  # the newest press, its way and time
        self._way = -1
        self._at_ms = 0
        self.duration_ms = 0  # of what `next_end` returned last
        self.way = RFC4733

    def press(self, code: int, way: int, now_ms: int) -> bool:
        """Take a press; False when it is one already known. No heap."""
        if code == self._code and way != self._way:
            if ticks_diff(now_ms, self._at_ms) < _SAME_MS:
                return False
        self._code = code
        self._way = way
        self._at_ms = now_ms
        if self._press_count < _QUEUE:
            self._presses[self._press_count] = code
            self._press_count += 1
        return True

    def end(self, code: int, way: int, duration: int, now_ms: int) -> None:
        """Take the end of a press, of *duration* samples, unless another way told it first."""
        if code == self._code:
            if way != self._way:
                return
            self._at_ms = now_ms
        if self._end_count < _QUEUE:
            n = self._end_count
            self._ends[2 * n] = code
            self._ends[2 * n + 1] = way
            ms = duration // 8
            self._end_ms[n] = ms if ms < 65535 else 65535
            self._end_count = n + 1

    def next_press(self) -> int:
        """Return the code of the next press, or -1."""
        if self._press_count == 0:
            return -1
        code = self._presses[0]
        self._press_count -= 1
        for i in range(self._press_count):
            self._presses[i] = self._presses[i + 1]
        return code

    def next_end(self) -> int:
        """Return the code of the next press that ended, or -1; see `duration_ms` and `way`."""
        if self._end_count == 0:
            return -1
        code = self._ends[0]
        self.way = self._ends[1]
        self.duration_ms = self._end_ms[0]
        self._end_count -= 1
        for i in range(self._end_count):
            self._ends[2 * i] = self._ends[2 * i + 2]
            self._ends[2 * i + 1] = self._ends[2 * i + 3]
            self._end_ms[i] = self._end_ms[i + 1]
        return code
