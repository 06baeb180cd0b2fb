"""Runs on the VM: the heap of a door station in a call, as its own report of it says.

The key that calls is pressed by whoever holds standard input.
"""

import sys

from station import log, start

_REPORTS = 8  # of the heap after the answer, one each 250 ms: sound is flowing


class Watch:
    """Stands in place of `log.write`; the report that counts ends the program."""

    def __init__(self) -> None:
        self.reports = 0  # since the answer, once there was one
        self.is_answered = False

    def write(self, line: str) -> None:
        """Take one line of the log."""
        if '"answered"' in line:
            self.is_answered = True
        elif '"memory"' in line and self.is_answered:
            self.reports += 1
            if self.reports == _REPORTS:
                at = line.find('"mem_alloc": ') + 13
                print("state", line[at : line.find(",", at)])
                sys.exit(0)
        elif self.reports < _REPORTS and ('"error"' in line or '"ended"' in line):
            print(line)
            sys.exit(1)


log.write = Watch().write
start.run("config.json", "board.json")
