"""Subscriptions of ours (RFC 6665 4.1): SUBSCRIBE, its refreshes, and the NOTIFYs that come.

The first NOTIFY makes the dialog, not the answer to SUBSCRIBE, and often comes before that. A
subscription lives until it is ended here, or for good by the notifier; what ends for another
reason (expiry, `deactivated`, nobody there) begins anew after a while. Several notifiers that
answer one forked SUBSCRIBE are subscriptions of their own when the package wants them.
"""

from micropython import const

from usip import ticks
from usip.sip import compose
from usip.sip.dialog import Dialog, is_span
from usip.sip.fields import Field
from usip.sip.packages import is_event, refuse_event
from usip.sip.registration import refresh_after_s

_E_NOTIFY_RECEIVED = const(15)
_E_SUBSCRIPTION_STARTED = const(16)
_E_SUBSCRIPTION_ENDED = const(17)
_M_SUBSCRIBE = const(8)
_M_NOTIFY = const(9)
_H_EXPIRES = const(12)
_H_MIN_EXPIRES = const(22)
_H_RETRY_AFTER = const(23)
_H_SUBSCRIPTION_STATE = const(25)

SUBSCRIBING = const(0)  # SUBSCRIBE sent, no NOTIFY yet
PENDING = const(1)  # the notifier has not decided yet
ACTIVE = const(2)
UNSUBSCRIBING = const(3)
WAITING = const(4)  # ended, begins anew at the deadline
TERMINATED = const(5)

_TIMER_N_MS = const(32000)  # 64*T1: until then the first NOTIFY must have come
_LONGEST_S = const(259200)  # three days: a deadline must lie within half the clock
_RETRY_MIN_S = const(5)
_RETRY_MAX_S = const(600)


class Subscription:
    """One subscription: `state`, what came last, and how it ended (`status`, `reason`)."""

    is_notifier = False

    def __init__(self, core, account, target: bytes, package, expires_s: int) -> None:
        self.core = core
        self.account = account
        self.target = target
        self.package = package
        self.requested_s = expires_s  # 0: only fetch the state
        self.expires_s = 0  # granted
        self.state = SUBSCRIBING
        self.status = 0  # of the last answer to SUBSCRIBE
        self.reason = b""  # its phrase, or the reason of the NOTIFY that ended it
        self.retry_in_s = -1  # once ended: when it begins anew, -1 never
        self.content_type = b""  # of the last NOTIFY, as the body
        self.body = b""
        self.version = -1  # of the last document, for packages that count them
        self.dialog = None
        self.deadline = ticks.NEVER  # of the next refresh or new beginning
        self.is_branch = False  # it came from the fork of another one
        self._expires_at = ticks.NEVER
        self._give_up_at = ticks.NEVER  # Timer N
        self._destination = None
        self._transaction = None  # the SUBSCRIBE in the air
        self._is_refresh = False
        self._leaves = False  # to be ended as soon as there is a dialog
        self._failures = 0
        self._unread = 0
        self._answered = {}

    @property
    def event(self) -> bytes:
        """The name of the package."""
        return self.package.name

    def start(self, now_ms: int, destination=None) -> None:
        """Subscribe."""
        self._destination = destination
        self.core.usages.append(self)
        self._begin(now_ms)

    def unsubscribe(self, now_ms: int) -> None:
        """End it; SUBSCRIPTION_ENDED follows in any case."""
        if self.state in (PENDING, ACTIVE):
            self.state = UNSUBSCRIBING
            self.requested_s = 0
            self._refresh(now_ms)
        elif self.state == SUBSCRIBING:
            self._leaves = True
        elif self.state == WAITING:
            self._end(-1)

    # -- the request

    def _begin(self, now_ms: int) -> None:
        core = self.core
        account = self.account
        self.dialog = dialog = Dialog(
            core.new_call_id(), account.name_addr(), core.new_tag(), b"<%s>" % self.target
        )
        dialog.remote_target = self.target
        dialog.route_set = account.route
        dialog.destination = self._destination
        self.state = SUBSCRIBING
        self.version = -1
        self._is_refresh = False
        self._refresh(now_ms)

    def _refresh(self, now_ms: int) -> None:
        self._answered.clear()
        self.deadline = ticks.NEVER
        self._send(now_ms)

    def _send(self, now_ms: int) -> None:
        core = self.core
        dialog = self.dialog
        if self._destination is None or dialog.remote_tag:
            default = dialog.destination or self.account.destination
            user = None if dialog.remote_tag else self
            destination = core.locate(dialog.next_hop(), default, user)
            if destination is False:
                return
            dialog.destination = destination
        if dialog.destination is None:
            self._fail(503, b"Destination Not Located", now_ms)
            return
        if not dialog.remote_tag or not self.requested_s:
            self._give_up_at = ticks.ticks_add(now_ms, _TIMER_N_MS)
        w = core.begin_request(dialog, _M_SUBSCRIBE, dialog.destination)
        core.put_contact(w, self.account, dialog.destination)
        w.put(b"Event: ").put(self.package.name)
        w.put(b"\r\nExpires: ").put_uint(self.requested_s)
        if self.package.accept:
            w.put(b"\r\nAccept: ").put(b", ".join(self.package.accept))
        w.put(b"\r\n")
        core.put_capabilities(w)
        core.put_credentials(w, self.account, _M_SUBSCRIBE, dialog.request_uri())
        compose.end_without_body(w)
        self._transaction = core.send_request(_M_SUBSCRIBE, dialog.destination, self, now_ms)
        if self._transaction is None:
            self._fail(503, b"Too Many Transactions", now_ms)

    # -- what comes back

    located = _send

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response of the notifier."""
        status = message.status_code
        if status < 200 or transaction is not self._transaction:
            return
        self._transaction = None
        self.status = status
        self.reason = message.text(message.reason_start, message.reason_end)
        if status < 300:
            self._succeed(message, now_ms)
        elif status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self._send(now_ms)
        elif status == 423 and 0 < self.requested_s < message.uint(_H_MIN_EXPIRES):
            self.requested_s = message.uint(_H_MIN_EXPIRES)
            self._send(now_ms)
        else:
            self._fail(status, self.reason, now_ms, message.uint(_H_RETRY_AFTER))

    def _succeed(self, message, now_ms: int) -> None:
        """The SUBSCRIBE is accepted: what was granted counts from here (4.1.2.1)."""
        if self._is_refresh:
            self._failures = 0
        granted_s = message.uint(_H_EXPIRES)
        # Lax: a 2xx without Expires (it must have one) grants what was asked for
        self._grant(self.requested_s if granted_s < 0 else granted_s, now_ms)

    def _grant(self, seconds: int, now_ms: int) -> None:
        if not self.requested_s or self.state in (UNSUBSCRIBING, TERMINATED):
            return
        self.expires_s = seconds = min(seconds, self.requested_s, _LONGEST_S)
        self._expires_at = ticks.ticks_add(now_ms, 1000 * seconds)
        self.deadline = ticks.ticks_add(now_ms, 1000 * refresh_after_s(seconds))

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered, or the request could not be sent."""
        if transaction is self._transaction:
            self._transaction = None
            self.status = status
            self._fail(status, compose.reason_phrase(status), now_ms)

    def _fail(self, status: int, reason: bytes, now_ms: int, retry_after_s: int = -1) -> None:
        """A SUBSCRIBE failed: try again, in this dialog while the subscription stands."""
        self.status = status
        self.reason = reason
        is_passing = status in (408, 480) or status // 100 == 5 and status not in (501, 513)
        if self.state == UNSUBSCRIBING or self._leaves or not self.requested_s:
            self._end(-1)
        elif is_passing and self._expires_at >= 0 and status != 480:
            self.deadline = ticks.ticks_add(now_ms, self._backoff_ms(retry_after_s))
        elif is_passing or status == 481 and self.dialog.remote_tag:
            self._begin_later(now_ms, retry_after_s)
        else:
            self._end(-1)

    def _backoff_ms(self, retry_after_s: int) -> int:
        self._failures += 1
        if retry_after_s >= 0:
            return 1000 * min(retry_after_s, 3600)
        seconds = min(_RETRY_MIN_S << min(self._failures - 1, 10), _RETRY_MAX_S)
        return self.core.jittered_ms(1000 * seconds)

    def _begin_later(self, now_ms: int, retry_after_s: int) -> None:
        """Begin anew with another dialog, after a while that grows."""
        if self.is_branch:
            self._end(-1)
            return
        delay_ms = self._backoff_ms(retry_after_s)
        self._end(delay_ms // 1000)
        self.state = WAITING
        self.deadline = ticks.ticks_add(now_ms, delay_ms)
        self.core.usages.append(self)

    def _end(self, retry_in_s: int) -> None:
        """Leave the usages and report it, once."""
        if self.state == TERMINATED:
            return
        self.state = TERMINATED
        self._transaction = None
        self.deadline = self._expires_at = self._give_up_at = ticks.NEVER
        self.retry_in_s = retry_in_s
        if self in self.core.usages:
            self.core.usages.remove(self)
        self.ended()

    def ended(self) -> None:
        """Report the end."""
        self.core.post(_E_SUBSCRIPTION_ENDED, self)

    # -- NOTIFY

    def matches(self, message) -> bool:
        """Whether a request is a NOTIFY of this subscription, or of another branch of it."""
        dialog = self.dialog
        if message.method != _M_NOTIFY or self.state in (WAITING, TERMINATED):
            return False
        if dialog.remote_tag:
            if dialog.matches(message):
                return True
            if self._give_up_at < 0 or not self.package.allows_forks or self.is_branch:
                return False
        to = message.to
        return is_span(
            message.buf, message.call_id_start, message.call_id_end, dialog.call_id
        ) and is_span(message.buf, to.tag_start, to.tag_end, dialog.local_tag)

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Take a NOTIFY (4.1.3); the first one makes the dialog."""
        core = self.core
        dialog = self.dialog
        if not dialog.remote_tag:
            dialog.establish_from_request(message, dialog.local_tag, core)
            if not self.package.allows_forks:
                self._give_up_at = ticks.NEVER
        elif not dialog.matches(message):
            self._fork(transaction, message, now_ms)
            return
        elif not dialog.accept_cseq(message.cseq):
            core.respond(transaction, message, 500, now_ms)
            return
        else:
            dialog.refresh_target(message, core)
        self._receive_notify(transaction, message, now_ms)

    def _fork(self, transaction, message, now_ms: int) -> None:
        """Let another notifier that the SUBSCRIBE came to have a subscription of its own."""
        core = self.core
        if len(core.usages) >= core.limits.usages:
            core.respond(transaction, message, 481, now_ms)
            return
        other = Subscription(core, self.account, self.target, self.package, self.requested_s)
        other.dialog = self.dialog.fork()
        other.is_branch = True
        other._leaves = self._leaves
        core.usages.insert(0, other)
        other._grant(self.expires_s or self.requested_s, now_ms)
        other.receive_request(transaction, message, now_ms)

    def _receive_notify(self, transaction, message, now_ms: int) -> None:
        core = self.core
        field = Field()
        if not is_event(message, field, self.package.name):
            refuse_event(core, transaction, message, (self.package.name,), now_ms)
            return
        content_type = core.content_type_of(message)
        accept = self.package.accept
        if message.body_end > message.body_start and accept and content_type not in accept:
            core.refuse_content_type(transaction, message, accept, now_ms)
            return
        core.respond(transaction, message, 200, now_ms)
        i = message.find(_H_SUBSCRIPTION_STATE)
        # Lax: without Subscription-State it is active, as NOTIFYs were before RFC 3265
        if i < 0 or not field.parse(message.buf, message.value_start(i), message.value_end(i)):
            field.set(b"", 0, 0)
            field.start = field.end = 0
        self.content_type = content_type
        self.body = b""
        self._follow(message, field, now_ms)

    def _follow(self, message, field, now_ms: int) -> None:
        """Take the state of the subscription, then that of what it is about."""
        word = bytes(memoryview(field.buf)[field.start : field.end]).lower()
        was = self.state
        if word != b"terminated" and self.state != UNSUBSCRIBING:
            self.state = PENDING if word == b"pending" else ACTIVE
            seconds = field.param_uint(b"expires")
            if seconds > 0:
                self._grant(seconds, now_ms)
        if was == SUBSCRIBING and word != b"terminated":
            self.started()
        if self.read(message):
            self._unread = 0
        elif self.state in (PENDING, ACTIVE):
            self._unread += 1
            at = ticks.ticks_add(now_ms, 1000 << min(self._unread, 9))
            self.deadline = ticks.earliest(self.deadline, at)
        self.notified()
        if word == b"terminated":
            self.terminated(field, now_ms)
        elif self._leaves and self.requested_s:
            self.unsubscribe(now_ms)

    def read(self, message) -> bool:
        """Give the body to the package; False when the full state is needed."""
        start, end = message.body_start, message.body_end
        return end == start or self.package.receive(self, message.buf, start, end)

    def started(self) -> None:
        """Report the first NOTIFY of a subscription that stands."""
        self.core.post(_E_SUBSCRIPTION_STARTED, self)

    def notified(self) -> None:
        """Report a NOTIFY."""
        self.core.post(_E_NOTIFY_RECEIVED, self)

    def terminated(self, field, now_ms: int) -> None:
        """The notifier ended it: for good, or to begin anew (4.1.3)."""
        reason = field.value().lower() if field.param(b"reason") else b""
        after_s = field.param_uint(b"retry-after")
        self.reason = reason
        if (
            self.state == UNSUBSCRIBING
            or not self.requested_s
            or self._leaves
            or reason in (b"rejected", b"noresource", b"invariant")
        ):
            self._end(-1)
        elif reason in (b"deactivated", b"timeout") and not self._failures:
            self._begin_later(now_ms, 0)
        else:
            self._begin_later(now_ms, after_s)

    # -- time

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        return ticks.earliest(ticks.earliest(self.deadline, self._expires_at), self._give_up_at)

    def handle_timer(self, now_ms: int) -> None:
        """Refresh, begin anew, or give up waiting for a NOTIFY."""
        if _is_due(self._give_up_at, now_ms):
            self._give_up_at = ticks.NEVER
            if self.state in (SUBSCRIBING, UNSUBSCRIBING) or not self.requested_s:
                self._expires_at = ticks.NEVER
                self._fail(408, b"No NOTIFY", now_ms)
        if _is_due(self._expires_at, now_ms):
            self.reason = b"timeout"
            self._begin_later(now_ms, -1)
        elif _is_due(self.deadline, now_ms):
            if self.state == WAITING:
                self._begin(now_ms)
            elif self._transaction is None:
                self._is_refresh = True
                self._refresh(now_ms)
            else:
                self.deadline = ticks.NEVER


def _is_due(at: int, now_ms: int) -> bool:
    return at >= 0 and ticks.ticks_diff(now_ms, at) >= 0
