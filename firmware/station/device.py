"""The sound device of a board: its I2S ports, what stands before them, the key held to talk.

Loaded only where board.json has a section `audio`. Levels and echo control come from the section
`audio` of config.json; an echo canceller is told how long the way through the ports takes.
"""

from micropython import const

from usip.audio.i2s import Device
from usip.errors import ConfigError

_SCANS = const(3)  # as station.buttons, once in 10 ms


def make(section: dict, settings: dict) -> tuple:
    """Return (device, the agent's audio); ConfigError when the ports cannot be had."""
    try:
        device = Device(section)
    except (OSError, ValueError) as e:
        raise ConfigError("board.audio", "cannot be opened (%s)" % e)
    if len(settings) == 2:  # nothing but the two keys that are always there
        return device, device
    from usip.audio import chain

    if not chain.is_wanted(settings):
        return device, device
    if settings.get("echo") == "cancel" and "echo_delay_ms" not in settings:
        settings["echo_delay_ms"] = device.delay_ms
    return device, chain.Levels(device, settings)


class Talk:
    """Where one port serves both: lets us talk while input *number* of *pins* is pressed."""

    def __init__(self, device, pins, number: int, say) -> None:
        self._device = device
        self._pins = pins
        self._number = number
        self._say = say
        self._scans = 0

    def tick(self, now_ms: int) -> None:
        """Look at the key; heap when it has changed only."""
        wanted = self._pins.read(self._number)
        if wanted == self._device.is_talking:
            self._scans = 0
            return
        self._scans += 1
        if self._scans == _SCANS:
            self._scans = 0
            try:
                self._device.talk(wanted == 1)
                self._say("talk", "on", wanted == 1)
            except OSError as e:
                self._say("error", "what", str(e), "where", "audio")

    def finish(self) -> None:
        """Nothing to release."""
