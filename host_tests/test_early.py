"""Tests of usip.early and of calls whose offer the far side makes: agents on loopback."""

import usip
from host_tests.test_agent import Tone, pair, run, until, uri
from usip.errors import StateError


def test_a_caller_hears_the_called_side_before_it_answers():
    async def main():
        alice, bob = pair()
        mine, early, theirs = Tone(1000), Tone(2000), Tone(3000)
        rung = []

        @bob.application()
        async def serve(call):
            call.ring(183, early)
            rung.append(call)
            await call.ended()

        async with alice, bob:
            call = alice.place(uri(bob, "bob"), mine)
            await until(lambda: rung and mine.heard > 5)
            assert not call.is_answered and call.status == 183
            assert early.closed == 0
            rung[0].accept(theirs)
            await until(lambda: call.is_answered and theirs.heard > 5)
            assert early.closed == 2 and mine.closed == 0
            try:
                rung[0].ring(183, early)
            except StateError:
                pass
            else:
                raise AssertionError
            call.hang_up()
            await rung[0].ended()

    run(main)


def test_early_media_may_be_silence_and_the_call_refused():
    async def main():
        alice, bob = pair()
        rung = []

        @bob.application()
        async def serve(call):
            call.ring(183, False)
            rung.append(call)
            await call.ended()

        async with alice, bob:
            call = alice.place(uri(bob, "bob"))
            await until(lambda: rung and call.has_media)
            rung[0].reject(486)
            assert await call.ended() == 486
            await until(lambda: not bob.calls and not alice.calls)

    run(main)


def test_the_far_side_may_make_the_offer():
    async def main():
        alice, bob = pair()
        mine, theirs = Tone(1000), Tone(2000)
        offers = []

        @bob.application()
        async def serve(call):
            offers.append(call.session.has_offer)
            await call.answer(theirs)
            await call.ended()

        async with alice, bob:
            call = alice.place(uri(bob, "bob"), mine, is_offerless=True)
            await until(lambda: mine.heard > 5 and theirs.heard > 5)
            assert offers == [False] and call.codec == "PCMU"
            call.hang_up()
            await call.ended()
            assert call.ended_by == "local" and usip.ENDED is not None

    run(main)
