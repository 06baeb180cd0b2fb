"""Calls with preconditions between two IMS accounts on the virtual link: who rings when."""

from host_tests.fakes.link import Link
from host_tests.ims.test_account import account
from usip import core
from usip.limits import Limits
from usip.sdp.negotiate import Negotiator

ALICE = "192.0.2.1"
BOB = "192.0.2.2"
BOBS = b"tel:+15550100002"
OFF, READY, RESERVE = range(3)


class Negotiators:
    """Makes the media of an endpoint's incoming calls; the account may not know them yet."""

    def __init__(self, how):
        self.how = how

    def __call__(self, host):
        return make_media(self.how, host)


def make_media(how, host):
    one = account(preconditions=how)
    media = Negotiator(Limits(), host.encode(), 40000)
    one.prepare_media(media, media)
    return media


def network(callers, calleds):
    """Return (link, alice, bob), each the other's P-CSCF, with these preconditions."""
    link = Link()
    endpoints = []
    for own, other, how in ((ALICE, BOB, callers), (BOB, ALICE, calleds)):
        endpoint = link.add(own, Limits(message_bytes=2000))
        one = account(cscfs=[(other, 5060)], preconditions=how)
        endpoint.core.add_account(one)
        one.destination = ("udp", other, 5060)
        endpoint.new_media = Negotiators(how)
        endpoints.append(endpoint)
    uri = b"<%s>" % BOBS
    endpoints[1].core.accounts[0].identities.add(uri, 0, len(uri))
    return link, endpoints[0], endpoints[1]


def call(link, alice, how):
    media = make_media(how, ALICE)
    session = alice.core.invite(alice.core.accounts[0], BOBS, media, link.now_ms)
    link.run(1000)
    return session


def answer(link, bob):
    session = bob.core.sessions[0]
    session.ring(link.now_ms)
    link.run(500)
    session.answer(link.now_ms)
    link.run(500)
    return session


def bodies(link, first_line):
    return [octets for _, _, _, octets in link.trace if octets.startswith(first_line)]


def test_two_phones_on_wifi_ring_at_once():
    link, alice, bob = network(READY, READY)
    session = call(link, alice, READY)
    assert link.methods() == ["INVITE", "100"] and bob.count(core.CALL_RECEIVED) == 1
    invite = link.trace[0][3]
    for line in (
        b"\r\na=curr:qos local sendrecv\r\na=curr:qos remote none\r\n",
        b"\r\na=des:qos mandatory local sendrecv\r\na=des:qos optional remote sendrecv\r\n",
        b"\r\nb=AS:80\r\nb=RS:800\r\nb=RR:2400\r\n",
    ):
        assert line in invite, line
    other = answer(link, bob)
    assert link.methods()[2:] == ["180", "200", "ACK"]
    assert session.state == other.state == 6
    assert session.media.is_active and other.media.is_active


def test_resources_reserved_late_take_183_prack_update_and_180():
    link, alice, bob = network(RESERVE, READY)
    session = call(link, alice, RESERVE)
    assert link.methods() == ["INVITE", "100", "183", "PRACK", "200", "UPDATE", "200"]
    assert bob.count(core.CALL_RECEIVED) == 1
    assert b"a=curr:qos local none\r\n" in link.trace[0][3]
    progress = bodies(link, b"SIP/2.0 183")[0]
    assert b"\r\nRequire: precondition\r\n" in progress
    assert b"a=conf:qos remote sendrecv\r\n" in progress
    update = bodies(link, b"UPDATE")[0]
    assert b"a=curr:qos local sendrecv\r\na=curr:qos remote sendrecv\r\n" in update
    other = answer(link, bob)
    assert link.methods()[7:] == ["180", "200", "ACK"]
    assert session.state == other.state == 6
    session.hang_up(link.now_ms)
    link.run(500)
    assert not alice.core.sessions and not bob.core.sessions


def test_the_called_side_may_be_the_late_one():
    for callers in (READY, RESERVE):
        link, alice, bob = network(callers, RESERVE)
        session = call(link, alice, callers)
        assert link.methods()[:7] == ["INVITE", "100", "183", "PRACK", "200", "UPDATE", "200"]
        assert bob.count(core.CALL_RECEIVED) == 1, callers
        other = answer(link, bob)
        assert link.methods()[7:] == ["180", "200", "ACK"]
        assert session.state == other.state == 6


def test_nobody_rings_before_the_update_came():
    link, alice, bob = network(RESERVE, READY)
    link.fate = lambda n, source, to, octets: [] if octets.startswith(b"UPDATE") else [10]
    call(link, alice, RESERVE)
    link.run(20000)
    assert bob.count(core.CALL_RECEIVED) == 0 and "180" not in link.methods()
    link.run(200000)
    assert not alice.core.sessions and not bob.core.sessions


def test_a_caller_may_give_up_before_it_rings():
    link, alice, bob = network(RESERVE, READY)
    link.fate = lambda n, source, to, octets: [] if octets.startswith(b"UPDATE") else [10]
    session = call(link, alice, RESERVE)
    session.hang_up(link.now_ms)
    link.run(1000)
    assert "487" in link.methods() and not bob.core.sessions
    assert bob.count(core.CALL_RECEIVED) == 0


def test_a_lost_183_and_a_lost_prack_come_again():
    for lost in (b"SIP/2.0 183", b"PRACK", b"UPDATE"):
        link, alice, bob = network(RESERVE, READY)
        dropped = []

        def fate(n, source, to, octets):
            if octets.startswith(lost) and not dropped:  # noqa: B023
                dropped.append(octets)  # noqa: B023
                return []
            return [10]

        link.fate = fate
        session = call(link, alice, RESERVE)
        link.run(2000)
        assert bob.count(core.CALL_RECEIVED) == 1, lost
        answer(link, bob)
        assert session.state == 6, lost


def test_a_caller_without_preconditions_rings_at_once():
    link, alice, bob = network(OFF, RESERVE)
    session = call(link, alice, OFF)
    assert b"precondition" not in link.trace[0][3] and b"qos" not in link.trace[0][3]
    other = answer(link, bob)
    assert session.state == other.state == 6
    assert b"a=curr" not in bodies(link, b"SIP/2.0 200")[0]


def test_a_called_side_without_preconditions_is_rung_as_ever():
    link, alice, bob = network(RESERVE, OFF)
    session = call(link, alice, RESERVE)
    other = answer(link, bob)
    assert link.methods() == ["INVITE", "100", "180", "200", "ACK"]
    assert session.state == other.state == 6


def test_what_no_telephone_can_reserve_is_refused_with_580():
    link, alice, bob = network(READY, READY)
    media = make_media(READY, ALICE)

    class Demanding:
        def put_attributes(self, builder, is_answer):
            builder.line(97, b"des:qos mandatory e2e sendrecv")

        def begin(self):
            pass

        begin_section = cancel = begin

    media.local.extensions = (Demanding(),)
    session = alice.core.invite(alice.core.accounts[0], BOBS, media, link.now_ms)
    link.run(1000)
    assert session.status == 580 and not bob.core.sessions


def test_required_preconditions_are_no_bad_extension():
    link, alice, bob = network(READY, READY)
    media = make_media(READY, ALICE)
    headers = ((b"Require", b"precondition"),)
    alice.core.invite(alice.core.accounts[0], BOBS, media, link.now_ms, headers=headers)
    link.run(1000)
    assert bob.count(core.CALL_RECEIVED) == 1
