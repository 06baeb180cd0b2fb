"""dtmf: digits heard in sound (Q.24), and nothing heard that is none."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp import g711
from usip.rtp.dtmf import Detector
from usip.rtp.event import digit_of

KEYS = "123A456B789C*0#D"
ROWS = (697, 770, 852, 941)
COLUMNS = (1209, 1336, 1477, 1633)
FULL = 22827  # 0 dBm0


class Random:
    """Gaussian enough noise, the same on every machine."""

    def __init__(self, seed):
        self.seed = seed

    def next(self):
        total = 0
        for _ in range(4):
            self.seed = (self.seed * 1021 + 24593) & 0xFFFFF
            total += self.seed >> 4
        return (total / 65536 - 2) * 1.732


def tones(keys, on_ms=80, off_ms=80, level=-9, twist=0, offset=0, noise=None, lead=200):
    """Yield the samples of *keys*; *twist* in dB of the column over the row, *offset* in %."""
    random = Random(1)
    size = 32767 * 10 ** (noise / 20) if noise is not None else 0
    scale = FULL * 10 ** (level / 20)
    a = scale * 10 ** (-twist / 40)
    b = scale * 10 ** (twist / 40)
    for _ in range(lead * 8):
        yield size * random.next()
    for key in keys:
        at = KEYS.index(key)
        low = 2 * pi * ROWS[at // 4] * (1 + offset / 100) / 8000
        high = 2 * pi * COLUMNS[at % 4] * (1 + offset / 100) / 8000
        for n in range(on_ms * 8):
            yield a * sin(low * n) + b * sin(high * n) + size * random.next()
        for _ in range(off_ms * 8):
            yield size * random.next()


def frames(samples):
    """Yield one array of 160 samples again and again, at the end filled up with silence."""
    pcm = array("h", [0] * 160)
    at = 0
    for sample in samples:
        pcm[at] = min(32767, max(-32768, round(sample)))
        at += 1
        if at == 160:
            yield pcm
            at = 0
    for _ in range(6):
        while at < 160:
            pcm[at] = 0
            at += 1
        yield pcm
        at = 0


def heard(samples):
    """Return the digits found in the samples, through mu-law."""
    detector = Detector()
    octets = bytearray(160)
    digits = ""
    for pcm in frames(samples):
        g711.ulaw_encode(pcm, 0, octets, 0, 160)
        g711.ulaw_decode(octets, 0, pcm, 0, 160)
        if detector.receive(pcm) & 1:
            digits += chr(digit_of(detector.code))
    return digits


def test_all_keys_are_heard():
    assert heard(tones(KEYS)) == KEYS


def test_short_digits_and_pauses_are_heard_wherever_they_begin():
    for lead in (200, 203, 207):
        assert heard(tones("159D*", 40, 40, lead=lead)) == "159D*"
    assert heard(tones("1590#", 30, 50)) == "1590#"


def test_what_is_shorter_than_23_ms_is_no_digit():
    for lead in (200, 203, 207):
        assert heard(tones("159D*", 23, 60, lead=lead)) == ""


def test_levels_from_0_to_minus_42_dbm0_are_heard():
    for level in (0, -20, -36, -42):
        assert heard(tones("147A", level=level)) == "147A", level


def test_twist_of_8_db_is_heard_and_of_16_is_not():
    for twist in (8, -8):
        assert heard(tones("147A", twist=twist)) == "147A", twist
        assert heard(tones("147A", twist=2 * twist)) == "", twist


def test_frequencies_1_5_percent_off_are_heard_and_3_5_are_not():
    for offset in (1.5, -1.5):
        assert heard(tones("158D", offset=offset)) == "158D", offset
    for offset in (3.5, -3.5):
        assert heard(tones("158D", offset=offset)) == "", offset


def test_digits_are_heard_through_noise():
    assert heard(tones("1590", noise=-20)) == "1590"
    assert heard(tones("1590", 40, 40, noise=-20)) == "1590"


def test_noise_and_single_tones_are_no_digit():
    assert heard(tones("", noise=-20, lead=2000)) == ""
    for hz in (350, 425, 440, 697, 941, 1209, 1633, 2100):
        assert heard(8000 * sin(2 * pi * hz * n / 8000) for n in range(4000)) == "", hz


def test_beginning_and_end_are_reported_with_the_duration():
    detector = Detector()
    begins = []
    ends = []
    at_ms = 0
    for pcm in frames(tones("5", 100, 100, lead=40)):
        result = detector.receive(pcm)
        if result & 1:
            begins.append((at_ms, detector.code))
        if result & 2:
            ends.append((detector.ended_code, detector.ended_duration // 8))
        at_ms += 20
    assert begins == [(60, 5)]
    assert len(ends) == 1 and ends[0][0] == 5 and 90 <= ends[0][1] <= 110


def test_detection_uses_no_heap():
    detector = Detector()
    kept = [array("h", pcm) for pcm in frames(tones("59", 40, 40, lead=20))]
    found = 0
    with NoAlloc():
        for pcm in kept:
            found += detector.receive(pcm) & 1
    assert found == 2
