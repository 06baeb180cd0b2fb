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
from usip.octets import equals
from usip.sip import uri
from usip.sip.registration import Registration

_E_REGISTERED = const(1)
_E_UNREGISTERED = const(2)
_E_REGISTRATION_FAILED = const(3)
_H_CONTACT = const(6)
_H_EXPIRES = const(12)
_H_SERVICE_ROUTE = const(38)
_H_P_ASSOCIATED_URI = const(39)
_H_SECURITY_SERVER = const(52)

_UNREGISTERED = const(0)  # as in sip.registration
_REGISTERING = const(1)
_REGISTERED = const(2)
_UNREGISTERING = const(3)
_FAILED = const(4)

_CHANGED = const(1)  # what ims.reginfo wants done
_REGISTER = const(2)
_RETRY = const(3)
_ENDED = const(4)
_REFRESH = const(5)

_LONGEST_S = const(259200)  # three days: a deadline must lie within half the clock
_POLL_MS = const(20)  # the card in a modem
_ROUTES = const(8)
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
            self._fail(513, b"Credentials Too Long", now_ms)

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
        """Take Security-Server, to be sent back as it is (RFC 3329 2.3.1); whether there is."""
        if not self.account.profile.is_tls or message.find(_H_SECURITY_SERVER) < 0:
            return False
        self.account.profile.agree(b", ".join(self._values(message, _H_SECURITY_SERVER)))
        return True

    def _values(self, message, header_id: int) -> list:
        found = []
        values = self.core.values
        values.begin(message, header_id)
        while values.next():
            found.append(message.text(values.start, values.end))
        return found

    def _succeed(self, message, now_ms: int) -> None:
        if self.state == _UNREGISTERING:
            super()._succeed(message, now_ms)
            self._leave()
            return
        fault = self._take_binding(message)
        if fault:
            self._fail(500, fault, now_ms)
            return
        self.account.authentication.accepted()
        super()._succeed(message, now_ms)
        self._refresh_in(profile.refresh_after_s(self.expires_s), now_ms)
        self._subscribe(now_ms)
        self.account.register_further(self.core, now_ms)

    def _refresh_in(self, seconds: int, now_ms: int) -> None:
        seconds = min(max(1, seconds), _LONGEST_S)
        self.deadline = ticks.ticks_add(now_ms, 1000 * seconds)

    def _take_binding(self, message) -> bytes:
        """Take identities and route of a 200; return what is wrong with it, b"" for nothing."""
        if self._granted(message) <= 0:
            return b"Our Contact Is Not Registered"
        routes = self._values(message, _H_SERVICE_ROUTE)
        if self._loops(routes):
            return b"Service-Route Loops"
        identities = self.account.identities
        identities.clear()
        i = message.find(_H_P_ASSOCIATED_URI)
        while i >= 0:
            identities.add(message.buf, message.value_start(i), message.value_end(i))
            i = message.find(_H_P_ASSOCIATED_URI, i + 1)
        self.account.use(routes)
        return b""

    def _loops(self, routes: list) -> bool:
        """Whether a Service-Route goes somewhere twice, back to us, or on and on."""
        host, port = self.core.transport.local_address(self.account.destination)
        own = b"@%s:%d" % (host.encode(), port)
        for i in range(len(routes)):
            hop = routes[i][routes[i].find(b"<") + 1 :]
            hop = hop[: hop.find(b">")]
            at = hop.find(b"@")
            where = hop[at:] if at >= 0 else b"@" + hop[hop.find(b":") + 1 :]
            if where.split(b";", 1)[0] == own or routes[i] in routes[:i]:
                return True
        return len(routes) > _ROUTES

    def _granted(self, message) -> int:
        """Return the seconds granted to our own Contact, 0 when only others are listed."""
        values = self.core.values
        contact = self.core.name_addr
        buf = message.buf
        seconds = message.uint(_H_EXPIRES)
        if seconds < 0:
            seconds = self.requested_s
        values.begin(message, _H_CONTACT)
        has_others = False
        while values.next():
            if not contact.parse(buf, values.start, values.end) or contact.is_wildcard:
                continue
            if self._is_ours(buf, contact):
                granted_s = contact.param_uint(b"expires")
                return seconds if granted_s < 0 else granted_s
            has_others = True
        return 0 if has_others else seconds

    def _is_ours(self, buf, contact) -> bool:
        own = self.contact
        if uri.equal(buf, contact.uri_start, contact.uri_end, own, 0, len(own)):
            return True
        instance = b'"<' + self.account.instance + b'>"'
        if not self.account.instance or not contact.param(b"+sip.instance"):
            return False
        start, end = contact.value_start, contact.value_end
        return equals(buf, start, end, instance, len(instance)) == 1 or (
            equals(buf, start, end, instance[1:-1], len(instance) - 2) == 1
        )

    def _fail(self, status: int, reason: bytes, now_ms: int, retry_after_s: int = -1) -> None:
        self._leave()
        super()._fail(status, reason, now_ms, retry_after_s)

    def _retry_delay_s(self, status: int, retry_after_s: int) -> int:
        if retry_after_s <= 0 and (status < 500 and status != 408 or status >= 600):
            return min(_REFUSED_RETRY_S << min(self._failures - 1, 4), _REFUSED_RETRY_MAX_S)
        return super()._retry_delay_s(status, retry_after_s)

    def _leave(self) -> None:
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

    def obey(self, package, now_ms: int) -> None:
        """Do what the reg event wants (5.1.1.7)."""
        action = package.action
        if self.state != _REGISTERED:
            return
        if action == _CHANGED:
            self.account.use_identities()
            self.core.post(_E_REGISTERED, self)
        elif action == _REFRESH:  # 5.1.1.5.2: the network wants to see our credentials
            self._refresh_in(package.shortened_s // 2, now_ms)
        elif action == _REGISTER:
            self._end(now_ms)
            self.register(now_ms)
        elif action == _ENDED:
            self._end(now_ms)
        elif action == _RETRY:
            self._end(now_ms)
            self.state = _FAILED
            self.status = 480
            self.reason = b"Probation"
            self.retry_in_s = min(max(1, package.retry_after_s), _LONGEST_S)
            self._refresh_in(self.retry_in_s, now_ms)
            self.core.post(_E_REGISTRATION_FAILED, self)

    def _end(self, now_ms: int) -> None:
        """The network ended the registration."""
        self.deadline = ticks.NEVER
        self.state = _UNREGISTERED
        self.expires_s = 0
        self._leave()
        self.core.post(_E_UNREGISTERED, self)
