"""URIs: their parts, and which are the same."""

from fakes.noalloc import NoAlloc

from usip.sip import uri


def parsed(text: bytes) -> uri.URI:
    """Parse *text* among other octets."""
    view = uri.URI()
    assert view.parse(b"<" + text + b">;@:", 1, 1 + len(text)), text
    return view


def part(view, start: int, end: int):
    return None if start < 0 else bytes(view.buf[start:end])


def parts(text: bytes) -> tuple:
    """Return (scheme, user, password, host, port, parameters, headers)."""
    v = parsed(text)
    return (
        v.scheme,
        part(v, v.user_start, v.user_end),
        part(v, v.password_start, v.password_end),
        part(v, v.host_start, v.host_end),
        v.port,
        part(v, v.params_start, v.params_end),
        part(v, v.headers_start, v.headers_end),
    )


def same(a: bytes, b: bytes) -> bool:
    found = uri.equal(a, 0, len(a), b, 0, len(b))
    assert uri.equal(b, 0, len(b), a, 0, len(a)) == found, (a, b)
    return found


def test_the_parts_of_a_sip_uri():
    assert parts(b"sip:alice:secretword@atlanta.com:5070;transport=tcp?subject=x&y=z") == (
        uri.SIP,
        b"alice",
        b"secretword",
        b"atlanta.com",
        5070,
        b";transport=tcp",
        b"subject=x&y=z",
    )
    assert parts(b"SIPS:1212@gateway.com") == (
        uri.SIPS,
        b"1212",
        None,
        b"gateway.com",
        -1,
        b"",
        b"",
    )
    assert parts(b"sip:h") == (uri.SIP, None, None, b"h", -1, b"", b"")
    assert parts(b"sip:h?a=b")[6] == b"a=b"
    assert parts(b"sip:[2001:db8::9:1]:5060;lr")[3:6] == (b"[2001:db8::9:1]", 5060, b";lr")


def test_a_user_may_hold_what_separates_elsewhere():
    assert parts(b"sip:user;par=u%40example.net@example.com")[1] == b"user;par=u%40example.net"
    assert parts(b"sip:+1-212-555-1212:1234@gateway.com;user=phone")[1:3] == (
        b"+1-212-555-1212",
        b"1234",
    )
    assert parts(b"sip:a?b/c@h")[1] == b"a?b/c"
    assert parts(b"sip:&=+$,;?/@h")[1] == b"&=+$,;?/"


def test_tel_and_other_schemes():
    v = parsed(b"tel:+358-555-1234567;postd=pp22")
    assert v.scheme == uri.TEL and part(v, v.user_start, v.user_end) == b"+358-555-1234567"
    assert v.param(b"postd") and v.value() == b"pp22"
    assert parsed(b"http://www.example.com/?a=b").scheme == uri.OTHER
    assert parsed(b"urn:service:sos").scheme == uri.OTHER


def test_transport_and_lr():
    assert parsed(b"sip:h;Transport=TCP").transport() == "tcp"
    assert parsed(b"sip:h;transport=udp").transport() == "udp"
    assert parsed(b"sip:h;transport=tls").transport() == "tls"
    assert parsed(b"sip:h;transport=ws").transport() == "?"
    assert parsed(b"sip:h").transport() == ""
    assert parsed(b"sip:h;LR").is_lr() and not parsed(b"sip:h;lra").is_lr()


def test_malformed_uris_are_none():
    view = uri.URI()
    for text in (
        b"",
        b"sip",
        b"sip:",
        b":h",
        b"1sip:h",
        b"si_p:h",
        b"sip:@h",
        b"sip:a@",
        b"sip:a@:5060",
        b"sip:h:",
        b"sip:h:x",
        b"sip:h:65536",
        b"sip:h:50 60",
        b"sip: h",
        b"sip:a b@h",
        b"sip:a@b@c",
        b"sip:[::1",
        b"sip:[::g]",
        b"sip:[]",
        b"sip:::1",
        b"sip:h;;a",
        b"sip:h/x",
        b"sip:h<x",
        b'sip:"a"@h',
        b"sip:[::1]x",
        b"tel:",
        b"tel:;a=b",
        b"sip:h,i",
        b"sip:;lr",
    ):
        assert not view.parse(text, 0, len(text)), text


def test_lax_a_host_may_hold_an_underscore():
    assert parts(b"sip:a@my_host")[3] == b"my_host"


def test_the_equal_uris_of_rfc_3261():
    for a, b in (
        (b"sip:%61lice@atlanta.com;transport=TCP", b"sip:alice@AtlanTa.CoM;Transport=tcp"),
        (b"sip:carol@chicago.com", b"sip:carol@chicago.com;newparam=5"),
        (b"sip:carol@chicago.com;newparam=5", b"sip:carol@chicago.com;security=on"),
        (
            b"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            b"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            b"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            b"sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ):
        assert same(a, b), (a, b)


def test_the_unequal_uris_of_rfc_3261():
    for a, b in (
        (b"SIP:ALICE@AtLanTa.CoM;Transport=udp", b"sip:alice@AtLanTa.CoM;Transport=UDP"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:5060"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com;transport=udp"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:6000;transport=tcp"),
        (b"sip:carol@chicago.com", b"sip:carol@chicago.com?Subject=next%20meeting"),
        (b"sip:bob@phone21.boxesbybob.com", b"sip:bob@192.0.2.4"),
        (b"sip:carol@chicago.com;security=on", b"sip:carol@chicago.com;security=off"),
    ):
        assert not same(a, b), (a, b)


def test_parameters_that_name_another_resource_must_be_in_both():
    for name in (b"transport=udp", b"user=phone", b"ttl=1", b"method=INVITE", b"maddr=192.0.2.1"):
        assert not same(b"sip:a@b", b"sip:a@b;" + name), name
        assert same(b"sip:a@b;x;" + name, b"sip:a@b;" + name), name


def test_escapes_of_reserved_characters_are_not_the_characters():
    assert not same(b"sip:a%3Bb@h", b"sip:a;b@h")
    assert not same(b"sip:a%3bb@h", b"sip:a%3cb@h")
    assert same(b"sip:a%3bb@h", b"sip:a%3Bb@h") and same(b"sip:%2d@h", b"sip:-@h")
    assert not same(b"sip:a%4@h", b"sip:a@h") and same(b"sip:%@h", b"sip:%@h")


def test_passwords_schemes_and_users_count():
    assert not same(b"sip:a:p@h", b"sip:a@h") and not same(b"sip:a:p@h", b"sip:a:P@h")
    assert not same(b"sip:a@h", b"sips:a@h") and not same(b"sip:h", b"sip:a@h")


def test_ipv6_references_are_compared_by_value():
    assert same(b"sip:a@[2001:DB8::1]", b"sip:a@[2001:db8:0:0:0:0:0:01]")
    assert same(b"sip:[::ffff:192.0.2.1]", b"sip:[::FFFF:c000:201]")
    assert not same(b"sip:a@[2001:db8::1]", b"sip:a@[2001:db8::2]")


def test_tel_uris_are_compared_by_digits_and_all_parameters():
    assert same(b"tel:+1-201-555-0123", b"TEL:+1(201)555.0123")
    assert same(b"tel:7042;phone-context=example.com", b"tel:7042;phone-context=EXAMPLE.com")
    assert same(b"tel:1;phone-context=+1-2;ext=3", b"tel:1;ext=3;phone-context=+12")
    assert not same(b"tel:+12015550123", b"tel:12015550123;phone-context=+1")
    assert not same(b"tel:7042;phone-context=a.com", b"tel:7042;phone-context=b.com")
    assert not same(b"tel:+123", b"tel:+123;ext=1") and not same(b"tel:+123", b"tel:+124")


def test_other_schemes_and_malformed_ones():
    assert same(b"urn:service:sos", b"urn:service:sos") and not same(b"urn:a", b"urn:b")
    assert not same(b"sip:", b"sip:")


def test_ipv4_addresses():
    for text in (b"192.0.2.1", b"0.0.0.0", b"255.255.255.255"):
        assert uri.is_ipv4(text, 0, len(text)), text
    for text in (
        b"",
        b"192.0.2",
        b"192.0.2.1.1",
        b"192.0.2.256",
        b"192.0.2.",
        b".1.2.3",
        b"a.b.c.d",
        b"1920.0.2.1",
        b"192.0.2.-1",
        b"192.0.2.1 ",
    ):
        assert not uri.is_ipv4(text, 0, len(text)), text


def test_ipv6_references():
    good = ":: ::1 1:: 1:2:3:4:5:6:7:8 ::192.0.2.1 1:2:3:4:5:6:192.0.2.1 1:2:3:4:5:6:7:: a::B"
    for text in good.split():
        text = b"[" + text.encode() + b"]"
        assert uri.is_ipv6_reference(text, 0, len(text)), text
    bad = (
        ": ::: 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::2::3 1: :1 12345:: ::g 1:2:3:4:5:6:7:8:: "
        "1:2:3:4:5:6:7:192.0.2.1 ::192.0.2 192.0.2.1:: 192.0.2.1"
    )
    for text in [b"", b"::1"] + [b"[" + t.encode() + b"]" for t in bad.split()]:
        assert not uri.is_ipv6_reference(text, 0, len(text)), text


def test_comparing_uses_no_heap():
    a = b"sip:%61@[2001:db8::1]:5060;x=1;transport=udp?a=b&c=d"
    b = b"sip:a@[2001:db8:0::1]:5060;transport=UDP;y?c=d&a=b"
    with NoAlloc():
        found = uri.equal(a, 0, len(a), b, 0, len(b))
    assert found
