"""The rules of a station: who is called, what a key does, what opens the door.

Theory of operation. Two things run beside the agent. `run` looks at the keys every 10 ms, lets
each part do what is due and ends what has lasted too long; when nothing happens it uses no heap.
For each call there is one task that goes from its first event to its last (`follow`). A station
has one call at a time, unless `second_call` lets another one wait.

What only some stations have is a part, imported where the configuration asks for it. Its
`tick(now_ms)` is called every 10 ms, its `finish()` at the end; one in `listeners` has
`take(event, fields)`, called with all that is logged: so a bell hears of a call, and so does a
display or a home automation. Those that act on the station use the methods under "what may be
asked of it".
"""

import gc

from micropython import const

import usip
from station import log
from station.buttons import Buttons
from station.relay import Relay
from usip import ANSWERED, DTMF, MEDIA, PROGRESS, sleep_ms
from usip.ticks import NEVER, ticks_add, ticks_diff, ticks_ms

_SCAN_MS = const(10)
_DIGITS_KEPT = const(8)  # the longest code that opens a relay
_DIGITS_GAP_MS = const(5000)  # a digit that comes later begins a new code
_FIGURES = "sent received lost late duplicates jitter_ms concealed_ms delay_ms rtt_ms mos"

# What the lamp shows, a bit for each of sixteen eighths of a second.
_LAMP_CALL = const(0xFFFF)
_LAMP_RING = const(0x3333)
_LAMP_QUIET = const(0x00FF)
_LAMP_LOST = const(0x0015)  # an account is not registered
_LAMP_IDLE = const(0x0001)


class Station:
    """A station on *agent*: *settings* from `station.settings`, *board* from `station.board`."""

    def __init__(self, agent, settings: dict, board: dict, pins) -> None:
        self.agent = agent
        self.settings = settings
        self.pins = pins
        self.call = None  # from the moment it rings or is placed to its end
        self.is_quiet = False  # do not disturb: who calls is refused, nobody rings
        self.limit_at = NEVER  # when the call has rung or lasted long enough
        self.lost = []  # accounts that should be registered and are not
        self.dialler = self.sounds = self.second = None
        self._led = board["led"]
        self._warn_at = NEVER
        self._answer_at = NEVER
        self._digits = ""
        self._digit_at = 0
        self.listeners = []
        self.relays = [
            Relay(pins, relay["output"], relay["code"], relay["pulse_ms"], self.say)
            for relay in settings["relays"]
        ]
        self.parts = list(self.relays)
        self._load(settings)
        self.buttons = Buttons(pins, 1 + self._last_input())
        if hasattr(gc, "mem_alloc"):
            self.parts.append(Memory(board["memory_ms"], self.say))
        agent.observer = self._observe
        agent.application()(self._receive)

    def _load(self, settings):
        """Import what the configuration asks for."""
        actions = [button["action"] for button in settings["buttons"]]
        if "call" in actions:
            from station.dial import Dialler

            self.dialler = Dialler(self)
        if "sounds" in settings:
            from station.sounds import Sounds

            self.sounds = Sounds(self, self.agent.audio, settings)
        if "paging" in settings:
            from station.pager import Pager

            self.parts.append(Pager(self, settings))
        if "messages" in settings:
            from station.messages import Messages

            Messages(self, settings["messages"])
        if "second_call" in settings:
            from station.second import Second

            self.second = Second(self)
        if "display" in settings:
            from station.display import Display

            self.listeners.append(Display())
        if "log_bytes" in settings:
            from station import ring

            ring.keep(settings["log_bytes"])
        if "hook" in settings or "tamper" in settings or self._has_feedback(settings):
            from station.inputs import Inputs

            self.parts.append(Inputs(self, settings))

    def _has_feedback(self, settings):
        return any(["feedback" in relay for relay in settings["relays"]])

    def _last_input(self):
        settings = self.settings
        found = [button["input"] for button in settings["buttons"]]
        found += [relay.get("feedback", -1) for relay in settings["relays"]]
        return max(found + [settings.get("hook", -1), settings.get("tamper", -1)])

    async def run(self) -> None:
        """Serve keys, parts and time limits until the board says stop."""
        network = self.agent.config["network"]
        self.say("ready", "role", self.role, "port", network["sip_port"])
        while not self.pins.is_stopped:
            try:
                self._turn()
            except MemoryError:  # the watchdog counts these too
                self.agent.dropped += 1
                gc.collect()
                self.say("error", "what", "no memory", "where", "station")
            await sleep_ms(_SCAN_MS)
        if self.dialler is not None:
            self.dialler.give_up()
        for part in self.parts:
            part.finish()

    @property
    def role(self) -> str:
        """`door`, `indoor` or `pager`."""
        return self.settings["role"]

    def say(self, event: str, *fields) -> None:
        """Log an event, *fields* being name, value, name, value ..., and tell the listeners."""
        log.say(event, *fields)
        for listener in self.listeners:
            listener.take(event, fields)

    def _turn(self):
        self.pins.poll()
        pressed = self.buttons.scan()
        if pressed >= 0:
            self.press(pressed)
        self._tick(ticks_ms())

    def _tick(self, now_ms):
        for part in self.parts:
            part.tick(now_ms)
        if self._led is not None:
            self.pins.write(self._led, self._lamp() >> (now_ms >> 7 & 15) & 1)
        if self._answer_at >= 0 and ticks_diff(now_ms, self._answer_at) >= 0:
            self.answer()
        if self._warn_at >= 0 and ticks_diff(now_ms, self._warn_at) >= 0:
            self._warn_at = NEVER
            self.say("warning", "seconds", self.settings["warn_s"])
        if self.limit_at >= 0 and ticks_diff(now_ms, self.limit_at) >= 0:
            self.limit_at = NEVER
            if self.call is not None:
                self.leave(480)

    def _lamp(self):
        if self.call is not None:
            return _LAMP_CALL if self.call.is_answered else _LAMP_RING
        if self.lost:
            return _LAMP_LOST
        return _LAMP_QUIET if self.is_quiet else _LAMP_IDLE

    # -- what may be asked of it: by keys here, by web and MQTT likewise

    def press(self, number: int) -> None:
        """Do what the key at input *number* is for."""
        for button in self.settings["buttons"]:
            if button["input"] == number:
                self.say("button", "input", number, "action", button["action"])
                self.act(button)

    def act(self, button: dict) -> None:
        """Do what an entry of `buttons` says."""
        action = button["action"]
        if action == "call":
            if self.call is None:
                self.dialler.begin(button)
        elif action == "answer":
            self.answer()
        elif action == "hang_up":
            self.hang_up()
        elif action == "message":
            for step in button["plan"]:
                self.agent.message(step[0], button["text"])
        elif action == "quiet":
            self.set_quiet(not self.is_quiet)
        elif action == "open":
            if "relay" in button:
                self.open(button["relay"], "key")
            elif self.call is not None and self.call.is_answered:
                self.call.dtmf(button["digits"])
        elif self.sounds is not None:
            self.sounds.act(action)

    def open(self, number: int = 0, by: str = "key") -> None:
        """Close relay *number* for its pulse; *by*: dtmf, message, key, web, mqtt."""
        now_ms = ticks_ms()
        self.relays[number].pulse(now_ms)
        self.say("opened", "relay", number, "by", by)
        after_s = self.settings["hang_up_after_open_s"]
        if after_s is not None and self.call is not None:
            self._warn_at = NEVER
            self.limit_at = ticks_add(now_ms, 1000 * after_s)

    def answer(self) -> None:
        """Answer the call that rings, or the one that waits."""
        self._answer_at = NEVER
        if self.second is not None and self.second.answer():
            return
        if self.call is not None and self.call.allowed("answer"):
            try:
                self.call.accept(self.agent.audio)
            except (OSError, ValueError, MemoryError) as e:
                gc.collect()
                self.leave(480)
                self.say("error", "what", str(e) or "no memory", "where", "answer")

    def hang_up(self) -> None:
        """End the call, refuse the one that rings, give up calling."""
        if self.dialler is not None:
            self.dialler.give_up()
        if self.call is not None:
            self.leave(603)

    def leave(self, status: int) -> None:
        """End the call; *status* is for a caller who was not answered yet."""
        call = self.call
        if call.allowed("reject"):
            call.reject(status)
        elif call.is_incoming or call.is_answered:
            call.hang_up()
        else:
            from usip import parallel

            parallel.give_up(self.agent, call)

    def set_quiet(self, is_quiet: bool) -> None:
        """Refuse calls from now on, or ring again."""
        self.is_quiet = is_quiet
        self.say("quiet", "on", is_quiet)

    # -- calls

    async def _receive(self, call):
        """Serve a call that came in."""
        self.say("incoming", "call", call.id, "from", call.remote_uri)
        after_ms = self._answer_after_ms(call)
        if self.call is not None or (self.dialler is not None and self.dialler.is_busy):
            if self.second is None or not await self.second.take(call):
                call.reject(486)
        elif after_ms < 0 and (self.is_quiet or self.settings["answer"] == "never"):
            call.reject(480)
        else:
            call.ring()
            now_ms = ticks_ms()
            self.limit_at = ticks_add(now_ms, 1000 * self.settings["ring_s"])
            if after_ms < 0 and self.settings["answer"] == "auto":
                after_ms = self.settings["answer_after_ms"]
            if after_ms >= 0:
                self._answer_at = ticks_add(now_ms, after_ms)
            self.say("ringing", "call", call.id, "from", call.remote_uri, "after_ms", after_ms)
            await self.follow(call)

    def _answer_after_ms(self, call):
        """Return after how many ms who may is answered without a key; -1: not at all."""
        if "callers" in self.settings:
            from station import callers

            if callers.matches(call.remote_uri, self.settings["callers"]):
                return self.settings["answer_after_ms"]
        return 1000 * call.auto_answer_s if call.auto_answer_s >= 0 else -1

    async def follow(self, call, is_second: bool = False) -> None:
        """Take the events of a call to the last; *is_second*: there is one already."""
        if not is_second:
            self.call = call
            self._digits = ""
        async for event in call:
            self._take(call, event)
        if self.call is call:
            self.call = None
            self.limit_at = self._warn_at = self._answer_at = NEVER
        self._report(call)
        if self.call is None and self.second is not None:
            self.second.call_over()

    def _take(self, call, event):
        if event == PROGRESS:
            self.say("progress", "call", call.id, "status", call.status, "reason", call.reason)
        elif event == ANSWERED:
            self.begin_limits()
            self.say("answered", "call", call.id, "remote", call.remote_uri)
        elif event == MEDIA:
            codec, direction = call.codec, call.direction
            self.say("media", "call", call.id, "codec", codec, "direction", direction)
        elif event == DTMF:
            self._take_digit(call)

    def begin_limits(self) -> None:
        """Let the call last for `call_s` from now on."""
        settings = self.settings
        now_ms = ticks_ms()
        self.limit_at = ticks_add(now_ms, 1000 * settings["call_s"])
        if "warn_s" in settings:
            self._warn_at = ticks_add(now_ms, 1000 * (settings["call_s"] - settings["warn_s"]))

    def _take_digit(self, call):
        self.say("dtmf", "call", call.id, "digit", call.digit, "via", call.digit_via)
        now_ms = ticks_ms()
        if ticks_diff(now_ms, self._digit_at) > _DIGITS_GAP_MS:
            self._digits = ""
        self._digit_at = now_ms
        self._digits = (self._digits + call.digit)[-_DIGITS_KEPT:]
        if call.digit == self.settings.get("prolong"):
            self.begin_limits()
        for number, relay in enumerate(self.relays):
            if self._digits.endswith(relay.code):
                self.open(number, "dtmf")

    def _report(self, call):
        """Say how a call ended."""
        if call.is_answered:
            fields = ["call", call.id]
            for name in _FIGURES.split():
                fields += name, getattr(call.stream, name, 0)
            self.say("media_stats", *fields)
        fields = ["call", call.id, "status", call.status, "reason", call.reason]
        fields += "by", call.ended_by, "duration_ms", call.duration_ms()
        self.say("ended", *fields)

    # -- accounts

    def _observe(self, event, subject, detail):
        if event == usip.NO_MEMORY:
            self.say("error", "what", "no memory", "where", subject)
        if not usip.REGISTERED <= event <= usip.REGISTRATION_FAILED:
            return
        aor = usip.text_of(subject.account.aor)
        if aor in self.lost:
            self.lost.remove(aor)
        if event == usip.REGISTERED:
            self.say("registered", "aor", aor, "expires", subject.expires_s)
            return
        self.lost.append(aor)
        if event == usip.UNREGISTERED:
            self.say("unregistered", "aor", aor)
        else:
            fields = ["aor", aor, "status", subject.status, "reason", subject.reason]
            self.say("registration_failed", *fields)


class Memory:
    """Reports the heap every *period_ms*: what is in use, and the most garbage ever beside it."""

    def __init__(self, period_ms: int, say) -> None:
        self._period_ms = period_ms
        self._say = say
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
        self._say("memory", "mem_alloc", used, "mem_free", free, "peak", self._peak)

    def finish(self) -> None:
        """Nothing to release."""


async def serve(config: dict, board: dict, pins) -> None:
    """Run a station until its board says stop; ConfigError when its port is taken."""
    settings = config["station"]
    agent = usip.Agent(config)
    most = settings["most"]
    if most > 1:  # a transaction, its CANCEL and an INVITE for each that is called at once
        agent.limits.transactions += 2 * most
        agent.limits.retransmit_bytes += 1200 * most
        agent.limits.sessions += most
    device = None
    audio = config["audio"]
    if audio["play"] or audio["record"]:
        from usip.audio import files

        agent.audio = files.make(audio)
    elif "audio" in board:
        from station import device as devices

        device, agent.audio = devices.make(board["audio"], audio)
    async with agent:
        station = Station(agent, settings, board, pins)
        if device is not None and device.is_half_duplex:
            number = board["audio"]["talk"]
            station.parts.append(devices.Talk(device, pins, number, station.say))
        if board["watchdog_s"] is not None:
            from station.watchdog import Watchdog

            timer = pins.watchdog(1000 * board["watchdog_s"])
            station.parts.append(Watchdog(agent, timer))
        if board.get("crashes"):
            from station.crash import Recovery

            station.parts.append(Recovery(station.parts))
        await station.run()
