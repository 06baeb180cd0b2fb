"""The registration of an IMS account (TS 24.229 5.1.1), and the reg event that watches over it.

What it adds to REGISTER as everybody does it: the door is the P-CSCF, and another one is tried
when that does not answer; a 200 must name our own Contact, and brings the identities we may use
and the route of everything we send from then on; a subscription to the reg event tells what
becomes of us, and what the network wants is done. Refusals of ours end in REGISTRATION_FAILED
with the reason, as those of the network do.
"""

from micropython import const

from usip import ticks
from usip.errors import BufferFull
from usip.ims import profile
from usip.ims.watch import Watch
from usip.sip.registration import Registration

_UNREGISTERED = const(0)  # as in sip.registration
_REGISTERING = const(1)
_REGISTERED = const(2)
_UNREGISTERING = const(3)
_FAILED = const(4)


_LONGEST_S = const(259200)  # three days: a deadline must lie within half the clock
_POLL_MS = const(20)  # the card in a modem
_REFUSED_RETRY_S = const(300)  # 403 and the like: nothing becomes right by asking again at once
_REFUSED_RETRY_MAX_S = const(3600)


class IMSRegistration(Registration):
    """The binding of one public identity; `associated` are those it made usable."""

    def __init__(self, core, account) -> None:
        super().__init__(core, account)
        self._dialog.route_set = b""
        self.contact_parameters = account.profile.contact_parameters
        self.watch = None
        self._secured = False  # the network's Security-Server was taken in this attempt
        self._cscfs_tried = 0

    @property
    def associated(self) -> list:
        """The identities of the implicit set, the default one first."""
        return self.account.identities.uris

    def _locate(self):
        return self.account.locate(self.core, self)

    def _begin(self, now_ms: int) -> None:
        self._secured = False
        self._cscfs_tried = 0
        if self.state == _REGISTERING:
            self.account.authentication.start_anew()
        super()._begin(now_ms)

    def _send(self, now_ms: int) -> None:
        try:
            super()._send(now_ms)
        except BufferFull:
            self._fail(513, b"Credentials Too Long", now_ms, _REFUSED_RETRY_S)

    located = _send

    def handle_timer(self, now_ms: int) -> None:
        """Refresh, try again, or ask the card when due."""
        if self.deadline < 0 or ticks.ticks_diff(now_ms, self.deadline) < 0:
            return
        credentials = self.account.authentication
        if not credentials.is_pending:
            super().handle_timer(now_ms)
            return
        self.deadline = ticks.NEVER
        if credentials.poll(now_ms):
            self._send(now_ms)
        else:
            self._wait_or_fail(401, b"", now_ms)

    # -- what comes back

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response of the network."""
        status = message.status_code
        if status in (401, 407):
            self._agree(message)
            if self.core.accept_challenge(self.account, message, self._answered):
                self._send(now_ms)
            else:
                reason = message.text(message.reason_start, message.reason_end)
                self._wait_or_fail(status, reason, now_ms)
        elif status in (421, 494) and not self._secured and self._agree(message):
            self._secured = True
            self._send(now_ms)
        elif status in (305, 500, 503, 504) and self._try_next_cscf(now_ms):
            return
        else:
            super().receive_response(transaction, message, now_ms)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered: the next P-CSCF may."""
        if not self._try_next_cscf(now_ms):
            super().transaction_failed(transaction, status, now_ms)

    def _try_next_cscf(self, now_ms: int) -> bool:
        self._cscfs_tried += 1
        if self.state == _UNREGISTERING or self._cscfs_tried >= len(self.account.cscfs):
            return False
        self.account.use_next_cscf()
        self._send(now_ms)
        return True

    def _wait_or_fail(self, status: int, reason: bytes, now_ms: int) -> None:
        """Nothing can be sent: because the card thinks, or at all."""
        credentials = self.account.authentication
        if credentials.is_pending:
            self.deadline = ticks.ticks_add(now_ms, _POLL_MS)
        else:
            self._fail(status, credentials.fault or reason, now_ms)

    def _agree(self, message) -> bool:
        from usip.ims import binding

        return binding.agree(self, message)

    def _succeed(self, message, now_ms: int) -> None:
        if self.state == _UNREGISTERING:
            super()._succeed(message, now_ms)
            self.leave()
            return
        from usip.ims import binding

        fault = binding.take(self, message)
        if fault:
            self._fail(500, fault, now_ms, _REFUSED_RETRY_S)
            return
        super()._succeed(message, now_ms)
        self.refresh_in(profile.refresh_after_s(self.expires_s), now_ms)
        self._subscribe(now_ms)
        binding.register_further(self.account, self.core, now_ms)
        self.account.authentication.accepted()

    def _granted(self, message) -> int:
        from usip.ims import binding

        return binding.granted(self, message)

    def refresh_in(self, seconds: int, now_ms: int) -> None:
        """Register again in so many seconds."""
        seconds = min(max(1, seconds), _LONGEST_S)
        self.deadline = ticks.ticks_add(now_ms, 1000 * seconds)

    def _fail(self, status: int, reason: bytes, now_ms: int, retry_after_s: int = -1) -> None:
        self.leave()
        super()._fail(status, reason, now_ms, retry_after_s)

    def _retry_delay_s(self, status: int, retry_after_s: int) -> int:
        if retry_after_s <= 0 and (status < 500 and status != 408 or status >= 600):
            return min(_REFUSED_RETRY_S << min(self._failures - 1, 4), _REFUSED_RETRY_MAX_S)
        return super()._retry_delay_s(status, retry_after_s)

    def leave(self) -> None:
        """Nothing is registered any more."""
        self.account.leave()
        if self.watch is not None:
            self.watch.drop()
            self.watch = None

    # -- the reg event (5.1.1.3)

    def _subscribe(self, now_ms: int) -> None:
        if self.watch is None or self.watch.is_worth_another:
            self.watch = Watch(self)
            self.watch.start(now_ms)
