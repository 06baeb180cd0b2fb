"""Telephone-events in RTP, both ways (RFC 4733): digits, *, #, A to D, and the hook flash.

A press is one event: all packets with the same timestamp belong to it, whichever of them arrive.
It is reported once at its first packet, whether or not that has the marker (some phones never set
it), and once at its end with its duration; the two redundant end packets change nothing. When all
three end packets are lost, the event ends `_SILENCE_MS` after the last one. An event that outlasts
the 16-bit duration goes on in segments with new timestamps (2.5.1.3), still one press.
"""

from array import array

from micropython import const

from usip.rtp import packet
from usip.ticks import ticks_diff

FLASH = const(16)
EVENT_BYTES = const(16)

_DIGITS = b"0123456789*#ABCD"
_QUEUE = const(16)
_SILENCE_MS = const(200)
_FRAME = const(160)
_END_PACKETS = const(3)
_PAUSE_FRAMES = const(2)  # between digits: 40 ms at least (Q.24); our frames are 20 ms
_VOLUME = const(10)  # -10 dBm0
_SEGMENT = const(65280)  # samples; the duration field ends at 65535
_NONE = const(-1)


def event_code(digit: int) -> int:
    """Return the event of a digit given as ASCII, or -1; lower-case letters are taken too.

    "!" is the hook flash (event 16).
    """
    if 97 <= digit <= 100:
        digit -= 32
    if digit == 33:
        return FLASH
    for code in range(16):
        if _DIGITS[code] == digit:
            return code
    return -1


def digit_of(code: int) -> int:
    """Return the ASCII digit of an event code ("!" for the flash), or -1."""
    if code == FLASH:
        return 33
    return _DIGITS[code] if 0 <= code < 16 else -1


class EventReceiver:
    """Packets in, presses and their ends out.

    `begun` counts presses and `ended` ends; the caller reads `code` and `duration` (in samples)
    when they change. At most one event is open: another one's first packet ends it.
    """

    def __init__(self) -> None:
        self.code = self.previous_code = _NONE  # of the newest event, and of one it replaced
        self.duration = self.previous_duration = 0
        self.is_open = False
        self._timestamp = bytearray(4)
        self._base = 0  # duration of the segments before this one
        self._segment = 0
        self._seen_ms = 0

    def receive(self, buf, start: int, end: int, now_ms: int) -> int:
        """Take the event payload buf[start:end] of the RTP packet in buf.

        Return 1 when a press begins, 2 when the event ends, 3 for both in one packet, 4 when an
        open event is replaced by a new press (then `previous_duration` is the old one's), 6 when
        that ends at once too, 0 for updates and repetitions, -1 when malformed or not a key.
        """
        if end - start < 4 or buf[start] > FLASH:
            return -1
        code = buf[start]
        is_end = buf[start + 1] >> 7
        length = buf[start + 2] << 8 | buf[start + 3]
        step = 0
        if self.code != _NONE:
            step = packet.timestamp_delta(buf, 4, self._timestamp, 0)
            if step < 0 and step > -packet.FAR:
                return 0  # an older event's packet, reordered
        if self.code == _NONE or step != 0:
            return self._begin(buf, code, is_end, length, step, now_ms)
        if not self.is_open:
            return 0
        self._update(length, now_ms)
        return self._close() if is_end else 0

    def _begin(self, buf, code, is_end, length, step, now_ms):
        goes_on = self.is_open and code == self.code and not buf[1] & 128 and step == self._segment
        for i in range(4):
            self._timestamp[i] = buf[4 + i]
        if goes_on:
            self._base += self._segment
            self._segment = 0
            self._update(length, now_ms)
            return self._close() if is_end else 0
        result = 1
        if self.is_open:
            result = 4
            self.previous_duration = self.duration
            self.previous_code = self.code
        self.code = code
        self._base = self._segment = self.duration = 0
        self.is_open = True
        self._update(length, now_ms)
        if is_end:
            self._close()
            result += 2
        return result

    def _update(self, length: int, now_ms: int) -> None:
        self._seen_ms = now_ms
        if length > self._segment:
            self._segment = length
            self.duration = self._base + length

    def _close(self) -> int:
        self.is_open = False
        return 2

    def handle_timer(self, now_ms: int) -> int:
        """Return 2 when the open event ends now because its end packets were lost, else 0."""
        if self.is_open and ticks_diff(now_ms, self._seen_ms) >= _SILENCE_MS:
            return self._close()
        return 0


class EventSender:
    """A queue of digits and the telephone-event payloads that send them, one a 20 ms frame."""

    def __init__(self) -> None:
        self._codes = bytearray(_QUEUE)
        self._frames = array("H", [0] * _QUEUE)
        self._count = 0
        self._duration = 0  # of this segment, in samples
        self._sent = 0  # frames of the event
        self._ends = 0  # end packets still to send
        self._pause = 0

    def is_busy(self) -> bool:
        """Whether a digit or the pause behind it keeps audio from being sent."""
        return self._count > 0 or self._pause > 0

    def queue(self, code: int, duration_ms: int) -> bool:
        """Add an event; False when 16 are waiting."""
        n = self._count
        if n >= _QUEUE:
            return False
        self._codes[n] = code
        frames = (duration_ms + 19) // 20
        self._frames[n] = 2 if frames < 2 else 65535 if frames > 65535 else frames
        self._count = n + 1
        return True

    def put_next(self, buf, at: int) -> int:
        """Write the payload of this frame to buf[at:]; return what the header needs.

        0: no packet this frame. Else bit 0 is set, bit 1 for the marker, and bits 2 up are the
        samples by which the event's timestamp moves first (a new segment of a long event).
        """
        if self._pause:
            self._pause -= 1
            return 0
        result = 1
        if self._ends == 0:
            if self._sent == 0:
                result = 3
                self._duration = 0
            elif self._duration >= _SEGMENT:
                result |= self._duration << 2
                self._duration = 0
            self._duration += _FRAME
            self._sent += 1
            if self._sent >= self._frames[0]:
                self._ends = _END_PACKETS
        buf[at] = self._codes[0]
        buf[at + 1] = _VOLUME | (0x80 if self._ends else 0)
        buf[at + 2] = self._duration >> 8
        buf[at + 3] = self._duration & 0xFF
        if self._ends:
            self._ends -= 1
            if self._ends == 0:
                self._finish()
        return result

    def _finish(self) -> None:
        self._count -= 1
        for i in range(self._count):
            self._codes[i] = self._codes[i + 1]
            self._frames[i] = self._frames[i + 1]
        self._sent = 0
        self._pause = _PAUSE_FRAMES
