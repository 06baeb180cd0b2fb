"""Quality of service as a precondition of ringing: the segmented status (RFC 3312, RFC 4032).

Theory of operation: a `Preconditions` is put into `local.extensions` of a Negotiator; it reads the
curr, des and conf lines of the audio stream and writes ours behind the stream's other attributes.
The table has two rows, our access network and theirs, each with what is reserved and how strongly
it is wanted for either direction, all from where we stand: what they call local is our remote, and
their send is our receive. The session asks `is_met` before it alerts anybody, and `needs_update`
after `reserve`. A description that demands what no telephone can do is answered with 580.

An IMS phone on Wi-Fi has its resources from the start: Preconditions(SENDRECV). Wanting nothing
and seeing nothing of it in an offer, it says nothing.
"""

from micropython import const

from usip.octets import equals
from usip.sdp.octets import find_end, find_name

NONE = 0
OPTIONAL = 1
MANDATORY = 2

_NAMES = b"\x04curr\x03des\x04conf\x00"
_CURRENT = const(0)
_DESIRED = const(1)
_CONFIRM = const(2)
_DIRECTIONS = b"\x04none\x04send\x04recv\x08sendrecv\x00"  # bit 0 send, bit 1 receive
_DIRECTION_NAMES = (b"none", b"send", b"recv", b"sendrecv")
_SEGMENTS = b"\x05local\x06remote\x03e2e\x00"
_SEGMENT_NAMES = (b"local", b"remote")
_LOCAL = const(0)
_REMOTE = const(1)
_END_TO_END = const(2)
_STRENGTHS = b"\x04none\x08optional\x09mandatory\x07failure\x07unknown\x00"
_STRENGTH_NAMES = (b"none", b"optional", b"mandatory")
_MANDATORY = const(2)
_KIND_A = const(97)
_SP = const(32)
_COLON = const(58)

# The table, an octet each. Strengths: local send, local receive, remote send, remote receive.
_RESERVED_LOCAL = const(0)  # direction bits
_RESERVED_REMOTE = const(1)
_WANTED = const(2)
_CONFIRM_TO_THEM = const(6)  # direction bits of ours they want to hear about
_WAS_OFFERED = const(7)
_IS_REFUSED = const(8)
_SIZE = const(9)


class Preconditions:
    """The status of one stream; an extension of a Negotiator. No method uses heap.

    *reserved* is what our side has from the start (direction bits, 3: all); *strength* what we
    want for our own segment when we make the offer, NONE to offer none. When *strength* is given,
    the far side's segment is wanted OPTIONAL.
    """

    def __init__(self, reserved: int = 3, strength: int = MANDATORY) -> None:
        self._strength = strength
        self._reserved = reserved
        self._table = bytearray(_SIZE)
        self._before = bytearray(_SIZE)  # as it was before the description being read
        self._table[_RESERVED_LOCAL] = reserved
        self._told = 0  # direction bits of ours the far side was told of
        self._want(_LOCAL, 3, strength)
        if strength:
            self._want(_REMOTE, 3, OPTIONAL)

    @property
    def is_used(self) -> bool:
        """Whether the far side's last description had preconditions."""
        return self._table[_WAS_OFFERED] != 0

    @property
    def is_met(self) -> bool:
        """Whether everything mandatory is reserved: the phone may ring (RFC 3312 6)."""
        if not self.is_used:
            return True
        table = self._table
        for segment in (_LOCAL, _REMOTE):
            for bit in (0, 1):
                wanted = table[_WANTED + 2 * segment + bit] == _MANDATORY
                if wanted and not table[segment] >> bit & 1:
                    return False
        return True

    @property
    def needs_update(self) -> bool:
        """Whether the far side asked to be told of what we have reserved since (RFC 3312 7)."""
        table = self._table
        return table[_CONFIRM_TO_THEM] & table[_RESERVED_LOCAL] & ~self._told != 0

    @property
    def has_news(self) -> bool:
        """Whether the far side, which uses preconditions, was not told of all we have reserved."""
        return self.is_used and self._table[_RESERVED_LOCAL] & ~self._told != 0

    @property
    def is_ready_there(self) -> bool:
        """Whether the far side has reserved all that is mandatory in its segment."""
        return not self._missing_there()

    def reserve(self, direction: int) -> None:
        """Our resources are reserved now for the direction bits *direction*, and no others."""
        self._table[_RESERVED_LOCAL] = direction

    # What a Negotiator calls.

    def begin(self) -> None:
        """Expect another description."""
        for i in range(_SIZE):
            self._before[i] = self._table[i]
        self.begin_section()

    def cancel(self) -> None:
        """The description was refused: what was before it stands."""
        reserved = self._table[_RESERVED_LOCAL]
        for i in range(_SIZE):
            self._table[i] = self._before[i]
        self._table[_RESERVED_LOCAL] = reserved

    def begin_section(self) -> None:
        """Expect the attributes of an audio stream that may be the one."""
        table = self._table
        table[_RESERVED_REMOTE] = table[_CONFIRM_TO_THEM] = 0
        table[_WAS_OFFERED] = table[_IS_REFUSED] = 0

    def receive_attribute(self, buf, start: int, end: int) -> None:
        """Take an attribute the Negotiator has no use for."""
        colon = find_end(buf, start, end, _COLON)
        name = find_name(_NAMES, buf, start, colon)
        if name < 0:
            return
        self._table[_WAS_OFFERED] = 1
        type_end = find_end(buf, colon + 1, end, _SP)
        at = type_end + 1
        strength = _MANDATORY
        if name == _DESIRED:
            word = at
            at = find_end(buf, word, end, _SP) + 1
            strength = find_name(_STRENGTHS, buf, word, at - 1)
        segment_end = find_end(buf, at, end, _SP)
        segment = find_name(_SEGMENTS, buf, at, segment_end)
        direction = find_name(
            _DIRECTIONS, buf, segment_end + 1, find_end(buf, segment_end + 1, end, _SP)
        )
        is_qos = equals(buf, colon + 1, type_end, b"qos", 3)
        if not is_qos or segment == _END_TO_END or strength > _MANDATORY:
            # RFC 3312 8, 9: refuse what is mandatory and unknown, or beyond a telephone, and
            # what the far side marks as failed
            if name == _DESIRED and strength >= _MANDATORY:
                self._table[_IS_REFUSED] = 1
        elif segment >= 0 and direction >= 0 and strength >= 0:
            self._take(name, strength, segment, _mirrored(direction))

    def check(self) -> int:
        """Return 580 when the description has to be refused, else 0."""
        return 580 if self._table[_IS_REFUSED] else 0

    def put_attributes(self, builder, is_answer: bool) -> None:
        """Append our lines: the far side's when it has any, or what we want, in an offer."""
        table = self._table
        if not self.is_used and (is_answer or not self._strength):
            return
        for segment in (_LOCAL, _REMOTE):
            builder.begin(_KIND_A).put(b"curr:qos ").put(_SEGMENT_NAMES[segment]).put(b" ")
            builder.put(_DIRECTION_NAMES[table[segment]]).end()
        for segment in (_LOCAL, _REMOTE):
            at = _WANTED + 2 * segment
            if table[at] == table[at + 1]:
                self._put_desired(builder, table[at], segment, 3)
            else:
                self._put_desired(builder, table[at], segment, 1)
                self._put_desired(builder, table[at + 1], segment, 2)
        missing = self._missing_there()
        if missing and self.is_used:
            builder.begin(_KIND_A).put(b"conf:qos remote ").put(_DIRECTION_NAMES[missing]).end()
        self._told = table[_RESERVED_LOCAL]

    def put_failure(self, builder) -> None:
        """Append the line for the description in a 580 (RFC 3312 8)."""
        builder.line(_KIND_A, b"des:qos failure e2e sendrecv")

    def _missing_there(self):
        """Return the direction bits mandatory and not reserved in the far side's segment."""
        table = self._table
        missing = 0
        for bit in (0, 1):
            if table[_WANTED + 2 * _REMOTE + bit] == _MANDATORY:
                missing |= 1 << bit
        return missing & ~table[_RESERVED_REMOTE]

    def _take(self, name, strength, segment, direction):
        segment ^= 1  # their local is our remote
        if name == _DESIRED:
            self._want(segment, direction, strength)
        elif name == _CONFIRM:
            if segment == _LOCAL:
                self._table[_CONFIRM_TO_THEM] |= direction
        elif segment == _REMOTE:  # of our own segment we know better
            self._table[_RESERVED_REMOTE] = direction

    def _want(self, segment, direction, strength):
        """Raise the strength; an answer never lowers it (RFC 3312 5.1.2)."""
        table = self._table
        for bit in (0, 1):
            at = _WANTED + 2 * segment + bit
            if direction >> bit & 1 and table[at] < strength:
                table[at] = strength

    def _put_desired(self, builder, strength, segment, direction):
        builder.begin(_KIND_A).put(b"des:qos ").put(_STRENGTH_NAMES[strength]).put(b" ")
        builder.put(_SEGMENT_NAMES[segment]).put(b" ").put(_DIRECTION_NAMES[direction]).end()


def _mirrored(direction):
    """Return their direction bits as ours: what they send, we receive."""
    return (direction & 1) << 1 | direction >> 1
