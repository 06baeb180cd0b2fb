"""echo: voice switching with simulated rooms."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.echo import VoiceSwitch
from usip.rtp import conceal


class Voice:
    """Syllables of noise, 160 ms of 240, of a given mean magnitude."""

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
    """What the loudspeaker says reaches the microphone along four paths."""

    PATHS = ((70, 0.6), (190, 0.3), (415, 0.15), (830, 0.08))  # samples, of the coupling

    def __init__(self, coupling):
        self.coupling = coupling
        self.past = [0] * 1000

    def echo(self, loudspeaker):
        self.past = self.past[160:] + list(loudspeaker)
        out = array("h", [0] * 160)
        for i in range(160):
            x = 0
            for delay, share in self.PATHS:
                x += self.past[840 + i - delay] * share
            out[i] = round(max(-32768, min(32767, x * self.coupling)))
        return out


def level(pcm):
    return conceal.level(pcm, 0, 160)


class Station:
    """A voice switch in a room; `step` returns what is sent."""

    def __init__(self, coupling=0.5):
        self.switch = VoiceSwitch()
        self.room = Room(coupling)
        self.echo = array("h", [0] * 160)

    def step(self, near, far):
        """Return (what is sent, what the room hears); the microphone hears the frame before."""
        microphone = array("h", [max(-32768, min(32767, a + b)) for a, b in zip(near, self.echo)])
        loudspeaker = array("h", far)
        self.switch.apply(microphone, loudspeaker)
        self.echo = self.room.echo(loudspeaker)
        return microphone, loudspeaker


def test_the_far_ends_echo_does_not_come_back():
    for coupling in (0.25, 0.5, 1.0, 2.0):
        station = Station(coupling)
        far = Voice(1500)
        silent = array("h", [0] * 160)
        sent = heard = 0
        for n in range(300):
            microphone, loudspeaker = station.step(silent, far.frame())
            if n >= 50:
                sent += level(microphone)
                heard += level(loudspeaker)
        assert sent * 25 < heard, coupling  # 28 dB at least


def test_first_syllables_are_not_clipped():
    station = Station()
    near = Voice(1500)
    silent = array("h", [0] * 160)
    for _ in range(50):
        station.step(silent, silent)
    frame = near.frame()
    before = level(frame)
    microphone, _ = station.step(frame, silent)
    assert level(microphone) > before * 7 // 10  # 3 dB


def test_the_near_end_may_interrupt_a_learned_echo():
    station = Station(0.25)
    far = Voice(1500)
    near = Voice(4000, 7)
    silent = array("h", [0] * 160)
    for _ in range(150):
        station.step(silent, far.frame())
    assert station.switch.state == 2
    sent = said = 0
    for _ in range(40):
        frame = near.frame()
        said += level(frame)
        sent += level(station.step(frame, far.frame())[0])
    assert sent * 10 > said * 7


def test_the_floor_is_kept_through_short_pauses_and_given_up_after():
    station = Station()
    near = Voice(1500)
    silent = array("h", [0] * 160)
    states = []
    for n in range(100):
        station.step(near.frame(n < 60), silent)
        states.append(station.switch.state)
    assert set(states[:60]) == {1}
    assert states[60 + 20] == 0


def test_a_loop_of_two_stations_does_not_howl():
    a = Station(2.0)  # 6 dB more than what is played, at both ends
    b = Station(2.0)
    to_a = to_b = array("h", [0] * 160)
    voice = Voice(1500)
    levels = []
    for n in range(400):
        near = voice.frame(n < 40)
        sent_a, _ = a.step(near, to_a)
        sent_b, _ = b.step(array("h", [0] * 160), to_b)
        to_a, to_b = sent_b, sent_a
        levels.append(level(sent_a) + level(sent_b))
    assert max(levels[300:]) < 20
    assert max(levels) < 8000


def test_switching_uses_no_heap():
    station = Station()
    near = Voice(1500).frame()
    far = Voice(1500, 5).frame()
    with NoAlloc():
        for _ in range(50):
            station.switch.apply(near, far)
