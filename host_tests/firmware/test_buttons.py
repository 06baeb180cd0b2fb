"""Tests of station.buttons, station.relay and station.log."""

import json

from fakes.noalloc import NoAlloc
from station import log
from station.buttons import Buttons
from station.relay import Relay


class Pins:
    def __init__(self) -> None:
        self.levels = bytearray(4)
        self.outputs = bytearray(4)

    def read(self, i: int) -> int:
        return self.levels[i]

    def write(self, i: int, on: int) -> None:
        self.outputs[i] = on


def press(buttons, pins, levels) -> list:
    """Scan once for each level of input 1; return what was reported."""
    found = []
    for level in levels:
        pins.levels[1] = level
        found.append(buttons.scan())
    return found


def captured(function, *arguments) -> list:
    lines = []
    write = log.write
    log.write = lines.append
    try:
        function(*arguments)
    finally:
        log.write = write
    return [json.loads(line) for line in lines]


def test_a_button_is_pressed_at_the_third_scan_and_once():
    pins = Pins()
    buttons = Buttons(pins, 2)
    assert press(buttons, pins, (0, 1, 1, 1, 1, 1, 1)) == [-1, -1, -1, 1, -1, -1, -1]


def test_a_bouncing_contact_is_no_press():
    pins = Pins()
    buttons = Buttons(pins, 2)
    assert press(buttons, pins, (1, 0, 1, 1, 0, 1, 0)) == [-1] * 7


def test_a_button_can_be_pressed_again_after_it_was_let_go():
    pins = Pins()
    buttons = Buttons(pins, 2)
    levels = (1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1)
    assert [i for i in press(buttons, pins, levels) if i >= 0] == [1, 1]


def test_scanning_uses_no_heap():
    buttons = Buttons(Pins(), 4)
    buttons.scan()
    with NoAlloc():
        buttons.scan()


class Said(list):
    def __call__(self, event, *fields) -> None:
        self.append((event,) + fields)


def test_a_relay_closes_for_its_pulse():
    pins, said = Pins(), Said()
    relay = Relay(pins, 2, "5", 800, said)
    near_wrap = (1 << 30) - 100
    relay.pulse(near_wrap)
    assert said == [("relay", "output", 2, "on", True)]
    assert pins.outputs[2] == 1
    relay.tick((near_wrap + 799) % (1 << 30))
    assert len(said) == 1
    relay.tick((near_wrap + 800) % (1 << 30))
    assert said[1] == ("relay", "output", 2, "on", False)
    assert pins.outputs[2] == 0


def test_a_second_pulse_makes_the_first_longer():
    said = Said()
    relay = Relay(Pins(), 0, "5", 800, said)
    relay.pulse(0)
    relay.pulse(500)
    relay.tick(1299)
    assert len(said) == 1
    relay.tick(1300)
    relay.finish()
    assert len(said) == 2


def test_a_relay_opens_when_the_station_ends():
    said = Said()
    relay = Relay(Pins(), 0, "5", 800, said)
    relay.pulse(0)
    relay.finish()
    assert len(said) == 2


def test_a_relay_waiting_uses_no_heap():
    relay = Relay(Pins(), 0, "5", 800, Said())
    relay.pulse(0)
    relay.tick(1)
    with NoAlloc():
        relay.tick(2)


def test_a_line_of_the_log_is_json_whatever_it_says():
    values = ("a", None, "b", True, "c", -3, "d", 'say "hi" \\', "e", b"caf\xc3\xa9", "f", 4.25)
    line = captured(log.say, "ready", *values)[0]
    assert line["event"] == "ready"
    assert [line[key] for key in "abcdf"] == [None, True, -3, 'say "hi" \\', 4.25]
    assert line["e"] == "caf??"


def test_control_characters_do_not_break_a_line_of_the_log():
    assert "\n" not in log.quoted("one\ntwo\x01")
    assert captured(log.say, "error", "what", "one\ntwo\x01")[0]["what"] == "one\ntwo\x01"
