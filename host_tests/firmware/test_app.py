"""Tests of station.app apart from calls: keys, relays, lamp, limits, what may be asked of it."""

import usip

assert (
    usip.Agent
)  # its modules come in before the station's: the VM's stack is no deeper than that

from fakes.noalloc import NoAlloc  # noqa: E402
from station import app, log, settings  # noqa: E402

BOARD = {"led": 3, "memory_ms": 3600000}


class Pins:
    is_stopped = False

    def __init__(self) -> None:
        self.levels = bytearray(8)
        self.outputs = bytearray(8)

    def read(self, i: int) -> int:
        return self.levels[i]

    def write(self, i: int, on: int) -> None:
        self.outputs[i] = on


class Agent:
    """What a station asks of an agent before anybody calls."""

    audio = None
    observer = None

    def __init__(self) -> None:
        self.sent = []
        self.calls = []
        self.handlers = []

    def application(self, methods=("INVITE",)):
        return self.handlers.append

    def message(self, target, body) -> None:
        self.sent.append((target, body))


class Call:
    """A call that was answered, or rings."""

    def __init__(self, is_answered=True) -> None:
        self.is_answered = is_answered
        self.is_incoming = True
        self.done = []

    def allowed(self, command) -> bool:
        return command in ("reject", "answer") and not self.is_answered

    def accept(self, audio) -> None:
        self.done.append("accept")

    def reject(self, status) -> None:
        self.done.append(status)

    def hang_up(self) -> None:
        self.done.append("hang_up")

    def dtmf(self, digits) -> None:
        self.done.append(digits)


class Listener(list):
    def take(self, event, fields) -> None:
        if event != "memory":  # which is told where there is a heap to tell of
            self.append((event,) + fields)


def station(**section):
    """Return a station and what it says."""
    section.setdefault("role", "door")
    section.setdefault("relays", [{"output": 0}, {"output": 1, "code": "*7", "pulse_ms": 3000}])
    made = app.Station(Agent(), settings.parse(section), BOARD, Pins())
    said = Listener()
    made.listeners.append(said)
    return made, said


def quietly(test):
    """Keep the log off the test's output."""

    def run():
        write = log.write
        log.write = len
        try:
            test()
        finally:
            log.write = write

    return run


def scan(made, number, count=4) -> None:
    """Hold a key for *count* scans."""
    made.pins.levels[number] = 1
    for _ in range(count):
        pressed = made.buttons.scan()
        if pressed >= 0:
            made.press(pressed)
    made.pins.levels[number] = 0
    for _ in range(4):
        made.buttons.scan()


@quietly
def _keys():
    buttons = [
        {"input": 0, "action": "open", "relay": 1},
        {"input": 1, "action": "open", "digits": "12"},
        {"input": 2, "action": "answer"},
        {"input": 3, "action": "hang_up"},
        {"input": 4, "action": "quiet"},
        {"input": 5, "action": "message", "targets": ["sip:a@192.0.2.1"], "text": "open"},
    ]
    made, said = station(buttons=buttons)
    scan(made, 0, 2)
    assert said == []
    scan(made, 0)
    assert made.pins.outputs[1] == 1 and ("opened", "relay", 1, "by", "key") in said
    for number in (1, 2, 3):
        scan(made, number)  # nobody is there
    call = made.call = Call()
    scan(made, 1)
    scan(made, 2)
    scan(made, 3)
    assert call.done == ["12", "hang_up"]
    call = made.call = Call(False)
    scan(made, 2)
    scan(made, 3)
    assert call.done == ["accept", 603]
    scan(made, 4)
    assert made.is_quiet and said[-1] == ("quiet", "on", True)
    scan(made, 5)
    assert made.agent.sent == [("sip:a@192.0.2.1", "open")]


def test_keys_do_what_they_are_for():
    _keys()


@quietly
def _limits():
    made, said = station(call_s=30, warn_s=10, prolong="#", hang_up_after_open_s=2)
    call = made.call = Call()
    made.begin_limits()
    begin = made.limit_at - 30000
    clock = lambda ms: (begin + ms) % (1 << 30)  # noqa: E731
    made._tick(clock(19999))
    assert not said
    made._tick(clock(20001))
    made._tick(clock(20010))
    assert said == [("warning", "seconds", 10)]
    call.id, call.digit, call.digit_via = 1, "#", "rfc4733"
    made._take_digit(call)
    assert (made.limit_at - begin) % (1 << 30) >= 30000
    for digit in "*7":
        call.digit = digit
        made._take_digit(call)
    assert made.pins.outputs[1] == 1 and made.pins.outputs[0] == 0
    assert ("opened", "relay", 1, "by", "dtmf") in said
    made._tick(made.limit_at)
    assert call.done == ["hang_up"]


def test_a_call_is_warned_prolonged_and_ended_and_a_code_opens_its_relay():
    _limits()


@quietly
def _lamp():
    made, _ = station()

    def pattern() -> str:
        shown = ""
        for i in range(16):
            made._tick(i << 7)
            shown += "%d" % made.pins.outputs[3]
        return shown

    assert pattern() == "1000000000000000"
    made.set_quiet(True)
    assert pattern() == "1111111100000000"
    made.lost.append("sip:door@pbx")
    assert pattern() == "1010100000000000"
    made.call = Call(False)
    assert pattern() == "1100110011001100"
    made.call = Call()
    assert pattern() == "1" * 16


def test_the_lamp_tells_the_state():
    _lamp()


@quietly
def _no_heap():
    made, _ = station(buttons=[{"input": 0, "action": "open", "relay": 0}], tamper=2)
    made.buttons.scan()
    made._tick(0)
    made._tick(10)
    with NoAlloc():
        made.buttons.scan()
        made._tick(20)
        made._tick(30)


def test_a_turn_in_which_nothing_happens_uses_no_heap():
    _no_heap()
