"""Writing descriptions: the order is enforced, a full buffer keeps whole lines, round trips."""

from host_tests.fakes.noalloc import NoAlloc
from host_tests.sdp import corpus
from usip.errors import BufferFull, StateError
from usip.sdp.read import Reader
from usip.sdp.write import Builder
from usip.writer import Writer


def builder(capacity=2000):
    return Builder().start(Writer(bytearray(capacity)))


def put_all(out, kinds):
    for kind in kinds:
        out.line(ord(kind), b"x")


def refuses(error, method, *arguments):
    try:
        method(*arguments)
    except error:
        return True
    return False


def test_a_line_is_its_type_and_what_was_put():
    out = builder().line(ord("v"), b"0")
    out.begin(ord("o")).put(b"- ").put_uint(17).put_span(b"xx 3 IN IP4 192.0.2.1yy", 2, 21).end()
    assert out.writer.take() == b"v=0\r\no=- 17 3 IN IP4 192.0.2.1\r\n"


def test_the_order_of_the_grammar_is_enforced():
    for kinds, wrong in (
        ("", "osmtax"),
        ("v", "vsmt"),
        ("vo", "vomtc"),
        ("vos", "voszrma"),
        ("vost", "iuepcb"),
        ("vosc", "cieu"),
        ("vostk", "ktbc"),
        ("vosta", "ktbcV"),
        ("vostm", "vostuepzr"),
        ("vostma", "icbk"),
        ("vostmk", "kbci"),
        ("vostmi", "i"),
        ("vosta", " =\xff"),
    ):
        for kind in wrong:
            out = builder()
            put_all(out, kinds)
            before = out.writer.take()
            assert refuses(StateError, out.line, ord(kind), b"x"), (kinds, kind)
            assert out.writer.take() == before
            if kinds in ("vosc", "vosi"):
                put_all(out, "bt")
                out.finish()


def test_every_field_may_be_written():
    out = builder()
    put_all(out, "vosiueeppcbbtrrtrzkaamiccbbkaamm")
    out.finish()


def test_an_incomplete_description_cannot_be_finished():
    for kinds in ("", "v", "vo", "vos", "vosc"):
        out = builder()
        put_all(out, kinds)
        assert refuses(StateError, out.finish), kinds
    out = builder()
    put_all(out, "vost")
    out.begin(ord("a"))
    assert refuses(StateError, out.finish)
    assert refuses(StateError, out.begin, ord("a"))


def test_a_value_cannot_break_out_of_its_line():
    for value in (b"x\r\na=evil", b"x\n", b"\r", b"\x00"):
        out = builder()
        put_all(out, "vost")
        before = out.writer.take()
        assert refuses(ValueError, out.line, ord("a"), value)
        assert out.writer.take() == before
        out.line(ord("a"), b"fine")


def test_a_line_that_does_not_fit_is_taken_back_whole():
    lines = ((ord("v"), b"0"), (ord("o"), b"- 1 1 IN IP4 192.0.2.1"), (ord("s"), b"-"))
    for capacity in range(42):
        out = builder(capacity)
        complete = 0
        try:
            for kind, value in lines:
                out.begin(kind).put(value[:3]).put(value[3:]).end()
                complete = out.writer.end
        except BufferFull:
            assert out.writer.end == complete
            out.start(Writer(bytearray(100))).line(ord("v"), b"0")
    out = builder(8)
    put_all(out, "v")
    assert refuses(BufferFull, out.begin(ord("o")).put_uint, 12345)
    assert out.writer.take() == b"v=x\r\n"


def test_what_was_read_can_be_written_again():
    for name, octets, _ in corpus.OFFERS:
        reader = Reader(512)
        reader.read(octets, 0, len(octets))
        out = builder(4096)
        while reader.next():
            out.begin(reader.kind).put_span(reader.buf, reader.start, reader.end).end()
        out.finish()
        assert out.writer.take() == octets, name


def test_writing_uses_no_heap():
    out = builder()
    with NoAlloc():
        out.begin(118).put_uint(0).end().line(111, b"- 1 1 IN IP4 192.0.2.1")
        out.line(115, b"-").line(116, b"0 0").finish()
