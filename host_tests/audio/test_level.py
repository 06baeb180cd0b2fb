"""level: gain with a limiter, and the high-pass filter."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.level import UNITY, Gain, HighPass, gain_of


def tone(hz, peak, first=0):
    return array("h", [round(peak * sin(2 * pi * hz * (first + i) / 8000)) for i in range(160)])


def test_unity_changes_nothing():
    pcm = tone(1000, 30000)
    before = list(pcm)
    Gain().apply(pcm)
    assert list(pcm) == before


def test_a_gain_is_applied_to_every_sample():
    for decibels, factor in ((-20, 0.1), (-6, 0.501), (6, 1.995), (12, 3.981)):
        gain = Gain(gain_of(decibels))
        pcm = tone(1000, 4000)
        wanted = [x * factor for x in pcm]
        gain.apply(pcm)
        assert max(abs(a - b) for a, b in zip(pcm, wanted)) < 12, decibels


def test_what_is_too_loud_is_limited():
    pcm = array("h", [20000, -20000] * 80)
    Gain(gain_of(18)).apply(pcm)
    assert list(pcm) == [32767, -32768] * 80


def test_a_change_is_a_ramp():
    gain = Gain()
    gain.target = 0
    pcm = array("h", [10000] * 160)
    gain.apply(pcm)
    steps = [a - b for a, b in zip(pcm, pcm[1:])]
    assert pcm[0] > 9900 and pcm[159] == 0 and 0 <= min(steps) and max(steps) < 80
    gain.target = UNITY
    pcm = array("h", [10000] * 160)
    gain.apply(pcm, 40)
    assert pcm[0] < 300 and list(pcm[40:]) == [10000] * 120


def test_the_high_pass_takes_out_hum_and_leaves_speech():
    def through(hz):
        high_pass = HighPass(120)
        for n in range(20):
            pcm = tone(hz, 10000, 160 * n)
            high_pass.apply(pcm)
        return max(pcm) / 10000

    assert through(1000) > 0.97
    assert 0.6 < through(120) < 0.8
    assert through(25) < 0.25


def test_the_high_pass_removes_an_offset():
    high_pass = HighPass(120)
    for _ in range(20):
        pcm = array("h", [12000] * 160)
        high_pass.apply(pcm)
    assert max(abs(x) for x in pcm) <= 2


def test_the_high_pass_limits_and_uses_no_heap():
    high_pass = HighPass()
    gain = Gain(gain_of(10))
    pcm = array("h", ([32767] * 20 + [-32768] * 20) * 4)
    with NoAlloc():
        high_pass.apply(pcm)
        gain.apply(pcm)
    assert max(pcm) == 32767 and min(pcm) == -32768
