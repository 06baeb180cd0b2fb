"""Two phones that do what they may in any order, over a bad network: they agree in the end."""

import sys

from host_tests.fakes.link import Random, call, pair
from host_tests.test_endurance import bad_network
from host_tests.test_negotiation import Audio
from usip import core
from usip.limits import Limits

_SEEDS = 25 if sys.implementation.name == "micropython" else 150


class Pair:
    """Alice calls Bob; both do what a random stream says."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed + 77)
        limits = Limits(session_expires_s=(0, 90)[seed & 1])
        self.link, self.alice, self.bob = pair(fate=bad_network(seed), limits=limits)
        self.bob.new_media = Audio
        self.theirs = None
        self.bob.on_event = self.on_event
        self.mine = call(self.link, self.alice, Audio("192.0.2.1"))

    def on_event(self, event, subject) -> None:
        """Ring, in one way or another; answer then or later."""
        if event == core.CALL_RECEIVED:
            self.theirs = subject
            if self.random.below(3):
                subject.ring(self.link.now_ms, 180 + self.random.below(4), self.random.below(2))
            if self.random.below(2):
                subject.answer(self.link.now_ms)

    def step(self) -> None:
        """Let one side do one thing, if it may."""
        session = (self.mine, self.theirs)[self.random.below(2)]
        if session is None or session.state == 8:
            return
        now_ms = self.link.now_ms
        what = self.random.below(8)
        if what == 0 and session.allowed("answer"):
            session.answer(now_ms)
        elif what < 4 and session.allowed("modify"):
            (session.media.hold if what & 1 else session.media.resume)()
            session.modify(now_ms)
        elif what == 4 and session.allowed("update"):
            session.update(now_ms, self.random.below(2) == 1)
        elif what == 5 and session.allowed("info"):
            session.info(now_ms, b"application/dtmf", b"5")
        elif what == 6 and session.allowed("answer"):
            session.ring(now_ms, 180)

    def settle(self, seed) -> None:
        """Answer what still rings, wait, and compare both ends."""
        self.link.run(30000)
        if self.theirs is not None and self.theirs.allowed("answer"):
            self.theirs.answer(self.link.now_ms)
        self.link.run(60000)
        mine, theirs = self.mine, self.theirs
        for _ in range(60):  # a refresh may be under way
            if mine.modifying is not None or theirs.modifying is not None:
                self.link.run(500)
        assert theirs is not None and mine.state == theirs.state == 6, (seed, mine.state)
        assert mine.offer == theirs.offer == 0 and mine.modifying is theirs.modifying is None, seed
        ours, other = mine.media, theirs.media
        assert ours.is_active and other.is_active, seed
        assert (ours.can_send, ours.can_receive) == (other.can_receive, other.can_send), seed

    def end(self, seed) -> None:
        """Hang up on one side; nothing is left on both."""
        (self.mine, self.theirs)[seed & 1].hang_up(self.link.now_ms)
        self.link.run(100000)
        assert self.mine.state == self.theirs.state == 8, seed
        for endpoint in (self.alice, self.bob):
            assert not endpoint.core.sessions and not endpoint.core.transactions.active, seed


def test_two_phones_agree_whatever_they_do_in_which_order():
    for seed in range(_SEEDS):
        phones = Pair(seed)
        for _ in range(25):
            phones.step()
            phones.link.run(phones.random.below(900))
        phones.settle(seed)
        phones.end(seed)
