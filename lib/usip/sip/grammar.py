"""Scanners for what stands in header field values (RFC 3261 20, 25.1).

They know the three things that make these values awkward: quoted strings with escapes, `<...>`,
and linear white space (folds included) wherever a separator stands. Each takes a span, leaves
offsets in an array('i') of eight, and uses no heap; the views of `headers.py` give them names.
"""

import micropython


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
        if c == 34:
            at += 1
            while at < end and int(buf[at]) != 34:
                if int(buf[at]) == 92:
                    at += 1
                at += 1
            if at >= end:
                return -1
        elif depth == 0 and c == separator:
            return at
        elif depth == 0 and c == 60:
            while at < end and int(buf[at]) != 62:
                at += 1
            if at >= end:
                return -1
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
def find_param(buf: ptr8, at: int, end: int, out: ptr32, name: ptr8, length: int) -> int:
    """Look for `;name[=value]` in buf[at:end]: 1 found, 0 not, -1 when the list is malformed.

    *name* is lower case; a *length* of 0 takes the next parameter whatever its name, and -1 none,
    so that the whole list is checked. Leaves in *out* the name, the value (an empty span behind a
    name alone) and where the next parameter starts; the offset of the fault after -1.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    name = ptr8(name)
    while True:
        while at < end and int(buf[at]) <= 32:
            at += 1
        # Lax: a comment ends the list, because RFC 2543 allowed one at the end of a Via
        if at >= end or int(buf[at]) == 40:
            return 0
        out[0] = at
        if int(buf[at]) != 59:
            return -1
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end:
            return 0  # Lax: a semicolon at the end, because some door phones' Contacts have one
        start = at
        while at < end:
            c = int(buf[at])
            if c <= 32 or c == 59 or c == 61 or c == 44 or c == 34:
                break
            at += 1
        name_end = at
        if at == start:
            return -1
        value = at
        while at < end and int(buf[at]) <= 32:
            at += 1
        value_end = value
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
                    out[0] = value
                    return -1
                at += 1
            else:
                while at < end and int(buf[at]) > 32 and int(buf[at]) != 59:
                    at += 1
            value_end = at
        if length >= 0 and (length == 0 or name_end - start == length):
            i = 0
            while i < length:
                c = int(buf[start + i])
                if c >= 65 and c <= 90:
                    c += 32
                if c != int(name[i]):
                    break
                i += 1
            if i == length:
                out[0] = start
                out[1] = name_end
                out[2] = value
                out[3] = value_end
                out[4] = at
                return 1


@micropython.viper
def scan_name_addr(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Find display name, URI and parameters of the name-addr or addr-spec in buf[at:end].

    Return 1 with their offsets in *out*: display name (inside of its quotes), URI (inside of its
    angle brackets), start of the parameters. Return 0 when it is neither.
    """
    buf = ptr8(buf)
    out = ptr32(out)
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
        if at >= end:
            return 0
        stop = at
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end or int(buf[at]) != 60:
            return 0
    else:
        while at < end and int(buf[at]) != 60 and int(buf[at]) != 59:
            at += 1
        stop = at
        while stop > start and int(buf[stop - 1]) <= 32:
            stop -= 1
    out[0] = start
    out[1] = stop
    brackets = 0
    if at < end and int(buf[at]) == 60:
        # Lax: no white space between display name and "<" (RFC 4475 3.1.1.6, lwsdisp); white
        # space just inside of the brackets, because early gateways put it there
        brackets = 1
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        start = at
        while at < end and int(buf[at]) != 62:
            at += 1
        if at >= end:
            return 0
        stop = at
        while stop > start and int(buf[stop - 1]) <= 32:
            stop -= 1
        at += 1
    else:
        out[1] = start
    out[2] = start
    out[3] = stop
    out[4] = at
    colon = 0
    while start < stop:
        c = int(buf[start])
        if c <= 32 or c == 34 or c == 60:
            return 0
        # RFC 3261 20: a URI with "?" or "," must be in angle brackets
        if brackets == 0 and (c == 63 or c == 44):
            return 0
        if c == 58:
            colon = 1
        start += 1
    return colon


@micropython.viper
def scan_via(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Find the parts of one via-parm (RFC 3261 20.42) in buf[at:end]; return 1, or 0 if malformed.

    Leaves in *out*: transport, host (with the brackets of an IPv6 reference), port (-1 absent),
    end of sent-by, start of the parameters.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    words = 0
    while words < 3:  # protocol name, version, transport: LWS may surround the slashes
        while at < end and int(buf[at]) <= 32:
            at += 1
        start = at
        while at < end and int(buf[at]) > 32 and int(buf[at]) != 47:
            c = int(buf[at])
            if c == 59 or c == 44 or c == 58:
                return 0
            at += 1
        if at == start:
            return 0
        out[0] = start
        out[1] = at
        words += 1
        if words < 3:
            while at < end and int(buf[at]) <= 32:
                at += 1
            if at >= end or int(buf[at]) != 47:
                return 0
            at += 1
    start = at
    while at < end and int(buf[at]) <= 32:
        at += 1
    if at == start or at >= end:
        return 0
    out[2] = at
    if int(buf[at]) == 91:
        while at < end and int(buf[at]) != 93:
            at += 1
        if at >= end:
            return 0
        at += 1
    else:
        while at < end:
            c = int(buf[at])
            if c <= 32 or c == 58 or c == 59 or c == 40:
                break
            if c == 44 or c == 34 or c == 60:
                return 0
            at += 1
    if at == int(out[2]):
        return 0
    out[3] = at
    out[5] = at
    out[4] = -1
    while at < end and int(buf[at]) <= 32:
        at += 1
    if at < end and int(buf[at]) == 58:
        at += 1
        while at < end and int(buf[at]) <= 32:
            at += 1
        start = at
        port = 0
        while at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
            port = port * 10 + int(buf[at]) - 48
            if port > 65535:
                return 0
            at += 1
        if at == start:
            return 0
        out[4] = port
        out[5] = at
    out[6] = at
    return 1


@micropython.viper
def scan_cseq(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Parse `1*DIGIT LWS Method` in buf[at:end]: 1, or 0 when malformed or 2**31 and above.

    Leaves in *out* the number and the span of the method.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    start = at
    n = 0
    while at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
        c = int(buf[at]) - 48
        if n > 214748364 or (n == 214748364 and c > 7):
            return 0
        n = n * 10 + c
        at += 1
    if at == start or at >= end or int(buf[at]) > 32:
        return 0
    while at < end and int(buf[at]) <= 32:
        at += 1
    out[0] = n
    out[1] = at
    while at < end and int(buf[at]) > 32:
        at += 1
    out[2] = at
    if at < end or at == int(out[1]):
        return 0
    return 1
