"""Views of fields that not every phone reads: a leading word with parameters, and RAck."""

from usip.octets import equals_nocase, parse_uint, skip_lws, trim_lws
from usip.sip.grammar import OUT, find_separator, is_token, parse_count
from usip.sip.headers import Params


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


class SessionExpires(Field):
    """Session-Expires and Min-SE (RFC 4028 4, 5)."""

    def refresher(self) -> int:
        """Return who refreshes: 1 the UAC, 2 the UAS, 0 when it is not said."""
        if not self.param(b"refresher"):
            return 0
        for who, name in ((1, b"uac"), (2, b"uas")):
            if equals_nocase(self.buf, self.value_start, self.value_end, name, 3):
                return who
        return 0


class CSeq:
    """`1*DIGIT LWS Method` (20.16)."""

    def __init__(self) -> None:
        self.number = 0  # 0 .. 2**30 - 1
        self.method_start = self.method_end = 0

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end]; False when malformed."""
        self.number = parse_count(buf, start, end, OUT)
        self.method_start = at = skip_lws(buf, OUT[0], end)
        self.method_end = end
        return self.number >= 0 and at > OUT[0] and is_token(buf, at, end)


class RAck:
    """`response-num CSeq-num Method` (RFC 3262 7.2)."""

    def __init__(self) -> None:
        self.rseq = 0
        self.cseq = CSeq()

    def parse(self, buf: bytes, start: int, end: int) -> bool:
        """Parse buf[start:end]; False when malformed."""
        self.rseq = parse_count(buf, start, end, OUT)
        at = skip_lws(buf, OUT[0], end)
        return self.rseq >= 0 and at > OUT[0] and self.cseq.parse(buf, at, end)
