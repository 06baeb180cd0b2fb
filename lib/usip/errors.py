"""Exceptions, by whose act it was: the caller's, the state's, the peer's, the capacity's.

What happens later (a timeout, a 503, a lost socket) is an event, never an exception.
"""


class ParseError(ValueError):
    """The peer broke the grammar.

    *status* is the response to give (400, 413, 416, 505, 513 ...), or 0 when the octets are to be
    dropped without an answer; *at* is the offset of the fault; *text* says what was wrong.
    """

    def __init__(self, status: int, at: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.at = at
        self.text = text


class BufferFull(Exception):
    """A fixed capacity is reached; nothing was written."""


class StateError(Exception):
    """Not allowed in this state; nothing was changed."""


class ConfigError(ValueError):
    """A configuration entry is wrong: *path* names it (`accounts[0].expires`), *text* says why."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__("%s: %s" % (path, text))
        self.path = path
        self.text = text


class CallFailed(Exception):
    """A call was not answered: *status* is the SIP status code (408 when nobody replied)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__("%d %s" % (status, reason))
        self.status = status
        self.reason = reason
