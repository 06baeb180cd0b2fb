"""One message of ours for every class of problem in RFC 4475, under the RFC's name for it."""

from fakes.wire import check_every_way, request, whole

from usip.sip import headers, uri

_FAULT = 12  # in fakes.wire.trace


def options(
    line: bytes = b"OPTIONS sip:door@example.com SIP/2.0",
    via: bytes = b"SIP/2.0/UDP 192.0.2.41;branch=z9hG4bKtorture",
    from_: bytes = b"<sip:panel@example.com>;tag=88",
    to: bytes = b"<sip:door@example.com>",
    cseq: bytes = b"3 OPTIONS",
    more: bytes = b"",
) -> bytes:
    """Return an OPTIONS request with parts replaced."""
    wire = line + b"\r\nVia: " + via + b"\r\nFrom: " + from_ + b"\r\nTo: " + to
    return wire + b"\r\nCall-ID: torture@192.0.2.41\r\nCSeq: " + cseq + b"\r\n" + more + b"\r\n"


def accepted(wire: bytes):
    found = check_every_way(wire)
    assert found[0] != "ParseError" and found[_FAULT] == 0, found
    return whole(wire)


def refused(wire: bytes) -> int:
    """Return the status a request is answered with; 0 when it is dropped."""
    found = check_every_way(wire)
    if found[0] == "ParseError":
        return found[1]
    assert found[_FAULT], found
    return found[_FAULT]


def test_wsinv_a_short_tortuous_request():
    wire = (
        b"INVITE sip:door@example.com;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:door@example.com ;   tag    = 17n\r\n"
        b'from   : "J \\\\\\"" <sip:panel@example.com>\r\n  ;\r\n  tag\r\n =\r\n 98asj\r\n'
        b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.torture@192.0.2.41\r\nCSeq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        b'm:"Q \\"uoted\\"" <sip:panel@a.com> ; newparam =\r\n      newvalue ;\r\n'
        b"  secondparam ; q = 0.33\r\nl: 0\r\n\r\n"
    )
    message = accepted(wire)
    assert message.cseq == 9 and message.max_forwards == 68
    assert message.text(message.to.tag_start, message.to.tag_end) == b"17n"
    assert message.text(message.from_.tag_start, message.from_.tag_end) == b"98asj"
    values = headers.Values()
    values.begin(message, 1)
    via = headers.Via()
    branches = []
    while values.next():
        assert via.parse(message.buf, values.start, values.end)
        branches.append(message.text(via.branch_start, via.branch_end))
    assert branches == [b"390skdjuw", b"z9hG4bK9ikj8", b"z9hG4bK30239"]


def test_intmeth_a_wide_range_of_characters():
    method = b"!odd-Method0*_+`.%indeed'~"
    line = method + b" sip:1_odd~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@example.com SIP/2.0"
    wire = options(line, cseq=b"7 " + method, to=b'"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@b>')
    message = accepted(wire.replace(b"torture@", b"word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"))
    assert message.method == 0


def test_esc01_and_escnull_escapes_in_uris():
    line = b"OPTIONS sip:sips%3Auser%40example.com@example.net SIP/2.0"
    message = accepted(options(line, to=b"<sip:null-%00-null@example.com>"))
    target = uri.URI()
    assert target.parse(message.buf, message.uri_start, message.uri_end)
    assert message.text(target.user_start, target.user_end) == b"sips%3Auser%40example.com"


def test_esc02_percent_that_is_no_escape():
    wire = options(b"RE%47IST%45R sip:h SIP/2.0", cseq=b"1 RE%47IST%45R", more=b"C%6Fntact: x\r\n")
    message = accepted(wire.replace(b"To: <", b'To: "%Z%45" <'))
    assert message.method == 0 and message.find(6) == -1 and message.find_name(b"c%6fntact") == 5


def test_lwsdisp_no_white_space_in_front_of_the_bracket():
    assert accepted(options(from_=b"panel<sip:panel@example.com>;tag=8")).from_.tag_start > 0


def test_longreq_long_values():
    long = b"0123456789" * 40
    vias = b"".join(b"V :  SIP/2.0/TCP host%d.example.com\r\n" % i for i in range(30))
    name = b'"long ' + long + b'" <sip:' + long + b"@example.com;" + long + b"=" + long + b">"
    message = accepted(request(more=vias + b"Contact: " + name + b";tag=" + long + b"\r\n"))
    assert message.count == 6 + 30 + 1


def test_dblreq_a_second_request_behind_the_first():
    message = accepted(options(more=b"l: 0\r\n") + options())
    assert message.body_end == message.body_start


def test_semiuri_a_semicolon_in_the_user():
    line = b"OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"
    accepted(options(line))


def test_transports_known_and_unknown():
    for transport in (b"UDP", b"SCTP", b"TLS", b"UNKNOWN", b"TCP"):
        accepted(options(via=b"SIP/2.0/" + transport + b" h;branch=z9hG4bKa"))


def test_mpart01_a_binary_body():
    body = b"--x\r\n\r\n\x00\xff\r\n\r\nSIP/2.0 200 OK\r\n--x--"
    message = accepted(options(more=b"Content-Length: %d\r\n" % len(body)) + body)
    assert message.text(message.body_start, message.body_end) == body


def test_unreason_and_noreason():
    rest = options()[len(b"OPTIONS sip:door@example.com SIP/2.0") :]
    accepted(b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xb5" + rest)
    accepted(b"SIP/2.0 100 " + rest)


def test_badinv01_extraneous_separators():
    assert refused(options(via=b"SIP/2.0/UDP 192.0.2.15;;,;,,")) == 400


def test_clerr_content_length_too_large():
    assert refused(options(more=b"Content-Length: 9999\r\n") + b"short") == 400


def test_ncl_negative_content_length():
    assert refused(options(more=b"Content-Length: -999\r\n")) == 400


def test_scalar02_overlarge_values_in_a_request():
    assert refused(options(cseq=b"36893488147419103232 OPTIONS")) == 400
    assert refused(options(more=b"Max-Forwards: 300\r\n")) == 400
    message = accepted(options(more=b"Expires: 10000000000000000000000000000000000000000\r\n"))
    assert message.uint(12) == 1073741823


def test_scalarlg_overlarge_values_in_a_response():
    wire = options(b"SIP/2.0 503 Service Unavailable", cseq=b"9292394834772304023312 OPTIONS")
    assert refused(wire) == 0


def test_quotbal_unbalanced_quotes():
    assert refused(options(to=b'"Mr. J. User <sip:j.user@example.com>')) == 400


def test_ltgtruri_brackets_around_the_request_uri():
    assert refused(options(b"OPTIONS <sip:door@example.com> SIP/2.0")) == 400


def test_lwsruri_white_space_in_the_request_uri():
    assert refused(options(b"OPTIONS sip:door@example.com; lr SIP/2.0")) == 400


def test_lwsstart_and_trws_white_space_in_the_request_line():
    assert refused(options(b"OPTIONS  sip:door@example.com  SIP/2.0")) == 400
    assert refused(options(b"OPTIONS sip:door@example.com SIP/2.0  ")) == 400


def test_escruri_headers_in_the_request_uri():
    assert refused(options(b"OPTIONS sip:door@example.com?Route=%3Csip:a%3E SIP/2.0")) == 400


def test_baddate_is_nobodys_business():
    accepted(options(more=b"Date: Fri, 01 Jan 2010 16:00:00 EST\r\n"))


def test_regbadct_a_uri_with_headers_without_brackets():
    assert refused(options(more=b"Contact: sip:user@example.com?Route=%3Csip:a%3E\r\n")) == 400


def test_badaspec_spaces_in_an_addr_spec():
    assert refused(options(to=b'"Watson" < sip:t.watson@example.org >')) == 400


def test_baddn_a_comma_in_a_display_name():
    assert refused(options(from_=b"Bell, Alexander <sip:a.g.bell@example.com>;tag=43")) == 400


def test_badvers_another_version():
    assert refused(options(b"OPTIONS sip:door@example.com SIP/7.0")) == 505


def test_mismatch01_and_mismatch02():
    assert refused(options(cseq=b"8 INVITE")) == 400
    assert refused(options(b"NEWMETHOD sip:h SIP/2.0", cseq=b"8 INVITE")) == 400


def test_bigcode_overlarge_status_code():
    assert refused(options(b"SIP/2.0 4294967301 better not break the receiver")) == 0


def test_badbranch_no_more_than_the_cookie():
    message = accepted(options(via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"))
    assert message.text(message.via.branch_start, message.via.branch_end) == b"z9hG4bK"


def test_insuf_missing_fields():
    assert (
        refused(b"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCSeq: 1 OPTIONS\r\n\r\n") == 400
    )


def test_unkscm_novelsc_and_unksm2_other_schemes():
    accepted(options(b"OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"))
    accepted(options(b"OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", to=b"isbn:2983792873"))
    accepted(options(from_=b"<http://www.example.com>;tag=3", to=b"<isbn:2983792873>"))


def test_bext01_regaut01_invut_and_sdp01_are_others_business():
    accepted(options(more=b"Require: nothingSupportsThis\r\nProxy-Require: noProxiesDoEither\r\n"))
    accepted(options(more=b"Authorization: NoOneKnowsThisScheme opaque-data=here\r\n"))
    accepted(options(more=b"Content-Type: application/unknownformat\r\nl: 3\r\n") + b"abc")
    accepted(options(more=b"Accept: text/nobodyKnowsThis\r\n"))


def test_multi01_what_is_there_once_comes_twice():
    assert refused(options(more=b"CSeq: 59 OPTIONS\r\nTo: <sip:other@example.net>\r\n")) == 400


def test_mcl01_two_content_lengths():
    assert refused(options(more=b"l: 5\r\nContent-Length: 3\r\n") + b"12345") == 400


def test_bcast_a_response_to_a_broadcast_address():
    message = accepted(options(b"SIP/2.0 200 OK", via=b"SIP/2.0/UDP 255.255.255.255;branch=a"))
    assert message.text(message.via.host_start, message.via.host_end) == b"255.255.255.255"


def test_zeromf_max_forwards_zero():
    assert accepted(options(more=b"Max-Forwards: 0\r\n")).max_forwards == 0


def test_cparam01_cparam02_and_regescrt_parameters_of_a_contact():
    for contact, name in (
        (b"sip:a@b;unknownparam", b"unknownparam"),
        (b"<sip:a@b;unknownparam>;expires=5", b"expires"),
        (b"<sip:a@b?Route=%3Csip:c%3E>;q=1", b"q"),
    ):
        message = accepted(options(more=b"Contact: " + contact + b"\r\n"))
        i = message.find(6)
        view = headers.NameAddr()
        assert view.parse(message.buf, message.value_start(i), message.value_end(i))
        assert view.param(name) and not view.param(b"lr")


def test_inv2543_what_rfc_2543_sent():
    wire = options(
        b"INVITE sip:h SIP/2.0", via=b"SIP/2.0/UDP h", from_=b"<sip:a@b>", cseq=b"1 INVITE"
    )
    message = accepted(wire + b"v=0\r\n")
    assert message.via.branch_start == -1 and message.from_.tag_start == -1
    assert message.max_forwards == -1 and message.content_length == -1
    assert message.text(message.body_start, message.body_end) == b"v=0\r\n"
