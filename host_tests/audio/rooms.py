"""Simulated rooms and voices for the echo canceller's tests (numpy; host only).

A room is a box whose walls are mirrors that lose some sound (Allen and Berkley's image sources);
a voice is pulses at a wandering pitch and noise through resonances that change each syllable.
"""

import numpy as np

RATE = 8000
BOX = (4.2, 3.3, 2.6)
LOUDSPEAKER = (1.0, 1.2, 0.9)
NEAR = (1.15, 1.3, 0.9)
FURTHER = (1.6, 1.0, 1.2)


def impulse_response(microphone=NEAR, decay_s=0.3, order=9, length=2000):
    """Return the response of BOX from LOUDSPEAKER; *decay_s* is its reverberation time."""
    box, source, place = np.array(BOX), np.array(LOUDSPEAKER), np.array(microphone)
    surface = 2 * (box[0] * box[1] + box[1] * box[2] + box[0] * box[2])
    mirror = np.sqrt(max(0.05, 1 - 0.161 * box.prod() / (surface * decay_s)))
    n = np.arange(-order, order + 1)
    cell = np.stack(np.meshgrid(n, n, n, indexing="ij"), -1).reshape(-1, 3)
    response = np.zeros(length)
    for side in np.ndindex(2, 2, 2):
        side = np.array(side)
        distance = np.linalg.norm((1 - 2 * side) * source + 2 * cell * box - place, axis=1)
        hits = (np.abs(cell - side) + np.abs(cell)).sum(1)
        at = distance / 343 * RATE
        for k in range(-7, 9):  # a windowed sinc about the arrival, which is between samples
            sample = at.astype(int) + k
            x = sample - at
            weight = np.sinc(x) * (0.5 + 0.5 * np.cos(np.pi * np.clip(x / 8, -1, 1)))
            inside = (sample >= 0) & (sample < length)
            np.add.at(response, sample[inside], (mirror**hits / distance * weight)[inside] / 12.6)
    return high_pass(high_pass(response))


def high_pass(x, hz=200):
    """Return *x* without what no loudspeaker sounds."""
    pole = 1 - 2 * np.pi * hz / RATE
    y = np.zeros(len(x))
    last = before = 0.0
    for i, value in enumerate(x):
        last = y[i] = value - before + pole * last
        before = value
    return y


def voice(seconds, seed, pitch_hz):
    """Return speech-like sound of a power of one."""
    rng = np.random.default_rng(seed)
    out = []
    phase = 0.0
    size = 0
    while size < seconds * RATE:
        n = int(rng.uniform(0.09, 0.28) * RATE)
        pitch = pitch_hz * rng.uniform(0.8, 1.3) * np.linspace(1, rng.uniform(0.8, 1.2), n)
        turns = phase + np.cumsum(pitch) / RATE
        phase = turns[-1]
        pulses = np.diff(np.floor(turns), prepend=np.floor(turns[0]))
        kind = rng.uniform()
        sound = pulses * 8 + rng.normal(0, 0.15, n) if kind < 0.75 else rng.normal(0, 0.6, n)
        formants = ((rng.uniform(300, 850), 80), (rng.uniform(900, 2300), 120), (2900, 200))
        if kind >= 0.75:
            formants = ((rng.uniform(2200, 3500), 500),)
        for hz, width in formants:
            sound = _resonance(sound, hz, width)
        edge = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / 160)
        out.append(sound / sound.std() * edge * rng.uniform(0.3, 1.0))
        pause = rng.uniform() < 0.15
        out.append(np.zeros(int((0.25 if pause else 0.02) * RATE)))
        size += n + len(out[-1])
    sound = high_pass(np.concatenate(out)[: int(seconds * RATE)], 100)
    return sound / sound.std()


def _resonance(x, hz, width):
    radius = np.exp(-np.pi * width / RATE)
    a = 2 * radius * np.cos(2 * np.pi * hz / RATE)
    y = np.zeros(len(x))
    y1 = y2 = 0.0
    for i, value in enumerate(x):
        y1, y2 = value * (1 - radius) + a * y1 - radius * radius * y2, y1
        y[i] = y1
    return y


def loudspeaker(x, drive=1.0):
    """Return the sound of a small loudspeaker: soft limits, and harmonics of even order."""
    v = x / 32768
    return 32768 * (np.tanh(drive * v) / drive + 0.05 * drive * v * v)


def decibels(a, b):
    """Return the level of *a* over that of *b*."""
    return 10 * np.log10((np.mean(a**2) + 1e-9) / (np.mean(b**2) + 1e-9))
