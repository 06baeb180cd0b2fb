"""Typed views of header field values, in place (RFC 3261 20, 25.1).

A view is one reusable object holding offsets into the buffer it last parsed; making one costs
heap once, parsing with it none. Every `parse` returns False for what the grammar does not allow
and then leaves the offsets of the view without meaning.
"""

from usip.octets import equals_nocase, find_octet, parse_uint, skip_lws, trim_lws
from usip.sip.grammar import (
    OUT,
    find_separator,
    find_token,
    scan_name_addr,
    scan_params,
    scan_via,
)


class Params:
    """A list of `;name[=value]`: looked up by name, or walked with `begin` and `next`."""

    def __init__(self) -> None:
        self.buf = b""
        self.params_start = self.params_end = 0
        self.name_start = self.name_end = 0  # of the parameter stepped to last
        self.value_start = self.value_end = 0  # quotes included; empty for a flag
        self._at = 0

    def set(self, buf: bytes, start: int, end: int) -> bool:
        """Look into buf[start:end], which starts at a semicolon; return whether it is a list."""
        self.buf = buf
        self.params_start = self._at = start
        self.params_end = end
        return scan_params(buf, start, end, OUT, b"-", 1) >= end

    def param(self, name: bytes) -> bool:
        """Find the parameter *name* (lower case): whether it is there, and its value's span."""
        out = OUT
        scan_params(self.buf, self.params_start, self.params_end, out, name, len(name))
        self.value_start = out[0]
        self.value_end = out[1]
        return out[0] >= 0

    def begin(self) -> None:
        """Start walking at the first parameter."""
        self._at = self.params_start

    def next(self) -> bool:
        """Step to the next parameter; False behind the last."""
        out = OUT
        at = scan_params(self.buf, self._at, self.params_end, out, b"", 0)
        if at < 0 or out[0] < 0:
            return False
        self._at = at
        self.value_start = out[0]
        self.value_end = out[1]
        self.name_start = out[2]
        self.name_end = out[3]
        return True

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
        out = OUT
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
        at = scan_params(buf, at, end, out, b"tag", 3)
        if out[1] > out[0]:
            self.tag_start = out[0]
            self.tag_end = out[1]
        return at == end

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
        """Parse the first value in buf[start:end]; False when malformed. No heap."""
        out = OUT
        self.buf = buf
        if not scan_via(buf, start, end, out):
            return False
        self.transport_start = out[0]
        self.transport_end = out[1]
        self.host_start = self.sent_by_start = out[2]
        self.host_end = out[3]
        self.port = out[4]
        self.sent_by_end = out[5]
        self.params_start = self._at = at = out[6]
        self.params_end = at = scan_params(buf, at, end, out, b"branch rport received", 21)
        if at < 0:
            return False
        if out[1] > out[0]:
            self.branch_start = out[0]
            self.branch_end = out[1]
        else:
            self.branch_start = self.branch_end = -1
        self.has_rport = out[2] >= 0
        self.rport = parse_uint(buf, out[2], out[3]) if self.has_rport else -1
        self.received_start = out[4]
        self.received_end = out[5]
        return True


def _skip_quoted(buf: bytes, at: int, end: int) -> int:
    """Return where the quote is that closes the string whose inside starts at *at*, or *end*."""
    while at < end and buf[at] != 34:
        if buf[at] == 92:
            at += 1
        at += 1
    return at


def scan_auth_param(buf: bytes, at: int, end: int, out) -> int:
    """Find the `name=value` at buf[at:end], commas in front of it skipped (RFC 3261 20.44).

    Return the offset behind it, *end* at the end of the field, or -1 where no parameter starts:
    at the scheme of another challenge, or at nonsense. Leaves in *out* the span of the name (-1 at
    the end) and that of the value inside of its quotes.
    """
    out[0] = -1
    while at < end and (buf[at] <= 32 or buf[at] == 44):
        at += 1
    if at >= end:
        return end
    start = at
    while at < end and buf[at] > 32 and buf[at] not in b',="':
        at += 1
    out[1] = at
    at = skip_lws(buf, at, end)
    if at >= end or buf[at] != 61 or out[1] == start:
        return -1
    at = skip_lws(buf, at + 1, end)
    if at < end and buf[at] == 34:
        out[2] = at + 1
        at = _skip_quoted(buf, at + 1, end)
        out[3] = at
        at += 1
    else:
        out[2] = at
        while at < end and buf[at] > 32 and buf[at] != 44:
            at += 1
        out[3] = at
    if at > end:
        return -1
    out[0] = start
    return at


class Challenge:
    """One challenge, or one set of credentials: a scheme and `name=value` pairs (20.7, 20.44).

    Several challenges are several fields; some proxies put them into one, with commas.
    """

    def __init__(self) -> None:
        self.buf = b""
        self.scheme_start = self.scheme_end = 0
        self.value_start = self.value_end = 0  # of the parameter found last, inside of its quotes
        self._at = self._end = 0

    def parse(self, buf: bytes, start: int, end: int) -> int:
        """Parse the first challenge in buf[start:end]; return the offset behind it, or -1."""
        self.buf = buf
        self.scheme_start = start = skip_lws(buf, start, end)
        at = start
        while at < end and buf[at] > 32 and buf[at] != 44:
            at += 1
        self.scheme_end = at
        return -1 if at == start else self.parse_parameters(buf, at, end)

    def parse_parameters(self, buf: bytes, start: int, end: int) -> int:
        """Parse `name=value` pairs without a scheme (Authentication-Info); return as `parse`."""
        self.buf = buf
        self._at = self._end = at = start
        while at < end:
            behind = scan_auth_param(buf, at, end, OUT)
            if behind < 0:
                comma = find_octet(buf, at, skip_lws(buf, at, end) + 1, 44)
                return end if comma < 0 else comma + 1
            self._end = at = behind
        return end

    def param(self, name: bytes) -> bool:
        """Find the parameter *name* (lower case): whether it is there, and its value's span."""
        at = self._at
        while at < self._end:
            at = scan_auth_param(self.buf, at, self._end, OUT)
            if OUT[0] >= 0 and equals_nocase(self.buf, OUT[0], OUT[1], name, len(name)):
                self.value_start = OUT[2]
                self.value_end = OUT[3]
                return True
        return False

    def value(self, name: bytes):
        """Return a copy of the parameter *name*, quotes off and escapes left, or None."""
        if not self.param(name):
            return None
        return bytes(memoryview(self.buf)[self.value_start : self.value_end])

    def realm(self):
        """Return the realm, or None."""
        return self.value(b"realm")

    def nonce(self):
        """Return the nonce, or None."""
        return self.value(b"nonce")

    def opaque(self):
        """Return the opaque value, or None."""
        return self.value(b"opaque")

    def algorithm(self):
        """Return the algorithm as it is written, or None."""
        return self.value(b"algorithm")

    @property
    def is_digest(self) -> bool:
        """Whether the scheme is Digest."""
        return equals_nocase(self.buf, self.scheme_start, self.scheme_end, b"digest", 6) == 1

    @property
    def is_stale(self) -> bool:
        """Whether stale is true: the credentials were right, the nonce was not."""
        if not self.param(b"stale"):
            return False
        return equals_nocase(self.buf, self.value_start, self.value_end, b"true", 4) == 1

    @property
    def has_qop_auth(self) -> bool:
        """Whether qop offers "auth"."""
        if not self.param(b"qop"):
            return False
        return find_token(self.buf, self.value_start, self.value_end, b"auth", 4) == 1

    @property
    def has_qop_auth_int(self) -> bool:
        """Whether qop offers "auth-int"."""
        if not self.param(b"qop"):
            return False
        return find_token(self.buf, self.value_start, self.value_end, b"auth-int", 8) == 1


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

    def next_challenge(self, challenge: Challenge) -> bool:
        """Parse the next challenge, of which a field has one or more; False behind the last."""
        while self.field >= 0:
            at = self._at
            end = self._field_end
            if at < end:
                self._at = challenge.parse(self.message.buf, at, end)
                if self._at >= 0:
                    return True
            self._enter(self.message.find(self.header_id, self.field + 1))
        return False
