"""Subscribers to a state of ours (RFC 6665 4.2): SUBSCRIBE taken, NOTIFY sent.

A Subscriber is one subscription of a peer. It is told the full state at once, after each of its
SUBSCRIBEs, and when `core.notify` says that the state has changed: never while a NOTIFY is in the
air and never sooner than the package's throttle allows, then with the state of that moment.
"""

from micropython import const

from usip import ticks
from usip.errors import BufferFull
from usip.sip import compose
from usip.sip.dialog import Dialog
from usip.sip.fields import Field
from usip.sip.packages import is_event, refuse_event
from usip.sip.uas import without_tag

_E_SUBSCRIBER_ADDED = const(18)
_E_SUBSCRIBER_REMOVED = const(19)
_M_SUBSCRIBE = const(8)
_M_NOTIFY = const(9)
_H_FROM = const(2)
_H_TO = const(3)
_H_EXPIRES = const(12)
_H_ACCEPT = const(33)

PENDING = const(1)  # not decided yet
ACTIVE = const(2)
TERMINATED = const(5)

_TRIES = const(32)

# After these answers to a NOTIFY nobody is there any more (4.2.2).
_GONE = (404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604)


class Subscriber:
    """One subscription of a peer to *package*, and the dialog it is in."""

    is_notifier = True
    shows_end = False  # whether the last NOTIFY has the state, whatever its reason

    def __init__(self, core, account, package, dialog) -> None:
        self.core = core
        self.account = account
        self.package = package
        self.dialog = dialog
        self.state = ACTIVE
        self.version = 0  # of the next document, for packages that count them
        self.id = b""  # parameter of Event
        self.resource = b""  # the Request-URI: whose state
        self.reason = b""  # why it ended
        self.retry_after_s = -1  # told with the end
        self.expires_at = ticks.NEVER
        self.deadline = ticks.NEVER  # of a NOTIFY held back by the throttle
        self._sent_at = ticks.NEVER
        self._transaction = None  # the NOTIFY in the air
        self._is_due = False  # another is to follow
        self._shows_state = False  # the last NOTIFY too
        self._tries = 0  # to send a NOTIFY for which there was no room
        self._answered = {}

    # -- commands

    def accept(self, now_ms: int) -> None:
        """Let a pending subscriber know the state."""
        if self.state == PENDING:
            self.state = ACTIVE
            self.notify(now_ms)

    def terminate(self, now_ms: int, reason: bytes = b"rejected", retry_after_s: int = -1) -> None:
        """End it: rejected, noresource, deactivated, probation, giveup, timeout or invariant."""
        if self.state != TERMINATED:
            self._shows_state = self.state == ACTIVE and (self.shows_end or reason == b"timeout")
            self.state = TERMINATED
            self.reason = reason
            self.retry_after_s = retry_after_s
            self._leave()
            self._send(now_ms)

    def notify(self, now_ms: int) -> None:
        """Tell the state, as soon as the throttle and a NOTIFY in the air allow."""
        if self.state == TERMINATED:
            return
        self._is_due = True
        if self._transaction is not None:
            return
        at = ticks.ticks_add(self._sent_at, self.package.throttle_ms)
        if self._sent_at >= 0 and ticks.ticks_diff(at, now_ms) > 0:
            self.deadline = at
        else:
            self._send(now_ms)

    # -- SUBSCRIBE

    def begin(self, transaction, message, expires_s: int, now_ms: int) -> None:
        """Accept the first SUBSCRIBE, and tell the state."""
        self.core.usages.append(self)
        self.added()
        self._accept(transaction, message, expires_s, now_ms)

    def added(self) -> None:
        """Report that it is there."""
        self.core.post(_E_SUBSCRIBER_ADDED, self)

    def removed(self) -> None:
        """Report that it has left."""
        self.core.post(_E_SUBSCRIBER_REMOVED, self)

    def matches(self, message) -> bool:
        """Whether a request is a SUBSCRIBE of this subscription."""
        if message.method != _M_SUBSCRIBE or not self.dialog.matches(message):
            return False
        if self.state == TERMINATED:
            return False
        field = Field()
        return is_event(message, field, self.package.name) and event_id(field) == self.id

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Refresh or end it (4.2.1.1)."""
        core = self.core
        if not self.dialog.accept_cseq(message.cseq):
            core.respond(transaction, message, 500, now_ms)
            return
        expires_s = take_expires(core, transaction, message, self.package.expires_s, now_ms)
        if expires_s >= 0:
            self.dialog.refresh_target(message, core)
            self._accept(transaction, message, expires_s, now_ms)

    def _accept(self, transaction, message, expires_s: int, now_ms: int) -> None:
        core = self.core
        # Lax: 200 for a pending one too, since 202 means no more (RFC 6665 4.2.1.1)
        core.begin_response(transaction, message, 200, self.dialog.local_tag)
        core.put_contact(core.writer, self.account, transaction.destination)
        core.writer.put(b"Expires: ").put_uint(expires_s).put(b"\r\n")
        core.finish_response(transaction, 200, now_ms)
        self.expires_at = ticks.ticks_add(now_ms, 1000 * expires_s)
        self._sent_at = ticks.NEVER  # a SUBSCRIBE is answered with the state at once
        if expires_s == 0:
            self.terminate(now_ms, b"timeout")
        else:
            self.notify(now_ms)

    # -- NOTIFY

    def _send(self, now_ms: int) -> None:
        self._is_due = False
        self.deadline = ticks.NEVER
        core = self.core
        dialog = self.dialog
        dialog.destination = core.locate(dialog.next_hop(), dialog.destination)
        try:
            self._put(now_ms, True)
        except BufferFull:
            core.counters.too_large += 1
            self._put(now_ms, False)
        self._sent_at = now_ms
        self._transaction = core.send_request(_M_NOTIFY, dialog.destination, self, now_ms)
        if self._transaction is not None:
            self._tries = 0
        elif self._tries < _TRIES:  # no room: a little later, the last one too
            self._tries += 1
            self._is_due = True
            self.deadline = ticks.ticks_add(now_ms, 1000)
        if self.state == TERMINATED and (self.deadline < 0) == (self in core.usages):
            if self.deadline < 0:
                core.usages.remove(self)
            else:
                core.usages.append(self)

    def _put(self, now_ms: int, with_state: bool) -> None:
        core = self.core
        dialog = self.dialog
        package = self.package
        w = core.begin_request(dialog, _M_NOTIFY, dialog.destination)
        core.put_contact(w, self.account, dialog.destination)
        w.put(b"Event: ").put(package.name)
        if self.id:
            w.put(b";id=").put(self.id)
        w.put(b"\r\nSubscription-State: ")
        if self.state == TERMINATED:
            w.put(b"terminated;reason=").put(self.reason)
            if self.retry_after_s >= 0:
                w.put(b";retry-after=").put_uint(self.retry_after_s)
        else:
            w.put(b"pending" if self.state == PENDING else b"active").put(b";expires=")
            w.put_uint(max(0, ticks.ticks_diff(self.expires_at, now_ms)) // 1000)
        w.put(b"\r\n")
        core.put_capabilities(w)
        core.put_credentials(w, self.account, _M_NOTIFY, dialog.request_uri())
        if with_state and (self.state == ACTIVE or self._shows_state):
            before = w.end
            mark = compose.begin_body(w, package.accept[0])
            package.put(w, self)
            if w.end > mark:
                compose.end_body(w, mark)
                self.version += 1
                return
            w.reset(before)
        compose.end_without_body(w)

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to the answer to a NOTIFY."""
        status = message.status_code
        if status < 200 or transaction is not self._transaction:
            return
        self._transaction = None
        if status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self._send(now_ms)
        elif self.state == TERMINATED:
            return
        elif status in _GONE:
            self._drop()
        else:
            self._answered.clear()
            if self._is_due:
                self.notify(now_ms)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered a NOTIFY: the subscriber is gone (4.2.2)."""
        if transaction is self._transaction:
            self._transaction = None
            if self.state != TERMINATED:
                self._drop()

    def _drop(self) -> None:
        self.state = TERMINATED
        self.reason = b"noresource"
        self._leave()

    def _leave(self) -> None:
        self.expires_at = self.deadline = ticks.NEVER
        if self in self.core.usages:
            self.core.usages.remove(self)
            self.removed()

    # -- time

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        return ticks.earliest(self.deadline, self.expires_at)

    def handle_timer(self, now_ms: int) -> None:
        """End what was not refreshed; send what was held back."""
        if self.expires_at >= 0 and ticks.ticks_diff(now_ms, self.expires_at) >= 0:
            self.terminate(now_ms, b"timeout")
        elif self.deadline >= 0 and ticks.ticks_diff(now_ms, self.deadline) >= 0:
            self.deadline = ticks.NEVER
            if self._transaction is None:
                self._send(now_ms)


def event_id(field) -> bytes:
    """Return the id parameter of the Event in a view, b"" when absent."""
    return field.value() if field.param(b"id") else b""


def take_expires(core, transaction, message, default_s: int, now_ms: int) -> int:
    """Return the duration to grant a SUBSCRIBE or PUBLISH; -1 when it was answered 423."""
    expires_s = message.uint(_H_EXPIRES)
    limits = core.limits
    if expires_s < 0:
        expires_s = default_s
    if 0 < expires_s < limits.min_expires_s:
        core.begin_response(transaction, message, 423)
        core.writer.put(b"Min-Expires: ").put_uint(limits.min_expires_s).put(b"\r\n")
        core.finish_response(transaction, 423, now_ms)
        return -1
    return min(expires_s, limits.max_expires_s)


def find_package(core, message, field):
    """Return the package of ours that the Event of a message names, None when there is none."""
    for package in core.resolver.packages():
        if is_event(message, field, package.name):
            return package
    return None


def dialog_of(core, transaction, message):
    """Return the dialog that a request outside of any opens at our side (12.1.1)."""
    dialog = Dialog(
        message.text(message.call_id_start, message.call_id_end),
        without_tag(message, _H_TO),
        b"",
        without_tag(message, _H_FROM),
    )
    dialog.establish_from_request(message, core.new_tag(), core)
    dialog.destination = transaction.destination
    return dialog


def receive(core, transaction, message, now_ms: int) -> None:
    """Serve a SUBSCRIBE that opens a subscription: 489, 406, 423, 503 or what the package says."""
    field = Field()
    package = find_package(core, message, field)
    if package is None:
        names = [package.name for package in core.resolver.packages()]
        refuse_event(core, transaction, message, names, now_ms)
    elif message.find(_H_ACCEPT) >= 0 and not _is_accepted(core, message, package):
        core.respond(transaction, message, 406, now_ms)
    elif len(core.usages) >= core.limits.usages:
        core.begin_response(transaction, message, 503)
        core.writer.put(b"Retry-After: 60\r\n")
        core.finish_response(transaction, 503, now_ms)
    else:
        id = event_id(field)
        expires_s = take_expires(core, transaction, message, package.expires_s, now_ms)
        if expires_s < 0:
            return
        dialog = dialog_of(core, transaction, message)
        subscriber = Subscriber(core, core.account_of(message), package, dialog)
        subscriber.id = id
        subscriber.resource = message.text(message.uri_start, message.uri_end)
        status = package.admit(subscriber)
        if status >= 300:
            core.respond(transaction, message, status, now_ms)
            return
        subscriber.state = PENDING if status == 202 else ACTIVE
        subscriber.begin(transaction, message, expires_s, now_ms)


def _is_accepted(core, message, package) -> bool:
    """Whether the Accept of a SUBSCRIBE has a type that the package writes."""
    values = core.values
    values.begin(message, _H_ACCEPT)
    while values.next():
        value = message.text(values.start, values.end).split(b";", 1)[0].strip().lower()
        if value in package.accept[:1] or value in (b"*/*", b"application/*"):
            return True
    return False
