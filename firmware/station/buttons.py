"""Debouncing: a button is pressed once its level was the same in three scans in a row."""

from micropython import const

_SCANS = const(3)  # at one scan every 10 ms: contacts bounce for up to 20 ms


class Buttons:
    """Watches the first *count* inputs of *pins*; no heap per scan."""

    def __init__(self, pins, count: int) -> None:
        self._pins = pins
        self._count = count
        self._steady = bytearray(count)  # the level that counts, 1 pressed
        self._scans = bytearray(count)  # for how many scans the level has been the other one

    def scan(self) -> int:
        """Return the input that has just been pressed, or -1; call until it is -1."""
        for i in range(self._count):
            if self._pins.read(i) == self._steady[i]:
                self._scans[i] = 0
                continue
            self._scans[i] += 1
            if self._scans[i] >= _SCANS:
                self._scans[i] = 0
                self._steady[i] ^= 1
                if self._steady[i]:
                    return i
        return -1

    def level(self, i: int) -> int:
        """Return 1 while input *i* is pressed, for as long as that has counted."""
        return self._steady[i]
