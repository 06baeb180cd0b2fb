"""How a call of ours begins (RFC 3261 sections 8.1, 9.1, 13.2): the caller's side of INVITE.

A forking proxy may bring several provisional responses with different To tags, an early dialog
each, and several 2xx: the first is kept, every other one is acknowledged and ended at once.
`dialog` is the one talked to: the pending one, the latest early one, then the confirmed one.
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
_H_REQUIRE = const(17)

_64T1_MS = const(32000)


class ClientSession(session.Session):
    """A call that we placed; *is_offerless*: the called side makes the offer."""

    is_reliable = False  # the last provisional response was sent reliably (RFC 3262)

    is_offerless = False
    redirection = None  # redirect.Redirection, once a 3xx came
    _invite = None
    _early = ()  # dialogs that provisional responses opened
    _early_answer = None  # the early dialog whose answer the media has

    def __init__(
        self, core, account, target: bytes, media, headers=(), is_offerless: bool = False
    ) -> None:
        dialog = Dialog(core.new_call_id(), account.name_addr(), core.new_tag(), b"<%s>" % target)
        dialog.remote_target = target
        dialog.route_set = account.route
        super().__init__(core, account, dialog, media)
        self.request_uri = target
        self._headers = headers  # further (name, value) fields of the INVITE, bytes
        self._pending = dialog
        if is_offerless:
            self.is_offerless = True

    def located(self, now_ms: int) -> None:
        """Send the INVITE to where its target is; wait when nobody knows yet, or give up."""
        if self.state != session.CALLING:
            return
        dialog = self._pending
        destination = self.core.locate(dialog.next_hop(), self.account.destination, self)
        if destination:
            self.start(destination, now_ms)
        elif destination is None:
            if self.redirection is not None:
                from usip.sip import redirect

                if redirect.go_on(self, now_ms):
                    return
            self.end(now_ms, 503, b"Destination Not Located", session.ERROR)

    def start(self, destination, now_ms: int) -> None:
        """Send the INVITE."""
        self._pending.destination = destination
        seconds = self.core.limits.session_expires_s
        if seconds and self.timer is None:
            from usip.sip import session_timer

            self.timer = session_timer.SessionTimer(self, seconds)
        self.send_invite(now_ms)

    def send_invite(self, now_ms: int) -> None:
        """Send the INVITE, or send it again with credentials or to another target."""
        core = self.core
        dialog = self.dialog = self._pending
        if self._early:
            self._early = ()
            self._early_answer = None
        self.state = session.CALLING
        w = core.begin_request(dialog, _M_INVITE, dialog.destination)
        core.put_contact(w, self.account, dialog.destination)
        core.put_capabilities(w)
        for name, value in self._headers:
            w.put(name).put(b": ").put(value).put(b"\r\n")
        if self.timer is not None:
            self.timer.put_request(w)
        core.put_credentials(w, self.account, _M_INVITE, dialog.request_uri())
        self.offer = 0
        self.put_description(w, not self.is_offerless)
        self._invite = core.send_request(_M_INVITE, dialog.destination, self, now_ms)
        if self._invite is None:
            self.end(now_ms, 503, b"Too Many Transactions", session.ERROR)

    def redirect(self, target: bytes, now_ms: int) -> bool:
        """Send the INVITE to another target (8.1.3.4): same Call-ID, To and From tag.

        Now, or when its name is located; False when it leads nowhere.
        """
        dialog = self.dialog = self._pending
        dialog.remote_target = self.request_uri = target
        self.state = session.CALLING
        self._invite = None
        destination = self.core.locate(dialog.next_hop(), self.account.destination, self)
        if destination:
            self.start(destination, now_ms)
        return destination is not None

    def matches(self, message) -> bool:
        """Whether a request is within this session, in an early dialog of it too."""
        if self.dialog.matches(message):
            return True
        for dialog in self._early:
            if dialog.matches(message):
                self.dialog = dialog
                return True
        return False

    # -- commands

    def hang_up(self, now_ms: int) -> None:
        """End the call: CANCEL before the answer, BYE after it (15, 9.1)."""
        self.require("hang_up")
        if self.state >= session.CONFIRMED:
            super().hang_up(now_ms)
            return
        self.by = self.by or session.LOCAL
        self.give_up(now_ms)

    def give_up(self, now_ms: int) -> None:
        """As part of `hang_up` and `abandon`."""
        if self.state >= session.CONFIRMED:
            super().give_up(now_ms)
            return
        if self._invite is None:  # it still waits for its destination
            self._end_cancelled(now_ms)
            return
        proceeding = self.state == session.PROCEEDING
        self.state = session.CANCELLING
        if proceeding:
            self._cancel(now_ms)

    def fail(self, status: int, now_ms: int) -> None:
        """End it because of an error, before the answer by CANCEL."""
        if self.state == session.PROCEEDING:
            self.by = session.ERROR
            self.state = session.CANCELLING
            self._cancel(now_ms)
        else:
            super().fail(status, now_ms)

    def end(self, now_ms: int, status: int = 0, reason: bytes = b"", by: int = 0) -> None:
        """Leave for good; an INVITE still without a final response is nobody's any more."""
        super().end(now_ms, status, reason, by)
        invite = self._invite
        if invite is not None and invite.state < 2:
            self.core.transactions.forget(invite)

    def _end_cancelled(self, now_ms: int) -> None:
        """End with 487, or with the fault that made us cancel."""
        if not self.is_abandoned:
            self.status = 487
            self.reason = compose.reason_phrase(487)
        self.end(now_ms, by=session.LOCAL)

    def _cancel(self, now_ms: int) -> None:
        self.deadline = ticks.ticks_add(now_ms, _64T1_MS)
        core = self.core
        invite = self._invite
        compose.put_from_invite(core.writer.reset(), invite.message, b"CANCEL", None)
        core.transactions.request(_M_CANCEL, invite.branch, invite.destination, self, now_ms)

    # -- responses

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response to INVITE, CANCEL or a request within the dialog."""
        if transaction.method == _M_CANCEL:
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
        if not self._follow(message, now_ms):
            return
        if message.status_code > 100:
            self.status = message.status_code
            self.reason = message.text(message.reason_start, message.reason_end)
            core.post(_E_CALL_PROGRESS, self)

    def _follow(self, message, now_ms: int) -> bool:
        """Open or find the early dialog; False for a reliable response out of order."""
        dialog = self._early_dialog(message)
        if dialog is None:
            return True
        self.note_capabilities(message)
        self.is_reliable = message.has_token(_H_REQUIRE, b"100rel")
        if self.is_reliable:
            from usip.sip import reliable

            taken = reliable.acknowledge(self, dialog, message, now_ms)
            if taken and self.offer == 0 and message.body_end > message.body_start:
                self._early_answer = dialog
            return taken
        if self.offer == session.LOCAL and message.body_end > message.body_start:
            # Early media: it comes again in the 2xx (13.2.1), so the exchange stays open.
            if self.take_answer(message):
                self._early_answer = dialog
            self.offer = session.LOCAL
        return True

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
                self.dialog = dialog
                return dialog
        if len(self._early) >= self.core.limits.early_dialogs:
            return None
        dialog = self._pending.fork()
        dialog.remote_target = self.request_uri
        dialog.establish_from_response(message, self.core)
        dialog.state = EARLY
        self._early += (dialog,)
        self.dialog = dialog
        return dialog

    def _receive_success(self, transaction, message, now_ms: int) -> None:
        if self.state >= session.CONFIRMED:
            if self.dialog.matches(message):
                self.repeat_ack(transaction, message.cseq)
            else:
                self._refuse_fork(transaction, message, now_ms)
            return
        cancelled = self.state == session.CANCELLING
        core = self.core
        self._establish(message)
        self.deadline = ticks.NEVER
        self.state = session.CONFIRMED
        if not self.is_abandoned:
            self.status = message.status_code
            self.reason = message.text(message.reason_start, message.reason_end)
        self.note_capabilities(message)
        self.take_interval(message, now_ms)
        failed = not cancelled and not self._take_description(message)
        self.send_ack(transaction, message.cseq)
        if failed:
            self.fail(488, now_ms)
        elif cancelled:
            if not self.is_abandoned:
                self.status = 487
                self.reason = compose.reason_phrase(487)
            self._bye(now_ms)
        else:
            core.post(_E_CALL_ANSWERED, self)

    def _establish(self, message) -> None:
        """Make the dialog of the 2xx ours; the early ones are forgotten (13.2.2.4)."""
        found = None
        for dialog in self._early:
            if dialog.matches(message):
                found = dialog
        if found is None:
            found = self._pending.fork()
            found.remote_target = self.request_uri
            if self._early_answer is not None:  # another branch than the early one answered
                self._early_answer = None
                self.offer = session.LOCAL
        found.establish_from_response(message, self.core)
        found.state = DIALOG_CONFIRMED
        self.dialog = self._pending = found  # further branches fork from it as well
        self._early = ()

    def _take_description(self, message) -> bool:
        """Take the answer, or the offer that ours is to answer in the ACK, of a 2xx."""
        start, end = message.body_start, message.body_end
        if self.offer == session.LOCAL:
            if end > start:
                return self.take_answer(message)
            self.offer = 0
            return self._early_answer is not None
        if self.is_offerless and self._early_answer is None and self.offer == 0:
            if end == start or not self.core.is_media_body(message):
                return False
            if self.media.receive_offer(message.buf, start, end):
                self.media.reject_offer()
                return False
            self.offer = session.REMOTE
        return True

    def _refuse_fork(self, transaction, message, now_ms: int) -> None:
        """ACK and BYE a second 2xx from another branch."""
        dialog = self._pending.fork()
        dialog.local_cseq = message.cseq
        dialog.remote_target = self.request_uri
        dialog.establish_from_response(message, self.core)
        self.send_ack(transaction, message.cseq, dialog)
        w = self.core.begin_request(dialog, _M_BYE, dialog.destination)
        compose.end_without_body(w)
        self.core.send_request(_M_BYE, dialog.destination, None, now_ms)

    def _receive_refusal(self, message, now_ms: int) -> None:
        status = message.status_code
        if self.state != session.CANCELLING and self._try_again(message, now_ms):
            return
        if self.is_abandoned:
            self._end_cancelled(now_ms)
            return
        by = session.LOCAL if self.state == session.CANCELLING else session.REMOTE
        self._invite = None
        self.end(now_ms, status, message.text(message.reason_start, message.reason_end), by)

    def _try_again(self, message, now_ms: int) -> bool:
        """Whether the INVITE was sent again: with credentials, another interval or target."""
        status = message.status_code
        if status in (401, 407):
            if not self.retry(message):
                return False
        elif status == 422:
            from usip.sip import session_timer

            if not session_timer.receive_too_small(self, message):
                return False
        elif status // 100 == 3 or self.redirection is not None:
            from usip.sip import redirect

            return redirect.follow(self, message, now_ms)
        else:
            return False
        self.send_invite(now_ms)
        return True

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered, or a request could not be sent."""
        if transaction is self._invite and self.state < session.CONFIRMED:
            self.end(now_ms, status, compose.reason_phrase(status), session.ERROR)
        elif transaction is self._invite:  # there was no room for all that its 2xx asks for
            self.abandon(now_ms)
        elif transaction.method != _M_CANCEL:
            super().transaction_failed(transaction, status, now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """It rang for too long: CANCEL; or the CANCEL was never answered by a 487 (9.1)."""
        if self.state == session.PROCEEDING:
            self.fail(408, now_ms)
        elif self.state == session.CANCELLING:
            self.core.transactions.forget(self._invite)
            self._end_cancelled(now_ms)
        else:
            super().handle_deadline(now_ms)
