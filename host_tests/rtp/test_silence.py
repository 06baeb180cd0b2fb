"""silence: what is not said is not sent."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.limits import Limits
from usip.rtp import conceal
from usip.rtp.silence import Suppressor, noise_level
from usip.rtp.stream import Stream


def frame(size, seed=[1]):  # noqa: B006  (one seed for all)
    pcm = array("h", [0] * 160)
    seed[0] = conceal.noise(pcm, 0, 160, size, seed[0])
    return pcm


def decisions(suppressor, size, count):
    return [suppressor.decide(frame(size)) for _ in range(count)]


def test_the_level_of_noise_is_in_minus_dbov():
    # even noise of peak P has a mean of P/2 and an r.m.s. of P/1.73
    for peak, level in ((8000, 17), (800, 37), (80, 57), (16, 71)):
        assert abs(noise_level(peak // 2) - level) <= 1, peak
    assert noise_level(0) == 127
    assert noise_level(32768) == 0


def test_speech_is_sent_and_silence_after_200_ms_is_not():
    s = Suppressor()
    decisions(s, 60, 30)
    assert decisions(s, 4000, 20) == [0] * 20
    after = decisions(s, 60, 40)
    assert after[:9] == [0] * 9
    assert after[9:].count(1) == 1 and after[9] == 1
    assert s.level == 59 or s.level == 60
    assert after[10:] == [2] * 30


def test_the_level_is_repeated_each_second_and_when_it_changes():
    s = Suppressor()
    decisions(s, 20, 60)
    assert decisions(s, 20, 100).count(1) == 2
    decisions(s, 20, 60)
    assert 1 in decisions(s, 44, 3)


def test_a_first_syllable_is_sent_whole():
    s = Suppressor()
    decisions(s, 60, 100)
    assert decisions(s, 1000, 1) == [0]


def test_noise_that_stays_is_silence_in_the_end():
    s = Suppressor()
    decisions(s, 60, 50)
    decisions(s, 600, 500)
    assert 0 not in decisions(s, 600, 50)


def test_a_stream_suppresses_and_the_other_one_plays_the_noise():
    a = Stream(Limits(), bytes(range(16)))
    b = Stream(Limits(), bytes(range(16, 32)))
    a.configure(has_noise=True)
    out = array("h", [0] * 160)
    kinds = []
    for n in range(200):
        length = a.pack(frame(4000 if 50 <= n < 80 or n >= 150 else 60))
        if length:
            kinds.append((n, a.packet_view[1]))
            b.receive(a.packet_view, length, 1000 + 20 * n)
        b.play(out, 1000 + 20 * n)
        if n == 140:
            assert 15 < max(out) < 200
    assert (50, 0x80) in kinds and (150, 0x80) in kinds  # talk spurts begin with the marker
    assert 50 < len(kinds) < 110
    assert len([n for n, kind in kinds if kind == 13]) >= 2
    assert b.lost == 0 and b.concealed_ms <= 600


def test_suppressing_uses_no_heap():
    a = Stream(Limits(), bytes(range(16)))
    a.configure(has_noise=True)
    loud, quiet = frame(4000), frame(40)
    with NoAlloc():
        for n in range(120):
            a.pack(loud if n % 40 < 5 else quiet)
