"""conference: three who hear each other."""

from array import array
from math import cos, pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.conference import Conference


class Call:
    """A call whose far side says *value* all the time."""

    def __init__(self, value, ends=None):
        self.value = value
        self.source = self.sink = ends
        self.pcm = array("h", [0] * 160)
        self.sent = []  # a sample of each frame sent to the far side
        self.keeps = True
        self.fits = 0

    def fit(self):
        self.fits += 1

    def close_audio(self):
        source, sink = self.source, self.sink
        self.source = self.sink = None
        for end in (source, sink):
            if end is not None:
                end.close()

    def say(self, pcm):
        for i in range(160):
            pcm[i] = self.value

    def tick(self):
        pcm = self.pcm
        self.say(pcm)
        if self.sink is not None:
            self.sink.write(pcm)
        if self.source is not None:
            self.source.read(pcm)
            if self.keeps:
                self.sent.append(pcm[0])


class Ours:
    """Our microphone, which hears 1, and our loudspeaker."""

    def __init__(self):
        self.heard = []
        self.closed = 0
        self.keeps = True

    def read(self, pcm):
        for i in range(160):
            pcm[i] = 1

    def write(self, pcm):
        if self.keeps:
            self.heard.append(pcm[0])

    def close(self):
        self.closed += 1


def three():
    ours = Ours()
    calls = [Call(10, ours), Call(100)]
    return ours, calls, Conference(calls)


def test_everybody_hears_both_others():
    ours, (a, b), conference = three()
    for _ in range(10):
        a.tick()
        b.tick()
    assert ours.heard[0] == 10 and ours.heard[1:] == [110] * 9
    assert a.sent[0] == 1 and a.sent[1:] == [101] * 9
    assert b.sent == [11] * 10
    assert a.fits == b.fits == 1


def test_four_hear_three_others():
    ours = Ours()
    calls = [Call(10, ours), Call(100), Call(1000)]
    Conference(calls)
    for _ in range(5):
        for call in calls:
            call.tick()
    assert [call.sent[-1] for call in calls] == [1101, 1011, 111]
    assert ours.heard[-1] == 1110


def test_late_ticks_leave_out_frames_and_recover():
    ours, (a, b), conference = three()
    for _ in range(4):
        a.tick()
        b.tick()
    for _ in range(6):
        a.tick()  # the other one's task is late
    for _ in range(6):
        b.tick()
    a.sent = []
    b.sent = []
    for _ in range(5):
        a.tick()
        b.tick()
    assert a.sent == [101] * 5 and b.sent == [11] * 5


def test_our_sound_goes_on_when_the_first_call_has_none():
    ours, (a, b), conference = three()
    for _ in range(3):
        a.tick()
        b.tick()
    for _ in range(10):
        b.tick()
    assert b.sent[-1] == 1
    assert ours.heard[-1] == 100


def test_who_leaves_gives_the_others_an_ordinary_call():
    for leaving in (0, 1):
        ours, calls, conference = three()
        for call in calls:
            call.tick()
        calls[leaving].close_audio()
        stays = calls[1 - leaving]
        assert stays.source is ours and stays.sink is ours and ours.closed == 0
        stays.tick()
        assert ours.heard[-1] == stays.value and stays.sent[-1] == 1
        stays.close_audio()
        assert ours.closed == 2


def test_a_conference_dissolved_leaves_our_sound_to_the_first():
    ours, (a, b), conference = three()
    conference.end()
    assert a.source is ours and b.source is None and b.sink is None
    conference.end()
    assert ours.closed == 0


def test_a_conference_without_sound_of_ours_joins_the_others():
    calls = [Call(10), Call(100)]
    Conference(calls)
    for _ in range(3):
        for call in calls:
            call.tick()
    assert calls[0].sent[-1] == 100 and calls[1].sent[-1] == 10


def test_speech_is_mixed_without_a_fault():
    class Speaker(Call):
        n = 0

        def say(self, pcm):
            for i in range(160):
                pcm[i] = round(8000 * sin(2 * pi * self.value * (self.n * 160 + i) / 8000))
            self.n += 1

    heard = array("h", [])

    class Loudspeaker(Ours):
        def write(self, pcm):
            heard.extend(pcm)

    a, b = Speaker(500, Loudspeaker()), Speaker(900)
    Conference([a, b])
    for _ in range(12):
        a.tick()
        b.tick()
    energy = sum(x * x for x in heard[320:])
    found = 0
    for hz in (500, 900):
        c = s = 0
        for i in range(320, 1920):
            c += heard[i] * cos(2 * pi * hz * i / 8000)
            s += heard[i] * sin(2 * pi * hz * i / 8000)
        assert 7800 < 2 * (c * c + s * s) ** 0.5 / 1600 < 8200
        found += 2 * (c * c + s * s) / 1600
    assert found > 0.999 * energy


def test_no_frame_uses_heap():
    ours, calls, conference = three()
    ours.keeps = calls[0].keeps = calls[1].keeps = False
    for call in calls:
        call.tick()
    with NoAlloc():
        for _ in range(5):
            for call in calls:
                call.tick()
