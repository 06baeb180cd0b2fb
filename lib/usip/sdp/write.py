"""Writing a session description into the fixed buffer, line by line (RFC 8866 5, 9).

Theory of operation: `begin` opens a line of a type, any number of `put` follow, `end` closes it.
The grammar's order is enforced; a line that does not fit is taken back whole before BufferFull is
raised, so the buffer always ends with a complete line. Nothing uses heap.
"""

from usip.errors import BufferFull, StateError
from usip.sdp.octets import is_text
from usip.sdp.read import Order


class Builder:
    """Appends the lines of one description after another to a writer.Writer."""

    def __init__(self) -> None:
        self._order = Order(True)
        self._prefix = bytearray(b"v=")
        self._line_at = -1  # where the open line began, or -1
        self.writer = None

    def start(self, writer) -> "Builder":
        """Begin another description, behind what *writer* holds."""
        self._order.begin()
        self._line_at = -1
        self.writer = writer
        return self

    def begin(self, kind: int) -> "Builder":
        """Open a line of type *kind*, an octet such as ord("m")."""
        if self._line_at >= 0:
            raise StateError
        self._line_at = self.writer.end
        self._prefix[0] = kind
        return self.put(self._prefix)

    def put(self, octets) -> "Builder":
        """Append bytes-like *octets*; ValueError, the line taken back, when NUL, CR or LF."""
        return self.put_span(octets, 0, len(octets))

    def put_span(self, buf, start: int, end: int) -> "Builder":
        """Append buf[start:end], as `put`."""
        if not is_text(buf, start, end):
            self._take_back()
            raise ValueError("a control character")
        try:
            self.writer.put_span(buf, start, end)
        except BufferFull:
            self._take_back()
            raise
        return self

    def put_uint(self, n: int) -> "Builder":
        """Append *n* >= 0 in decimal."""
        try:
            self.writer.put_uint(n)
        except BufferFull:
            self._take_back()
            raise
        return self

    def end(self) -> "Builder":
        """Close the line; StateError, the line taken back, when it may not come here."""
        try:
            self.writer.put(b"\r\n")
        except BufferFull:
            self._take_back()
            raise
        if not self._order.step(self._prefix[0]):
            self._take_back()
            raise StateError
        self._line_at = -1
        return self

    def line(self, kind: int, octets) -> "Builder":
        """Append a whole line."""
        return self.begin(kind).put(octets).end()

    def finish(self) -> None:
        """Check that the description is complete: StateError when v=, o=, s= or t= is missing."""
        if self._line_at >= 0 or not self._order.may_end():
            raise StateError

    def _take_back(self):
        self.writer.reset(self._line_at)
        self._line_at = -1
