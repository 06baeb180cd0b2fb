"""One received message, seen in place (RFC 3261 7).

`parser.index` or a `parser.StreamParser` fills the one Message there is; nothing is copied, every
`_start`/`_end` pair is a span of `buf`, and all of it is valid until the next message. The index
of header fields is an array of four numbers a field: its id, where its name starts, and the span
of its value without surrounding white space (folds inside stay). Fields of the same name keep
their order. The ids of header fields and methods are the `_H_` and `_M_` numbers of `names.py`.
"""

from array import array

import micropython
from micropython import const

from usip.octets import equals_nocase
from usip.sip.grammar import OUT, find_token, parse_count
from usip.sip.headers import NameAddr, Via

_IDS = const(82)  # header ids are 0 .. 81
_EXTENSION = const(0)


@micropython.viper
def find_field(fields: ptr16, at: int, count: int, header_id: int) -> int:
    """Return the index of the first field *header_id* at or behind *at*, or -1."""
    fields = ptr16(fields)
    while at < count:
        if int(fields[4 * at]) == header_id:
            return at
        at += 1
    return -1


class Message:
    """The view of one message; make it once, its index holds *headers* fields, at most 254."""

    def __init__(self, headers: int = 48) -> None:
        self.buf = b""
        self.fields = array("H", bytes(8 * min(headers, 254)))
        self.first = bytearray(_IDS)  # by header id: index of its first field + 1, 0 absent
        self.count = 0
        self.start = self.end = 0  # end includes the body
        self.is_request = False
        self.method = 0  # of the CSeq in a response; 0: not one of ours
        self.method_start = self.method_end = 0
        self.uri_start = self.uri_end = 0
        self.status_code = 0
        self.reason_start = self.reason_end = 0
        self.cseq = 0
        self.call_id_start = self.call_id_end = 0
        self.max_forwards = -1  # -1: absent
        self.content_length = -1  # -1: absent
        self.via = Via()  # the topmost
        self.from_ = NameAddr()
        self.to = NameAddr()
        self.body_start = self.body_end = 0
        self.body_sink = None  # what consumed the body of a stream's message piecewise
        self.fault = 0  # status to refuse an answerable request with
        self.fault_at = 0
        self.fault_text = ""

    def find(self, header_id: int, start: int = 0) -> int:
        """Return the index of the first field *header_id* at or behind *start*, or -1."""
        at = self.first[header_id] - 1
        if at >= start or at < 0:
            return at
        return find_field(self.fields, start, self.count, header_id)

    def find_name(self, name: bytes, start: int = 0) -> int:
        """Return the index of the next field called *name* (lower case), or -1."""
        for i in range(start, self.count):
            at = self.fields[4 * i + 1]
            if equals_nocase(self.buf, at, at + len(name), name, len(name)):
                if at + len(name) == self.name_end(i):
                    return i
        return -1

    def header_id(self, i: int) -> int:
        """Return the id of field *i*, 0 when it is none that the library knows."""
        return self.fields[4 * i]

    def name_start(self, i: int) -> int:
        """Return where the name of field *i* starts."""
        return self.fields[4 * i + 1]

    def name_end(self, i: int) -> int:
        """Return the offset behind the name of field *i*."""
        at = self.fields[4 * i + 1]
        buf = self.buf
        while buf[at] != 58 and buf[at] > 32:
            at += 1
        return at

    def value_start(self, i: int) -> int:
        """Return where the value of field *i* starts."""
        return self.fields[4 * i + 2]

    def value_end(self, i: int) -> int:
        """Return the offset behind the value of field *i*."""
        return self.fields[4 * i + 3]

    def text(self, start: int, end: int) -> bytes:
        """Return a copy of buf[start:end], as bytes."""
        copied = self.buf[start:end]
        return copied if isinstance(copied, bytes) else bytes(copied)

    def value(self, header_id: int):
        """Return a copy of the value of the first field *header_id*, or None."""
        i = self.first[header_id] - 1
        if i < 0:
            return None
        return self.text(self.value_start(i), self.value_end(i))

    def uint(self, header_id: int) -> int:
        """Return the number that starts the first field *header_id*; -1 when absent or no number.

        2**30 - 1 stands for all above it. No heap.
        """
        i = self.first[header_id] - 1
        if i < 0:
            return -1
        n = parse_count(self.buf, self.fields[4 * i + 2], self.fields[4 * i + 3], OUT)
        # in front of parameters and comments, as in Retry-After (20.33)
        at = OUT[0]
        if at < self.fields[4 * i + 3] and self.buf[at] > 32 and self.buf[at] not in b";(":
            return -1
        return n

    def has_token(self, header_id: int, token: bytes) -> bool:
        """Return whether *token* (lower case) is listed in any field *header_id*. No heap."""
        i = self.find(header_id)
        while i >= 0:
            at = self.fields[4 * i + 2]
            if find_token(self.buf, at, self.fields[4 * i + 3], token, len(token)):
                return True
            i = self.find(header_id, i + 1)
        return False
