"""What the core answers to requests outside of calls and to octets of any kind."""

from host_tests.fakes.link import Link, Media, Random
from usip import core
from usip.sip.registration import Account

SOURCE = ("udp", "192.0.2.9", 5062)


def phone():
    """Return (link, endpoint) of one phone."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    return link, endpoint


def request(
    method="OPTIONS",
    to="<sip:alice@192.0.2.1>",
    extra="",
    body="",
    branch="z9hG4bKa",
    cseq=1,
    rport=";rport",
):
    """Return a request of ours as octets."""
    text = (
        "%s sip:alice@192.0.2.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.9:5062;branch=%s%s\r\n"
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
        "Max-Forwards: 70\r\nFrom: Bob <sip:bob@192.0.2.9>;tag=f\r\nTo: %s\r\n"
        "Call-ID: c1\r\nCSeq: %d %s\r\nContact: <sip:bob@192.0.2.9:5062>\r\n%s"
        "Content-Length: %d\r\n\r\n%s"
    ) % (method, branch, rport, to, cseq, method, extra, len(body), body)
    return text.encode()


def answers(link, endpoint, octets, source=SOURCE):
    """Return what the phone sends on receiving *octets*, as text."""
    before = len(link.trace)
    endpoint.core.receive(octets, len(octets), source, link.now_ms)
    return [str(entry[3], "utf-8") for entry in link.trace[before:]]


def status(link, endpoint, octets):
    """Return the status of the only answer."""
    found = answers(link, endpoint, octets)
    assert len(found) == 1, found
    return int(found[0].split(" ")[1])


def test_options_is_answered_with_our_capabilities():
    link, endpoint = phone()
    answer = answers(link, endpoint, request())[0]
    assert answer.startswith("SIP/2.0 200 OK\r\n")
    assert "\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS" in answer
    assert "\r\nAccept: application/sdp" in answer


def test_every_via_is_copied_and_the_top_one_says_where_it_came_from():
    link, endpoint = phone()
    answer = answers(link, endpoint, request())[0]
    assert (
        "Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKa;rport=5062;received=192.0.2.9\r\n"
        "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb\r\n"
    ) in answer, answer


def test_without_rport_the_answer_goes_to_the_port_in_via():
    link, endpoint = phone()
    octets = request(rport="")
    answers(link, endpoint, octets, ("udp", "192.0.2.9", 40000))
    sent = []
    link.carry = lambda source, destination, octets: sent.append(destination) or True
    octets = request(rport="", branch="z9hG4bKz", cseq=2)
    endpoint.core.receive(octets, len(octets), ("udp", "192.0.2.9", 40000), link.now_ms)
    assert sent == [("udp", "192.0.2.9", 5062)]


def test_a_repeated_request_is_answered_again_with_the_same_octets():
    link, endpoint = phone()
    octets = request()
    first = answers(link, endpoint, octets)
    assert answers(link, endpoint, octets) == first
    assert endpoint.core.transactions.absorbed == 1


def test_requests_that_nobody_serves_are_refused():
    link, endpoint = phone()
    assert status(link, endpoint, request("BYE", branch="z9hG4bK1")) == 405
    tagged = "<sip:alice@192.0.2.1>;tag=x"
    assert status(link, endpoint, request("BYE", to=tagged, branch="z9hG4bK2")) == 481
    assert status(link, endpoint, request("CANCEL", branch="z9hG4bK3")) == 481
    assert status(link, endpoint, request("PUBLISH", branch="z9hG4bK4")) == 405
    answer = answers(link, endpoint, request("BREW", branch="z9hG4bK5"))[0]
    assert answer.startswith("SIP/2.0 501 ") and "\r\nAllow: " in answer


def test_an_extension_that_is_required_and_unknown_is_refused_by_name():
    link, endpoint = phone()
    answer = answers(link, endpoint, request("INVITE", extra="Require: nothing, more\r\n"))[0]
    assert answer.startswith("SIP/2.0 420 ")
    assert "\r\nUnsupported: nothing, more\r\n" in answer


def test_a_body_of_another_kind_is_refused():
    link, endpoint = phone()
    octets = request("INVITE", extra="Content-Type: text/plain\r\n", body="hello")
    answer = answers(link, endpoint, octets)[0]
    assert answer.startswith("SIP/2.0 415 ") and "\r\nAccept: application/sdp\r\n" in answer
    coded = "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n"
    octets = request("INVITE", extra=coded, body="hello", branch="z9hG4bKe")
    assert status(link, endpoint, octets) == 415


def test_the_same_invite_over_two_paths_is_merged():
    link, endpoint = phone()
    sdp = "Content-Type: application/sdp\r\n"
    first = answers(link, endpoint, request("INVITE", extra=sdp, body="x"))
    assert first[0].startswith("SIP/2.0 100 ")
    octets = request("INVITE", extra=sdp, body="x", branch="z9hG4bKother")
    assert status(link, endpoint, octets) == 482


def test_an_offer_that_cannot_be_accepted_is_488_and_leaves_nothing():
    link, endpoint = phone()

    class Refusing(Media):
        def __init__(self, name):
            super().__init__(name)
            self.refuse = 488

    endpoint.new_media = Refusing
    octets = request("INVITE", extra="Content-Type: application/sdp\r\n", body="x")
    assert status(link, endpoint, octets) == 488
    assert not endpoint.core.sessions and endpoint.core.next_event() == 0


def test_octets_of_any_kind_are_dropped_or_answered():
    link, endpoint = phone()
    valid = request("INVITE", extra="Content-Type: application/sdp\r\n", body="v=0\r\n")
    random = Random(5)
    for n in range(400):
        octets = bytearray(valid)
        for _ in range(1 + random.below(8)):
            octets[random.below(len(octets))] = random.below(256)
        if n % 3 == 0:
            octets = octets[: random.below(len(octets))]
        endpoint.core.receive(bytes(octets), len(octets), SOURCE, link.now_ms)
        endpoint.drain()
        for session in list(endpoint.core.sessions):
            session.reject(link.now_ms, 486)
    endpoint.drain()
    link.run(300000)
    assert not endpoint.core.transactions.active
    assert not endpoint.core.sessions


def test_a_request_that_lacks_fields_is_400_where_via_says_where_to():
    link, endpoint = phone()
    for name in (b"From", b"To", b"Call-ID", b"CSeq"):
        octets = request()
        at = octets.index(b"\r\n" + name + b": ")
        octets = octets[:at] + octets[octets.index(b"\r\n", at + 2) :]
        found = answers(link, endpoint, octets)
        assert len(found) == 1 and found[0].startswith("SIP/2.0 400 Bad Request\r\nVia: "), found
    assert answers(link, endpoint, b"hello\r\n\r\n") == []
    assert answers(link, endpoint, b"OPTIONS sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\n") == []
    assert endpoint.core.counters.malformed == 6


def test_options_of_ours_report_the_status():
    link = Link()
    alice = link.add("192.0.2.1")
    alice.core.add_account(Account(b"sip:alice@192.0.2.1"))
    bob = link.add("192.0.2.2")
    bob.core.add_account(Account(b"sip:bob@192.0.2.2"))
    found = []
    alice.on_event = lambda event, subject: found.append((event, subject.status))
    alice.core.options(alice.core.accounts[0], b"sip:bob@192.0.2.2", link.now_ms)
    link.run(100)
    assert found == [(core.OPTIONS_ANSWERED, 200)]
    bob.is_up = False
    alice.core.options(alice.core.accounts[0], b"sip:bob@192.0.2.2", link.now_ms)
    link.run(40000)
    assert found[1:] == [(core.OPTIONS_ANSWERED, 408)]
