"""Want of memory anywhere in signalling: an answer of the protocol, an event, never an exception.

An allocator that fails stands in front of what takes heap for most messages: copies of spans,
messages kept, transactions. It fails once, at the first, second ... allocation of a scenario,
until the scenario needs no more.
"""

from host_tests.fakes.link import call, pair
from usip import core
from usip.sip import session, transaction
from usip.sip.message import Message
from usip.sip.registration import Account
from usip.writer import Writer

try:
    from micropython import heap_lock, heap_unlock
except ImportError:

    def heap_lock():
        """There is nothing to lock."""

    heap_unlock = heap_lock

MINUTE_MS = 60000


class Shortage:
    """Lets the allocation numbered *fails_at*, of *endpoint* or of both, raise MemoryError."""

    def __init__(self, fails_at: int, endpoint=None) -> None:
        self.left = fails_at
        self.endpoint = endpoint
        self.kept = Message.text, Writer.take, transaction.Transaction.__init__

    def __enter__(self):
        text, take, initialise = self.kept
        Message.text = self.guarded(text)
        Writer.take = self.guarded(take)
        transaction.Transaction.__init__ = self.guarded(initialise)
        return self

    def __exit__(self, kind, error, trace):
        Message.text, Writer.take, transaction.Transaction.__init__ = self.kept

    def guarded(self, function):
        def allocate(*arguments):
            self.left -= 1
            if self.left == 0:
                raise MemoryError
            return function(*arguments)

        return allocate

    @property
    def has_failed(self) -> bool:
        """Whether the scenario came as far as the allocation that fails."""
        return self.left <= 0


def settled(endpoint) -> bool:
    """Whether nothing of any call is left."""
    held = endpoint.core.sessions or endpoint.core.transactions.active
    return not held and endpoint.core.writer.owner is None


def talk(fails_at: int, hangs_up: str):
    """Let Alice call Bob, who answers; *hangs_up* ends it. Return what failed and both."""
    link, alice, bob = pair()

    def answer(event, subject):
        if event == core.CALL_RECEIVED and subject.allowed("answer"):
            try:
                subject.ring(link.now_ms)
                subject.answer(link.now_ms)
            except MemoryError:  # a command's caller says what then: the agent gives up
                subject.abandon(link.now_ms)

    bob.on_event = answer
    with Shortage(fails_at) as shortage:
        try:
            placed = call(link, alice)
        except MemoryError:  # nothing has begun
            assert not alice.core.sessions
            return shortage, alice, bob
        link.run(3000)
        ending = placed if hangs_up == "alice" else None
        for other in tuple(bob.core.sessions):
            if hangs_up == "bob":
                ending = other
        if ending is not None and ending.allowed("hang_up"):
            ending.hang_up(link.now_ms)
        link.run(2 * MINUTE_MS)
    for endpoint in (alice, bob):
        for left in tuple(endpoint.core.sessions):  # the other side may never have heard of it
            if left.allowed("hang_up"):
                left.hang_up(link.now_ms)
    link.run(2 * MINUTE_MS)
    return shortage, alice, bob


def check_every_step(hangs_up: str) -> None:
    """Fail at every allocation of a call in turn: it ends, once, at both sides, and is told."""
    fails_at = 0
    has_failed = True
    while has_failed:
        fails_at += 1
        assert fails_at < 400
        shortage, alice, bob = talk(fails_at, hangs_up)
        has_failed = shortage.has_failed
        for endpoint in (alice, bob):
            assert settled(endpoint), (fails_at, endpoint.core.sessions)
            assert endpoint.count(core.CALL_ENDED) <= 1, fails_at
            if endpoint.count(core.CALL_RECEIVED):
                assert endpoint.count(core.CALL_ENDED) == 1, fails_at
    assert fails_at > 20


def test_a_call_with_one_failing_allocation_ends_at_both_sides():
    check_every_step("alice")


def test_a_call_that_is_hung_up_by_the_called_side_does_too():
    check_every_step("bob")


def test_a_request_without_room_is_answered_503_and_may_try_again():
    link, alice, bob = pair()
    alice.core.options(alice.core.accounts[0], b"sip:bob@192.0.2.2", link.now_ms)
    accept = bob.core.transactions.accept

    def starved(*arguments):
        bob.core.transactions.accept = accept
        raise MemoryError

    bob.core.transactions.accept = starved
    link.run(1000)
    assert "503" in link.methods()
    assert b"\r\nRetry-After: " in link.trace[-1][3]
    assert bob.core.is_starved and bob.core.counters.no_memory == 1


def test_a_call_whose_media_has_no_room_is_refused():
    link, alice, bob = pair()

    def starved(session):
        raise MemoryError

    bob.create_media = starved
    placed = call(link, alice)
    link.run(1000)
    assert placed.state == session.TERMINATED and placed.status in (500, 503)
    assert placed.by == session.REMOTE
    link.run(MINUTE_MS)
    assert settled(bob) and settled(alice)


def test_an_answer_that_finds_no_room_ends_the_call_by_bye():
    link, alice, bob = pair()
    bob.on_event = lambda event, subject: (
        subject.answer(link.now_ms) if event == core.CALL_RECEIVED else None
    )
    placed = call(link, alice)

    def starved(*arguments):
        raise MemoryError

    placed.media.receive_answer = starved
    link.run(MINUTE_MS)
    assert placed.state == session.TERMINATED
    assert (placed.status, placed.by) == (500, session.ERROR)
    assert "BYE" in link.methods()
    assert settled(bob) and settled(alice)


def test_a_registration_without_room_is_tried_again():
    link, alice, bob = pair()
    account = Account(b"sip:alice@192.0.2.2", b"sip:192.0.2.2")
    alice.core.add_account(account)
    begin_request = alice.core.begin_request

    def starved(*arguments):
        alice.core.begin_request = begin_request
        raise MemoryError

    alice.core.begin_request = starved
    alice.core.register(account, link.now_ms)
    link.run(10000)
    assert alice.count(core.REGISTRATION_FAILED) >= 1
    assert "REGISTER" in link.methods()


def test_a_locked_heap_loses_datagrams_but_nothing_else():
    link, alice, bob = pair()
    bob.on_event = lambda event, subject: (
        subject.answer(link.now_ms) if event == core.CALL_RECEIVED else None
    )
    receive = bob.core.receive
    locked = []

    def under_lock(octets, end, source, now_ms):
        if len(locked) < 2:
            locked.append(octets)
            heap_lock()
            try:
                receive(octets, end, source, now_ms)
            finally:
                heap_unlock()
        else:
            receive(octets, end, source, now_ms)

    bob.core.receive = under_lock
    placed = call(link, alice)
    link.run(20000)
    assert len(locked) == 2
    assert placed.state in (session.CONFIRMED, session.TERMINATED)
    if placed.state == session.CONFIRMED:
        placed.hang_up(link.now_ms)
    link.run(2 * MINUTE_MS)
    assert settled(alice) and settled(bob)
