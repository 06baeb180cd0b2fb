"""The millisecond clock, which wraps at 2**30 on every machine.

A clock value is 0 .. 2**30 - 1, a small int on a 32-bit VM; `NEVER` is no deadline.
Differences are right for spans under 2**29 ms (6.2 days).
"""

from micropython import const

NEVER = const(-1)

try:
    from time import ticks_add, ticks_diff, ticks_ms
except ImportError:
    from time import monotonic_ns

    _PERIOD = 1 << 30
    _HALF = 1 << 29

    def ticks_ms() -> int:
        """Return the clock, 0 .. 2**30 - 1."""
        return monotonic_ns() // 1000000 % _PERIOD

    def ticks_add(ticks: int, delta_ms: int) -> int:
        """Return the clock value *delta_ms* after *ticks* (before, when negative)."""
        return (ticks + delta_ms) % _PERIOD

    def ticks_diff(a: int, b: int) -> int:
        """Return the milliseconds from *b* to *a*, negative when *a* is earlier."""
        return (a - b + _HALF) % _PERIOD - _HALF


def earliest(a: int, b: int) -> int:
    """Return the earlier of two deadlines, either of which may be NEVER."""
    if a < 0:
        return b
    if b < 0 or ticks_diff(a, b) <= 0:
        return a
    return b


def is_due(at: int, now_ms: int) -> bool:
    """Whether a deadline has come; NEVER never does."""
    return at >= 0 and ticks_diff(now_ms, at) >= 0
