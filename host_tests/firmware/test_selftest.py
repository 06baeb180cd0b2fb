"""selftest: runs on the VM beside the models of a board, finds what is wrong and nothing else."""

import json
import os
import sys
import time
from array import array

from fakes import i2s as ports

from usip import ticks
from usip.audio import i2s

# isort: split
import selftest
from station import board

RATE = 16000
if not hasattr(time, "ticks_us"):  # CPython has another clock
    selftest.ticks = lambda: time.monotonic_ns() // 1000
    selftest.elapsed = lambda at: time.monotonic_ns() // 1000 - at
BOARD = {
    "name": "mine",
    "pins": "gpio",
    "inputs": [],
    "outputs": [],
    "audio": {
        "microphone": {"id": 0, "sck": 32, "ws": 33, "sd": 35, "gain_db": 0},
        "speaker": {"id": 1, "sck": 26, "ws": 25, "sd": 22},
    },
}


class Machine:
    """As the module `machine`."""

    I2S, Pin = ports.I2S, ports.Pin


class Kept(selftest.Report):
    """A report that keeps its lines."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.faulty = []

    def say(self, name, *words):
        self.lines.append(name)

    def fault(self, name, *words):
        self.faulty.append(name)


class Ring:
    """The last of what was played."""

    def __init__(self):
        self._kept = array("h", bytes(4096))
        self.count = 0

    def append(self, sample):
        self._kept[self.count & 2047] = sample
        self.count += 1

    def at(self, n):
        return self._kept[n & 2047] if 0 <= n < self.count else 0


class Wire:
    """The microphone hears what the loudspeaker says; time passes when the test sleeps."""

    def __init__(self, share=0.5):
        self.share = share
        self.now_ms = 1000
        self.NEVER = ticks.NEVER

    def __enter__(self):
        self.kept = i2s.select, i2s.ticks, selftest.time, sys.modules.get("machine")
        ports.reset()
        i2s.select, i2s.ticks, selftest.time = ports, self, self
        sys.modules["machine"] = Machine
        return self

    def __exit__(self, kind, value, traceback):
        i2s.select, i2s.ticks, selftest.time, machine = self.kept
        sys.modules.pop("machine")
        if machine is not None:
            sys.modules["machine"] = machine

    def ticks_ms(self):
        return self.now_ms

    def ticks_us(self):
        return 1000 * self.now_ms

    def ticks_diff(self, a, b):
        return a - b

    def ticks_add(self, a, b):
        return a + b

    def sleep_ms(self, ms):
        speaker, microphone = ports.ports[1], ports.ports[0]
        if speaker.played is None:
            speaker.played = Ring()
            microphone.heard = self.hear
        self.now_ms += ms
        ports.advance(ms * RATE // 1000)

    def hear(self, n):
        return int(ports.ports[1].played.at(n - 2 * ports.BLOCK) * self.share) << 16


def described():
    return board.parse(json.loads(json.dumps(BOARD)))


def test_the_loop_through_the_boards_sound_is_found_good():
    report = Kept()
    with Wire():
        selftest.sound(report, described())
    assert report.faulty == []
    assert "loop-back" in report.lines and "lost" in report.lines


def test_a_loudspeaker_that_is_not_heard_is_found():
    report = Kept()
    with Wire(0):
        selftest.sound(report, described())
    assert report.faulty == ["loop-back", "delay"]


def test_a_board_without_sound_or_with_one_port_is_said():
    report = Kept()
    selftest.sound(report, {})
    assert report.lines == ["sound"]
    end = {"id": 0, "sck": 4, "ws": 5, "gain_db": 0}
    half = {"rate": 16000, "duplex": "half", "talk": 0}
    half.update(microphone=dict(end, sd=6), speaker=dict(end, sd=7))
    with Wire():
        selftest.sound(report, {"audio": half})
    assert report.faulty == [] and "I2S" in report.lines


def test_ports_that_cannot_be_had_are_said():
    kept = ports.free_octets
    ports.free_octets = 100
    report = Kept()
    try:
        with Wire():
            selftest.sound(report, described())
    finally:
        ports.free_octets = kept
    assert report.faulty == ["I2S"]


def test_a_wrong_board_file_is_said():
    report = Kept()
    assert selftest.load_board(report, "no/such/board.json") == {}
    assert report.faulty == ["board"]


def test_the_inner_loops_make_what_they_must():
    report = Kept()
    kept = selftest.elapsed
    selftest.elapsed = lambda at: 0  # however slow this machine is
    try:
        selftest.viper(report)
    finally:
        selftest.elapsed = kept
    assert report.faulty == []


def test_sockets_here_are_found_good():
    if not hasattr(time, "ticks_ms"):
        return  # the self test is for MicroPython
    report = Kept()
    selftest.sockets(report)
    assert report.faulty == [] and "after an empty" in report.lines


def test_all_of_it_runs_on_the_vm():
    if not hasattr(time, "ticks_ms"):
        return
    path = "selftest-%d.json" % (time.ticks_us() & 0xFFFF)
    with open(path, "w") as file:
        json.dump({"name": "sim", "pins": "simulated", "inputs": 1, "outputs": 1}, file)
    kept = selftest.clocks
    selftest.clocks = lambda report: None  # nothing here depends on how busy the machine is
    try:
        faults = selftest.main(path)
    finally:
        selftest.clocks = kept
        os.remove(path)
    assert faults <= 1  # the VM's heap may be smaller than a board's
