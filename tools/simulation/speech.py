"""Makes speech-like WAV files at run time, one voice distinct from the next.

Theory of operation: a train of glottal pulses goes through three resonators (formants) whose
frequencies follow a line of syllables; each syllable has an attack, a vowel and a decay, and some
begin with noise. That has what matters to a call: pitch, pauses, level changes, energy from 100 Hz
to 3.4 kHz. The same voice always says the same. 8 kHz, mono, 16 bit.
"""

import math
import random
import wave
from pathlib import Path

import numpy

RATE_HZ = 8000

# Formants of vowels, Hz: the usual textbook values of an adult speaker.
_VOWELS = {
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (290, 2250, 3010),
    "o": (570, 840, 2410),
    "u": (320, 870, 2240),
}
_BANDWIDTHS = (70, 100, 140)
# Pitch in Hz, scale of the formants, syllables a second.
_VOICES = {"low": (112, 0.95, 3.6), "high": (205, 1.14, 4.4)}


def voice(name: str, seconds: float) -> numpy.ndarray:
    """Return *seconds* of the voice "low" or "high" as int16 samples."""
    pitch_hz, scale, rate = _VOICES[name]
    dice = random.Random(name)
    total = int(seconds * RATE_HZ)
    out = numpy.zeros(total)
    at = int(0.05 * RATE_HZ)
    while at < total:
        for _ in range(dice.randint(3, 6)):
            length = int(RATE_HZ / rate * dice.uniform(0.75, 1.2))
            syllable = _syllable(dice, length, pitch_hz * dice.uniform(0.9, 1.18), scale)
            piece = syllable[: max(0, total - at)]
            out[at : at + len(piece)] += piece
            at += int(length * 0.92)
        at += int(RATE_HZ * dice.uniform(0.12, 0.3))  # a breath between words
    peak = numpy.abs(out).max() or 1.0
    return numpy.round(out / peak * 14000).astype("<i2")


def _syllable(dice, length: int, pitch_hz: float, scale: float) -> numpy.ndarray:
    source = _glottis(dice, length, pitch_hz)
    begin, end = (_VOWELS[dice.choice("aeiou")] for _ in range(2))
    sound = numpy.zeros(length)
    for i, width in enumerate(_BANDWIDTHS):
        line = numpy.linspace(begin[i] * scale, end[i] * scale, length)
        sound += _resonate(source, line, width) / (1 + 0.6 * i)
    if dice.random() < 0.4:
        burst = min(length, int(0.06 * RATE_HZ))
        noise = numpy.array([dice.uniform(-1, 1) for _ in range(burst)])
        sound[:burst] += 0.25 * numpy.abs(sound).max() * noise * numpy.hanning(burst)
    attack = numpy.minimum(1, numpy.arange(length) / (0.025 * RATE_HZ))
    decay = numpy.minimum(1, numpy.arange(length)[::-1] / (0.09 * RATE_HZ))
    peak = numpy.abs(sound).max() or 1.0
    return sound / peak * attack * decay * dice.uniform(0.55, 1.0)


def _glottis(dice, length: int, pitch_hz: float) -> numpy.ndarray:
    """Return a train of pulses whose pitch falls a little, as at the end of a word."""
    pulses = numpy.zeros(length)
    at = 0.0
    while at < length:
        pulses[int(at)] = 1.0
        at += RATE_HZ / (pitch_hz * (1.06 - 0.12 * at / length)) * dice.uniform(0.985, 1.015)
    return pulses


def _resonate(source, centre_hz, width_hz: float) -> numpy.ndarray:
    """Filter through one resonator whose centre moves sample by sample."""
    radius = math.exp(-math.pi * width_hz / RATE_HZ)
    first = 2 * radius * numpy.cos(2 * math.pi * centre_hz / RATE_HZ)
    second = -radius * radius
    out = numpy.zeros(len(source))
    y1 = y2 = 0.0
    for i, x in enumerate(source):
        y = x + first[i] * y1 + second * y2
        out[i] = y
        y2, y1 = y1, y
    return out


def write_wav(path: Path, samples) -> None:
    """Write int16 samples as 8 kHz mono 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(numpy.asarray(samples, "<i2").tobytes())


def read_wav(path: Path) -> numpy.ndarray:
    """Return the samples of an 8 kHz mono 16-bit WAV; ValueError for any other."""
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            octets = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError("%s: %s" % (path, error)) from None
    if form != (RATE_HZ, 1, 2):
        raise ValueError("%s: not 8 kHz mono 16 bit" % path)
    return numpy.frombuffer(octets, "<i2")
