"""SIP, SIPS and tel URIs in place, and when two of them are the same (RFC 3261 19.1, RFC 3966).

Any other scheme is well-formed as far as this module looks: what to do with it (416) is for those
who were asked to use it.
"""

from array import array

import micropython
from micropython import const

from usip.octets import equals_nocase, find_octet
from usip.sip.address import is_ipv4, is_ipv6_reference, parse_hex, parse_ipv6  # noqa: F401
from usip.sip.grammar import CLASS, OUT
from usip.sip.headers import Params

OTHER = const(0)
SIP = const(1)
SIPS = const(2)
TEL = const(3)

# kinds of octets, as in grammar.py
_NO_HOST = const(16)
_UPPER = const(32)
_NOT_IN_URI = const(64)

_TRANSPORTS = ((b"udp", "udp"), (b"tcp", "tcp"), (b"tls", "tls"))
_RESERVED = b";/?:@&=+$,"


@micropython.viper
def scan_uri(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915
    """Find the parts of the URI buf[at:end]; return its scheme (0 .. 3), or -1 when malformed.

    Leaves in *out*: user, password and host as spans (-1: absent; of a tel URI the user is the
    number), port (-1: absent), start of the parameters, start of the headers (*end*: none).
    """
    buf = ptr8(buf)
    out = ptr32(out)
    kinds = ptr8(CLASS)
    i = 0
    while i < 7:
        out[i] = -1
        i += 1
    out[7] = end
    out[8] = end
    start = at
    name = 0  # the last three letters of the scheme, folded
    colon = -1
    split = -1  # the "@"
    i = at
    while i < end:
        c = int(buf[i])
        if int(kinds[c]) & _NOT_IN_URI:
            return -1
        if colon < 0:
            if c == 58:
                colon = i
            elif int(kinds[c]) & _NO_HOST and c != 43 or c > 127 or c == 95:
                return -1
            else:
                name = name << 8 & 0xFFFF00 | c | 32
        elif c == 64:
            if split >= 0:
                start = -1  # a second one, which only other schemes may have
            split = i
        i += 1
    i = colon - at
    if i < 1 or colon + 1 == end:
        return -1
    c = int(buf[at]) | 32
    if c < 97 or c > 122:
        return -1
    scheme = OTHER
    if i == 3 and name == 0x736970:  # sip
        scheme = SIP
    elif i == 4 and name == 0x697073 and c == 115:
        scheme = SIPS
    elif i == 3 and name == 0x74656C:
        scheme = TEL
    if scheme == OTHER:
        return OTHER
    at = colon + 1
    if scheme == TEL:
        out[0] = at
        while at < end and int(buf[at]) != 59:
            at += 1
        out[1] = at
        out[7] = at
        if at == int(out[0]):
            return -1
        return TEL
    if split >= 0:
        out[0] = at
        while at < split and int(buf[at]) != 58:
            at += 1
        out[1] = at
        if at == int(out[0]) or start < 0:
            return -1
        if at < split:
            out[2] = at + 1
            out[3] = split
        at = split + 1
    out[4] = at
    start = at
    if at < end and int(buf[at]) == 91:
        while at < end and int(buf[at]) != 93:
            at += 1
        at += 1
        if at > end:
            return -1
    else:
        while at < end and int(kinds[buf[at]]) & _NO_HOST == 0:
            at += 1
    out[5] = at
    if at == start:
        return -1
    c = 59
    if at < end:
        c = int(buf[at])
    if c == 58:
        at += 1
        i = at
        port = 0
        while at < end and int(kinds[buf[at]]) < 128:
            port = port * 10 + int(buf[at]) - 48
            if port > 65535:
                return -1
            at += 1
        if at == i:
            return -1
        out[6] = port
        c = 59
        if at < end:
            c = int(buf[at])
    if c != 59 and c != 63:
        return -1
    out[7] = at
    while at < end and int(buf[at]) != 63:
        at += 1
    out[8] = at
    return scheme


def equals_escaped(a: bytes, i: int, a_end: int, b: bytes, j: int, b_end: int, fold: int) -> bool:
    """Whether two spans are the same once %HH stands for its octet, letters folded if *fold*.

    An escaped reserved character is another one than the same character itself (19.1.4).
    """
    while i < a_end and j < b_end:
        x = a[i]
        i += 1
        if x == 37 and i + 2 <= a_end:
            x = _unescape(a, i)
            i += 2
        y = b[j]
        j += 1
        if y == 37 and j + 2 <= b_end:
            y = _unescape(b, j)
            j += 2
        if fold and x < 128 and y < 128:
            x |= CLASS[x] & _UPPER
            y |= CLASS[y] & _UPPER
        if x != y:
            return False
    return i >= a_end and j >= b_end


def _unescape(buf: bytes, at: int) -> int:
    """Return the octet that the two hexadecimal digits at *at* stand for, 256 more if reserved."""
    octet = parse_hex(buf, at, at + 2)
    if octet < 0:
        return 512 + buf[at]  # no escape, and the same as nothing but itself
    return octet + 256 if octet in _RESERVED else octet


class URI(Params):
    """The parts of one URI; -1 stands for an absent part."""

    def __init__(self) -> None:
        super().__init__()
        self.start = self.end = 0
        self.scheme = OTHER  # OTHER, SIP, SIPS or TEL
        self.user_start = self.user_end = -1  # of a tel URI: the number
        self.password_start = self.password_end = -1
        self.host_start = self.host_end = -1  # with the brackets of an IPv6 reference
        self.port = -1
        self.headers_start = self.headers_end = 0  # behind the "?"

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end], without angle brackets; False when malformed. No heap."""
        out = OUT
        scheme = scan_uri(buf, start, end, out)
        if scheme < 0:
            return False
        self.start = start
        self.end = end
        self.scheme = scheme
        self.user_start = out[0]
        self.user_end = out[1]
        self.password_start = out[2]
        self.password_end = out[3]
        self.host_start = at = out[4]
        self.host_end = out[5]
        self.port = out[6]
        self.headers_end = end
        self.headers_start = out[8] + 1 if out[8] < end else end
        if at >= 0 and buf[at] == 91 and not is_ipv6_reference(buf, at, out[5]):
            return False
        return self.set(buf, out[7], out[8])

    def transport(self) -> str:
        """Return the transport parameter: "udp", "tcp", "tls", "" when absent, "?" for another."""
        if not self.param(b"transport"):
            return ""
        for octets, name in _TRANSPORTS:
            if equals_nocase(self.buf, self.value_start, self.value_end, octets, 3):
                return name
        return "?"

    def is_lr(self) -> bool:
        """Return whether it has the lr parameter of a loose router (19.1.1)."""
        return self.param(b"lr")

    def __eq__(self, other: "URI") -> bool:
        """Whether both are the same by 19.1.4 or RFC 3966 section 5. No heap."""
        if self.scheme != other.scheme:
            return False
        if self.scheme == TEL:
            return _equal_tel(self, other)
        if self.scheme == OTHER:
            return _equal_spans(self, self.start, self.end, other, other.start, other.end, 0)
        return _equal_sip(self, other)


def _equal_spans(a: URI, i: int, a_end: int, b: URI, j: int, b_end: int, fold: int) -> bool:
    """Compare two optional parts: an absent one only equals an absent one."""
    if i < 0 or j < 0:
        return i < 0 and j < 0
    return equals_escaped(a.buf, i, a_end, b.buf, j, b_end, fold)


def _equal_sip(a: URI, b: URI) -> bool:
    if a.port != b.port:
        return False
    if not _equal_spans(a, a.user_start, a.user_end, b, b.user_start, b.user_end, 0):
        return False
    if not _equal_spans(
        a, a.password_start, a.password_end, b, b.password_start, b.password_end, 0
    ):
        return False
    if not _equal_hosts(a, b):
        return False
    return _agree(a, b) and _agree(b, a) and _has_headers_of(a, b) and _has_headers_of(b, a)


def _equal_hosts(a: URI, b: URI) -> bool:
    if a.buf[a.host_start] == 91 and b.buf[b.host_start] == 91:
        # RFC 5954 4.2: IPv6 addresses are compared by value
        parse_ipv6(a.buf, a.host_start + 1, a.host_end - 1, _WORDS_A)
        parse_ipv6(b.buf, b.host_start + 1, b.host_end - 1, _WORDS_B)
        for i in range(8):
            if _WORDS_A[i] != _WORDS_B[i]:
                return False
        return True
    return _equal_spans(a, a.host_start, a.host_end, b, b.host_start, b.host_end, 1)


def _agree(a: URI, b: URI) -> bool:
    """Whether no parameter of *a* speaks against *b*: those that are in only one are ignored, but
    for the five that name another resource (19.1.4).
    """
    a.begin()
    while a.next():
        if _find_same(a, b):
            if not _equal_spans(a, a.value_start, a.value_end, b, b.value_start, b.value_end, 1):
                return False
        else:
            for name in (b"transport", b"user", b"ttl", b"method", b"maddr"):
                if equals_nocase(a.buf, a.name_start, a.name_end, name, len(name)):
                    return False
    return True


def _find_same(a: URI, b: URI) -> bool:
    """Find the parameter *a* stands at in *b*."""
    b.begin()
    while b.next():
        if _equal_spans(a, a.name_start, a.name_end, b, b.name_start, b.name_end, 1):
            return True
    return False


def _has_headers_of(a: URI, b: URI) -> bool:
    """Whether every `name=value` among the headers of *b* is among those of *a*, in any order."""
    j = b.headers_start
    while j < b.headers_end:
        b_end = _ampersand(b, j)
        i = a.headers_start
        found = False
        while i < a.headers_end and not found:
            a_end = _ampersand(a, i)
            found = _equal_header(a, i, a_end, b, j, b_end)
            i = a_end + 1
        if not found:
            return False
        j = b_end + 1
    return True


def _ampersand(uri: URI, at: int) -> int:
    end = find_octet(uri.buf, at, uri.headers_end, 38)
    return uri.headers_end if end < 0 else end


def _equal_header(a: URI, i: int, a_end: int, b: URI, j: int, b_end: int) -> bool:
    a_value = find_octet(a.buf, i, a_end, 61)
    b_value = find_octet(b.buf, j, b_end, 61)
    if a_value < 0 or b_value < 0:
        return a_value == b_value and _equal_spans(a, i, a_end, b, j, b_end, 1)
    return _equal_spans(a, i, a_value, b, j, b_value, 1) and _equal_spans(
        a, a_value, a_end, b, b_value, b_end, 0
    )


def _equal_tel(a: URI, b: URI) -> bool:
    """RFC 3966 5: the digits without their separators, and the same parameters in any order."""
    if not _equal_digits(a.buf, a.user_start, a.user_end, b.buf, b.user_start, b.user_end):
        return False
    return _same_tel_params(a, b) and _same_tel_params(b, a)


def _same_tel_params(a: URI, b: URI) -> bool:
    a.begin()
    while a.next():
        if not _find_same(a, b):
            return False
        if a.value_start < a.value_end and a.buf[a.value_start] == 43:
            same = _equal_digits(
                a.buf, a.value_start, a.value_end, b.buf, b.value_start, b.value_end
            )
        else:
            same = _equal_spans(a, a.value_start, a.value_end, b, b.value_start, b.value_end, 1)
        if not same:
            return False
    return True


def _skip_separators(buf: bytes, at: int, end: int) -> int:
    while at < end and buf[at] in b"-.()":
        at += 1
    return at


def _equal_digits(a: bytes, i: int, a_end: int, b: bytes, j: int, b_end: int) -> bool:
    while True:
        i = _skip_separators(a, i, a_end)
        j = _skip_separators(b, j, b_end)
        if i == a_end or j == b_end:
            return i == a_end and j == b_end
        if a[i] | 32 != b[j] | 32:
            return False
        i += 1
        j += 1


_WORDS_A = array("H", [0] * 8)
_WORDS_B = array("H", [0] * 8)
_URI_A = URI()
_URI_B = URI()


def equal(a: bytes, a_start: int, a_end: int, b: bytes, b_start: int, b_end: int) -> bool:
    """Whether two spans hold the same URI (19.1.4, RFC 3966 5); False for a malformed one."""
    if not _URI_A.parse(a, a_start, a_end) or not _URI_B.parse(b, b_start, b_end):
        return False
    return _URI_A == _URI_B
