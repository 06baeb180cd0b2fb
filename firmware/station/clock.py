"""The time of day, for what is done otherwise by night.

A board's clock is UTC, set by NTP; before that it says 2000, and then it is day. Where the zone
changes its time by rule is `summer`: eu from the last Sunday of March to the last of October at
01:00 UTC, us from the second Sunday of March to the first of November, here at 08:00 UTC for all.
"""

import time

_FIRST_YEAR = 2024  # a clock that says less was never set


def seconds() -> int:
    """Return the clock; the simulator in virtual time puts another function here."""
    return int(time.time())


def is_night(night: dict) -> bool:
    """Whether it is between `from` and `to` (minutes of the day) at the place of *night*."""
    now = minute(night["utc_offset_min"], night["summer"])
    if now < 0:
        return False
    begin, end = night["from"], night["to"]
    if begin <= end:
        return begin <= now < end
    return now >= begin or now < end


def minute(utc_offset_min: int, summer: str) -> int:
    """Return the minute of the local day, -1 while the clock is not set."""
    year, month, day, hour, minute_, _, weekday = time.gmtime(seconds())[:7]
    if year < _FIRST_YEAR:
        return -1
    at = 60 * hour + minute_ + utc_offset_min
    if summer != "none" and _is_summer(summer, month, day, hour, weekday):
        at += 60
    return at % 1440


def _is_summer(rule, month, day, hour, weekday) -> bool:
    """*weekday*: Monday is 0. The changes are on Sundays."""
    if rule == "eu":
        first, last, change = 3, 10, 1
        begin = end = 25  # the last Sunday of 31 days is the 25th or later
    else:
        first, last, change = 3, 11, 8
        begin, end = 8, 1
    if not first <= month <= last:
        return False
    if first < month < last:
        return True
    earliest = begin if month == first else end
    sunday = day - (weekday + 1) % 7  # the Sunday of this week or before
    if sunday < earliest:
        is_past = False
    else:
        is_past = day > sunday or hour >= change or sunday >= earliest + 7
    return is_past == (month == first)
