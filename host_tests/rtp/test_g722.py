"""g722: bit-exact with an independent coder, and what it does to sound.

The sums were taken of what spandsp 0.0.6 makes of the same input: host_tests/interop/
test_g722_host.py compares the two octet by octet. Nobody's vectors are needed here.
"""

import hashlib
from array import array
from math import cos, pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp.g722 import Coder

FRAMES = 50
WIDE_OCTETS = "44bd0e4faa37"
WIDE_SOUND = "ee4a6173c3c4"
NARROW_OCTETS = "e6fa464c45f9"
NARROW_SOUND = "dcab379cccc3"
RANDOM_SOUND = "169d9a3571b1"


def noise(count, size, seed=1):
    """Return *count* values of -size .. size that every machine makes alike."""
    out = array("h", [0] * count)
    for i in range(count):
        seed = (seed * 1021 + 24593) & 0xFFFFF
        out[i] = ((seed >> 4 & 0xFFFF) - 32768) * size >> 15
    return out


def signal(count):
    """Return noise that swells and fades, and is silent at times."""
    out = noise(count, 16000)
    for i in range(count):
        out[i] = out[i] * (i % 4000) // 4000 if i // 4000 % 4 else 0
    return out


def encoded(coder, pcm, size):
    """Return the octets of all whole frames of *size* samples."""
    out = bytearray(len(pcm) // size * 160)
    for n in range(len(pcm) // size):
        coder.encode(array("h", pcm[n * size : (n + 1) * size]), out, 160 * n)
    return bytes(out)


def decoded(coder, octets, size):
    pcm = array("h", [0] * (len(octets) // 160 * size))
    for n in range(len(octets) // 160):
        coder.decode(octets, 160 * n, pcm, n * size, 160)
    return pcm


def digest(data):
    out = hashlib.sha256(bytes(data)).digest()
    return "".join("%02x" % out[i] for i in range(6))


def tone(hz, rate, count, size=8000):
    return array("h", [round(size * sin(2 * pi * hz * i / rate)) for i in range(count)])


def share(pcm, hz, rate):
    """Return the level of *hz* in pcm[800:], beside that of a tone of 8000, in percent."""
    a = b = 0
    for i in range(800, len(pcm)):
        a += pcm[i] * cos(2 * pi * hz * i / rate)
        b += pcm[i] * sin(2 * pi * hz * i / rate)
    return 100 * 2 * (a * a + b * b) ** 0.5 / (len(pcm) - 800) / 8000


def test_octets_and_sound_at_16_khz_are_those_of_an_independent_coder():
    octets = encoded(Coder(True), signal(320 * FRAMES), 320)
    assert digest(octets) == WIDE_OCTETS
    assert digest(decoded(Coder(True), octets, 320)) == WIDE_SOUND


def test_octets_and_sound_at_8_khz_are_those_of_an_independent_coder():
    octets = encoded(Coder(), signal(160 * FRAMES), 160)
    assert digest(octets) == NARROW_OCTETS
    assert digest(decoded(Coder(), octets, 160)) == NARROW_SOUND


def test_random_octets_decode_to_those_of_an_independent_decoder():
    octets = bytes([x >> 4 & 255 for x in noise(160 * FRAMES, 32767)])
    assert digest(decoded(Coder(), octets, 160)) == RANDOM_SOUND


def test_7_khz_pass_in_wideband():
    for hz in (300, 1000, 3300, 5000, 6500):
        pcm = decoded(Coder(True), encoded(Coder(True), tone(hz, 16000, 3200), 320), 320)
        assert 85 < share(pcm, hz, 16000) < 115, hz


def test_a_narrow_end_talks_with_a_wide_one():
    for hz in (400, 1500, 3000):
        pcm = decoded(Coder(), encoded(Coder(True), tone(hz, 16000, 3200), 320), 160)
        assert 85 < share(pcm, hz, 8000) < 115, hz
        pcm = decoded(Coder(True), encoded(Coder(), tone(hz, 8000, 1600), 160), 320)
        assert 85 < share(pcm, hz, 16000) < 115, hz
        assert share(pcm, 8000 - hz, 16000) < (10 if hz == 3000 else 1), hz  # its image


def test_any_division_into_pieces_decodes_alike():
    octets = encoded(Coder(True), signal(320 * 8), 320)
    whole = decoded(Coder(True), octets, 320)
    for size in (8, 40, 80, 160):
        coder = Coder(True)
        pcm = array("h", [0] * 2560)
        for at in range(0, 1280, size):
            coder.decode(octets, at, pcm, 2 * at, size)
        assert pcm == whole, size


def test_a_look_ahead_leaves_no_trace():
    octets = encoded(Coder(True), signal(320 * 8), 320)
    coder = Coder(True)
    pcm = array("h", [0] * 2560)
    for n in range(8):
        coder.keep()
        coder.decode(octets, 160 * (7 - n), pcm, 320 * n, 160)
        coder.restore()
        coder.decode(octets, 160 * n, pcm, 320 * n, 160)
    assert pcm == decoded(Coder(True), octets, 320)


def test_its_silence_is_silent():
    for is_wide in (False, True):
        coder = Coder(is_wide)
        size = 320 if is_wide else 160
        pcm = decoded(coder, bytes([coder.silence]) * 1600, size)
        assert max(pcm) == min(pcm) == 0


def test_no_frame_uses_heap():
    for is_wide in (False, True):
        coder = Coder(is_wide)
        pcm = noise(320 if is_wide else 160, 32767)
        buf = bytearray(160)
        with NoAlloc():
            for _ in range(3):
                coder.encode(pcm, buf, 0)
                coder.keep()
                coder.decode(buf, 0, pcm, 0, 160)
                coder.restore()
                coder.decode(buf, 0, pcm, 0, 160)
