"""Messages like those of RFC 5118: IPv6 addresses where they belong, and where they do not."""

from host_tests.fakes.link import pair
from host_tests.fakes.wire import check_every_way, whole
from host_tests.sip.test_torture_core import is_allowed, treatment
from host_tests.test_negotiation import Audio
from usip import core
from usip.sip import uri


def message(
    method="OPTIONS",
    to="sip:user@[2001:db8::10]",
    via="[2001:db8::9:1]",
    contact="<sip:caller@[2001:db8::1]>",
    extra="",
    body="",
):
    """Return a request with IPv6 addresses in it."""
    text = (
        "%s %s SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: sip:user@example.com;tag=81x2\r\n"
        "Via: SIP/2.0/UDP %s;branch=z9hG4bKas3-111\r\nCall-ID: SSG9559905523997077@hlau_4100\r\n"
        "Max-Forwards: 70\r\nContact: %s\r\nCSeq: 98176 %s\r\n%sContent-Length: %d\r\n\r\n%s"
    ) % (method, to, via, contact, method, extra, len(body), body)
    return text.encode()


def host_and_port(text: bytes) -> tuple:
    """Return what the parser takes for the host and the port of a URI."""
    view = uri.URI()
    assert view.parse(text, 0, len(text)), text
    return text[view.host_start : view.host_end], view.port


def test_ipv6_good_an_address_in_brackets():  # 4.1
    wire = message()
    check_every_way(wire)
    found = treatment(wire)
    assert found == [200] and is_allowed(wire, found, ["process"])
    assert host_and_port(b"sip:user@[2001:db8::10]") == (b"[2001:db8::10]", -1)


def test_ipv6_bad_an_address_without_brackets():  # 4.2
    wire = message(to="sip:2001:db8::10")
    check_every_way(wire)
    assert treatment(wire) == [400]


def test_port_ambiguous_a_port_that_is_a_part_of_the_address():  # 4.3
    wire = message(to="sip:user@[2001:db8::10:5070]")
    assert treatment(wire) == [200]
    assert host_and_port(b"sip:[2001:db8::10:5070]") == (b"[2001:db8::10:5070]", -1)


def test_port_unambiguous_a_port_behind_the_bracket():  # 4.4
    assert treatment(message(to="sip:user@[2001:db8::10]:5070")) == [200]
    assert host_and_port(b"sip:[2001:db8::10]:5070") == (b"[2001:db8::10]", 5070)


def test_via_received_param_with_delim_and_without():  # 4.5
    for received in ("[2001:db8::9:255]", "2001:db8::9:255"):
        wire = message(via="[2001:db8::9:1];received=" + received)
        check_every_way(wire)
        via = whole(wire).via
        assert wire[via.received_start : via.received_end] == received.encode()
        assert treatment(wire) == [200]


def test_a_response_is_repeated_with_where_it_came_from():  # 4.5, RFC 3261 18.2.1
    link, alice, bob = pair()
    wire = message(via="[2001:db8::9:1]:5070;rport").replace(b"branch", b"x=1;branch")
    bob.core.receive(wire, len(wire), ("udp", "2001:db8::9:1", 6000), link.now_ms)
    answer = link.trace[-1][3]
    assert b";received=2001:db8::9:1" in answer and b"rport=6000" in answer
    assert link.trace[-1][2] == "2001:db8::9:1"


OFFER = (
    "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live video feed\r\n"
    "c=IN IP6 2001:db8::20\r\nt=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
)
MIXED = (
    "v=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns= \r\nt=0 0\r\n"
    "m=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
    "m=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:107 H263-1998/90000\r\n"
)


def answered(body: str) -> tuple:
    """Return (statuses, media) of a phone called with a description."""
    link, alice, bob = pair()
    bob.new_media = Audio
    bob.on_event = lambda event, subject: (
        subject.answer(link.now_ms) if event == core.CALL_RECEIVED else None
    )
    extra = "Content-Type: application/sdp\r\n"
    wire = message("INVITE", "sip:bob@192.0.2.2", extra=extra, body=body)
    bob.core.receive(wire, len(wire), ("udp", "2001:db8::9:1", 5060), link.now_ms)
    link.run(100)
    statuses = [int(e[3].split(b" ")[1]) for e in link.trace if e[3].startswith(b"SIP/2.0")]
    return statuses, bob.media_list[0]


def test_ipv6_in_sdp():  # 4.6
    statuses, media = answered(OFFER)
    assert statuses == [100, 200] and media.remote_address == b"2001:db8::20"


def test_mult_ip_in_header():  # 4.7
    more = (
        "Via: SIP/2.0/UDP 192.0.2.16;branch=z9hG4bKas4\r\n"
        "Via: SIP/2.0/UDP [2001:db8::9:255];branch=z9hG4bKas5;received=2001:db8::9:255\r\n"
    )
    wire = message("BYE", extra=more)
    check_every_way(wire)
    assert treatment(wire) in ([405], [481])
    assert treatment(message(extra=more)) == [200]


def test_mult_ip_in_sdp():  # 4.8
    statuses, media = answered(MIXED)
    assert statuses == [100, 200]
    assert media.remote_address == b"192.0.2.1" and media.remote_port == 22334


def test_ipv4_mapped_ipv6():  # 4.9
    wire = message(contact="<sip:user@[::ffff:192.0.2.10]:19823>", via="[::ffff:192.0.2.2]")
    check_every_way(wire)
    assert treatment(wire) == [200]
    assert host_and_port(b"sip:[::ffff:192.0.2.10]:19823") == (b"[::ffff:192.0.2.10]", 19823)


def test_ipv6_correct_abnf_2_colons():  # 4.10
    assert treatment(message(to="sip:user@[2001:db8::192.0.2.1]")) == [200]


def test_ipv6_bug_abnf_3_colons():  # 4.10: what the grammar of RFC 3261 allowed by mistake
    assert treatment(message(to="sip:user@[2001:db8:::192.0.2.1]")) == [400]
