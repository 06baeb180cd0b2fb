"""A relay that closes for a while: the door opener."""

from usip import ticks


class Relay:
    """Output *output* of *pins*, closed for *pulse_ms* whenever *code* is dialled.

    *say* is told of each change, as `Station.say`.
    """

    def __init__(self, pins, output: int, code: str, pulse_ms: int, say) -> None:
        self.code = code
        self._pins = pins
        self._output = output
        self._pulse_ms = pulse_ms
        self._say = say
        self._open_at = ticks.NEVER
        pins.write(output, 0)

    def pulse(self, now_ms: int) -> None:
        """Close the contact; a second call while it is closed makes the pulse longer."""
        if self._open_at < 0:
            self._switch(1)
        self._open_at = ticks.ticks_add(now_ms, self._pulse_ms)

    def tick(self, now_ms: int) -> None:
        """Open the contact when its time is over. No heap until then."""
        if self._open_at >= 0 and ticks.ticks_diff(now_ms, self._open_at) >= 0:
            self.finish()

    def finish(self) -> None:
        """Open the contact now: the station ends, or the pulse does."""
        if self._open_at >= 0:
            self._open_at = ticks.NEVER
            self._switch(0)

    def _switch(self, on: int) -> None:
        self._pins.write(self._output, on)
        self._say("relay", "output", self._output, "on", on == 1)
