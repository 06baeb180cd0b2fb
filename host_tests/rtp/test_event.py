"""event: telephone-events, RFC 4733, both ways."""

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp.event import EventReceiver, EventSender, digit_of, event_code

PRESS, END, BOTH, REPLACED = 1, 2, 3, 4


def event_packet(code, duration, timestamp=1000, marker=False, end=False):
    head = bytes([0x80, 101 | (0x80 if marker else 0), 0, 1]) + timestamp.to_bytes(4, "big")
    return head + b"ssrc" + bytes([code, 10 | (0x80 if end else 0), duration >> 8, duration & 255])


def give(receiver, *args, **named):
    now_ms = named.pop("now_ms", 0)
    return receiver.receive(event_packet(*args, **named), 12, 16, now_ms)


def test_digits_and_event_codes_map_both_ways():
    for code, digit in enumerate(b"0123456789*#ABCD!"):
        assert event_code(digit) == code
        assert digit_of(code) == digit
    assert event_code(ord("d")) == 15
    assert event_code(ord("x")) == -1
    assert digit_of(17) == digit_of(-1) == -1


def test_a_press_is_reported_at_its_first_packet_and_once_at_its_end():
    r = EventReceiver()
    got = [give(r, 5, 160, marker=True), give(r, 5, 320), give(r, 5, 480)]
    got += [give(r, 5, 640, end=True) for _ in range(3)]
    assert got == [PRESS, 0, 0, END, 0, 0]
    assert (r.code, r.duration) == (5, 640)


def test_the_marker_may_be_missing_or_lost():
    r = EventReceiver()
    assert give(r, 5, 320) == PRESS
    assert give(r, 5, 480, end=True) == END
    assert give(r, 5, 160, timestamp=2000) == PRESS


def test_two_presses_of_one_key_are_two():
    r = EventReceiver()
    for timestamp in (1000, 3000):
        assert give(r, 1, 160, timestamp=timestamp, marker=True) == PRESS
        assert give(r, 1, 800, timestamp=timestamp, end=True) == END


def test_one_end_packet_alone_is_a_press_and_its_end():
    r = EventReceiver()
    assert give(r, 9, 800, end=True) == BOTH
    assert give(r, 9, 800, end=True) == 0
    assert r.duration == 800


def test_all_end_packets_lost_ends_by_time():
    r = EventReceiver()
    assert give(r, 3, 160, now_ms=100) == PRESS
    give(r, 3, 320, now_ms=120)
    assert r.handle_timer(300) == 0
    assert r.handle_timer(320) == END
    assert r.duration == 320
    assert r.handle_timer(400) == 0


def test_the_next_press_ends_one_whose_end_was_lost():
    r = EventReceiver()
    give(r, 3, 480)
    assert give(r, 4, 160, timestamp=2000) == REPLACED
    assert (r.previous_code, r.previous_duration) == (3, 480)
    assert give(r, 5, 160, timestamp=9000, end=True) == REPLACED + END


def test_reordered_packets_change_nothing():
    r = EventReceiver()
    give(r, 3, 160)
    give(r, 3, 480)
    assert give(r, 3, 320) == 0
    assert r.duration == 480
    give(r, 3, 640, end=True)
    give(r, 4, 160, timestamp=2000)
    assert give(r, 3, 640, end=True) == 0  # of the event before
    assert r.code == 4 and r.is_open


def test_a_long_event_in_segments_is_one_press():
    r = EventReceiver()
    give(r, 7, 160, timestamp=0xFFFF0000, marker=True)
    give(r, 7, 65535, timestamp=0xFFFF0000)
    assert give(r, 7, 160, timestamp=0xFFFFFFFF) == 0
    assert give(r, 7, 320, timestamp=0xFFFFFFFF, end=True) == END
    assert r.duration == 65535 + 320


def test_malformed_and_unknown_events_are_refused():
    r = EventReceiver()
    assert r.receive(event_packet(1, 160), 12, 15, 0) == -1
    assert give(r, 17, 160) == -1
    assert give(r, 255, 160) == -1
    assert not r.is_open


def sent(codes, frames):
    """Return what a sender gives for *frames* frames: (needs, code, is_end, duration) or None."""
    s = EventSender()
    for code, ms in codes:
        assert s.queue(code, ms)
    buf = bytearray(16)
    found = []
    for _ in range(frames):
        if not s.is_busy():
            break
        needs = s.put_next(buf, 12)
        found.append((needs, buf[12], buf[13] >> 7, buf[14] << 8 | buf[15]) if needs else None)
    return found


def test_a_digit_is_sent_with_marker_updates_and_three_ends():
    assert sent([(5, 100)], 50) == [
        (3, 5, 0, 160),
        (1, 5, 0, 320),
        (1, 5, 0, 480),
        (1, 5, 0, 640),
        (1, 5, 1, 800),
        (1, 5, 1, 800),
        (1, 5, 1, 800),
        None,
        None,
    ]


def test_digits_follow_each_other_after_a_pause():
    found = sent([(1, 40), (2, 40)], 50)
    assert [entry[1] if entry else None for entry in found] == [1] * 4 + [None] * 2 + [2] * 4 + [
        None
    ] * 2


def test_a_long_digit_goes_on_in_segments():
    found = sent([(11, 20000)], 2000)
    starts = [entry[0] >> 2 for entry in found if entry and entry[0] >> 2]
    assert starts == [65280, 65280]
    assert [entry[0] & 2 for entry in found if entry].count(2) == 1
    last = [entry for entry in found if entry][-1]
    assert sum(starts) + last[3] == 20000 * 8


def test_the_queue_has_an_end():
    s = EventSender()
    for _ in range(16):
        assert s.queue(1, 100)
    assert not s.queue(1, 100)


def test_events_use_no_heap():
    s = EventSender()
    r = EventReceiver()
    buf = bytearray(event_packet(1, 0))
    with NoAlloc():
        s.queue(5, 200)
        s.queue(6, 200)
        while s.is_busy():
            needs = s.put_next(buf, 12)
            if needs & 2:
                buf[6] += 8
            r.receive(buf, 12, 16, 0)
        r.handle_timer(1000)
    assert r.code == 6 and r.duration == 1600
