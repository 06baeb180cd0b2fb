"""Every way the octets of one message can arrive, for the tests of the parser."""

from array import array

from usip.errors import ParseError
from usip.limits import Limits
from usip.sip import parser, scanner
from usip.sip.message import Message
from usip.sip.stream import StreamParser

HEADER = (
    b"Via: SIP/2.0/UDP 192.0.2.41:5060;branch=z9hG4bK8c2d94f1;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Front door" <sip:101@192.0.2.10>;tag=7c1f4e02\r\n'
    b"To: <sip:102@192.0.2.10>\r\n"
    b"Call-ID: 9b0f2c66d1e84f3a@192.0.2.41\r\n"
)
INVITE_LINE = b"INVITE sip:102@192.0.2.10 SIP/2.0\r\n"
INVITE = INVITE_LINE + HEADER + b"CSeq: 21 INVITE\r\nContent-Length: 4\r\n\r\nv=0\n"
OK = b"SIP/2.0 200 OK\r\n" + HEADER + b"CSeq: 21 INVITE\r\nContent-Length: 0\r\n\r\n"


def request(line: bytes = INVITE_LINE, cseq: bytes = b"21 INVITE", more: bytes = b"") -> bytes:
    """Return a request with the usual header and no body."""
    return line + HEADER + b"CSeq: " + cseq + b"\r\n" + more + b"\r\n"


def replaced(old: bytes, new: bytes, wire: bytes = INVITE) -> bytes:
    """Return *wire* with *old*, which is in it, replaced by *new*."""
    assert old in wire, old
    return wire.replace(old, new)


def trace(message) -> tuple:
    """Return all that a message says, offsets from its first octet, to compare two parses."""
    zero = message.start
    fields = []
    for i in range(message.count):
        value = message.text(message.value_start(i), message.value_end(i))
        name = message.text(message.name_start(i), message.name_end(i))
        fields.append((message.header_id(i), name, value))
    via = message.via
    return (
        message.is_request,
        message.method,
        message.status_code,
        message.text(message.method_start, message.method_end),
        message.text(message.uri_start, message.uri_end),
        message.cseq,
        message.max_forwards,
        message.content_length,
        message.text(message.call_id_start, message.call_id_end),
        message.text(message.body_start, message.body_end),
        (via.host_start - zero, via.port, via.branch_end - via.branch_start, via.rport),
        (message.from_.uri_start - zero, message.to.tag_start < 0),
        message.fault,
        message.fault_text,
        fields,
    )


def outcome(parse) -> tuple:
    """Return the trace of the message *parse* returns, or how it was refused."""
    try:
        return trace(parse())
    except ParseError as error:
        return "ParseError", error.status, error.text


def whole(wire: bytes, capacity: int = 48):
    """Return the message in one datagram."""
    message = Message(capacity)
    parser.index(message, wire, 0, len(wire))
    return message


def among_stale_octets(wire: bytes):
    """Return the message parsed in the middle of a buffer full of another message."""
    message = Message()
    buf = bytearray((OK + INVITE) * (2 + len(wire) // len(INVITE)))
    buf[7 : 7 + len(wire)] = wire
    parser.index(message, buf, 7, 7 + len(wire))
    return message


def in_steps(wire: bytes, ends):
    """Return the message scanned up to each of *ends* in turn; what lies behind is noise."""
    message = Message()
    state = array("i", [0] * 16)
    scanner.begin(state, 48)
    buf = bytearray(b"\n" * (len(wire) + 8))
    message.buf = buf
    at = filled = 0
    for end in ends:
        buf[filled:end] = wire[filled:end]
        at = scanner.scan(buf, at, end, state, message.fields)
        at = parser.go_on(message, at, end, state)
        filled = end
    parser.settle(message, at, len(wire), state)
    return message


def check_every_way(wire: bytes) -> tuple:
    """Parse a datagram whole, over stale octets and split at every offset; return the outcome."""
    expected = outcome(lambda: whole(wire))
    assert outcome(lambda: among_stale_octets(wire)) == expected
    end = len(wire)
    for split in range(1, end):
        found = outcome(lambda: in_steps(wire, (split, end)))  # noqa: B023  (called at once)
        assert found == expected, split
    assert outcome(lambda: in_steps(wire, range(1, end + 1))) == expected
    return expected


def streamed(wire: bytes, step: int, size: int = 1500, sink=None) -> list:
    """Return the outcomes of a stream fed *step* octets at a time, then its pings and pongs."""
    stream = StreamParser(Limits(message_bytes=size), sink)
    found = []
    at = 0
    try:
        while at < len(wire):
            at += stream.feed(wire, at, min(at + step, len(wire)))
            if stream.ready:
                found.append(trace(stream.message))
                stream.next()
    except ParseError as error:
        found.append(("ParseError", error.status, error.text))
    return found + [stream.pings, stream.pongs]
