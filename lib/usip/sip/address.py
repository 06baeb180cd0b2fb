"""IPv4 and IPv6 addresses written as text (RFC 3261 25.1, RFC 4291 2.2); no heap."""

from array import array

from usip.octets import find_octet, parse_uint

_WORDS = array("H", [0] * 8)


def is_ipv4(buf: bytes, start: int, end: int) -> bool:
    """Whether buf[start:end] is an IPv4 address in dotted decimals."""
    parts = 0
    while start <= end and parts < 5:
        dot = find_octet(buf, start, end, 46)
        if dot < 0:
            dot = end
        if dot - start > 3 or not 0 <= parse_uint(buf, start, dot) <= 255:
            return False
        start = dot + 1
        parts += 1
    return parts == 4


def is_ipv6_reference(buf: bytes, start: int, end: int) -> bool:
    """Whether buf[start:end] is an IPv6 address in brackets."""
    if end - start < 4 or buf[start] != 91 or buf[end - 1] != 93:
        return False
    return parse_ipv6(buf, start + 1, end - 1, _WORDS)


def parse_ipv6(buf: bytes, start: int, end: int, words) -> bool:
    """Fill the eight *words*, array('H'), from the IPv6 address buf[start:end] (RFC 4291 2.2).

    False when it is none. No heap.
    """
    n = 0
    gap = -1
    if end - start > 1 and buf[start] == 58:
        if buf[start + 1] != 58:
            return False
        start += 1
    while start < end:
        if buf[start] == 58:
            if gap >= 0:
                return False
            gap = n
            start += 1
            continue
        colon = find_octet(buf, start, end, 58)
        stop = end if colon < 0 else colon
        if colon < 0 and n < 7 and is_ipv4(buf, start, end):
            return _put_ipv4(buf, start, end, words, n) and _open_gap(words, gap, n + 2)
        word = parse_hex(buf, start, stop)
        if word < 0 or n == 8:
            return False
        words[n] = word
        n += 1
        start = stop + 1
        if start == end:
            return False
    return _open_gap(words, gap, n)


def parse_hex(buf: bytes, start: int, end: int) -> int:
    """Return the one to four hexadecimal digits buf[start:end] as a number, or -1."""
    if end == start or end - start > 4:
        return -1
    n = 0
    while start < end:
        digit = (buf[start] | 32) - 48
        if digit > 9:
            digit -= 39
            if not 9 < digit < 16:
                return -1
        if digit < 0:
            return -1
        n = n << 4 | digit
        start += 1
    return n


def _put_ipv4(buf: bytes, start: int, end: int, words, n: int) -> bool:
    for i in (n, n + 1):
        word = 0
        for _ in range(2):
            dot = find_octet(buf, start, end, 46)
            word = word << 8 | parse_uint(buf, start, end if dot < 0 else dot)
            start = dot + 1
        words[i] = word
    return True


def _open_gap(words, gap: int, n: int) -> bool:
    """Put the zeros that "::" at word *gap* stands for; whether that makes eight words."""
    if gap < 0 or n > 7:
        return n == 8 and gap < 0
    i = 7
    while n > gap:
        n -= 1
        words[i] = words[n]
        i -= 1
    while i >= gap:
        words[i] = 0
        i -= 1
    return True
