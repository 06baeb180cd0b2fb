"""conceal: waveform repair in place."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp import conceal


def wave(samples, period, peak=8000, phase=0):
    return array("h", [int(peak * sin(2 * pi * (n + phase) / period)) for n in range(samples)])


def worst(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


def beside(lag, period):
    """Return how far the lag is from a number of whole periods."""
    rest = lag % period
    return min(rest, period - rest)


def test_the_lag_is_whole_periods_forwards_and_backwards():
    for period in (35, 50, 77, 100, 133):
        pcm = wave(400, period)
        # a richer wave, so that no half period fits
        for n in range(400):
            pcm[n] += int(3000 * sin(4 * pi * n / period + 1))
        assert beside(conceal.find_lag(pcm, 320, 80, 32, 140, -1), period) <= 1
        assert beside(conceal.find_lag(pcm, 0, 80, 32, 140, 1), period) <= 1


def test_a_periodic_wave_is_extended_without_a_fault():
    expected = wave(480, 64)
    pcm = array("h", expected)
    for n in range(320, 480):
        pcm[n] = 0
    conceal.extend(pcm, 320, 100, 64, 0, 999, 16384)
    conceal.extend(pcm, 420, 60, 64, 100, 999, 16384)  # the same run, in a second frame
    assert worst(pcm, expected) <= 2


def test_an_extension_fades():
    pcm = wave(1280, 64)
    conceal.extend(pcm, 320, 960, 64, 0, 80, 14000)
    assert max(pcm[320:400]) > 7900
    assert max(pcm[1200:]) < 2000


def test_a_periodic_wave_is_extended_backwards_without_a_fault():
    expected = wave(480, 64)
    out = array("h", [0] * 160)
    conceal.extend_back(expected, 200, 160, 64, out)
    assert worst(out, expected[40:200]) <= 2


def test_a_cross_fade_goes_from_one_to_the_other():
    pcm = array("h", [1000] * 100)
    other = array("h", [-1000] * 100)
    conceal.crossfade(pcm, 0, other, 100, 0)
    assert pcm[0] > 950 and abs(pcm[49]) < 40 and pcm[99] < -950
    pcm = array("h", [1000] * 100)
    conceal.crossfade(pcm, 0, other, 100, 1)
    assert pcm[0] < -950 and pcm[99] > 950


def test_loud_samples_do_not_overflow():
    pcm = array("h", [32767, -32768] * 200)
    other = array("h", [-32768, 32767] * 80)
    conceal.crossfade(pcm, 240, other, 160, 0)
    assert max(pcm) == 32767 and min(pcm) == -32768
    conceal.extend(pcm, 240, 160, 40, 0, 999, 16384)
    assert list(pcm[240:400]) == [32767, -32768] * 80
    assert conceal.level(pcm, 0, 160) > 32000
    assert conceal.find_lag(pcm, 160, 80, 32, 140, -1) % 2 == 0


def test_leaving_out_a_period_is_not_seen():
    pcm = wave(320, 64)
    conceal.shrink(pcm, 0, 320, 64, 80)
    assert worst(pcm[:256], wave(256, 64)) <= 2


def test_repeating_a_period_is_not_seen():
    pcm = wave(480, 64)
    conceal.stretch(pcm, 200, 200, 64, 60)
    assert worst(pcm[:464], wave(464, 64)) <= 2


def test_mismatch_tells_the_like_from_the_unlike():
    pcm = wave(400, 64)
    assert conceal.mismatch(pcm, 0, 80, 64) == 0
    assert conceal.mismatch(pcm, 0, 80, 32) > 150
    assert conceal.mismatch(array("h", [0] * 200), 0, 80, 64) == 0


def test_noise_has_the_size_asked_for_and_no_bias():
    pcm = array("h", [0] * 1600)
    seed = conceal.noise(pcm, 0, 1600, 400, 1)
    assert seed != 1
    assert 350 < max(pcm) <= 400 and -400 <= min(pcm) < -350
    assert abs(sum(pcm)) < 1600 * 20
    conceal.noise(pcm, 0, 1600, 0, 1)
    assert max(pcm) == 0 and min(pcm) >= -1


def test_repair_uses_no_heap():
    pcm = wave(880, 64, 30000)
    other = array("h", [0] * 160)
    with NoAlloc():
        lag = conceal.find_lag(pcm, 240, 80, 32, 140, -1)
        conceal.extend(pcm, 320, 160, lag, 0, 80, 14000)
        conceal.extend_back(pcm, 480, 160, lag, other)
        conceal.crossfade(pcm, 320, other, 160, 0)
        conceal.shrink(pcm, 320, 320, lag, 80)
        conceal.stretch(pcm, 480, 160, 160, 80)
        conceal.mismatch(pcm, 320, 80, lag)
        conceal.level(pcm, 320, 160)
        conceal.noise(pcm, 320, 160, 8191, 0xFFFFF)
        conceal.move(pcm, 0, 160, 880)
        conceal.copy(other, 0, pcm, 0, 160)
