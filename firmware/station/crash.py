"""Crashes: counted and kept over restarts, so that a station that cannot run stops trying.

After `MOST` crashes without ten good minutes in between it starts in safe mode: no sockets, no
calls, the reason shown, and whoever has a console or the file crash.json can read it. After ten
minutes there it tries once more. Nothing is written while all is well.
"""

import json
import os

from micropython import const

from usip.ticks import ticks_add, ticks_diff, ticks_ms

FILE = "crash.json"
MOST = 3

_GOOD_MS = const(600000)
_LONGEST = const(500)  # characters of the reason


def read() -> tuple:
    """Return (crashes since the last good run, why it was the last time)."""
    try:
        with open(FILE) as file:
            kept = json.load(file)
        return int(kept["count"]), str(kept["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""


def note(reason: str, count: int) -> None:
    """Keep *reason* as that of crash number *count*; a full flash keeps nothing."""
    try:
        with open(FILE, "w") as file:
            json.dump({"count": count, "reason": reason[-_LONGEST:]}, file)
    except OSError:
        pass  # nothing more can be done, and the reason has been printed


def text_of(error) -> str:
    """Return an exception's traceback as text."""
    import io
    import sys

    out = io.StringIO()
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, out)
    else:
        import traceback

        traceback.print_exception(error, file=out)
    return out.getvalue()


class Recovery:
    """A part of a station that has crashed before: after ten good minutes that is forgotten."""

    def __init__(self, parts: list) -> None:
        self._parts = parts
        self._good_at = ticks_add(ticks_ms(), _GOOD_MS)

    def tick(self, now_ms: int) -> None:
        """Forget when it is time."""
        if ticks_diff(now_ms, self._good_at) >= 0:
            try:
                os.remove(FILE)
            except OSError:
                pass  # somebody else removed it
            self._parts.remove(self)

    def finish(self) -> None:
        """Nothing to release."""


async def wait_in_safe_mode(board: dict, pins, reason: str) -> None:
    """Blink, and do nothing else, for ten minutes or until told to stop."""
    from station import log
    from usip import sleep_ms

    log.say("safe_mode", "reason", reason)
    end_at = ticks_add(ticks_ms(), _GOOD_MS)
    while not pins.is_stopped and ticks_diff(end_at, ticks_ms()) > 0:
        pins.poll()
        if board["led"] is not None:
            pins.write(board["led"], 0x0A8A >> (ticks_ms() >> 7 & 15) & 1)
        await sleep_ms(50)
    note(reason, MOST - 1)
