"""ticks: the clock wraps at 2**30 and differences do not notice."""

from usip import ticks

WRAP = 1 << 30


def test_differences_cross_the_wrap():
    late = WRAP - 5
    assert ticks.ticks_add(late, 10) == 5
    assert ticks.ticks_diff(5, late) == 10
    assert ticks.ticks_diff(late, 5) == -10
    assert ticks.ticks_add(5, -10) == late


def test_the_earlier_of_two_deadlines_crosses_the_wrap_too():
    assert ticks.earliest(WRAP - 5, 5) == WRAP - 5
    assert ticks.earliest(5, WRAP - 5) == WRAP - 5
    assert ticks.earliest(ticks.NEVER, 7) == 7
    assert ticks.earliest(7, ticks.NEVER) == 7
    assert ticks.earliest(ticks.NEVER, ticks.NEVER) == ticks.NEVER


def test_the_clock_is_a_small_int_that_goes_on():
    first = ticks.ticks_ms()
    assert 0 <= first < WRAP
    assert 0 <= ticks.ticks_diff(ticks.ticks_ms(), first) < 10000
