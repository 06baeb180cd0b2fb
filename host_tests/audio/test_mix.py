"""mix: tones and prompts over what a call sends or hears."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.audio import mix
from usip.audio.tone import Tone


class Ends:
    """A source of one value and a sink that remembers the greatest sample."""

    def __init__(self, value=100):
        self.value = value
        self.heard = []
        self.closed = 0
        self.keeps = True

    def read(self, pcm):
        for i in range(len(pcm)):
            pcm[i] = self.value

    def write(self, pcm):
        if self.keeps:
            self.heard.append(max(pcm))

    def close(self):
        self.closed += 1


class Call:
    """As much of a call as an overlay needs."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.fits = 0

    def fit(self):
        self.fits += 1


class Prompt:
    """A sound that cannot be added to another by itself: three frames."""

    def __init__(self):
        self.frames = self.closed = 0
        self.is_finished = False

    def read(self, pcm):
        for i in range(160):
            pcm[i] = 7
        self.frames += 1
        self.is_finished = self.frames == 3

    def close(self):
        self.closed += 1


def frame(value=0):
    return array("h", [value] * 160)


def test_samples_are_added_and_limited():
    pcm = array("h", [1, -1, 30000, -30000])
    mix.mix(pcm, array("h", [9, 5, -6, 30000, -30000]), 1, 4)
    assert list(pcm) == [6, -7, 32767, -32768]


def test_a_tone_is_heard_over_speech_and_then_speech_alone():
    ends = Ends()
    call = Call(None, ends)
    mix.hear(call, Tone(1000, 0, (40, 20), -13, 1))
    assert call.sink is not ends and call.fits == 1
    for _ in range(5):
        call.sink.write(frame(100))
    assert ends.heard[0] > 4000 and ends.heard[1] > 4000
    assert ends.heard[2:] == [100, 100, 100]
    assert call.sink is ends and call.fits == 2


def test_a_prompt_is_sent_over_silence_and_over_a_microphone():
    for source, value in ((None, 7), (Ends(), 107)):
        call = Call(source, None)
        prompt = Prompt()
        mix.send(call, prompt)
        pcm = frame()
        for _ in range(3):
            call.source.read(pcm)
            assert max(pcm) == min(pcm) == value
        assert call.source is source and prompt.closed == 1


def test_stopping_one_of_two_overlays_leaves_the_other():
    ends = Ends()
    call = Call(None, ends)
    first = mix.hear(call, Tone(500, level=-13))
    second = mix.hear(call, Tone(1000, level=-40))
    first.stop()
    call.sink.write(frame())
    assert 0 < ends.heard[-1] < 400
    second.stop()
    assert call.sink is first  # silent from now on
    call.sink.write(frame(5))
    assert ends.heard[-1] == 5


def test_the_end_of_a_call_closes_what_lies_below():
    ends = Ends()
    call = Call(None, ends)
    prompt = Prompt()
    mix.hear(call, prompt)
    call.sink.close()
    assert ends.closed == 1 and prompt.closed == 1


def test_call_waiting_has_the_country_s_tone_and_ends():
    ends = Ends()
    call = Call(None, ends)
    mix.announce_waiting(call, "fr", 1)  # 300 ms on, 10 s off
    for _ in range(600):
        if call.sink is ends:
            break
        call.sink.write(frame())
    assert call.sink is ends
    assert [n for n, peak in enumerate(ends.heard) if peak] == list(range(15))


def test_no_frame_uses_heap():
    ends = Ends()
    ends.keeps = False
    call = Call(ends, ends)
    mix.hear(call, Tone(1000))
    prompt = Prompt()
    mix.send(call, prompt)
    prompt.frames = 5
    pcm = frame()
    with NoAlloc():
        for _ in range(3):
            call.sink.write(pcm)
            call.source.read(pcm)
