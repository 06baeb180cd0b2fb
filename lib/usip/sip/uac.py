"""How a call of ours begins (RFC 3261 sections 8.1, 9.1, 13.2): the caller's side of INVITE.

A forking proxy may bring several provisional responses with different To tags, an early dialog
each, and several 2xx: the first is kept, every other one is acknowledged and ended at once.
"""

from micropython import const

from usip import ticks
from usip.sip import compose, session
from usip.sip.dialog import CONFIRMED as DIALOG_CONFIRMED
from usip.sip.dialog import EARLY, Dialog

_E_CALL_PROGRESS = const(5)
_E_CALL_ANSWERED = const(6)
_M_INVITE = const(1)
_M_BYE = const(3)
_M_CANCEL = const(4)

_64T1_MS = const(32000)


class ClientSession(session.Session):
    """A call that we placed."""

    def __init__(self, core, account, target: bytes, media, headers=()) -> None:
        dialog = Dialog(core.new_call_id(), account.name_addr(), core.new_tag(), b"<%s>" % target)
        dialog.remote_target = target
        dialog.route_set = account.route
        super().__init__(core, account, dialog, media)
        self.request_uri = target
        self._headers = headers  # further (name, value) fields of the INVITE, bytes
        self._invite = None
        self._early = []  # dialogs that provisional responses opened
        self._early_answer = None  # the early dialog whose answer the media has

    def start(self, destination, now_ms: int) -> None:
        """Send the INVITE."""
        self.dialog.destination = destination
        self._send_invite(now_ms)

    def _send_invite(self, now_ms: int) -> None:
        core = self.core
        dialog = self.dialog
        w = core.begin_request(dialog, _M_INVITE, dialog.destination)
        core.put_contact(w, self.account, dialog.destination)
        core.put_capabilities(w)
        for name, value in self._headers:
            w.put(name).put(b": ").put(value).put(b"\r\n")
        if self.account.authentication is not None:
            self.account.authentication.put(w, b"INVITE", dialog.request_uri())
        mark = compose.begin_body(w, core.content_type)
        self.media.put_offer(w)
        compose.end_body(w, mark)
        self._invite = core.send_request(_M_INVITE, dialog.destination, self, now_ms)
        if self._invite is None:
            self.end(now_ms, 503, b"Too Many Transactions", session.ERROR)

    # -- commands

    def hang_up(self, now_ms: int) -> None:
        """End the call: CANCEL before the answer, BYE after it (15, 9.1)."""
        self.require("hang_up")
        if self.state >= session.CONFIRMED:
            super().hang_up(now_ms)
            return
        self.by = session.LOCAL
        proceeding = self.state == session.PROCEEDING
        self.state = session.CANCELLING
        if proceeding:
            self._cancel(now_ms)

    def _cancel(self, now_ms: int) -> None:
        core = self.core
        invite = self._invite
        compose.put_from_invite(core.writer.reset(), invite.message, b"CANCEL", None)
        core.transactions.request(_M_CANCEL, invite.branch, invite.destination, self, now_ms)
        self.deadline = ticks.ticks_add(now_ms, _64T1_MS)

    # -- responses

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response to INVITE, CANCEL or a request within the dialog."""
        if transaction.method == _M_CANCEL:
            return
        if transaction.method == _M_BYE and transaction.user is not self:
            return
        if transaction is not self._invite:
            super().receive_response(transaction, message, now_ms)
        elif message.status_code < 200:
            self._receive_provisional(message, now_ms)
        elif message.status_code < 300:
            self._receive_success(transaction, message, now_ms)
        else:
            self._receive_refusal(message, now_ms)

    def _receive_provisional(self, message, now_ms: int) -> None:
        if self.state >= session.CONFIRMED:
            return
        if self.state == session.CANCELLING:
            if self.deadline < 0:
                self._cancel(now_ms)
            return
        self.state = session.PROCEEDING
        core = self.core
        self.deadline = ticks.ticks_add(now_ms, 1000 * core.limits.ring_s)
        self.status = message.status_code
        self.reason = message.text(message.reason_start, message.reason_end)
        dialog = self._early_dialog(message)
        if dialog is not None and message.body_end > message.body_start:
            if core.is_media_body(message) and not self.media.receive_answer(
                message.buf, message.body_start, message.body_end
            ):
                self._early_answer = dialog
        if message.status_code > 100:
            core.post(_E_CALL_PROGRESS, self)

    @property
    def has_early_media(self) -> bool:
        """Whether a provisional response brought an answer already."""
        return self._early_answer is not None

    def _early_dialog(self, message):
        """Return the early dialog of a provisional response, a new one where it is the first."""
        if message.to.tag_start < 0:
            return None
        for dialog in self._early:
            if dialog.matches(message):
                return dialog
        if len(self._early) >= self.core.limits.early_dialogs:
            return None
        dialog = self.dialog.fork()
        dialog.establish_from_response(message, self.core)
        dialog.state = EARLY
        self._early.append(dialog)
        return dialog

    def _receive_success(self, transaction, message, now_ms: int) -> None:
        if self.state >= session.CONFIRMED:
            if self.dialog.matches(message):
                self.send_kept_ack()
            else:
                self._refuse_fork(transaction, message, now_ms)
            return
        cancelled = self.state == session.CANCELLING
        core = self.core
        self._establish(message)
        self.deadline = ticks.NEVER
        self.state = session.CONFIRMED
        self.status = message.status_code
        self.reason = message.text(message.reason_start, message.reason_end)
        failed = not cancelled and not self._take_answer(message)
        self.send_ack(transaction, message.cseq)
        if failed:
            self._fail(488, now_ms)
        elif cancelled:
            self.status = 487
            self.reason = compose.reason_phrase(487)
            self._bye(now_ms)
        else:
            core.post(_E_CALL_ANSWERED, self)

    def _establish(self, message) -> None:
        """Make the dialog of the 2xx ours; the early ones are forgotten (13.2.2.4)."""
        dialog = self.dialog
        dialog.establish_from_response(message, self.core)
        dialog.state = DIALOG_CONFIRMED
        if self._early_answer is not None and not self._early_answer.matches(message):
            self._early_answer = None
        self._early.clear()

    def _take_answer(self, message) -> bool:
        """Give the media its answer; one that came early need not come again (13.2.1)."""
        start, end = message.body_start, message.body_end
        if end > start and self.core.is_media_body(message):
            return self.media.receive_answer(message.buf, start, end) == 0
        return self._early_answer is not None

    def _refuse_fork(self, transaction, message, now_ms: int) -> None:
        """ACK and BYE a second 2xx from another branch."""
        dialog = self.dialog.fork()
        dialog.local_cseq = message.cseq
        dialog.remote_target = self.request_uri
        dialog.establish_from_response(message, self.core)
        self.send_ack(transaction, message.cseq, dialog)
        w = self.core.begin_request(dialog, _M_BYE, dialog.destination)
        compose.end_without_body(w)
        self.core.send_request(_M_BYE, dialog.destination, self.core.forks, now_ms)

    def _receive_refusal(self, message, now_ms: int) -> None:
        status = message.status_code
        cancelled = self.state == session.CANCELLING
        if status in (401, 407) and not cancelled and self._retry(message):
            self._early.clear()
            self.state = session.CALLING
            self._send_invite(now_ms)
            return
        self._invite = None
        by = session.LOCAL if cancelled else session.REMOTE
        self.end(now_ms, status, message.text(message.reason_start, message.reason_end), by)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered, or a request could not be sent."""
        if transaction is self._invite and self.state < session.CONFIRMED:
            self.end(now_ms, status, compose.reason_phrase(status), session.ERROR)
        elif transaction.method != _M_CANCEL:
            super().transaction_failed(transaction, status, now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """It rang for too long: CANCEL; or the CANCEL was never answered by a 487 (9.1)."""
        if self.state == session.PROCEEDING:
            self.by = session.ERROR
            self.state = session.CANCELLING
            self._cancel(now_ms)
        elif self.state == session.CANCELLING:
            self.core.transactions.forget(self._invite)
            self.end(now_ms, 487, compose.reason_phrase(487), session.LOCAL)
