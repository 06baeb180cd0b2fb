"""Datagrams: what is accepted, refused and dropped, however the octets arrive."""

from fakes.noalloc import NoAlloc
from fakes.wire import HEADER, INVITE, INVITE_LINE, OK, check_every_way, replaced, request, whole

from usip.errors import ParseError
from usip.sip import parser
from usip.sip.message import Message

_FAULT = 12  # in fakes.wire.trace


def assert_refused(wire: bytes, status: int, why: str) -> None:
    """The request can be answered, with *status*."""
    found = check_every_way(wire)
    assert found[0] is True, found
    assert found[_FAULT] == status and why in found[_FAULT + 1], found


def assert_not_answerable(wire: bytes, status: int) -> None:
    found = check_every_way(wire)
    assert found[0] == "ParseError" and found[1] == status, found


def assert_accepted(wire: bytes) -> Message:
    found = check_every_way(wire)
    assert found[0] != "ParseError" and found[_FAULT] == 0, found
    return whole(wire)


def test_a_request_is_seen_in_place():
    message = assert_accepted(INVITE)
    assert message.is_request and message.method == 1 and message.cseq == 21
    assert message.text(message.method_start, message.method_end) == b"INVITE"
    assert message.text(message.uri_start, message.uri_end) == b"sip:102@192.0.2.10"
    assert message.max_forwards == 70 and message.content_length == 4
    assert message.text(message.body_start, message.body_end) == b"v=0\n"
    assert message.end == len(INVITE) and message.count == 7
    call_id = message.text(message.call_id_start, message.call_id_end)
    assert call_id == b"9b0f2c66d1e84f3a@192.0.2.41"
    assert message.via.has_rport and message.via.port == 5060 and message.via.rport == -1
    assert message.to.tag_start == -1


def test_a_response_takes_its_method_from_the_cseq():
    message = assert_accepted(OK)
    assert not message.is_request and message.status_code == 200 and message.method == 1
    assert message.text(message.reason_start, message.reason_end) == b"OK"


def test_every_method_we_know_has_its_number():
    names = (
        "INVITE ACK BYE CANCEL OPTIONS REGISTER MESSAGE SUBSCRIBE NOTIFY PUBLISH UPDATE PRACK "
        "REFER INFO"
    )
    for number, name in enumerate(names.split()):
        name = name.encode()
        message = whole(request(name + b" sip:h SIP/2.0\r\n", b"1 " + name))
        assert message.method == number + 1 and not message.fault


def test_an_unknown_method_and_one_in_lower_case_are_methods():
    for name in (b"NEWMETHOD", b"invite", b"IN%56ITE", b"!-.*_+`'~%"):
        message = assert_accepted(request(name + b" sip:h SIP/2.0\r\n", b"1 " + name))
        assert message.method == 0


def test_a_method_that_is_no_token_is_refused():
    line = b"INV{TE sip:h SIP/2.0\r\n"
    assert_refused(request(line, b"1 INV{TE"), 400, "method")


def test_empty_lines_in_front_are_skipped():
    message = assert_accepted(b"\r\n\r\n\n" + INVITE)
    assert message.start == 5


def test_nothing_but_empty_lines_is_dropped():
    for wire in (b"", b"\r\n", b"\r\n\r\n", b"\n\n\n"):
        try:
            whole(wire)
            raise AssertionError(wire)
        except ParseError as error:
            assert error.status == 0


def test_lax_lf_alone_ends_a_line():
    wire = replaced(b"\r\n", b"\n")
    message = assert_accepted(wire)
    assert message.count == 7


def test_a_cr_on_its_own_is_an_octet_of_the_value():
    message = assert_accepted(
        replaced(b"Max-Forwards: 70\r\n", b"Max-Forwards: 70\r\nX: a\rb\r\n")
    )
    i = message.find_name(b"x")
    assert message.text(message.value_start(i), message.value_end(i)) == b"a\rb"


def test_folds_belong_to_the_value():
    wire = replaced(b"Max-Forwards: 70", b"Max-Forwards:\r\n\t 70\r\n ")
    wire = replaced(b"CSeq: 21 INVITE", b"CSeq:\r\n 21\r\n  INVITE", wire)
    wire = replaced(b"<sip:102@192.0.2.10>\r\n", b"\n <sip:102@192.0.2.10>\r\n ;x=y\r\n", wire)
    message = assert_accepted(wire)
    assert message.max_forwards == 70 and message.cseq == 21


def test_white_space_around_the_colon_and_behind_the_value_is_none_of_it():
    wire = replaced(b"Max-Forwards: 70", b"Max-Forwards \t :\t 70 \t ")
    assert assert_accepted(wire).max_forwards == 70


def test_names_are_found_in_any_case_and_compact():
    wire = request(more=b"L: 0\r\nM: <sip:a@h>\r\ncOnTeNt-TyPe: a/b\r\nk: x\r\nX-y: 1\r\nq: 2\r\n")
    message = assert_accepted(wire)
    ids = [message.header_id(i) for i in range(6, message.count)]
    assert ids == [8, 6, 9, 18, 0, 0]


def test_every_compact_form_is_known():
    assigned = b"a51b27c9d74e49f2i4j75k18l8m6o24r26s62t3u34v1x31"
    at = 0
    forms = {}
    for octet in assigned:
        if octet > 57:
            at = octet
            forms[at] = 0
        else:
            forms[at] = forms[at] * 10 + octet - 48
    for letter in range(97, 123):
        for octet in (letter, letter - 32):
            line = bytes((octet,)) + b": x\r\n"
            message = Message()
            wire = request(more=line)
            parser.index(message, wire, 0, len(wire))
            assert message.header_id(6) == forms.get(letter, 0), letter


def test_a_line_without_a_colon_is_ignored():
    message = assert_accepted(request(more=b"nonsense\r\n folded\r\n: no name\r\nX: 1\r\n"))
    assert message.count == 7 and message.find_name(b"x") == 6


def test_utf_8_and_nul_are_octets_like_others():
    to = b'To: "\xe5\xa4\xa7 \\\x00 \\"" <sip:102@192.0.2.10>\r\n'
    message = assert_accepted(replaced(b"To: <sip:102@192.0.2.10>\r\n", to))
    display = message.text(message.to.display_start, message.to.display_end)
    assert display == b'\xe5\xa4\xa7 \\\x00 \\"'


def test_extra_octets_of_a_datagram_are_discarded():
    message = assert_accepted(replaced(b"Length: 4", b"Length: 0") + INVITE)
    assert message.body_start == message.body_end


def test_without_content_length_the_body_is_the_rest():
    message = assert_accepted(request() + b"body")
    assert message.text(message.body_start, message.body_end) == b"body"


def test_a_datagram_shorter_than_content_length_is_refused():
    assert_refused(replaced(b"Length: 4", b"Length: 5"), 400, "fewer octets")
    assert_not_answerable(replaced(b"Content-Length: 0", b"Content-Length: 1", OK), 0)


def test_a_content_length_that_is_no_number_is_refused():
    for value in (b"-1", b"", b"4 4", b"0x4", b"4;"):
        assert_refused(replaced(b"Length: 4", b"Length: " + value), 400, "Content-Length")


def test_an_overlarge_content_length_is_refused():
    assert_refused(replaced(b"Length: 4", b"Length: 99999999999999999999"), 400, "Content-Length")
    assert_refused(replaced(b"Length: 4", b"Length: 2147483647"), 400, "fewer octets")


def test_max_forwards_is_0_to_255():
    for value in (b"256", b"-1", b"x", b"", b"99999999999"):
        assert_refused(replaced(b"Forwards: 70", b"Forwards: " + value), 400, "Max-Forwards")
    assert assert_accepted(replaced(b"Forwards: 70", b"Forwards: 0")).max_forwards == 0
    assert assert_accepted(replaced(b"Max-Forwards: 70\r\n", b"")).max_forwards == -1


def test_cseq_is_below_2_to_the_31():
    assert assert_accepted(replaced(b": 21 ", b": 2147483647 ")).cseq == 2147483647
    assert assert_accepted(replaced(b": 21 ", b": 0000000021 ")).cseq == 21
    for value in (b"2147483648", b"36893488147419103232", b"-1", b"", b"0x1", b"1.0"):
        assert_refused(replaced(b": 21 ", b": " + value + b" "), 400, "CSeq")
    for value in (b"21", b"21INVITE", b"21 INVITE x", b""):
        assert_refused(replaced(b"21 INVITE", value), 400, "CSeq")


def test_cseq_of_another_method_is_refused():
    assert_refused(request(cseq=b"21 ACK"), 400, "method of CSeq")
    assert_refused(request(b"NEWMETHOD sip:h SIP/2.0\r\n", b"1 INVITE"), 400, "method of CSeq")
    assert_refused(request(b"NEWMETHOD sip:h SIP/2.0\r\n", b"1 OLDMETHOD"), 400, "method of CSeq")


def test_another_version_is_505_and_no_version_is_400():
    for version in (b"SIP/1.0", b"SIP/3.0", b"SIP/2.1", b"sip/7.0", b"SIP/02.0", b"SIP/22.0"):
        assert_refused(replaced(b"SIP/2.0\r\n", version + b"\r\n"), 505, "version")
    for version in (b"SIP/2", b"SIP/two", b"HTTP/1.1", b"SIP/", b"SIP/2.0.0", b"2.0", b"SIP/.0"):
        assert_refused(replaced(b"SIP/2.0\r\n", version + b"\r\n"), 400, "version")
    assert_accepted(replaced(b"SIP/2.0\r\n", b"sip/2.0\r\n"))


def test_white_space_in_the_request_line_is_refused():
    for line in (
        b"INVITE  sip:102@192.0.2.10 SIP/2.0",
        b"INVITE sip:102@192.0.2.10  SIP/2.0",
        b"INVITE sip:102@192.0.2.10 SIP/2.0 ",
        b"INVITE sip:102@192.0.2.10; lr SIP/2.0",
        b"INVITE sip:10\t2@192.0.2.10 SIP/2.0",
        b"INVITE sip:10\r2@192.0.2.10 SIP/2.0",
    ):
        assert_refused(replaced(INVITE_LINE[:-2], line), 400, "")


def test_a_malformed_request_uri_is_refused():
    for uri in (
        b"<sip:102@192.0.2.10>",
        b"sip:",
        b"102",
        b"sip:2001:db8::10",
        b"sip:[2001:db8::10",
        b"sip:h:port",
        b"sip:h:65536",
        b"sip:a@b@c",
        b"sip:@h",
        b"sip:h?Route=%3Csip:p%3E",
    ):
        assert_refused(replaced(b"sip:102@192.0.2.10 ", uri + b" "), 400, "Request-URI")


def test_any_scheme_is_well_formed():
    for uri in (b"nobodyKnowsThisScheme:totallyopaque", b"tel:+15550100", b"sips:h", b"a+b-c.d:x"):
        assert_accepted(replaced(b"sip:102@192.0.2.10 ", uri + b" "))


def test_a_start_line_that_is_neither_cannot_be_answered():
    for line in (b"hello", b"INVITE", b"INVITE sip:h", b"SIP/2.0", b" INVITE sip:h SIP/2.0"):
        found = check_every_way(replaced(INVITE_LINE[:-2], line))
        assert found[0] == "ParseError", found


def test_a_status_line_that_is_none_is_dropped():
    for line in (
        b"SIP/2.0 4294967301 better not break the receiver",
        b"SIP/2.0 700 Too much",
        b"SIP/2.0 99 Too little",
        b"SIP/2.0 20x OK",
        b"SIP/2.0  200 OK",
        b"SIP/3.0 200 OK",
        b"SIP/2.0 -20 OK",
    ):
        assert_not_answerable(replaced(b"SIP/2.0 200 OK", line, OK), 0)


def test_a_reason_phrase_may_be_empty_and_hold_any_octet():
    for reason in (b"", b" ", b" = 2**3 * 5**2 \xd0\xbd\xd0\xbe", b" a  b\t"):
        message = assert_accepted(replaced(b" OK", reason, OK))
        assert message.text(message.reason_start, message.reason_end) == reason[1:]


def test_what_every_message_has_must_be_there():
    for name in (b"Via", b"From", b"To", b"Call-ID", b"CSeq"):
        at = INVITE.find(b"\n" + name + b":") + 1
        wire = INVITE[:at] + b"X-" + INVITE[at:]
        assert_not_answerable(wire, 0 if name == b"Via" else 400)
        at = OK.find(b"\n" + name + b":") + 1
        assert_not_answerable(OK[:at] + b"X-" + OK[at:], 0)


def test_what_is_there_once_must_not_be_there_twice():
    for line in HEADER.split(b"\r\n")[1:5] + [b"CSeq: 21 INVITE", b"Content-Length: 4"]:
        assert_refused(replaced(line, line + b"\r\n" + line), 400, "repeated")
    assert_refused(request(more=b"l: 0\r\nContent-Length: 0\r\n"), 400, "repeated")
    assert_refused(request(more=b"f: <sip:101@192.0.2.10>\r\n"), 400, "repeated")


def test_lax_content_type_may_be_repeated():
    line = b"Content-Type: application/sdp\r\n"
    assert_accepted(request(more=line + line))


def test_malformed_fields_are_refused_by_name():
    for old, new, why in (
        (b'"Front door"', b'"Front door', "From"),
        (b"<sip:101@192.0.2.10>", b"<sip:101@192.0.2.10", "From"),
        (b"<sip:101@192.0.2.10>", b"<>", "From"),
        (b";tag=7c1f4e02", b";;tag=7c1f4e02", "From"),
        (b";tag=7c1f4e02", b" tag=7c1f4e02", "From"),
        (b'"Front door"', b"Door, front", "From"),
        (b"To: <sip:102@192.0.2.10>", b"To: <sip:102@192.0.2.10 >", "To"),
        (b"To: <sip:102@192.0.2.10>", b"To: ", "To"),
        (b"To: <sip:102@192.0.2.10>", b"To: sip:102@192.0.2.10?x=y", "To"),
        (b"Call-ID: 9b0f2c66d1e84f3a@192.0.2.41", b"Call-ID:", "Call-ID"),
    ):
        assert_refused(replaced(old, new), 400, why)
        try:
            whole(replaced(old, new, OK))
            raise AssertionError(old)
        except ParseError as error:
            assert error.status == 0


def test_a_malformed_contact_is_refused():
    for value in (
        b"sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        b'"Joe" <sip:joe@example.org>;;;;',
        b"<sip:a@h",
        b'"a" "b"',
        b"",
    ):
        assert_refused(request(more=b"Contact: " + value + b"\r\n"), 400, "Contact")
    for value in (b"*", b" <sip:a@h>;", b"sip:a@h;q=0.1, <sip:b@h>", b'"," <sip:a,b@h>,<sip:c@h>'):
        assert_accepted(request(more=b"Contact: " + value + b"\r\n"))


def test_an_unreadable_via_cannot_be_answered():
    for value in (
        b"SIP/2.0/UDP 192.0.2.15;;,;,,",
        b"SIP/2.0/UDP",
        b"SIP/2.0 192.0.2.1",
        b"SIP/2.0/UDP h:x",
        b"SIP/2.0/UDP [::1",
        b'SIP/2.0/UDP h;a="b',
        b"",
    ):
        old = HEADER[5 : HEADER.find(b"\r\n")]
        assert_not_answerable(replaced(old, value), 400)
        assert_not_answerable(replaced(old, value, OK), 0)


def test_a_datagram_that_ends_in_the_header_is_refused():
    assert_refused(INVITE_LINE + HEADER + b"CSeq: 21 INVITE\r\nDate: x", 400, "does not end")
    assert_refused(INVITE_LINE + HEADER + b"CSeq: 21 INVITE", 400, "does not end")
    assert_refused(INVITE_LINE + HEADER + b"l: 3\r\nCSeq: 21 INVITE\r\n", 400, "does not end")
    assert_not_answerable(INVITE_LINE, 0)
    assert_not_answerable(INVITE_LINE[:-9], 0)


def test_lax_the_empty_line_may_lack_where_there_is_no_body():
    assert_accepted(INVITE_LINE + HEADER + b"CSeq: 21 INVITE\r\n")
    assert_accepted(INVITE_LINE + HEADER + b"CSeq: 21 INVITE\nContent-Length: 0\n")


def test_more_fields_than_the_index_holds_are_refused_and_answerable():
    wire = request(more=b"Route: <sip:a;lr>\r\n" * 60)
    assert whole(wire).fault == 513
    wire = INVITE_LINE + b"Route: <sip:a;lr>\r\n" * 60 + HEADER + b"CSeq: 21 INVITE\r\n\r\n"
    assert whole(wire).fault == 513


def test_extension_fields_leave_an_index_that_is_full():
    wire = INVITE_LINE + b"X-a: 1\r\n" * 300 + HEADER + b"CSeq: 21 INVITE\r\nExpires: 5\r\n\r\n"
    message = whole(wire)
    assert message.fault == 0 and message.uint(12) == 5 and message.count <= 48
    assert check_every_way(wire[:900] + b"\r\n" + HEADER + b"CSeq: 21 INVITE\r\n\r\n")[12] == 0


def test_a_datagram_longer_than_offsets_reach_is_refused():
    try:
        parser.index(Message(), bytearray(65600), 0, 65600)
        raise AssertionError("accepted")
    except ParseError as error:
        assert error.status == 513


def test_indexing_uses_no_heap():
    message = Message()
    for wire in (
        INVITE,
        bytearray(OK),
        replaced(b"\r\n", b"\n"),
        replaced(b": 70", b": 700"),
        replaced(b"SIP/2.0\r\n", b"SIP/3.0\r\n"),
        INVITE[:-3],
        request(b"NEWMETHOD a:b SIP/2.0\r\n", b"1 NEWMETHOD", b"m: <sip:a@h>;q=1, *\r\n"),
        request(b"OPTIONS sip:h SIP/2.0\r\n", b"1 OPTIONS")[:-2],
    ):
        end = len(wire)
        parser.index(message, wire, 0, end)
        with NoAlloc():
            parser.index(message, wire, 0, end)
