"""octets: scanning by offset."""

from host_tests.fakes.noalloc import NoAlloc
from usip import octets


def test_spans_are_compared_exactly_and_without_case():
    assert octets.equals(b"..Via", 2, 5, b"Via", 3)
    assert not octets.equals(b"..Via", 2, 5, b"via", 3)
    assert octets.equals_nocase(b"..VIA", 2, 5, b"via", 3)
    assert not octets.equals_nocase(b"..VIA", 2, 4, b"via", 3)
    assert not octets.equals_nocase(b"V[A", 0, 3, b"v{a", 3)


def test_linear_white_space_is_skipped_and_trimmed():
    assert octets.skip_lws(b"a \t\r\n b", 1, 7) == 6
    assert octets.skip_lws(b"   ", 0, 3) == 3
    assert octets.trim_lws(b"ab \r\n ", 0, 6) == 2
    assert octets.trim_lws(b"   ", 0, 3) == 0


def test_an_octet_is_found_or_not():
    assert octets.find_octet(b"a,b,c", 0, 5, 44) == 1
    assert octets.find_octet(b"a,b,c", 2, 5, 44) == 3
    assert octets.find_octet(b"a,b,c", 4, 5, 44) == -1


def test_numbers_are_parsed_and_large_ones_stop_at_the_small_int():
    for text, value in (
        (b"0", 0),
        (b"007", 7),
        (b"1073741822", 1073741822),
        (b"1073741823", 1073741823),
        (b"1073741824", 1073741823),
        (b"99999999999999999999", 1073741823),
        (b"", -1),
        (b"1a", -1),
        (b"-1", -1),
    ):
        assert octets.parse_uint(text, 0, len(text)) == value, text


def test_scanning_uses_no_heap():
    buf = bytearray(b"Content-Length:  142 ")
    with NoAlloc():
        at = octets.skip_lws(buf, 15, 21)
        length = octets.parse_uint(buf, at, octets.trim_lws(buf, at, 21))
        octets.copy(buf, 0, buf, 17, 20)
    assert length == 142
    assert buf[:3] == b"142"
