"""Transfers (RFC 3515, 3891, 4488, 5589) among three phones over the virtual link."""

from host_tests.fakes.link import Link, Media, call, lossy
from host_tests.sip.test_core import answers, phone, request
from host_tests.sip.test_session import answering
from usip import core
from usip.sip import replaces
from usip.sip.registration import Account

TRANSFERS = (core.TRANSFER_REQUESTED, core.TRANSFER_PROGRESS, core.TRANSFER_ENDED)


def three(fate=None):
    """Return (link, alice, bob, carol), each with an account."""
    link = Link(fate=fate)
    endpoints = []
    for n, name in enumerate((b"alice", b"bob", b"carol")):
        endpoint = link.add("192.0.2.%d" % (n + 1))
        endpoint.core.add_account(Account(b"sip:%s@192.0.2.%d" % (name, n + 1)))
        endpoints.append(endpoint)
    return [link] + endpoints


def following(link, endpoint, decide=None):
    """Let an endpoint call whom it is told to; return the list of its referrals."""
    found = []
    before = endpoint.on_event

    def on_event(event, subject):
        if before is not None:
            before(event, subject)
        if event == core.TRANSFER_REQUESTED:
            found.append(subject)
            if decide is None:
                subject.accept(link.now_ms, Media(endpoint.host))
            elif decide:
                subject.reject(link.now_ms, decide)

    endpoint.on_event = on_event
    return found


def noting(endpoint):
    """Return a list that is filled with the (event, status) of an endpoint's transfers."""
    found = []

    def on_event(event, subject):
        if event in TRANSFERS:
            found.append((event, subject.status))

    endpoint.on_event = on_event
    return found


def talking(link, alice, bob):
    """Return the sessions of a call between two endpoints."""
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    assert session.state == 6 and sessions[0].state == 6
    return session, sessions[0]


def quiet(link, *endpoints):
    """Check that nothing is left over."""
    link.run(200000)
    for endpoint in endpoints:
        assert not endpoint.core.usages, endpoint.host
        assert not endpoint.core.transactions.active, endpoint.host


def test_a_blind_transfer_tells_its_progress_and_ends_the_first_call():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    referrals = following(link, bob)
    noted = noting(alice)
    answered = answering(link, carol)
    transfer = session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    assert not session.allowed("transfer")
    link.run(1000)
    referral = referrals[0]
    assert referral.target == b"sip:carol@192.0.2.3" and referral.session is theirs
    assert referral.referred_by == b"<sip:alice@192.0.2.1>"
    assert referral.call.state == 6 and answered[0].state == 6
    assert transfer.status == 200 and transfer.reason == b"OK"
    assert session.state == 8 and session.by == 1 and theirs.state == 8 and theirs.by == 2
    statuses = [status for event, status in noted]
    assert statuses[0] == 202 and statuses[-1] == 200 and 180 in statuses, statuses
    assert noted[-1][0] == core.TRANSFER_ENDED
    assert [event for event, _ in noted].count(core.TRANSFER_ENDED) == 1
    bodies = [e[3] for e in link.trace if e[3].startswith(b"NOTIFY")]
    assert b"\r\nSubscription-State: active;expires=" in bodies[0]
    assert b"\r\nContent-Type: message/sipfrag;version=2.0\r\n" in bodies[0]
    assert bodies[0].endswith(b"\r\n\r\nSIP/2.0 100 Trying\r\n")
    assert b"\r\nSubscription-State: terminated;reason=noresource\r\n" in bodies[-1]
    assert bodies[-1].endswith(b"\r\n\r\nSIP/2.0 200 OK\r\n")
    invite = [e[3] for e in link.trace if e[3].startswith(b"INVITE sip:carol")][0]
    assert b"\r\nReferred-By: <sip:alice@192.0.2.1>\r\n" in invite
    referral.call.hang_up(link.now_ms)
    quiet(link, alice, bob, carol)


def test_the_called_side_transfers_as_well():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    following(link, alice)
    answered = answering(link, carol)
    transfer = theirs.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(1000)
    assert transfer.status == 200 and session.state == 8 and answered[0].state == 6


def test_a_transfer_to_somebody_busy_leaves_the_call_standing():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    following(link, bob)
    noted = noting(alice)
    carol.create_media = lambda session: None
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(1000)
    assert noted[-1] == (core.TRANSFER_ENDED, 486)
    assert session.state == 6 and theirs.state == 6 and session.allowed("transfer")
    session.refer(link.now_ms, b"sip:nobody@192.0.2.77")
    link.run(40000)
    assert noted[-1] == (core.TRANSFER_ENDED, 408) and session.state == 6
    session.hang_up(link.now_ms)
    quiet(link, alice, bob)


def test_a_transfer_there_is_no_memory_for_is_told_and_the_call_stands():
    class Large(Media):
        def put_offer(self, w) -> None:
            raise MemoryError

    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)

    def on_event(event, subject):
        if event == core.TRANSFER_REQUESTED:
            subject.accept(link.now_ms, Large("bob"))

    bob.on_event = on_event
    noted = noting(alice)
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(1000)
    assert noted[-1] == (core.TRANSFER_ENDED, 500), noted
    assert bob.events[-1] == core.CALL_ENDED
    assert session.state == 6 and theirs.state == 6 and bob.core.sessions == [theirs]
    session.hang_up(link.now_ms)
    quiet(link, alice, bob)


def test_a_transfer_that_is_declined_or_not_decided_on():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    referrals = following(link, bob, 603)
    noted = noting(alice)
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(1000)
    assert noted == [(core.TRANSFER_ENDED, 603)] and session.state == 6
    bob.on_event = None
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(12000)
    assert noted[1:] == [(core.TRANSFER_ENDED, 603)] and len(referrals) == 1
    assert session.state == 6 and not alice.core.usages and not bob.core.usages


def test_without_a_subscription_only_the_answer_is_heard():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    referrals = following(link, bob)
    noted = noting(alice)
    answered = answering(link, carol)
    session.refer(link.now_ms, b"sip:carol@192.0.2.3", False)
    link.run(1000)
    assert noted == [(core.TRANSFER_ENDED, 202)] and "NOTIFY" not in link.methods()
    assert (
        b"\r\nRefer-Sub: false\r\n" in [e[3] for e in link.trace if e[3][:11] == b"SIP/2.0 202"][0]
    )
    assert session.state == 6 and answered[0].state == 6 and referrals[0].call.state == 6
    assert not bob.core.usages


def test_an_attended_transfer_joins_the_two_peers():
    link, alice, bob, carol = three()
    first, at_bob = talking(link, alice, bob)
    followed = following(link, bob)
    answered = answering(link, carol)
    second = call(link, alice, target=b"sip:carol@192.0.2.3")
    link.run(500)
    assert second.state == 6 and answered[0].state == 6
    noted = noting(alice)
    first.refer_to(link.now_ms, second)
    link.run(2000)
    refer = [e[3] for e in link.trace if e[3].startswith(b"REFER")][0]
    assert b"?Replaces=%s%%3Bto-tag%%3D" % second.dialog.call_id in refer
    assert noted[-1] == (core.TRANSFER_ENDED, 200)
    assert first.state == 8 and second.state == 8 and second.by == 2
    assert answered[0].state == 8 and answered[0].by == 1
    assert answered[1].state == 6 and followed[0].call.state == 6
    assert followed[0].replaces == b"%s;to-tag=%s;from-tag=%s" % (
        second.dialog.call_id,
        answered[0].dialog.local_tag,
        second.dialog.local_tag,
    )
    followed[0].call.hang_up(link.now_ms)
    quiet(link, alice, bob, carol)


def test_transfers_stand_ten_percent_loss_each_way():
    for seed in range(10):
        link, alice, bob, carol = three()
        session, theirs = talking(link, alice, bob)
        link.fate = lossy(10, seed + 21)
        referrals = following(link, bob)
        answered = answering(link, carol)
        transfer = session.refer(link.now_ms, b"sip:carol@192.0.2.3")
        link.run(90000)
        assert transfer.status == 200 and session.state == 8 and theirs.state == 8, seed
        assert answered[0].state == 6 and referrals[0].call.state == 6, seed
        referrals[0].call.hang_up(link.now_ms)
        quiet(link, alice, bob, carol)


def test_the_transferor_may_hang_up_before_the_outcome():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    referrals = following(link, bob)
    noted = noting(alice)
    answered = answering(link, carol, after=1)
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.run(500)
    session.hang_up(link.now_ms)
    link.run(500)
    assert session.state == 8 and theirs.state == 8
    answered[0].answer(link.now_ms)
    link.run(500)
    assert noted[-1] == (core.TRANSFER_ENDED, 200) and referrals[0].call.state == 6
    assert "481" not in link.methods()


def test_a_peer_that_tells_nothing_is_waited_for_and_then_left():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    following(link, bob)
    noted = noting(alice)
    answering(link, carol)
    session.refer(link.now_ms, b"sip:carol@192.0.2.3")
    link.fate = lambda n, source, to, octets: [] if octets.startswith(b"NOTIFY") else [10]
    link.run(40000)
    assert noted == [(core.TRANSFER_PROGRESS, 202), (core.TRANSFER_ENDED, 202)]
    assert session.state == 6 and not alice.core.usages
    link.run(200000)
    assert not bob.core.usages and theirs.state == 6


def test_a_click_to_dial_refers_outside_of_a_call():
    link, alice, bob, carol = three()
    bob.methods = (1, 13)
    referrals = following(link, bob)
    noted = noting(alice)
    answered = answering(link, carol)
    account = alice.core.accounts[0]
    alice.core.refer(account, b"sip:bob@192.0.2.2", b"sip:carol@192.0.2.3", link.now_ms)
    link.run(1000)
    assert referrals[0].session is None and answered[0].state == 6
    assert noted[-1] == (core.TRANSFER_ENDED, 200)
    bob.methods = (1,)
    alice.core.refer(account, b"sip:bob@192.0.2.2", b"sip:carol@192.0.2.3", link.now_ms)
    link.run(1000)
    assert noted[-1] == (core.TRANSFER_ENDED, 405)
    referrals[0].call.hang_up(link.now_ms)
    quiet(link, alice, bob, carol)


# -- what others write


def targets(value):
    """Return (status, referral) for a REFER with this Refer-To at a phone that serves REFER."""
    link, endpoint = phone()
    endpoint.methods = (1, 13)
    found = answers(link, endpoint, request("REFER", extra=value))
    referral = None
    if endpoint.core.next_event() == core.TRANSFER_REQUESTED:
        referral = endpoint.core.subject
    return (int(found[0].split(" ")[1]) if found else 0, referral)


def test_asterisk_refers_to_a_bare_number():
    for value in ("Refer-To: 600\r\n", "Refer-To: <600>\r\n", "r: 600\r\n"):
        status, referral = targets(value)
        assert status == 0 and referral.target == b"sip:600@192.0.2.1", (value, status)


def test_a_target_without_brackets_keeps_what_is_behind_its_question_mark():
    value = "Refer-To: sip:a@h?Replaces=c%40x%3Bto-tag%3Dt%3Bfrom-tag%3Df&Require=replaces\r\n"
    status, referral = targets(value)
    assert status == 0 and referral.target == b"sip:a@h"
    assert referral.replaces == b"c@x;to-tag=t;from-tag=f"
    status, referral = targets('Refer-To: "C" <sip:a@h;transport=tcp?X=1&Replaces=c>;p=1\r\n')
    assert referral.target == b"sip:a@h;transport=tcp" and referral.replaces == b"c"
    assert targets("Refer-To: <tel:+15551234>\r\n")[1].target == b"tel:+15551234"
    assert targets("Refer-To: <sip:a@h;method=INVITE;x=1>\r\n")[1].target == b"sip:a@h;x=1"


def test_what_cannot_be_called_is_refused():
    for value in (
        "",
        "Refer-To: <sip:a@h>\r\nRefer-To: <sip:b@h>\r\n",
        "Refer-To: <sip:a@h;method=BYE>\r\n",
        "Refer-To: <http://example.com/>\r\n",
        "Refer-To: <sip:a@h?Replaces=a%0D%0AX:y>\r\n",
        "Refer-To: <a b>\r\n",
        "Refer-To: \r\n",
        "Refer-To: <\r\n",
    ):
        status, referral = targets(value)
        assert status == 400 and referral is None, (value, status)


def test_a_value_in_a_uri_is_escaped_and_unescaped():
    value = b"12@h%x;to-tag=a b;from-tag=\xff"
    escaped = replaces.escape(value)
    assert escaped == b"12%40h%25x%3Bto-tag%3Da%20b%3Bfrom-tag%3D%FF"
    assert replaces.unescape(escaped) == value
    assert replaces.unescape(b"%zz%4") == b"%zz\x04"


# -- INVITE with Replaces


def with_replaces(link, endpoint, value, target=b"sip:bob@192.0.2.2"):
    """Let an endpoint call with these Replaces values; return the session."""
    headers = [(b"Replaces", v) for v in value.split(b" ")]
    account = endpoint.core.accounts[0]
    return endpoint.core.invite(
        account, target, Media(endpoint.host), link.now_ms, headers=headers
    )


def test_what_a_replaces_may_name():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    named = replaces.value_for(session.dialog)
    refused = (
        (named + b" " + named, 400),
        (b"nothing", 400),
        (b"nothing;to-tag=a;from-tag=b", 481),
        (named.replace(b"to-tag", b"x").replace(b"from-tag", b"to-tag"), 400),
        (replaces.value_for(theirs.dialog), 481),
        (named + b";early-only", 486),
    )
    for value, status in refused:
        other = with_replaces(link, carol, value)
        link.run(500)
        assert other.status == status, (value, other.status)
        assert theirs.state == 6
    taking = with_replaces(link, carol, named)
    link.run(500)
    assert taking.state == 6 and session.state == 8 and theirs.state == 8


def test_a_call_that_rings_here_cannot_be_taken_over_but_one_that_rings_there_can():
    link, alice, bob, carol = three()
    ringing = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(500)
    other = with_replaces(link, carol, replaces.value_for(session.dialog))
    link.run(500)
    assert other.status == 481 and session.state == 1
    answering(link, alice)
    named = replaces.value_for(ringing[0].dialog)
    other = with_replaces(link, carol, named + b";early-only", b"sip:alice@192.0.2.1")
    link.run(500)
    assert other.state == 6 and session.status == 487 and ringing[0].state == 8


def test_a_phone_with_all_its_calls_busy_takes_one_that_replaces():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    second = call(link, alice)
    link.run(500)
    third = call(link, carol)
    link.run(500)
    assert second.state == 6 and third.status == 486
    taking = with_replaces(link, carol, replaces.value_for(session.dialog))
    link.run(500)
    assert taking.state == 6 and theirs.state == 8 and second.state == 6


def test_a_call_that_just_ends_is_declined():
    link, alice, bob, carol = three()
    session, theirs = talking(link, alice, bob)
    named = replaces.value_for(session.dialog)
    link.fate = lambda n, source, to, octets: [400] if octets.startswith(b"BYE") else [10]
    theirs.hang_up(link.now_ms)
    other = with_replaces(link, carol, named)
    link.run(200)
    assert other.status == 603


def test_what_is_mutated_is_answered_or_dropped():
    from host_tests.fakes.link import Random

    random = Random(3)
    valid = request("REFER", extra="Refer-To: <sip:a@h?Replaces=c%3Bto-tag%3Dt>\r\n")
    link, endpoint = phone()
    endpoint.methods = (1, 13)
    for _ in range(300):
        octets = bytearray(valid)
        for _ in range(1 + random.below(6)):
            octets[random.below(len(octets))] = random.below(256)
        endpoint.core.receive(bytes(octets), len(octets), ("udp", "192.0.2.9", 5062), link.now_ms)
    link.run(100000)
    assert not endpoint.core.usages and not endpoint.core.transactions.active
