"""Inputs and outputs of a board: GPIO numbers and active levels from board.json."""

import machine


class Pins:
    """*inputs* and *outputs* are lists of {"gpio": n, "active": 0|1}; inputs get a pull."""

    is_stopped = False  # a board runs until its power goes

    def __init__(self, inputs: list, outputs: list) -> None:
        pin = machine.Pin
        self._active = bytes(entry["active"] for entry in inputs)
        self._inputs = [
            pin(entry["gpio"], pin.IN, pin.PULL_DOWN if entry["active"] else pin.PULL_UP)
            for entry in inputs
        ]
        self._levels = bytes(entry["active"] for entry in outputs)
        self._outputs = [
            pin(entry["gpio"], pin.OUT, value=1 - entry["active"]) for entry in outputs
        ]

    def poll(self) -> None:
        """Nothing: `read` asks the pin."""

    def read(self, i: int) -> int:
        """Return 1 while input *i* is pressed. No heap."""
        return 1 if self._inputs[i].value() == self._active[i] else 0

    def write(self, i: int, on: int) -> None:
        """Switch output *i*."""
        self._outputs[i].value(self._levels[i] if on else 1 - self._levels[i])

    def watchdog(self, timeout_ms: int):
        """Return the chip's watchdog, which runs from now on and cannot be stopped."""
        return machine.WDT(timeout=timeout_ms)
