"""What a phone concludes from the reg event: is our registration still good (TS 24.229 5.1.1.7).

`RegEvent` is the body sink of the NOTIFYs of one subscription. finish() returns what to do; the
set of identities is changed only when the document was whole.

    0 NOTHING       all as it was
    1 CHANGED       an identity of ours ended, others stand
    2 REGISTER      the network wants a new registration from the start (deactivated)
    3 RETRY         the same, but after retry_after_s seconds (probation)
    4 ENDED         we are no longer registered and are not to try again by ourselves
    5 REFRESH       the time was cut to expires_s: register again half-way (shortened; 5.1.1.5.2)
    6 RESUBSCRIBE   a document is missing: ask for the full state (RFC 3680 5.1)
    7 MALFORMED     not a document we can read, or of a version already seen: nothing was changed
"""

from micropython import const

from usip.ims.reginfo import Reader
from usip.octets import find_octet

_TERMINATED = const(15)  # of reginfo
_SHORTENED = const(19)
_DEACTIVATED = const(21)
_PROBATION = const(22)

_NOTHING = const(0)
_CHANGED = const(1)
_REGISTER = const(2)
_RETRY = const(3)
_ENDED = const(4)
_REFRESH = const(5)
_RESUBSCRIBE = const(6)
_MALFORMED = const(7)


class RegEvent:
    """The reg event of one registration, *identities* being its ImplicitSet.

    Lax: our contact is known by its +sip.instance, or by its URI up to the parameters, since
    registrars add and reorder these.
    """

    def __init__(self, identities, text_bytes: int = 384) -> None:
        self.identities = identities
        self.reader = Reader(self, text_bytes)
        self.own_contact = b""  # URI of our Contact, without <>
        self.own_instance = b""  # our URN, without <>
        self.version = -1  # of the last document taken; -1 asks for a full one
        self.expires_s = -1
        self.retry_after_s = -1

    def restart(self) -> None:
        """A new subscription begins: its versions start anew."""
        self.version = -1

    def begin(self, buf: bytes, start: int, end: int) -> bool:
        """Start a document of the Content-Type buf[start:end]; False when it is none of ours."""
        self._ended = 0  # bit i: identity i ended
        self._event = -1  # why
        self._index = -1  # of the registration at hand, -1 when it is not ours
        self._is_shortened = False
        self.expires_s = self.retry_after_s = -1
        return self.reader.begin(buf, start, end)

    def feed(self, buf: bytes, start: int, end: int) -> None:
        """Read on; never raises."""
        self.reader.feed(buf, start, end)

    def finish(self) -> int:
        """Return what to do; see the module."""
        reader = self.reader
        version = reader.version
        if not reader.finish() or version < 0 or version <= self.version:
            return _MALFORMED
        is_gap = self.version >= 0 and version != self.version + 1
        if not reader.is_full and (is_gap or self.version < 0):
            return _RESUBSCRIBE
        self.version = version
        if not self._ended:
            return _REFRESH if self._is_shortened else _NOTHING
        self._drop()
        return _CHANGED if self.identities.uris else self._reason()

    def _drop(self) -> None:
        uris = self.identities.uris
        for i in range(len(uris) - 1, -1, -1):
            if self._ended >> i & 1:
                uris.pop(i)

    def _reason(self) -> int:
        if self._event == _DEACTIVATED:
            return _REGISTER
        return _RETRY if self._event == _PROBATION else _ENDED

    # -- what the reader found

    def registration(self, reader) -> None:
        """Take the state of one identity."""
        self._index = self.identities.find(memoryview(reader.text)[: reader.aor_end])
        if self._index >= 0 and reader.registration_state == _TERMINATED:
            self._ended |= 1 << self._index

    def contact(self, reader) -> None:
        """Take the state of one contact: for an identity of ours, and when it is our own."""
        if self._index < 0 or not self._is_ours(reader):
            return
        if reader.contact_state == _TERMINATED:
            self._ended |= 1 << self._index
            self._event = reader.event
            self.retry_after_s = reader.retry_after_s
        elif reader.event == _SHORTENED:
            self._is_shortened = True
            self.expires_s = reader.expires_s

    def _is_ours(self, reader) -> bool:
        view = memoryview(reader.text)
        if (
            self.own_instance
            and view[reader.instance_start : reader.instance_end] == self.own_instance
        ):
            return True
        own = self.own_contact
        semicolon = own.find(b";")
        own = own if semicolon < 0 else own[:semicolon]
        end = find_octet(reader.text, reader.uri_start, reader.uri_end, 0x3B)
        end = reader.uri_end if end < 0 else end
        return own != b"" and view[reader.uri_start : end] == own
