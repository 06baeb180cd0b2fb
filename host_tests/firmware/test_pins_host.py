"""Tests of station.pins against a model of machine.Pin."""

import sys
import types


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 2, 3
    made = {}

    def __init__(self, gpio, mode, pull=None, value=None) -> None:
        self.mode, self.pull, self.level = mode, pull, value
        Pin.made[gpio] = self

    def value(self, level=None):
        if level is None:
            return self.level
        self.level = level


def pins(monkeypatch):
    monkeypatch.setitem(sys.modules, "machine", types.SimpleNamespace(Pin=Pin))
    monkeypatch.delitem(sys.modules, "station.pins", raising=False)
    from station.pins import Pins

    inputs = [{"gpio": 13, "active": 0}, {"gpio": 14, "active": 1}]
    outputs = [{"gpio": 26, "active": 1}, {"gpio": 27, "active": 0}]
    return Pins(inputs, outputs)


def test_inputs_are_pulled_to_the_level_they_have_when_released(monkeypatch):
    pins(monkeypatch)
    assert (Pin.made[13].pull, Pin.made[14].pull) == (Pin.PULL_UP, Pin.PULL_DOWN)


def test_an_input_is_pressed_at_its_active_level(monkeypatch):
    made = pins(monkeypatch)
    Pin.made[13].level, Pin.made[14].level = 0, 0
    assert (made.read(0), made.read(1)) == (1, 0)


def test_outputs_begin_released_and_switch_to_their_active_level(monkeypatch):
    made = pins(monkeypatch)
    assert (Pin.made[26].level, Pin.made[27].level) == (0, 1)
    made.write(0, 1)
    made.write(1, 1)
    assert (Pin.made[26].level, Pin.made[27].level) == (1, 0)
