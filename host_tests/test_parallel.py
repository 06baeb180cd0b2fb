"""Tests of usip.parallel: one call rings at several agents, over loopback."""

import usip
from host_tests.test_agent import HERE, Tone, run, settings, until, uri
from usip import parallel


class Ringing:
    """Rings for each call until it is told what to do, or the caller gives up."""

    def __init__(self, agent, status: int = 0) -> None:
        self.calls = []
        self.statuses = []
        self._status = status
        agent.application()(self.serve)

    async def serve(self, call):
        call.ring()
        self.calls.append(call)
        if self._status:
            call.reject(self._status)
        self.statuses.append(await call.ended())


def household():
    """Return a caller and three to be called."""
    limits = usip.Limits(transactions=24, retransmit_bytes=12000, sessions=4)
    alice = usip.Agent(settings("alice"), limits)
    others = [usip.Agent(settings("b%d" % i, 45040 + 40 * i)) for i in range(3)]
    return alice, others


def every(rings, name):
    """Return a condition: each of *rings* has something in its list *name*."""

    def holds():
        for ring in rings:
            if not getattr(ring, name):
                return False
        return True

    return holds


def targets(others):
    return [uri(agent, "b%d" % i) for i, agent in enumerate(others)]


async def close(*agents):
    for agent in agents:
        await agent.close()


def test_the_first_to_answer_is_talked_to_and_the_others_stop_ringing():
    async def main():
        alice, others = household()
        rings = [Ringing(agent) for agent in others]
        for agent in [alice] + others:
            agent.start()
        mine, theirs = Tone(1000), Tone(2000)
        call = parallel.place(alice, targets(others), mine)
        await until(every(rings, "calls"))
        await rings[1].calls[0].answer(theirs)
        await until(lambda: mine.heard > 3 and theirs.heard > 3)
        await until(lambda: rings[0].statuses and rings[2].statuses)
        assert [ring.statuses for ring in rings] == [[487], [], [487]]
        assert call.is_answered and len(alice.core.sessions) == 1
        call.hang_up()
        assert await call.ended() == 200 and call.ended_by == "local"
        await until(lambda: rings[1].statuses)
        assert not alice.calls
        await close(alice, *others)

    run(main)


def test_it_goes_on_ringing_where_it_was_not_refused():
    async def main():
        alice, others = household()
        rings = [Ringing(others[0], 486), Ringing(others[1], 404), Ringing(others[2])]
        for agent in [alice] + others:
            agent.start()
        call = parallel.place(alice, targets(others))
        await until(lambda: len(alice.core.sessions) == 1 and rings[2].calls)
        assert not call.is_ended
        rings[2].calls[0].reject(480)
        assert await call.ended() == 486  # what says most
        assert call.ended_by == "remote"
        assert not alice.calls and not alice.core.sessions
        await close(alice, *others)

    run(main)


def test_a_decline_ends_it_everywhere():
    async def main():
        alice, others = household()
        rings = [Ringing(agent) for agent in others]
        for agent in [alice] + others:
            agent.start()
        call = parallel.place(alice, targets(others))
        await until(every(rings, "calls"))
        rings[0].calls[0].reject(603)
        assert await call.ended() == 603
        await until(every(rings, "statuses"))
        assert rings[2].statuses == [487]
        await close(alice, *others)

    run(main)


def test_hanging_up_ends_it_at_once_even_where_nobody_is():
    async def main():
        alice, others = household()
        ring = Ringing(others[0])
        alice.start()
        others[0].start()
        nobody = "sip:x@%s:9" % HERE
        call = parallel.place(alice, [nobody, uri(others[0], "b0"), nobody])
        await until(lambda: ring.calls)
        assert not call.is_ended
        call.hang_up()
        assert call.is_ended and (call.status, call.ended_by) == (487, "local")
        call.hang_up()
        await until(lambda: ring.statuses)
        assert ring.statuses == [487] and not alice.calls
        await close(alice, others[0])

    run(main)


def test_two_that_answer_in_the_same_moment_leave_one_call():
    async def main():
        alice, others = household()
        rings = [Ringing(agent) for agent in others]
        for agent in [alice] + others:
            agent.start()
        call = parallel.place(alice, targets(others))
        await until(every(rings, "calls"))
        rings[0].calls[0].accept()
        rings[2].calls[0].accept()
        await until(lambda: call.is_answered)
        await until(lambda: len(alice.core.sessions) == 1)
        await until(lambda: rings[0].statuses or rings[2].statuses)
        assert len(rings[0].statuses) + len(rings[2].statuses) == 1
        call.hang_up()
        await close(alice, *others)

    run(main)


def test_one_call_to_nobody_is_given_up_at_once_too():
    async def main():
        alice, _ = household()
        alice.start()
        call = alice.place("sip:x@%s:9" % HERE)
        parallel.give_up(alice, call)
        assert call.is_ended and (call.status, call.ended_by) == (487, "local")
        assert not alice.calls
        await close(alice)

    run(main)
