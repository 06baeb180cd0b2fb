"""The INVITE usage of a dialog (RFC 3261 sections 12 to 15): what both sides have in common.

A Session is one call as signalling sees it: its dialog, ACK, BYE, offers and answers. How it
begins is in `uac` and `uas`; what only some calls need is imported when one does: `reinvite`,
`update`, `reliable` provisional responses, `session_timer`, `transfer` and `refer`, `info`.
Offers and answers are in `offer`.
"""

from micropython import const

from usip import ticks
from usip.errors import StateError
from usip.sip import compose
from usip.sip.dialog import TERMINATED as DIALOG_TERMINATED
from usip.sip.offer import LOCAL, REMOTE, OfferAnswer

_E_CALL_CONFIRMED = const(7)
_E_CALL_MODIFIED = const(8)
_M_INVITE = const(1)
_M_BYE = const(3)
_M_OPTIONS = const(5)
_M_MESSAGE = const(7)
_M_SUBSCRIBE = const(8)
_M_NOTIFY = const(9)
_M_UPDATE = const(11)
_M_PRACK = const(12)
_M_REFER = const(13)
_M_INFO = const(14)
_H_ALLOW = const(19)
_H_SESSION_EXPIRES = const(31)

_T1_MS = const(500)
_T2_MS = const(4000)
_64T1_MS = const(32000)

CALLING = const(0)  # UAC: INVITE sent
PROCEEDING = const(1)  # UAC: a provisional response came
CANCELLING = const(2)  # UAC: CANCEL sent, or wanted as soon as a provisional response comes
INCOMING = const(3)  # UAS: INVITE received
RINGING = const(4)  # UAS: provisional response sent
ACCEPTED = const(5)  # UAS: 2xx sent, ACK awaited
CONFIRMED = const(6)
TERMINATING = const(7)  # BYE sent
TERMINATED = const(8)

ERROR = const(3)  # beside LOCAL and REMOTE, whose act it was

# In which states a command may be given, a bit for each state.
_ALLOWED = {
    "ring": 1 << INCOMING | 1 << RINGING,
    "answer": 1 << INCOMING | 1 << RINGING,
    "reject": 1 << INCOMING | 1 << RINGING,
    "hang_up": (1 << TERMINATING) - 1 & ~(1 << CANCELLING),
    "modify": 1 << CONFIRMED,
    "update": 1 << PROCEEDING | 1 << RINGING | 1 << CONFIRMED,
    "info": 1 << CONFIRMED,
    "transfer": 1 << CONFIRMED,
}


class Session(OfferAnswer):
    """One call. Its `status`, `reason` and `by` say how far it came and how it ended."""

    # What only some calls set is in the class, so that an instance need not have room for it.
    is_incoming = False
    auto_answer_s = -1  # the caller, who may, asks for an answer after so many seconds; -1: not
    id = 0
    application = None
    is_abandoned = False  # for want of memory
    remote_display = b""
    info_package = b""  # of the INFO received last; b"": the legacy usage
    info_type = b""
    info_body = b""
    allows_update = False  # the peer's Allow has UPDATE
    timer = None  # session_timer.SessionTimer, once one is negotiated
    reliable = None  # reliable.ReliableResponses, once one is sent
    transfer = None  # transfer.Transfer, while the peer is asked to call somebody else
    extension = None  # of an account with a profile: begin_call() of ims.account
    asserted_identity = b""  # the peer's URI that our network vouches for (RFC 3325)
    called_identity = b""  # which of our URIs was called (P-Called-Party-ID)
    replaced = None  # the call that this one takes over once it is answered (RFC 3891)
    modifying = None  # the transaction of our re-INVITE or UPDATE
    modify_at = ticks.NEVER  # after a 491
    # The transaction whose 2xx we sent, repeated until its ACK comes (13.3.1.4).
    _accepted = None
    _accepted_cseq = -1
    _repeat_ms = 0
    _repeat_at = ticks.NEVER
    _ack = b""  # of a 2xx, with the answer in it; others are made again when that is repeated
    _answered = None  # of a challenge taken: see auth

    def __init__(self, core, account, dialog, media) -> None:
        self.core = core
        self.account = account
        self.dialog = dialog
        self.media = media
        self.state = CALLING
        self.request_uri = b""
        self.status = 0
        self.reason = b""
        self.by = 0
        self.offer = 0
        # of the state: CANCEL unanswered, ringing for too long, our 2xx without an ACK
        self.deadline = ticks.NEVER

    @property
    def call_id(self) -> bytes:
        """The Call-ID."""
        return self.dialog.call_id

    @property
    def local_uri(self) -> bytes:
        """Our From or To value, without the tag."""
        return self.dialog.local_uri

    @property
    def remote_uri(self) -> bytes:
        """The peer's From or To value, without the tag."""
        return self.dialog.remote_uri

    @property
    def awaits_ack(self) -> bool:
        """Whether a 2xx of ours has not been acknowledged yet."""
        return self._accepted is not None

    def allowed(self, command: str) -> bool:
        """Whether *command* may be given in the present state."""
        if command in ("modify", "update"):
            if self.modifying is not None or self._accepted is not None or self.offer:
                return False
            if command == "update" and not self.allows_update:
                return False
        if command == "transfer" and self.transfer is not None:
            return False
        return bool(_ALLOWED[command] >> self.state & 1)

    def require(self, command: str) -> None:
        """Raise StateError unless *command* is allowed."""
        if not self.allowed(command):
            raise StateError("%s not allowed now" % command)

    def matches(self, message) -> bool:
        """Whether a request is within this session's dialog."""
        return self.dialog.matches(message)

    # -- commands

    def hang_up(self, now_ms: int) -> None:
        """End the call in the way its state asks for."""
        self.require("hang_up")
        self.by = self.by or LOCAL
        self._answered = None
        self._bye(now_ms)

    def modify(self, now_ms: int) -> None:
        """Send a re-INVITE with the media's new offer (section 14)."""
        self.require("modify")
        from usip.sip import reinvite

        self._answered = None
        reinvite.send(self, now_ms)

    def update(self, now_ms: int, with_offer: bool = True) -> None:
        """Send an UPDATE (RFC 3311), before or after the answer."""
        self.require("update")
        from usip.sip import update

        self._answered = None
        update.send(self, now_ms, with_offer)

    def info(self, now_ms: int, content_type: bytes, body: bytes, package: bytes = b"") -> None:
        """Send an INFO request (RFC 6086 legacy usage)."""
        self.require("info")
        from usip.sip import info

        info.send(self, now_ms, content_type, body, package)

    def refer(self, now_ms: int, target: bytes, with_subscription: bool = True):
        """Ask the peer to call the URI *target* instead of us (RFC 3515); return the Transfer.

        Without a subscription only the answer to the request is heard of (RFC 4488).
        """
        self.require("transfer")
        from usip.sip import transfer

        return transfer.begin(self, target, now_ms, with_subscription)

    def refer_to(self, now_ms: int, other):
        """Connect the peer with that of *other*, another call of ours (RFC 5589 7)."""
        self.require("transfer")
        other.require("transfer")
        from usip.sip import transfer

        return transfer.begin_attended(self, other, now_ms)

    def begin(self, method: int, dialog=None):
        """Begin a request in the dialog, to where its next hop is now; return the writer."""
        dialog = dialog or self.dialog
        core = self.core
        dialog.destination = core.locate(dialog.next_hop(), dialog.destination)
        w = core.begin_request(dialog, method, dialog.destination)
        core.put_credentials(w, self.account, method, dialog.request_uri())
        return w

    def _bye(self, now_ms: int) -> None:
        self.stop_timers()
        self.state = TERMINATING
        try:
            w = self.begin(_M_BYE)
            if self.by == ERROR and self.status:
                w.put(b"Reason: SIP;cause=").put_uint(self.status).put(b"\r\n")  # RFC 3326
            if self.core.put_closing is not None:
                self.core.put_closing(self, w)
            compose.end_without_body(w)
            if self.core.send_request(_M_BYE, self.dialog.destination, self, now_ms) is None:
                self.end(now_ms)
        except MemoryError:
            self.core.starve()
            if self.dialog.state == DIALOG_TERMINATED:
                self.end(now_ms)
            else:
                self._end_later(now_ms)

    def _end_later(self, now_ms: int) -> None:
        """There was no room to end: `handle_deadline` tries once more."""
        self.state = TERMINATING
        self.dialog.state = DIALOG_TERMINATED
        self.deadline = ticks.ticks_add(now_ms, _T1_MS)

    def abandon(self, now_ms: int) -> None:
        """End for want of memory: by ERROR, status 500, told to the peer if there is room."""
        if self.state >= TERMINATING:
            return
        self.is_abandoned = True
        self.status = 500
        self.by = ERROR
        try:
            self.reason = compose.reason_phrase(500)
            self.give_up(now_ms)
        except MemoryError:
            self.core.starve()
            self.end(now_ms)

    def end(self, now_ms: int, status: int = 0, reason: bytes = b"", by: int = 0) -> None:
        """Leave for good: release what is held and report it, once."""
        if self.state == TERMINATED:
            return
        self.status = status or self.status
        self.reason = reason or self.reason
        self.by = self.by or by
        self.stop_timers()
        try:
            self.core.remove_session(self)
            self.state = TERMINATED
        except MemoryError:
            self._end_later(now_ms)

    def stop_timers(self) -> None:
        """Forget every deadline and what would be repeated."""
        self.deadline = ticks.NEVER
        self._accepted = None
        if self._repeat_at >= 0 or self.modify_at >= 0:
            self._repeat_at = self.modify_at = ticks.NEVER
        if self.timer is not None or self.reliable is not None:
            self.timer = self.reliable = None

    # -- requests of the peer within the dialog

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Answer a request that arrived in our dialog (12.2.2)."""
        core = self.core
        method = message.method
        in_order = self.dialog.accept_cseq(message.cseq)
        # Lax: a PRACK that was lost comes again behind later requests; its RAck tells what it is.
        if not in_order and not (method == _M_PRACK and self.reliable is not None):
            core.respond(transaction, message, 500, now_ms)
        elif core.refuse_requirements(transaction, message, now_ms):
            return
        elif method == _M_BYE:
            self._receive_bye(transaction, message, now_ms)
        elif method == _M_INVITE:
            from usip.sip import reinvite

            reinvite.receive(self, transaction, message, now_ms)
        elif method == _M_INFO:
            from usip.sip import info

            info.receive(self, transaction, message, now_ms)
        elif method == _M_OPTIONS:
            core.answer_options(transaction, message, now_ms)
        elif method == _M_UPDATE:
            from usip.sip import update

            update.receive(self, transaction, message, now_ms)
        elif method == _M_PRACK and self.reliable is not None:
            self.reliable.receive_prack(transaction, message, now_ms)
        elif method == _M_PRACK:
            core.respond(transaction, message, 481, now_ms)
        elif method in (_M_MESSAGE, _M_SUBSCRIBE):
            core.receive_standalone(transaction, message, now_ms, self)
        elif method == _M_REFER:
            from usip.sip import refer

            refer.receive(core, transaction, message, now_ms, self)
        elif method == _M_NOTIFY:
            core.respond(transaction, message, 481, now_ms)
        else:
            core.refuse_method(transaction, message, now_ms)

    def _receive_bye(self, transaction, message, now_ms: int) -> None:
        core = self.core
        core.begin_response(transaction, message, 200)
        if core.put_closing is not None:
            core.put_closing(self, core.writer)
        core.finish_response(transaction, 200, now_ms)
        self.end(now_ms, by=REMOTE)

    def refuse_interval(self, transaction, message, now_ms: int) -> bool:
        """Take the session interval of a request, or answer 422; whether that was done."""
        if self.timer is None and message.find(_H_SESSION_EXPIRES) < 0:
            return False
        from usip.sip import session_timer

        return session_timer.receive_request(self, transaction, message, now_ms)

    def note_capabilities(self, message) -> None:
        """Remember what the peer's Allow says, where it says anything, and who the peer is."""
        if self.account.profile is not None:
            self.account.take_identities(self, message)
        if message.find(_H_ALLOW) >= 0:
            self.allows_update = message.has_token(_H_ALLOW, b"update")

    def proceed(self, now_ms: int) -> None:
        """An exchange is complete: go on with what waited for it."""
        if self.extension is not None and self.offer == 0:
            self.extension.proceed(now_ms)

    def accept(self, transaction, cseq: int, now_ms: int, with_offer: bool = True) -> None:
        """Finish the 2xx begun in the writer with our answer or offer, and repeat it till ACK."""
        core = self.core
        w = core.writer
        core.put_contact(w, self.account, transaction.destination)
        core.put_capabilities(w)
        if self.timer is not None:
            self.timer.put_response(w, now_ms)
        self.put_description(w, with_offer)
        core.transactions.respond(transaction, 200, now_ms)
        self._accepted = transaction
        self._accepted_cseq = cseq
        self._repeat_ms = _T1_MS
        self._repeat_at = ticks.ticks_add(now_ms, _T1_MS)
        self.deadline = ticks.ticks_add(now_ms, _64T1_MS)

    def receive_ack(self, message, now_ms: int) -> None:
        """Take the ACK of our 2xx; a repeated or foreign one changes nothing."""
        if self._accepted is None or message.cseq != self._accepted_cseq:
            return
        self.core.transactions.drop_message(self._accepted)
        self._accepted = None
        self._repeat_at = self.deadline = ticks.NEVER
        if self.state == ACCEPTED:
            self.state = CONFIRMED
            self.core.post(_E_CALL_CONFIRMED, self)
        if self.offer == LOCAL and self.modifying is None and self.state == CONFIRMED:
            if self.take_answer(message):
                self.core.post(_E_CALL_MODIFIED, self)
            else:
                self.fail(488, now_ms)

    def fail(self, status: int, now_ms: int) -> None:
        """End an established session because of an error: BYE, and say why."""
        self.status = status
        self.reason = compose.reason_phrase(status)
        self.by = ERROR
        self._bye(now_ms)

    def give_up(self, now_ms: int) -> None:
        """As part of `abandon`: BYE; `uac` and `uas` say what before the answer."""
        self._bye(now_ms)

    # -- responses to our requests

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response within the established dialog."""
        status = message.status_code
        method = transaction.method
        if status < 200:
            return
        if method == _M_INVITE:
            from usip.sip import reinvite

            reinvite.receive_response(self, transaction, message, now_ms)
        elif method == _M_BYE:
            if status in (401, 407) and self.retry(message):
                self._bye(now_ms)
            else:
                self.end(now_ms)
        elif method == _M_UPDATE:
            from usip.sip import update

            update.receive_response(self, transaction, message, now_ms)
        elif method == _M_PRACK:
            from usip.sip import reliable

            reliable.receive_prack_response(self, transaction, message, now_ms)
        elif status in (408, 481) and self.state == CONFIRMED:  # the dialog is gone (12.2.1.2)
            self.fail(status, now_ms)

    def retry(self, message) -> bool:
        """Take a challenge; whether the request is worth sending again."""
        if self._answered is None:
            self._answered = {}
        return self.core.accept_challenge(self.account, message, self._answered)

    def take_interval(self, message, now_ms: int) -> None:
        """Take the session interval of a 2xx, if it has one (RFC 4028 7.2)."""
        if self.timer is not None or message.find(_H_SESSION_EXPIRES) >= 0:
            from usip.sip import session_timer

            session_timer.receive_response(self, message, now_ms)

    def send_ack(self, transaction, cseq: int, dialog=None) -> None:
        """Send the ACK of a 2xx (13.2.2.4), own branch; it holds our answer to their offer."""
        core = self.core
        dialog = dialog or self.dialog
        dialog.destination = core.locate(dialog.next_hop(), dialog.destination)
        w = core.begin_ack(dialog, cseq)
        request = transaction.message
        if request.startswith(b"INVITE"):  # of one accepted only credentials are needed (22.1)
            transaction.message = request = compose.credentials(request, len(request))
        compose.put_lines(w, request, 0, b"Authorization:")
        compose.put_lines(w, request, 0, b"Proxy-Authorization:")
        if dialog is self.dialog and self.offer == REMOTE:
            self.put_description(w, False)
            self._ack = w.take()
        else:
            self._ack = b""
            compose.end_without_body(w)
        core.transport.send(dialog.destination, w.buf, w.end)

    def repeat_ack(self, transaction, cseq: int) -> None:
        """Acknowledge a repetition of the last 2xx."""
        if self._ack:
            self.core.transport.send(self.dialog.destination, self._ack, len(self._ack))
        else:
            self.send_ack(transaction, cseq)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """A request of ours, or our response to one of theirs, did not get through."""
        if transaction is self.modifying:
            self.fail(status, now_ms)
            self.modifying = None
            if self.offer == LOCAL:
                self.refuse_offer()
        elif transaction.method == _M_BYE:
            self.end(now_ms)

    # -- time

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        at = ticks.earliest(ticks.earliest(self._repeat_at, self.deadline), self.modify_at)
        if self.timer is not None:
            at = ticks.earliest(at, self.timer.deadline)
        if self.reliable is not None:
            at = ticks.earliest(at, self.reliable.deadline())
        return at

    def handle_timer(self, now_ms: int) -> None:
        """Repeat our 2xx, give up waiting for its ACK, or try a refused re-INVITE again."""
        if ticks.is_due(self.deadline, now_ms):
            self.deadline = ticks.NEVER
            try:
                self.handle_deadline(now_ms)
            except MemoryError:
                self.deadline = ticks.ticks_add(now_ms, _T1_MS)
                raise
        if ticks.is_due(self._repeat_at, now_ms):
            self._repeat_ms = min(2 * self._repeat_ms, _T2_MS)
            self._repeat_at = ticks.ticks_add(now_ms, self._repeat_ms)
            self.core.transactions.repeat(self._accepted)
        if ticks.is_due(self.modify_at, now_ms):
            self.modify_at = ticks.NEVER
            if self.allowed("modify"):
                self.modify(now_ms)
        if self.reliable is not None:
            self.reliable.handle_timer(now_ms)
        if self.timer is not None and ticks.is_due(self.timer.deadline, now_ms):
            self.timer.handle_timer(now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """The state has lasted too long; what of ringing and cancelling, `uac` and `uas` say."""
        if self._accepted is not None:
            self.fail(408, now_ms)  # nobody acknowledged our 2xx (13.3.1.4)
        elif self.state == TERMINATING:
            self._bye(now_ms)
