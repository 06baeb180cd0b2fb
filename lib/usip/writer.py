"""Writing into a buffer of fixed size: nothing is built up elsewhere and copied.

Every `put_` either writes all of its octets or raises BufferFull and writes none.
"""

from usip.errors import BufferFull
from usip.octets import copy

_HEX = b"0123456789abcdef"


class Writer:
    """Appends octets to *buf*; `end` is the number written so far. No method uses heap.

    With an *owner*, who relies on what was written, `reset` first calls owner.keep(self): it may
    take a copy. Then there is none.
    """

    owner = None

    def __init__(self, buf: bytearray, start: int = 0) -> None:
        self.buf = buf
        self.end = start
        self.capacity = len(buf)

    def reset(self, end: int = 0) -> "Writer":
        """Forget everything after offset *end*."""
        if end == 0 and self.owner is not None:
            self.owner.keep(self)
            self.owner = None
        self.end = end
        return self

    def resize(self, capacity: int) -> None:
        """Go on with another buffer, empty."""
        self.reset()
        self.buf = bytearray(capacity)
        self.capacity = capacity

    def _room(self, n: int) -> int:
        at = self.end
        if n > self.capacity - at:
            raise BufferFull
        self.end = at + n
        return at

    def put(self, octets) -> "Writer":
        """Append a bytes-like object."""
        n = len(octets)
        copy(self.buf, self._room(n), octets, 0, n)
        return self

    def put_span(self, source, start: int, end: int) -> "Writer":
        """Append source[start:end]; source may be this writer's own buffer."""
        copy(self.buf, self._room(end - start), source, start, end)
        return self

    def put_uint(self, n: int) -> "Writer":
        """Append *n* >= 0 in decimal."""
        digits = 1
        top = 10
        while top <= n:
            top *= 10
            digits += 1
        at = self._room(digits) + digits
        buf = self.buf
        while digits:
            at -= 1
            buf[at] = 48 + n % 10
            n //= 10
            digits -= 1
        return self

    def put_hex(self, octets) -> "Writer":
        """Append two lower-case hexadecimal digits an octet."""
        at = self._room(2 * len(octets))
        buf = self.buf
        for octet in octets:
            buf[at] = _HEX[octet >> 4]
            buf[at + 1] = _HEX[octet & 15]
            at += 2
        return self

    def put_padded(self, n: int, digits: int) -> "Writer":
        """Append *n* in decimal with leading zeros."""
        at = self._room(digits) + digits
        buf = self.buf
        while digits:
            at -= 1
            buf[at] = 48 + n % 10
            n //= 10
            digits -= 1
        return self

    def put_text(self, text: str) -> "Writer":
        """Append a str as UTF-8; uses heap for the encoded copy."""
        return self.put(text.encode())

    def move_to_front(self, start: int) -> None:
        """Keep only what was written behind offset *start*."""
        copy(self.buf, 0, self.buf, start, self.end)
        self.end -= start

    def take(self) -> bytes:
        """Return a copy of what was written."""
        return bytes(memoryview(self.buf)[: self.end])
