"""Looking fields up in an indexed message."""

from fakes.noalloc import NoAlloc
from fakes.wire import INVITE, OK, request, whole

_H_VIA = 1
_H_FROM = 2
_H_CONTACT = 6
_H_EXPIRES = 12
_H_REQUIRE = 17
_H_SUPPORTED = 18
_H_RETRY_AFTER = 23


def test_fields_are_found_by_id_in_order():
    message = whole(request(more=b"k: a\r\nX-a: 1\r\nSupported: b\r\n"))
    i = message.find(_H_SUPPORTED)
    assert message.header_id(i) == _H_SUPPORTED
    assert message.text(message.name_start(i), message.name_end(i)) == b"k"
    assert message.text(message.value_start(i), message.value_end(i)) == b"a"
    assert message.find(_H_SUPPORTED, i) == i
    j = message.find(_H_SUPPORTED, i + 1)
    assert j == i + 2 and message.find(_H_SUPPORTED, j + 1) == -1
    assert message.find(_H_REQUIRE) == -1 and message.find(_H_REQUIRE, 3) == -1
    assert message.find(_H_VIA) == 0 and message.find(_H_VIA, 1) == -1


def test_extensions_are_found_by_name():
    message = whole(request(more=b"X-Foo : 1\r\nx-foobar: 2\r\nX-FOO: 3\r\n"))
    i = message.find_name(b"x-foo")
    assert (
        message.value_start(i)
        and message.text(message.value_start(i), message.value_end(i)) == b"1"
    )
    assert message.find_name(b"x-foo", i + 1) == i + 2
    assert message.find_name(b"x-fo") == -1 and message.find_name(b"x-foobarz") == -1
    assert message.find_name(b"call-id") == 4


def test_values_are_copies_without_white_space():
    message = whole(request(more=b"Expires:  60 \r\nSubject:\r\n"))
    assert message.value(_H_EXPIRES) == b"60" and message.value(62) == b""
    assert message.value(_H_REQUIRE) is None


def test_a_name_may_end_in_white_space():
    message = whole(request(more=b"Expires \t: 60\r\n"))
    i = message.find(_H_EXPIRES)
    assert message.text(message.name_start(i), message.name_end(i)) == b"Expires"


def test_numbers_are_read_in_front_of_parameters_and_comments():
    for value, number in (
        (b"120", 120),
        (b"120;duration=3600", 120),
        (b"18000 (I'm in a meeting)", 18000),
        (b"5(x)", 5),
        (b"", -1),
        (b"x", -1),
        (b"-5", -1),
        (b"5x", -1),
        (b"0", 0),
        (b"100000000000000000000", 1073741823),
    ):
        message = whole(request(more=b"Retry-After: " + value + b"\r\n"))
        assert message.uint(_H_RETRY_AFTER) == number, value
    assert whole(OK).uint(_H_RETRY_AFTER) == -1


def test_tokens_are_found_in_any_field_and_case():
    more = b'Supported: 100REL , timer;x="a,path"\r\nk:,\r\nk: gruu,outbound\r\n'
    message = whole(request(more=more))
    for token in (b"100rel", b"timer", b"gruu", b"outbound"):
        assert message.has_token(_H_SUPPORTED, token), token
    for token in (b"100re", b"100rell", b"time", b"path", b"a", b"rel"):
        assert not message.has_token(_H_SUPPORTED, token), token
    assert not message.has_token(_H_REQUIRE, b"100rel")


def test_the_last_message_leaves_nothing_behind():
    from usip.sip import parser

    message = whole(request(more=b"Expires: 5\r\nContact: <sip:a@b>\r\nX: 1\r\n"))
    parser.index(message, OK, 0, len(OK))
    assert message.find(_H_EXPIRES) == -1 and message.find(_H_CONTACT) == -1
    assert message.find_name(b"x") == -1 and message.uri_start == message.uri_end == 0
    assert message.status_code == 200 and message.find(_H_FROM) == 2
    parser.index(message, INVITE, 0, len(INVITE))
    assert message.status_code == 0 and message.to.tag_start == -1


def test_looking_up_uses_no_heap():
    message = whole(request(more=b"k: a, b\r\nX-a: 1\r\nk: 100rel\r\nExpires: 60\r\n"))
    found = 0
    with NoAlloc():
        for _ in range(2):
            found += message.uint(_H_EXPIRES) + message.find_name(b"x-a") + message.find(_H_VIA)
            found += message.has_token(_H_SUPPORTED, b"100rel")
            found += message.find(_H_SUPPORTED, 7)
    assert found == 2 * (60 + 7 + 0 + 1 + 8)
