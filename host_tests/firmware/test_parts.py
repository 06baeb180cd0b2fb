"""Tests of a station's smaller parts: clock, callers, display, inputs, watchdog, crashes, log."""

import os
import time

from fakes.noalloc import NoAlloc
from station import callers, clock, crash, display, inputs, log, ring, watchdog
from station.buttons import Buttons

NIGHT = {"from": 1320, "to": 420, "utc_offset_min": 60, "summer": "eu"}


def at(*date) -> int:
    """Return the seconds of a UTC date as `time.gmtime` of this machine counts them."""
    low, high = 0, 1 << 31
    wanted = tuple(date)
    while low < high:  # no inverse of gmtime is the same on every machine
        middle = (low + high) // 2
        if tuple(time.gmtime(middle)[: len(wanted)]) < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def minute(date, offset=0, summer="none") -> int:
    seconds = clock.seconds
    clock.seconds = lambda: at(*date)
    try:
        return clock.minute(offset, summer)
    finally:
        clock.seconds = seconds


def is_night(*date) -> bool:
    seconds = clock.seconds
    clock.seconds = lambda: at(*date)
    try:
        return clock.is_night(NIGHT)
    finally:
        clock.seconds = seconds


def test_the_minute_of_the_day_follows_zone_and_summer_time():
    assert minute((2026, 1, 15, 12, 30)) == 750
    assert minute((2026, 1, 15, 23, 30), 60) == 30
    assert minute((2026, 1, 15, 0, 30), -60) == 1410
    assert minute((2000, 1, 1, 0, 0)) == -1
    # 2026: eu from 29 March to 25 October 01:00 UTC, us from 8 March to 1 November
    for date, summer in (
        ((2026, 3, 28, 23, 59), 0),
        ((2026, 3, 29, 0, 59), 0),
        ((2026, 3, 29, 1, 0), 60),
        ((2026, 3, 31, 0, 0), 60),
        ((2026, 7, 1, 0, 0), 60),
        ((2026, 10, 25, 0, 59), 60),
        ((2026, 10, 25, 1, 0), 0),
        ((2026, 10, 26, 0, 0), 0),
        ((2026, 12, 31, 0, 0), 0),
    ):
        plain = minute(date)
        assert (minute(date, 0, "eu") - plain) % 1440 == summer, date
    for date, summer in (
        ((2026, 3, 8, 7, 59), 0),
        ((2026, 3, 8, 8, 0), 60),
        ((2026, 3, 20, 0, 0), 60),
        ((2026, 11, 1, 7, 59), 60),
        ((2026, 11, 1, 8, 0), 0),
        ((2026, 11, 9, 0, 0), 0),
        ((2026, 2, 27, 0, 0), 0),
    ):
        assert (minute(date, 0, "us") - minute(date)) % 1440 == summer, date


def test_night_may_pass_midnight_and_is_none_before_the_clock_is_set():
    assert is_night(2026, 1, 15, 21, 0) and not is_night(2026, 1, 15, 20, 59)
    assert is_night(2026, 1, 15, 5, 59) and not is_night(2026, 1, 15, 6, 0)
    assert is_night(2026, 7, 15, 20, 0) and not is_night(2026, 7, 15, 19, 59)
    assert not is_night(2000, 1, 1, 0, 0)


def test_callers_are_meant_by_user_host_both_or_all():
    uri = "sip:door@192.0.2.11:5062;line=1"
    for patterns, wanted in (
        (["door"], True),
        (["gate", "door@192.0.2.11"], True),
        (["@192.0.2.11"], True),
        (["*"], True),
        (["door@192.0.2.12"], False),
        (["doo"], False),
        (["@192.0.2.1"], False),
        ([], False),
        ([""], False),
    ):
        assert callers.matches(uri, patterns) is wanted, patterns
    assert callers.matches("sips:Door@EXAMPLE.org", ["Door@example.ORG"])
    assert not callers.matches("sip:192.0.2.11", ["door"])
    assert callers.matches("sip:192.0.2.11", ["@192.0.2.11"])


def test_a_display_shows_each_line_once():
    shown = []
    show = display.show
    display.show = shown.append
    try:
        screen = display.Display()
        screen.take("button", ("input", 0, "action", "call"))
        screen.take("calling", ("to", "x"))
        screen.take("answered", ("call", 1))
        screen.take("answered", ("call", 1))
        screen.take("quiet", ("on", True))
        screen.take("quiet", ("on", False))
        screen.take("ended", ("call", 1))
        screen.take("button", ("input", 0, "action", "open"))
    finally:
        display.show = show
    assert shown == ["Calling", "In a call", "Do not disturb", "Ready"]


class Pins:
    def __init__(self, count) -> None:
        self.levels = bytearray(count)

    def read(self, i) -> int:
        return self.levels[i]


class Agent:
    """What parts ask of an agent."""

    def __init__(self) -> None:
        self.now = 0
        self.dropped = 0
        self.is_running = True
        self.calls = []

    def now_ms(self) -> int:
        return self.now


class Station:
    """What parts ask of a station."""

    def __init__(self, settings) -> None:
        self.settings = settings
        self.agent = Agent()
        self.pins = Pins(4)
        self.buttons = Buttons(self.pins, 4)
        self.listeners = []
        self.said = []
        self.done = []
        self.call = None

    def say(self, event, *fields) -> None:
        self.said.append((event,) + fields)
        for listener in self.listeners:
            listener.take(event, fields)

    def answer(self) -> None:
        self.done.append("answer")

    def hang_up(self) -> None:
        self.done.append("hang_up")

    def act(self, button) -> None:
        self.done.append(button["action"])


def with_inputs():
    settings = {"buttons": [{"input": 3, "action": "open"}, {"input": 3, "action": "call"}]}
    settings.update(hook=0, tamper=1, relays=[{"feedback": 2}])
    station = Station(settings)
    return station, inputs.Inputs(station, settings)


def set_input(station, part, number, level) -> None:
    """Change an input and let enough scans go by."""
    station.pins.levels[number] = level
    for _ in range(4):
        station.buttons.scan()
        part.tick(station.agent.now)


def test_a_hook_switch_calls_answers_and_hangs_up():
    station, part = with_inputs()
    set_input(station, part, 0, 1)
    set_input(station, part, 0, 0)
    station.call = "ringing"
    set_input(station, part, 0, 1)
    assert station.done == ["call", "hang_up", "answer"]
    assert station.said[0] == ("hook", "off", True)


def test_a_tamper_contact_is_told_at_both_ends():
    station, part = with_inputs()
    set_input(station, part, 1, 1)
    set_input(station, part, 1, 0)
    assert station.said == [("tamper", "on", True), ("tamper", "on", False)]


def test_a_door_that_nobody_opened_is_forced_and_one_that_stays_shut_stuck():
    station, part = with_inputs()
    set_input(station, part, 2, 1)
    assert station.said[-1] == ("door", "relay", 0, "open", True, "forced", True)
    set_input(station, part, 2, 0)
    station.say("opened", "relay", 0, "by", "dtmf")
    set_input(station, part, 2, 1)
    assert station.said[-1] == ("door", "relay", 0, "open", True, "forced", False)
    set_input(station, part, 2, 0)
    station.say("opened", "relay", 0, "by", "web")
    part.tick(5000)
    assert station.said[-1][0] == "opened"
    part.tick(5001)
    part.tick(9000)
    assert station.said[-1] == ("stuck", "relay", 0)
    assert [said[0] for said in station.said].count("stuck") == 1


def test_watching_inputs_uses_no_heap():
    station, part = with_inputs()
    part.tick(0)
    with NoAlloc():
        part.tick(10)


class Call:
    has_media = True

    def __init__(self) -> None:
        self.stream = self
        self.frames_played = 0


class Timer:
    fed = 0

    def feed(self) -> None:
        self.fed += 1


def test_the_watchdog_is_fed_while_agent_and_sound_go_on():
    agent, timer = Agent(), Timer()
    watched = watchdog.Watchdog(agent, timer)
    assert watched.is_alive()
    agent.dropped = 49
    assert watched.is_alive()
    agent.dropped = 200  # memory failed in turn after turn
    assert not watched.is_alive() and watched.is_alive()
    call = Call()
    agent.calls.append(call)
    assert watched.is_alive()
    assert not watched.is_alive()
    call.frames_played = 50
    assert watched.is_alive()
    agent.calls.clear()
    assert watched.is_alive()
    agent.is_running = False
    assert not watched.is_alive()


def test_the_watchdog_feeds_once_a_second_and_not_when_something_hangs():
    agent, timer = Agent(), Timer()
    watched = watchdog.Watchdog(agent, timer)
    start = watched._check_at
    for ms in (0, 10, 999, 1000, 1500, 2000):
        watched.tick((start + ms) % (1 << 30))
    assert timer.fed == 3
    agent.is_running = False
    watched.tick((start + 3000) % (1 << 30))
    assert timer.fed == 3


def test_crashes_are_counted_with_their_reason_and_forgotten_after_a_good_time():
    crash.FILE = "test-crash.json"
    try:
        assert crash.read() == (0, "")
        crash.note("x" * 600 + "why", 2)
        count, reason = crash.read()
        assert (count, len(reason), reason[-3:]) == (2, 500, "why")
        parts = []
        recovery = crash.Recovery(parts)
        parts.append(recovery)
        recovery.tick((recovery._good_at - 1) % (1 << 30))
        assert parts and crash.read()[0] == 2
        recovery.tick(recovery._good_at)
        assert not parts and crash.read() == (0, "")
        with open(crash.FILE, "w") as file:
            file.write("no JSON")
        assert crash.read() == (0, "")
    finally:
        try:
            os.remove(crash.FILE)
        except OSError:
            pass
        crash.FILE = "crash.json"


def test_the_reason_of_a_crash_is_its_traceback():
    try:
        [][1]
    except IndexError as e:
        assert "IndexError" in crash.text_of(e)


def test_the_log_ring_keeps_the_newest_whole_lines():
    kept = ring.Ring(32)
    kept.write("first\n")
    kept.write("second\n")
    assert kept.lines() == ["first", "second"]
    for n in range(9):
        kept.write("line %d\n" % n)
    lines = kept.lines()
    assert lines[-1] == "line 8" and 2 <= len(lines) <= 4
    assert lines == ["line %d" % n for n in range(9 - len(lines), 9)]


def test_what_is_logged_goes_on_and_into_the_ring():
    written = []
    write = log.write
    log.write = written.append
    try:
        kept = ring.keep(256)
        log.say("ready", "role", "door")
        assert len(written) == 1 and kept.lines() == [written[0][:-1]]
        if kept.handler is not None:  # there is `logging`, always so on CPython
            import logging

            logging.getLogger("mqtt").error("no broker")
            assert '"name": "mqtt", "text": "no broker"' in kept.lines()[-1]
            logging.getLogger().removeHandler(kept.handler)
    finally:
        log.write = write
        log.more.clear()
