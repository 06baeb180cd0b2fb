"""chain and what it is made of: levels and echo control between a call and its sound."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.chain import Levels, is_wanted
from usip.audio.level import Gate, Limiter, gain_of


class Ends:
    """A source of tones or noise and a sink that remembers."""

    is_finished = False

    def __init__(self, peak=1000, hz=1000):
        self.peak = peak
        self.hz = hz
        self.n = self.closed = 0
        self.heard = []
        self.last = array("h", [0] * 160)
        self.keeps = True

    def open(self):
        return self, self

    def read(self, pcm):
        for i in range(160):
            pcm[i] = round(self.peak * sin(2 * pi * self.hz * (self.n * 160 + i) / 8000))
        self.n += 1

    def write(self, pcm):
        if self.keeps:
            self.heard.append(max(pcm))

    def close(self):
        self.closed += 1


class Steady:
    """Ends that cost nothing."""

    def open(self):
        return self, self

    def read(self, pcm):
        for i in range(160):
            pcm[i] = i

    def write(self, pcm):
        pcm[0] = 0

    def close(self):
        pass


def frame(value=0):
    return array("h", [value] * 160)


def test_nothing_is_wanted_by_default():
    assert not is_wanted({"play": None, "record": None})
    for name in ("microphone_db", "speaker_db", "high_pass_hz", "gate_db", "echo"):
        assert is_wanted({name: 1})


def test_gains_of_both_directions():
    ends = Ends(1000)
    source, sink = Levels(ends, {"microphone_db": 6, "speaker_db": -12}).open()
    pcm = frame()
    for _ in range(3):
        source.read(pcm)
    assert 1950 < max(pcm) < 2030
    for _ in range(3):
        sink.write(frame(4000))
    assert 990 < ends.heard[-1] < 1015
    source.close()
    sink.close()
    assert ends.closed == 2


def test_a_limiter_keeps_loud_sound_below_its_ceiling_and_undistorted():
    limiter = Limiter(gain_of(12), 16000)
    ends = Ends(1000)
    pcm = frame()
    peaks = []
    for n in range(60):
        ends.peak = 12000 if 10 <= n < 30 else 1000
        ends.read(pcm)
        limiter.apply(pcm)
        peaks.append(max(pcm))
    assert 3900 < peaks[9] < 4000
    assert max(peaks[11:30]) <= 16000 and min(peaks[12:30]) > 15000
    assert peaks[31] < 2500 and peaks[59] > 3500  # it comes back slowly
    assert max(peaks) < 32767 or peaks[10] == max(peaks)  # 2 ms of attack


def test_a_gate_closes_on_noise_and_opens_for_speech_at_once():
    gate = Gate(-50)  # peak 145
    ends = Ends(60)
    pcm = frame()
    heard = []
    for n in range(60):
        ends.peak = 3000 if 30 <= n < 34 else 60
        ends.read(pcm)
        gate.apply(pcm)
        heard.append(max(pcm))
    assert heard[2] <= 7 and heard[28] <= 7
    assert heard[30] > 2900
    assert heard[36] > 50  # held for a quarter of a second
    assert heard[59] <= 7


def test_the_high_pass_takes_out_a_constant():
    class Offset(Steady):
        def read(self, pcm):
            for i in range(160):
                pcm[i] = 3000

    source, _ = Levels(Offset(), {"high_pass_hz": 120}).open()
    pcm = frame()
    for _ in range(10):
        source.read(pcm)
    assert max(pcm) < 30 and min(pcm) > -30


def test_echo_control_hears_what_is_about_to_be_played():
    for kind in ("switch", "cancel"):
        ends = Ends(0)
        source, sink = Levels(ends, {"echo": kind, "echo_tail_ms": 32}).open()
        pcm = frame()
        for n in range(10):
            sink.write(frame(100 * n))
            assert len(ends.heard) == n  # it waits for the microphone
            source.read(pcm)
            assert len(ends.heard) == n + 1
        sink.write(frame(900))
        sink.write(frame(900))  # held: nothing is sent meanwhile
        assert len(ends.heard) == 11
        source.read(pcm)
        source.read(pcm)
        assert len(ends.heard) == 12
        sink.write(frame(900))
        sink.close()
        assert len(ends.heard) == 13


def test_an_end_may_be_missing():
    for settings in ({"echo": "switch"}, {"speaker_db": 3, "gate_db": -40}):
        source, sink = Levels(None, settings).open()
        pcm = frame(5)
        sink.write(frame(5))
        source.read(pcm)
        assert max(pcm) == 0 and not source.is_finished
        source.close()


def test_no_frame_uses_heap():
    for kind in ("off", "switch", "cancel"):
        settings = {"microphone_db": 9, "speaker_db": -3, "high_pass_hz": 120, "gate_db": -50}
        source, sink = Levels(Steady(), dict(settings, echo=kind)).open()
        pcm = frame(9000)
        for _ in range(8):
            sink.write(pcm)
            source.read(pcm)
        with NoAlloc():
            for _ in range(8):
                sink.write(pcm)
                source.read(pcm)
