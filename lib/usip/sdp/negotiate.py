"""Offer and answer for one stream of audio (RFC 3264, RFC 6337, RFC 3605, RFC 5761).

Theory of operation: a `Negotiator` lives as long as its session. `_NEXT` is its state machine;
two `RemoteDescription`s take turns, one holds what is agreed and the other what has just been
read, and they change places when an exchange is complete. So a refused re-offer leaves the
session before it as it was. Every m= line of the far side keeps its place: the first audio line
we can take is answered, the others are refused there with port 0.

Payload types: the number in the far side's description is the one to send with, ours the one to
expect. An answer takes over the offer's numbers (RFC 3264 6.1) and later offers keep them.

Early media: an answer in a 1xx is adopted at once, and any later one, of a fork or in the 200,
replaces it; the last answer heard is whose sound is played.

The names follow what the session calls: put_offer, receive_offer, put_answer, receive_answer,
reject_offer. All statuses are SIP's; nothing here raises for what a peer sent.
"""

from micropython import const

from usip.errors import ParseError, StateError
from usip.octets import equals_nocase, find_octet, trim_lws
from usip.sdp.local import LocalDescription, is_usual, make_formats
from usip.sdp.read import Reader
from usip.sdp.remote import RemoteDescription

INACTIVE = 0
SENDONLY = 1
RECVONLY = 2
SENDRECV = 3

_SEND = const(1)
_RECV = const(2)
_NONE = const(0xFF)
_SEMICOLON = const(59)

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


class Negotiator:
    """One stream of audio in one session; the media hook of a SIP session.

    *address* and *rtp_port* are where we receive; *codecs* are ours in order of preference,
    *telephone_event* the payload type for events (see local.make_formats). *prefers_ours*: choose
    by our order of codecs, not by theirs. *profiles*: bit i for remote.PROFILES[i]. With
    *has_noise* CN may be sent in silence. What else we say of ourselves is set in `local`, a
    LocalDescription. Attributes, as of the last complete exchange:

    is_active: a stream is agreed; the next ones mean something when it is
    remote_address, remote_port, remote_rtcp_port, is_mux
    codec, clock_rate, payload_type (to send), receive_payload_type
    telephone_event (to send), receive_telephone_event: -1 for none
    has_noise: whether the far side takes CN as payload type 13, and we offered it
    ptime: ms of sound in a packet we send
    can_send, can_receive, is_held (by the far side)
    is_answered_by_us: the far side's was the offer
    remote_bandwidth: array of its b= lines, AS in kbit/s, TIAS, RS, RR in bit/s; -1: absent
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
        prefers_ours: bool = False,
        profiles: int = 3,
        has_noise: bool = False,
    ) -> None:
        formats = make_formats(codecs, telephone_event, has_noise)
        self.local = LocalDescription(formats, address, rtp_port, session_id)
        self.local.ptime = ptime
        # Names are from a configuration: who writes an order there means it.
        is_ours = isinstance(codecs[0], str) and not is_usual(formats, len(codecs))
        self.prefers_ours = prefers_ours or is_ours
        room = limits.sdp_media_bytes
        places = bytearray(128)
        self._agreed = RemoteDescription(formats, len(codecs), profiles, room, places)
        self._pending = RemoteDescription(formats, len(codecs), profiles, room, places)
        self._reader = Reader(limits.sdp_line_bytes)
        self._state = self._before = _IDLE
        self._read_status = 400  # what came of the description read piecewise
        self._wanted = self._agreed_wanted = self._offered = SENDRECV
        self._clear()

    def _clear(self):
        self.is_active = self.can_send = self.can_receive = self.is_held = False
        self.is_answered_by_us = False
        self.remote_bandwidth = None
        self.is_mux = False
        self.remote_address = b""
        self.remote_port = self.remote_rtcp_port = 0
        self.codec = b""
        self.clock_rate = 0
        self.payload_type = self.receive_payload_type = -1
        self.telephone_event = self.receive_telephone_event = -1
        self.has_noise = False
        self.ptime = self.local.ptime
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
        return bytes([self.local.numbers[i] for i in range(len(agreed)) if agreed[i] != _NONE])

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
            self.local.slot = remote.active
        self.local.put(writer, remote, self._wanted, False)
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
        if status:
            self._cancel()
        else:
            self._enter(state)
        return status

    def put_answer(self, writer) -> None:
        """Append the answer; BufferFull writes nothing, StateError when there is no offer.

        The answer just given is repeated when there is no new offer.
        """
        state = self._next(_PUT_ANSWER)
        if self._state == _ANSWERED:
            self.local.put(writer, self._agreed, self._offered, True)
            return
        remote = self._pending
        direction = self._wanted & _reversed(_direction_of(remote))
        self.local.put(writer, remote, direction, True)
        self._offered = direction
        if remote.active >= 0:
            self.local.slot = remote.active
            self.local.take_over_number(remote, remote.choice)
            self.local.take_over_number(remote, remote.event)
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
        if not status and self._pending.active >= 0 and self._pending.active != self.local.slot:
            status = 488  # RFC 3264 6: streams are matched by their place
        if status:
            self._cancel()
        else:
            self._adopt(False)
            self._enter(state)
        return status

    def reject_offer(self, is_postponed: bool = False) -> None:
        """The offer outstanding, ours or theirs, was refused: what was agreed before stands.

        *is_postponed*: so does the direction asked for, for the next offer (491).
        """
        if self._state == _REOFFER_SENT:
            if not is_postponed:
                self._wanted = self._agreed_wanted
        elif self._state == _OFFER_RECEIVED or self._state == _REOFFER_RECEIVED:
            self._cancel()
        self._enter(_NEXT[self._state * 5 + _REJECT])

    # Between exchanges: what a Negotiator made with the same arguments needs to go on.

    @property
    def is_settled(self) -> bool:
        """Whether an exchange is complete and none is under way."""
        return self._state == _ACCEPTED or self._state == _ANSWERED

    def suspend(self) -> tuple:
        """Return the settled state as plain values, without an object of this package."""
        own = dict(self.__dict__)
        for scratch in ("local", "_agreed", "_pending", "_reader", "_formats"):
            own.pop(scratch, None)
        local = dict(self.local.__dict__)
        local.pop("_builder", None)
        agreed = dict(self._agreed.__dict__)
        agreed.pop("_places", None)
        return own, local, agreed

    def resume_from(self, state: tuple) -> None:
        """Take over what `suspend` returned."""
        for target, values in zip((self, self.local, self._agreed), state):
            for name in values:
                setattr(target, name, values[name])

    # The sink of a body that does not fit the message buffer.

    def begin(self, content_type, start: int, end: int) -> bool:
        """Return whether a description of type content_type[start:end] will be taken."""
        semicolon = find_octet(content_type, start, end, _SEMICOLON)
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
        for extension in self.local.extensions:
            extension.begin()

    def _read_lines(self):
        reader = self._reader
        try:
            while not self._read_status and reader.next():
                self._pending.take(reader, self.local.extensions)
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
            for extension in self.local.extensions:
                status = status or extension.check()
        return status

    def _cancel(self):
        for extension in self.local.extensions:
            extension.cancel()

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

    def _adopt(self, is_answered_by_us):
        """What was read and answered is agreed now."""
        remote = self._pending
        self._pending = self._agreed
        self._agreed = remote
        self._agreed_wanted = self._wanted
        self.is_answered_by_us = is_answered_by_us
        self.remote_bandwidth = remote.bandwidth
        if remote.active >= 0:
            self._set_stream(remote)
        elif self.is_active:
            self._clear()
            self.has_changed = True

    def _set_stream(self, remote):
        theirs = _direction_of(remote)
        is_held = not theirs & _RECV and (self.is_answered_by_us or self._offered & _SEND != 0)
        self._set_media(remote, self._offered & _reversed(theirs), is_held)
        self.is_mux = mux = self.local.has_rtcp_mux and remote.has_rtcp_mux
        rtcp_port = remote.port if mux else remote.rtcp_port or remote.port + 1
        if remote.port != self.remote_port or rtcp_port != self.remote_rtcp_port:
            self.remote_port = remote.port
            self.remote_rtcp_port = rtcp_port
            self.has_changed = True
        if not remote.has_address(self.remote_address):
            self.remote_address = remote.address()
            self.has_changed = True

    def _set_media(self, remote, direction, is_held):
        i = remote.choice
        event = remote.event
        number = remote.numbers[i]
        event_number = remote.numbers[event] if event >= 0 else -1
        ptime = self._ptime_to_send(remote)
        if (
            not self.is_active
            or direction != (self.can_send and _SEND) | (self.can_receive and _RECV)
            or is_held != self.is_held
            or number != self.payload_type
            or self.local.formats[i][1] != self.codec
            or self.local.numbers[i] != self.receive_payload_type
            or event_number != self.telephone_event
            or (remote.noise >= 0) != self.has_noise
            or ptime != self.ptime
        ):
            self.has_changed = True
        self.is_active = True
        self.can_send = direction & _SEND != 0
        self.can_receive = direction & _RECV != 0
        self.is_held = is_held
        self.codec = self.local.formats[i][1]
        self.clock_rate = self.local.formats[i][3]
        self.payload_type = number
        self.receive_payload_type = self.local.numbers[i]
        self.telephone_event = event_number
        self.receive_telephone_event = self.local.numbers[event] if event >= 0 else -1
        self.has_noise = remote.noise >= 0
        self.ptime = ptime

    def _ptime_to_send(self, remote):
        """Return the ms of sound a packet: as asked, in whole 10 ms, 10 to 60, up to maxptime."""
        ptime = remote.ptime or self.local.ptime
        if remote.maxptime and remote.maxptime < ptime:
            ptime = remote.maxptime
        return min(60, max(10, ptime - ptime % 10))


def _reversed(direction):
    return (direction & _SEND) << 1 | direction >> 1


def _direction_of(remote):
    """Return the far side's direction; an unspecified address receives nothing."""
    if remote.has_address(b"0.0.0.0") or remote.has_address(b"::"):
        return remote.direction & ~_RECV  # hold as RFC 2543 B.5 has it
    return remote.direction
