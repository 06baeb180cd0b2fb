"""Tests of net.stun: the vectors of RFC 5769, and responses that are damaged."""

from binascii import unhexlify

from fakes.link import Random

from usip.net import stun

# RFC 5769 2.2 and 2.3; hashes that MESSAGE-INTEGRITY needs are not checked: no credentials.
IPV4 = unhexlify(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112"
    "a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6 = unhexlify(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113"
    "a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
ID = unhexlify("b7e7a701bc34d686fa87dfae")
# A server of before RFC 5389, that answers with MAPPED-ADDRESS.
OLD = b"\1\1\0\x0c" + IPV4[4:20] + b"\0\1\0\x08\0\1\x13\xc4\xc0\0\2\x07"
REFUSED = b"\1\x11\0\x08" + IPV4[4:20] + b"\0\x09\0\4\0\0\4\0"


def refused(data, number=ID) -> bool:
    try:
        stun.parse_response(data, number)
    except ValueError:
        return True
    return False


def test_a_request_has_the_form_of_rfc_5389():
    assert stun.pack_request(ID) == b"\0\1\0\0\x21\x12\xa4\x42" + ID


def test_the_responses_of_rfc_5769_tell_the_address():
    assert stun.parse_response(IPV4, ID) == ("192.0.2.1", 32853)
    host, port = stun.parse_response(IPV6, ID)
    assert (host, port) == ("2001:db8:1234:5678:11:2233:4455:6677", 32853)


def test_an_old_server_and_a_refusal_are_understood():
    assert stun.parse_response(OLD, ID) == ("192.0.2.7", 5060)
    assert stun.parse_response(REFUSED, ID) is None


def test_a_response_to_another_request_is_none():
    assert refused(IPV4, bytes(12)) and refused(stun.pack_request(ID))


def test_every_changed_octet_and_every_cut_is_noticed():
    random = Random(5)
    for at in range(len(IPV4)):
        damaged = bytearray(IPV4)
        damaged[at] ^= 1 + random.below(255)
        if at < len(IPV4) - 8:  # beyond it the fingerprint is no more one
            assert refused(bytes(damaged)) or stun.parse_response(bytes(damaged), ID) is None
        assert refused(IPV4[:at]), at


def test_lengths_that_lead_out_of_the_message_are_survived():
    random = Random(6)
    for _ in range(300):
        body = bytes(bytearray([random.below(256) for _ in range(4 * random.below(9))]))
        data = b"\1\1\0" + bytes([len(body)]) + IPV4[4:20] + body
        try:
            stun.parse_response(data, ID)
        except ValueError:
            pass
