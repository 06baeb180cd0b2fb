"""Offer and answer for one stream of audio (RFC 3264, RFC 6337, RFC 3605, RFC 5761).

Theory of operation: a `Negotiator` lives as long as its session. `_NEXT` is its state machine;
two `RemoteDescription`s take turns, one holds what is agreed and the other what has just been
read, and they change places when an exchange is complete. So a refused re-offer leaves the
session before it as it was. Every m= line of the far side keeps its place: the first audio line
we can take is answered, the others are refused there with port 0.

Payload types: the number in the far side's description is the one to send with, ours the one to
expect. An answer takes over the offer's numbers (RFC 3264 6.1) and later offers keep them.

The names follow what the session calls: put_offer, receive_offer, put_answer, receive_answer,
reject_offer. All statuses are SIP's; nothing here raises for what a peer sent.
"""

import micropython
from micropython import const

from usip.errors import BufferFull, ParseError, StateError
from usip.octets import equals_nocase, find_octet, trim_lws
from usip.sdp.read import Reader
from usip.sdp.remote import PROFILES, RemoteDescription
from usip.sdp.write import Builder

INACTIVE = 0
SENDONLY = 1
RECVONLY = 2
SENDRECV = 3

_SEND = const(1)
_RECV = const(2)
_NONE = const(0xFF)
_A = const(97)
_B = const(98)
_C = const(99)
_M = const(109)
_O = const(111)
_S = const(115)
_T = const(116)
_V = const(118)

# Next state, by state and act; 8: as before the exchange, 9: not allowed (RFC 3264 4, RFC 6337 2).
_IDLE = const(0)
_OFFER_SENT = const(1)
_OFFER_RECEIVED = const(2)
_ACCEPTED = const(3)  # our offer was answered
_ANSWERED = const(4)  # we answered theirs
_REOFFER_SENT = const(5)
_REOFFER_RECEIVED = const(6)
_AS_BEFORE = const(8)
_NOT_ALLOWED = const(9)
_PUT_OFFER = const(0)
_RECEIVE_OFFER = const(1)
_PUT_ANSWER = const(2)
_RECEIVE_ANSWER = const(3)
_REJECT = const(4)
_NEXT = (
    # put offer, receive offer, put answer, receive answer, reject
    b"\x01\x02\x09\x09\x00"  # 0 Idle
    b"\x01\x09\x09\x03\x00"  # 1 OfferSent: the offer again after 401 or 422
    b"\x09\x09\x04\x09\x00"  # 2 OfferReceived
    b"\x05\x06\x09\x03\x03"  # 3 Accepted: the answer again, in a 200 after a 183 or of a fork
    b"\x05\x06\x04\x09\x04"  # 4 Answered: the answer again, in a 200 after a 183
    b"\x05\x09\x09\x03\x08"  # 5 ReofferSent
    b"\x09\x09\x04\x09\x08"  # 6 ReofferReceived
)

# Payload types that need no rtpmap to be understood (RFC 3551 6).
_STATIC = (
    (0, b"PCMU", b"pcmu", 8000),
    (8, b"PCMA", b"pcma", 8000),
    (9, b"G722", b"g722", 8000),
)


def make_formats(codecs, telephone_event: int) -> tuple:
    """Return the formats for *codecs*: one each, then a telephone-event for every clock rate.

    A codec is a payload type of `_STATIC` or a tuple (payload type, encoding name, clock rate).
    *telephone_event* is the payload type of the first, the next has one more; 0: none.
    """
    formats = []
    rates = []
    for codec in codecs:
        if isinstance(codec, int):
            for known in _STATIC:
                if known[0] == codec:
                    formats.append(known)
                    break
            else:
                raise ValueError("codec %d" % codec)
        else:
            formats.append((codec[0], codec[1], codec[1].lower(), codec[2]))
        if formats[-1][3] not in rates:
            rates.append(formats[-1][3])
    if telephone_event:
        for i, rate in enumerate(rates):
            formats.append((telephone_event + i, b"telephone-event", b"telephone-event", rate))
    return tuple(formats)


_DIRECTIONS = (b"inactive", b"sendonly", b"recvonly", b"sendrecv")


@micropython.viper
def checksum(buf: ptr8, start: int, end: int) -> int:
    """Return a 30-bit sum of buf[start:end] that differs, all but surely, when an octet does."""
    buf = ptr8(buf)
    n = 17
    while start < end:
        n = (n * 31 + int(buf[start])) & 0x3FFFFFFF
        start += 1
    return n


class Negotiator:
    """One stream of audio in one session; the media hook of a SIP session.

    *address* and *rtp_port* are where we receive; *codecs* are ours in order of preference (see
    make_formats). Keyword arguments: *rtcp_port* when it is not rtp_port + 1; *maxptime* in ms;
    *bandwidth* = (AS in kbit/s, RS, RR in bit/s); *rtcp_mux* to offer and accept RFC 5761;
    *prefers_ours* to choose by our order of codecs and not by theirs; *profiles*, bit i for
    remote.PROFILES[i]; *extensions*, see precondition. The agreed values are attributes, set
    when an exchange is complete:

    is_active: a stream is agreed; remote_address, remote_port, remote_rtcp_port
    codec, clock_rate, payload_type (to send), receive_payload_type, receive_payload_types
    telephone_event (to send), receive_telephone_event: -1 for none
    ptime: ms of sound in a packet we send
    can_send, can_receive, is_held (by the far side), rtcp_mux
    is_answered_by_us: the far side's was the offer
    """

    def __init__(
        self,
        limits,
        address: bytes,
        rtp_port: int,
        codecs=(0, 8),
        telephone_event: int = 101,
        ptime: int = 20,
        session_id: int = 1,
        rtcp_port: int = 0,
        maxptime: int = 0,
        bandwidth=None,
        rtcp_mux: bool = False,
        prefers_ours: bool = False,
        profiles: int = 3,
        extensions=(),
    ) -> None:
        self.address = address
        self.rtp_port = rtp_port
        self.rtcp_port = rtcp_port
        self.own_ptime = ptime
        self.maxptime = maxptime
        self.bandwidth = bandwidth
        self.uses_rtcp_mux = rtcp_mux
        self.prefers_ours = prefers_ours
        self.extensions = extensions
        self.session_id = session_id
        self._formats = formats = make_formats(codecs, telephone_event)
        self._numbers = bytearray(len(formats))  # our payload types, and those of an answer
        for i in range(len(formats)):
            self._numbers[i] = formats[i][0]
        room = limits.sdp_media_bytes
        self._agreed = RemoteDescription(formats, len(codecs), profiles, room)
        self._pending = RemoteDescription(formats, len(codecs), profiles, room)
        self._reader = Reader(limits.sdp_line_bytes)
        self._builder = Builder()
        self._state = self._before = _IDLE
        self._version = 1
        self._checksum = -1  # of the description last sent, -1: none
        self._slot = 0  # index of our audio line
        self._read_status = 400  # what came of the description read piecewise
        self._wanted = self._agreed_wanted = self._offered = SENDRECV
        self._clear()

    def _clear(self):
        self.is_active = self.can_send = self.can_receive = self.is_held = False
        self.is_answered_by_us = False
        self.rtcp_mux = False
        self.remote_address = b""
        self.remote_port = self.remote_rtcp_port = 0
        self.codec = b""
        self.clock_rate = 0
        self.payload_type = self.receive_payload_type = -1
        self.telephone_event = self.receive_telephone_event = -1
        self.ptime = self.own_ptime
        self.has_changed = False

    @property
    def changed(self) -> bool:
        """Whether an agreed value is another than when this was last asked."""
        changed = self.has_changed
        self.has_changed = False
        return changed

    @property
    def receive_payload_types(self) -> bytes:
        """The payload types the far side may send, telephone-event included."""
        if self.is_answered_by_us or not self.is_active:
            both = (self.receive_payload_type, self.receive_telephone_event)
            return bytes([n for n in both if n >= 0])
        agreed = self._agreed.numbers
        return bytes([self._numbers[i] for i in range(len(agreed)) if agreed[i] != _NONE])

    def set_direction(self, direction: int) -> None:
        """Ask for INACTIVE, SENDONLY, RECVONLY or SENDRECV from the next offer or answer on."""
        self._wanted = direction

    def hold(self) -> None:
        """Ask the far side to stop sending: SENDONLY, or INACTIVE where we may not send."""
        self._wanted = SENDONLY if self.can_send else INACTIVE  # RFC 3264 8.4

    def resume(self) -> None:
        """Ask for SENDRECV."""
        self._wanted = SENDRECV

    def put_offer(self, writer) -> None:
        """Append an offer; BufferFull writes nothing, StateError when one is outstanding."""
        state = self._next(_PUT_OFFER)
        remote = self._agreed
        if remote.active >= 0:
            self._slot = remote.active
        self._put(writer, remote, self._wanted, False)
        self._offered = self._wanted
        self._enter(state)

    def receive_offer(self, buf, start: int, end: int) -> int:
        """Read an offer: 0, or the status to refuse it with (400, 488, 491, 500).

        *buf* is None when the offer was read piecewise. It stands until put_answer or
        reject_offer.
        """
        state = _NEXT[self._state * 5 + _RECEIVE_OFFER]
        if state == _NOT_ALLOWED:  # RFC 3261 14.2, RFC 3311 5.2
            our_offer = self._state == _OFFER_SENT or self._state == _REOFFER_SENT
            return 491 if our_offer else 500
        status = self._read(buf, start, end)
        if not status:
            self._enter(state)
        return status

    def put_answer(self, writer) -> None:
        """Append the answer; BufferFull writes nothing, StateError when there is no offer.

        The answer just given is repeated when there is no new offer.
        """
        state = self._next(_PUT_ANSWER)
        if self._state == _ANSWERED:
            self._put(writer, self._agreed, self._offered, True)
            return
        remote = self._pending
        direction = self._wanted & _reversed(_direction_of(remote))
        self._put(writer, remote, direction, True)
        self._offered = direction
        if remote.active >= 0:
            self._slot = remote.active
            self._take_over_number(remote, remote.choice)
            self._take_over_number(remote, remote.event_format())
        self._adopt(True)
        self._enter(state)

    def receive_answer(self, buf, start: int, end: int) -> int:
        """Read an answer to our offer: 0, or 400 or 488 when it is none.

        One without an offer of ours is ignored (RFC 6337 2: the same again in a 200).
        """
        state = _NEXT[self._state * 5 + _RECEIVE_ANSWER]
        if state == _NOT_ALLOWED:
            return 0 if self._state == _ANSWERED else 488
        status = self._read(buf, start, end)
        if not status and self._pending.active >= 0 and self._pending.active != self._slot:
            status = 488  # RFC 3264 6: streams are matched by their place
        if not status:
            self._adopt(False)
            self._enter(state)
        return status

    def reject_offer(self) -> None:
        """The offer outstanding, ours or theirs, was refused: what was agreed before stands."""
        if self._state == _REOFFER_SENT:
            self._wanted = self._agreed_wanted
        self._enter(_NEXT[self._state * 5 + _REJECT])

    def put_capabilities(self, writer) -> None:
        """Append what we could do, for the answer to OPTIONS (RFC 3264 9)."""
        at = writer.end
        builder = self._builder.start(writer)
        try:
            self._put_session(builder, self._version)
            self._put_audio(builder, None, 0)
            for i in range(len(self._formats)):
                self._put_rtpmap(builder, i, self._formats[i][0])
        except BufferFull:
            writer.reset(at)
            raise

    # The sink of a body that does not fit the message buffer.

    def begin(self, content_type, start: int, end: int) -> bool:
        """Return whether a description of type content_type[start:end] will be taken."""
        semicolon = find_octet(content_type, start, end, 59)
        if semicolon >= 0:
            end = semicolon
        end = trim_lws(content_type, start, end)
        if self._state == _OFFER_RECEIVED or self._state == _REOFFER_RECEIVED:
            return False
        if not equals_nocase(content_type, start, end, b"application/sdp", 15):
            return False
        self._begin_reading()
        self._reader.begin()
        return True

    def feed(self, buf, start: int, end: int) -> None:
        """Take the next octets of the description."""
        if not self._read_status:
            self._reader.feed(buf, start, end)
            self._read_lines()

    def finish(self) -> None:
        """The description is complete: receive_offer(None, 0, 0) or receive_answer uses it."""
        self._reader.finish()
        self._read_lines()
        self._pending.finish()

    def _begin_reading(self):
        self._read_status = 0
        self._pending.begin()
        self._pending.prefers_ours = self.prefers_ours
        for extension in self.extensions:
            extension.begin()

    def _read_lines(self):
        reader = self._reader
        try:
            while not self._read_status and reader.next():
                self._pending.take(reader, self.extensions)
        except ParseError as e:
            self._read_status = e.status

    def _read(self, buf, start, end):
        """Read a description into _pending and return the status to refuse it with, or 0."""
        if buf is not None:
            self._begin_reading()
            self._reader.read(buf, start, end)
            self._read_lines()
            self._pending.finish()
        status = self._read_status
        self._read_status = 400  # until another is read
        remote = self._pending
        if not status and remote.has_live and remote.active < 0:
            return 488
        if not status and remote.active >= 0:
            for extension in self.extensions:
                status = status or extension.check()
        return status

    def _next(self, act):
        state = _NEXT[self._state * 5 + act]
        if state == _NOT_ALLOWED:
            raise StateError
        return state

    def _enter(self, state):
        if state == _AS_BEFORE:
            state = self._before
        elif state > _ANSWERED and self._state <= _ANSWERED:
            self._before = self._state
        self._state = state

    def _take_over_number(self, remote, i):
        """Use the payload type the far side's offer has for format *i* from now on."""
        if i < 0:
            return
        numbers = self._numbers
        for other in range(len(numbers)):
            if numbers[other] == remote.numbers[i]:
                numbers[other] = numbers[i]  # ours for another format: they change places
        numbers[i] = remote.numbers[i]

    def _adopt(self, is_answered_by_us):
        """What was read and answered is agreed now."""
        remote = self._pending
        self._pending = self._agreed
        self._agreed = remote
        self._agreed_wanted = self._wanted
        self.is_answered_by_us = is_answered_by_us
        if remote.active >= 0:
            self._set_stream(remote)
        elif self.is_active:
            self._clear()
            self.has_changed = True

    def _set_stream(self, remote):
        theirs = _direction_of(remote)
        self._set_media(remote, self._offered & _reversed(theirs), not theirs & _RECV)
        mux = self.uses_rtcp_mux and remote.has_rtcp_mux
        rtcp_port = remote.port if mux else remote.rtcp_port or remote.port + 1
        if remote.port != self.remote_port or rtcp_port != self.remote_rtcp_port:
            self.remote_port = remote.port
            self.remote_rtcp_port = rtcp_port
            self.rtcp_mux = mux
            self.has_changed = True
        if not remote.has_address(self.remote_address):
            self.remote_address = remote.address()
            self.has_changed = True

    def _set_media(self, remote, direction, is_held):
        i = remote.choice
        event = remote.event_format()
        number = remote.numbers[i]
        event_number = remote.numbers[event] if event >= 0 else -1
        ptime = self._ptime_to_send(remote)
        if (
            not self.is_active
            or direction != (self.can_send and _SEND) | (self.can_receive and _RECV)
            or is_held != self.is_held
            or number != self.payload_type
            or self._numbers[i] != self.receive_payload_type
            or event_number != self.telephone_event
            or ptime != self.ptime
        ):
            self.has_changed = True
        self.is_active = True
        self.can_send = direction & _SEND != 0
        self.can_receive = direction & _RECV != 0
        self.is_held = is_held
        self.codec = self._formats[i][1]
        self.clock_rate = self._formats[i][3]
        self.payload_type = number
        self.receive_payload_type = self._numbers[i]
        self.telephone_event = event_number
        self.receive_telephone_event = self._numbers[event] if event >= 0 else -1
        self.ptime = ptime

    def _ptime_to_send(self, remote):
        """Return the ms of sound a packet: as asked, in whole 10 ms, 10 to 60, up to maxptime."""
        ptime = remote.ptime or self.own_ptime
        if remote.maxptime and remote.maxptime < ptime:
            ptime = remote.maxptime
        return min(60, max(10, ptime - ptime % 10))

    def _put(self, writer, remote, direction, is_answer):
        """Append our description; its version is one more when it differs from the last."""
        at = writer.end
        try:
            n = self._put_description(writer, self._version, remote, direction, is_answer)
            if n != self._checksum and self._checksum >= 0:
                writer.reset(at)
                self._put_description(writer, self._version + 1, remote, direction, is_answer)
                self._version += 1
        except BufferFull:
            writer.reset(at)
            raise
        self._checksum = n

    def _put_description(self, writer, version, remote, direction, is_answer):
        builder = self._builder.start(writer)
        body_at = self._put_session(builder, version)
        count = remote.count
        if not is_answer and count <= self._slot:
            count = self._slot + 1
        slot = remote.active if is_answer else self._slot
        for i in range(count):
            if i == slot:
                self._put_stream(builder, remote, direction, is_answer)
            else:
                remote.put_refusal(builder.begin(_M), i)
                builder.end()
        builder.finish()
        return checksum(writer.buf, body_at, writer.end)

    def _put_session(self, builder, version):
        """Append the session part; return the offset of what the version is about."""
        has_colon = find_octet(self.address, 0, len(self.address), 58) >= 0
        address_type = b" IN IP6 " if has_colon else b" IN IP4 "
        builder.line(_V, b"0")
        builder.begin(_O).put(b"- ").put_uint(self.session_id).put(b" ").put_uint(version)
        builder.put(address_type).put(self.address).end()
        at = builder.writer.end
        builder.line(_S, b"-")
        builder.begin(_C).put_span(address_type, 1, 8).put(self.address).end()
        builder.line(_T, b"0 0")
        return at

    def _put_audio(self, builder, remote, port):
        """Append the m= line with the formats of *remote*'s answer, or all of ours if None."""
        builder.begin(_M).put(b"audio ").put_uint(port).put(b" ")
        builder.put(PROFILES[self._agreed.profile if remote is None else remote.profile])
        for i in range(len(self._formats)):
            if remote is None:
                builder.put(b" ").put_uint(self._numbers[i])
            elif i == remote.choice or i == remote.event_format():
                builder.put(b" ").put_uint(remote.numbers[i])
        builder.end()

    def _put_stream(self, builder, remote, direction, is_answer):
        self._put_audio(builder, remote if is_answer else None, self.rtp_port)
        if self.bandwidth:
            builder.begin(_B).put(b"AS:").put_uint(self.bandwidth[0]).end()
            builder.begin(_B).put(b"RS:").put_uint(self.bandwidth[1]).end()
            builder.begin(_B).put(b"RR:").put_uint(self.bandwidth[2]).end()
        for i in range(len(self._formats)):
            if not is_answer:
                self._put_rtpmap(builder, i, self._numbers[i])
            elif i == remote.choice or i == remote.event_format():
                self._put_rtpmap(builder, i, remote.numbers[i])
        builder.begin(_A).put(b"ptime:").put_uint(self.own_ptime).end()
        if self.maxptime:
            builder.begin(_A).put(b"maxptime:").put_uint(self.maxptime).end()
        builder.line(_A, _DIRECTIONS[direction])
        if self.rtcp_port and self.rtcp_port != self.rtp_port + 1:
            builder.begin(_A).put(b"rtcp:").put_uint(self.rtcp_port).end()
        if self.uses_rtcp_mux and (not is_answer or remote.has_rtcp_mux):
            builder.line(_A, b"rtcp-mux")
        for extension in self.extensions:
            extension.put_attributes(builder, is_answer)

    def _put_rtpmap(self, builder, i, number):
        ours = self._formats[i]
        builder.begin(_A).put(b"rtpmap:").put_uint(number).put(b" ").put(ours[1])
        builder.put(b"/").put_uint(ours[3]).end()
        if ours[1] == b"telephone-event":
            builder.begin(_A).put(b"fmtp:").put_uint(number).put(b" 0-15").end()


def _reversed(direction):
    return (direction & _SEND) << 1 | direction >> 1


def _direction_of(remote):
    """Return the far side's direction; an unspecified address receives nothing."""
    if remote.has_address(b"0.0.0.0") or remote.has_address(b"::"):
        return remote.direction & ~_RECV  # hold as RFC 2543 B.5 has it
    return remote.direction
