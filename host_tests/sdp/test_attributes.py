"""Typed values of attributes."""

from usip.errors import ParseError
from usip.sdp import attributes

GOOD = (
    (b"rtpmap", b"97 opus/48000/2", (97, b"opus", 48000, b"2")),
    (b"rtpmap", b"0 PCMU/8000", (0, b"PCMU", 8000, None)),
    (b"fmtp", b"101 0-15,66", (b"101", b"0-15,66")),
    (b"fmtp", b"111 minptime=10; useinbandfec=1", (b"111", b"minptime=10; useinbandfec=1")),
    (b"ptime", b"20", 20),
    (b"maxptime", b"22.5", 22.5),
    (b"sendrecv", None, True),
    (b"inactive", None, True),
    (b"rtcp", b"53020", (53020, None, None, None)),
    (b"rtcp", b"53020 IN IP4 192.0.2.1", (53020, b"IN", b"IP4", b"192.0.2.1")),
    (b"rtcp-mux", None, True),
    (b"rtcp-fb", b"* nack", (-1, b"nack", None)),
    (b"rtcp-fb", b"96 nack pli", (96, b"nack", b"pli")),
    (b"setup", b"actpass", b"actpass"),
    (b"mid", b"0", b"0"),
    (b"group", b"BUNDLE 0 1", (b"BUNDLE", (b"0", b"1"))),
    (b"group", b"BUNDLE", (b"BUNDLE", ())),
    (
        b"crypto",
        b"1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 "
        b"UNENCRYPTED_SRTCP",
        (
            1,
            b"AES_CM_128_HMAC_SHA1_80",
            ((b"inline", b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", b"2^20", b"1:4"),),
            (b"UNENCRYPTED_SRTCP",),
        ),
    ),
    (b"crypto", b"2 X inline:a|1:4;inline:b", (2, b"X", None, ())),
    (
        b"candidate",
        b"1 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998 "
        b"generation 0",
        (
            b"1",
            1,
            b"UDP",
            1694498815,
            b"192.0.2.3",
            45664,
            b"srflx",
            b"203.0.113.141",
            8998,
            ((b"generation", b"0"),),
        ),
    ),
    (b"ssrc", b"3510681183 cname:loqPWNg7", (3510681183, b"cname", b"loqPWNg7")),
    (b"curr", b"qos e2e none", (b"qos", b"e2e", b"none")),
    (b"des", b"qos mandatory local sendrecv", (b"qos", b"mandatory", b"local", b"sendrecv")),
    (b"conf", b"qos remote recv", (b"qos", b"remote", b"recv")),
    (b"fingerprint", b"sha-1 4A:ad:00", (b"sha-1", b"\x4a\xad\x00")),
    (b"extmap", b"1/sendonly urn:x a=b c", (1, b"sendonly", b"urn:x", b"a=b c")),
    (b"unknown", b"whatever it is", b"whatever it is"),
    (b"flag-unknown", None, None),
)
BAD = (
    (b"rtpmap", b"97"),
    (b"rtpmap", b"97 opus"),
    (b"rtpmap", b"x opus/1"),
    (b"rtpmap", b"97 opus/x"),
    (b"rtpmap", b"97 /8000"),
    (b"rtpmap", None),
    (b"fmtp", b""),
    (b"ptime", b""),
    (b"ptime", b"20ms"),
    (b"ptime", b"2.5.1"),
    (b"sendrecv", b"x"),
    (b"rtcp", b"x"),
    (b"rtcp", b"1 IN IP4"),
    (b"rtcp-fb", b"96"),
    (b"setup", b"both"),
    (b"mid", b"a b"),
    (b"mid", b""),
    (b"crypto", b"1 X"),
    (b"crypto", b"1 X inline"),
    (b"crypto", b"x X inline:y"),
    (b"candidate", b"1 1 UDP 1 192.0.2.1 1 host"),
    (b"candidate", b"1 1 UDP 1 192.0.2.1 1 type host"),
    (b"candidate", b"1 1 UDP 1 192.0.2.1 1 typ host raddr"),
    (b"ssrc", b"1"),
    (b"curr", b"qos here none"),
    (b"curr", b"qos e2e both"),
    (b"des", b"qos wished e2e send"),
    (b"fingerprint", b"sha-1 4A:XX"),
    (b"fingerprint", b"sha-1"),
    (b"extmap", b"1"),
)


def test_attributes_have_their_types():
    for name, value, typed in GOOD:
        found = attributes.parse(name, value)
        if name == b"crypto" and typed[2] is None:
            assert [key.mki for key in found.keys] == [b"1:4", None]
        else:
            assert found == typed, (name, value, found)


def test_attributes_that_break_their_grammar_are_refused():
    for name, value in BAD:
        try:
            found = attributes.parse(name, value)
        except ParseError as e:
            assert e.status == 400
            continue
        raise AssertionError((name, value, found))


def test_known_attributes():
    assert attributes.is_known(b"rtpmap") and attributes.is_known(b"inactive")
    assert not attributes.is_known(b"X-nat")
