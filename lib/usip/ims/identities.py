"""The implicit registration set: every public identity that one REGISTER made usable.

P-Associated-URI of the 200 lists them, the default identity first (RFC 7315 4.1, TS 24.229
5.1.1.2.1); each new 200 replaces the list. The reg event may end single ones. Identities are
compared by what names the user: a telephone number is the same as `tel:` and as `sip:` with
user=phone (TS 23.003 13.4), visual separators, ports and parameters do not count.
"""

from micropython import const

from usip.octets import find_octet, skip_lws, trim_lws

_URI_MAX = const(128)


def _digits(number: bytes) -> bytes:
    """Return a telephone number without parameters and visual separators (RFC 3966 3)."""
    end = number.find(b";")
    number = number if end < 0 else number[:end]
    return b"".join(bytes((c,)) for c in number if c not in b"-.() ")


def key(uri: bytes) -> bytes:
    """Return what names the user in *uri*: b"tel:+1..." or b"sip:user@host"; empty for no URI.

    sips: counts as sip:. A local number keeps its phone-context out, its caller's network rules.
    """
    uri = bytes(uri)
    colon = uri.find(b":")
    scheme = uri[:colon].lower() if colon > 0 else b""
    rest = uri[colon + 1 :]
    if scheme == b"tel":
        return b"tel:" + _digits(rest)
    if scheme not in (b"sip", b"sips"):
        return b""
    at = rest.rfind(b"@")
    user = rest[: max(at, 0)]
    host = rest[at + 1 :].lower()
    if user.startswith(b"+") and b";user=phone" in host:
        return b"tel:" + _digits(user)
    for stop in b";?":
        end = host.find(bytes((stop,)))
        host = host if end < 0 else host[:end]
    end = host.find(b":", host.find(b"]") + 1)
    host = host if end < 0 else host[:end]
    password = user.find(b":")
    user = user if password < 0 else user[:password]
    return b"sip:" + user + b"@" + host


class ImplicitSet:
    """The identities of one registration; `uris` are bytes, the default identity first.

    Holds *capacity* identities of up to 128 octets; more, and longer ones, are counted in
    `ignored`.
    """

    def __init__(self, capacity: int = 8) -> None:
        self.capacity = capacity
        self.uris = []
        self.ignored = 0

    @property
    def default(self) -> bytes:
        """The identity others see when we prefer none; empty when not registered."""
        return self.uris[0] if self.uris else b""

    def clear(self) -> None:
        """Forget all: a new 200 is about to be read, or the registration ended."""
        self.uris = []
        self.ignored = 0

    def add(self, buf: bytes, start: int, end: int) -> None:
        """Take buf[start:end], a P-Associated-URI field or one value of it; never raises.

        A value without angle brackets is not a URI list of anybody's and is ignored.
        """
        while start < end:
            start = skip_lws(buf, start, end)
            if start < end and buf[start] == 0x22:  # a display name, with what it quotes
                start = _behind_quotes(buf, start, end)
            opening = find_octet(buf, start, end, 0x3C)
            closing = find_octet(buf, opening + 1, end, 0x3E) if opening >= 0 else -1
            if closing < 0:
                self.ignored += trim_lws(buf, start, end) > start
                return
            self._append(bytes(memoryview(buf)[opening + 1 : closing]))
            comma = find_octet(buf, closing + 1, end, 0x2C)
            start = end if comma < 0 else comma + 1

    def _append(self, uri: bytes) -> None:
        name = key(uri)
        if not name or len(uri) > _URI_MAX or len(self.uris) >= self.capacity:
            self.ignored += 1
        elif uri not in self.uris:
            self.uris.append(uri)

    def find(self, uri: bytes) -> int:
        """Return the index of the identity that *uri* names, or -1."""
        wanted = key(uri)
        for i in range(len(self.uris)):
            if wanted and key(self.uris[i]) == wanted:
                return i
        return -1

    def remove(self, uri: bytes) -> bool:
        """Drop the identity *uri*, ended by the network; False when it is not in the set."""
        i = self.find(uri)
        if i >= 0:
            self.uris.pop(i)
        return i >= 0


def _behind_quotes(buf: bytes, start: int, end: int) -> int:
    """Return the offset behind the quoted string that starts at *start*, or *end*."""
    at = start + 1
    while at < end and buf[at] != 0x22:
        at += 2 if buf[at] == 0x5C else 1
    return min(at + 1, end)
