"""Sessions with 100rel (RFC 3262), UPDATE (RFC 3311), session timers (RFC 4028), 3xx."""

from host_tests.fakes.link import Link, Media, call, pair
from host_tests.sip.test_session import answering
from usip import core
from usip.limits import Limits
from usip.sip.registration import Account


def ringing(link, endpoint, with_description=True, status=183):
    """Let an endpoint ring reliably each call; return the list of its sessions."""
    sessions = []

    def on_event(event, subject):
        if event == core.CALL_RECEIVED:
            sessions.append(subject)
            subject.ring(link.now_ms, status, with_description)

    endpoint.on_event = on_event
    return sessions


def test_early_media_is_reliable_and_the_200_has_no_second_answer():
    link, alice, bob = pair()
    sessions = ringing(link, bob)
    session = call(link, alice)
    link.run(500)
    assert link.methods() == ["INVITE", "100", "183", "PRACK", "200"], link.methods()
    assert session.has_early_media and session.offer == 0
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert link.methods()[5:] == ["200", "ACK"]
    assert b"answer of" not in link.trace[5][3]
    assert session.state == 6 and sessions[0].state == 6
    assert session.media.log.count("receive_answer") == 1


def test_several_reliable_responses_go_in_order_and_the_answer_waits():
    link, alice, bob = pair()
    sessions = ringing(link, bob)
    session = call(link, alice)
    link.run(12)
    sessions[0].ring(link.now_ms, 180, True)
    sessions[0].ring(link.now_ms, 182, True)
    sessions[0].answer(link.now_ms)
    link.run(2000)
    statuses = [m for m in link.methods() if m in ("183", "180", "182", "200", "PRACK")]
    assert statuses[:6] == ["183", "PRACK", "200", "180", "PRACK", "200"], statuses
    assert session.state == 6


def test_a_lost_reliable_response_and_a_lost_prack_are_repeated():
    lost = {3: 1, 4: 1}

    def fate(n, source, destination, octets):
        return [] if lost.pop(n, 0) else [10]

    link, alice, bob = pair(fate=fate)
    sessions = ringing(link, bob)
    session = call(link, alice)
    link.run(5000)
    sessions[0].answer(link.now_ms)
    link.run(5000)
    assert session.state == 6 and sessions[0].state == 6


def test_a_reliable_response_nobody_acknowledges_ends_in_500():
    def fate(n, source, destination, octets):
        return [] if octets.startswith(b"PRACK") else [10]

    link, alice, bob = pair(fate=fate)
    sessions = ringing(link, bob)
    session = call(link, alice)
    link.run(40000)
    assert session.status == 500 and sessions[0].status == 500


def test_reliable_responses_may_be_required_by_either_side():
    link, alice, bob = pair()
    sessions = ringing(link, bob, False, 180)
    required = ((b"Require", b"100rel"),)
    account = alice.core.accounts[0]
    session = alice.core.invite(
        account, b"sip:bob@192.0.2.2", Media("a"), link.now_ms, headers=required
    )
    link.run(500)
    assert link.methods() == ["INVITE", "100", "180", "PRACK", "200"], link.methods()
    assert b"\r\nRequire: 100rel\r\n" in link.trace[2][3]
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert session.state == 6
    bob.core.supported = (b"timer",)
    refused = alice.core.invite(
        account, b"sip:bob@192.0.2.2", Media("a"), link.now_ms, headers=required
    )
    link.run(500)
    assert refused.status == 420 and b"\r\nUnsupported: 100rel\r\n" in link.trace[-2][3]


def test_an_update_renegotiates_before_the_answer():
    link, alice, bob = pair()
    sessions = ringing(link, bob)
    session = call(link, alice)
    link.run(500)
    session.update(link.now_ms)
    link.run(500)
    assert link.methods()[5:] == ["UPDATE", "200"]
    assert session.media.log[-1] == "receive_answer"
    sessions[0].update(link.now_ms)
    link.run(500)
    assert link.methods()[7:] == ["UPDATE", "200"]
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert session.state == 6


def test_an_offer_in_prack_is_answered_in_its_200():
    link, alice, bob = pair()
    sessions = ringing(link, bob)
    media = Media("alice")
    media.wants_offer = True
    session = call(link, alice, media)
    link.run(500)
    assert link.methods() == ["INVITE", "100", "183", "PRACK", "200"]
    assert media.log == ["put_offer", "receive_answer", "put_offer", "receive_answer"]
    assert bob.media_list[0].log == [
        "receive_offer",
        "put_answer",
        "receive_offer",
        "put_answer",
    ]
    assert session.offer == 0 and sessions[0].offer == 0


def test_updates_that_cross_are_refused_with_491():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    session.update(link.now_ms)
    sessions[0].update(link.now_ms)
    link.run(8000)
    assert link.methods().count("491") == 2
    assert session.state == 6 and sessions[0].state == 6 and session.offer == 0


def test_an_offerless_invite_is_answered_in_the_ack():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    media = Media("alice")
    session = alice.core.invite(
        alice.core.accounts[0], b"sip:bob@192.0.2.2", media, link.now_ms, is_offerless=True
    )
    link.run(500)
    assert session.state == 6 and sessions[0].state == 6
    assert media.log == ["receive_offer", "put_answer"]
    assert bob.media_list[0].log == ["put_offer", "receive_answer"]


def test_an_offerless_invite_with_a_reliable_offer_is_answered_in_the_prack():
    link, alice, bob = pair()
    sessions = ringing(link, bob)
    media = Media("alice")
    session = alice.core.invite(
        alice.core.accounts[0], b"sip:bob@192.0.2.2", media, link.now_ms, is_offerless=True
    )
    link.run(500)
    assert media.log == ["receive_offer", "put_answer"]
    sessions[0].answer(link.now_ms)
    link.run(500)
    assert session.state == 6 and sessions[0].state == 6
    assert link.methods().count("BYE") == 0


def test_session_timers_are_refreshed_for_days_and_end_when_the_peer_is_gone():
    link, alice, bob = pair(limits=Limits(session_expires_s=1800))
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    assert session.timer.is_refresher is True and sessions[0].timer.is_refresher is False
    for _ in range(24):
        link.run(3600000)
    assert session.state == 6 and sessions[0].state == 6
    assert link.methods().count("UPDATE") == 48 - 1 or link.methods().count("UPDATE") == 96 - 1
    alice.is_up = False
    link.run(1800000)
    assert sessions[0].state == 8 and sessions[0].by == 3 and sessions[0].status == 408


def test_a_session_interval_too_small_is_raised():
    link, alice, bob = pair(limits=Limits(session_expires_s=100))
    bob.core.limits = Limits(min_se_s=600)
    answering(link, bob)
    session = call(link, alice)
    link.run(1000)
    assert link.methods()[:5] == ["INVITE", "422", "ACK", "INVITE", "100"], link.methods()
    assert session.state == 6 and session.timer.interval_s == 600


def test_the_refresher_without_update_sends_re_invites():
    link, alice, bob = pair(limits=Limits(session_expires_s=200))
    answering(link, bob)
    session = call(link, alice)
    link.run(500)
    session.allows_update = False
    link.run(101000)
    assert link.methods()[-3:] == ["INVITE", "200", "ACK"]


def redirecting(contacts):
    """Return (link, alice, carol): calls to 192.0.2.9 are answered 302 with *contacts*."""
    link = Link()
    alice = link.add("192.0.2.1")
    alice.core.add_account(Account(b"sip:alice@192.0.2.1"))
    carol = link.add("192.0.2.3")
    carol.core.add_account(Account(b"sip:carol@192.0.2.3"))
    router = link.add("192.0.2.9")
    router.core.add_account(Account(b"sip:router@192.0.2.9"))

    def on_event(event, subject):
        if event == core.CALL_RECEIVED:
            subject.reject(link.now_ms, 302, headers=((b"Contact", contacts),))

    router.on_event = on_event
    return link, alice, carol


def test_a_redirection_is_followed_by_q_and_not_in_circles():
    link, alice, carol = redirecting(
        b"<sip:bob@192.0.2.9>;q=0.9, <sip:carol@192.0.2.3>;q=0.5, <sip:x@192.0.2.9>;q=0.7"
    )
    sessions = answering(link, carol)
    session = call(link, alice, target=b"sip:bob@192.0.2.9")
    link.run(2000)
    targets = [e[3].split(b" ")[1] for e in link.trace if e[3].startswith(b"INVITE")]
    assert targets == [b"sip:bob@192.0.2.9", b"sip:x@192.0.2.9", b"sip:carol@192.0.2.3"]
    assert session.state == 6 and sessions[0].state == 6


def test_a_redirection_to_nowhere_else_ends_the_call():
    link, alice, carol = redirecting(b"<sip:bob@192.0.2.9>")
    session = call(link, alice, target=b"sip:bob@192.0.2.9")
    link.run(2000)
    assert session.state == 8 and session.status == 302
