"""digits: each press once, whichever way it came."""

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp.digits import END, INBAND, INFO, RFC4733, Digits


def events(digits):
    """Return what is in the queue: (code, way) of presses, (code, way, ms) of ends."""
    found = []
    while True:
        code = digits.next_event()
        if code < 0:
            return found
        if code < END:
            assert digits.duration_ms == 0
            found.append((code, digits.way))
        else:
            found.append((code - END, digits.way, digits.duration_ms))


def presses(digits):
    return [event[0] for event in events(digits) if len(event) == 2]


def test_presses_and_ends_come_in_order():
    d = Digits()
    for code in (1, 2, 2):
        assert d.press(code, RFC4733, 1000 * code)
        d.end(code, RFC4733, 800, 1000 * code + 100)
    expected = []
    for code in (1, 2, 2):
        expected += [(code, RFC4733), (code, RFC4733, 100)]
    assert events(d) == expected


def test_the_same_press_by_another_way_is_not_reported_again():
    d = Digits()
    assert d.press(5, RFC4733, 1000)
    assert not d.press(5, INBAND, 1100)
    d.end(5, RFC4733, 800, 1100)
    d.end(5, INBAND, 640, 1200)
    assert not d.press(5, INFO, 1300)
    assert events(d) == [(5, RFC4733), (5, RFC4733, 100)]


def test_the_same_key_later_by_another_way_is_another_press():
    d = Digits()
    d.press(5, RFC4733, 1000)
    d.end(5, RFC4733, 800, 1100)
    assert d.press(5, INBAND, 1600)
    assert not d.press(5, RFC4733, 1650)
    assert presses(d) == [5, 5]


def test_quick_presses_of_one_key_by_one_way_are_all_reported():
    d = Digits()
    for at in range(3):
        assert d.press(7, INBAND, 1000 + 80 * at)
        d.end(7, INBAND, 320, 1040 + 80 * at)
    assert events(d) == [(7, INBAND), (7, INBAND, 40)] * 3


def test_the_queue_has_an_end_and_takes_no_heap():
    d = Digits()
    with NoAlloc():
        for code in range(12):
            d.press(code, RFC4733, 1000 * code)
            d.end(code, RFC4733, 1 << 24, 1000 * code + 500)
    found = events(d)
    assert [event[0] for event in found] == [n // 2 for n in range(16)]
    assert found[15] == (7, RFC4733, 65535)
