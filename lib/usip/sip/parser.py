"""From octets to a Message: datagrams whole, streams in any pieces (RFC 3261 7, 18.3).

`scanner.scan` finds the lines and fields; the checks here look at the few fields every message
has. Faults come in two strengths. What cannot be answered raises ParseError. A request whose Via,
From, To, Call-ID and CSeq are there is filled in all the same, with `message.fault` the status to
refuse it with. A faulty response is of no use to anybody: ParseError with status 0.
"""

from array import array

from micropython import const

from usip.errors import ParseError
from usip.octets import parse_uint, trim_lws
from usip.sip.grammar import find_separator, scan_cseq
from usip.sip.scanner import begin, method_id, scan, scan_start_line

_H_VIA = const(1)
_H_FROM = const(2)
_H_TO = const(3)
_H_CALL_ID = const(4)
_H_CSEQ = const(5)
_H_MAX_FORWARDS = const(7)
_H_CONTENT_LENGTH = const(8)

# states and elements of the scanner's array, as in scanner.py
_START = const(0)
_VALUE = const(5)
_DONE = const(8)
_STATE = const(0)
_SLOT = const(1)
_LINE_START = const(5)
_LINE_END = const(6)
_COUNT = const(7)
_OVERFLOW = const(9)
_REPEATED = const(10)
_STATE_SIZE = const(13)
_IN_START_LINE = const(-2)

_STATE_OF_DATAGRAM = array("i", [0] * _STATE_SIZE)
_OUT = array("i", [0] * 8)


def index(message, buf: bytes, start: int, end: int) -> None:
    """Fill *message* with the one message in buf[start:end], a datagram; nothing is copied.

    Octets behind Content-Length are not looked at (18.3). Raises ParseError for what cannot be
    answered, status 0 for what is to be dropped. Uses no heap unless it raises.
    """
    if end > 65535:
        raise ParseError(513, 65535, "more octets than a datagram holds")
    st = _STATE_OF_DATAGRAM
    fields = message.fields
    begin(st, message.first, len(fields) // 4)
    message.buf = buf
    at = scan(buf, start, end, st, fields, message.first)
    if st[_STATE] != _DONE:
        _end_early(buf, end, st, fields)
    check(message, st)
    length = message.content_length
    message.body_start = at
    message.body_end = message.end = end
    if st[_STATE] != _DONE:
        refuse(message, 400, end, "no empty line behind the header")
    elif length > end - at:
        refuse(message, 400, end, "fewer octets than Content-Length says")
    elif length >= 0:
        message.body_end = message.end = at + length


def _end_early(buf: bytes, end: int, st, fields) -> None:
    """Let the datagram's end end the line, so that the request can be refused in due form."""
    if st[_STATE] == _START:
        raise ParseError(0, end, "nothing but empty lines")
    slot = st[_SLOT]
    if slot == _IN_START_LINE:
        raise ParseError(0, end, "nothing but a start line")
    if st[_STATE] == _VALUE and slot >= 0:
        fields[slot + 3] = trim_lws(buf, fields[slot + 2], end)


def refuse(message, status: int, at: int, text: str) -> None:
    """Note the first fault of a request; raise ParseError for a response."""
    if not message.is_request:
        raise ParseError(0, at, text)
    if not message.fault:
        message.fault = status
        message.fault_at = at
        message.fault_text = text


def check(message, st) -> None:
    """Read the start line and the fields every message has; set the message's fault."""
    message.start = st[_LINE_START]
    message.count = st[_COUNT]
    message.fault = 0
    message.fault_text = ""
    message.body_sink = None
    status = _check_start_line(message, st)
    _check_present(message)
    if status:
        text = "the start line is malformed" if status == 400 else "the SIP version is not 2.0"
        refuse(message, status, message.start, text)
    if st[_REPEATED]:
        at = message.fields[4 * message.first[st[_REPEATED]] - 3]
        refuse(message, 400, at, "a field that may be there once is repeated")
    if st[_OVERFLOW]:
        refuse(message, 513, message.start, "too many header fields")
    _check_addresses(message)
    _check_via(message)
    _check_cseq(message)
    _check_numbers(message)


def _check_start_line(message, st) -> int:
    out = _OUT
    at = st[_LINE_START]
    status = scan_start_line(message.buf, at, st[_LINE_END], out)
    message.is_request = out[0] == 1
    if message.is_request:
        message.method_start = out[1]
        message.method_end = out[2]
        message.uri_start = out[3]
        message.uri_end = out[4]
        message.method = method_id(message.buf, out[1], out[2])
        message.status_code = 0
        return status
    if status:  # what looks like a response is never answered
        raise ParseError(0 if out[0] else 400, at, "neither a request nor a response")
    message.status_code = out[1]
    message.reason_start = out[2]
    message.reason_end = out[3]
    message.uri_start = message.uri_end = 0
    return 0


def _check_present(message) -> None:
    first = message.first
    if first[_H_VIA] and first[_H_FROM] and first[_H_TO]:
        if first[_H_CALL_ID] and first[_H_CSEQ]:
            return
    status = 400 if message.is_request else 0
    raise ParseError(status, message.start, "Via, From, To, Call-ID or CSeq is missing")


def _check_addresses(message) -> None:
    buf = message.buf
    fields = message.fields
    first = message.first
    i = 4 * first[_H_FROM] - 2
    if not message.from_.parse(buf, fields[i], fields[i + 1]):
        refuse(message, 400, fields[i], "From is malformed")
    i = 4 * first[_H_TO] - 2
    if not message.to.parse(buf, fields[i], fields[i + 1]):
        refuse(message, 400, fields[i], "To is malformed")
    i = 4 * first[_H_CALL_ID] - 2
    message.call_id_start = start = fields[i]
    message.call_id_end = fields[i + 1]
    if start == message.call_id_end:
        refuse(message, 400, start, "Call-ID is empty")


def _check_via(message) -> None:
    i = 4 * message.first[_H_VIA] - 2
    start = message.fields[i]
    end = message.fields[i + 1]
    comma = find_separator(message.buf, start, end, 44)
    if not message.via.parse(message.buf, start, comma if comma >= 0 else end):
        raise ParseError(400 if message.is_request else 0, start, "the topmost Via is malformed")


def _check_cseq(message) -> None:
    out = _OUT
    i = 4 * message.first[_H_CSEQ] - 2
    at = message.fields[i]
    buf = message.buf
    if not scan_cseq(buf, at, message.fields[i + 1], out):
        message.cseq = 0
        refuse(message, 400, at, "CSeq is malformed")
        return
    message.cseq = out[0]
    start = out[1]
    end = out[2]
    method = method_id(buf, start, end)
    if not message.is_request:
        message.method = method
        message.method_start = start
        message.method_end = end
    elif method != message.method or not (method or _is_same_method(message, start, end)):
        refuse(message, 400, start, "the method of CSeq is another than the request's")


def _is_same_method(message, start: int, end: int) -> bool:
    own = message.method_start
    if end - start != message.method_end - own:
        return False
    buf = message.buf
    for i in range(end - start):
        if buf[start + i] != buf[own + i]:
            return False
    return True


def _check_numbers(message) -> None:
    message.max_forwards = n = _number(message, _H_MAX_FORWARDS)
    if n < -1 or n > 255:
        refuse(message, 400, message.start, "Max-Forwards is not in 0 to 255")
    message.content_length = n = _number(message, _H_CONTENT_LENGTH)
    if n < -1:
        message.content_length = -1
        refuse(message, 400, message.start, "Content-Length is no number")


def _number(message, header_id: int) -> int:
    """Return the field's number, -1 when it is absent, -2 when it is no number."""
    i = 4 * message.first[header_id] - 2
    if i < 0:
        return -1
    n = parse_uint(message.buf, message.fields[i], message.fields[i + 1])
    return n if n >= 0 else -2
