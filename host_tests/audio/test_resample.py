"""resample: 16 kHz to 8 and back."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.resample import Decimator, Interpolator


def frames(hz, rate, count, size=8000):
    """Yield frames of 20 ms of a tone."""
    n = rate // 50
    for f in range(count):
        yield array("h", [round(size * sin(2 * pi * hz * (f * n + i) / rate)) for i in range(n)])


def level(samples):
    """Return the peak of a tone whose energy is that of *samples*."""
    return (2 * sum(x * x for x in samples) / len(samples)) ** 0.5


def test_speech_passes_and_what_would_fold_back_does_not():
    for hz, low, high in ((300, 7980, 8010), (3000, 7950, 8010), (4700, 0, 32), (7000, 0, 32)):
        decimator = Decimator()
        pcm = array("h", [0] * 160)
        out = []
        for frame in frames(hz, 16000, 6):
            decimator.apply(frame, pcm)
            out.extend(pcm)
        assert low <= level(out[160:]) <= high, (hz, level(out[160:]))


def test_upsampled_sound_has_no_image():
    for hz in (300, 1000, 3000):
        interpolator = Interpolator()
        wide = array("h", [0] * 320)
        out = []
        for frame in frames(hz, 8000, 6):
            interpolator.apply(frame, wide)
            out.extend(wide)
        # the best fit of the tone leaves nothing
        rest = [out[i] - (out[i - 160] if hz % 100 == 0 else 0) for i in range(480, 1920)]
        assert level(out[320:]) > 7950 and level(rest) < 40, hz


def test_the_loudest_sound_is_limited():
    decimator, interpolator = Decimator(), Interpolator()
    wide = array("h", [32767 if i // 8 % 2 else -32768 for i in range(320)])
    pcm = array("h", [0] * 160)
    for _ in range(2):
        decimator.apply(wide, pcm)
    assert max(pcm) == 32767 and min(pcm) == -32768
    interpolator.apply(array("h", [32767 if i // 4 % 2 else -32768 for i in range(160)]), wide)
    assert max(wide) == 32767 and min(wide) == -32768


def test_no_frame_uses_heap():
    decimator, interpolator = Decimator(), Interpolator()
    wide = array("h", [32767, -32768] * 160)
    pcm = array("h", [0] * 160)
    with NoAlloc():
        decimator.apply(wide, pcm)
        interpolator.apply(pcm, wide)
