"""Scanning and copying octets by offset, without heap; every span is two half-open offsets.

Viper, so that it costs microseconds on a board; plain Python on CPython. The caller guarantees
that offsets lie inside the buffer: viper checks no bounds.
"""

import micropython


@micropython.viper
def copy(to: ptr8, at: int, source: ptr8, start: int, end: int):
    """Copy source[start:end] to to[at:], lowest offset first."""
    to = ptr8(to)
    source = ptr8(source)
    while start < end:
        to[at] = source[start]
        at += 1
        start += 1


@micropython.viper
def equals(buf: ptr8, start: int, end: int, other: ptr8, length: int) -> int:
    """Return 1 when buf[start:end] is other[:length], else 0."""
    buf = ptr8(buf)
    other = ptr8(other)
    if end - start != length:
        return 0
    i = 0
    while i < length:
        if buf[start + i] != other[i]:
            return 0
        i += 1
    return 1


@micropython.viper
def equals_nocase(buf: ptr8, start: int, end: int, lower: ptr8, length: int) -> int:
    """Return 1 when buf[start:end], ASCII letters folded, is the lower-case lower[:length]."""
    buf = ptr8(buf)
    lower = ptr8(lower)
    if end - start != length:
        return 0
    i = 0
    while i < length:
        c = int(buf[start + i])
        if c >= 65 and c <= 90:
            c += 32
        if c != int(lower[i]):
            return 0
        i += 1
    return 1


@micropython.viper
def find_octet(buf: ptr8, start: int, end: int, octet: int) -> int:
    """Return the offset of the first *octet* in buf[start:end], or -1."""
    buf = ptr8(buf)
    while start < end:
        if int(buf[start]) == octet:
            return start
        start += 1
    return -1


@micropython.viper
def skip_lws(buf: ptr8, start: int, end: int) -> int:
    """Return the offset of the first octet in buf[start:end] that is no SP, HTAB, CR or LF."""
    buf = ptr8(buf)
    while start < end:
        c = int(buf[start])
        if c != 32 and c != 9 and c != 13 and c != 10:
            return start
        start += 1
    return end


@micropython.viper
def trim_lws(buf: ptr8, start: int, end: int) -> int:
    """Return the offset behind the last octet of buf[start:end] that is no linear white space."""
    buf = ptr8(buf)
    while end > start:
        c = int(buf[end - 1])
        if c != 32 and c != 9 and c != 13 and c != 10:
            return end
        end -= 1
    return start


@micropython.viper
def parse_uint(buf: ptr8, start: int, end: int) -> int:
    """Return the 1*DIGIT in buf[start:end], or -1 (RFC 3261 25.1); 2**30 - 1 for all above it.

    An empty span is -1.
    """
    buf = ptr8(buf)
    if start >= end:
        return -1
    n = 0
    while start < end:
        c = int(buf[start]) - 48
        if c < 0 or c > 9:
            return -1
        if n > 107374182:  # n * 10 would pass 2**30 - 1
            n = 1073741823
        else:
            n = n * 10 + c
            if n > 1073741823:
                n = 1073741823
        start += 1
    return n
