"""Reading a session description line by line as its octets arrive (RFC 8866 5, 9).

Theory of operation: a `Reader` is given octets and asked for lines. A line that lies whole in
what was given is handed out where it is, as a span; only one that straddles two pieces is put
together in a line buffer, made when that first happens. So a description of any length takes no
memory but its longest line, and one that arrived in a datagram takes none at all.

    reader.read(buf, start, end)            reader.begin()
    while reader.next():                    for every piece: reader.feed(buf, start, end)
        reader.kind, reader.buf,                and the same loop over reader.next()
        reader.start, reader.end,           reader.finish(), and the loop once more
        reader.section

The order of the lines is the grammar's (RFC 8866 9); where devices and the RFCs' own examples
leave it, a comment says `Lax:` and a test has that name. What a value means is not checked here:
`fields` and `attributes` parse values on demand, `negotiate` those that matter to a phone.
"""

from micropython import const

from usip.errors import ParseError
from usip.octets import copy
from usip.sdp.octets import find_line_end

_LF = const(10)
_CR = const(13)
_EQUALS = const(61)
_A = const(97)
_B = const(98)
_C = const(99)
_E = const(101)
_I = const(105)
_K = const(107)
_M = const(109)
_P = const(112)
_R = const(114)
_T = const(116)
_Z = const(122)
_SESSION = const(-1)

# Rank of each type letter a-z in the session part and in a media part (RFC 8866 9).
#                a     b     c  d   e     f g h       i  j   k     l   m     n   o  p  q
_IN_SESSION = b"\x0b\x08\x07\xff\x05\xff\xff\xff\x03\xff\x0a\xff\xff\xff\x01\x06\xff" + (
    b"\x09\x02\x09\x04\x00\xff\xff\xff\x09"
)  # r s t u v w x y z
_IN_MEDIA = b"\x05\x03\x02\xff\xff\xff\xff\xff\x01\xff\x04"  # to k
_RANK_NONE = const(0xFF)
_RANK_ORIGIN = const(1)
_RANK_CONNECTION = const(7)
_RANK_TIME = const(9)
_RANK_ATTRIBUTE = const(11)


class Order:
    """Where a description stands in the grammar; reading and writing share it.

    When *is_strict*, as in writing, exactly the grammar; else with the laxities named below.
    """

    def __init__(self, is_strict: bool) -> None:
        self._is_strict = is_strict
        self.begin()

    def begin(self) -> None:
        """Expect v=."""
        self.section = _SESSION  # -1 the session part, else the index of the m= line
        self._rank = -1
        self._kind = 0  # the type letter before
        self._has_time = False
        self._has_connection = False

    def step(self, kind: int) -> bool:
        """Return whether a line of type *kind* may come here; when so, stand behind it."""
        if kind == _M:
            if not self.may_end():
                return False
            self.section += 1
            self._rank = 0
        elif self.section >= 0:
            if not self._step_in_media(kind):
                return False
        elif not self._step_in_session(kind):
            return False
        self._kind = kind
        return True

    def may_end(self) -> bool:
        """Return whether the session part is complete."""
        if self.section >= 0:
            return True
        # Lax: neither s= nor t=, because RFC 4475 mismatch02 has neither
        return self._has_time if self._is_strict else self._rank >= _RANK_ORIGIN

    def _step_in_media(self, kind):
        rank = _IN_MEDIA[kind - _A] if _A <= kind <= _K else _RANK_NONE
        before = self._rank
        if rank == _RANK_NONE or rank < before:
            return False
        if rank == before and (kind == _I or kind == _K):
            return False
        self._rank = rank
        return True

    def _step_in_session(self, kind):
        rank = _IN_SESSION[kind - _A] if _A <= kind <= _Z else _RANK_NONE
        before = self._rank
        if rank == _RANK_NONE or before < (2 if self._is_strict else 1) and rank != before + 1:
            return False
        if self._is_strict:
            if rank > _RANK_TIME and not self._has_time:
                return False
        elif _RANK_CONNECTION < rank <= _RANK_TIME:
            # Lax: c=, b= and t= in any order, because RFC 3264 9 and Jitsi have t= first
            rank = _RANK_CONNECTION
        if rank < before:
            # Lax: a= before t=, because the examples of RFC 5763 have a=fingerprint there
            if kind != _T or before != _RANK_ATTRIBUTE or self._is_strict or self._has_time:
                return False
            rank = before
        elif not self._may_repeat(kind, rank == before):
            return False
        self._rank = rank
        return True

    def _may_repeat(self, kind, is_same_rank):
        if kind == _T:
            self._has_time = True
            return True
        if kind == _R or kind == _Z:
            return self._kind == _T or self._kind == _R
        if kind == _C:
            had = self._has_connection
            self._has_connection = True
            return not had
        return not is_same_rank or kind == _E or kind == _P or kind == _B or kind == _A


class Reader:
    """Hands out the lines of one description at a time; reusable.

    A line longer than *line_bytes* is handed out cut to that length, `is_cut` set, however it
    arrived. ParseError 400 when the octets are no description. No heap but the line buffer.
    """

    def __init__(self, line_bytes: int = 256) -> None:
        self.line_bytes = line_bytes
        self.order = Order(False)
        self._line = None  # the buffer a straddling line is put together in
        self.begin()

    def begin(self) -> None:
        """Expect the first octets of a description."""
        self.order.begin()
        self.section = _SESSION  # -1 in the session part, else the index of the m= line
        self.kind = 0  # type letter of the line at hand
        self.buf = b""  # the octets the line stands in, valid until next(); its value is
        self.start = self.end = 0  # buf[start:end]
        self.offset = 0  # of the line's first octet in the description
        self.is_cut = self._was_cut = False
        self._source = b""
        self._at = self._until = 0
        self._shift = 0  # from an offset in _source to one in the description
        self._kept = 0  # octets of the line that are in _line
        self._has_cr = False
        self._is_last = False
        self._is_ended = False  # a blank line was read

    def read(self, buf, start: int, end: int) -> None:
        """Take buf[start:end] as the whole description."""
        self.begin()
        self.feed(buf, start, end)
        self._is_last = True

    def feed(self, buf, start: int, end: int) -> None:
        """Take the next octets, buf[start:end], which next() has to use up."""
        self._shift += self._until - start
        self._source = buf
        self._at = start
        self._until = end

    def finish(self) -> None:
        """There are no more octets: next() may hand out a last line that has no line end."""
        self._is_last = True

    def next(self) -> bool:
        """Go to the next line and return True; False when the octets given are used up.

        After read() or finish(), False is the end of a complete description.
        """
        while self._take_line():
            start = self.start
            if start == self.end:  # Lax: blank lines at the end, because Boghe sends one
                self._is_ended = True
                continue
            if self._is_ended or self.end - start < 2 or self.buf[start + 1] != _EQUALS:
                raise self._fault("no type=value")
            self.kind = self.buf[start]
            if not self.order.step(self.kind):
                raise self._fault("a line out of order")
            self.section = self.order.section
            self.start = start + 2
            return True
        if self._is_last and not self.order.may_end():
            raise self._fault("incomplete")
        return False

    def _fault(self, text):
        return ParseError(400, self.offset, text)

    def _take_line(self):
        """Set buf, start and end to the next line; False when its end is not there yet."""
        at = self._at
        until = self._until
        if not self._kept and not self._has_cr:
            self.offset = at + self._shift
        if self._has_cr:  # the piece before ended between CR and LF
            end = at
            if at == until and not self._is_last:
                return False
        else:
            end = find_line_end(self._source, at, until)
        if end < 0 and (not self._is_last or at == until and not self._kept):
            self._keep(at, until)
            return False
        if end < 0:  # Lax: a last line without CRLF, because the TA612V adapter has it
            end = until
        elif end < until and not self._skip_line_end(end):
            self._keep(at, end)
            self._has_cr = True
            return False
        if end == until:
            self._at = until
        self._deliver(at, end)
        return True

    def _skip_line_end(self, at):
        """Stand behind the CRLF or LF (RFC 8866 5) at *at*; False when the LF is yet to come."""
        source = self._source
        c = source[at]
        if c == _CR and not self._has_cr:
            at += 1
            if at == self._until:
                self._at = at
                return self._is_last
            c = source[at]
        if c != _LF:
            raise self._fault("a control character")
        self._at = at + 1
        return True

    def _keep(self, start, end):
        """Append _source[start:end] to the line being put together."""
        self._at = self._until
        kept = self._kept
        if end - start > self.line_bytes - kept:
            end = start + self.line_bytes - kept
            self._was_cut = True
        if start == end:
            return
        if self._line is None:
            self._line = bytearray(self.line_bytes)
        copy(self._line, kept, self._source, start, end)
        self._kept = kept + end - start

    def _deliver(self, start, end):
        if self._kept:
            at = self._at
            self._keep(start, end)
            self._at = at
            self.buf = self._line
            start = 0
            end = self._kept
        else:
            self.buf = self._source
            if end - start > self.line_bytes:
                end = start + self.line_bytes
                self._was_cut = True
        self.start = start
        self.end = end
        self.is_cut = self._was_cut
        self._was_cut = self._has_cr = False
        self._kept = 0
