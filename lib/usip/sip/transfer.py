"""Asking a peer to call somebody else (RFC 3515, RFC 5589): the transferor.

A Transfer is one REFER of ours and the subscription that comes with it: each NOTIFY brings the
status line of what the peer's new call has answered. Within a call it shares that call's dialog,
and the call is hung up here when the peer has reached its new target.
"""

from micropython import const

from usip import ticks
from usip.sip import compose, replaces
from usip.sip.dialog import Dialog
from usip.sip.fields import Field
from usip.sip.packages import Package, is_event
from usip.sip.subscription import TERMINATED, Subscription

_E_TRANSFER_PROGRESS = const(23)
_E_TRANSFER_ENDED = const(24)
_M_NOTIFY = const(9)
_M_REFER = const(13)
_H_REFER_SUB = const(53)

_TIMER_N_MS = const(32000)


class Fragment(Package):
    """The refer package: the start line of a response as message/sipfrag (RFC 3515 2.4.5)."""

    throttle_ms = 0

    def __init__(self) -> None:
        # Lax: message/sipfrag in any spelling of its parameters, and old Asterisk's text/plain
        super().__init__(b"refer", (b"message/sipfrag", b"text/plain"))

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take the status line."""
        words = bytes(memoryview(buf)[start:end]).split(b"\n", 1)[0].strip().split(b" ", 2)
        if words[0].upper() == b"SIP/2.0" and len(words) > 1 and words[1].isdigit():
            subscription.status = int(words[1][:3])
            subscription.reason = words[2] if len(words) > 2 else b""
            subscription.is_told = True
        return True


class Transfer(Subscription):
    """One REFER of ours: `status` and `reason` are those of the peer's new call.

    Before the first NOTIFY they are those of the answer to REFER. `session` is the call that is
    transferred, None outside of one, `target` whom the peer is to call.
    """

    def __init__(self, core, account, target: bytes, dialog, session) -> None:
        super().__init__(core, account, target, Fragment(), 180)
        self.dialog = dialog
        self.session = session
        self.with_subscription = True
        self.refer_to = b"<%s>" % target
        self.is_over = False
        self.is_told = False  # a status line has come
        self._cseq = 0

    def send(self, now_ms: int) -> None:
        """Send the REFER, or send it again with credentials."""
        core = self.core
        dialog = self.dialog
        default = dialog.destination or self.account.destination
        user = None if dialog.remote_tag else self
        destination = core.locate(dialog.next_hop(), default, user)
        if not destination:
            if destination is None:
                self._stop(503, b"Destination Not Located", now_ms)
            return
        dialog.destination = destination
        w = core.begin_request(dialog, _M_REFER, dialog.destination)
        self._cseq = dialog.local_cseq
        core.put_contact(w, self.account, dialog.destination)
        w.put(b"Refer-To: ").put(self.refer_to)
        w.put(b"\r\nReferred-By: <").put(self.account.aor).put(b">\r\n")
        if not self.with_subscription:
            w.put(b"Refer-Sub: false\r\n")
        core.put_capabilities(w)
        core.put_credentials(w, self.account, _M_REFER, dialog.request_uri())
        compose.end_without_body(w)
        self._give_up_at = ticks.ticks_add(now_ms, _TIMER_N_MS)
        self._transaction = core.send_request(_M_REFER, dialog.destination, self, now_ms)
        if self._transaction is None:
            self._stop(503, b"Too Many Transactions", now_ms)

    located = send

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to the answer to REFER; it may come behind the first NOTIFY."""
        status = message.status_code
        if status < 200 or transaction is not self._transaction:
            return
        self._transaction = None
        reason = message.text(message.reason_start, message.reason_end)
        if status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self.send(now_ms)
        elif status >= 300:
            self._stop(status, reason, now_ms)
        elif message.has_token(_H_REFER_SUB, b"false"):
            self._stop(status, reason, now_ms)  # no more will be heard (RFC 4488)
        elif not self.is_told:
            self.status = status
            self.reason = reason
            self._give_up_at = ticks.ticks_add(now_ms, _TIMER_N_MS)
            self.core.post(_E_TRANSFER_PROGRESS, self)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered the REFER."""
        if transaction is self._transaction:
            self._transaction = None
            self._stop(status, compose.reason_phrase(status), now_ms)

    # -- NOTIFY

    def matches(self, message) -> bool:
        """Whether a request is a NOTIFY about this REFER; several are told apart by `id`."""
        if message.method != _M_NOTIFY or self.state == TERMINATED:
            return False
        if self.dialog.remote_tag and not self.dialog.matches(message):
            return False
        field = Field()
        if is_event(message, field, b"refer") and field.param(b"id"):
            return field.param_uint(b"id") == self._cseq
        return self.dialog.remote_tag != b"" or super().matches(message)

    def started(self) -> None:
        """Nothing to report: the answer to REFER was."""

    def notified(self) -> None:
        """Report how far the peer has come."""
        if self.is_told and self.status < 200:
            self.core.post(_E_TRANSFER_PROGRESS, self)

    def terminated(self, field, now_ms: int) -> None:
        """The last NOTIFY: the status line before it is final."""
        if self.status < 200:
            self._stop(408, b"No Final Status", now_ms)
        else:
            self._stop(self.status, self.reason, now_ms)

    def _follow(self, message, field, now_ms: int) -> None:
        super()._follow(message, field, now_ms)
        self.deadline = ticks.NEVER
        self._give_up_at = ticks.NEVER
        if self.is_told and self.status >= 200:  # Lax: final, though not said to be the last
            self._stop(self.status, self.reason, now_ms)
        elif self._expires_at < 0 and not self.is_over:
            self._expires_at = ticks.ticks_add(now_ms, 1000 * self.requested_s)

    def _stop(self, status: int, reason: bytes, now_ms: int) -> None:
        """It is over: report it, and leave the call when the peer has got its new one."""
        if self.is_over:
            return
        self.is_over = True
        self.status = status
        self.reason = reason
        reached = self.is_told and status // 100 == 2
        self._end(-1)
        session = self.session
        if session is not None:
            session.transfer = None
            if reached and session.allowed("hang_up"):
                session.hang_up(now_ms)

    def ended(self) -> None:
        """Report the end."""
        self.core.post(_E_TRANSFER_ENDED, self)

    def handle_timer(self, now_ms: int) -> None:
        """Give up when the peer tells nothing any more."""
        for at in (self._give_up_at, self._expires_at):
            if at >= 0 and ticks.ticks_diff(now_ms, at) >= 0 and not self.is_over:
                self._stop(self.status or 408, self.reason, now_ms)


def begin(session, target: bytes, now_ms: int, with_subscription: bool):
    """Ask the peer of a call to call *target* instead."""
    transfer = Transfer(session.core, session.account, target, session.dialog, session)
    transfer.with_subscription = with_subscription
    session.transfer = transfer
    session.core.usages.append(transfer)
    transfer.send(now_ms)
    return transfer


def begin_attended(session, other, now_ms: int):
    """Ask the peer of a call to take our place in *other*, another call of ours (RFC 5589 7)."""
    dialog = other.dialog
    target = dialog.remote_target
    transfer = Transfer(session.core, session.account, target, session.dialog, session)
    joint = b"&" if b"?" in target else b"?"
    value = replaces.escape(replaces.value_for(dialog))
    transfer.refer_to = b"<%s%sReplaces=%s>" % (target, joint, value)
    session.transfer = transfer
    session.core.usages.append(transfer)
    transfer.send(now_ms)
    return transfer


def start(core, account, target: bytes, refer_to: bytes, now_ms: int, destination=None):
    """Send a REFER outside of any dialog."""
    dialog = Dialog(core.new_call_id(), account.name_addr(), core.new_tag(), b"<%s>" % target)
    dialog.remote_target = target
    dialog.route_set = account.route
    dialog.destination = destination
    transfer = Transfer(core, account, refer_to, dialog, None)
    core.usages.append(transfer)
    transfer.send(now_ms)
    return transfer
