"""Tests of usip.services: messages, subscriptions, publications, transfers between agents."""

import usip
from host_tests.test_agent import Tone, run, settings, until, uri
from usip.errors import StateError
from usip.sip.compositor import PublishedPackage
from usip.sip.packages.mwi import MessageSummary


def watched(agent):
    """Return a list that is filled with the (event, subject, detail) an agent reports."""
    seen = []
    agent.observer = lambda event, subject, detail: seen.append((event, subject, detail))
    return seen


def agents(*users):
    """Return an agent for each user, and what each reports."""
    made = [usip.Agent(settings(user, 45000 + 40 * i)) for i, user in enumerate(users)]
    return made + [watched(agent) for agent in made]


def has(seen, event):
    """Return a condition: that an event was reported."""
    return lambda: any(entry[0] == event for entry in seen)


def last(seen, event):
    """Return the subject of the last report of an event."""
    return [entry[1] for entry in seen if entry[0] == event][-1]


def answering(agent, audio):
    """Let an agent answer each call."""

    @agent.application()
    async def serve(call):
        await call.answer(audio)
        await call.ended()


def test_a_message_is_given_to_its_application():
    async def main():
        alice, bob, at_alice, at_bob = agents("alice", "bob")
        texts = []

        @bob.application(methods=("MESSAGE",))
        async def read(message):
            texts.append(message.body)

        async with alice, bob:
            sent = alice.message(uri(bob, "bob"), "ring the bell")
            await until(has(at_alice, usip.MESSAGE_SENT))
            await until(lambda: texts)
            assert texts == [b"ring the bell"] and sent.status == 200
            received = last(at_bob, usip.MESSAGE_RECEIVED)
            assert received.from_uri == b"sip:alice@127.0.0.1"
            assert received.content_type == b"text/plain"

    run(main)


def test_a_subscription_tells_what_is_and_what_changes():
    async def main():
        alice, bob, at_alice, at_bob = agents("alice", "bob")
        box = MessageSummary()
        bob.application(methods=("SUBSCRIBE",), packages=(box,))(None)
        async with alice, bob:
            ours = alice.subscribe(uri(bob, "bob"), "message-summary")
            await until(has(at_alice, usip.NOTIFY_RECEIVED))
            assert has(at_bob, usip.SUBSCRIBER_ADDED)()
            assert ours.body == b"Messages-Waiting: no\r\n"
            box.is_waiting = True
            bob.core.notify(box, bob.now_ms())
            bob.flush()
            await until(lambda: ours.body == b"Messages-Waiting: yes\r\n")
            ours.unsubscribe(alice.now_ms())
            alice.flush()
            await until(has(at_alice, usip.SUBSCRIPTION_ENDED))
            await until(has(at_bob, usip.SUBSCRIBER_REMOVED))

    run(main)


def test_a_state_is_published_changed_and_taken_back():
    async def main():
        alice, bob, at_alice, _ = agents("alice", "bob")
        states = PublishedPackage(b"presence", b"text/plain")
        bob.application(methods=("SUBSCRIBE", "PUBLISH"), packages=(states,))(None)
        async with alice, bob:
            alice.account().aor = uri(bob, "alice").encode()
            ours = alice.publish("presence", "in", "text/plain")
            await until(has(at_alice, usip.PUBLISHED))
            assert alice.publish("presence", "out", "text/plain") is ours
            await until(lambda: states.publications[0].body == b"out")
            await until(lambda: ours.state == 2)
            alice.publish("presence", "", "text/plain", 0)
            await until(has(at_alice, usip.PUBLICATION_ENDED))
            assert not states.publications
            try:
                alice.publish("presence", "", "text/plain", 0)
            except ValueError:
                return
            raise AssertionError

    run(main)


def test_a_blind_transfer_takes_the_sound_along():
    async def main():
        alice, bob, carol, at_alice, at_bob, _ = agents("alice", "bob", "carol")
        tones = [Tone(1000), Tone(2000), Tone(3000)]
        answering(bob, tones[1])
        answering(carol, tones[2])
        async with alice, bob, carol:
            call = await alice.call(uri(bob, "bob"), audio=tones[0])
            call.transfer(uri(carol, "carol"))
            try:
                call.transfer(uri(carol, "carol"))
            except StateError:
                pass
            else:
                raise AssertionError
            await call.ended()
            assert call.ended_by == "local" and tones[0].closed == 2
            assert last(at_alice, usip.TRANSFER_ENDED).status == 200
            assert at_bob[-1] is not None and has(at_bob, usip.TRANSFER_REQUESTED)()
            await until(lambda: len(bob.calls) == 1 and bob.calls[0].has_media)
            heard = tones[2].heard
            await until(lambda: tones[2].heard > heard + 5)
            assert tones[1].closed == 0
            carol.calls[0].hang_up()
            await until(lambda: not bob.calls and not carol.calls)
            assert tones[1].closed == 2

    run(main)


def test_a_transfer_that_fails_gives_the_sound_back():
    async def main():
        alice, bob, at_alice, _ = agents("alice", "bob")
        tones = [Tone(1000), Tone(2000)]
        answering(bob, tones[1])
        carol = usip.Agent(settings("carol", 45080))

        @carol.application()
        async def busy(call):
            call.reject(486)

        async with alice, bob, carol:
            call = await alice.call(uri(bob, "bob"), audio=tones[0])
            call.transfer(uri(carol, "carol"))
            await until(has(at_alice, usip.TRANSFER_ENDED))
            assert last(at_alice, usip.TRANSFER_ENDED).status == 486
            await until(lambda: len(bob.calls) == 1)
            heard = tones[1].heard
            await until(lambda: tones[1].heard > heard + 5)
            assert not call.is_ended and tones[1].closed == 0
            bob.follows_transfers = False
            call.transfer(uri(carol, "carol"))
            await until(lambda: last(at_alice, usip.TRANSFER_ENDED).status == 603)
            assert not call.is_ended

    run(main)


def test_a_transfer_there_is_no_memory_for_gives_the_sound_back():
    async def main():
        alice, bob, at_alice, _ = agents("alice", "bob")
        tones = [Tone(1000), Tone(2000)]
        answering(bob, tones[1])
        async with alice, bob:
            call = await alice.call(uri(bob, "bob"), audio=tones[0])

            def full(*arguments):
                raise MemoryError

            bob.core.start_session = full
            call.transfer("sip:carol@127.0.0.1:9")
            await until(has(at_alice, usip.TRANSFER_ENDED))
            assert last(at_alice, usip.TRANSFER_ENDED).status == 503
            assert len(bob.calls) == 1 and not call.is_ended and bob.dropped == 1
            heard = tones[1].heard
            await until(lambda: tones[1].heard > heard + 5)

    run(main)


def test_an_attended_transfer_joins_the_other_two():
    async def main():
        alice, bob, carol, at_alice, at_bob, at_carol = agents("alice", "bob", "carol")
        tones = [Tone(1000), Tone(2000), Tone(3000)]
        answering(bob, tones[1])
        answering(carol, tones[2])
        async with alice, bob, carol:
            first = await alice.call(uri(bob, "bob"), audio=tones[0])
            first.hold()
            second = await alice.call(uri(carol, "carol"))
            await until(lambda: first.allowed("transfer"))
            first.transfer(second)
            await first.ended()
            await second.ended()
            assert not alice.calls
            await until(lambda: len(bob.calls) == 1 and len(carol.calls) == 1)
            await until(lambda: bob.calls[0].has_media and carol.calls[0].has_media)
            heard = tones[1].heard, tones[2].heard
            await until(lambda: tones[1].heard > heard[0] + 5 and tones[2].heard > heard[1] + 5)

    run(main)
