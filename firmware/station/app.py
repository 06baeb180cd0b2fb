"""The rules of a station: who is called, what a key does, what opens the door.

Theory of operation. Two things run beside the agent. `run` looks at the keys every 10 ms, closes
and opens relays and ends what has lasted too long; when nothing happens it uses no heap. For each
call there is one task that goes from its first event to its last (`_follow`). A station has one
call at a time; whoever calls meanwhile hears that it is busy.
"""

import asyncio
import gc

from micropython import const

import usip
from station import log
from station.buttons import Buttons
from station.relay import Relay
from usip import ANSWERED, DTMF, MEDIA, PROGRESS, CallFailed, sleep_ms
from usip.audio import files
from usip.ticks import NEVER, ticks_add, ticks_diff, ticks_ms

_SCAN_MS = const(10)
_DIGITS_KEPT = const(8)  # the longest code that opens a relay
_DIGITS_GAP_MS = const(5000)  # a digit that comes later begins a new code
_FIGURES = "sent received lost late duplicates jitter_ms concealed_ms delay_ms rtt_ms mos"


class Station:
    """A station on *agent*: *settings* from `station.settings`, *board* from `station.board`."""

    def __init__(self, agent, settings: dict, board: dict, pins) -> None:
        self.agent = agent
        self.settings = settings
        self.pins = pins
        self.call = None  # from the moment it rings or is placed to its end
        self._led = board["led"]
        self._buttons = Buttons(pins, 1 + max([b["input"] for b in settings["buttons"]] + [-1]))
        self._relays = [
            Relay(pins, relay["output"], relay["code"], relay["pulse_ms"])
            for relay in settings["relays"]
        ]
        self._dialling = None  # the task that calls one target after the other
        self._is_given_up = False  # by key: no further target is called
        self._answer_at = NEVER
        self._limit_at = NEVER  # when the call has rung or lasted long enough
        self._digits = ""
        self._digit_at = 0
        self._memory = Memory(board["memory_ms"]) if hasattr(gc, "mem_alloc") else None
        agent.application()(self._receive)

    async def run(self) -> None:
        """Serve keys, relays and time limits until the board says stop."""
        network = self.agent.config["network"]
        log.say("ready", "role", self.role, "port", network["sip_port"])
        while not self.pins.is_stopped:
            self.pins.poll()
            pressed = self._buttons.scan()
            if pressed >= 0:
                await self._press(pressed)
            self._tick(ticks_ms())
            if self._answer_at >= 0 and ticks_diff(ticks_ms(), self._answer_at) >= 0:
                await self._answer()
            await sleep_ms(_SCAN_MS)
        for relay in self._relays:
            relay.release()
        if self._dialling is not None:
            self._is_given_up = True

    @property
    def role(self) -> str:
        """`door` or `indoor`."""
        return self.settings["role"]

    def _tick(self, now_ms):
        for relay in self._relays:
            relay.tick(now_ms)
        if self._led is not None:
            call = self.call
            self.pins.write(self._led, call is not None and (call.is_answered or now_ms >> 8 & 1))
        if self._limit_at >= 0 and ticks_diff(now_ms, self._limit_at) >= 0:
            self._limit_at = NEVER
            if self.call is not None:
                self.call.hang_up()
        if self._memory is not None:
            self._memory.tick(now_ms)

    # -- keys

    async def _press(self, number):
        for button in self.settings["buttons"]:
            if button["input"] != number:
                continue
            action = button["action"]
            log.say("button", "input", number, "action", action)
            if action == "call":
                if self.call is None and self._dialling is None:
                    self._is_given_up = False
                    self._dialling = asyncio.create_task(self._dial(button["targets"]))
            elif action == "answer":
                await self._answer()
            elif action == "open":
                if self.call is not None and self.call.is_answered:
                    self.call.dtmf(button["digits"])
            elif self.call is not None:
                self._is_given_up = True
                self._hang_up()

    def _hang_up(self):
        if self.call.allowed("reject"):
            self.call.reject(603)
        else:
            self.call.hang_up()

    async def _answer(self):
        self._answer_at = NEVER
        if self.call is not None and self.call.allowed("answer"):
            try:
                await self.call.answer(self.agent.audio)
            except (OSError, ValueError) as e:
                log.say("error", "what", str(e), "where", "audio")
                self.call.reject(480)

    # -- calls

    async def _dial(self, targets):
        """Call one target after the other until one answers."""
        try:
            for target in targets:
                if self._is_given_up or await self._try(target):
                    return
        finally:
            self._dialling = None

    async def _try(self, target):
        """Call one target and stay to the end of the call; return whether it answered."""
        log.say("calling", "to", target)
        try:
            call = self.agent.place(target, self.agent.audio)
        except CallFailed as e:
            log.say("ended", "status", e.status, "reason", e.reason, "by", "error")
            return False
        except (OSError, ValueError) as e:
            log.say("error", "what", str(e), "where", "audio")
            return False
        self._limit_at = ticks_add(ticks_ms(), 1000 * self.settings["ring_s"])
        await self._follow(call)
        return call.is_answered

    async def _receive(self, call):
        """Serve a call that came in."""
        log.say("incoming", "call", call.id, "from", call.remote_uri)
        if self.call is not None or self._dialling is not None:
            call.reject(486)
        elif self.settings["answer"] == "never" and call.auto_answer_s < 0:
            call.reject(480)
        else:
            call.ring()
            log.say("ringing", "call", call.id)
            self._limit_at = NEVER
            if self.settings["answer"] == "auto":
                self._answer_at = ticks_add(ticks_ms(), self.settings["answer_after_ms"])
            if call.auto_answer_s >= 0:
                self._answer_at = ticks_add(ticks_ms(), 1000 * call.auto_answer_s)
            await self._follow(call)

    async def _follow(self, call):
        """Take the events of the station's call to the last."""
        self.call = call
        self._digits = ""
        async for event in call:
            if event == PROGRESS:
                log.say("progress", "call", call.id, "status", call.status, "reason", call.reason)
            elif event == ANSWERED:
                self._limit_at = ticks_add(ticks_ms(), 1000 * self.settings["call_s"])
                log.say("answered", "call", call.id, "remote", call.remote_uri)
            elif event == MEDIA:
                log.say("media", "call", call.id, "codec", call.codec, "direction", call.direction)
            elif event == DTMF:
                self._take_digit(call)
        self.call = None
        self._limit_at = self._answer_at = NEVER
        _report(call)

    def _take_digit(self, call):
        log.say("dtmf", "call", call.id, "digit", call.digit, "via", call.digit_via)
        now_ms = ticks_ms()
        if ticks_diff(now_ms, self._digit_at) > _DIGITS_GAP_MS:
            self._digits = ""
        self._digit_at = now_ms
        self._digits = (self._digits + call.digit)[-_DIGITS_KEPT:]
        for relay in self._relays:
            if self._digits.endswith(relay.code):
                relay.pulse(now_ms)
                after_s = self.settings["hang_up_after_open_s"]
                if after_s is not None:
                    self._limit_at = ticks_add(now_ms, 1000 * after_s)


class Memory:
    """Reports the heap every *period_ms*: what is in use, and the most garbage ever beside it."""

    def __init__(self, period_ms: int) -> None:
        self._period_ms = period_ms
        self._due_at = ticks_ms()
        self._peak = 0

    def tick(self, now_ms: int) -> None:
        """Collect and report when it is time."""
        if ticks_diff(now_ms, self._due_at) < 0:
            return
        self._due_at = ticks_add(now_ms, self._period_ms)
        self._peak = max(self._peak, gc.mem_alloc())
        gc.collect()
        used, free = gc.mem_alloc(), gc.mem_free()
        log.say("memory", "mem_alloc", used, "mem_free", free, "peak", self._peak)


def _report(call):
    """Say how a call ended."""
    if call.is_answered:
        fields = ["call", call.id]
        for name in _FIGURES.split():
            fields += name, getattr(call.stream, name, 0)
        log.say("media_stats", *fields)
    fields = ["call", call.id, "status", call.status, "reason", call.reason]
    fields += "by", call.ended_by, "duration_ms", call.duration_ms()
    log.say("ended", *fields)


async def serve(config: dict, board: dict, pins) -> None:
    """Run a station until its board says stop; ConfigError when its port is taken."""
    agent = usip.Agent(config)
    agent.audio = files.make(config["audio"])
    async with agent:
        await Station(agent, config["station"], board, pins).run()
