"""SMS over IP (TS 24.341 5.3): short messages in MESSAGE, each acknowledged in one of its own.

A text to a telephone number goes to the service centre in as many parts as it needs, one after
the other: the next when the centre has acknowledged the one before. MESSAGE_SENT tells how it
ended, once; a centre that does not answer in time counts as 408. What the centre delivers is
acknowledged and, when all of its parts are there, reported as a text message from that number.
Imported with the first of these.
"""

from micropython import const

from usip import ticks
from usip.errors import ParseError
from usip.ims import sms
from usip.ims.identities import key
from usip.sip.standalone import ReceivedMessage, Request
from usip.writer import Writer

_E_MESSAGE_RECEIVED = const(13)
_E_MESSAGE_SENT = const(14)
_M_MESSAGE = const(7)
_H_CALL_ID = const(4)

_RP_DATA = const(0)
_RP_ACK = const(2)
_RP_ERROR = const(4)
_DELIVER = const(0)
_CAUSE_MANDATORY = const(96)  # TS 24.011 8.2.5.4: invalid mandatory information

_TR1M_MS = const(40000)  # TS 24.011 10: 35 to 45 s
_BODY_BYTES = const(256)  # RP-DATA: 140 octets of user data and the addresses
_UNFINISHED = const(4)  # messages in parts that may wait for their other parts


class Part(Request):
    """One MESSAGE on its way; *message* is told how it went."""

    def __init__(self, core, account, target: bytes, body: bytes, message) -> None:
        super().__init__(core, account, target, _M_MESSAGE, _E_MESSAGE_SENT)
        self.content_type = sms.CONTENT_TYPE
        self.body = body
        self._message = message

    def _finish(self, status: int, reason: bytes) -> None:
        if self._message is not None:
            self._message.passed(status, reason)


class SentMessage:
    """A text on its way: `status` and `reason` once MESSAGE_SENT was reported."""

    def __init__(self, owner, number: str, parts: list) -> None:
        self.account = owner.account
        self.session = None
        self.status = 0
        self.reason = b""
        self.reference = 0  # of the part in the air
        self.deadline = ticks.NEVER
        self._owner = owner
        self._number = number
        self._parts = parts
        self._at = 0

    def send_part(self, now_ms: int) -> None:
        """Send the next part."""
        owner = self._owner
        self.reference = owner.next_reference()
        count = len(self._parts)
        if self._at == 0:
            self._common = self.reference  # of all the parts, for who puts them together
        concatenation = (self._common, count, self._at + 1) if count > 1 else None
        w = Writer(bytearray(_BODY_BYTES))
        sms.put_submit(
            w, self.reference, owner.centre, self._number, self._parts[self._at], concatenation
        )
        self.deadline = ticks.ticks_add(now_ms, _TR1M_MS)
        account = self.account
        Part(owner.core, account, account.service_centre, w.take(), self).start(now_ms)

    def passed(self, status: int, reason: bytes) -> None:
        """The MESSAGE itself was answered: what counts comes later, unless it was refused."""
        if status >= 300:
            self.end(status, reason)

    def acknowledged(self, now_ms: int) -> None:
        """The centre has the part."""
        self._at += 1
        if self._at < len(self._parts):
            self.send_part(now_ms)
        else:
            self.end(200, b"OK")

    def end(self, status: int, reason: bytes) -> None:
        """Report the outcome."""
        if not self.status:
            self.status = status
            self.reason = reason
            self.deadline = ticks.NEVER
            self._owner.remove(self)
            self._owner.core.post(_E_MESSAGE_SENT, self)


class ShortMessages:
    """The short messages of one account; a usage of the core while some are on their way."""

    is_notifier = False
    package = None
    event = b""

    def __init__(self, account, core) -> None:
        self.account = account
        self.core = core
        number = key(account.service_centre)
        self.centre = str(number[4:], "utf-8") if number[:4] == b"tel:" else ""
        self._reference = core.random(1)[0]
        self._sent = []
        self._unfinished = []  # [what they belong to, {part: text}]

    def send(self, number: str, text: str, now_ms: int) -> SentMessage:
        """Send a text to a telephone number; ValueError when it is none, or there is no centre."""
        if not self.centre:
            raise ValueError("no service centre with a telephone number")
        message = SentMessage(self, number, sms.split(text))
        message.send_part(now_ms)
        if not message.status:
            if not self._sent:
                self.core.usages.append(self)
            self._sent.append(message)
        return message

    def next_reference(self) -> int:
        """Return the next reference of the relay layer."""
        self._reference = self._reference + 1 & 0xFF
        return self._reference

    def remove(self, message) -> None:
        """Forget a message that has ended."""
        if message in self._sent:
            self._sent.remove(message)
            if not self._sent:
                self.core.usages.remove(self)

    # -- as a usage

    def matches(self, message) -> bool:
        """Whether a request is within a dialog of ours: there is none."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        at = ticks.NEVER
        for message in self._sent:
            at = ticks.earliest(at, message.deadline)
        return at

    def handle_timer(self, now_ms: int) -> None:
        """Give up messages that the centre leaves without an acknowledgement."""
        for message in tuple(self._sent):
            if ticks.ticks_diff(now_ms, message.deadline) >= 0:
                message.end(408, b"No Acknowledgement")

    # -- what comes

    def receive(self, message, now_ms: int) -> None:
        """Take a MESSAGE of the service centre, which was answered 200 already."""
        buf = message.buf
        try:
            rp = sms.parse_rp(buf, message.body_start, message.body_end)
            if rp.kind != _RP_DATA:
                self._receive_report(rp, now_ms)
                return
        except ParseError:
            return  # nobody knows which message an RP-ERROR of ours would be about
        try:
            cause = self._deliver(message, sms.parse_tpdu(buf, rp.start, rp.end))
        except ParseError:
            cause = _CAUSE_MANDATORY
        self._acknowledge(message, rp.reference, cause, now_ms)

    def _receive_report(self, rp, now_ms: int) -> None:
        """An RP-ACK or RP-ERROR: of the message whose part has that reference."""
        for message in tuple(self._sent):
            if message.reference != rp.reference:
                continue
            if rp.kind == _RP_ACK:
                message.acknowledged(now_ms)
            elif rp.kind == _RP_ERROR:
                message.end(480, b"Short Message Refused, Cause %d" % rp.cause)

    def _acknowledge(self, message, reference: int, cause: int, now_ms: int) -> None:
        w = Writer(bytearray(16))
        if cause:
            sms.put_error(w, reference, cause)
        else:
            sms.put_ack(w, reference)
        sender = ReceivedMessage(self.core, message, self.account, None, None)
        target = sender.asserted_identity or sender.from_uri
        part = Part(self.core, self.account, target, w.take(), None)
        part.fields = b"In-Reply-To: %s\r\n" % message.value(_H_CALL_ID)
        part.start(now_ms)

    def _deliver(self, message, text) -> int:
        """Report a delivered text; return 0, or the cause why it cannot be taken."""
        if text.kind != _DELIVER:
            return 0
        body = text.text.encode() if text.text or not text.data else text.data
        reference, count, number = text.part
        if count > 1:
            body = self._join((text.address, reference, count), number, body)
            if body is None:
                return 0
        core = self.core
        received = ReceivedMessage(core, message, self.account, core.resolver.find(message), None)
        number = text.address
        received.from_uri = b"tel:" + number.encode() if number[:1] == "+" else number.encode()
        received.content_type = b"application/octet-stream" if text.data else b"text/plain"
        received.body = body
        core.post(_E_MESSAGE_RECEIVED, received)
        return 0

    def _join(self, whole: tuple, number: int, body: bytes):
        """Keep a part; return the whole text when it was the last one missing, else None."""
        for entry in self._unfinished:
            if entry[0] == whole:
                break
        else:
            if len(self._unfinished) >= _UNFINISHED:
                self._unfinished.pop(0)
            entry = (whole, {})
            self._unfinished.append(entry)
        entry[1][number] = body
        if len(entry[1]) < whole[2]:
            return None
        self._unfinished.remove(entry)
        return b"".join([entry[1][i] for i in sorted(entry[1])])


def of(account, core) -> ShortMessages:
    """Return the short messages of an account."""
    if account.messages is None:
        account.messages = ShortMessages(account, core)
    return account.messages


def receive(account, core, transaction, message, now_ms: int) -> bool:
    """Take a MESSAGE that carries an SMS from our network; False for any other."""
    if core.content_type_of(message) != sms.CONTENT_TYPE or not account.is_peer(core.source):
        return False
    core.respond(transaction, message, 200, now_ms)
    of(account, core).receive(message, now_ms)
    return True
