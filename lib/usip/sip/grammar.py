"""Scanners for what stands in header field values (RFC 3261 20, 25.1).

They know the three things that make these values awkward: quoted strings with escapes, `<...>`,
and linear white space (folds included) wherever a separator stands. Each takes a span, leaves
offsets in an array('i'), for which all share OUT, and uses no heap; the views of `headers.py`
give the offsets names.
"""

from array import array

import micropython

OUT = array("i", [0] * 12)


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
def scan_params(buf: ptr8, at: int, end: int, out: ptr32, names: ptr8, length: int) -> int:  # noqa: C901, PLR0915  (one call a value)
    """Walk the `;name[=value]` in buf[at:end]; return the offset behind them, -1 when malformed.

    *names* (lower case, a space between two) are looked for: the value of the n-th goes to
    out[2n] and out[2n + 1], an empty span behind a name alone, -1 and -1 when it is absent. With
    a *length* of 0 the walk ends behind the first parameter, whose value and name go to out[0] to
    out[3]. The list ends at a comma.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    names = ptr8(names)
    i = 0
    slots = 2
    while i < length:
        if int(names[i]) == 32:
            slots += 2
        i += 1
    while slots > 0:
        slots -= 1
        out[slots] = -1
    while True:
        while at < end and int(buf[at]) <= 32:
            at += 1
        if at >= end:
            return at
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
        stop = value
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
                while at < end:
                    c = int(buf[at])
                    if c <= 32 or c == 59 or c == 44:
                        break
                    at += 1
            stop = at
        if length == 0:
            out[0] = value
            out[1] = stop
            out[2] = start
            out[3] = name_end
            return at
        i = 0
        slots = 0
        while i < length:
            j = start
            c = 32
            while i < length and int(names[i]) != 32:
                if j < name_end:
                    c = int(buf[j])
                    if c >= 65 and c <= 90:
                        c += 32
                    if c != int(names[i]):
                        c = 0
                        j = end
                else:
                    c = 0
                j += 1
                i += 1
            if c and j == name_end and int(out[slots]) < 0:
                out[slots] = value
                out[slots + 1] = stop
            slots += 2
            i += 1


@micropython.viper
def scan_name_addr(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915  (one call a value)
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
        # Lax: any octets but "," in a name without quotes, because phones take it as configured
        while at < end:
            c = int(buf[at])
            if c == 60 or c == 59:
                break
            if c == 44:
                return 0
            at += 1
        stop = at
        while stop > start and int(buf[stop - 1]) <= 32:
            stop -= 1
    out[0] = start
    out[1] = stop
    brackets = 0
    if at < end and int(buf[at]) == 60:
        # Lax: no white space between display name and "<" (RFC 4475 3.1.1.6, lwsdisp)
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
    # Lax: no scheme inside of the brackets, because RFC 5626 9.1 itself writes it so
    colon = brackets
    if start == stop:
        colon = 0
    while start < stop:
        c = int(buf[start])
        if c == 13 or c == 10:
            # Lax: a fold inside of the brackets, because RFC 7118 B.1 itself has one
            while start + 1 < stop and int(buf[start + 1]) <= 32:
                start += 1
        elif c <= 32 or c == 34 or c == 60:
            return 0
        # RFC 3261 20: a URI with "?", as one with ",", must be in angle brackets
        if brackets == 0 and c == 63:
            return 0
        if c == 58:
            colon = 1
        start += 1
    return colon


@micropython.viper
def scan_via(buf: ptr8, at: int, end: int, out: ptr32) -> int:  # noqa: C901, PLR0915  (one call a value)
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
def scan_number(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Return the number that starts buf[at:end], -1 when none does or it is 2**31 or more.

    Leaves in out[0] the offset behind its digits and the white space after them.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    n = -1
    while at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
        c = int(buf[at]) - 48
        if n < 0:
            n = 0
        if n > 214748364 or (n == 214748364 and c > 7):
            return -1
        n = n * 10 + c
        at += 1
    while at < end and int(buf[at]) <= 32:
        at += 1
    out[0] = at
    return n


@micropython.viper
def scan_auth_param(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Find the `name=value` at buf[at:end], commas in front of it skipped (RFC 3261 20.44).

    Return the offset behind it, *end* at the end of the field, or -1 where no parameter starts:
    at the scheme of another challenge, or at nonsense. Leaves in *out* the span of the name (-1 at
    the end) and that of the value inside of its quotes.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    out[0] = -1
    while at < end and (int(buf[at]) <= 32 or int(buf[at]) == 44):
        at += 1
    if at >= end:
        return end
    start = at
    while at < end:
        c = int(buf[at])
        if c <= 32 or c == 61 or c == 44 or c == 34:
            break
        at += 1
    stop = at
    while at < end and int(buf[at]) <= 32:
        at += 1
    if at >= end or int(buf[at]) != 61 or stop == start:
        return -1
    at += 1
    while at < end and int(buf[at]) <= 32:
        at += 1
    out[1] = stop
    out[2] = at
    if at < end and int(buf[at]) == 34:
        at += 1
        out[2] = at
        while at < end and int(buf[at]) != 34:
            if int(buf[at]) == 92:
                at += 1
            at += 1
        if at >= end:
            return -1
        out[3] = at
        at += 1
    else:
        while at < end and int(buf[at]) > 32 and int(buf[at]) != 44:
            at += 1
        out[3] = at
    out[0] = start
    return at


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


@micropython.viper
def uint_end(buf: ptr8, at: int, end: int) -> int:
    """Return where the digits at the start of buf[at:end] end, or *at* when other text follows
    them than white space, parameters or a comment.
    """
    buf = ptr8(buf)
    start = at
    while at < end and int(buf[at]) >= 48 and int(buf[at]) <= 57:
        at += 1
    if at < end:
        c = int(buf[at])
        if c > 32 and c != 59 and c != 40:
            return start
    return at
