"""What devices and services in the field do, and what each of them needs of us; one test each.

The device is the first word of a test's name. The far side is a script of octets, so that
nothing of the library stands in for it.
"""

from array import array

from host_tests.fakes.link import Link, Random, call, pair
from host_tests.fakes.names import Servers
from host_tests.fakes.peer import OFFER, Peer
from host_tests.fakes.registrar import Registrar, credentials
from host_tests.sip.test_core import answers, phone, request
from host_tests.sip.test_session import answering
from usip import core
from usip.limits import Limits
from usip.net import accounts
from usip.net.dns import Resolver
from usip.net.locator import Locator
from usip.rtp.event import EventReceiver
from usip.rtp.stream import Stream
from usip.sdp.negotiate import Negotiator
from usip.sip.auth_server import Guard
from usip.sip.registration import REGISTERED, Account

SERVER = ("udp", "192.0.2.10", 5060)


class Audio(Negotiator):
    """A negotiator as a test endpoint makes it."""

    def __init__(self, name: str) -> None:
        super().__init__(Limits(), name.encode(), 4000)


class At:
    """A phone at 192.0.2.1 and a scripted peer at 192.0.2.10, its server and everybody's."""

    def __init__(self, **account) -> None:
        self.link = Link()
        self.phone = self.link.add("192.0.2.1")
        self.phone.new_media = Audio
        self.peer = Peer(self.link, "192.0.2.10")
        self.account = Account(b"sip:alice@pbx.test", destination=SERVER, **account)
        self.phone.core.add_account(self.account)
        self.peer.begin("<sip:alice@192.0.2.1>")

    def run(self, ms: int = 200) -> None:
        self.link.run(ms)

    def call(self, headers=()):
        """Let the phone call the peer."""
        session = self.phone.core.invite(
            self.account,
            b"sip:peer@192.0.2.10",
            Audio("192.0.2.1"),
            self.link.now_ms,
            headers=headers,
        )
        self.run()
        return session

    def talk(self, extra=(), body=OFFER):
        """Return the session of a call that the peer has answered; it may go on in its dialog."""
        session = self.call()
        invite = self.peer.last("INVITE")
        self.peer.enter(invite)
        self.peer.accept(invite, extra, body)
        self.run()
        assert session.state == 6, session.state
        return session

    def ring(self, body=OFFER, extra=()):
        """Let the peer call the phone, which answers; return the phone's session."""
        sessions = answering(self.link, self.phone)
        self.peer.send("INVITE", "sip:alice@192.0.2.1", extra, body)
        self.run()
        self.peer.join(self.peer.responses[-1][1])
        return sessions[0] if sessions else None

    def ack(self, cseq: int = 0, body: str = "") -> None:
        self.peer.send("ACK", "sip:alice@192.0.2.1", (), body, cseq or self.peer.cseq, "ack")
        self.run()


def registering(**settings):
    """Return (link, phone, registrar, account); see test_registration."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    registrar = Registrar(link, "192.0.2.10", {"alice": "secret"})
    for name in settings:
        setattr(registrar, name, settings[name])
    link.endpoints.append(registrar)
    account = Account(
        b"sip:alice@fritz.box", b"sip:fritz.box", password=b"secret", destination=SERVER
    )
    endpoint.core.add_account(account)
    endpoint.core.register(account, link.now_ms)
    link.run(1000)
    return link, endpoint, registrar, account


# -- 1: the Request-URI of REGISTER


def test_fritzbox_leaves_a_register_to_a_user_unanswered():
    assert accounts.without_user(b"sip:620@fritz.box") == b"sip:fritz.box"
    assert accounts.without_user(b"sip:fritz.box:5060") == b"sip:fritz.box:5060"
    _, _, registrar, _ = registering()
    starts = [start for start, _ in registrar.requests]
    assert starts == ["REGISTER sip:fritz.box SIP/2.0"] * 2


# -- 2 and 3: nonces


def test_fritzbox_has_no_qop_and_a_new_nonce_without_stale():
    link, _, registrar, account = registering(qop="", say_stale=False)
    for n in range(4):
        registrar.nonces = ["f%d" % n]
        link.run(300000)
        assert registrar.log[-2:] == [401, 200]
    assert account.registration.state == REGISTERED and len(registrar.log) == 10


def test_kamailio_counts_from_one_with_each_nonce():
    link, _, registrar, _ = registering(qop="auth")
    link.run(300000)
    registrar.nonces = ["k2"]
    link.run(300000)
    given = [credentials(f["authorization"][0]) for _, f in registrar.requests[1:]]
    counts = [(c["nonce"], c["nc"]) for c in given]
    assert counts[-1] == ("k2", "00000001") and counts[0] == ("n1", "00000001")
    assert counts[1] == ("n1", "00000002") and registrar.log[-1] == 200


def test_jain_sip_takes_an_equal_count_for_a_replay():
    link, endpoint, registrar, account = registering(qop="auth")
    link.run(900000)
    assert registrar.log.count(401) == 1 and registrar.log.count(200) >= 3
    counts = [credentials(f["authorization"][0])["nc"] for _, f in registrar.requests[1:]]
    assert counts == sorted(set(counts))


def test_dahua_uses_nonce_and_count_again():
    link, alice, bob = pair()
    bob.core.guard = Guard(b"house", {b"vto": b"secret"}, Random(5))
    alice.core.accounts[0].authentication.user = b"vto"
    alice.core.accounts[0].authentication.password = b"secret"
    answering(link, bob)
    for number in range(3):
        for space in alice.core.accounts[0].authentication.spaces:
            space.nonce_count = 0  # as its firmware does
        session = call(link, alice)
        link.run(500)
        assert session.state == 6, (number, session.status)
        session.hang_up(link.now_ms)
        link.run(40000)
    stale = [e[3] for e in link.trace if e[3].startswith(b"SIP/2.0 401") and b"stale" in e[3]]
    assert len(stale) == 2


# -- 4: branches of ACK


def test_kamailio_and_3cx_know_an_ack_of_a_407_by_its_branch():
    at = At(password=b"secret")
    at.call()
    challenge = 'Proxy-Authenticate: Digest realm="3CXPhoneSystem", nonce="a", algorithm=MD5'
    first = at.peer.last("INVITE")
    at.peer.reply(first, 407, (challenge,))
    at.run()
    ack, second = at.peer.last("ACK"), at.peer.last("INVITE")
    assert ack.fields["via"] == first.fields["via"] and ack.value("cseq") == "1 ACK"
    assert ack.uri == first.uri and ack.value("to").endswith(";tag=peer")
    assert second.fields["via"] != first.fields["via"] and second.value("cseq") == "2 INVITE"
    at.peer.accept(second)
    at.run()
    branch = at.peer.last("ACK").value("via")
    assert branch not in (first.value("via"), second.value("via"))


# -- 5: Via, Record-Route, the remote target


def test_3cx_behind_its_sbc_gets_every_via_and_record_route():
    at = At()
    more = (
        "Via: SIP/2.0/TCP sbc.example:5060;branch=z9hG4bKsbc;received=10.0.0.1",
        "Via: SIP/2.0/UDP 10.1.1.9;branch=z9hG4bKpbx, SIP/2.0/UDP 10.1.1.10;branch=z9hG4bKx",
        "Record-Route: <sip:192.0.2.10;lr;ftag=a%3bb>, <sip:sbc.example;transport=udp;lr=on>",
        "Record-Route: <sip:10.1.1.9;lr>",
    )
    session = at.ring(extra=more)
    for status, fields in at.peer.responses:
        assert len(", ".join(fields["via"]).split("SIP/2.0/")) == 5, status
        if status > 100:
            assert ", ".join(fields["record-route"]).count("sip:") == 3, status
    at.ack()
    session.hang_up(at.link.now_ms)
    at.run()
    routes = at.peer.last("BYE").value("route")
    assert routes.startswith("<sip:192.0.2.10;lr;ftag=a%3bb>, <sip:sbc.example;")
    assert routes.endswith("<sip:10.1.1.9;lr>")


def test_asterisk_and_opensips_keep_parameters_in_their_contact():
    at = At()
    session = at.talk(("Contact: <sip:620@192.0.2.10:5060;line=sr-mrjm,ab;ob>;x=1",))
    at.run()
    session.hang_up(at.link.now_ms)
    at.run()
    assert at.peer.last("ACK").uri == "sip:620@192.0.2.10:5060;line=sr-mrjm,ab;ob"
    assert at.peer.last("BYE").uri == "sip:620@192.0.2.10:5060;line=sr-mrjm,ab;ob"


def test_telekom_has_long_routes_with_a_token():
    at = At()
    token = "mavodi-0-1ff-3-1-ffffffff-" + "0123456789abcdef" * 20
    route = "<sip:192.0.2.10:5060;lr;transport=udp;%s-sip-n>" % token
    session = at.talk(("Record-Route: " + route,))
    session.hang_up(at.link.now_ms)
    at.run()
    assert at.peer.last("BYE").value("route") == route


def test_twilio_is_reached_by_its_route_with_bye():
    at = At()
    contact = "Contact: <sip:172.25.50.144:5060;transport=udp>"
    session = at.talk((contact, "Record-Route: <sip:192.0.2.10;lr;twnat=sip%3A1.2.3.4>"))
    session.hang_up(at.link.now_ms)
    at.run()
    bye = at.peer.last("BYE")
    assert bye.uri == "sip:172.25.50.144:5060;transport=udp"
    assert bye.value("route") == "<sip:192.0.2.10;lr;twnat=sip%3A1.2.3.4>"
    at.peer.reply(bye, 200)
    at.run()
    assert session.state == 8


# -- 6: digits, and names to authenticate by


def test_fritzbox_picks_the_way_of_digits_by_our_description():
    at = At()
    at.call()
    invite = at.peer.last("INVITE")
    assert "a=rtpmap:101 telephone-event/8000" in invite.body and "INFO" in invite.value("allow")
    at.peer.enter(invite)
    at.peer.accept(invite, (), OFFER)  # without events: then INFO
    at.run()
    kinds = "application/dtmf-relay", "application/dtmf"
    for kind, body in zip(kinds, ("Signal=5\r\nDuration=160\r\n", "5")):
        at.peer.cseq += 1
        text = (
            "INFO sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKi%d\r\n"
            "Max-Forwards: 70\r\n%s\r\nCSeq: %d INFO\r\nContent-Type: %s\r\n"
            "Content-Length: %d\r\n\r\n%s"
        ) % (at.peer.cseq, at.peer.dialog, at.peer.cseq, kind, len(body), body)
        at.link.carry(at.peer, ("udp", "192.0.2.1", 5060), text.encode())
        at.run()
    assert at.peer.statuses() == [200, 200] and at.phone.count(core.INFO_RECEIVED) == 2


def test_grandstream_and_others_send_events_without_the_marker():
    receiver = EventReceiver()
    head = b"\x80\x65\0\1\0\0\3\xe8ssrc"
    assert receiver.receive(head + b"\5\x0a\0\xa0", 12, 16, 0) == 1
    assert receiver.receive(head + b"\5\x8a\1\x40", 12, 16, 20) == 2
    assert (receiver.code, receiver.duration) == (5, 320)


def test_3cx_has_an_auth_id_of_its_own():
    at = At(password=b"secret", auth_user=b"Xq7Auth9")
    at.call()
    at.peer.reply(
        at.peer.last("INVITE"), 407, ('Proxy-Authenticate: Digest realm="3CX", nonce="a"',)
    )
    at.run()
    invite = at.peer.last("INVITE")
    assert credentials(invite.value("proxy-authorization"))["username"] == "Xq7Auth9"
    assert invite.value("from").startswith("<sip:alice@pbx.test>")
    assert invite.value("contact").startswith("<sip:alice@192.0.2.1:5060>")


# -- 7: who sends sound first


def test_atcom_hangs_up_when_it_hears_no_packets():
    stream = Stream(Limits(), bytes(range(16)))
    stream.configure(0, 0, "PCMU", 101, 101, 20)
    frame = array("h", [0] * 160)
    assert stream.pack(frame) == 172  # the very first one, though there is nothing to say
    assert stream.pack(frame) == 172


# -- 8: session timers


def test_freeswitch_wants_120_seconds_and_refreshes_itself():
    at = At()
    at.phone.core.limits = Limits(session_expires_s=100)
    at.call()
    at.peer.reply(at.peer.last("INVITE"), 422, ("Min-SE: 120",))
    at.run()
    invite = at.peer.last("INVITE")
    assert int(invite.value("session-expires").split(";")[0]) >= 120
    assert invite.value("min-se") == "120"
    at.peer.enter(invite)
    at.peer.accept(invite, ("Session-Expires: 120;refresher=uas", "Require: timer"))
    at.run()
    session = at.phone.core.sessions[0]
    for _ in range(5):
        at.run(60000)
        refresh = ("Session-Expires: 120;refresher=uac", "Supported: timer")
        at.peer.send("INVITE", "sip:alice@192.0.2.1", refresh, OFFER)
        at.run()
        status, fields = at.peer.responses[-1]
        assert status == 200 and fields["session-expires"][0].startswith("120")
        at.ack()
        assert session.state == 6 and session.media.is_active
    at.run(120000)
    assert session.state != 6  # nobody refreshes any more


def test_freeswitch_refuses_a_hold_with_422():
    at = At()
    session = at.talk(("Session-Expires: 1800;refresher=uac", "Supported: timer"))
    session.media.hold()
    session.modify(at.link.now_ms)
    at.run()
    at.peer.reply(at.peer.last("INVITE"), 422, ("Min-SE: 2000",))
    at.run()
    again = at.peer.last("INVITE")
    assert again.value("session-expires").startswith("2000") and "a=sendonly" in again.body
    at.peer.accept(again, (), OFFER + "a=recvonly\r\n")
    at.run()
    assert session.state == 6 and not session.media.can_receive


# -- 9: are you there?


def test_asterisk_qualifies_a_phone_that_is_busy_and_one_that_is_not():
    link, endpoint = phone()
    assert answers(link, endpoint, request())[0].startswith("SIP/2.0 200 ")
    at = At()
    at.talk()
    for cseq, branch in ((10, "q1"), (11, "q2")):
        at.peer.begin("<sip:alice@192.0.2.1>", "qualify-%d" % cseq)
        at.peer.send("OPTIONS", "sip:alice@192.0.2.1", cseq=cseq, branch=branch)
        at.run()
    assert at.peer.statuses() == [200, 200]


def test_fritzbox_asks_within_the_call_too():
    at = At()
    at.talk()
    at.peer.send("OPTIONS", "sip:alice@192.0.2.1")
    at.run()
    status, fields = at.peer.responses[-1]
    assert status == 200 and "INVITE" in fields["allow"][0]


# -- 10: direct media


def test_asterisk_moves_the_sound_right_after_the_answer():
    at = At()
    session = at.ring()
    assert at.peer.statuses()[-1] == 200
    invite_cseq = at.peer.cseq
    at.peer.send("ACK", "sip:alice@192.0.2.1", (), "", invite_cseq, "a1")
    moved = OFFER.replace("192.0.2.9", "192.0.2.77").replace("o=- 1 1", "o=- 1 2")
    at.peer.send("INVITE", "sip:alice@192.0.2.1", (), moved)
    at.run()
    assert at.peer.statuses()[-1] == 200
    at.ack()
    assert session.state == 6 and session.media.remote_address == b"192.0.2.77"


def test_asterisk_moves_the_sound_before_its_ack_has_come():
    at = At()
    session = at.ring()
    invite_cseq = at.peer.cseq
    at.peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER)
    at.run(20)
    status, fields = at.peer.responses[-1]
    assert status == 500 and "retry-after" in fields  # RFC 3261 14.2: it may try again
    at.ack(invite_cseq)
    at.peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER)
    at.run()
    assert at.peer.statuses()[-1] == 200 and session.state == 6


def test_freeswitch_and_jssip_transfer_by_a_re_invite_without_offer():
    at = At()
    session = at.talk()
    at.peer.send("INVITE", "sip:alice@192.0.2.1")
    at.run()
    assert at.peer.statuses()[-1] == 200
    at.ack(body=OFFER.replace("192.0.2.9", "192.0.2.66"))
    assert session.state == 6 and session.media.remote_address == b"192.0.2.66"
    assert at.peer.methods().count("BYE") == 0


# -- 11: providers


def test_telekom_is_found_by_naptr_and_srv_alone():
    link = Link()
    alice = link.add("192.0.2.1")
    zone = {
        ("tel.t-online.de", "NAPTR"): ('10 0 "s" "SIP+D2U" "" _sip._udp.tel.t-online.de',),
        ("_sip._udp.tel.t-online.de", "SRV"): ("10 0 5061 h2-epp-110.isp.t-ipnet.de",),
        ("h2-epp-110.isp.t-ipnet.de", "A"): ("192.0.2.10",),
    }
    server = ("192.0.2.53", 53)
    resolver = Resolver([server], Random(9), Servers(zone).make_socket)
    locator = Locator(alice, [server], link.now_ms, resolver)
    alice.locate = locator.locate
    account = Account(b"sip:+49228@tel.t-online.de", b"sip:tel.t-online.de")
    alice.core.add_account(account)
    alice.core.register(account, link.now_ms)
    for _ in range(20):
        locator.turn(link.now_ms)
        link.run(10)
    assert account.registration.destination == ("udp", "192.0.2.10", 5061)
    assert link.trace[0][2] == "192.0.2.10"


def test_telekom_lists_every_binding_and_answers_late():
    others = (
        "<sip:alice@192.0.2.77:5060;transport=tls>;expires=7, "
        "<sip:alice@192.0.2.1:5062>;expires=9, "
    )
    link = Link()
    endpoint = link.add("192.0.2.1")
    peer = Peer(link, "192.0.2.10")
    account = Account(b"sip:alice@tel.example", b"sip:tel.example", destination=SERVER)
    endpoint.core.add_account(account)
    endpoint.core.register(account, link.now_ms)
    link.run(10000)
    listed = "Contact: %s%s;expires=480" % (others, peer.requests[0].value("contact"))
    peer.reply(peer.requests[0], 200, (listed,))
    link.run(1000)
    assert account.registration.state == REGISTERED and account.registration.expires_s == 480
    assert len({r.value("via") for r in peer.requests}) == 1  # repeated, not sent anew


def test_1und1_wants_the_number_in_the_contact():
    at = At(auth_user=b"49721123456")
    at.account.user = b"49721999"
    at.account.registrar = b"sip:1und1.de"
    at.phone.core.register(at.account, at.link.now_ms)
    at.run()
    account = Account(b"sip:49721123456@1und1.de", b"sip:1und1.de", auth_user=b"login")
    assert account.user == b"49721123456"
    w = at.phone.core.writer.reset()
    at.phone.core.put_contact_uri(w, account, SERVER)
    assert w.take().startswith(b"sip:49721123456@")


# -- 12: size, and lines that are declined


def webrtc_offer() -> str:
    """Return 4 KB of description as a browser behind a gateway sends it."""
    lines = [OFFER.replace("RTP/AVP 0", "UDP/TLS/RTP/SAVPF 111 0 8")]
    lines.append("m=audio 4002 RTP/AVP 111 103 0 8 106 105 13 110 112 113 126\r\n")
    for n in range(46):
        lines.append(
            "a=candidate:%d 1 udp 2122260223 192.168.%d.7 54321 typ host generation 0\r\n" % (n, n)
        )
    for n in range(12):
        lines.append("a=ssrc:%d cname:%s\r\n" % (3735928559 - n, "abcdefgh" * 4))
    return "".join(lines)


def test_hikvision_offers_lines_that_are_declined_already():
    at = At()
    body = OFFER.replace("m=audio 4000", "m=audio 0") + "m=video 0 RTP/AVP 96\r\n"
    session = at.ring(body)
    status = at.peer.statuses()[-1]
    assert status in (200, 488)
    if status == 200:
        at.ack()
        at.peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER + "m=video 0 RTP/AVP 96\r\n")
        at.run()
        assert at.peer.statuses()[-1] == 200 and session.media.is_active
    body = OFFER + "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    at = At()
    session = at.ring(body)
    assert at.peer.statuses()[-1] == 200 and session.media.is_active


def test_3cx_and_browsers_offer_four_kilobytes():
    at = At()
    body = webrtc_offer()
    assert 4000 < len(body) < 5000
    session = at.ring(body)
    assert at.peer.statuses()[-1] == 200, at.peer.statuses()
    at.ack()
    assert session.state == 6 and session.media.is_active and session.media.remote_port == 4002


def test_nat_routers_drop_what_does_not_fit_a_packet():
    at = At()
    session = at.call(headers=((b"X-Long", b"x" * 700),))
    assert len(at.link.trace[0][3]) > 1300
    at.peer.reply(at.peer.last("INVITE"), "513 Message Too Large")
    at.run()
    assert session.state == 8 and session.status == 513


def test_twilio_takes_pcmu_and_events_alone():
    at = At()
    body = OFFER.replace("RTP/AVP 0", "RTP/AVP 0 101") + (
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
    )
    session = at.talk(body=body)
    assert session.media.codec == b"PCMU" and session.media.telephone_event == 101


# -- what the README of ESP-ADF tells people to change at FreeSWITCH; nothing may need changing


def test_freeswitch_as_it_comes_notifies_unasked_and_offers_video():
    at = At()
    session = at.ring(OFFER + "m=video 5000 RTP/AVP 96 97\r\na=rtpmap:96 H264/90000\r\n")
    status, _ = at.peer.responses[-1]
    assert status == 200 and session.media.is_active
    at.ack()
    at.peer.begin("<sip:alice@192.0.2.1>", "mwi")
    at.peer.send(
        "NOTIFY",
        "sip:alice@192.0.2.1",
        ("Event: message-summary", "Subscription-State: terminated;reason=noresource"),
        cseq=1,
    )
    at.run()
    assert at.peer.statuses()[-1] in (200, 481) and session.state == 6


def test_freeswitch_answers_without_ringing():
    at = At()
    session = at.talk()
    assert at.phone.events == [core.CALL_ANSWERED] and session.state == 6
