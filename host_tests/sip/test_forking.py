"""Calls that fork, and CANCELs that come too early, too late or not at all (RFC 3261 9, 13.2)."""

from host_tests.fakes.link import Link, call, pair
from host_tests.fakes.peer import Peer
from host_tests.sip.test_session import answering
from usip import core
from usip.sip.registration import Account


class Forked:
    """A phone at 192.0.2.1 whose call to 192.0.2.9 a scripted proxy there forks."""

    def __init__(self) -> None:
        self.link = Link()
        self.phone = self.link.add("192.0.2.1")
        self.phone.core.add_account(Account(b"sip:alice@192.0.2.1"))
        self.proxy = Peer(self.link, "192.0.2.9")
        self.session = call(self.link, self.phone, target=b"sip:bob@192.0.2.9")
        self.link.run(50)
        self.invite = self.proxy.last("INVITE")

    def reply(self, status, tag="", extra=(), body=""):
        """Answer as the branch *tag*."""
        contact = ("Contact: <sip:%s@192.0.2.9>" % tag,) if tag else ()
        self.proxy.reply(self.invite, status, contact + tuple(extra), body, tag or "proxy")
        self.link.run(50)

    def counts(self, *methods):
        """Return how often the proxy was sent each method."""
        sent = self.proxy.methods()
        return [sent.count(method) for method in methods]


def test_each_branch_has_an_early_dialog_and_the_one_that_answers_is_kept():
    forked = Forked()
    session = forked.session
    for tag in ("a", "b", "c"):
        forked.reply(180, tag)
    assert forked.phone.count(core.CALL_PROGRESS) == 3
    assert session.dialog.remote_tag == b"c"
    forked.reply(183, "a", body="answer a")
    assert session.has_early_media and session.dialog.remote_tag == b"a"
    forked.reply(200, "b", body="answer b")
    assert session.state == 6 and session.dialog.remote_tag == b"b"
    assert session.media.log == ["put_offer", "receive_answer", "receive_answer"]
    assert forked.proxy.last("ACK").uri == "sip:b@192.0.2.9"
    session.hang_up(forked.link.now_ms)
    forked.link.run(50)
    assert forked.proxy.last("BYE").uri == "sip:b@192.0.2.9"


def test_of_several_answers_the_others_are_acknowledged_and_ended():
    forked = Forked()
    forked.reply(180, "a")
    for tag in ("b", "a", "d"):
        forked.reply(200, tag, body="answer")
    assert forked.counts("ACK", "BYE") == [3, 2]
    ends = [r.value("to").split("tag=")[1] for r in forked.proxy.requests if r.method == "BYE"]
    assert ends == ["a", "d"] and forked.session.dialog.remote_tag == b"b"
    for request in forked.proxy.requests:
        if request.method == "BYE":
            forked.proxy.reply(request, 200)
    forked.link.run(100)
    assert forked.session.state == 6 and forked.phone.count(core.CALL_ANSWERED) == 1


def test_reliable_responses_of_branches_are_acknowledged_each_in_its_dialog():
    forked = Forked()
    for tag, rseq in (("a", 7), ("b", 900)):
        forked.reply(183, tag, ("Require: 100rel", "RSeq: %d" % rseq), "answer")
    pracks = [r for r in forked.proxy.requests if r.method == "PRACK"]
    assert [r.value("rack") for r in pracks] == ["7 1 INVITE", "900 1 INVITE"]
    assert [r.uri for r in pracks] == ["sip:a@192.0.2.9", "sip:b@192.0.2.9"]


def test_more_branches_than_there_is_room_for_are_not_followed():
    forked = Forked()
    for n in range(8):
        forked.reply(180, "t%d" % n)
    assert forked.phone.count(core.CALL_PROGRESS) == 8
    forked.reply(200, "t7", body="answer")
    assert forked.session.state == 6 and forked.session.dialog.remote_tag == b"t7"


def test_a_refusal_of_all_branches_ends_the_call():
    forked = Forked()
    forked.reply(180, "a")
    forked.reply(180, "b")
    forked.reply(486)
    assert forked.session.state == 8 and forked.session.status == 486
    assert forked.counts("ACK") == [1]


# -- CANCEL


def test_a_cancel_waits_for_the_first_provisional_response():
    forked = Forked()
    forked.session.hang_up(forked.link.now_ms)
    forked.link.run(100)
    assert forked.counts("CANCEL") == [0]
    forked.reply(100)
    cancel = forked.proxy.last("CANCEL")
    assert cancel.fields["via"] == forked.invite.fields["via"]
    assert cancel.value("cseq") == "1 CANCEL" and ";tag=" not in cancel.value("to")
    forked.proxy.reply(cancel, 200)
    forked.reply(487)
    assert forked.session.status == 487 and forked.session.by == 1


def test_a_cancel_that_crosses_the_answer_ends_the_answered_call():
    forked = Forked()
    forked.reply(180, "a")
    forked.session.hang_up(forked.link.now_ms)
    forked.reply(200, "a", body="answer")
    assert forked.counts("CANCEL", "ACK", "BYE") == [1, 1, 1]
    forked.proxy.reply(forked.proxy.last("CANCEL"), 481)
    forked.proxy.reply(forked.proxy.last("BYE"), 200)
    forked.link.run(100)
    assert forked.session.state == 8 and forked.session.status == 487
    assert forked.phone.count(core.CALL_ANSWERED) == 0
    assert forked.phone.count(core.CALL_ENDED) == 1


def test_both_answers_after_a_cancel_are_ended():
    forked = Forked()
    forked.reply(180, "a")
    forked.session.hang_up(forked.link.now_ms)
    forked.reply(200, "a", body="answer")
    forked.proxy.reply(forked.proxy.last("BYE"), 200)
    forked.reply(200, "b", body="answer")
    assert forked.counts("ACK", "BYE") == [2, 2] and forked.session.state == 8
    forked.link.run(70000)
    assert not forked.phone.core.transactions.active and not forked.phone.core.sessions


def test_a_call_that_cancels_and_hears_no_more_ends_after_64_t1():
    forked = Forked()
    forked.reply(180, "a")
    forked.session.hang_up(forked.link.now_ms)
    forked.link.run(31000)
    assert forked.session.state == 2
    forked.link.run(2000)
    assert forked.session.state == 8 and forked.session.status == 487
    forked.link.run(40000)
    assert not forked.phone.core.transactions.active


def test_a_cancel_that_crosses_the_answer_at_the_called_side_is_too_late():
    link, alice, bob = pair()
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(500)
    sessions[0].answer(link.now_ms)
    session.hang_up(link.now_ms)
    link.run(2000)
    assert link.methods().count("487") == 0 and link.methods().count("BYE") == 1
    assert session.state == 8 and sessions[0].state == 8 and sessions[0].by == 2


def test_a_refusal_and_a_cancel_may_cross():
    link, alice, bob = pair()
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(500)
    sessions[0].reject(link.now_ms, 486)
    session.hang_up(link.now_ms)
    link.run(2000)
    assert session.state == 8 and session.status == 486 and session.by == 1
    link.run(40000)
    assert not alice.core.transactions.active and not bob.core.transactions.active


def test_a_cancel_of_nothing_is_481_and_of_an_answered_call_changes_nothing():
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    sessions = answering(link, endpoint)
    peer = Peer(link, "192.0.2.9")
    peer.begin("<sip:alice@192.0.2.1>")
    peer.send("CANCEL", "sip:alice@192.0.2.1", (), "", 1, "b1")
    link.run(50)
    assert peer.statuses() == [481]
    peer.send("INVITE", "sip:alice@192.0.2.1", (), "offer", 2, "b2")
    link.run(50)
    peer.send("CANCEL", "sip:alice@192.0.2.1", (), "", 2, "b2")
    link.run(50)
    assert peer.statuses()[-1] == 200 and 487 not in peer.statuses()
    assert sessions[0].state == 5


def test_a_bye_before_the_answer_refuses_the_call():
    forked = Link()
    endpoint = forked.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    sessions = answering(forked, endpoint, after=1)
    peer = Peer(forked, "192.0.2.9")
    peer.begin("<sip:alice@192.0.2.1>")
    peer.send("INVITE", "sip:alice@192.0.2.1", (), "offer")
    forked.run(50)
    peer.join(peer.responses[-1][1])
    peer.send("BYE", "sip:alice@192.0.2.1")
    forked.run(50)
    assert 487 in peer.statuses() and sessions[0].state == 8 and sessions[0].by == 2


# -- glare


def pauses(is_owner, seeds):
    """Return for each seed how long one side waits after a 491 to its re-INVITE."""
    found = []
    for seed in seeds:
        link, alice, bob = pair()
        sessions = answering(link, bob)
        session = call(link, alice)
        link.run(500)
        one, other = (session, sessions[0]) if is_owner else (sessions[0], session)
        one.core.random.state = seed
        one.modify(link.now_ms)
        other.modify(link.now_ms)
        other.modify_at = -1
        link.run(25)
        began = link.now_ms
        assert one.modify_at >= 0
        found.append((one.modify_at - began) & 0x3FFFFFFF)
    return found


def test_after_glare_the_owner_of_the_call_id_waits_2100_to_4000_ms():
    waits = pauses(True, range(1, 4000, 200))
    assert min(waits) >= 2090 and max(waits) <= 4000, waits
    assert len(set(waits)) > 5


def test_after_glare_the_other_side_waits_up_to_2000_ms():
    waits = [w if w < 1 << 29 else 0 for w in pauses(False, range(1, 4000, 200))]
    assert max(waits) <= 2000 and len(set(waits)) > 5, waits


def test_both_holds_come_through_after_glare():
    from host_tests.test_negotiation import Audio

    link, alice, bob = pair()
    bob.new_media = Audio
    sessions = answering(link, bob)
    session = call(link, alice, Audio("192.0.2.1"))
    link.run(500)
    for side in (session, sessions[0]):
        side.media.hold()
        side.modify(link.now_ms)
    link.run(10000)
    assert link.methods().count("491") == 2
    for side in (session, sessions[0]):
        assert side.state == 6 and not side.media.can_receive, link.methods()
