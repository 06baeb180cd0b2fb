"""From octets to a Message: datagrams whole, streams in any pieces (RFC 3261 7, 18.3).

`scanner.scan` finds the lines and fields; the checks here look at the few fields every message
has. Faults come in two strengths. What cannot be answered raises ParseError. A request whose Via,
From, To, Call-ID and CSeq are there is filled in all the same, with `message.fault` the status to
refuse it with. A faulty response is of no use to anybody: ParseError with status 0.
"""

from array import array

from micropython import const

from usip.errors import ParseError
from usip.octets import equals_nocase, find_octet, parse_uint, skip_lws, trim_lws
from usip.sip.grammar import OUT, is_token, scan_name_addr, scan_numbers, scan_params
from usip.sip.scanner import begin, identify, make_room, method_id, scan, scan_start_line
from usip.sip.uri import scan_uri

_H_VIA = const(1)
_H_FROM = const(2)
_H_TO = const(3)
_H_CALL_ID = const(4)
_H_CSEQ = const(5)
_H_CONTACT = const(6)
_H_MAX_FORWARDS = const(7)
_H_CONTENT_LENGTH = const(8)

# states and elements of the scanner's array, as in scanner.py
_START = const(0)
_LINE = const(1)
_VALUE = const(4)
_FULL = const(7)
_DONE = const(8)
_STATE = const(0)
_SLOT = const(1)
_LINE_START = const(4)
_LINE_END = const(5)
_COUNT = const(6)
_OVERFLOW = const(8)
_REPEATED = const(9)
_STATE_SIZE = const(11)
_IN_START_LINE = const(-2)

_STATE_OF_DATAGRAM = array("i", [0] * _STATE_SIZE)


def index(message, buf: bytes, start: int, end: int) -> None:
    """Fill *message* with the one message in buf[start:end], a datagram; nothing is copied.

    Octets behind Content-Length are not looked at (18.3). Raises ParseError for what cannot be
    answered, status 0 for what is to be dropped. Uses no heap unless it raises.
    """
    if end > 65535:
        raise ParseError(513, 65535, "more octets than a datagram holds")
    st = _STATE_OF_DATAGRAM
    fields = message.fields
    begin(st, len(fields) >> 2)
    message.buf = buf
    at = scan(buf, start, end, st, fields)
    if st[_STATE] == _FULL:
        at = go_on(message, at, end, st)
    settle(message, at, end, st)


def go_on(message, at: int, end: int, st) -> int:
    """Scan on, making room in the index whenever it is full; return where scanning ended."""
    buf = message.buf
    while st[_STATE] == _FULL:
        make_room(buf, st, message.fields, message.first)
        at = scan(buf, at, end, st, message.fields)
    return at


def settle(message, at: int, end: int, st) -> None:
    """Finish a datagram that ends at *end*, its header scanned up to *at*; raises as `index`."""
    if st[_STATE] != _DONE:
        _end_early(message, end, st)
    check(message, st)
    length = message.content_length
    message.body_start = at
    message.body_end = message.end = end
    if st[_STATE] != _DONE and (st[_STATE] != _LINE or length > 0):
        # Lax: an empty line may lack, because RFC 5118's own archive and some gateways leave it
        # out where there is no body
        refuse(message, 400, end, "the header does not end")
    elif length > end - at:
        refuse(message, 400, end, "fewer octets than Content-Length says")
    elif length >= 0:
        message.body_end = message.end = at + length


def _end_early(message, end: int, st) -> None:
    """Let the datagram's end end the line, so that the request can be refused in due form."""
    if st[_STATE] == _START:
        raise ParseError(0, end, "nothing but empty lines")
    slot = st[_SLOT]
    if slot == _IN_START_LINE:
        raise ParseError(0, end, "nothing but a start line")
    if st[_STATE] == _VALUE and slot >= 0:
        fields = message.fields
        start = skip_lws(message.buf, fields[slot + 2], end)
        fields[slot + 2] = start
        fields[slot + 3] = trim_lws(message.buf, start, end)


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
    buf = message.buf
    fields = message.fields
    first = message.first
    out = OUT
    identify(buf, st, fields, first)
    message.start = at = st[_LINE_START]
    message.count = st[_COUNT]
    message.fault = 0
    message.fault_text = ""
    message.body_sink = None
    kind = scan_start_line(buf, at, st[_LINE_END], out)
    message.is_request = kind == 1
    call_id = first[_H_CALL_ID]
    from_ = first[_H_FROM]
    to = first[_H_TO]
    via = first[_H_VIA]
    if not (kind and via and from_ and to and call_id and first[_H_CSEQ]):
        raise _incomplete(message, kind, at)
    if kind == 1:
        _check_request_line(message, out)
    else:
        _check_status_line(message, out)
    if st[_REPEATED] or st[_OVERFLOW]:
        _check_fields(message, st)
    via = 4 * via - 2
    if not message.via.parse(buf, fields[via], fields[via + 1]):
        raise ParseError(400 if kind == 1 else 0, fields[via], "the topmost Via is malformed")
    from_ = 4 * from_ - 2
    if not message.from_.parse(buf, fields[from_], fields[from_ + 1]):
        refuse(message, 400, fields[from_], "From is malformed")
    to = 4 * to - 2
    if not message.to.parse(buf, fields[to], fields[to + 1]):
        refuse(message, 400, fields[to], "To is malformed")
    call_id = 4 * call_id - 2
    message.call_id_start = at = fields[call_id]
    message.call_id_end = end = fields[call_id + 1]
    if at == end:
        refuse(message, 400, at, "Call-ID is empty")
    _check_numbers(message, out)
    if kind == 1 and first[_H_CONTACT]:
        _check_contact(message)


def _incomplete(message, kind: int, at: int) -> ParseError:
    """Return the error of a message without a field it must have; 400 when there is a Via."""
    if kind == 0:
        return ParseError(0, at, "neither a request nor a response")
    status = 400 if kind == 1 and message.first[_H_VIA] else 0
    return ParseError(status, at, "Via, From, To, Call-ID or CSeq is missing")


def _check_request_line(message, out) -> None:
    buf = message.buf
    message.method_start = at = out[0]
    message.method_end = end = out[1]
    message.uri_start = uri = out[2]
    message.uri_end = uri_end = out[3]
    message.status_code = 0
    message.method = method = method_id(buf, at, end)
    if not out[6]:
        _check_version(message, out[4], out[5])
    elif not method and not is_token(buf, at, end):
        refuse(message, 400, at, "the method is not a token")
    if scan_uri(buf, uri, uri_end, out) < 0 or out[8] < uri_end:
        # RFC 3261 19.1.1: no headers there (RFC 4475 3.1.2.11)
        refuse(message, 400, uri, "the Request-URI is malformed")


def _check_status_line(message, out) -> None:
    message.status_code = code = out[7]
    message.reason_start = out[2]
    message.reason_end = out[3]
    message.uri_start = message.uri_end = 0
    if not out[6] or code < 100 or code > 699:
        raise ParseError(0, message.start, "the status line is malformed")


def _check_version(message, start: int, end: int) -> None:
    """Tell another version of SIP (505) from no version (400)."""
    buf = message.buf
    status = 400
    if equals_nocase(buf, start, min(start + 4, end), b"sip/", 4):
        dot = find_octet(buf, start, end, 46)
        if parse_uint(buf, start + 4, dot) >= 0 and parse_uint(buf, dot + 1, end) >= 0:
            status = 505
    refuse(message, status, start, "the SIP version is not 2.0")


def _check_fields(message, st) -> None:
    if st[_REPEATED]:
        at = message.fields[4 * message.first[st[_REPEATED]] - 3]
        refuse(message, 400, at, "a field that may be there once is repeated")
    if st[_OVERFLOW]:
        refuse(message, 513, message.start, "too many header fields")


def _check_contact(message) -> None:
    """Refuse a Contact that no request could be sent to; of several, look at the first."""
    out = OUT
    buf = message.buf
    i = 4 * message.first[_H_CONTACT] - 2
    at = message.fields[i]
    end = message.fields[i + 1]
    if at < end and buf[at] == 42:
        return
    if not scan_name_addr(buf, at, end, out) or scan_params(buf, out[4], end, out, b"-", 1) < 0:
        refuse(message, 400, at, "Contact is malformed")


def _check_numbers(message, out) -> None:
    scan_numbers(message.buf, message.fields, message.first, out)
    number = out[0]
    start = out[3]
    message.max_forwards = out[1]
    message.content_length = length = out[2]
    if number < 0:
        message.cseq = 0
        refuse(message, 400, _value_start(message, _H_CSEQ), "CSeq is malformed")
    else:
        message.cseq = number
        _check_method(message, start, out[4])
    if message.max_forwards < -1 or message.max_forwards > 255:
        at = _value_start(message, _H_MAX_FORWARDS)
        refuse(message, 400, at, "Max-Forwards is not in 0 to 255")
    if length < -1:
        message.content_length = -1
        at = _value_start(message, _H_CONTENT_LENGTH)
        refuse(message, 400, at, "Content-Length is no number")


def _value_start(message, header_id: int) -> int:
    return message.fields[4 * message.first[header_id] - 2]


def _check_method(message, start: int, end: int) -> None:
    """Compare the method of CSeq with the request's; take it for a response's."""
    buf = message.buf
    method = method_id(buf, start, end)
    if message.is_request:
        if method != message.method or not (method or _is_own_method(message, start, end)):
            refuse(message, 400, start, "the method of CSeq is another than the request's")
        return
    message.method = method
    message.method_start = start
    message.method_end = end
    if not method and not is_token(buf, start, end):
        refuse(message, 0, start, "CSeq is malformed")


def _is_own_method(message, start: int, end: int) -> bool:
    own = message.method_start
    if end - start != message.method_end - own:
        return False
    buf = message.buf
    for i in range(end - start):
        if buf[start + i] != buf[own + i]:
            return False
    return True
