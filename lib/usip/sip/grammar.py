"""Scanners for what stands in header field values (RFC 3261 20, 25.1).

They know the three things that make these values awkward: quoted strings with escapes, `<...>`,
and linear white space (folds included) wherever a separator stands. Each takes a span, leaves
offsets in an array('i'), for which all share OUT, and uses no heap; the views of `headers.py`
give the offsets names. They are long because a call costs more than a value.
"""

from array import array

import micropython
from micropython import const

from usip.octets import parse_uint

OUT = array("i", [0] * 12)

# What each octet is, one bit a question.
_ENDS_NAME = const(2)  # of a parameter: white space , ; = "
_ENDS_VALUE = const(4)  # of a parameter: white space , ;
_NO_TOKEN = const(8)
_NO_HOST = const(16)  # but letters, digits, - . _ and all that is not ASCII
_UPPER = const(32)  # A to Z; also the bit that folds them
_NOT_IN_URI = const(64)  # white space, DEL, " < >
# and 128 for what is no digit
CLASS = (
    b"\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf"
    b"\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\xdf\x90\xda\x98\x98\x90\x98\x90\x98\x98\x90\x90"
    b"\x9e\x80\x80\x98\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x98\x9e\xd8\x9a\xd8\x98\x98\xa0"
    b"\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0"
    b"\xa0\xa0\xa0\x98\x98\x98\x98\x80\x90\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x98\x98\x98\x90\xd8\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
    b"\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88\x88"
)


@micropython.viper
def find_separator(buf: ptr8, at: int, end: int, separator: int) -> int:
    """Return the offset of the first *separator* in buf[at:end] that is outside of quoted strings,
    angle brackets and comments; *end* when there is none, -1 when one of these never closes.
    """
    buf = ptr8(buf)
    depth = 0  # of comments
    spaced = 1  # a "(" opens a comment only after white space: URIs may hold one
    while at < end:
        c = int(buf[at])
        if c == 34 or (c == 60 and depth == 0):
            close = c
            if c == 60:
                close = 62
            at += 1
            while at < end and int(buf[at]) != close:
                if c == 34 and int(buf[at]) == 92:
                    at += 1
                at += 1
            if at >= end:
                return -1
        elif c == separator and depth == 0:
            return at
        elif c == 40 and (depth or spaced):
            depth += 1
        elif c == 41 and depth:
            depth -= 1
        elif c == 92 and depth:
            at += 1
        spaced = 0
        if c <= 32:
            spaced = 1
        at += 1
    if depth:
        return -1
    return end


@micropython.viper
def scan_params(buf: ptr8, at: int, end: int, out: ptr32, names: ptr8, length: int) -> int:  # noqa: C901, PLR0915
    """Walk the `;name[=value]` in buf[at:end]; return the offset behind them, -1 when malformed.

    *names*, three at most (lower case, a space between two), are looked for: the value of the
    n-th goes to out[2n] and out[2n + 1], an empty span behind a name alone, -1 and -1 when it is
    absent. With a *length* of 0 the walk ends behind the first parameter, whose value and name go
    to out[0] to out[3]. The list ends at a comma.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    names = ptr8(names)
    kinds = ptr8(CLASS)
    i = 0
    while i < 6:
        out[i] = -1
        i += 1
    while True:
        while at < end and int(buf[at]) <= 32:
            at += 1
        c = 44
        if at < end:
            c = int(buf[at])
        # Lax: a comment ends the list, because RFC 2543 allowed one at the end of a Via
        if c == 40 or c == 44:
            return at
        if c != 59:
            return -1
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end:
            return at  # Lax: a semicolon at the end, because some door phones' Contacts have one
        start = at
        while at < end and int(kinds[buf[at]]) & _ENDS_NAME == 0:
            at += 1
        name_end = at
        if at == start:
            return -1
        while at < end and int(buf[at]) <= 32:
            at += 1
        value = name_end
        stop = name_end
        if at < end and int(buf[at]) == 61:
            at += 1
            while at < end and int(buf[at]) <= 32:
                at += 1
            value = at
            if at < end and int(buf[at]) == 34:
                at += 1
                while at < end and int(buf[at]) != 34:
                    if int(buf[at]) == 92:
                        at += 1
                    at += 1
                if at >= end:
                    return -1
                at += 1
            else:
                while at < end and int(kinds[buf[at]]) & _ENDS_VALUE == 0:
                    at += 1
            stop = at
        if length == 0:
            out[0] = value
            out[1] = stop
            out[2] = start
            out[3] = name_end
            return at
        i = 0
        slot = 0
        while i < length:
            j = start
            while j < name_end and i < length:
                c = int(buf[j])
                if c | int(kinds[c]) & _UPPER != int(names[i]):
                    break
                i += 1
                j += 1
            c = 32
            if i < length:
                c = int(names[i])
            if j == name_end and c == 32 and int(out[slot]) < 0:
                out[slot] = value
                out[slot + 1] = stop
            while c != 32:
                i += 1
                c = 32
                if i < length:
                    c = int(names[i])
            i += 1
            slot += 2


@micropython.viper
def scan_name_addr(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915
    """Find display name, URI and parameters of the name-addr or addr-spec in buf[at:end].

    Return 1 with their offsets in *out*: display name (inside of its quotes), URI (inside of its
    angle brackets), start of the parameters. Return 0 when it is neither.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    kinds = ptr8(CLASS)
    while at < end and int(buf[at]) <= 32:
        at += 1
    start = at
    stop = at
    if at < end and int(buf[at]) == 34:
        start += 1
        at += 1
        while at < end and int(buf[at]) != 34:
            if int(buf[at]) == 92:
                at += 1
            at += 1
        stop = at
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end or int(buf[at]) != 60:
            return 0
    else:
        # Lax: any octets but "," in a name without quotes, because phones take it as configured
        c = 0
        while at < end and c != 60 and c != 59 and c != 44:
            c = int(buf[at])
            at += 1
        if c == 60 or c == 59 or c == 44:
            at -= 1
        stop = at
        while stop > start and int(buf[stop - 1]) <= 32:
            stop -= 1
    out[0] = start
    out[1] = stop
    # Lax: no scheme inside of the brackets, because RFC 5626 9.1 itself writes it so
    brackets = 0
    # Lax: no white space between display name and "<" (RFC 4475 3.1.1.6, lwsdisp)
    if at < end and int(buf[at]) == 60:
        brackets = 1
        at += 1
        start = at
        while at < end and int(buf[at]) != 62:
            at += 1
        if at >= end:
            return 0
        stop = at
        at += 1
    else:
        out[1] = start
    out[2] = start
    out[3] = stop
    out[4] = at
    if start == stop:
        return 0
    found = brackets
    while start < stop:
        c = int(buf[start])
        if int(kinds[c]) & _NOT_IN_URI:
            # Lax: a fold inside of the brackets, because RFC 7118 B.1 itself has one
            if c != 13 and c != 10:
                return 0
            while start + 1 < stop and int(buf[start + 1]) <= 32:
                start += 1
        elif c == 58:
            found = 1
        elif c == 63 and brackets == 0:
            return 0  # RFC 3261 20: a URI with "?", as one with ",", must be in angle brackets
        start += 1
    return found


@micropython.viper
def scan_via(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915
    """Find the parts of one via-parm (RFC 3261 20.42) in buf[at:end]; return 1, or 0 if malformed.

    Leaves in *out*: transport, host (with the brackets of an IPv6 reference), port (-1 absent),
    end of sent-by, start of the parameters.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    kinds = ptr8(CLASS)
    words = 0
    while words < 3:  # protocol name, version, transport: LWS may surround the slashes
        while at < end and int(buf[at]) <= 32:
            at += 1
        out[0] = at
        while at < end and int(kinds[buf[at]]) & _NO_TOKEN == 0:
            at += 1
        out[1] = at
        words += 1
        start = at
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end or int(out[0]) == start:
            return 0
        if words < 3:
            if int(buf[at]) != 47:
                return 0
            at += 1
    out[2] = at
    if start == at:
        return 0
    start = at
    if int(buf[at]) == 91:
        while at < end and int(buf[at]) != 93:
            at += 1
        if at >= end:
            return 0
        at += 1
    else:
        while at < end and int(kinds[buf[at]]) & _NO_HOST == 0:
            at += 1
    if at == start:
        return 0
    out[3] = at
    port = -1
    stop = at
    while at < end and int(buf[at]) <= 32:
        at += 1
    if at < end and int(buf[at]) == 58:
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        start = at
        port = 0
        while at < end and int(kinds[buf[at]]) < 128:
            port = port * 10 + int(buf[at]) - 48
            if port > 65535:
                return 0
            at += 1
        if at == start:
            return 0
        stop = at
    out[4] = port
    out[5] = stop
    out[6] = at
    return 1


@micropython.viper
def scan_numbers(buf: ptr8, fields: ptr16, first: ptr8, out: ptr32):
    """Read CSeq, Max-Forwards and Content-Length of an indexed message.

    Leaves their numbers in out[0] to out[2], -1 for an absent field and -2 for what is no number
    below 2**31, then the span of the method in CSeq.
    """
    buf = ptr8(buf)
    fields = ptr16(fields)
    first = ptr8(first)
    out = ptr32(out)
    slot = 0
    field = 5
    while field < 9:
        n = -1
        i = int(first[field]) << 2
        if i:
            n = -2
            at = int(fields[i - 2])
            end = int(fields[i - 1])
            if at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
                n = 0
            while n >= 0 and at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
                c = int(buf[at]) - 48
                if n > 214748364 or (n == 214748364 and c > 7):
                    n = -3
                else:
                    n = n * 10 + c
                at += 1
            start = at
            while at < end and int(buf[at]) <= 32:
                at += 1
            if slot == 0:
                out[3] = at
                out[4] = end
                if at == start or at == end:
                    n = -2
            elif at < end:
                n = -2
        out[slot] = n
        slot += 1
        field += 1
        if field == 6:
            field = 7


def is_token(buf: bytes, at: int, end: int) -> bool:
    """Whether buf[at:end] is a token (25.1)."""
    if at >= end:
        return False
    while at < end:
        if CLASS[buf[at]] & _NO_TOKEN:
            return False
        at += 1
    return True


def parse_count(buf: bytes, at: int, end: int, out) -> int:
    """Return the 1*DIGIT that starts buf[at:end], -1 when none does; its end in out[0]."""
    start = at
    while at < end and CLASS[buf[at]] < 128:
        at += 1
    out[0] = at
    return parse_uint(buf, start, at)


@micropython.viper
def find_token(buf: ptr8, at: int, end: int, token: ptr8, length: int) -> int:
    """Return 1 when *token* (lower case) is in the comma list buf[at:end], parameters ignored."""
    buf = ptr8(buf)
    token = ptr8(token)
    while at < end:
        while at < end and (int(buf[at]) <= 32 or int(buf[at]) == 44):
            at += 1
        i = 0
        while at < end and i < length:
            c = int(buf[at])
            if c >= 65 and c <= 90:
                c += 32
            if c != int(token[i]):
                break
            i += 1
            at += 1
        if i == length:
            if at >= end:
                return 1
            c = int(buf[at])
            if c <= 32 or c == 44 or c == 59:
                return 1
        while at < end and int(buf[at]) != 44:
            if int(buf[at]) == 34:
                at += 1
                while at < end and int(buf[at]) != 34:
                    if int(buf[at]) == 92:
                        at += 1
                    at += 1
            at += 1
    return 0
