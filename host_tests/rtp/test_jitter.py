"""jitter: the ring addressed by time, and the wait it asks for."""

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp.jitter import LATE, OVERFLOW, Delays, JitterBuffer


def frame(value, samples=160):
    return bytes([value]) * samples


def put(buffer, value, position, samples=160):
    return buffer.put(frame(value, samples), 0, samples, position)


def test_octets_lie_where_their_position_says():
    b = JitterBuffer(4)
    assert put(b, 1, 0) == 160
    assert put(b, 3, 320) == 160
    assert b.run(640) == 160
    b.skip(160)
    assert b.gap() == 160
    assert put(b, 2, 160) == 160
    assert b.run(640) == 320
    assert b.octets[160:320] == frame(2)


def test_a_duplicate_adds_nothing():
    b = JitterBuffer(4)
    put(b, 1, 0)
    assert put(b, 9, 0) == 0
    assert b.octets[0] == 1


def test_the_ring_wraps_at_any_length_of_packet():
    for samples in (80, 160, 240, 320, 480):
        b = JitterBuffer(4)
        position = 0
        for n in range(20):
            assert put(b, n, position, samples) == samples
            assert b.run(samples) == samples
            assert b.octets[position % b.size] == n
            b.skip(samples)
            position += samples


def test_what_is_past_is_late_and_what_is_partly_past_still_helps():
    b = JitterBuffer(4)
    b.skip(200)
    assert put(b, 1, 0) == LATE
    assert put(b, 1, 40) == LATE
    assert put(b, 1, 80) == 40
    assert b.run(160) == 40


def test_what_the_ring_cannot_reach_is_refused_and_changes_nothing():
    b = JitterBuffer(4)
    assert put(b, 1, 640) == OVERFLOW
    assert put(b, 1, 488) == OVERFLOW
    assert b.end == 0 and b.gap() == -1
    assert put(b, 1, 480) == 160


def test_odd_lengths_lose_less_than_a_millisecond():
    b = JitterBuffer(4)
    assert put(b, 1, 0, 167) == 160
    assert put(b, 1, 0, 7) == 0


def test_a_gap_ends_where_octets_are_held():
    b = JitterBuffer(4)
    assert b.gap() == -1
    put(b, 1, 480)
    assert b.gap() == 480
    assert b.run_at(480, 160) == 160
    b.skip(640)
    assert b.gap() == -1


def test_filling_leaves_what_is_held():
    b = JitterBuffer(4)
    put(b, 1, 160)
    b.fill(255, 0, 9999)
    assert b.run(640) == 640
    assert b.octets[159] == 255 and b.octets[160] == 1 and b.octets[320] == 255


def test_clearing_and_rebasing_keep_the_ring_in_order():
    b = JitterBuffer(4)
    put(b, 1, 0)
    b.clear(320)
    assert b.position == 320 and b.gap() == -1
    b.skip(320)
    put(b, 5, 640)
    b.rebase(640)
    assert b.position == 0 and b.run(160) == 160


def waits(delays, transits, start_ms=0, step_ms=20):
    for n, transit in enumerate(transits):
        delays.note(transit, start_ms + n * step_ms)
    return delays.wait_ms


def test_the_wait_is_twenty_ms_on_a_quiet_line():
    assert waits(Delays(), [500] * 100) == 20


def test_the_wait_grows_with_one_late_packet():
    d = Delays()
    assert waits(d, [0] * 10) == 20
    assert waits(d, [90], 200) == 90
    assert d.least == 0


def test_the_wait_shrinks_after_sixteen_seconds():
    d = Delays()
    waits(d, [0, 90] * 50)
    waits(d, [0] * 700, 2000)
    assert d.wait_ms == 90
    waits(d, [0] * 200, 16000)
    assert d.wait_ms == 20


def test_one_spike_does_not_hold_the_wait_for_long():
    d = Delays()
    waits(d, [0] * 900)
    assert waits(d, [150], 18000) == 20  # alone in 16 s
    assert waits(d, [140], 19000) == 140  # not alone any more


def test_the_least_transit_follows_drift_both_ways():
    d = Delays()
    waits(d, [n // 100 for n in range(3000)])
    assert 20 <= d.least <= 30 and d.wait_ms == 20
    d = Delays()
    waits(d, [-(n // 100) for n in range(3000)])
    assert d.least == -29


def test_interarrival_jitter_follows_the_formula_of_rfc_3550():
    d = Delays()
    waits(d, [0, 10] * 500)
    assert 78 <= d.jitter >> 4 <= 80


def test_the_buffer_uses_no_heap():
    b = JitterBuffer(4)
    d = Delays()
    octets = frame(1)
    with NoAlloc():
        for n in range(200):
            b.put(octets, 0, 160, n * 160)
            d.note(n % 7, n * 20)
            b.run(160)
            b.gap()
            b.skip(160)
