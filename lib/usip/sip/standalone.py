"""Requests that stand alone: OPTIONS (RFC 3261 11) and MESSAGE (RFC 3428), and where new ones go.

A MESSAGE may also travel in the dialog of a call. Its body is copied, at most `text_bytes` long.
An application that serves MESSAGE may say with `message_types`, a tuple of media types, what it
takes; without it that is text/plain.
"""

from micropython import const

from usip.errors import BufferFull
from usip.sip import compose
from usip.sip.dialog import Dialog

_E_MESSAGE_RECEIVED = const(13)
_E_NOTIFY_RECEIVED = const(15)
_M_OPTIONS = const(5)
_M_MESSAGE = const(7)
_M_SUBSCRIBE = const(8)
_M_NOTIFY = const(9)
_M_PUBLISH = const(10)
_M_REFER = const(13)
_H_EVENT = const(24)
_H_CONTENT_ENCODING = const(49)

_TEXT = (b"text/plain",)


class Request:
    """One request of ours and its outcome: `status`, `reason`, and the core's event."""

    def __init__(
        self, core, account, target: bytes, method: int, event: int, session=None
    ) -> None:
        self.core = core
        self.account = account
        self.method = method
        self.event = event
        self.session = session
        self.status = 0
        self.reason = b""
        self.content_type = b""
        self.body = b""
        self.fields = b""  # further header lines
        if session is not None:
            self.dialog = session.dialog
        else:
            self.dialog = Dialog(
                core.new_call_id(), account.name_addr(), core.new_tag(), b"<%s>" % target
            )
            self.dialog.remote_target = target
            self.dialog.route_set = account.route
        self._answered = {}

    def start(self, now_ms: int, destination=None):
        """Send it; return self."""
        core = self.core
        dialog = self.dialog
        if not destination:
            user = self if self.session is None else None
            default = dialog.destination or self.account.destination
            destination = core.locate(dialog.next_hop(), default, user)
        if destination is None:
            self._finish(503, b"Destination Not Located")
        elif destination:
            dialog.destination = destination
            self._send(now_ms)
        return self

    located = start

    def _send(self, now_ms: int) -> None:
        try:
            self._put()
        except BufferFull:
            self._finish(513, compose.reason_phrase(513))
            return
        if self.core.send_request(self.method, self.dialog.destination, self, now_ms) is None:
            self._finish(503, b"Too Many Transactions")

    def _put(self) -> None:
        core = self.core
        dialog = self.dialog
        w = core.begin_request(dialog, self.method, dialog.destination)
        core.put_credentials(w, self.account, self.method, dialog.request_uri())
        if self.method == _M_OPTIONS:
            core.put_contact(w, self.account, dialog.destination)
            w.put(b"Accept: application/sdp\r\n")
        core.put_capabilities(w)
        w.put(self.fields)
        if self.content_type:
            compose.put_body(w, self.content_type, self.body)
        else:
            compose.end_without_body(w)

    def _finish(self, status: int, reason: bytes) -> None:
        self.status = status
        self.reason = reason
        self.core.post(self.event, self)

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """Report a final response; answer a challenge."""
        status = message.status_code
        if status < 200:
            return
        if status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self._send(now_ms)
        else:
            self._finish(status, message.text(message.reason_start, message.reason_end))

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Report that nobody answered."""
        self._finish(status, compose.reason_phrase(status))


class ReceivedMessage:
    """A page-mode message: who sent what, in which call, None for none; all text is bytes."""

    def __init__(self, core, message, account, application, session) -> None:
        from_ = message.from_
        self.account = account
        self.application = application
        self.session = session
        self.from_uri = message.text(from_.uri_start, from_.uri_end)
        self.from_display = message.text(from_.display_start, from_.display_end)
        self.content_type = core.content_type_of(message)
        self.body = message.text(message.body_start, message.body_end)
        self.asserted_identity = self.called_identity = b""  # as of Session
        if account is not None and account.profile is not None:
            account.take_identities(self, message)


class Unsolicited:
    """A NOTIFY that nobody subscribed to: of which package, and its body.

    Asterisk tells mailboxes this way to a phone with a `mailboxes` line of its own.
    """

    def __init__(self, core, message) -> None:
        event = message.value(_H_EVENT) or b""
        self.account = core.account_of(message)
        self.event = event.split(b";", 1)[0].strip()
        self.content_type = core.content_type_of(message)
        self.body = message.text(message.body_start, message.body_end)


def receive(core, transaction, message, now_ms: int, session) -> None:
    """Serve a request that is within no usage, or a MESSAGE in the dialog of *session*."""
    method = message.method
    if method == _M_MESSAGE:
        _receive_message(core, transaction, message, now_ms, session)
    elif session is not None:
        core.respond(transaction, message, 403, now_ms)  # its dialog is not shared (RFC 6665 4.5)
    elif method == _M_SUBSCRIBE:
        from usip.sip import notifier

        notifier.receive(core, transaction, message, now_ms)
    elif method == _M_NOTIFY:
        core.respond(transaction, message, 200, now_ms)
        core.post(_E_NOTIFY_RECEIVED, Unsolicited(core, message))
    elif method == _M_REFER:
        from usip.sip import refer

        refer.receive(core, transaction, message, now_ms, None)
    elif method == _M_PUBLISH:
        from usip.sip import compositor

        compositor.receive(core, transaction, message, now_ms)
    else:
        core.refuse_method(transaction, message, now_ms)


def _receive_message(core, transaction, message, now_ms: int, session) -> None:
    """Take a MESSAGE: 200, 413 when it is too long, 415 when nobody reads its type (7)."""
    account = core.account_of(message) if session is None else session.account
    if account is not None and account.profile is not None:
        if account.receive_short_message(transaction, message, now_ms):
            return
    application = core.resolver.find(message)
    if application is None:
        core.refuse(transaction, message, core.resolver.status or 405, now_ms)
        return
    accepted = getattr(application, "message_types", _TEXT)
    length = message.body_end - message.body_start
    content_type = core.content_type_of(message)
    if length > core.limits.text_bytes:
        core.respond(transaction, message, 413, now_ms)
    elif message.find(_H_CONTENT_ENCODING) >= 0 or (length and content_type not in accepted):
        core.refuse_content_type(transaction, message, accepted, now_ms)
    else:
        core.respond(transaction, message, 200, now_ms)
        received = ReceivedMessage(core, message, account, application, session)
        core.post(_E_MESSAGE_RECEIVED, received)
