"""Tests of usip.agent: two agents call each other over loopback, in one asyncio program."""

import asyncio
import gc

from fakes.noalloc import NoAlloc

import usip
from usip import agent as agents
from usip import config, ticks
from usip.errors import CallFailed, ConfigError

HERE = "127.0.0.1"


def settings(user, rtp=45000, **account):
    """Return a configuration on a free port of loopback."""
    account["aor"] = "sip:%s@%s" % (user, HERE)
    return config.parse(
        {
            "accounts": [account],
            "media": {"rtp_ports": [rtp, rtp + 39]},
            "network": {"address": HERE, "sip_port": 0},
        }
    )


def uri(agent, user):
    return "sip:%s@%s:%d" % (user, HERE, agent.transport.port)


class Tone:
    """A source of one value and a sink that counts where it comes."""

    def __init__(self, value):
        self.value = value
        self.frames = self.heard = self.closed = 0

    def open(self):
        return self, self

    def read(self, pcm):
        for i in range(160):
            pcm[i] = self.value

    def write(self, pcm):
        self.frames += 1
        if pcm[80] > 900:
            self.heard += 1

    def close(self):
        self.closed += 1


async def until(condition, timeout_ms=4000):
    """Wait until condition() is true."""
    end = ticks.ticks_add(ticks.ticks_ms(), timeout_ms)
    while not condition():
        assert ticks.ticks_diff(end, ticks.ticks_ms()) > 0, "timed out"
        await agents.sleep_ms(5)


def run(coroutine_function):
    """Run a test's coroutine with a fresh loop."""
    if hasattr(asyncio, "new_event_loop") and not hasattr(asyncio, "Runner"):
        asyncio.new_event_loop()
    asyncio.run(coroutine_function())
    gc.collect()


def pair():
    """Return two agents."""
    return usip.Agent(settings("alice")), usip.Agent(settings("bob", 45040))


def test_the_public_names_are_there():
    for name in ("Agent", "Call", "CallFailed", "DTMF", "ENDED", "Limits", "ConfigError"):
        assert getattr(usip, name) is not None
    try:
        usip.nothing_of_this_name  # noqa: B018
    except AttributeError:
        return
    raise AssertionError


def test_a_call_carries_sound_and_digits_both_ways():
    async def main():
        alice, bob = pair()
        mine, theirs = Tone(1000), Tone(2000)
        digits = []

        @bob.application(methods=("INVITE",), media=("audio",))
        async def doorbell(call):
            assert call.allowed("answer")
            await call.answer(theirs)
            call.dtmf("7")
            async for event in call:
                if event == usip.DTMF:
                    digits.append(call.digit)
                    call.hang_up()

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"), audio=mine)
            assert call.is_answered and call.codec == "PCMU"
            await until(lambda: mine.heard > 5 and theirs.heard > 5)
            seen = []
            call.dtmf("5")
            async for event in call:
                seen.append(event)
                if event == usip.DTMF:
                    assert call.digit == "7" and call.digit_via == "rfc4733"
            assert usip.DTMF in seen and seen[-1] == usip.ENDED
            assert call.ended_by == "remote" and call.status == 200
            assert not alice.calls
            await until(lambda: not bob.calls)
        assert digits == ["5"]
        assert mine.closed == 2 and theirs.closed == 2
        assert not alice.is_running

    run(main)


def test_a_refusal_is_an_exception_with_its_status():
    async def main():
        alice, bob = pair()

        @bob.application()
        async def busy(call):
            return call.reject(486)

        async with alice, bob:
            try:
                await alice.call(uri(bob, "bob"))
            except CallFailed as e:
                assert (e.status, e.reason) == (486, "Busy Here")
            else:
                raise AssertionError
            await until(lambda: not alice.calls and not bob.calls)

    run(main)


def test_a_call_that_no_application_takes_is_refused():
    async def main():
        alice, bob = pair()
        async with alice, bob:
            try:
                await alice.call(uri(bob, "bob"))
            except CallFailed as e:
                assert e.status == 480
            else:
                raise AssertionError

    run(main)


def test_a_call_that_its_application_forgets_is_refused():
    async def main():
        alice, bob = pair()

        @bob.application()
        async def forgetful(call):
            call.ring()

        async with alice, bob:
            try:
                await alice.call(uri(bob, "bob"))
            except CallFailed as e:
                assert e.status == 480
            else:
                raise AssertionError

    run(main)


def test_a_cancelled_caller_takes_the_call_back():
    async def main():
        alice, bob = pair()
        ended = []

        @bob.application()
        async def ringing(call):
            call.ring()
            ended.append(await call.ended())

        async with alice, bob:
            task = asyncio.create_task(alice.call(uri(bob, "bob")))
            await until(lambda: bob.calls and alice.calls and alice.calls[0].status == 180)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
            await until(lambda: ended)
            assert ended == [487]

    run(main)


def test_hold_and_resume_are_seen_by_the_far_side():
    async def main():
        alice, bob = pair()
        seen = []

        @bob.application()
        async def answer(call):
            await call.answer()
            async for event in call:
                seen.append(event)

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"))
            await until(lambda: call.allowed("modify") and bob.calls[0].allowed("hang_up"))
            call.hold()
            await until(lambda: usip.HELD in seen)
            assert bob.calls[0].direction == "recvonly"
            await until(lambda: call.allowed("modify"))
            call.resume()
            await until(lambda: usip.RESUMED in seen)
            assert bob.calls[0].direction == "sendrecv"

    run(main)


def test_leaving_the_block_hangs_up_and_stops_everything():
    async def main():
        alice, bob = pair()
        ended = []

        @bob.application()
        async def answer(call):
            await call.answer()
            ended.append(await call.ended())

        async with bob:
            async with alice:
                await alice.call(uri(bob, "bob"))
            await until(lambda: ended)
        other = usip.Agent(settings("carol"))  # the same ports are free again
        async with other:
            assert other.make_call() is not None

    run(main)


def starved(*arguments):
    """Stand in for what finds no room in the heap."""
    raise MemoryError


def watch(agent, seen):
    """Note the agent's reports of want of memory."""
    agent.observer = lambda event, subject, detail: (
        seen.append(subject) if event == usip.NO_MEMORY else None
    )


def test_a_call_without_room_is_refused_to_the_program_and_told():
    async def main():
        alice, bob = pair()
        seen = []
        watch(alice, seen)
        async with alice, bob:
            for owner, name in ((alice.core, "invite"), (alice, "make_stream")):
                kept = getattr(owner, name)
                setattr(owner, name, starved)
                alice._complained_at = -1
                answer = bob.application()(lambda call: call.accept())
                try:
                    call = await alice.call(uri(bob, "bob"))
                    assert await call.ended() == 500  # it was answered already
                    assert (name, call.ended_by) == ("make_stream", "error")
                except CallFailed as e:
                    assert (name, e.status) == ("invite", 503)
                bob.remove(answer)
                setattr(owner, name, kept)
                await until(lambda: not alice.calls and not bob.calls)
        assert seen == ["call", "sound"]

    run(main)


def test_a_called_agent_without_room_answers_486_or_500():
    async def main():
        alice, bob = pair()
        seen = []
        watch(bob, seen)
        bob.application()(lambda call: call.accept())
        async with alice, bob:
            for name, status in (("make_negotiator", 500), ("make_stream", 200)):
                kept = getattr(bob, name)
                setattr(bob, name, starved)
                bob._complained_at = -1
                try:
                    call = await alice.call(uri(bob, "bob"))
                    assert name == "make_stream"  # 200 is out when the sound is made: BYE
                    await call.ended()
                    assert call.ended_by == "remote"
                except CallFailed as e:
                    assert e.status == status, e.status
                setattr(bob, name, kept)
                await until(lambda: not alice.calls and not bob.calls)
            call = await alice.call(uri(bob, "bob"))  # and nothing was left behind
            call.hang_up()
            await call.ended()
        assert len(seen) == 2

    run(main)


def test_hanging_up_a_call_that_has_no_session_changes_nothing():
    async def main():
        alice, bob = pair()
        async with alice:
            call = alice.make_call()
            assert not call.allowed("hang_up")
            call.hang_up()
            call.path.close()

    run(main)


def test_leaving_without_room_for_the_last_register_ends_all_the_same():
    async def main():
        alice, bob = pair()
        async with alice:
            registration = alice.core.accounts[0].registration
            registration.state = 2  # bound
            alice.core.begin_request = starved
        assert not alice.is_running

    run(main)


def test_a_port_in_use_is_named_by_its_key():
    async def main():
        alice, bob = pair()
        async with alice:
            bob.transport.port = alice.transport.port
            try:
                async with bob:
                    pass
            except ConfigError as e:
                expected = "network.sip_port: %d is in use by another program"
                assert str(e) == expected % alice.transport.port
                return
            raise AssertionError

    run(main)


def test_what_is_not_available_is_refused_by_its_key():
    for change, expected in (
        ({"transport": "tls"}, "accounts[0].transport: tls is not available"),
    ):
        try:
            usip.Agent(settings("alice", **change))
        except ConfigError as e:
            assert str(e).startswith(expected)
        else:
            raise AssertionError


def test_no_more_calls_than_the_limits_allow():
    async def main():
        alice, bob = pair()

        @bob.application()
        async def answer(call):
            await call.answer()
            await call.ended()

        async with alice, bob:
            for _ in range(alice.limits.sessions):
                await alice.call(uri(bob, "bob"))
            try:
                await alice.call(uri(bob, "bob"))
            except CallFailed as e:
                assert e.status == 486
            else:
                raise AssertionError

    run(main)


def test_only_sip_uris_are_called():
    async def main():
        alice, bob = pair()
        async with alice:
            for wrong in ("bob", "bob@", "sip:", "sip:bob@h\r\nX: y", ""):
                try:
                    alice.place(wrong)
                except ValueError:
                    continue
                raise AssertionError(wrong)

    run(main)


def test_any_octets_on_the_ports_are_survived():
    async def main():
        alice, bob = pair()

        @bob.application()
        async def answer(call):
            await call.answer()
            await call.ended()

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"))
            for octets in (b"", b"\x00", b"\x80" * 11, b"INVITE", bytes(range(256)), b"\r\n\r\n"):
                for socket in (call.path.rtp, call.path.rtcp):
                    socket.send(bytearray(octets), len(octets))
                alice.transport.send(("udp", HERE, bob.transport.port), octets, len(octets))
            await agents.sleep_ms(150)
            assert bob.is_running and alice.is_running
            assert bob.calls and call.allowed("hang_up")

    run(main)


def test_a_turn_with_sound_uses_no_heap():
    async def main():
        alice, bob = pair()

        @bob.application()
        async def answer(call):
            await call.answer(Tone(2000))
            await call.ended()

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"), audio=Tone(1000))
            await until(lambda: call.path.rtp.is_latched and bob.calls[0].path.rtp.is_latched)
            await agents.sleep_ms(200)
            clock = [call.path.due_at]

            def turns(n):
                for _ in range(n):
                    clock[0] = now_ms = ticks.ticks_add(clock[0], 20)
                    alice.turn(now_ms)
                    bob.turn(now_ms)

            turns(400)  # 8 s: the first RTCP of each is taken with heap, for its source
            assert call.path.rtcp.is_latched and bob.calls[0].path.rtcp.is_latched
            received = call.stream.received
            heard = bytes(call.stream.reporter._last_sr)
            with NoAlloc():
                turns(400)
            assert call.stream.received - received > 380
            assert call.stream.reporter._last_sr != heard

    run(main)
