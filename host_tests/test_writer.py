"""writer: every put_ writes all of its octets or none, and uses no heap."""

from host_tests.fakes.noalloc import NoAlloc
from usip.errors import BufferFull
from usip.writer import Writer


def refuses(put, *arguments) -> bool:
    try:
        put(*arguments)
    except BufferFull:
        return True
    return False


def test_what_is_put_stands_in_order():
    writer = Writer(bytearray(64))
    writer.put(b"Via: ").put_uint(5060).put(b" ").put_hex(b"\x0f\xa0").put_padded(7, 3)
    writer.put_text("\u00e9").put_span(b"abcdef", 2, 4)
    assert writer.take() == b"Via: 5060 0fa0007\xc3\xa9cd"


def test_numbers_are_written_at_every_length():
    for n in (0, 9, 10, 99, 100, 65535, 99999, 1000000, 1073741823):
        assert Writer(bytearray(10)).put_uint(n).take() == str(n).encode()


def test_a_full_buffer_raises_and_keeps_what_it_has():
    writer = Writer(bytearray(4))
    writer.put(b"abc")
    assert refuses(writer.put, b"de")
    assert refuses(writer.put_uint, 10)
    assert refuses(writer.put_hex, b"\x01")
    assert refuses(writer.put_padded, 1, 2)
    assert writer.put(b"d").take() == b"abcd"


def test_reset_forgets_the_rest():
    writer = Writer(bytearray(8))
    assert writer.put(b"abcdef").reset(2).put(b"x").take() == b"abx"


def test_writing_uses_no_heap():
    writer = Writer(bytearray(64))
    with NoAlloc():
        writer.reset().put(b"CSeq: ").put_uint(1234).put(b" ").put_hex(b"\x12").put_padded(3, 2)
    assert writer.end == 15
