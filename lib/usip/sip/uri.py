"""SIP, SIPS and tel URIs in place, and when two of them are the same (RFC 3261 19.1, RFC 3966).

Any other scheme is well-formed as far as this module looks: what to do with it (416) is for those
who were asked to use it.
"""

from array import array

import micropython
from micropython import const

from usip.octets import equals_nocase, find_octet
from usip.sip.address import is_ipv4, is_ipv6_reference, parse_ipv6  # noqa: F401
from usip.sip.grammar import OUT
from usip.sip.headers import Params

OTHER = const(0)
SIP = const(1)
SIPS = const(2)
TEL = const(3)

_TRANSPORTS = ((b"udp", "udp"), (b"tcp", "tcp"), (b"tls", "tls"))
_RESERVED = b";/?:@&=+$,"


@micropython.viper
def scan_uri(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915  (one call a value)
    """Find the parts of the URI buf[at:end]; return its scheme (0 .. 3), or -1 when malformed.

    Leaves in *out*: user, password and host as spans (-1: absent; of a tel URI the user is the
    number), port (-1: absent), start of the parameters, start of the headers (*end*: none).
    """
    buf = ptr8(buf)
    out = ptr32(out)
    start = at
    while at < end and int(buf[at]) != 58:
        c = int(buf[at]) | 32
        if (c < 97 or c > 122) and (at == start or c < 43 or c > 57 or c == 44 or c == 47):
            return -1
        at += 1
    if at == start or at >= end - 1:
        return -1
    length = at - start
    scheme = 0
    if length >= 3:
        c = (int(buf[start]) | 32) << 16 | (int(buf[start + 1]) | 32) << 8
        c |= int(buf[start + 2]) | 32
        if c == 0x736970 and length == 3:  # sip
            scheme = SIP
        elif c == 0x736970 and length == 4 and int(buf[start + 3]) | 32 == 115:
            scheme = SIPS
        elif c == 0x74656C and length == 3:
            scheme = TEL
    at += 1
    out[0] = -1
    out[1] = -1
    out[2] = -1
    out[3] = -1
    out[4] = -1
    out[5] = -1
    out[6] = -1
    out[7] = end
    out[8] = end
    i = at
    split = -1
    while i < end:
        c = int(buf[i])
        if c <= 32 or c == 127 or c == 34 or c == 60 or c == 62:
            return -1
        if c == 64 and scheme and scheme != TEL:
            if split >= 0:
                return -1
            split = i
        i += 1
    if scheme == OTHER:
        return 0
    if scheme == TEL:
        out[0] = at
        while at < end and int(buf[at]) != 59:
            at += 1
        out[1] = at
        out[7] = at
        if at == int(out[0]):
            return -1
        return scheme
    if split >= 0:
        out[0] = at
        out[1] = split
        while at < split and int(buf[at]) != 58:
            at += 1
        if at < split:
            out[1] = at
            out[2] = at + 1
            out[3] = split
        if int(out[0]) == int(out[1]):
            return -1
        at = split + 1
    out[4] = at
    if at < end and int(buf[at]) == 91:
        while at < end and int(buf[at]) != 93:
            c = int(buf[at])
            if c == 59 or c == 63:
                return -1
            at += 1
        if at >= end:
            return -1
        at += 1
    else:
        while at < end:
            c = int(buf[at])
            if c == 58 or c == 59 or c == 63:
                break
            # Lax: "_" in a host, because Windows and container names have it
            if c < 128 and c != 45 and c != 46 and c != 95 and (c < 48 or c > 57):
                c |= 32
                if c < 97 or c > 122:
                    return -1
            at += 1
    out[5] = at
    if at == int(out[4]):
        return -1
    if at < end and int(buf[at]) == 58:
        at += 1
        i = at
        port = 0
        while at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
            port = port * 10 + int(buf[at]) - 48
            if port > 65535:
                return -1
            at += 1
        if at == i:
            return -1
        out[6] = port
    out[7] = at
    if at < end and int(buf[at]) != 59 and int(buf[at]) != 63:
        return -1
    while at < end and int(buf[at]) != 63:
        at += 1
    out[8] = at
    return scheme


@micropython.viper
def equals_escaped(a: ptr8, i: int, a_end: int, b: ptr8, j: int, b_end: int, fold: int) -> int:
    """Return 1 when two spans are the same once %HH stands for its octet, else 0.

    Letters are folded if *fold*. An escaped reserved character is another one than the same
    character itself (19.1.4).
    """
    a = ptr8(a)
    b = ptr8(b)
    reserved = ptr8(_RESERVED)
    while i < a_end and j < b_end:
        side = 0
        x = 0
        while side < 2:
            if side == 0:
                c = int(a[i])
                i += 1
                left = a_end - i
                d = 0
                e = 0
                if left > 1:
                    d = int(a[i])
                    e = int(a[i + 1])
            else:
                c = int(b[j])
                j += 1
                left = b_end - j
                d = 0
                e = 0
                if left > 1:
                    d = int(b[j])
                    e = int(b[j + 1])
            if c == 37 and d > 47 and e > 47:
                d -= 48
                if d > 9:
                    d = (d - 7) & 15
                e -= 48
                if e > 9:
                    e = (e - 7) & 15
                c = d << 4 | e
                if side == 0:
                    i += 2
                else:
                    j += 2
                d = 0
                while d < 10:
                    if int(reserved[d]) == c:
                        c |= 256
                    d += 1
            if fold and c >= 65 and c <= 90:
                c += 32
            if side == 0:
                x = c
            elif c != x:
                return 0
            side += 1
    if i < a_end or j < b_end:
        return 0
    return 1


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
    return equals_escaped(a.buf, i, a_end, b.buf, j, b_end, fold) == 1


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
