"""A conference of three agents on loopback: each hears both others."""

import asyncio
import gc
from math import cos, pi, sin

import usip
from usip import agent as agents
from usip import config, ticks
from usip.audio.conference import join

HERE = "127.0.0.1"
TONES = {"alice": 500, "bob": 900, "carol": 1300}


def settings(user, rtp):
    return config.parse(
        {
            "accounts": [{"aor": "sip:%s@%s" % (user, HERE)}],
            "media": {"rtp_ports": [rtp, rtp + 19], "codecs": ["PCMA", "PCMU"]},
            "network": {"address": HERE, "sip_port": 0},
        }
    )


class Voice:
    """A source of one tone, and a sink that measures the tones of all."""

    def __init__(self, user):
        period = 80  # samples: all tones are multiples of 100 Hz
        hz = TONES[user]
        self.period = [round(6000 * sin(2 * pi * hz * i / 8000)) for i in range(period)]
        self.waves = {}
        for name in TONES:
            step = 2 * pi * TONES[name] / 8000
            self.waves[name] = [(cos(step * i), sin(step * i)) for i in range(period)]
        self.heard = {}

    def open(self):
        return self, self

    def read(self, pcm):
        for i in range(160):
            pcm[i] = self.period[i % 80]

    def write(self, pcm):
        self.heard = {}
        for name in TONES:
            c = s = 0
            for i in range(80):
                wave = self.waves[name][i]
                c += pcm[i] * wave[0]
                s += pcm[i] * wave[1]
            self.heard[name] = (c * c + s * s) ** 0.5 / 40

    def close(self):
        self.heard = {}

    def hears(self, *names):
        """Whether these tones are heard now, and no other."""
        heard = self.heard
        return bool(heard) and all([(heard[name] > 4000) == (name in names) for name in TONES])


async def until(condition, timeout_ms=20000):
    end = ticks.ticks_add(ticks.ticks_ms(), timeout_ms)
    while not condition():
        assert ticks.ticks_diff(end, ticks.ticks_ms()) > 0, "timed out"
        await agents.sleep_ms(5)


def run(coroutine_function):
    if hasattr(asyncio, "new_event_loop") and not hasattr(asyncio, "Runner"):
        asyncio.new_event_loop()
    asyncio.run(coroutine_function())
    gc.collect()


def uri(agent, user):
    return "sip:%s@%s:%d" % (user, HERE, agent.transport.port)


def answering(agent, voice):
    @agent.application()
    async def answer(call):
        await call.answer(voice)
        await call.ended()


def test_three_in_a_conference_hear_each_other_and_two_are_left():
    async def main():
        voices = {user: Voice(user) for user in TONES}
        members = {user: usip.Agent(settings(user, 45300 + 20 * len(user))) for user in TONES}
        alice, bob, carol = members["alice"], members["bob"], members["carol"]
        answering(bob, voices["bob"])
        answering(carol, voices["carol"])
        async with alice, bob, carol:
            first = await alice.call(uri(bob, "bob"), audio=voices["alice"])
            await until(lambda: voices["alice"].hears("bob") and voices["bob"].hears("alice"))
            first.hold()
            await until(lambda: first.allowed("modify"))
            second = await alice.call(uri(carol, "carol"))
            await until(lambda: second.allowed("modify"))
            join(first, second)
            await until(lambda: voices["alice"].hears("bob", "carol"))
            await until(lambda: voices["bob"].hears("alice", "carol"))
            await until(lambda: voices["carol"].hears("alice", "bob"))
            first.hang_up()
            await until(lambda: voices["alice"].hears("carol"))
            await until(lambda: voices["carol"].hears("alice"))
            second.hang_up()
            await until(lambda: not alice.calls)

    run(main)


def test_one_call_is_no_conference():
    try:
        join(None)
    except ValueError:
        return
    raise AssertionError
