"""Tests of net.locator: cores whose peers are names, in virtual time."""

from fakes import link, names

from usip import core as events
from usip import ticks
from usip.net import locator
from usip.net.dns import Resolver
from usip.sip.registration import Account

SERVER = ("192.0.2.53", 53)
ZONE = {
    ("one.example", "A"): ("192.0.2.2",),
    ("_sip._udp.two.example", "SRV"): ("10 0 5060 a.two.example", "20 0 5060 b.two.example"),
    ("a.two.example", "A"): ("192.0.2.9",),
    ("b.two.example", "A"): ("192.0.2.2",),
    ("slow.example", "A"): None,
    ("_sip._udp.slow.example", "SRV"): None,
    ("_sip._tcp.slow.example", "SRV"): None,
    ("slow.example", "NAPTR"): None,
}


class Net:
    """Alice, who locates names, and Bob at 192.0.2.2; nobody is at 192.0.2.9 unless *third*."""

    def __init__(self, zone=ZONE, third=False, fate=None, **account) -> None:
        self.link, self.alice, self.bob = link.pair(10, fate)
        self.core = self.alice.core
        self.core.accounts.clear()
        self.core.add_account(Account(b"sip:alice@one.example", **account))
        self.account = self.core.accounts[0]
        self.names = names.Servers(zone)
        resolver = Resolver([SERVER], link.Random(9), self.names.make_socket)
        self.locator = locator.Locator(self.alice, [SERVER], self.link.now_ms, resolver)
        self.alice.locate = self.locator.locate
        if third:
            self.third = self.link.add("192.0.2.9")
            self.third.core.add_account(Account(b"sip:bob@192.0.2.9"))

    def run(self, ms):
        """Let *ms* pass, as an agent does."""
        for _ in range(ms // 10):
            self.locator.turn(self.link.now_ms)
            self.alice.drain()
            self.link.run(10)

    def call(self, target):
        return self.core.invite(self.account, target, link.Media("alice"), self.link.now_ms)

    def names_of_invites(self):
        return [
            (octets.split(b" ")[1], to)
            for _, _, to, octets in self.link.trace
            if octets.startswith(b"INVITE")
        ]

    def sent_to(self, host):
        return [octets for _, _, to, octets in self.link.trace if to == host]


def test_a_call_to_a_name_waits_for_it_and_goes_out():
    net = Net()
    session = net.call(b"sip:bob@one.example")
    assert not net.link.trace
    net.run(200)
    assert net.alice.count(events.CALL_PROGRESS) + net.bob.count(events.CALL_RECEIVED) >= 1
    net.bob.core.sessions[0].answer(net.link.now_ms)
    net.run(200)
    assert net.alice.count(events.CALL_ANSWERED) == 1
    assert net.bob.count(events.CALL_CONFIRMED) == 1
    session.hang_up(net.link.now_ms)
    net.run(200)
    assert net.bob.count(events.CALL_ENDED) == 1


def test_a_name_that_is_known_is_not_asked_for_again():
    net = Net()
    net.core.options(net.account, b"sip:bob@one.example", net.link.now_ms)
    net.run(200)
    asked = len(net.names.asked)
    net.core.options(net.account, b"sip:bob@ONE.example", net.link.now_ms)
    net.run(200)
    assert net.alice.count(events.OPTIONS_ANSWERED) == 2 and len(net.names.asked) == asked


def test_a_name_that_is_none_ends_the_call_with_a_reason():
    net = Net()
    session = net.call(b"sip:bob@nowhere.example")
    net.run(200)
    assert (session.status, session.reason) == (503, b"Destination Not Located")
    assert net.alice.count(events.CALL_ENDED) == 1


def test_a_resolver_that_is_silent_ends_the_call_and_the_next_one_asks_again():
    net = Net()
    session = net.call(b"sip:bob@slow.example")
    net.run(60000)
    assert session.status == 503
    asked = len(net.names.asked)
    net.call(b"sip:bob@slow.example")
    net.run(60000)
    assert len(net.names.asked) == 2 * asked


def test_hanging_up_while_the_name_is_looked_up_ends_the_call_at_once():
    net = Net()
    session = net.call(b"sip:bob@slow.example")
    session.hang_up(net.link.now_ms)
    assert session.status == 487 and not net.core.sessions
    net.run(40000)
    assert not net.link.trace


def test_a_name_that_leads_nowhere_goes_by_the_registrar_known():
    net = Net(destination=("udp", "192.0.2.2", 5060))
    net.call(b"sip:bob@nowhere.example")
    net.run(200)
    assert net.bob.count(events.CALL_RECEIVED) == 1


def test_registering_waits_for_the_name():
    net = Net(registrar=b"sip:one.example")
    net.core.register(net.account, net.link.now_ms)
    net.run(300)
    assert [wire[:8] for wire in net.sent_to("192.0.2.2")] == [b"REGISTER"]
    assert net.account.destination == ("udp", "192.0.2.2", 5060)


def test_a_request_that_nobody_answers_goes_on_to_the_next():
    net = Net()
    net.core.options(net.account, b"sip:bob@two.example", net.link.now_ms)
    net.run(31000)
    assert net.sent_to("192.0.2.9") and not net.sent_to("192.0.2.2")
    net.run(3000)
    assert net.alice.count(events.OPTIONS_ANSWERED) == 1 and net.locator.moved == 1
    first, second = net.sent_to("192.0.2.9")[0], net.sent_to("192.0.2.2")[0]
    assert branch(first) != branch(second)
    assert without_via(first) == without_via(second)
    net.core.options(net.account, b"sip:bob@two.example", net.link.now_ms)
    net.run(300)
    assert net.alice.count(events.OPTIONS_ANSWERED) == 2  # the one that answers is kept


def test_after_the_last_one_the_request_has_failed_and_the_next_begins_anew():
    net = Net()
    net.bob.is_up = False
    request = net.core.options(net.account, b"sip:bob@two.example", net.link.now_ms)
    net.run(70000)
    assert request.status == 408 and net.alice.count(events.OPTIONS_ANSWERED) == 1
    sent = len(net.sent_to("192.0.2.9"))
    net.core.options(net.account, b"sip:bob@two.example", net.link.now_ms)
    net.run(300)
    assert len(net.sent_to("192.0.2.9")) > sent


def test_a_503_to_an_invite_is_acknowledged_and_the_next_one_is_called():
    net = Net(third=True)
    net.third.on_event = lambda event, subject: (
        subject.reject(net.link.now_ms, 503) if event == events.CALL_RECEIVED else None
    )
    session = net.call(b"sip:bob@two.example")
    net.run(500)
    assert net.third.count(events.CALL_ENDED) == 1 and net.bob.count(events.CALL_RECEIVED) == 1
    acks = [wire for wire in net.sent_to("192.0.2.9") if wire.startswith(b"ACK")]
    assert len(acks) == 1 and branch(acks[0]) == branch(net.sent_to("192.0.2.9")[0])
    assert session.status != 503
    net.bob.core.sessions[0].answer(net.link.now_ms)
    net.run(300)
    assert net.alice.count(events.CALL_ANSWERED) == 1 and not net.third.core.sessions
    net.run(40000)
    assert not net.core.transactions.active


def test_a_cancelled_call_goes_nowhere_else():
    net = Net()
    session = net.call(b"sip:bob@two.example")
    net.run(1000)
    session.hang_up(net.link.now_ms)
    net.run(40000)
    assert not net.sent_to("192.0.2.2") and not net.core.sessions


def test_a_transport_error_goes_on_to_the_next_at_once():
    net = Net()
    send = net.alice.send
    net.alice.send = lambda to, buf, end: to[1] != "192.0.2.9" and send(to, buf, end)
    net.core.options(net.account, b"sip:bob@two.example", net.link.now_ms)
    net.run(300)
    assert net.alice.count(events.OPTIONS_ANSWERED) == 1


def test_a_name_is_looked_up_again_when_its_time_is_over():
    net = Net()
    net.core.options(net.account, b"sip:bob@one.example", net.link.now_ms)
    net.run(200)
    net.names.zone = {("one.example", "A"): ("192.0.2.9",)}
    net.link.now_ms = ticks.ticks_add(net.link.now_ms, 300000)
    net.run(100)
    net.core.options(net.account, b"sip:bob@one.example", net.link.now_ms)
    net.run(200)
    assert net.sent_to("192.0.2.9")


def test_what_was_known_serves_on_while_the_resolver_is_away():
    net = Net()
    net.core.options(net.account, b"sip:bob@one.example", net.link.now_ms)
    net.run(200)
    net.names.answer = lambda server, query: []
    net.link.now_ms = ticks.ticks_add(net.link.now_ms, 300000)
    net.run(100)
    net.core.options(net.account, b"sip:bob@one.example", net.link.now_ms)
    net.run(60000)
    assert net.alice.count(events.OPTIONS_ANSWERED) == 2


def test_localhost_needs_no_server():
    net = Net()
    assert net.locator.locate("localhost", -1, "") == ("udp", "127.0.0.1", 5060)
    assert not net.names.asked


def test_servers_are_written_with_or_without_a_port():
    assert locator.name_servers(["192.0.2.1", "192.0.2.2:5353"]) == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
    ]


def branch(wire) -> bytes:
    at = wire.find(b"branch=")
    return wire[at : wire.find(b";", at)]


def without_via(wire) -> bytes:
    at = wire.find(b"Via:")
    return wire[:at] + wire[wire.find(b"\r\n", at) :]


def redirected(contacts):
    """Return (net, session): Bob redirects Alice to *contacts*."""
    net = Net(third=True)

    def on_event(event, subject):
        if event == events.CALL_RECEIVED:
            subject.reject(net.link.now_ms, 302, headers=((b"Contact", contacts),))

    net.bob.on_event = on_event
    session = net.call(b"sip:bob@192.0.2.2")
    return net, session


def test_a_redirection_to_a_name_waits_for_it():
    net, session = redirected(b"<sip:bob@b.two.example;x=1>;q=0.4, <sip:carol@a.two.example>")
    net.third.on_event = lambda event, subject: (
        subject.answer(net.link.now_ms) if event == events.CALL_RECEIVED else None
    )
    net.run(300)
    assert session.state == 6 and session.request_uri == b"sip:carol@a.two.example"
    invites = [octets for octets in net.sent_to("192.0.2.9") if octets.startswith(b"INVITE")]
    assert len(invites) == 1 and b"\r\nCSeq: 2 INVITE\r\n" in invites[0]


def test_of_names_to_go_to_those_that_are_none_are_passed_over():
    net, session = redirected(b"<sip:x@nowhere.example>;q=0.9, <sip:bob@one.example>;q=0.5")
    net.run(500)
    assert [t for t, _ in net.names_of_invites()] == [b"sip:bob@192.0.2.2", b"sip:bob@one.example"]
    assert session.state == 8 and session.status == 302


def test_a_redirection_to_a_name_that_is_none_ends_the_call():
    net, session = redirected(b"<sip:x@nowhere.example>")
    net.run(500)
    assert session.state == 8 and session.status == 503 and not net.core.sessions


def test_hanging_up_while_a_redirection_is_looked_up_ends_the_call():
    net, session = redirected(b"<sip:x@slow.example>")
    net.run(300)
    assert session.state == 0
    session.hang_up(net.link.now_ms)
    assert session.state == 8 and session.status == 487
