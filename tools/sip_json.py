"""One SIP message as JSON, on either VM: the part of tools.sipdump that uses the library.

    sip_json FILE [OCTETS_AT_A_TIME]

prints a JSON array [key, value] a line, one for each item of a list, so that a small heap holds
any message; the host puts them together, in order and with canonical names.
"""

import json
import sys
from array import array

from usip.errors import ParseError
from usip.limits import Limits
from usip.sip import parser, scanner, uri
from usip.sip.headers import NameAddr, Values, Via
from usip.sip.message import Message

_H_VIA = 1
_H_CONTACT = 6
_H_REQUIRE = 17
_M_ACK = 2
_M_CANCEL = 4

# elements of the scanner's array, as in lib/usip/sip/scanner.py
_LINE_END = 5
_STATE_SIZE = 11

# Extensions the user agent understands in Require (RFC 3261 8.2.2.3).
EXTENSIONS = ()


def text(octets: bytes) -> str:
    """Return octets as text: UTF-8, or else each octet as the character of its number."""
    try:
        return str(octets, "utf-8")
    except UnicodeError:
        return "".join(chr(octet) for octet in octets)


def unfold(octets: bytes) -> bytes:
    """Return a field value with each fold as one space (7.3.1)."""
    out = bytearray()
    folded = False
    for octet in octets:
        if octet == 13 or octet == 10:
            folded = True
            continue
        if folded and octet not in (9, 32):
            while out and out[-1] in (9, 32):
                out = out[:-1]
            out.append(32)
            folded = False
        if not folded:
            out.append(octet)
    return bytes(out)


def unquote(octets: bytes) -> bytes:
    """Return what a quoted string says, escapes undone; anything else as it is."""
    if len(octets) < 2 or octets[0] != 34 or octets[-1] != 34:
        return octets
    return unescape(octets[1:-1])


def unescape(octets: bytes) -> bytes:
    """Return octets with their quoted-pairs undone (25.1)."""
    out = bytearray()
    escaped = False
    for octet in octets:
        if octet == 92 and not escaped:
            escaped = True
        else:
            out.append(octet)
            escaped = False
    return bytes(out)


def _params(view) -> dict:
    """Return the parameters of a view; None stands for one without a value."""
    found = {}
    view.begin()
    while view.next():
        name = text(bytes(view.buf[view.name_start : view.name_end])).lower()
        value = None
        if view.value_start != view.name_end:
            value = text(unquote(unfold(view.value())))
        if name not in found:
            found[name] = value
    return found


def _name_addr(view) -> dict:
    buf = view.buf
    display = None
    if view.display_end > view.display_start:
        display = text(unescape(unfold(bytes(buf[view.display_start : view.display_end]))))
    return {
        "display_name": display,
        "uri": "*" if view.is_wildcard else text(view.uri()),
        "params": _params(view),
    }


def _party(view) -> dict:
    found = _name_addr(view)
    found["tag"] = None
    if view.tag_start >= 0:
        found["tag"] = text(bytes(view.buf[view.tag_start : view.tag_end]))
    return found


def _via(view) -> dict:
    buf = view.buf
    return {
        "transport": text(bytes(buf[view.transport_start : view.transport_end])),
        "host": text(bytes(buf[view.host_start : view.host_end])),
        "port": None if view.port < 0 else view.port,
        "params": _params(view),
    }


def _values(message, key: str, header_id: int, view, show):
    values = Values()
    values.begin(message, header_id)
    while values.next():
        if view.parse(message.buf, values.start, values.end):
            yield key, show(view)
        else:
            yield key, {"malformed": text(message.text(values.start, values.end))}


def _start_line(message, line_end: int):
    is_request = message.is_request
    yield "kind", "request" if is_request else "response"
    start, end = message.uri_end + 1, line_end
    if is_request:
        yield "method", text(message.text(message.method_start, message.method_end))
        yield "request_uri", text(message.text(message.uri_start, message.uri_end))
    else:
        start, end = message.start, message.start + 7
        yield "status", message.status_code
        yield "reason", text(message.text(message.reason_start, message.reason_end))
    yield "version", text(message.text(start, end))


def _headers(message):
    for i in range(message.count):
        name = text(message.text(message.name_start(i), message.name_end(i)))
        value = text(unfold(message.text(message.value_start(i), message.value_end(i))))
        yield "headers", [message.header_id(i), name, value]


def _show(message, line_end: int):
    yield "ok", True
    yield from _start_line(message, line_end)
    yield from _headers(message)
    yield from _values(message, "via", _H_VIA, Via(), _via)
    yield "from", _party(message.from_)
    yield "to", _party(message.to)
    yield from _values(message, "contact", _H_CONTACT, NameAddr(), _name_addr)
    method = text(message.text(message.method_start, message.method_end))
    yield "cseq", {"number": message.cseq, "method": method}
    yield "call_id", text(message.text(message.call_id_start, message.call_id_end))
    yield "max_forwards", None if message.max_forwards < 0 else message.max_forwards
    yield "content_length", None if message.content_length < 0 else message.content_length
    yield "body_bytes", message.body_end - message.body_start


def _refused(answer, at: int, why: str):
    return (("ok", False), ("error", why), ("offset", at), ("answer", answer))


def _refusal(message):
    """Return what a user agent answers to a well-formed request it cannot serve, or None."""
    if not message.is_request or message.method == _M_ACK:
        return None
    target = uri.URI()
    if not target.parse(message.buf, message.uri_start, message.uri_end):
        return _refused(400, message.uri_start, "the Request-URI is malformed")
    if target.scheme == uri.OTHER:
        return _refused(416, message.uri_start, "the Request-URI has an unknown scheme")
    if message.method == _M_CANCEL:
        return None
    values = Values()
    values.begin(message, _H_REQUIRE)
    while values.next():
        if message.text(values.start, values.end).lower() not in EXTENSIONS:
            return _refused(420, values.start, "an extension in Require is not supported")
    return None


def _parse(buf: bytes, step: int, capacity: int):
    """Return the message in *buf* and where its start line ends; raises ParseError."""
    end = len(buf)
    if end > 65535:
        raise ParseError(513, 65535, "more octets than a datagram holds")
    message = Message(capacity)
    state = array("i", [0] * _STATE_SIZE)
    scanner.begin(state, capacity)
    message.buf = buf
    at = filled = 0
    while filled < end:
        filled = min(end, filled + (step or end))
        at = scanner.scan(buf, at, filled, state, message.fields)
        at = parser.go_on(message, at, filled, state)
    parser.settle(message, at, end, state)
    return message, state[_LINE_END]


def describe(buf: bytes, step: int = 0):
    """Yield (key, value) of what tools.sipdump prints for a datagram; lists item by item.

    *step* octets are parsed at a time, 0 for all at once. The verdict is that of a user agent
    with the usual limits; what is shown is not limited by them.
    """
    capacity = Limits.headers
    try:
        message, line_end = _parse(buf, step, capacity)
    except ParseError as error:
        yield from _refused(error.status or None, error.at, error.text)
        return
    if message.fault:
        answer = None if message.method == _M_ACK else message.fault
        refusal = _refused(answer, message.fault_at, message.fault_text)
    else:
        refusal = _refusal(message)
    if refusal:
        yield from refusal
        return
    if 2 * message.count >= capacity:
        message, line_end = _parse(buf, step, 254)
    yield from _show(message, line_end)


def main() -> None:
    """Describe the file named on the command line."""
    with open(sys.argv[1], "rb") as file:
        octets = file.read()
    step = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for item in describe(octets, step):
        print(json.dumps(item))


if __name__ == "__main__":
    main()
