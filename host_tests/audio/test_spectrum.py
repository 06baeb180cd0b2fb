"""spectrum: transforms of 64 samples in integers."""

from array import array
from math import cos, pi

from host_tests.fakes.noalloc import NoAlloc
from usip.audio import spectrum

SINES, ORDER = spectrum.tables()


def ints(n=64):
    return array("i", [0] * n)


def wave(hz, peak):
    return array("i", [round(peak * cos(2 * pi * hz * i / 64)) for i in range(64)])


def test_a_sine_has_one_bin():
    z = ints()
    for k in (1, 2, 5, 16, 17, 31):
        spectrum.forward(z, wave(k, 8000), SINES, ORDER)
        for i in range(64):
            wanted = 32 * 8000 if i == 2 * k else 0
            assert abs(z[i] - wanted) < 300, (k, i, z[i])


def test_the_mean_and_half_the_rate_are_the_first_two():
    z = ints()
    spectrum.forward(z, array("i", [100] * 64), SINES, ORDER)
    assert z[0] == 6400 and z[1] == 0
    spectrum.forward(z, array("i", [100, -100] * 32), SINES, ORDER)
    assert z[0] == 0 and z[1] == 6400


def test_backward_gives_the_samples_again():
    seed = 1
    t = ints()
    for i in range(64):
        seed = (seed * 1021 + 24593) & 0xFFFFF
        t[i] = (seed >> 7) - 4096
    z, settled, back = ints(), ints(), ints()
    logs = ints(33)
    spectrum.forward(z, t, SINES, ORDER)
    shift = spectrum.settle(z, 0, settled, 0, logs, 0, 1) - 4
    spectrum.backward(back, settled, SINES, ORDER, ints())
    for i in range(64):
        value = back[i] << shift if shift >= 0 else back[i] >> -shift
        assert abs(value - t[i]) < 6, i


def test_powers_are_logarithms():
    z, settled = ints(), ints()
    logs = ints(33)
    z[0] = 16000
    z[20], z[21] = 300, 400
    z[1] = -1
    assert spectrum.settle(z, 0, settled, 0, logs, 0, 0) == 0
    for k, wanted in ((0, 27.932), (10, 17.932), (32, 0), (5, -32)):
        assert abs(logs[k] / 1024 - wanted) < 0.09, k
    z[0] = 4 * 16000
    assert spectrum.settle(z, 0, settled, 0, logs, 0, 0) == 2
    assert abs(logs[10] / 1024 - 17.932 + 4) < 0.09


def test_sums_of_logarithms():
    assert spectrum.log_sum(5000, 5000) == 6024
    assert spectrum.log_sum(5000, 4000) == spectrum.log_sum(4000, 5000)
    assert abs(spectrum.log_sum(2048, 1024) - 1024 * 2.585) < 100
    assert spectrum.log_sum(5000, -30000) == 5000
    assert spectrum.power_of(0) == 1024 and spectrum.power_of(-1024) == 512
    assert spectrum.power_of(-20000) == 0


def test_transforms_use_no_heap():
    t, z, work = wave(3, 8000), ints(), ints()
    logs = ints(33)
    with NoAlloc():
        spectrum.forward(z, t, SINES, ORDER)
        spectrum.settle(z, 0, z, 0, logs, 0, 1)
        spectrum.backward(t, z, SINES, ORDER, work)
