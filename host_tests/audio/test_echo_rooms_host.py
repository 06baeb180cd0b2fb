"""echo: voice switching in real rooms, where what is played depends on the switch itself."""

import numpy as np
import pytest

from host_tests.audio import rooms
from host_tests.audio.test_aec_rooms_host import ROOMS, pcm_of
from usip.audio.echo import VoiceSwitch

FIRST = rooms.RATE // 5  # samples: a first syllable


class Place:
    """A device in a room; *coupling* is echo over the sound played, *response* the way between."""

    def __init__(self, coupling=0.7, decay_s=0.3, drive=1.0, level=3000):
        response = rooms.impulse_response(decay_s=decay_s)
        self.response = response * coupling / np.sqrt((response**2).sum())
        self.drive = drive
        self.level = level

    def talk(self, near, far):
        """Return (what is sent, the echo within what the microphone heard)."""
        switch = VoiceSwitch()
        hiss = np.random.default_rng(3).normal(0, 5, len(near))
        past = np.zeros(len(self.response) + 159)
        sent, echo = np.zeros(len(near)), np.zeros(len(near))
        for at in range(0, len(near), 160):
            part = slice(at, at + 160)
            echo[part] = np.convolve(past, self.response, "valid")
            microphone = pcm_of(near[part] + echo[part] + hiss[part])
            loudspeaker = pcm_of(far[part])
            switch.apply(microphone, loudspeaker)
            sound = rooms.loudspeaker(np.array(loudspeaker, float), self.drive)
            past = np.concatenate((past[160:], sound))
            sent[part] = microphone
        return sent, echo


@pytest.mark.parametrize("room", ROOMS)
def test_the_far_end_does_not_hear_itself(room):
    place = Place(**ROOMS[room])
    far = place.level * rooms.voice(4, 11, 150)
    sent, echo = place.talk(np.zeros(len(far)), far)
    assert rooms.decibels(echo, sent) >= 30


@pytest.mark.parametrize("gap_ms", (140, 300, 1000))
@pytest.mark.parametrize("room", ROOMS)
def test_an_answer_begins_with_its_first_syllable(room, gap_ms):
    place = Place(**ROOMS[room])
    far = np.zeros(5 * rooms.RATE)
    far[: 3 * rooms.RATE] = place.level * rooms.voice(3, 11, 150)[: 3 * rooms.RATE]
    start = 3 * rooms.RATE + 8 * gap_ms
    near = np.zeros(len(far))
    near[start : start + 4000] = place.level * rooms.voice(1, 52, 110)[:4000]
    sent, _ = place.talk(near, far)
    for length in (FIRST, 4000):
        part = slice(start, start + length)
        assert rooms.decibels(near[part], sent[part]) <= 1


@pytest.mark.parametrize("frames", (1, 8))
def test_a_loop_with_a_gain_of_6_db_does_not_howl(frames):
    response = rooms.impulse_response()
    response *= 2 / np.abs(np.fft.rfft(response, 8192)).max()
    near = 1500 * rooms.voice(1, 2, 110)
    hiss = np.random.default_rng(0).normal(0, 3, 160 * 150)
    switch = VoiceSwitch()
    way = [np.zeros(160)] * frames
    past = np.zeros(len(response) + 159)
    levels = []
    for at in range(0, len(hiss), 160):
        loudspeaker = pcm_of(way.pop(0))
        heard = np.convolve(past, response, "valid") + hiss[at : at + 160]
        heard[: len(near[at : at + 160])] += near[at : at + 160]
        frame = pcm_of(heard)
        switch.apply(frame, loudspeaker)
        past = np.concatenate((past[160:], np.array(loudspeaker, float)))
        way.append(np.array(frame, float))
        levels.append(np.sqrt(np.mean(way[-1] ** 2)))
    assert max(levels) < 6000 and max(levels[-50:]) < 20
