"""tone: call progress tones and DTMF as sources of sound."""

from array import array
from math import cos, pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.tone import _COUNTRIES, NAMES, Tone, call_tone, dtmf_tone, ring_cadence
from usip.rtp.dtmf import Detector

FULL = 22827


def frames(tone, count):
    pcm = array("h", [0] * 160)
    for _ in range(count):
        tone.read(pcm)
        yield pcm


def peak_at(pcm, hz):
    """Return the peak of the component of *hz* in the array."""
    n = len(pcm)
    a = sum(pcm[i] * cos(2 * pi * hz * i / 8000) for i in range(n))
    b = sum(pcm[i] * sin(2 * pi * hz * i / 8000) for i in range(n))
    return 2 * (a * a + b * b) ** 0.5 / n


def loudness(tone, count):
    """Return the greatest magnitude in each frame."""
    return [max(pcm) for pcm in frames(tone, count)]


def test_a_tone_has_its_frequency_and_level_and_nothing_else():
    tone = Tone(1000, level=-10)
    for pcm in frames(tone, 3):
        peak = peak_at(pcm, 1000)
        assert abs(peak - FULL * 10 ** (-10 / 20)) < 10
        left = sum(x * x for x in pcm) / 160 - peak * peak / 2
        assert abs(left) < peak * peak / 2 / 10000  # -40 dB


def test_two_tones_sound_together():
    tone = Tone(400, 1000, level=-20)
    for pcm in frames(tone, 2):
        for hz in (400, 1000):
            assert abs(peak_at(pcm, hz) - FULL / 10) < 10


def test_a_cadence_is_kept_to_the_millisecond():
    tone = call_tone("busy", "de")  # 480 ms on, 480 off
    loud = loudness(tone, 96)
    assert all(loud[:24]) and not any(loud[24:48])
    assert all(loud[48:72]) and not any(loud[72:])
    tone = Tone(1000, 0, (10, 25))
    got = []
    for pcm in frames(tone, 7):
        got += [1 if any(pcm[i : i + 8]) else 0 for i in range(0, 160, 8)]
    assert got == ([1] * 10 + [0] * 25) * 4


def test_a_tone_without_end_stays_the_same():
    tone = call_tone("dial", "us")
    first = peak_at(array("h", list(frames(tone, 1))[0]), 350)
    last = 0
    for pcm in frames(tone, 3000):
        last = pcm
    assert abs(peak_at(last, 350) - first) < first / 5
    assert not tone.is_finished


def test_every_country_has_every_tone():
    for line in _COUNTRIES.decode().split("\n")[:-1]:
        country = line.split(" ")[0]
        for name in NAMES:
            assert max(loudness(call_tone(name, country), 2)) > 1000, (country, name)


def test_a_country_not_listed_has_the_european_tones():
    assert loudness(call_tone("busy", "xx"), 60) == loudness(call_tone("busy"), 60)


def test_digits_sound_once_and_are_heard():
    detector = Detector()
    for code, digit in enumerate("0123456789*#ABCD"):
        tone = dtmf_tone(digit, 80, 60)
        got = -1
        for pcm in frames(tone, 7):
            if detector.receive(pcm) & 1:
                got = detector.code
        assert got == code
        assert tone.is_finished
        assert not any(loudness(tone, 2))


def test_a_tone_is_added_to_speech_within_16_bits():
    tone = Tone(1000, level=0)
    pcm = array("h", [20000] * 160)
    tone.add(pcm)
    assert max(pcm) == 32767
    assert -3000 < min(pcm) < -2700


def test_restarting_begins_anew():
    tone = dtmf_tone("5", 40, 20)
    before = loudness(tone, 3)
    tone.restart()
    assert loudness(tone, 3) == before


def test_wrong_arguments_are_refused():
    for wrong in (
        lambda: Tone(0),
        lambda: Tone(4000),
        lambda: Tone(400, 5000),
        lambda: call_tone("hum"),
        lambda: dtmf_tone("x"),
        lambda: dtmf_tone(""),
    ):
        try:
            wrong()
        except ValueError:
            continue
        raise AssertionError("accepted")


def test_a_frame_uses_no_heap():
    tone = call_tone("waiting", "it")
    pcm = array("h", [0] * 160)
    with NoAlloc():
        for _ in range(300):
            tone.read(pcm)
            tone.add(pcm)


def test_a_tone_at_16_khz_has_the_same_frequency_and_cadence():
    tone = Tone(1000, 0, (30, 10), -10)
    pcm = array("h", [0] * 320)
    tone.read(pcm)
    a = sum(pcm[i] * cos(2 * pi * i / 16) for i in range(320))
    b = sum(pcm[i] * sin(2 * pi * i / 16) for i in range(320))
    assert abs(2 * (a * a + b * b) ** 0.5 / 320 - FULL * 10 ** (-10 / 20)) < 30
    tone.read(pcm)
    assert any(pcm[:160]) and not any(pcm[160:])


def test_the_special_information_tone_is_three_tones_in_turn():
    tone = call_tone("information")
    pcm = array("h", [0] * 160)
    heard = []
    for _ in range(100):
        tone.read(pcm)
        peaks = [peak_at(pcm, hz) for hz in (950, 1400, 1800)]
        heard.append(peaks.index(max(peaks)) if max(peaks) > 2000 else 3)
    assert heard[:16] == [0] * 16 and heard[17:33] == [1] * 16 and heard[33:49] == [2] * 16
    assert heard[50:99] == [3] * 49  # a second of silence
    assert heard[99] in (0, 3)


def test_a_bell_rings_as_the_country_s_telephones_do():
    assert ring_cadence("uk") == (400, 200, 400, 2000)
    loud = [peak > 0 for peak in loudness(call_tone("ring", "uk"), 150)]
    expected = [True] * 20 + [False] * 10 + [True] * 20 + [False] * 100
    assert loud == expected


def test_a_tone_may_sound_a_number_of_times():
    tone = call_tone("waiting", "de", times=2)
    for _ in range(2 * (200 + 200 + 200 + 5000) // 20):
        assert not tone.is_finished
        tone.read(array("h", [0] * 160))
    assert tone.is_finished
