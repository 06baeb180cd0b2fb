"""Streams: any pieces, fixed memory, bodies to a sink, keep-alives, refusals."""

from fakes.noalloc import NoAlloc
from fakes.wire import HEADER, INVITE, INVITE_LINE, OK, replaced, request, streamed, trace, whole

from usip.limits import Limits
from usip.sip.stream import StreamParser

_EMPTY = request(more=b"Content-Length: 0\r\n")
_LONG = INVITE_LINE + HEADER + b"X-Long: " + b"0123456789" * 120 + b"\r\nDate: x\r\n y\r\n"
_LONG += b"Contact: <sip:a@b>\r\n" + b"Subject: " + b"s" * 700 + b"\r\nCSeq: 21 INVITE\r\n"
_FIELDS = 14  # in fakes.wire.trace
_FAULT = 12


class Sink:
    """Collects a body, or refuses it."""

    def __init__(self, takes: bool = True) -> None:
        self.takes = takes
        self.content_type = None
        self.body = b""
        self.finished = 0

    def begin(self, buf, start: int, end: int) -> bool:
        self.content_type = bytes(buf[start:end])
        return self.takes

    def feed(self, buf, start: int, end: int) -> None:
        self.body += bytes(buf[start:end])

    def finish(self) -> None:
        self.finished += 1


def every_step(wire: bytes, size: int = 1500) -> list:
    """Return what a stream gives however it is cut."""
    expected = streamed(wire, len(wire), size)
    for step in list(range(1, 40)) + [64, 100, 333, 1000]:
        assert streamed(wire, step, size) == expected, step
    return expected


def test_messages_follow_each_other():
    found = every_step(INVITE + OK + _EMPTY)
    assert found == [trace(whole(wire)) for wire in (INVITE, OK, _EMPTY)] + [0, 0]


def test_double_crlfs_are_pings_and_single_ones_pongs():
    found = every_step(b"\r\n\r\n" + OK + b"\r\n" + OK + b"\r\n\r\n\r\n\r\n\r\n")
    assert len(found) == 4 and found[2:] == [3, 2]


def test_a_header_longer_than_the_buffer_passes_through():
    wire = _LONG + b"Content-Length: 4\r\n\r\nv=0\nINV"
    for size in (400, 512, 700, 1000, 1500):
        found = every_step(wire, size)
        assert len(found) == 3, found
        kept = [name for number, name, value in found[0][_FIELDS]]
        assert b"X-Long" not in kept and found[0][9] == b"v=0\n" and found[0][_FAULT] == 0
        for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Contact", b"Content-Length"):
            assert name in kept, (size, name)


def test_fields_stay_while_there_is_room():
    wire = _LONG + b"Content-Length: 0\r\n\r\n"
    found = every_step(wire, 4000)
    assert found[0] == trace(whole(wire))


def test_what_is_wanted_and_does_not_fit_is_513():
    wire = INVITE_LINE + b"Route: <sip:" + b"r" * 600 + b";lr>\r\n" + HEADER + b"\r\n"
    assert every_step(wire, 500)[0][:2] == ("ParseError", 513)
    wire = b"INVITE sip:" + b"u" * 600 + b"@h SIP/2.0\r\n" + HEADER + b"\r\n"
    assert every_step(wire, 500)[0][:2] == ("ParseError", 513)


def test_a_stream_needs_content_length():
    found = every_step(request() + OK)
    assert found[0][_FAULT] == 400 and "Content-Length" in found[0][_FAULT + 1]
    assert every_step(replaced(b"Content-Length: 0\r\n", b"", OK))[0][:2] == ("ParseError", 0)
    found = every_step(request(more=b"Content-Length: -5\r\n"))
    assert found[0][_FAULT] == 400


def test_nonsense_ends_the_stream():
    assert every_step(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[0][:2] == ("ParseError", 0)
    assert every_step(OK + b"\x00\x01\x00\x00\n\n\n")[1][:2] == ("ParseError", 0)


def with_body(length: int) -> bytes:
    head = request(more=b"c: text/plain\r\nContent-Length: %d\r\n" % length)
    return head + b"0123456789" * (length // 10)


def test_a_long_body_goes_to_the_sink_in_pieces():
    for step in (1, 7, 100, 5000):
        sink = Sink()
        found = streamed(with_body(3000) + OK, step, 700, sink)
        assert len(found) == 4 and found[0][_FAULT] == 0 and found[0][9] == b""
        assert sink.content_type == b"text/plain" and sink.body == b"0123456789" * 300
        assert sink.finished == 1


def test_a_body_that_fits_stays_in_the_buffer():
    sink = Sink()
    found = streamed(with_body(200), 50, 1500, sink)
    assert found[0][9] == b"0123456789" * 20 and sink.finished == 0


def test_fields_go_to_make_room_for_the_body():
    wire = request(more=b"Subject: " + b"s" * 300 + b"\r\nContent-Length: 400\r\n") + b"b" * 400
    found = every_step(wire, 800)
    assert found[0][9] == b"b" * 400 and found[0][_FAULT] == 0


def test_a_long_body_nobody_takes_is_swallowed_and_413():
    for sink in (None, Sink(False)):
        found = streamed(with_body(3000) + OK, 99, 700, sink)
        assert len(found) == 4 and found[0][_FAULT] == 413 and found[1][2] == 200


def test_a_body_too_long_to_swallow_ends_the_stream():
    wire = request(more=b"Content-Length: 99999999\r\n") + b"x"
    assert every_step(wire)[0][:2] == ("ParseError", 413)


def test_feeding_stops_behind_the_message():
    stream = StreamParser(Limits())
    wire = INVITE + OK
    assert stream.feed(wire, 0, len(wire)) == len(INVITE) and stream.ready
    assert stream.feed(wire, len(INVITE), len(wire)) == 0
    stream.next()
    assert stream.feed(wire, len(INVITE), len(wire)) == len(OK) and stream.ready


def test_streaming_uses_no_heap():
    stream = StreamParser(Limits(message_bytes=512))
    wire = b"\r\n\r\n" + _LONG + b"Content-Length: 4\r\n\r\nv=0\n" + OK
    end = len(wire)
    ready = 0
    with NoAlloc():
        at = 0
        while at < end:
            at += stream.feed(wire, at, min(end, at + 50))
            if stream.ready:
                ready += 1
                stream.next()
    assert ready == 2
