"""The octet loops of session descriptions, in viper.

Apart from the modules that use them, because those are let go between exchanges
(`usip.exchange`), and machine code that is loaded again is not given back: on an ESP32 it lies in
instruction RAM until a reset.
"""

import micropython


@micropython.viper
def find_line_end(buf: ptr8, start: int, end: int) -> int:
    """Return the offset of the first CR, LF or NUL in buf[start:end], or -1."""
    buf = ptr8(buf)
    while start < end:
        c = int(buf[start])
        if c <= 13:
            if c == 10 or c == 13 or c == 0:
                return start
        start += 1
    return -1


@micropython.viper
def find_name(table: ptr8, buf: ptr8, start: int, end: int) -> int:
    """Return the index in *table* of the name buf[start:end], or -1; case matters.

    The table is a sequence of names, each behind an octet with its length, and a zero octet.
    """
    buf = ptr8(buf)
    table = ptr8(table)
    index = 0
    at = 1
    length = int(table[0])
    while length:
        if length == end - start:
            i = 0
            while i < length and int(buf[start + i]) == int(table[at + i]):
                i += 1
            if i == length:
                return index
        at += length + 1
        index += 1
        length = int(table[at - 1])
    return -1


@micropython.viper
def find_end(buf: ptr8, start: int, end: int, octet: int) -> int:
    """Return the offset of the first *octet* in buf[start:end], or *end*."""
    buf = ptr8(buf)
    while start < end:
        if int(buf[start]) == octet:
            return start
        start += 1
    return end


@micropython.viper
def mark_formats(places: ptr8, buf: ptr8, start: int, end: int):
    """Set places[n] to the place of payload type n in the list buf[start:end], 0xFF: absent."""
    places = ptr8(places)
    buf = ptr8(buf)
    i = 0
    while i < 128:
        places[i] = 0xFF
        i += 1
    place = 0
    n = 0
    digits = 0
    while start <= end:
        c = 32
        if start < end:
            c = int(buf[start])
        if c == 32:
            if digits > 0 and n < 128 and place < 0xFF:
                if int(places[n]) == 0xFF:
                    places[n] = place & 0xFF
                place += 1
            n = 0
            digits = 0
        elif c >= 48 and c <= 57 and digits >= 0 and digits < 4:
            n = n * 10 + c - 48
            digits += 1
        else:
            digits = -1  # no payload type: T.38 has t38, BFCP has *
        start += 1


@micropython.viper
def checksum(buf: ptr8, start: int, end: int) -> int:
    """Return a 25-bit sum of buf[start:end] that differs, all but surely, when an octet does."""
    buf = ptr8(buf)
    n = 17
    while start < end:
        n = (n * 31 + int(buf[start])) & 0x1FFFFFF  # no big int in bytecode
        start += 1
    return n


@micropython.viper
def is_text(buf: ptr8, start: int, end: int) -> int:
    """Return 1 when buf[start:end] is a byte-string: no NUL, CR or LF (RFC 8866 9), else 0."""
    buf = ptr8(buf)
    while start < end:
        c = int(buf[start])
        if c == 0 or c == 10 or c == 13:
            return 0
        start += 1
    return 1
