"""Typed views of header field values, in place (RFC 3261 20, 25.1).

A view is one reusable object holding offsets into the buffer it last parsed; making one costs
heap once, parsing with it none. Every `parse` returns False for what the grammar does not allow
and then leaves the offsets of the view without meaning.
"""

from array import array

from usip.octets import parse_uint, skip_lws, trim_lws
from usip.sip.grammar import find_param, find_separator, scan_cseq, scan_name_addr, scan_via

_OUT = array("i", [0] * 8)  # where the scanners leave their offsets, one call at a time


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
