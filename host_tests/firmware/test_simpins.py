"""Tests of station.simpins: lines in place of fingers."""

from station import simpins


class Pins(simpins.Pins):
    """Without standard input."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._pressed = bytearray(2)
        self._outputs = bytearray(2)


def told(*lines):
    pins = Pins()
    for line in lines:
        pins.obey(line)
    return pins


def test_a_line_presses_and_releases_a_button():
    assert told("press 1\n").read(1) == 1
    assert told("press 1\n").read(0) == 0
    assert told("press 1\n", "release 1\n").read(1) == 0


def test_nonsense_is_ignored():
    pins = told("press\n", "press 2\n", "press x\n", "press -1\n", "kick 0\n", "\n", "quit now\n")
    assert (pins.read(0), pins.read(1), pins.is_stopped) == (0, 0, False)


def test_quit_and_the_end_of_input_stop_the_station():
    assert told("quit\n").is_stopped
    assert told("").is_stopped
