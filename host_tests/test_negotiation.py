"""Offers and answers end to end: two cores with real negotiators over the virtual link."""

from host_tests.fakes.link import pair
from usip import core
from usip.limits import Limits
from usip.sdp.negotiate import INACTIVE, SENDONLY, SENDRECV, Negotiator

VIDEO = (
    "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "m=audio 4000 RTP/AVP 8 0\r\n"
    "m=application 0 UDP/BFCP *\r\n"
)


class Audio(Negotiator):
    """A negotiator that a test may ask to offer again in PRACK."""

    def __init__(self, name: str) -> None:
        super().__init__(Limits(), name.encode(), 4000)
        self.wants_offer = False


def ready(ring=0, with_description=False):
    """Return (link, alice, bob, bob's sessions) of phones with real negotiators."""
    link, alice, bob = pair()
    bob.new_media = Audio
    sessions = []

    def on_event(event, subject):
        if event == core.CALL_RECEIVED:
            sessions.append(subject)
            if ring:
                subject.ring(link.now_ms, ring, with_description)
            else:
                subject.answer(link.now_ms)

    bob.on_event = on_event
    return link, alice, bob, sessions


def placed(link, alice, is_offerless=False):
    """Return (Alice's session, her media) of a call to Bob."""
    media = Audio(alice.host)
    session = alice.core.invite(
        alice.core.accounts[0],
        b"sip:bob@192.0.2.2",
        media,
        link.now_ms,
        is_offerless=is_offerless,
    )
    link.run(500)
    return session, media


def bodies(link):
    """Return the session descriptions sent, in order."""
    found = []
    for _, _, _, octets in link.trace:
        body = octets.split(b"\r\n\r\n", 1)[1]
        if body:
            found.append(str(body, "utf-8"))
    return found


def test_an_offer_in_invite_is_answered_in_the_200():
    link, alice, bob, sessions = ready()
    session, media = placed(link, alice)
    assert session.state == 6 and media.is_active and bob.media_list[0].is_active
    assert media.remote_address == b"192.0.2.2" and media.codec == b"PCMU"
    assert media.can_send and media.can_receive


def test_an_offer_in_the_200_is_answered_in_the_ack():
    link, alice, bob, sessions = ready()
    session, media = placed(link, alice, is_offerless=True)
    assert session.state == 6 and sessions[0].state == 6
    assert media.is_active and bob.media_list[0].is_active
    assert media.is_answered_by_us and not bob.media_list[0].is_answered_by_us


def test_the_mission_183_with_port_zero_then_a_new_offer_in_prack():
    # The called side refuses the first stream by port 0 in its 183; the caller offers anew in
    # the PRACK, whose 200 answers; then 200 OK without a description.
    link, alice, bob, sessions = ready(183, True)
    bob.new_media = lambda name: Refusing(name)
    media = Audio(alice.host)
    media.wants_offer = True
    session = alice.core.invite(alice.core.accounts[0], b"sip:bob@192.0.2.2", media, link.now_ms)
    link.run(500)
    assert link.methods() == ["INVITE", "100", "183", "PRACK", "200"], link.methods()
    first, refused, second, answer = bodies(link)
    assert "m=audio 4000" in first and "m=audio 0" in refused
    assert "m=audio 4000" in second and "m=audio 4000" in answer
    assert media.is_active and bob.media_list[0].is_active
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert session.state == 6 and len(bodies(link)) == 4


def test_the_mission_183_with_port_zero_then_a_new_offer_in_update():
    link, alice, bob, sessions = ready(183, True)
    bob.new_media = lambda name: Refusing(name)
    session, media = placed(link, alice)
    assert not media.is_active
    session.update(link.now_ms)
    link.run(500)
    assert link.methods()[3:] == ["PRACK", "200", "UPDATE", "200"], link.methods()
    assert media.is_active and bob.media_list[0].is_active
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert session.state == 6


class Refusing(Audio):
    """Takes no codec of the first offer, all of the second."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.offers = 0

    def receive_offer(self, buf, start, end):
        self.offers += 1
        if self.offers == 1:
            text = bytes(memoryview(buf)[start:end])
            self.lines = text.count(b"m=")
            self.version = 0
            return 0
        return super().receive_offer(buf, start, end)

    def put_answer(self, w):
        if self.offers == 1:
            w.put(b"v=0\r\no=bob 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n")
            w.put(b"m=audio 0 RTP/AVP 0\r\n")
        else:
            super().put_answer(w)


def test_hold_and_resume_are_seen_by_the_other_side():
    link, alice, bob, sessions = ready()
    session, media = placed(link, alice)
    media.hold()
    session.modify(link.now_ms)
    link.run(500)
    assert bob.media_list[0].is_held and not bob.media_list[0].can_send
    assert "a=sendonly" in bodies(link)[2] and "a=recvonly" in bodies(link)[3]
    media.resume()
    session.modify(link.now_ms)
    link.run(500)
    assert not bob.media_list[0].is_held and bob.media_list[0].can_send and media.can_send
    bob.media_list[0].set_direction(INACTIVE)
    sessions[0].update(link.now_ms)
    link.run(500)
    assert not media.can_send and not media.can_receive
    bob.media_list[0].set_direction(SENDRECV)
    sessions[0].update(link.now_ms)
    link.run(500)
    assert media.can_send and media.can_receive


def test_both_sides_may_hold():
    link, alice, bob, sessions = ready()
    session, media = placed(link, alice)
    media.set_direction(SENDONLY)
    session.modify(link.now_ms)
    link.run(500)
    bob.media_list[0].set_direction(INACTIVE)
    sessions[0].modify(link.now_ms)
    link.run(500)
    assert not media.can_receive and not bob.media_list[0].can_receive


def test_a_refused_re_offer_keeps_the_old_session():
    link, alice, bob, sessions = ready()
    session, media = placed(link, alice)
    port = media.remote_port
    bob.media_list[0].receive_offer = lambda buf, start, end: 488
    session.modify(link.now_ms)
    link.run(500)
    assert link.methods()[-3:] == ["INVITE", "488", "ACK"]
    assert session.state == 6 and media.is_active and media.remote_port == port


def invite(body: str, content_type: str = "application/sdp") -> bytes:
    """Return an INVITE to Bob from elsewhere."""
    return (
        "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx;rport\r\n"
        "From: <sip:x@192.0.2.9>;tag=x\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: x\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:x@192.0.2.9>\r\nMax-Forwards: 70\r\n"
        "Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (content_type, len(body), body)
    ).encode()


def test_other_media_are_refused_in_their_places():
    link, alice, bob, sessions = ready()
    octets = invite(VIDEO)
    bob.core.receive(octets, len(octets), ("udp", "192.0.2.9", 5060), link.now_ms)
    link.run(100)
    lines = [line for line in bodies(link)[0].split("\r\n") if line[:2] == "m="]
    assert lines == [
        "m=video 0 RTP/AVP 96",
        "m=audio 4000 RTP/AVP 8",
        "m=application 0 UDP/BFCP *",
    ]


def test_a_description_within_a_multipart_body_is_found():
    parts = (
        "preamble\r\n--b1\r\nContent-Type: application/isup;version=x\r\n\r\n\x01\x02\r\n"
        "--b1\r\nContent-Type: Application/SDP\r\nContent-Disposition: session\r\n\r\n"
        + VIDEO
        + "\r\n--b1--\r\n"
    )
    link, alice, bob, sessions = ready()
    octets = invite(parts, 'multipart/mixed; boundary="b1"')
    bob.core.receive(octets, len(octets), ("udp", "192.0.2.9", 5060), link.now_ms)
    link.run(100)
    assert link.methods()[:2] == ["100", "200"], link.methods()
    assert "m=audio 4000 RTP/AVP 8" in bodies(link)[0]


def test_a_multipart_body_without_a_description_is_refused():
    for body in ("--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b1--\r\n", "--b1", "", "x" * 50):
        link, alice, bob, sessions = ready()
        octets = invite(body or "-", "multipart/mixed;boundary=b1")
        bob.core.receive(octets, len(octets), ("udp", "192.0.2.9", 5060), link.now_ms)
        link.run(100)
        assert link.methods()[0] == "415", (body, link.methods())


def test_options_are_answered_with_our_media_when_that_is_accepted():
    link, alice, bob, sessions = ready()
    media = Audio(bob.host)
    bob.core.describe = media.local.put_capabilities
    alice.core.options(alice.core.accounts[0], b"sip:bob@192.0.2.2", link.now_ms)
    link.run(100)
    assert "m=audio 0 RTP/AVP 0 8 101" in bodies(link)[0], bodies(link)
