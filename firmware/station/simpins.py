"""Inputs of a simulated board: lines on standard input in place of fingers.

    press N     release N     quit

The end of the input means quit, so that no station outlives who started it, and so do SIGINT and
SIGTERM. Outputs go nowhere: what they switch is in the log.
"""

import select
import sys

from usip.ticks import ticks_add, ticks_diff, ticks_ms


class Pins:
    """*inputs* buttons, all released; `is_stopped` after quit."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.is_stopped = False
        self._pressed = bytearray(inputs)
        self._outputs = bytearray(outputs)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._ipoll = getattr(self._poll, "ipoll", self._poll.poll)
        self._signals = _signals()
        if self._signals is not None:
            self._poll.register(self._signals, select.POLLIN)

    def poll(self) -> None:
        """Take the lines that came; no heap when there is none."""
        if self.is_stopped:
            return
        for ready in self._ipoll(0):
            if ready[0] is sys.stdin:
                self.obey(sys.stdin.readline())
            else:
                self.is_stopped = True

    def obey(self, line: str) -> None:
        """Do what *line* says; one that says nothing known is ignored."""
        words = line.split()
        if not line or words == ["quit"]:
            self.is_stopped = True
        elif len(words) == 2 and words[1].isdigit() and int(words[1]) < len(self._pressed):
            if words[0] in ("press", "release"):
                self._pressed[int(words[1])] = words[0] == "press"

    def read(self, i: int) -> int:
        """Return 1 while input *i* is pressed."""
        return self._pressed[i]

    def write(self, i: int, on: int) -> None:
        """Switch output *i*."""
        self._outputs[i] = on

    def watchdog(self, timeout_ms: int) -> "Watchdog":
        """Return a watchdog that has begun to run."""
        return Watchdog(self, timeout_ms)


class Watchdog:
    """Ends the program with status 3 when it was not fed in time, as seen at the next `poll`."""

    def __init__(self, pins, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._poll = pins.poll
        pins.poll = self.poll
        self.feed()

    def feed(self) -> None:
        """Begin anew."""
        self._late_at = ticks_add(ticks_ms(), self._timeout_ms)

    def poll(self) -> None:
        """In place of the pins'."""
        if ticks_diff(ticks_ms(), self._late_at) > 0:
            sys.exit(3)
        self._poll()


def _signals():
    try:
        from station import simsignals
    except ImportError:  # CPython, where no station is alone in its process
        return None
    found = simsignals.open_signals()
    del sys.modules["station.simsignals"]
    return found
