"""aec: echo cancelling with a small room; see test_aec_rooms_host.py for real ones."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.aec import EchoCanceller
from usip.rtp import conceal

PATHS = ((40, 0.5), (41, -0.3), (90, 0.25), (170, -0.12), (230, 0.06))  # samples, gain


class Voice:
    """Noise of a given mean magnitude in syllables, 160 ms of 240."""

    def __init__(self, size, seed=1):
        self.size = size
        self.seed = seed
        self.n = 0

    def frame(self, speaks=True):
        pcm = array("h", [0] * 160)
        if speaks and self.n % 12 < 8:
            self.seed = conceal.noise(pcm, 0, 160, 2 * self.size, self.seed)
        self.n += 1
        return pcm


class Room:
    """What the loudspeaker says reaches the microphone along PATHS."""

    def __init__(self, coupling=1.0):
        self.coupling = coupling
        self.past = [0] * 480

    def echo(self, loudspeaker):
        self.past = self.past[160:] + list(loudspeaker)
        out = array("h", [0] * 160)
        for i in range(160):
            x = 0
            for delay, share in PATHS:
                x += self.past[320 + i - delay] * share
            out[i] = max(-32768, min(32767, round(x * self.coupling)))
        return out


def level(pcm):
    return conceal.level(pcm, 0, 160)


def mixed(a, b):
    return array("h", [max(-32768, min(32767, x + y)) for x, y in zip(a, b)])


SILENCE = array("h", [0] * 160)


def test_the_echo_is_gone_within_a_second():
    canceller = EchoCanceller()
    room, far = Room(), Voice(1500)
    heard = sent = 0
    for n in range(60):
        loudspeaker = far.frame()
        microphone = room.echo(loudspeaker)
        before = level(microphone)
        canceller.apply(microphone, loudspeaker)
        if n >= 36:
            heard += before
            sent += level(microphone)
    assert sent * 30 < heard, (sent, heard)  # 29 dB


def test_a_delayed_loudspeaker_needs_no_longer_tail():
    canceller = EchoCanceller(32, 60)
    room, far = Room(), Voice(1500)
    frames = [SILENCE] * 3  # 60 ms
    heard = sent = 0
    for n in range(50):
        loudspeaker = far.frame()
        frames.append(loudspeaker)
        microphone = room.echo(frames.pop(0))
        before = level(microphone)
        canceller.apply(microphone, loudspeaker)
        if n >= 36:
            heard += before
            sent += level(microphone)
    assert sent * 30 < heard, (sent, heard)


def test_who_speaks_alone_is_sent_as_he_is():
    canceller = EchoCanceller()
    near = Voice(1500, 7)
    last = [0] * 32
    for _ in range(12):
        microphone = near.frame()
        wanted = last + list(microphone)
        last = wanted[160:]
        canceller.apply(microphone, SILENCE)
        for i in range(160):
            assert abs(microphone[i] - wanted[i]) < 40


def test_both_may_speak():
    canceller = EchoCanceller()
    room, far, near = Room(), Voice(1500), Voice(1500, 7)
    said = sent = 0
    for n in range(70):
        loudspeaker = far.frame()
        voice = near.frame(n >= 46)
        microphone = mixed(room.echo(loudspeaker), voice)
        canceller.apply(microphone, loudspeaker)
        if n >= 46:
            said += level(voice)
            sent += level(microphone)
    assert sent * 14 > said * 10, (sent, said)  # 3 dB


def test_what_is_played_is_not_touched():
    canceller = EchoCanceller()
    loudspeaker = Voice(1500).frame()
    before = bytes(loudspeaker)
    canceller.apply(array("h", [0] * 160), loudspeaker)
    assert bytes(loudspeaker) == before


def test_lengths_are_checked():
    EchoCanceller(33, 7)
    for wrong in ((31, 0), (129, 0), (32, -1), (32, 501)):
        try:
            EchoCanceller(*wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


def test_cancelling_uses_no_heap():
    canceller = EchoCanceller()
    loud = array("h", [-32768, 32767] * 80)
    near = Voice(12000).frame()
    far = Voice(1500, 5).frame()
    canceller.apply(near, far)
    with NoAlloc():
        for _ in range(6):
            canceller.apply(near, far)
            canceller.apply(loud, near)
            canceller.apply(near, loud)
