"""INVITE sessions between two cores over the virtual link."""

from host_tests.fakes.link import Media, Random, call, pair
from usip import core


def answering(link, endpoint, ring=True, after=None):
    """Let an endpoint answer each call; return the list of its sessions."""
    sessions = []

    def on_event(event, subject):
        if event == core.CALL_RECEIVED:
            sessions.append(subject)
            if ring:
                subject.ring(link.now_ms)
            if after is None:
                subject.answer(link.now_ms)

    endpoint.on_event = on_event
    return sessions


def test_a_call_is_set_up_and_hung_up_by_the_caller():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(1000)
    assert link.methods() == ["INVITE", "100", "180", "200", "ACK"], link.methods()
    assert session.state == 6 and sessions[0].state == 6
    assert alice.events == [core.CALL_PROGRESS, core.CALL_ANSWERED], alice.events
    assert core.CALL_CONFIRMED in bob.events
    session.hang_up(link.now_ms)
    link.run(1000)
    assert link.methods()[5:] == ["BYE", "200"]
    assert alice.events[-1] == core.CALL_ENDED and bob.events[-1] == core.CALL_ENDED
    assert session.by == 1 and sessions[0].by == 2
    link.run(40000)
    assert not alice.core.transactions.active and not bob.core.transactions.active
    assert link.methods()[7:] == []


def test_the_called_side_hangs_up():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(1000)
    sessions[0].hang_up(link.now_ms)
    link.run(1000)
    assert session.by == 2 and session.state == 8 and sessions[0].state == 8


def test_a_ringing_call_is_cancelled():
    link, alice, bob = pair()
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(500)
    session.hang_up(link.now_ms)
    link.run(1000)
    assert link.methods()[3:] == ["CANCEL", "200", "487", "ACK"], link.methods()
    assert session.status == 487 and session.by == 1
    assert sessions[0].status == 487 and sessions[0].by == 2


def test_a_call_is_rejected():
    link, alice, bob = pair()
    sessions = answering(link, bob, after=1)
    session = call(link, alice)
    link.run(500)
    sessions[0].reject(link.now_ms, 603)
    link.run(1000)
    assert session.status == 603 and session.reason == b"Decline" and session.by == 2
    link.run(40000)
    assert not alice.core.transactions.active and not bob.core.transactions.active


def test_nobody_there_is_a_408_after_timer_b():
    link, alice, bob = pair()
    bob.is_up = False
    session = call(link, alice)
    link.run(33000)
    assert session.status == 408 and session.by == 3
    assert link.methods().count("INVITE") == 7  # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s


def test_a_third_call_is_busy():
    link, alice, bob = pair()
    answering(link, bob, after=1)
    sessions = [call(link, alice) for _ in range(3)]
    link.run(500)
    assert sessions[2].status == 486


def test_hold_is_a_re_invite_by_either_side():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    session.modify(link.now_ms)
    link.run(500)
    sessions[0].modify(link.now_ms)
    link.run(500)
    assert link.methods()[5:] == ["INVITE", "200", "ACK", "INVITE", "200", "ACK"]
    assert alice.count(core.CALL_MODIFIED) == 2 and bob.count(core.CALL_MODIFIED) == 2


def test_glare_is_resolved_by_491():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    session.modify(link.now_ms)
    sessions[0].modify(link.now_ms)
    link.run(6000)
    assert link.methods().count("491") == 2
    assert session.state == 6 and sessions[0].state == 6
    assert link.methods().count("INVITE") >= 5
    assert session.allowed("modify") and sessions[0].allowed("modify")


def test_a_refused_re_invite_leaves_the_session_standing():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    bob.media_list[0].refuse = 488
    session.modify(link.now_ms)
    link.run(500)
    assert link.methods()[5:] == ["INVITE", "488", "ACK"]
    assert session.state == 6 and sessions[0].state == 6
    assert session.media.log[-1] == "reject_offer"


def lossy(seed):
    """Return the fate of datagrams: 10 % are lost, some late, 5 % come twice."""
    random = Random(seed)

    def fate(n, source, destination, octets):
        if random.below(100) < 10:
            return []
        return [5 + random.below(40)] + ([90] if random.below(100) < 5 else [])

    return fate


def test_calls_get_through_ten_percent_loss_each_way():
    for seed in range(30):
        link, alice, bob = pair(fate=lossy(seed + 7))
        sessions = answering(link, bob)
        session = call(link, alice)
        link.run(20000)
        assert session.state == 6, (seed, session.state, link.methods())
        session.hang_up(link.now_ms)
        link.run(80000)
        assert session.state == 8 and sessions[0].state == 8, seed
        assert not alice.core.transactions.active and not bob.core.transactions.active
        assert not alice.core.sessions and not bob.core.sessions


def test_info_is_carried_and_unknown_kinds_are_refused():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    session.info(link.now_ms, b"application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    link.run(500)
    assert core.INFO_RECEIVED in bob.events
    assert sessions[0].info_body == b"Signal=5\r\nDuration=160\r\n"
    session.info(link.now_ms, b"text/plain", b"x")
    link.run(500)
    assert link.methods()[-1] == "415"


def test_info_packages_are_told_taken_and_others_refused():
    link, alice, bob = pair()
    bob.core.info_packages = (b"door", b"light")
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    assert b"\r\nRecv-Info: door, light\r\n" in link.trace[3][3]
    assert b"Recv-Info" not in link.trace[0][3]
    session.info(link.now_ms, b"text/x-door", b"open", b"door")
    link.run(500)
    assert link.methods()[-2:] == ["INFO", "200"]
    assert b"\r\nContent-Disposition: Info-Package\r\n" in link.trace[-2][3]
    theirs = sessions[0]
    assert (theirs.info_package, theirs.info_type, theirs.info_body) == (
        b"door",
        b"text/x-door",
        b"open",
    )
    session.info(link.now_ms, b"text/x-door", b"open", b"window")
    link.run(500)
    assert link.methods()[-1] == "469" and b"\r\nRecv-Info: door, light\r\n" in link.trace[-1][3]
    sessions[0].info(link.now_ms, b"text/plain", b"x", b"door")
    link.run(500)
    assert link.methods()[-1] == "469" and session.state == 6
    session.info(link.now_ms, b"application/dtmf", b"5")
    link.run(500)
    assert theirs.info_package == b"" and bob.count(core.INFO_RECEIVED) == 2


def test_two_answers_of_a_forked_call_keep_the_first_and_end_the_other():
    from host_tests.fakes.link import Link
    from usip.sip.registration import Account

    link = Link()
    alice = link.add("192.0.2.1")
    alice.core.add_account(Account(b"sip:alice@192.0.2.1"))
    session = call(link, alice)
    link.run(10)
    invite = link.trace[0][3]
    answers = []
    for tag in (b"one", b"two"):
        lines = []
        for line in invite.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            name = line.split(b":")[0]
            if name in (b"Via", b"From", b"Call-ID", b"CSeq"):
                lines.append(line)
            if name == b"To":
                lines.append(line + b";tag=" + tag)
        lines.append(b"Contact: <sip:bob@192.0.2.9>")
        lines.append(b"Content-Type: application/sdp\r\nContent-Length: 6\r\n\r\nanswer")
        answers.append(b"SIP/2.0 200 OK\r\n" + b"\r\n".join(lines))
    for answer in answers + answers:
        alice.core.receive(answer, len(answer), ("udp", "192.0.2.9", 5060), link.now_ms)
    link.run(100)
    assert alice.count(core.CALL_ANSWERED) == 1
    assert link.methods() == ["INVITE", "ACK", "ACK", "BYE", "ACK", "ACK", "BYE"], link.methods()
    assert session.state == 6 and session.dialog.remote_tag == b"one"


def test_an_ack_without_the_answer_to_our_offer_ends_the_call():
    media = Media("x")
    media.put_offer = lambda w: w.put(b"")
    link, alice, bob = pair()
    sessions = answering(link, bob)
    call(link, alice, media)
    link.run(500)
    assert bob.media_list[0].log == ["put_offer"], bob.media_list[0].log
    assert link.methods()[-2:] == ["BYE", "200"]
    assert sessions[0].status == 488 and sessions[0].by == 3


def test_ever_so_many_calls_in_a_row_are_placed_although_refused_ones_are_kept_for_32_s():
    link, alice, bob = pair()
    sessions = answering(link, bob, after=1)
    for n in range(30):
        session = call(link, alice)
        link.run(100)
        assert len(sessions) == n + 1, n
        sessions[n].reject(link.now_ms, 486)
        link.run(100)
        assert session.status == 486, n
    assert alice.core.transactions.refused == bob.core.transactions.refused == 0
    link.run(40000)
    assert not alice.core.transactions.active
