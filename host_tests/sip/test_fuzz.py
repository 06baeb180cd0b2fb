"""Mutated messages: nothing but ParseError leaves the grammar, on any path through it.

Seeded and bounded; FUZZ names another number of messages than the usual 2,000.
"""

import os

from fakes.wire import HEADER, INVITE, OK, in_steps, outcome, request, whole

from usip.errors import ParseError
from usip.limits import Limits
from usip.sip import fields, headers, uri
from usip.sip.message import Message
from usip.sip.stream import StreamParser

_COUNT = int(os.getenv("FUZZ") or 2000)
_SEEDS = (
    INVITE,
    OK,
    request(
        more=b'm: "A, \\"B" <sip:a@[2001:db8::1]:5060;lr?x=y>;q="1,0";expires=60, sip:b@c, *\r\n'
        b"Route: <sip:a;lr>,\r\n <sip:b:5061;transport=tcp;maddr=1.2.3.4>\r\nk: a, b;c=d\r\n"
        b"Session-Expires: 90;refresher=uas\r\nRAck: 1 2 INVITE\r\nEvent: dialog;id=1\r\n"
        b'WWW-Authenticate: Digest realm="a,b", nonce="c", qop="auth", Basic realm="x"\r\n'
        b'Contact: tel:+1-2;phone-context=x\r\nReason: Q.850;cause=16;text="x"\r\nl: 0\r\n'
    ),
    b"SIP/2.0 180 Ringing\n" + HEADER + b"CSeq: 2 PRACK\nl:4\n\nbody",
)
_SPLICES = (
    b"\r\n", b"\n", b"\r", b" ", b"\t", b'"', b"\\", b"<", b">", b",", b";", b":", b"=", b"(",
    b")", b"@", b"[", b"]", b"?", b"%", b"*", b"\x00", b"\xff", b"SIP/2.0", b"\r\n ", b"\r\n\r\n",
    b"4294967296", b"-1", b";;", b"Via:", b"l:", b"sip:", b"z9hG4bK",
)  # fmt: skip


class _Random:
    """Numbers that are the same on every VM."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, n: int) -> int:
        self.state = (self.state * 1103 + 12345) & 0xFFFFFF
        return (self.state >> 7) % n


def mutate(random: _Random) -> bytes:
    """Return one of the seeds with one to four mutations."""
    wire = _SEEDS[random.below(len(_SEEDS))]
    for _ in range(1 + random.below(4)):
        at = random.below(len(wire) + 1)
        kind = random.below(5)
        if kind == 0:
            wire = wire[:at] + _SPLICES[random.below(len(_SPLICES))] + wire[at:]
        elif kind == 1:
            wire = wire[:at] + bytes((random.below(256),)) + wire[at + 1 :]
        elif kind == 2:
            wire = wire[:at] + wire[at + random.below(20) :]
        elif kind == 3:
            start = random.below(len(wire) + 1)
            wire = wire[:at] + wire[start : start + random.below(60)] + wire[at:]
        elif random.below(4) == 0:
            wire = wire[:at]
    return wire


class _Reader:
    """Reads everything there is in a message, with all views."""

    def __init__(self) -> None:
        self.values = headers.Values()
        self.challenge = headers.Challenge()
        self.uri = uri.URI()
        self.views = (
            headers.NameAddr(),
            headers.Via(),
            fields.Field(),
            fields.CSeq(),
            fields.RAck(),
            fields.SessionExpires(),
        )

    def read(self, message) -> None:
        for i in range(message.count):
            assert message.start <= message.name_start(i) <= message.name_end(i)
            assert message.name_end(i) < message.value_start(i) <= message.value_end(i)
            assert message.value_end(i) <= message.end
            self._read_field(message, message.header_id(i))
        message.find_name(b"x")
        assert message.start <= message.body_start <= message.body_end <= message.end

    def _read_field(self, message, header_id: int) -> None:
        values = self.values
        message.uint(header_id)
        message.has_token(header_id, b"x")
        values.begin(message, header_id)
        while values.next():
            assert values.start < values.end
            for view in self.views:
                if view.parse(message.buf, values.start, values.end):
                    self._read_view(view, message.buf)
        values.begin(message, header_id)
        while values.next_challenge(self.challenge):
            self.challenge.realm()

    def _read_view(self, view, buf) -> None:
        if hasattr(view, "begin"):
            view.begin()
            while view.next():
                view.unquote()
                view.value()
        if hasattr(view, "uri_start"):
            start, end = view.uri_start, view.uri_end
            if self.uri.parse(buf, start, end):
                uri.equal(buf, start, end, buf, start, end)  # not with a parameter twice
                self.uri.transport()


def test_mutated_datagrams_are_read_or_refused():
    random = _Random(1)
    reader = _Reader()
    message = Message()
    from usip.sip import parser

    accepted = 0
    for _ in range(_COUNT):
        wire = mutate(random)
        try:
            parser.index(message, wire, 0, len(wire))
        except ParseError:
            continue
        reader.read(message)
        accepted += not message.fault
    assert accepted > _COUNT // 10, accepted


def test_mutated_datagrams_do_not_depend_on_the_pieces():
    random = _Random(2)
    for _ in range(_COUNT // 8):
        wire = mutate(random)
        cut = random.below(len(wire) + 1)
        ends = (cut, len(wire))
        assert outcome(lambda: whole(wire)) == outcome(lambda: in_steps(wire, ends)), wire  # noqa: B023


def test_mutated_streams_are_read_or_refused():
    random = _Random(3)
    limits = Limits(message_bytes=512)
    stream = StreamParser(limits)
    reader = _Reader()
    for _ in range(_COUNT // 4):
        wire = mutate(random) + mutate(random)
        at = 0
        try:
            while at < len(wire):
                at += stream.feed(wire, at, min(len(wire), at + 1 + random.below(300)))
                if stream.ready:
                    if stream.message.body_start:
                        reader.read(stream.message)
                    stream.next()
        except ParseError:
            pass
        stream = StreamParser(limits)
