"""Inputs of a simulated board: lines on standard input in place of fingers.

    press N     release N     quit

The end of the input means quit, so that no station outlives who started it. Outputs go nowhere:
what they switch is in the log.
"""

import select
import sys


class Pins:
    """*inputs* buttons, all released; `is_stopped` after quit."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.is_stopped = False
        self._pressed = bytearray(inputs)
        self._outputs = bytearray(outputs)
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._ipoll = getattr(self._poll, "ipoll", self._poll.poll)

    def poll(self) -> None:
        """Take the lines that came; no heap when there is none."""
        if self.is_stopped:
            return
        for _ in self._ipoll(0):
            self.obey(sys.stdin.readline())

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
