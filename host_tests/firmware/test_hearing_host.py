"""Tests of tools.simulation.hearing and speech: what counts as heard."""

import numpy
import pytest

from tools.simulation import hearing, speech

LOW = speech.voice("low", 6.0)
HIGH = speech.voice("high", 6.0)


def late(samples, count):
    return numpy.concatenate((numpy.zeros(count, "<i2"), samples))


def test_a_voice_always_says_the_same():
    assert (speech.voice("low", 2.0) == speech.voice("low", 2.0)).all()


def test_what_was_said_is_heard_later_and_softer():
    found = hearing.compare(LOW, late(LOW // 3, 720)[:40000])
    assert found.lag_ms == 90
    assert found.similarity > 0.999
    assert found.good_share == 1.0


def test_another_voice_and_silence_are_not_heard():
    assert hearing.compare(LOW, HIGH).similarity < 0.5
    assert hearing.compare(LOW, numpy.zeros(20000)).similarity == 0
    assert hearing.compare(LOW, LOW[:100]).scores == []


def test_lost_sound_costs_the_pieces_it_hits_and_a_shift_none():
    heard = late(LOW, 160)
    heard[16000:19200] = 0
    assert 0.7 < hearing.compare(LOW, heard).good_share < 0.95
    shifted = numpy.concatenate((LOW[:24000], LOW[24160:]))
    assert hearing.compare(LOW, shifted).good_share > 0.9


def test_a_wav_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="a.wav"):
        speech.read_wav(path)
    speech.write_wav(path, LOW)
    assert (speech.read_wav(path) == LOW).all()
