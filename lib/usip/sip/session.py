"""The INVITE usage of a dialog (RFC 3261 sections 12 to 15): what both sides have in common.

A Session is one call as signalling sees it: its dialog, BYE, re-INVITE in both directions, INFO.
How it begins is in `uac` and `uas`. Bodies are opaque here; the *media* object given to the
session reads and writes them, while the message is still in its buffer:

    put_offer(writer)   put_answer(writer)   reject_offer()
    receive_offer(buf, start, end) -> 0 or the status to refuse with
    receive_answer(buf, start, end) -> 0, or anything else when it cannot be used
"""

from micropython import const

from usip import ticks
from usip.errors import StateError
from usip.sip import compose

_E_CALL_CONFIRMED = const(7)
_E_CALL_MODIFIED = const(8)
_E_INFO_RECEIVED = const(10)
_M_INVITE = const(1)
_M_BYE = const(3)
_M_OPTIONS = const(5)
_M_INFO = const(14)
_H_RETRY_AFTER = const(23)

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

LOCAL = const(1)
REMOTE = const(2)
ERROR = const(3)

# In which states a command may be given, a bit for each state.
_ALLOWED = {
    "ring": 1 << INCOMING | 1 << RINGING,
    "answer": 1 << INCOMING | 1 << RINGING,
    "reject": 1 << INCOMING | 1 << RINGING,
    "hang_up": (1 << TERMINATING) - 1 & ~(1 << CANCELLING),
    "modify": 1 << CONFIRMED,
    "info": 1 << ACCEPTED | 1 << CONFIRMED,
}


class Session:
    """One call. Its `status`, `reason` and `by` say how far it came and how it ended."""

    def __init__(self, core, account, dialog, media) -> None:
        self.core = core
        self.account = account
        self.dialog = dialog
        self.media = media
        self.id = 0
        self.state = CALLING
        self.is_incoming = False
        self.application = None
        self.request_uri = b""
        self.remote_display = b""
        self.status = 0
        self.reason = b""
        self.by = 0
        self.info_type = b""
        self.info_body = b""
        self.deadline = ticks.NEVER  # of the state: CANCEL unanswered, ringing for too long
        # Our 2xx to an INVITE, repeated until its ACK comes (13.3.1.4).
        self._accepted = b""
        self._accepted_cseq = -1
        self._accepted_offer = False  # it held an offer: the ACK holds the answer
        self._accepted_destination = None
        self._repeat_ms = 0
        self._repeat_at = ticks.NEVER
        self._give_up_at = ticks.NEVER
        # Our re-INVITE, and the ACK of a 2xx, sent again with each repetition of that.
        self._modify = None
        self._modify_at = ticks.NEVER  # after a 491
        self._ack = b""
        self._answered = {}

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

    def allowed(self, command: str) -> bool:
        """Whether *command* may be given in the present state."""
        if command == "modify" and (self._modify is not None or self._accepted):
            return False
        return bool(_ALLOWED[command] >> self.state & 1)

    def require(self, command: str) -> None:
        """Raise StateError unless *command* is allowed."""
        if not self.allowed(command):
            raise StateError("%s not allowed now" % command)

    # -- commands

    def hang_up(self, now_ms: int) -> None:
        """End the call in the way its state asks for."""
        self.require("hang_up")
        self.by = self.by or LOCAL
        self._bye(now_ms)

    def modify(self, now_ms: int) -> None:
        """Send a re-INVITE with the media's new offer (section 14)."""
        self.require("modify")
        self._answered.clear()
        self._send_modify(now_ms)

    def info(self, now_ms: int, content_type: bytes, body: bytes) -> None:
        """Send an INFO request (RFC 6086 legacy usage)."""
        self.require("info")
        core = self.core
        w = self._begin(_M_INFO)
        compose.put_body(w, content_type, body)
        core.send_request(_M_INFO, self.dialog.destination, self, now_ms)

    def _begin(self, method: int):
        """Begin a request in the dialog, to where its next hop is now."""
        dialog = self.dialog
        core = self.core
        dialog.destination = core.locate(dialog.next_hop(), dialog.destination)
        w = core.begin_request(dialog, method, dialog.destination)
        if self.account.authentication is not None:
            self.account.authentication.put(w, compose.METHODS[method], dialog.request_uri())
        return w

    def _bye(self, now_ms: int) -> None:
        self.stop_timers()
        self._begin(_M_BYE)
        compose.end_without_body(self.core.writer)
        self.state = TERMINATING
        if self.core.send_request(_M_BYE, self.dialog.destination, self, now_ms) is None:
            self.end(now_ms)

    def _send_modify(self, now_ms: int) -> None:
        core = self.core
        w = self._begin(_M_INVITE)
        core.put_contact(w, self.account, self.dialog.destination)
        core.put_capabilities(w)
        mark = compose.begin_body(w, core.content_type)
        self.media.put_offer(w)
        compose.end_body(w, mark)
        self._modify = core.send_request(_M_INVITE, self.dialog.destination, self, now_ms)
        if self._modify is None:
            self.media.reject_offer()

    def end(self, now_ms: int, status: int = 0, reason: bytes = b"", by: int = 0) -> None:
        """Leave for good: release what is held and report it, once."""
        if self.state == TERMINATED:
            return
        self.state = TERMINATED
        self.status = status or self.status
        self.reason = reason or self.reason
        self.by = self.by or by
        self.stop_timers()
        self.core.remove_session(self)

    def stop_timers(self) -> None:
        """Forget every deadline and what would be repeated."""
        self.deadline = self._repeat_at = self._give_up_at = self._modify_at = ticks.NEVER
        self._accepted = b""

    # -- requests of the peer within the dialog

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Answer a request that arrived in our dialog (12.2.2)."""
        core = self.core
        if not self.dialog.accept_cseq(message.cseq):
            core.respond(transaction, message, 500, now_ms)
        elif message.method == _M_BYE:
            self._receive_bye(transaction, message, now_ms)
        elif message.method == _M_INVITE:
            self._receive_modify(transaction, message, now_ms)
        elif message.method == _M_INFO:
            self._receive_info(transaction, message, now_ms)
        elif message.method == _M_OPTIONS:
            core.answer_options(transaction, message, now_ms)
        else:
            core.refuse_method(transaction, message, now_ms)

    def _receive_bye(self, transaction, message, now_ms: int) -> None:
        self.core.respond(transaction, message, 200, now_ms)
        self.end(now_ms, by=REMOTE)

    def _receive_info(self, transaction, message, now_ms: int) -> None:
        core = self.core
        content_type = core.content_type_of(message)
        if content_type and content_type not in core.info_types:
            core.refuse_content_type(transaction, message, core.info_types, now_ms)
            return
        core.respond(transaction, message, 200, now_ms)
        if content_type:
            self.info_type = content_type
            self.info_body = message.text(message.body_start, message.body_end)
            core.post(_E_INFO_RECEIVED, self)

    def _receive_modify(self, transaction, message, now_ms: int) -> None:
        """Accept a re-INVITE, or refuse it and let the session stand (14.2)."""
        core = self.core
        if self._modify is not None:
            core.respond(transaction, message, 491, now_ms)
            return
        if self.state != CONFIRMED or self._accepted:
            core.begin_response(transaction, message, 500)
            core.writer.put(b"Retry-After: ").put_uint(core.random(1)[0] % 11).put(b"\r\n")
            core.finish_response(transaction, 500, now_ms)
            return
        if core.refuse_body(transaction, message, now_ms):
            return
        has_offer = message.body_end > message.body_start
        if has_offer:
            status = self.media.receive_offer(message.buf, message.body_start, message.body_end)
            if status:
                self.media.reject_offer()
                core.respond(transaction, message, status, now_ms)
                return
        if self.dialog.refresh_target(message, core):
            self.dialog.destination = core.locate(
                self.dialog.next_hop(), self.dialog.destination
            )
        core.begin_response(transaction, message, 200)
        self.accept(transaction, message.cseq, has_offer, now_ms)
        core.post(_E_CALL_MODIFIED, self)

    def accept(self, transaction, cseq: int, has_offer: bool, now_ms: int) -> None:
        """Finish the 2xx begun in the writer with our answer or offer, and repeat it till ACK."""
        core = self.core
        w = core.writer
        core.put_contact(w, self.account, transaction.destination)
        core.put_capabilities(w)
        mark = compose.begin_body(w, core.content_type)
        if has_offer:
            self.media.put_answer(w)
        else:
            self.media.put_offer(w)
        compose.end_body(w, mark)
        core.transactions.respond(transaction, 200, now_ms)
        self._accepted = transaction.message
        self._accepted_cseq = cseq
        self._accepted_offer = not has_offer
        self._accepted_destination = transaction.destination
        self._repeat_ms = _T1_MS
        self._repeat_at = ticks.ticks_add(now_ms, _T1_MS)
        self._give_up_at = ticks.ticks_add(now_ms, _64T1_MS)

    def receive_ack(self, message, now_ms: int) -> None:
        """Take the ACK of our 2xx; a repeated or foreign one changes nothing."""
        if not self._accepted or message.cseq != self._accepted_cseq:
            return
        self._accepted = b""
        self._repeat_at = self._give_up_at = ticks.NEVER
        if self.state == ACCEPTED:
            self.state = CONFIRMED
            self.core.post(_E_CALL_CONFIRMED, self)
        if self._accepted_offer and self.state == CONFIRMED:
            start, end = message.body_start, message.body_end
            if start == end or self.media.receive_answer(message.buf, start, end):
                self._fail(488, now_ms)
            else:
                self.core.post(_E_CALL_MODIFIED, self)

    def _fail(self, status: int, now_ms: int) -> None:
        """End an established session because of an error on our side of it."""
        self.status = status
        self.reason = compose.reason_phrase(status)
        self.by = ERROR
        self._bye(now_ms)

    # -- responses to our requests

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response within the established dialog."""
        status = message.status_code
        if transaction.method == _M_INVITE:
            self.receive_modify_response(transaction, message, now_ms)
        elif transaction.method == _M_BYE and status >= 200:
            if status in (401, 407) and self._retry(message):
                self._bye(now_ms)
            else:
                self.end(now_ms)
        elif status in (408, 481) and self.state == CONFIRMED:  # the dialog is gone (12.2.1.2)
            self._end_by_status(status, now_ms)

    def _end_by_status(self, status: int, now_ms: int) -> None:
        """The peer lost the dialog: send BYE all the same, and say why it ended."""
        self._fail(status, now_ms)

    def _retry(self, message) -> bool:
        return self.core.accept_challenge(self.account, message, self._answered)

    def receive_modify_response(self, transaction, message, now_ms: int) -> None:
        """React to a response to our re-INVITE (14.1)."""
        status = message.status_code
        if status < 200:
            return
        if status < 300:
            self._receive_modify_success(transaction, message, now_ms)
            return
        if transaction is not self._modify:
            return
        self._modify = None
        if status in (401, 407) and self._retry(message):
            self._send_modify(now_ms)
            return
        self.media.reject_offer()
        if status == 491:
            # 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s.
            wait_ms = 10 * (self.core.random(1)[0] % 191)
            if not self.is_incoming:
                wait_ms += 2100
            self._modify_at = ticks.ticks_add(now_ms, wait_ms)
        elif status in (408, 481):
            self._end_by_status(status, now_ms)
        else:
            self.core.post(_E_CALL_MODIFIED, self)

    def _receive_modify_success(self, transaction, message, now_ms: int) -> None:
        if transaction is not self._modify:
            self.send_kept_ack()
            return
        self._modify = None
        self.dialog.refresh_target(message, self.core)
        failed = self.media.receive_answer(message.buf, message.body_start, message.body_end)
        self.send_ack(transaction, message.cseq)
        if failed:
            self._fail(488, now_ms)
        else:
            self.core.post(_E_CALL_MODIFIED, self)

    def send_ack(self, transaction, cseq: int, dialog=None, answer: bool = False) -> bytes:
        """Send the ACK of a 2xx (13.2.2.4), own branch, and return a copy of it."""
        core = self.core
        dialog = dialog or self.dialog
        dialog.destination = core.locate(dialog.next_hop(), dialog.destination)
        w = core.begin_ack(dialog, cseq)
        compose.put_lines(w, transaction.message, 0, b"Authorization:")
        compose.put_lines(w, transaction.message, 0, b"Proxy-Authorization:")
        if answer:
            mark = compose.begin_body(w, core.content_type)
            self.media.put_answer(w)
            compose.end_body(w, mark)
        else:
            compose.end_without_body(w)
        ack = w.take()
        core.transport.send(dialog.destination, ack, len(ack))
        if dialog is self.dialog:
            self._ack = ack
        return ack

    def send_kept_ack(self) -> None:
        """Acknowledge a repetition of the last 2xx."""
        if self._ack:
            self.core.transport.send(self.dialog.destination, self._ack, len(self._ack))

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """A request of ours, or our response to one of theirs, did not get through."""
        if transaction is self._modify:
            self._modify = None
            self.media.reject_offer()
            self._end_by_status(status, now_ms)
        elif transaction.method == _M_BYE:
            self.end(now_ms)

    # -- time

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        at = ticks.earliest(self._repeat_at, self._give_up_at)
        return ticks.earliest(ticks.earliest(at, self._modify_at), self.deadline)

    def handle_timer(self, now_ms: int) -> None:
        """Repeat our 2xx, give up waiting for its ACK, or try a refused re-INVITE again."""
        if is_due(self._give_up_at, now_ms):
            self._give_up(now_ms)
        elif is_due(self._repeat_at, now_ms):
            self._repeat_ms = min(2 * self._repeat_ms, _T2_MS)
            self._repeat_at = ticks.ticks_add(now_ms, self._repeat_ms)
            self.core.transport.send(
                self._accepted_destination, self._accepted, len(self._accepted)
            )
        if is_due(self._modify_at, now_ms):
            self._modify_at = ticks.NEVER
            if self.allowed("modify"):
                self.modify(now_ms)
        if is_due(self.deadline, now_ms):
            self.deadline = ticks.NEVER
            self.handle_deadline(now_ms)

    def _give_up(self, now_ms: int) -> None:
        """Nobody acknowledged our 2xx: BYE (13.3.1.4)."""
        self._give_up_at = ticks.NEVER
        self._fail(408, now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """The state has lasted too long; `uac` and `uas` say what then."""


def is_due(at: int, now_ms: int) -> bool:
    """Whether a deadline has come; NEVER never does."""
    return at >= 0 and ticks.ticks_diff(now_ms, at) >= 0
