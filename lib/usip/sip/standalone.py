"""Requests outside of a dialog that stand alone: OPTIONS (RFC 3261 11), MESSAGE (RFC 3428)."""

from micropython import const

from usip.sip import compose
from usip.sip.dialog import Dialog

_M_OPTIONS = const(5)


class Request:
    """One request of ours and its outcome: `status`, `reason`, and the core's event."""

    def __init__(self, core, account, target: bytes, method: int, event: int) -> None:
        self.core = core
        self.account = account
        self.method = method
        self.event = event
        self.status = 0
        self.reason = b""
        self.content_type = b""
        self.body = b""
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
        dialog.destination = destination or core.locate(
            dialog.next_hop(), self.account.destination
        )
        if dialog.destination is None:
            self._finish(503, b"Destination Not Located")
        else:
            self._send(now_ms)
        return self

    def _send(self, now_ms: int) -> None:
        core = self.core
        dialog = self.dialog
        w = core.begin_request(dialog, self.method, dialog.destination)
        core.put_credentials(w, self.account, self.method, dialog.request_uri())
        if self.method == _M_OPTIONS:
            core.put_contact(w, self.account, dialog.destination)
            w.put(b"Accept: application/sdp\r\n")
        core.put_capabilities(w)
        if self.content_type:
            compose.put_body(w, self.content_type, self.body)
        else:
            compose.end_without_body(w)
        if core.send_request(self.method, dialog.destination, self, now_ms) is None:
            self._finish(503, b"Too Many Transactions")

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
