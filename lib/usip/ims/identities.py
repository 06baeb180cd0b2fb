"""The implicit registration set: every public identity that one REGISTER made usable.

P-Associated-URI of the 200 lists them, the default identity first (RFC 7315 4.1, TS 24.229
5.1.1.2.1); each new 200 replaces the list. The reg event may end single ones. Identities are
compared by what names the user: a telephone number is the same as `tel:` and as `sip:` with
user=phone (TS 23.003 13.4), visual separators, ports and parameters do not count.
"""

from micropython import const

from usip.octets import find_octet, skip_lws

_URI_MAX = const(128)
_CAPACITY = const(8)


def _upto(text: bytes, stops: bytes) -> bytes:
    """Return *text* up to the first of the octets *stops*."""
    for i in range(len(text)):
        if text[i] in stops:
            return text[:i]
    return text


def key(uri: bytes) -> bytes:
    """Return what names the user in *uri*: b"tel:+1..." or b"sip:user@host"; empty for no URI.

    sips: counts as sip:. A local number is one of our own network, whatever its phone-context.
    """
    scheme = _upto(uri, b":").lower()
    rest = uri[len(scheme) + 1 :]
    if scheme == b"sip" or scheme == b"sips":
        at = rest.rfind(b"@")
        user = _upto(rest[: max(at, 0)], b":")
        host = rest[at + 1 :].lower()
        if user[:1] != b"+" or b";user=phone" not in host:
            bracket = host.find(b"]") + 1
            return b"sip:" + user + b"@" + host[:bracket] + _upto(host[bracket:], b":;?")
    elif scheme == b"tel":
        user = _upto(rest, b";")
    else:
        return b""
    return b"tel:" + bytes(c for c in user if c not in b"-.() ")


class ImplicitSet:
    """The identities of one registration: `uris`, bytes, the default identity first.

    Holds eight of up to 128 octets; more, and longer ones, are counted in `ignored`.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all: a new 200 is about to be read, or the registration ended."""
        self.uris = []
        self.ignored = 0

    def add(self, buf: bytes, start: int, end: int) -> None:
        """Take buf[start:end], a P-Associated-URI field or one value of it; never raises.

        What has no angle brackets is no name-addr of anybody's and is ignored.
        """
        while start < end:
            start = skip_lws(buf, start, end)
            if start < end and buf[start] == 0x22:  # a display name, with what it quotes
                start += 1
                while start < end and buf[start] != 0x22:
                    start += 2 if buf[start] == 0x5C else 1
            start = find_octet(buf, start, end, 0x3C) if start < end else -1
            closing = find_octet(buf, start + 1, end, 0x3E) if start >= 0 else -1
            if closing < 0:
                return
            uri = bytes(memoryview(buf)[start + 1 : closing])
            if len(uri) > _URI_MAX or len(self.uris) >= _CAPACITY or not key(uri):
                self.ignored += 1
            elif uri not in self.uris:
                self.uris.append(uri)
            start = find_octet(buf, closing, end, 0x2C) + 1
            if not start:
                return

    def find(self, uri: bytes) -> int:
        """Return the index of the identity that *uri* names, or -1."""
        wanted = key(uri)
        for i in range(len(self.uris)):
            if wanted and key(self.uris[i]) == wanted:
                return i
        return -1
