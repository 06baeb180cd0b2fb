"""Messages from a stream, cut anywhere, in fixed memory (RFC 3261 18.3, RFC 5626 4.4.1).

Octets are copied into one buffer and scanned there; how they were cut makes no difference. Only
when the buffer is full before the header ends, or leaves no room for the body, the fields that
nobody asked for are taken out, so a message may be longer than the buffer: what has to fit are the
start line, the fields wanted and one line more. A body that does not fit goes to the sink in
pieces; without a sink it is swallowed and the request refused with 413.
"""

from array import array

import micropython
from micropython import const

from usip.errors import ParseError
from usip.octets import copy
from usip.sip.message import Message
from usip.sip.parser import check, go_on, refuse
from usip.sip.scanner import begin, identify, scan

_H_CONTENT_TYPE = const(9)
_IDS = const(82)

# states and elements of the scanner's array, as in scanner.py
_START = const(0)
_NAME = const(2)
_COLON = const(3)
_FULL = const(7)
_DONE = const(8)
_STATE = const(0)
_SLOT = const(1)
_NAME_START = const(2)
_LINE_END = const(5)
_COUNT = const(6)
_IDENTIFIED = const(10)
_STATE_SIZE = const(11)
_NO_FIELD = const(-1)
_IN_START_LINE = const(-2)

# The ids of the fields kept when room is short: all that changes what a user agent does.
WANTED = (
    b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
    b"\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x23\x24\x25\x26\x27\x28\x2b\x2c\x2d\x31\x32\x34\x35"
    b"\x36\x37\x38\x43\x44\x45"
)


@micropython.viper
def compact(buf: ptr8, used: int, st: ptr32, fields: ptr16, first: ptr8, wanted: ptr8) -> int:  # noqa: PLR0915
    """Take the fields that are not *wanted* (a flag by id) out of buf[:used]; return the new used.

    The field being read goes too: its state stays, so the rest of it is ignored as it comes.
    """
    buf = ptr8(buf)
    st = ptr32(st)
    fields = ptr16(fields)
    first = ptr8(first)
    wanted = ptr8(wanted)
    state = int(st[_STATE])
    if int(st[_SLOT]) == _IN_START_LINE:
        return used
    to = int(st[_LINE_END]) + 1
    if int(buf[to - 1]) == 13:
        to += 1
    i = 0
    while i < _IDS:
        first[i] = 0
        i += 1
    count = int(st[_COUNT]) << 2
    current = int(st[_SLOT])
    if state == _NAME or state == _COLON:
        current = _NO_FIELD  # the slot is still that of the field before
    kept = 0
    i = 0
    while i < count:
        field = int(fields[i])
        at = int(fields[i + 1])
        if int(wanted[field]):
            stop = int(fields[i + 3])
            if i == current:
                stop = used
            moved = at - to
            fields[kept] = field
            fields[kept + 1] = to & 0xFFFF
            fields[kept + 2] = (int(fields[i + 2]) - moved) & 0xFFFF
            fields[kept + 3] = (int(fields[i + 3]) - moved) & 0xFFFF
            while at < stop:
                buf[to] = buf[at]
                to += 1
                at += 1
            if int(first[field]) == 0:
                first[field] = ((kept >> 2) + 1) & 0xFF
            if i == current:
                st[_SLOT] = kept
            else:
                buf[to] = 10
                to += 1
            kept += 4
        elif i == current:
            st[_SLOT] = _NO_FIELD
        i += 4
    st[_COUNT] = kept >> 2
    st[_IDENTIFIED] = kept
    if state == _NAME or state == _COLON:
        at = int(st[_NAME_START])
        st[_NAME_START] = to
        while at < used:
            buf[to] = buf[at]
            to += 1
            at += 1
    return to


class StreamParser:
    """The messages of one connection, one at a time.

    `feed` octets until `ready`, use `message`, call `next`, feed the rest. A ParseError ends the
    stream: answer with its status when that is not 0 and close the connection. After the
    constructor nothing here uses heap.
    """

    def __init__(self, limits, sink=None, wanted: bytes = WANTED) -> None:
        self.message = Message(limits.headers)
        self.sink = sink
        self.pings = 0  # double CRLFs between messages, each to be answered with a CRLF
        self.pongs = 0  # single CRLFs
        self.ready = False
        self._buf = bytearray(limits.message_bytes)
        self._discardable = limits.discarded_body_bytes
        self._wanted = bytearray(_IDS)
        for header_id in wanted:
            self._wanted[header_id] = 1
        self._st = array("i", [0] * _STATE_SIZE)
        self._crlfs = 0
        self.next()

    def next(self) -> None:
        """Forget the message and go on with the octets behind it."""
        begin(self._st, len(self.message.fields) >> 2)
        self.ready = False
        self._used = 0  # octets in the buffer
        self._scanned = 0
        self._body_left = -1  # octets of the body still to come; -1: in the header

    def feed(self, data: bytes, start: int, end: int) -> int:
        """Take octets of data[start:end]; return how many, all of them unless a message is ready.

        Raises ParseError.
        """
        at = start
        while at < end and not self.ready:
            if self._body_left >= 0:
                at = self._feed_body(data, at, end)
            elif self._st[_STATE] == _START and data[at] in b"\r\n":
                self._count_empty_line(data[at])
                at += 1
            else:
                at = self._feed_header(data, at, end)
        return at - start

    def _count_empty_line(self, octet: int) -> None:
        if octet == 10:
            self._crlfs ^= 1
            self.pongs += 1 if self._crlfs else -1
            self.pings += 1 - self._crlfs

    def _feed_header(self, data: bytes, at: int, end: int) -> int:
        st = self._st
        message = self.message
        used = self._used
        stop = min(end, at + len(self._buf) - used)
        self._crlfs = 0
        copy(self._buf, used, data, at, stop)
        used += stop - at
        message.buf = self._buf
        scanned = scan(self._buf, self._scanned, used, st, message.fields)
        if st[_STATE] == _FULL:
            scanned = go_on(message, scanned, used, st)
        if st[_STATE] == _DONE:
            self._used = self._scanned = scanned
            self._begin_body()
            return stop - (used - scanned)
        if used == len(self._buf):
            used = scanned = self._compact(used)
            if used == len(self._buf):
                raise ParseError(513, used, "the header is longer than the buffer")
        self._used = used
        self._scanned = scanned
        return stop

    def _compact(self, used: int) -> int:
        message = self.message
        identify(self._buf, self._st, message.fields, message.first)
        return compact(self._buf, used, self._st, message.fields, message.first, self._wanted)

    def _begin_body(self) -> None:
        message = self.message
        check(message, self._st)
        length = message.content_length
        if length < 0:
            # RFC 3261 18.3: without it nobody knows where the next message starts
            refuse(message, 400, self._used, "no Content-Length in a stream")
            length = 0
        if length > len(self._buf) - self._used:
            self._used = self._compact(self._used)
            check(message, self._st)
        message.body_start = message.body_end = message.end = self._used
        self._body_left = length
        if length > len(self._buf) - self._used:
            self._begin_long_body(length)
        if length == 0:
            self.ready = True

    def _begin_long_body(self, length: int) -> None:
        message = self.message
        message.body_start = message.body_end = 0
        start = end = 0
        i = message.find(_H_CONTENT_TYPE)
        if i >= 0:
            start = message.value_start(i)
            end = message.value_end(i)
        if self.sink is not None and self.sink.begin(self._buf, start, end):
            message.body_sink = self.sink
        elif length > self._discardable:
            raise ParseError(413, self._used, "a body longer than will be swallowed")
        elif not message.fault:
            message.fault = 413
            message.fault_at = self._used
            message.fault_text = "the body is longer than the buffer"

    def _feed_body(self, data: bytes, at: int, end: int) -> int:
        message = self.message
        stop = min(end, at + self._body_left)
        if message.body_start:
            copy(self._buf, message.body_end, data, at, stop)
            message.body_end += stop - at
            message.end = message.body_end
        elif message.body_sink is not None:
            message.body_sink.feed(data, at, stop)
        self._body_left -= stop - at
        if not self._body_left:
            self.ready = True
            if message.body_sink is not None:
                message.body_sink.finish()
        return stop
