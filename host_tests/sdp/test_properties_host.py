"""Properties of descriptions, with generated ones and with octets of any kind."""

from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.sdp import corpus
from usip.errors import ParseError
from usip.limits import Limits
from usip.sdp import attributes, fields
from usip.sdp.negotiate import Negotiator
from usip.sdp.precondition import Preconditions
from usip.sdp.read import Reader
from usip.sdp.write import Builder
from usip.writer import Writer

LIMITS = Limits()
OCTETS = st.binary(min_size=1, max_size=30).map(
    lambda octets: bytes(c for c in octets if c not in b"\0\r\n") or b"x"
)
TOKEN = st.text("abcdefgXYZ0189-.", min_size=1, max_size=12).map(str.encode)
NUMBER = st.integers(0, 2**40)
ADDRESS = st.sampled_from([(b"IN", b"IP4", b"192.0.2.1"), (b"IN", b"IP6", b"2001:db8::1")])
CONNECTION = ADDRESS.map(lambda address: fields.Connection(*address, -1, 1))
BANDWIDTH = st.builds(fields.Bandwidth, TOKEN, NUMBER)
ATTRIBUTE = st.builds(fields.Attribute, TOKEN, st.none() | OCTETS)
KEY = st.builds(fields.Key, TOKEN, st.none() | OCTETS)
REPEAT = st.builds(
    fields.Repeat,
    st.integers(1, 10**9),
    st.integers(0, 10**9),
    st.lists(NUMBER, max_size=3).map(tuple),
)
ZONES = st.lists(st.builds(fields.Adjustment, NUMBER, st.integers(-9999, 9999)), min_size=1)
MEDIA = st.builds(
    fields.Media,
    TOKEN,
    st.integers(0, 65535),
    st.integers(1, 9),
    TOKEN,
    st.lists(TOKEN, min_size=1, max_size=5).map(tuple),
)


def some(kind, values, low=0, high=3):
    return st.lists(values.map(lambda value: (ord(kind), value)), min_size=low, max_size=high)


def one(kind, values):
    return some(kind, values, 1, 1)


def maybe(kind, values):
    return some(kind, values, 0, 1)


def joined(*parts):
    return st.tuples(*parts).map(lambda found: sum(found, []))


ORIGIN = st.tuples(TOKEN, NUMBER, NUMBER, ADDRESS).map(
    lambda found: fields.Origin(*found[:3], *found[3])
)
TIME = joined(
    one("t", st.builds(fields.Time, NUMBER, NUMBER)),
    some("r", REPEAT),
    maybe("z", ZONES.map(tuple)),
)
PART = joined(
    one("m", MEDIA),
    maybe("i", OCTETS),
    some("c", CONNECTION),
    some("b", BANDWIDTH),
    maybe("k", KEY),
    some("a", ATTRIBUTE),
)
DESCRIPTION = joined(
    one("v", st.just(0)),
    one("o", ORIGIN),
    one("s", OCTETS),
    maybe("i", OCTETS),
    maybe("u", OCTETS),
    some("e", OCTETS),
    some("p", OCTETS),
    maybe("c", CONNECTION),
    some("b", BANDWIDTH),
    st.lists(TIME, min_size=1, max_size=2).map(lambda times: sum(times, [])),
    maybe("k", KEY),
    some("a", ATTRIBUTE),
    st.lists(PART, max_size=3).map(lambda parts: sum(parts, [])),
)


def written(values) -> bytes:
    out = Builder().start(Writer(bytearray(8192)))
    for kind, value in values:
        fields.put(out, kind, value)
    out.finish()
    return out.writer.take()


def read(octets, step):
    reader = Reader(1024)
    values = []
    at = 0
    while True:
        while reader.next():
            value = bytes(reader.buf[reader.start : reader.end])
            values.append((reader.kind, fields.parse(reader.kind, value)))
        if at >= len(octets):
            return values
        reader.feed(octets, at, min(len(octets), at + step))
        at += step
        if at >= len(octets):
            reader.finish()


@settings(max_examples=150, deadline=None)
@given(DESCRIPTION, st.integers(1, 200))
def test_any_valid_description_reads_back_as_it_was_written(values, step):
    octets = written(values)
    assert read(octets, step) == values
    assert written(read(octets, len(octets))) == octets


SEEDS = [octets for _, octets, _ in corpus.OFFERS]
MUTATION = st.tuples(
    st.sampled_from(SEEDS), st.integers(0, 1500), st.integers(0, 40), st.binary(max_size=12)
).map(lambda found: found[0][: found[1]] + found[3] + found[0][found[1] + found[2] :])


def negotiated(octets, step):
    """Return the status of an offer, read at once or in pieces, and the answer."""
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000)
    negotiator.local.extensions = (Preconditions(),)
    if step:
        negotiator.begin(b"application/sdp", 0, 15)
        for at in range(0, len(octets), step):
            negotiator.feed(octets, at, min(len(octets), at + step))
        negotiator.finish()
        status = negotiator.receive_offer(None, 0, 0)
    else:
        status = negotiator.receive_offer(octets, 0, len(octets))
    if status:
        return status, b""
    writer = Writer(bytearray(2000))
    negotiator.put_answer(writer)
    return status, writer.take()


@settings(max_examples=300, deadline=None)
@given(MUTATION | st.binary(max_size=200), st.integers(1, 50))
def test_any_octets_are_answered_or_refused(octets, step):
    status, answer = negotiated(octets, 0)
    assert status in (0, 400, 488, 580)
    assert negotiated(octets, step) == (status, answer)
    if not status:
        assert answer.count(b"\r\nm=") == len(
            [line for line in octets.split(b"\n") if line[:2] == b"m="]
        )
        assert written(read(answer, 64)) == answer


@settings(max_examples=300, deadline=None)
@given(MUTATION | st.binary(max_size=200))
def test_any_octets_raise_nothing_but_parse_error(octets):
    try:
        for kind, value in read(octets, 17):
            if chr(kind) == "a":
                try:
                    attributes.parse(value.name, value.value)
                except ParseError:
                    pass
    except ParseError as e:
        assert e.status == 400 and 0 <= e.at <= len(octets)


NAMES = st.sampled_from(sorted(attributes._PARSERS) + list(attributes._FLAGS))
VALUES = st.text("0123456789 /:;|.*=-abcdinqostyp", max_size=40).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(NAMES, VALUES | st.none())
def test_any_value_of_a_known_attribute_is_typed_or_refused(name, value):
    try:
        attributes.parse(name, value)
    except ParseError as e:
        assert e.status == 400
