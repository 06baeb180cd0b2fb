"""Echo control in a call: two agents, one of them in a room where its loudspeaker is heard.

The room goes by frames, not by the clock: what is played in one is recorded in the next.
"""

import usip
from host_tests.audio.test_aec import Room, Voice, level
from host_tests.test_agent import run, settings, until, uri
from usip.audio.chain import Levels

FIRST = 50  # frames until it is measured
LAST = 80


class Caller:
    """Speaks, and hears what comes back."""

    def __init__(self):
        self.voice = Voice(1500)
        self.frames = self.heard = 0
        self.is_measured = False

    def open(self):
        return self, self

    def read(self, pcm):
        frame = self.voice.frame()
        for i in range(160):
            pcm[i] = frame[i]

    def write(self, pcm):
        if self.is_measured:
            self.frames += 1
            self.heard += level(pcm)

    def close(self):
        pass


class Door:
    """A loudspeaker and a microphone beside it."""

    def __init__(self):
        self.room = Room()
        self.frames = self.echo = 0
        self._recorded = None

    def open(self):
        return self, self

    def read(self, pcm):
        if self._recorded is not None:
            for i in range(160):
                pcm[i] = self._recorded[i]
        if FIRST <= self.frames < LAST:
            self.echo += level(pcm)

    def write(self, pcm):
        self.frames += 1
        self._recorded = self.room.echo(pcm)

    def close(self):
        pass


def _call(echo):
    """Return (mean magnitude of the echo at the microphone, of what the caller hears of it)."""
    figures = []

    async def main():
        alice = usip.Agent(settings("alice", 45800))
        bob = usip.Agent(settings("bob", 45840))
        caller, door = Caller(), Door()
        wanted = {"echo": echo, "echo_delay_ms": 20, "echo_tail_ms": 32}

        @bob.application()
        async def answer(call):
            await call.answer(Levels(door, wanted))
            await call.ended()

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"), audio=caller)
            await until(lambda: door.frames >= FIRST, 20000)
            caller.is_measured = True
            await until(lambda: door.frames >= LAST, 20000)
            figures.extend((door.echo // (LAST - FIRST), caller.heard // caller.frames))
            call.hang_up()
            await until(lambda: not bob.calls)

    run(main)
    return figures


def test_without_control_the_caller_hears_himself():
    echo, heard = _call("off")
    assert echo > 200 and heard * 2 > echo, (echo, heard)


def test_a_switch_keeps_the_caller_from_hearing_himself():
    echo, heard = _call("switch")
    assert echo > 200 and heard * 18 < echo, (echo, heard)  # 25 dB


def test_a_canceller_keeps_the_caller_from_hearing_himself():
    echo, heard = _call("cancel")
    assert echo > 200 and heard * 18 < echo, (echo, heard)
