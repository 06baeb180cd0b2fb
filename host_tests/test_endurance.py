"""Thousands of calls, refreshes and pings: all come through a bad network, none leaves anything.

Everything is in virtual time between two cores. The numbers are those of the aim on CPython and
smaller on the VM, where `python -m tools.growth`, a part of `make bench`, does all of them.
"""

import gc
import sys

from host_tests.fakes.link import Link, Random, call, pair
from host_tests.fakes.registrar import Registrar
from usip import core
from usip.sip.registration import Account

_IS_VM = sys.implementation.name == "micropython"
_CALLS = 60 if _IS_VM else 1000
_ROUNDS = 300  # of what must not grow
_SETTLING = 20


def bad_network(seed: int):
    """Return a fate: 10 % are lost, 5 % come twice, all are late by 5 to 64 ms and overtake."""
    random = Random(seed)

    def fate(n, source, destination, octets):
        if random.below(100) < 10:
            return []
        delays = [5 + random.below(60)]
        if random.below(100) < 5:
            delays.append(5 + random.below(120))
        return delays

    return fate


class Steps:
    """Octets like those of Random from a state that is never a heap object of 32 bits."""

    def __init__(self, state: int) -> None:
        self.state = state

    def __call__(self, n: int) -> bytes:
        out = bytearray(n)
        for i in range(n):
            self.state = (self.state * 1103 + 12345) & 0xFFFFF
            out[i] = self.state >> 9 & 0xFF
        return bytes(out)


class Calls:
    """Alice and Bob, who call each other in turn."""

    def __init__(self, fate=None) -> None:
        self.link, self.alice, self.bob = pair(fate=fate)
        self.sessions = []
        for n, endpoint in enumerate((self.alice, self.bob)):
            endpoint.on_event = self.on_event
            endpoint.core.random = Steps(n)
        self.failed = []

    def on_event(self, event, subject) -> None:
        """Answer what comes in."""
        if event == core.CALL_RECEIVED:
            self.sessions.append(subject)
            subject.ring(self.link.now_ms)
            subject.answer(self.link.now_ms)

    def forget(self) -> None:
        """Let go of what the fakes keep."""
        for endpoint in (self.alice, self.bob):
            endpoint.events.clear()
            endpoint.media_list.clear()
        self.link.trace.clear()
        self.sessions.clear()

    def carry(self, number: int, patience_ms: int = 30000) -> None:
        """Set up one call, talk, hang up; note how it went wrong if it did."""
        link = self.link
        caller, target = (self.alice, b"sip:bob@192.0.2.2")
        if number & 1:
            caller, target = (self.bob, b"sip:alice@192.0.2.1")
        session = call(link, caller, target=target)
        link.run(patience_ms)
        theirs = self.sessions[0] if len(self.sessions) == 1 else None
        talked = theirs is not None and session.state == theirs.state == 6
        if talked:
            (theirs if number & 2 else session).hang_up(link.now_ms)
        link.run(100000)
        over = talked and session.state == theirs.state == 8
        if not over or (session.status, theirs.status) != (200, 200):
            self.failed.append((number, session.state, session.status, session.by, talked))
        for endpoint in (self.alice, self.bob):
            if endpoint.core.sessions or endpoint.core.transactions.active:
                self.failed.append((number, "left", endpoint.host))
        self.forget()


class Transactional(Registrar):
    """A registrar that answers a repeated request as it did before (RFC 3261 17.2)."""

    last = b"", b""  # branch and answer

    def receive(self, octets: bytes, end: int, source: tuple, now_ms: int) -> None:
        """Answer one request."""
        branch = octets.split(b"branch=", 1)[1].split(b";", 1)[0]
        if branch == self.last[0]:
            self.link.carry(self, source, self.last[1])
            return
        super().receive(octets, end, source, now_ms)
        self.last = branch, self.link.trace[-1][3]


def registered():
    """Return (link, endpoint, registrar, account) of a phone at a registrar that challenges."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.random = Steps(5)
    registrar = Transactional(link, "192.0.2.10", {"alice": "secret"})
    link.endpoints.append(registrar)
    account = Account(
        b"sip:alice@usip.test",
        b"sip:usip.test",
        password=b"secret",
        destination=("udp", "192.0.2.10", 5060),
        expires_s=60,
    )
    endpoint.core.add_account(account)
    endpoint.core.register(account, link.now_ms)
    return link, endpoint, registrar, account


def growth(turn, rounds: int) -> int:
    """Return by how much the heap has grown over *rounds* of turn(n), after some to settle."""
    for n in range(_SETTLING):
        turn(n)
    gc.collect()
    before = gc.mem_alloc()
    for n in range(rounds):
        turn(n)
    gc.collect()
    return gc.mem_alloc() - before


def calls_turn():
    """Return what carries one call on a good network."""
    calls = Calls()

    def turn(n):
        calls.carry(n, 1000)
        assert not calls.failed, calls.failed

    return turn


def refreshes_turn():
    """Return what makes one re-registration."""
    link, endpoint, registrar, account = registered()
    link.run(1000)

    def turn(n):
        endpoint.core.register(account, link.now_ms)
        link.run(6000)
        assert endpoint.events[-1] == core.REGISTERED and registrar.log[-1] == 200
        endpoint.events.clear()
        registrar.log.clear()
        registrar.requests.clear()
        link.trace.clear()

    return turn


def pings_turn():
    """Return what asks for capabilities once and is answered."""
    link, alice, bob = pair()
    alice.core.random, bob.core.random = Steps(3), Steps(4)

    def turn(n):
        alice.core.options(alice.core.accounts[0], b"sip:bob@192.0.2.2", link.now_ms)
        link.run(40000)
        assert alice.events == [core.OPTIONS_ANSWERED], alice.events
        assert not alice.core.transactions.active and not bob.core.transactions.active
        alice.events.clear()
        bob.events.clear()
        link.trace.clear()

    return turn


TURNS = (("calls", calls_turn), ("re-registrations", refreshes_turn), ("OPTIONS", pings_turn))


def test_every_call_comes_through_a_bad_network():
    calls = Calls(bad_network(7))
    for number in range(_CALLS):
        calls.carry(number)
    assert not calls.failed, (len(calls.failed), calls.failed[:5])


def test_the_binding_stands_a_bad_network_for_days():
    link, endpoint, registrar, account = registered()
    link.fate = bad_network(11)
    lost = 0
    for _ in range(_CALLS // 10):
        link.run(600000)
        lost += endpoint.count(core.REGISTRATION_FAILED)
        endpoint.events.clear()
        registrar.log.clear()
        registrar.requests.clear()
        link.trace.clear()
    assert lost == 0 and account.registration.state == 2


def test_calls_refreshes_and_pings_leave_nothing():
    for name, make in TURNS:
        turn = make()
        if not _IS_VM:
            for n in range(_ROUNDS):
                turn(n)
            continue
        grown = growth(turn, _ROUNDS)
        assert grown == 0, (name, grown)
