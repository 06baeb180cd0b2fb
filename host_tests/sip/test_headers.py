"""The typed views of header field values."""

from fakes.noalloc import NoAlloc
from fakes.wire import request, whole

from usip.sip import fields, headers

_VIA = headers.Via()
_NAME_ADDR = headers.NameAddr()
_H_CONTACT = 6
_H_ROUTE = 10
_H_WWW_AUTHENTICATE = 15


def parse(view, value: bytes) -> bool:
    """Parse *value*, alone and among other octets; both must agree."""
    around = b'"<;,' + value + b'">;,('
    result = view.parse(around, 4, 4 + len(value))
    assert view.parse(value, 0, len(value)) == result, value
    return result


def span(view, start: int, end: int) -> bytes:
    return bytes(view.buf[start:end])


def params(view) -> list:
    """Return the parameters of a view as (name, value) pairs."""
    found = []
    view.begin()
    while view.next():
        found.append((span(view, view.name_start, view.name_end), view.value()))
    return found


def via(value: bytes) -> headers.Via:
    assert parse(_VIA, value), value
    return _VIA


def name_addr(value: bytes) -> headers.NameAddr:
    assert parse(_NAME_ADDR, value), value
    return _NAME_ADDR


def test_a_via_has_transport_sent_by_and_parameters():
    v = via(b"SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport=4000;received=192.0.2.2;ttl=1")
    assert span(v, v.transport_start, v.transport_end) == b"UDP"
    assert span(v, v.host_start, v.host_end) == b"192.0.2.1" and v.port == 5070
    assert span(v, v.sent_by_start, v.sent_by_end) == b"192.0.2.1:5070"
    assert span(v, v.branch_start, v.branch_end) == b"z9hG4bK1"
    assert v.has_rport and v.rport == 4000
    assert span(v, v.received_start, v.received_end) == b"192.0.2.2"
    assert v.param_uint(b"ttl") == 1 and not v.param(b"maddr") and v.param_uint(b"maddr") == -1


def test_a_via_without_parameters_says_so():
    v = via(b"SIP/2.0/TLS host.example.com")
    assert v.port == -1 and v.branch_start == -1 and v.received_start == -1
    assert not v.has_rport and v.rport == -1 and params(v) == []


def test_white_space_may_stand_around_every_separator_of_a_via():
    v = via(
        b"SIP\r\n / 2.0 /\tUDP   host.example.com\r\n : 5060"
        b" ; branch = z9hG4bK2 ; \r\n rport ; a=b"
    )
    assert span(v, v.host_start, v.host_end) == b"host.example.com" and v.port == 5060
    assert span(v, v.branch_start, v.branch_end) == b"z9hG4bK2" and v.has_rport
    assert params(v) == [(b"branch", b"z9hG4bK2"), (b"rport", b""), (b"a", b"b")]


def test_a_via_may_hold_ipv6():
    v = via(b"SIP/2.0/UDP [2001:db8::9:1]:5062;received=[2001:db8::9:255];branch=z9hG4bKas3-111")
    assert span(v, v.host_start, v.host_end) == b"[2001:db8::9:1]" and v.port == 5062
    assert span(v, v.received_start, v.received_end) == b"[2001:db8::9:255]"
    v = via(b"SIP/2.0/UDP [::1];received=2001:db8::1")
    assert v.port == -1 and span(v, v.received_start, v.received_end) == b"2001:db8::1"


def test_the_first_of_several_vias_ends_at_its_comma():
    v = via(b'SIP/2.0/UDP a;x="1,2";branch=z9hG4bK3, SIP/2.0/TCP b')
    assert span(v, v.branch_start, v.branch_end) == b"z9hG4bK3"
    assert params(v) == [(b"x", b'"1,2"'), (b"branch", b"z9hG4bK3")]


def test_lax_a_comment_may_end_a_via():
    v = via(b"SIP/2.0/UDP my.host :4054 ;ttl=16; branch=a7c6a8dlze.1 (Acme server)")
    assert v.port == 4054 and span(v, v.branch_start, v.branch_end) == b"a7c6a8dlze.1"


def test_malformed_vias_are_no_vias():
    for value in (
        b"",
        b"SIP/2.0/UDP",
        b"SIP/2.0/UDP ",
        b"SIP/2.0 UDP host",
        b"SIP/2.0/UDP;branch=a",
        b"SIP/2.0/UDP host:",
        b"SIP/2.0/UDP host:65536",
        b"SIP/2.0/UDP host:5060x",
        b"SIP/2.0/UDP [::1",
        b"SIP/2.0/UDP host;;branch=a",
        b"SIP/2.0/UDP host;=a",
        b'SIP/2.0/UDP host;a="b',
        b"SIP/2.0/UDP host branch=a",
        b"/2.0/UDP host",
    ):
        assert not parse(_VIA, value), value


def test_a_name_addr_has_name_uri_and_parameters():
    a = name_addr(b'"A. \\"B\\" C" <sip:a@b;lr?x=y>;tag=1;q="0,5" ; flag')
    assert span(a, a.display_start, a.display_end) == b'A. \\"B\\" C'
    assert a.uri() == b"sip:a@b;lr?x=y"
    assert span(a, a.tag_start, a.tag_end) == b"1"
    assert params(a) == [(b"tag", b"1"), (b"q", b'"0,5"'), (b"flag", b"")]
    assert a.param(b"q")
    a.unquote()
    assert a.value() == b"0,5"
    assert a.param(b"flag") and a.value_start == a.value_end


def test_names_of_parameters_are_found_in_any_case():
    a = name_addr(b"<sip:a@b>;TaG=1;EXPIRES=60;expires=7")
    assert span(a, a.tag_start, a.tag_end) == b"1" and a.param_uint(b"expires") == 60
    assert not a.param(b"exp") and not a.param(b"expiress")


def test_an_addr_spec_ends_at_its_first_semicolon():
    a = name_addr(b" sip:a@b;tag=1 ")
    assert a.uri() == b"sip:a@b" and a.display_start == a.display_end
    assert span(a, a.tag_start, a.tag_end) == b"1"


def test_display_names_come_as_tokens_or_quoted():
    for value, name in (
        (b"<sip:a@b>", b""),
        (b"Bob <sip:a@b>", b"Bob"),
        (b"Bob  B.\t<sip:a@b>", b"Bob  B."),
        (b'""<sip:a@b>', b""),
        (b'"" <sip:a@b>', b""),
        (b'"<sip:x@y>" <sip:a@b>', b"<sip:x@y>"),
        (b'"\\\\" <sip:a@b>', b"\\\\"),
        (b"\xc3\xa9 <sip:a@b>", b"\xc3\xa9"),
        (b"%Z%45 <sip:a@b>", b"%Z%45"),
    ):
        a = name_addr(value)
        assert span(a, a.display_start, a.display_end) == name, value
        assert a.uri() == b"sip:a@b"


def test_lax_no_white_space_between_display_name_and_bracket():
    assert name_addr(b"caller<sip:caller@example.com>;tag=323").uri() == b"sip:caller@example.com"


def test_lax_a_semicolon_may_end_a_contact():
    assert name_addr(b"<sip:a@b>;expires=5;").param_uint(b"expires") == 5


def test_lax_a_fold_inside_of_the_brackets():
    a = name_addr(b"<sip:alice@example.com\r\n ;gr=urn:uuid:f81>")
    assert a.uri() == b"sip:alice@example.com\r\n ;gr=urn:uuid:f81"


def test_malformed_name_addrs_are_none():
    for value in (
        b"",
        b" ",
        b"bob",
        b"<sip:a@b",
        b"<>",
        b'"Bob <sip:a@b>',
        b'"Bob" sip:a@b',
        b"<sip:a@b> ;; tag=1",
        b"<sip:a@b> tag=1",
        b"<sip:a b@c>",
        b"< sip:a@b>",
        b"<sip:a@b>;tag=1,",
        b"sip:a@b?x=y",
        b"a, b <sip:a@b>",
        b"**",
        b'<sip:a"b@c>',
    ):
        assert not parse(_NAME_ADDR, value), value


def test_a_wildcard_is_a_contact():
    assert parse(_NAME_ADDR, b" * ") and _NAME_ADDR.is_wildcard
    assert parse(_NAME_ADDR, b"<sip:a@b>") and not _NAME_ADDR.is_wildcard


def test_an_empty_tag_is_no_tag():
    assert name_addr(b"<sip:a@b>;tag=").tag_start == -1
    assert name_addr(b"<sip:a@b>;tag").tag_start == -1
    assert name_addr(b"<sip:a@b>;mytag=1").tag_start == -1


def listed(more: bytes, header_id: int) -> list:
    """Return all values of a field."""
    message = whole(request(more=more))
    values = headers.Values()
    values.begin(message, header_id)
    found = []
    while values.next():
        found.append(message.text(values.start, values.end))
    return found


def test_values_come_from_every_field_in_order():
    more = b"Route: <sip:a;lr>, <sip:b;lr>\r\nX: y\r\nrOUTE:\r\n <sip:c>\r\n ,<sip:d>;e=f\r\n"
    assert listed(more, _H_ROUTE) == [b"<sip:a;lr>", b"<sip:b;lr>", b"<sip:c>", b"<sip:d>;e=f"]
    assert listed(b"", _H_ROUTE) == []


def test_commas_in_quotes_brackets_and_comments_separate_nothing():
    more = b'm: "a,\\",<" <sip:b,c@d>;x="," (comment, (nested\\), too)), sip:e\r\n'
    assert listed(more, _H_CONTACT) == [
        b'"a,\\",<" <sip:b,c@d>;x="," (comment, (nested\\), too))',
        b"sip:e",
    ]
    assert listed(b"m: <sip:a(b@c>, sip:d(e@f, <sip:g>\r\n", _H_CONTACT)[1:] == [
        b"sip:d(e@f",
        b"<sip:g>",
    ]


def test_empty_values_are_passed_over():
    assert listed(b"Route: ,, <sip:a> , ,\r\nRoute:\r\n", _H_ROUTE) == [b"<sip:a>"]


def test_what_does_not_close_ends_its_field():
    more = b'Route: <sip:a>, "x <sip:b>, <sip:c>\r\nRoute: <sip:d>\r\n'
    assert listed(more, _H_ROUTE) == [b"<sip:a>", b'"x <sip:b>, <sip:c>', b"<sip:d>"]


def test_a_field_has_a_leading_word_and_parameters():
    field = fields.Field()
    assert parse(field, b" presence ; id = 7 ") and span(field, field.start, field.end) == (
        b"presence"
    )
    assert field.param_uint(b"id") == 7 and field.uint() == -1
    assert parse(field, b'Q.850;cause=16;text="a;b"') and field.param_uint(b"cause") == 16
    assert field.param(b"text") and field.value() == b'"a;b"'
    assert parse(field, b"120") and field.uint() == 120
    assert parse(field, b"a@b;to-tag=1;from-tag=2;early-only") and field.param(b"early-only")
    for value in (b"", b";a=b", b"a;;b", b'a;b="c'):
        assert not parse(field, value), value


def test_session_expires_names_the_refresher():
    view = fields.SessionExpires()
    assert parse(view, b"1800;refresher=uac") and view.uint() == 1800 and view.refresher() == 1
    assert parse(view, b"90 ; Refresher = UAS") and view.uint() == 90 and view.refresher() == 2
    assert parse(view, b"90;refresher=x") and view.refresher() == 0
    assert parse(view, b"90") and view.refresher() == 0


def test_rack_is_two_numbers_and_a_method():
    rack = fields.RAck()
    assert parse(rack, b"776656 1 INVITE") and rack.rseq == 776656 and rack.cseq.number == 1
    cseq = rack.cseq
    for value in (
        b"",
        b"1",
        b"1 2",
        b"1 INVITE",
        b"x 1 INVITE",
        b"1 2 INVITE x",
    ):
        assert not parse(rack, value), value
    assert cseq.parse(b"7 \r\n ACK", 0, 8) and cseq.number == 7


def challenges(more: bytes) -> list:
    """Return the challenges of WWW-Authenticate as tuples."""
    message = whole(request(more=more))
    values = headers.Values()
    challenge = headers.Challenge()
    values.begin(message, _H_WWW_AUTHENTICATE)
    found = []
    while values.next_challenge(challenge):
        found.append(
            (
                message.text(challenge.scheme_start, challenge.scheme_end),
                challenge.realm(),
                challenge.nonce(),
                challenge.opaque(),
                challenge.algorithm(),
                challenge.has_qop_auth,
                challenge.is_stale,
            )
        )
    return found


def test_a_challenge_may_hold_quoted_commas_and_escapes():
    more = (
        b'WWW-Authenticate: Digest realm="a, \\"b\\"",nonce="c=,",\r\n opaque="", stale=TRUE ,'
        b' algorithm=MD5,qop="auth-int,auth"\r\n'
    )
    assert challenges(more) == [(b"Digest", b'a, \\"b\\"', b"c=,", b"", b"MD5", True, True)]


def test_several_challenges_are_several_fields():
    more = (
        b'WWW-Authenticate: Digest realm="a", nonce="1", algorithm=SHA-256\r\n'
        b'WWW-Authenticate:digest realm="b",nonce="2",qop="auth-int"\r\n'
    )
    assert challenges(more) == [
        (b"Digest", b"a", b"1", None, b"SHA-256", False, False),
        (b"digest", b"b", b"2", None, None, False, False),
    ]


def test_lax_several_challenges_may_share_a_field():
    more = b'WWW-Authenticate: Digest realm="a",nonce="1", Digest realm="b" , nonce="2",Basic\r\n'
    assert [found[:3] for found in challenges(more)] == [
        (b"Digest", b"a", b"1"),
        (b"Digest", b"b", b"2"),
        (b"Basic", None, None),
    ]


def test_malformed_challenges_end():
    for value in (
        b"",
        b",",
        b"Digest",
        b'Digest realm="a',
        b"Digest realm",
        b'Digest ="a"',
        b"= =",
    ):
        for found in challenges(b"WWW-Authenticate: " + value + b"\r\n"):
            assert found[1] is None, value


def test_views_use_no_heap():
    value = b'"A, B" <sip:a@b;lr>;tag=1;expires=60'
    wire = request(more=b"m: " + value + b"\r\nm: <sip:c>," + value + b"\r\n")
    message = whole(wire)
    values = headers.Values()
    view = headers.NameAddr()
    count = 0
    with NoAlloc():
        values.begin(message, _H_CONTACT)
        while values.next():
            if view.parse(message.buf, values.start, values.end):
                count += view.param_uint(b"expires")
        view.begin()
        while view.next():
            count += 1
    assert count == 60 - 1 + 60 + 2
