"""The last lines of the log, kept in a ring of octets so that they can be read from afar.

What other modules log with `logging` (micropython-lib) goes there too, where that is installed.
"""

from station import log


class Ring:
    """The newest *size* octets of what was written; older lines go first."""

    def __init__(self, size: int) -> None:
        self._octets = bytearray(size)
        self._at = 0
        self._is_full = False
        self.handler = None  # of `logging`

    def write(self, text: str) -> None:
        """Append *text*."""
        octets = self._octets
        at = self._at
        for octet in text.encode():
            octets[at] = octet
            at += 1
            if at == len(octets):
                at = 0
                self._is_full = True
        self._at = at

    def lines(self) -> list:
        """Return what is there as lines of str, the oldest first, whole ones only."""
        octets = bytes(self._octets[: self._at])
        if self._is_full:
            octets = bytes(self._octets[self._at :]) + octets
            octets = octets[octets.find(b"\n") + 1 :]
        return [str(line, "utf-8") for line in octets.split(b"\n") if line]


kept = None  # the Ring of this station


def keep(size: int) -> Ring:
    """Keep the log from now on."""
    global kept
    kept = Ring(size)
    log.more.append(kept.write)
    try:
        import logging
    except ImportError:
        return kept
    kept.handler = logging.Handler()
    kept.handler.emit = _take
    logging.getLogger().addHandler(kept.handler)
    return kept


def _take(record):
    """Log what some module said with `logging`."""
    text = getattr(record, "message", None) or record.getMessage()
    log.say("log", "level", record.levelname, "name", record.name, "text", text)
