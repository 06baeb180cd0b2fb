"""Typed views of header field values, in place (RFC 3261 20, 25.1).

A view is one reusable object holding offsets into the buffer it last parsed; making one costs
heap once, parsing with it none. Below the views lie scanners in viper that know the three things
which make SIP values awkward: quoted strings with escapes, `<...>`, and linear white space
wherever a separator stands. Every `parse` returns False for what the grammar does not allow and
then leaves the offsets of the view without meaning.
"""

from array import array

import micropython

from usip.octets import parse_uint, skip_lws, trim_lws

_OUT = array("i", [0] * 8)  # where the scanners leave their offsets, one call at a time


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


class Params:
    """A list of `;name[=value]`: looked up by name, or walked with `begin` and `next`."""

    def __init__(self) -> None:
        self.buf = b""
        self.params_start = self.params_end = 0
        self.name_start = self.name_end = 0  # of the parameter found last
        self.value_start = self.value_end = 0  # quotes included; empty for a flag
        self._at = 0

    def _take(self, at: int, name: bytes, length: int) -> int:
        out = _OUT
        found = find_param(self.buf, at, self.params_end, out, name, length)
        if found > 0:
            self.name_start = out[0]
            self.name_end = out[1]
            self.value_start = out[2]
            self.value_end = out[3]
            self._at = out[4]
        return found

    def set(self, buf: bytes, start: int, end: int) -> bool:
        """Look into buf[start:end], which starts at a semicolon; return whether it is a list."""
        self.buf = buf
        self.params_start = self._at = start
        self.params_end = end
        return find_param(buf, start, end, _OUT, b"", -1) == 0

    def param(self, name: bytes) -> bool:
        """Find the parameter *name* (lower case): whether it is there, and its value's span."""
        return self._take(self.params_start, name, len(name)) > 0

    def begin(self) -> None:
        """Start walking at the first parameter."""
        self._at = self.params_start

    def next(self) -> bool:
        """Step to the next parameter; False behind the last."""
        return self._take(self._at, b"", 0) > 0

    def param_uint(self, name: bytes) -> int:
        """Return the value of *name* as a number, -1 when it is absent or no number."""
        if not self.param(name):
            return -1
        return parse_uint(self.buf, self.value_start, self.value_end)

    def unquote(self) -> None:
        """Narrow the value found last to what is inside of its quotes (escapes stay)."""
        if self.value_end - self.value_start > 1 and self.buf[self.value_start] == 34:
            self.value_start += 1
            self.value_end -= 1

    def value(self) -> bytes:
        """Return a copy of the value found last."""
        return bytes(memoryview(self.buf)[self.value_start : self.value_end])


class NameAddr(Params):
    """From, To, Contact, Route and all else that is a name-addr or an addr-spec (20.10)."""

    def __init__(self) -> None:
        super().__init__()
        self.display_start = self.display_end = 0  # inside of the quotes; escapes stay
        self.uri_start = self.uri_end = 0
        self.tag_start = self.tag_end = -1
        self.is_wildcard = False  # `Contact: *`

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end]; False when malformed. No heap."""
        out = _OUT
        self.buf = buf
        self.is_wildcard = False
        self.tag_start = self.tag_end = -1
        if not scan_name_addr(buf, start, end, out):
            return self._parse_wildcard(start, end)
        self.display_start = out[0]
        self.display_end = out[1]
        self.uri_start = out[2]
        self.uri_end = out[3]
        self.params_start = self._at = at = out[4]
        self.params_end = end
        if at >= end:
            return True
        found = find_param(buf, at, end, out, b"tag", 3)
        if found > 0:
            if out[3] > out[2]:
                self.tag_start = out[2]
                self.tag_end = out[3]
            found = find_param(buf, out[4], end, out, b"tag", -1)
        return found == 0

    def _parse_wildcard(self, start: int, end: int) -> bool:
        buf = self.buf
        start = skip_lws(buf, start, end)
        end = trim_lws(buf, start, end)
        self.is_wildcard = end - start == 1 and buf[start] == 42
        self.display_start = self.display_end = start
        self.uri_start = self.uri_end = start
        self.params_start = self.params_end = end
        return self.is_wildcard

    def uri(self) -> bytes:
        """Return a copy of the URI."""
        return bytes(memoryview(self.buf)[self.uri_start : self.uri_end])


class Via(Params):
    """One via-parm (20.42, RFC 3581)."""

    def __init__(self) -> None:
        super().__init__()
        self.transport_start = self.transport_end = 0
        self.host_start = self.host_end = 0  # with the brackets of an IPv6 reference
        self.port = -1  # -1: absent, the transport's default
        self.sent_by_start = self.sent_by_end = 0
        self.branch_start = self.branch_end = -1
        self.received_start = self.received_end = -1
        self.has_rport = False
        self.rport = -1  # -1: absent or without a value

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end], one value without its commas; False when malformed. No heap."""
        out = _OUT
        self.buf = buf
        if not scan_via(buf, start, end, out):
            return False
        self.transport_start = out[0]
        self.transport_end = out[1]
        self.host_start = self.sent_by_start = out[2]
        self.host_end = out[3]
        self.port = out[4]
        self.sent_by_end = out[5]
        self.params_start = self._at = out[6]
        self.params_end = end
        return self._parse_params()

    def _parse_params(self) -> bool:
        out = _OUT
        buf = self.buf
        at = self.params_start
        end = self.params_end
        self.branch_start = self.branch_end = self.received_start = self.received_end = -1
        self.has_rport = False
        self.rport = -1
        if find_param(buf, at, end, out, b"", -1):
            return False
        if find_param(buf, at, end, out, b"branch", 6) and out[3] > out[2]:
            self.branch_start = out[2]
            self.branch_end = out[3]
        if find_param(buf, at, end, out, b"rport", 5):
            self.has_rport = True
            self.rport = parse_uint(buf, out[2], out[3])
        if find_param(buf, at, end, out, b"received", 8):
            self.received_start = out[2]
            self.received_end = out[3]
        return True


class CSeq:
    """`1*DIGIT LWS Method` (20.16)."""

    def __init__(self) -> None:
        self.number = 0  # 0 .. 2**31 - 1
        self.method_start = self.method_end = 0

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end]; False when malformed or 2**31 and above (8.1.1.5)."""
        if not scan_cseq(buf, start, end, _OUT):
            return False
        self.number = _OUT[0]
        self.method_start = _OUT[1]
        self.method_end = _OUT[2]
        return True


class Field(Params):
    """A leading word with parameters: Event, Content-Type, Session-Expires, Replaces, Reason,
    Subscription-State, Retry-After, Refer-Sub ...
    """

    def __init__(self) -> None:
        super().__init__()
        self.start = self.end = 0  # the leading word

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end]; False without a leading word or with malformed parameters."""
        start = skip_lws(buf, start, end)
        at = find_separator(buf, start, end, 59)
        if at < 0:
            return False
        self.start = start
        self.end = trim_lws(buf, start, at)
        return self.set(buf, at, end) and self.end > start

    def uint(self) -> int:
        """Return the leading word as a number, -1 when it is none."""
        return parse_uint(self.buf, self.start, self.end)


class Values:
    """Every comma-separated value over all fields of one name (7.3.1); no heap."""

    def __init__(self) -> None:
        self.message = None
        self.header_id = 0
        self.field = -1  # index of the field the value is in
        self.start = self.end = 0
        self._at = self._field_end = 0

    def begin(self, message, header_id: int) -> None:
        """Start at the first field *header_id* of *message*."""
        self.message = message
        self.header_id = header_id
        self._enter(message.find(header_id))

    def _enter(self, field: int) -> None:
        self.field = field
        if field >= 0:
            self._at = self.message.value_start(field)
            self._field_end = self.message.value_end(field)

    def next(self) -> bool:
        """Step to the next value; False behind the last. What does not close ends its field."""
        while self.field >= 0:
            at = self._at
            end = self._field_end
            if at > end:
                self._enter(self.message.find(self.header_id, self.field + 1))
                continue
            buf = self.message.buf
            comma = find_separator(buf, at, end, 44)
            if comma < 0:
                comma = end
            self._at = comma + 1
            self.start = skip_lws(buf, at, comma)
            self.end = trim_lws(buf, self.start, comma)
            if self.end > self.start:
                return True
        return False
