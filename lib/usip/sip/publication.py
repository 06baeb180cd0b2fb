"""Publishing our state (RFC 3903 4): PUBLISH, with the entity-tag that names what is published.

One Publication is one piece of event state at the account's compositor. It is refreshed before it
expires; a compositor that has forgotten it (412) is given all of it again. While a PUBLISH is in
the air a change waits: only the latest body counts.
"""

from micropython import const

from usip import ticks
from usip.errors import BufferFull
from usip.sip import compose
from usip.sip.dialog import Dialog
from usip.sip.registration import refresh_after_s

_E_PUBLISHED = const(20)
_E_PUBLICATION_ENDED = const(21)
_M_PUBLISH = const(10)
_H_EXPIRES = const(12)
_H_MIN_EXPIRES = const(22)
_H_RETRY_AFTER = const(23)
_H_SIP_ETAG = const(35)

IDLE = const(0)
PUBLISHING = const(1)
PUBLISHED = const(2)
REMOVING = const(3)
WAITING = const(4)  # failed, tries again at the deadline

_RETRY_MIN_S = const(5)
_RETRY_MAX_S = const(600)


class Publication:
    """One piece of published state; `status` and `reason` are those of the last answer."""

    is_notifier = False
    package = None

    def __init__(
        self, core, account, event: bytes, content_type: bytes, expires_s: int = 3600
    ) -> None:
        self.core = core
        self.account = account
        self.event = event
        self.content_type = content_type
        self.body = b""
        self.requested_s = expires_s
        self.expires_s = 0  # granted
        self.etag = b""  # b"": the compositor has nothing of us
        self.state = IDLE
        self.status = 0
        self.reason = b""
        self.retry_in_s = -1  # after PUBLICATION_ENDED: when it is tried again, -1 never
        self.deadline = ticks.NEVER
        self._with_body = False  # the body has yet to be sent
        self._removes = False  # the PUBLISH in the air takes the state back
        self._transaction = None
        self._failures = 0
        self._answered = {}
        self._dialog = Dialog(core.new_call_id(), account.name_addr(), core.new_tag(), b"")
        self._dialog.remote_uri = self._dialog.local_uri
        self._dialog.remote_target = account.aor
        self._dialog.route_set = account.route

    def publish(self, body: bytes, now_ms: int) -> None:
        """Publish a state, or what it has changed to; PUBLISHED follows."""
        self.body = body
        self._with_body = True
        if self not in self.core.usages:
            self.core.usages.append(self)
        self.state = PUBLISHING
        self._begin(now_ms)

    def remove(self, now_ms: int) -> None:
        """Take it back (4.5); PUBLICATION_ENDED follows."""
        if self.state != REMOVING and (self.etag or self._transaction is not None):
            self.state = REMOVING
            self._begin(now_ms)
        elif self.state != REMOVING:
            self._end(-1)

    def _begin(self, now_ms: int) -> None:
        self._answered.clear()
        self.deadline = ticks.NEVER
        if self._transaction is None:
            self._send(now_ms)

    def _send(self, now_ms: int) -> None:
        core = self.core
        dialog = self._dialog
        dialog.destination = core.locate(dialog.next_hop(), self.account.destination, self)
        if not dialog.destination:
            if dialog.destination is None:
                self._fail(503, b"Destination Not Located", now_ms)
            return
        try:
            self._put()
        except BufferFull:
            self._fail(513, compose.reason_phrase(513), now_ms)
            return
        self._transaction = core.send_request(_M_PUBLISH, dialog.destination, self, now_ms)
        if self._transaction is None:
            self._fail(503, b"Too Many Transactions", now_ms)

    located = _send

    def _put(self) -> None:
        core = self.core
        dialog = self._dialog
        w = core.begin_request(dialog, _M_PUBLISH, dialog.destination)
        w.put(b"Event: ").put(self.event).put(b"\r\nExpires: ")
        w.put_uint(0 if self.state == REMOVING else self.requested_s).put(b"\r\n")
        if self.etag:
            w.put(b"SIP-If-Match: ").put(self.etag).put(b"\r\n")
        core.put_capabilities(w)
        core.put_credentials(w, self.account, _M_PUBLISH, dialog.request_uri())
        if self.state != REMOVING and (self._with_body or not self.etag):
            compose.put_body(w, self.content_type, self.body)
        else:
            compose.end_without_body(w)
        self._with_body = False
        self._removes = self.state == REMOVING

    # -- what comes back

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response of the compositor."""
        status = message.status_code
        if status < 200:
            return
        self._transaction = None
        self.status = status
        self.reason = message.text(message.reason_start, message.reason_end)
        if status < 300:
            self._succeed(message, now_ms)
        elif status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self._with_body = True
            self._send(now_ms)
        elif status == 423 and 0 < self.requested_s < message.uint(_H_MIN_EXPIRES):
            self.requested_s = message.uint(_H_MIN_EXPIRES)
            self._with_body = True
            self._send(now_ms)
        elif status == 412 and self.etag and self.state != REMOVING:
            self.etag = b""  # forgotten there: all of it again (4.1)
            self._send(now_ms)
        else:
            self._fail(status, self.reason, now_ms, message.uint(_H_RETRY_AFTER))

    def _succeed(self, message, now_ms: int) -> None:
        self._failures = 0
        self.etag = message.value(_H_SIP_ETAG) or self.etag
        if self._removes:
            self._end(-1)
            return
        if self.state == REMOVING or self._with_body:
            self._send(now_ms)  # what was wanted meanwhile
            return
        granted_s = message.uint(_H_EXPIRES)
        self.expires_s = min(self.requested_s, granted_s) if granted_s > 0 else self.requested_s
        self.deadline = ticks.ticks_add(now_ms, 1000 * refresh_after_s(self.expires_s))
        self.state = PUBLISHED
        self.core.post(_E_PUBLISHED, self)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered, or the request could not be sent."""
        self._transaction = None
        self._fail(status, compose.reason_phrase(status), now_ms)

    def _fail(self, status: int, reason: bytes, now_ms: int, retry_after_s: int = -1) -> None:
        """It came to nothing: try again later when that may help."""
        self.status = status
        self.reason = reason
        if self.state == REMOVING or status not in (408, 480, 500, 503, 504):
            self._end(-1)
            return
        self._failures += 1
        if retry_after_s < 0:
            retry_after_s = min(_RETRY_MIN_S << min(self._failures - 1, 10), _RETRY_MAX_S)
        delay_ms = self.core.jittered_ms(1000 * min(retry_after_s, 3600))
        self._end(delay_ms // 1000)
        self.core.usages.append(self)
        self.state = WAITING
        self._with_body = True
        self.deadline = ticks.ticks_add(now_ms, delay_ms)

    def _end(self, retry_in_s: int) -> None:
        self.state = IDLE
        self.retry_in_s = retry_in_s
        self.deadline = ticks.NEVER
        if retry_in_s < 0:
            self.etag = b""
        if self in self.core.usages:
            self.core.usages.remove(self)
        self.core.post(_E_PUBLICATION_ENDED, self)

    # -- as a usage of the core

    def matches(self, message) -> bool:
        """No request is ours: there is no dialog."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        return self.deadline

    def handle_timer(self, now_ms: int) -> None:
        """Refresh, or try again."""
        if self.deadline >= 0 and ticks.ticks_diff(now_ms, self.deadline) >= 0:
            if self.state == WAITING:
                self.state = PUBLISHING
            self._begin(now_ms)
