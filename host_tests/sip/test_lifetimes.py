"""How long things may last, and how many there may be: ringing, answers, calls, requests."""

from host_tests.fakes.link import Link, Media, call, pair
from host_tests.fakes.peer import OFFER, Peer
from host_tests.sip.test_core import answers, phone, request
from host_tests.sip.test_session import answering
from host_tests.test_negotiation import Audio
from usip import core
from usip.limits import Limits
from usip.sip.duration import DurationLimit
from usip.sip.registration import Account


def facing(limits=None):
    """Return (link, endpoint, peer): a phone at 192.0.2.1 and a scripted peer that calls it."""
    link = Link()
    endpoint = link.add("192.0.2.1", limits)
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    peer = Peer(link, "192.0.2.9")
    peer.begin("<sip:alice@192.0.2.1>")
    return link, endpoint, peer


# -- ringing


def test_a_call_that_rings_too_long_here_is_480():
    link, alice, bob = pair()
    bob.core.limits = Limits(ring_s=20)
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(19000)
    assert sessions[0].state == 4 and session.state == 1
    link.run(2000)
    assert session.status == 480 and sessions[0].status == 480 and sessions[0].by == 3
    assert bob.count(core.CALL_ENDED) == 1 and alice.count(core.CALL_ENDED) == 1


def test_a_call_that_rings_too_long_there_is_cancelled():
    link, alice, bob = pair()
    alice.core.limits = Limits(ring_s=20)
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(21000)
    assert link.methods().count("CANCEL") == 1 and sessions[0].status == 487
    assert session.status == 487 and session.by == 3


# -- the answer


def test_an_answer_nobody_acknowledges_is_repeated_for_64_t1_and_ended_by_bye():
    link, endpoint, peer = facing()
    sessions = answering(link, endpoint, ring=False)
    peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER)
    link.run(31900)
    assert peer.statuses().count(200) == 11  # 0, 0.5, 1.5, 3.5, then each 4 s
    assert sessions[0].state == 5 and peer.methods() == []
    link.run(500)
    bye = peer.last("BYE")
    assert bye.value("reason") == "SIP;cause=408"
    peer.reply(bye, 200)
    link.run(100)
    assert sessions[0].state == 8 and sessions[0].status == 408 and sessions[0].by == 3
    link.run(40000)
    assert not endpoint.core.transactions.active


def test_an_invite_repeated_after_its_answer_is_not_answered_twice():
    link, endpoint, peer = facing()
    answering(link, endpoint, ring=False)
    for _ in range(3):
        peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER, 1, "same")
        link.run(100)
    assert endpoint.count(core.CALL_RECEIVED) == 1 and peer.statuses().count(200) <= 3


# -- the call


def test_a_call_that_was_answered_too_long_ago_is_hung_up():
    link, alice, bob = pair()
    DurationLimit(bob.core, 120, link.now_ms)
    sessions = answering(link, bob)
    first = call(link, alice)
    link.run(60000)
    second = call(link, alice)
    link.run(59000)
    assert first.state == 6 and second.state == 6
    link.run(4000)
    assert first.state == 8 and first.by == 2 and sessions[0].by == 1 and second.state == 6
    link.run(61000)
    assert second.state == 8 and not bob.core.sessions
    link.run(40000)
    assert bob.core.deadline() == -1


def test_a_limit_to_calls_does_not_end_those_that_ring():
    link, alice, bob = pair()
    DurationLimit(alice.core, 30, link.now_ms)
    answering(link, bob, after=1)
    session = call(link, alice)
    link.run(100000)
    assert session.state == 1


def test_a_peer_that_stops_refreshing_is_ended_by_bye_before_the_interval_is_over():
    link, endpoint, peer = facing()
    sessions = answering(link, endpoint)
    peer.send(
        "INVITE",
        "sip:alice@192.0.2.1",
        ("Supported: timer", "Session-Expires: 90;refresher=uac"),
        OFFER,
    )
    link.run(100)
    status, fields = peer.responses[-1]
    assert status == 200 and fields["session-expires"][0] == "90;refresher=uac"
    assert "timer" in ", ".join(fields["require"])
    peer.join(fields)
    peer.send("ACK", "sip:alice@192.0.2.1", (), "", 1, "ack")
    link.run(59000)
    assert peer.methods() == [] and sessions[0].state == 6
    link.run(30000)
    assert peer.last("BYE").value("reason") == "SIP;cause=408"
    assert sessions[0].by == 3 and sessions[0].status == 408


def test_an_interval_below_ours_is_422_with_min_se():
    link, endpoint, peer = facing(Limits(min_se_s=600))
    peer.send("INVITE", "sip:alice@192.0.2.1", ("Supported: timer", "Session-Expires: 90"), OFFER)
    link.run(100)
    status, fields = peer.responses[-1]
    assert status == 422 and fields["min-se"][0] == "600" and not endpoint.core.sessions


# -- hold


def test_the_old_hold_by_an_address_of_zeros_is_one():
    link, endpoint, peer = facing()
    endpoint.new_media = Audio
    sessions = answering(link, endpoint)
    peer.send("INVITE", "sip:alice@192.0.2.1", (), OFFER)
    link.run(100)
    peer.join(peer.responses[-1][1])
    peer.send("ACK", "sip:alice@192.0.2.1", (), "", 1, "ack")
    held = OFFER.replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0")
    for body, is_held in ((held, True), (OFFER, False), (OFFER + "a=inactive\r\n", True)):
        peer.send("INVITE", "sip:alice@192.0.2.1", (), body)
        link.run(100)
        peer.send("ACK", "sip:alice@192.0.2.1", (), "", peer.cseq, "ack%d" % peer.cseq)
        link.run(100)
        media = sessions[0].media
        assert media.is_held is is_held and media.can_send is not is_held, body
    assert peer.statuses().count(200) == 4


# -- call waiting, and more than there is room for


def test_a_second_call_waits_is_taken_and_given_back():
    link, alice, bob = pair()
    carol = link.add("192.0.2.3")
    carol.core.add_account(Account(b"sip:carol@192.0.2.3"))
    bob.new_media = Audio
    sessions = answering(link, bob, after=1)
    first = call(link, alice, Audio("192.0.2.1"))
    link.run(200)
    sessions[0].answer(link.now_ms)
    link.run(200)
    second = call(link, carol, Audio("192.0.2.3"))
    link.run(200)
    assert bob.count(core.CALL_RECEIVED) == 2 and second.state == 1 and first.state == 6
    held, other = sessions
    held.media.hold()
    held.modify(link.now_ms)
    other.answer(link.now_ms)
    link.run(500)
    assert first.media.is_held and second.state == 6 and other.media.can_receive
    other.hang_up(link.now_ms)
    held.media.resume()
    held.modify(link.now_ms)
    link.run(500)
    assert second.state == 8 and not first.media.is_held and first.media.can_send


def fields_of(answer: str, name: str) -> list:
    """Return the values of a header field in an answer."""
    lines = [line.split(": ", 1) for line in answer.split("\r\n") if ": " in line]
    return [value for key, value in lines if key == name]


def test_one_call_too_many_is_486_with_retry_after():
    link, alice, bob = pair()
    answering(link, bob, after=1)
    sessions = [call(link, alice, Media("a")) for _ in range(3)]
    link.run(500)
    refusals = [e[3] for e in link.trace if e[3].startswith(b"SIP/2.0 486")]
    assert len(refusals) == 1 and b"\r\nRetry-After: " in refusals[0]
    assert [s.state for s in sessions] == [1, 1, 8]


def test_one_transaction_too_many_is_503_with_retry_after():
    link, endpoint = phone()
    endpoint.core.limits.transactions = 1
    endpoint.core.transactions.limits.transactions = 1
    endpoint.on_event = None
    found = answers(link, endpoint, request("INVITE", body="", branch="z9hG4bK1"))
    assert found[0].startswith("SIP/2.0 100 ")
    found = answers(link, endpoint, request("MESSAGE", branch="z9hG4bK2", cseq=2))
    assert found[0].startswith("SIP/2.0 503 ") and fields_of(found[0], "Retry-After")


def test_a_device_without_room_for_sound_is_486_and_one_without_application_480():
    link, endpoint = phone()
    endpoint.create_media = lambda session: None
    found = answers(link, endpoint, request("INVITE", branch="z9hG4bK1"))
    assert found[-1].startswith("SIP/2.0 486 ") and fields_of(found[-1], "Retry-After")
    endpoint.core.resolver.remove(endpoint)
    found = answers(link, endpoint, request("INVITE", branch="z9hG4bK2", cseq=2))
    assert found[-1].startswith("SIP/2.0 480 ") and fields_of(found[-1], "Retry-After")
