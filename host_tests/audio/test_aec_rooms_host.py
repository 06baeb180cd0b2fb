"""aec: real rooms, by image sources, with loudspeakers that distort and microphones that hiss."""

from array import array

import numpy as np
import pytest

from host_tests.audio import rooms
from usip.audio.aec import EchoCanceller

DELAY = 32  # samples, of the suppressor


def pcm_of(x):
    return array("h", np.clip(np.round(x), -32768, 32767).astype("<i2").tobytes())


class Simulation:
    """A device in a room; levels are r.m.s., *coupling* is echo over the sound played."""

    def __init__(self, coupling=0.7, decay_s=0.3, drive=1.0, seconds=4, level=3000):
        self.count = int(seconds * rooms.RATE) // 160 * 160
        self.far = level * rooms.voice(seconds, 1, 190)[: self.count]
        self.near = level * coupling * rooms.voice(seconds, 2, 110)[: self.count]
        self.near[: self.count * 5 // 8] = 0
        self.echo = self.heard(rooms.impulse_response(decay_s=decay_s), coupling, drive)
        self.hiss = np.random.default_rng(3).normal(0, 5, self.count)

    def heard(self, response, coupling, drive=1.0):
        response = response * coupling / np.sqrt((response**2).sum())
        return np.convolve(rooms.loudspeaker(self.far, drive), response)[: self.count]

    def sent(self, microphone, **settings):
        """Return what an echo canceller sends of *microphone*."""
        canceller = EchoCanceller(**settings)
        out = np.zeros(self.count)
        for at in range(0, self.count, 160):
            frame = pcm_of(microphone[at : at + 160])
            canceller.apply(frame, pcm_of(self.far[at : at + 160]))
            out[at : at + 160] = frame
        return out


ROOMS = {
    "a desk": {},
    "coupled by 6 dB": {"coupling": 2.0, "decay_s": 0.2, "level": 2000},
    "far from the wall": {"coupling": 0.3, "level": 1000},
    "a bad loudspeaker": {"drive": 2.0},
    "a bare room": {"decay_s": 0.45},
}


@pytest.mark.parametrize("room", ROOMS)
def test_echo_is_25_db_weaker_after_two_seconds(room):
    simulation = Simulation(**ROOMS[room])
    sent = simulation.sent(simulation.echo + simulation.hiss)
    late = slice(2 * rooms.RATE, None)
    assert rooms.decibels(simulation.echo[late], sent[late]) >= 25


@pytest.mark.parametrize("room", ROOMS)
def test_the_near_end_loses_less_than_3_db_in_double_talk(room):
    simulation = Simulation(**ROOMS[room])
    sent = simulation.sent(simulation.echo + simulation.near + simulation.hiss)
    start = simulation.count * 5 // 8
    near = simulation.near[start : simulation.count - DELAY]
    share = np.dot(sent[start + DELAY :], near) / np.dot(near, near)
    assert -20 * np.log10(share) <= 3


def test_echo_stays_away_when_the_device_is_moved():
    simulation = Simulation(seconds=6)
    moved = simulation.heard(rooms.impulse_response(rooms.FURTHER), 0.7)
    half = simulation.count // 2
    echo = np.concatenate((simulation.echo[:half], moved[half:]))
    sent = simulation.sent(echo + simulation.hiss)
    for at, least in ((half, 12), (half + rooms.RATE, 25), (half + 2 * rooms.RATE, 25)):
        part = slice(at, at + rooms.RATE)
        assert rooms.decibels(echo[part], sent[part]) >= least, at


@pytest.mark.parametrize("frames", (1, 8))
def test_a_loop_with_a_gain_of_6_db_does_not_howl(frames):
    response = rooms.impulse_response()
    response *= 2 / np.abs(np.fft.rfft(response, 8192)).max()
    near = 1500 * rooms.voice(1, 2, 110)
    hiss = np.random.default_rng(0).normal(0, 3, 160 * 180)
    levels = {}
    for name in ("without", "with"):
        canceller = EchoCanceller()
        way = [np.zeros(160)] * frames
        past = np.zeros(len(response) + 159)
        levels[name] = []
        for n in range(180):
            far = np.clip(way.pop(0), -32768, 32767)
            past = np.concatenate((past[160:], far))
            microphone = np.convolve(past, response, "valid") + hiss[160 * n : 160 * n + 160]
            said = near[160 * n : 160 * n + 160]
            microphone[: len(said)] += said
            frame = pcm_of(microphone)
            if name == "with":
                canceller.apply(frame, pcm_of(far))
            way.append(np.array(frame, float))
            levels[name].append(np.sqrt(np.mean(way[-1] ** 2)))
    assert max(levels["without"][-20:]) > 10000  # the room does howl
    assert max(levels["with"]) < 6000
    assert max(levels["with"][-50:]) < 20


def test_a_longer_tail_takes_out_more():
    simulation = Simulation(decay_s=0.45, seconds=3)
    microphone = simulation.echo + simulation.hiss
    late = slice(2 * rooms.RATE, None)
    short, long = (
        rooms.decibels(simulation.echo[late], simulation.sent(microphone, tail_ms=ms)[late])
        for ms in (32, 64)
    )
    assert long > short - 1
