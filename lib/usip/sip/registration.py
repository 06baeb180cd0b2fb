"""Accounts and their registrations (RFC 3261 section 10).

A Registration keeps one binding alive: REGISTER, a refresh well before the expiry that the
registrar granted to *our* Contact, and a new attempt after every failure, sooner when nobody
answered (the network may be back at any moment) than when somebody refused.
"""

from micropython import const

from usip import ticks
from usip.sip import compose, uri
from usip.sip.auth import Authentication
from usip.sip.dialog import Dialog, is_span

_E_REGISTERED = const(1)
_E_UNREGISTERED = const(2)
_E_REGISTRATION_FAILED = const(3)
_M_REGISTER = const(6)
_H_CONTACT = const(6)
_H_EXPIRES = const(12)
_H_MIN_EXPIRES = const(22)
_H_RETRY_AFTER = const(23)

UNREGISTERED = const(0)
REGISTERING = const(1)
REGISTERED = const(2)  # a binding stands; a refresh may be under way
UNREGISTERING = const(3)
FAILED = const(4)  # waits for the next attempt

_REFRESH_MAX_S = const(259200)  # three days: a deadline must lie within half the clock
_REFRESH_MARGIN_S = const(40)  # longer than Timer F, so that one lost refresh is survived
_SILENCE_RETRY_MAX_S = const(5)  # nobody answered: the attempt itself lasts 32 s
_REFUSED_RETRY_MIN_S = const(5)
_REFUSED_RETRY_MAX_S = const(300)


class Account:
    """An identity and where it registers.

    All text is bytes. *aor* is the address-of-record URI, *registrar* the Request-URI of REGISTER
    (no user part: a FRITZ!Box leaves any other unanswered) or b"" for direct calls only.
    *destination* is (protocol, host, port) of the registrar or outbound proxy, or None.

    One of another kind of network (ims.account) sets *profile* and has what the core then asks
    of it: put_fields, take_identities, begin_call.
    """

    profile = None
    identities = None  # what it is called besides its address-of-record; find(uri) -> index or -1
    contact_parameters = b""  # of our Contact in dialogs, each behind a semicolon
    capabilities = b""  # of the Contact registered: feature tags, q (RFC 3840)
    other_contacts = b""  # registered with it: whole lines, for other media elsewhere
    dial_plan = ()  # see sip.dialing, as for the next
    calls_tel = False
    protocol = ""  # used where a URI says none; "": what the domain likes best (RFC 3263 4.1)
    uri_parameters = b""  # of our Contact's URI in dialogs, each behind a semicolon
    learns_address = True  # our Contact has the address at which the registrar sees us
    public = None  # that (host, port), where it is another than ours

    def __init__(
        self,
        aor: bytes,
        registrar: bytes = b"",
        auth_user: bytes = b"",
        password: bytes = b"",
        display_name: bytes = b"",
        destination=None,
        route: bytes = b"",
        expires_s: int = 300,
    ) -> None:
        view = uri.URI()
        if not view.parse(aor, 0, len(aor)):
            raise ValueError("not a URI: %s" % aor)
        self.aor = aor
        self.user = aor[max(0, view.user_start) : max(0, view.user_end)]
        self.registrar = registrar
        self.auth_user = auth_user or self.user
        self.password = password
        self.display_name = display_name
        self.destination = destination
        self.route = route  # preset route set: values of Route joined by commas (8.1.2)
        self.expires_s = expires_s
        self.authentication = None
        self.registration = None

    @property
    def identity(self) -> bytes:
        """The URI that requests come from."""
        return self.aor

    def name_addr(self) -> bytes:
        """Return the From or To value of this identity, without a tag."""
        if self.display_name:
            name = self.display_name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            return b'"%s" <%s>' % (name, self.identity)
        return b"<%s>" % self.identity

    def attach(self, core) -> None:
        """Be served by *core*."""
        Registration(core, self)


class Registration:
    """The binding of one account; the core reports `REGISTERED`, `REGISTRATION_FAILED` ..."""

    contact_parameters = b""  # of the Contact registered
    fields = b""  # further lines of REGISTER
    is_correcting = False  # registers once more since our public address was another

    def __init__(self, core, account: Account) -> None:
        self.core = core
        self.account = account
        account.registration = self
        if account.authentication is None:
            account.authentication = Authentication(
                account.auth_user, account.password, core.random
            )
        self.state = UNREGISTERED
        self.expires_s = 0  # granted
        self.requested_s = account.expires_s
        self.contact = b""
        self.status = 0
        self.reason = b""
        self.retry_in_s = 0
        self.deadline = ticks.NEVER
        self._failures = 0
        self._answered = {}
        self.destination = None  # of the last REGISTER
        self._dialog = Dialog(core.new_call_id(), b"", core.new_tag(), account.name_addr())
        self._dialog.local_uri = self._dialog.remote_uri
        self._dialog.remote_target = account.registrar
        self._dialog.route_set = account.route

    def register(self, now_ms: int) -> None:
        """Register or refresh now."""
        self.deadline = ticks.NEVER
        if self.state != REGISTERED:
            self.state = REGISTERING
        self.requested_s = self.account.expires_s
        self._begin(now_ms)

    def unregister(self, now_ms: int) -> None:
        """Remove our binding (10.2.2)."""
        self.deadline = ticks.NEVER
        if self.state in (UNREGISTERED, FAILED):
            self.state = UNREGISTERED
            self.core.post(_E_UNREGISTERED, self)
            return
        self.state = UNREGISTERING
        self.requested_s = 0
        self._begin(now_ms)

    def handle_timer(self, now_ms: int) -> None:
        """Refresh or try again when due."""
        if self.deadline >= 0 and ticks.ticks_diff(now_ms, self.deadline) >= 0:
            self.register(now_ms)

    # -- the request

    def _begin(self, now_ms: int) -> None:
        self.is_correcting = False
        self._answered.clear()
        self._send(now_ms)

    def _send(self, now_ms: int) -> None:
        try:
            self._put_and_send(now_ms)
        except MemoryError:
            self.core.starve()
            self._fail(503, b"No Memory", now_ms)

    def _put_and_send(self, now_ms: int) -> None:
        core = self.core
        destination = self._locate()
        if destination is None:
            self._fail(503, b"Registrar Not Located", now_ms)
            return
        if not destination:
            return  # not yet
        self.destination = self.account.destination = destination
        w = core.begin_request(self._dialog, _M_REGISTER, destination)
        account = self.account
        at = w.put(b"Contact: <").end
        core.put_contact_uri(w, account, destination)
        old = self.contact
        if not is_span(w.buf, at, w.end, old):
            self.contact = bytes(memoryview(w.buf)[at : w.end])
        w.put(b">").put(self.contact_parameters).put(account.capabilities)
        if old and self.contact is not old and self.state >= REGISTERED:
            w.put(b"\r\nContact: <").put(old).put(b">;expires=0")
        w.put(b"\r\n").put(account.other_contacts)
        w.put(b"Expires: ").put_uint(self.requested_s).put(b"\r\n").put(self.fields)
        core.put_credentials(w, self.account, _M_REGISTER, self.account.registrar)
        core.put_capabilities(w)
        compose.end_without_body(w)
        if core.send_request(_M_REGISTER, destination, self, now_ms) is None:
            self._fail(503, b"Too Many Transactions", now_ms)

    def located(self, now_ms: int) -> None:
        """The registrar's name is resolved: send what waited for it."""
        self._send(now_ms)

    def _locate(self):
        return self.core.locate(self._dialog.next_hop(), self.account.destination, self)

    # -- what comes back

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React to a response of the registrar."""
        status = message.status_code
        if status < 200:
            return
        moved = self.learn_address(message)
        if status < 300:
            self._succeed(message, now_ms)
            if moved and self.state == REGISTERED and not self.is_correcting:
                self.register(now_ms)  # at last from where we really are
                self.is_correcting = True
        elif status in (401, 407) and self.core.accept_challenge(
            self.account, message, self._answered
        ):
            self._send(now_ms)
        elif status == 423 and self._take_min_expires(message):
            self._send(now_ms)
        else:
            self._fail(
                status,
                message.text(message.reason_start, message.reason_end),
                now_ms,
                message.uint(_H_RETRY_AFTER),
            )

    def learn_address(self, message) -> bool:
        """Note from a response where its sender sees us (RFC 3581 4); whether that has changed."""
        account = self.account
        via = message.via
        start, end = via.received_start, via.received_end
        seen = message.text(via.host_start, via.host_end).strip(b"[]")
        public = None
        if start >= 0 and message.text(start, end).strip(b"[]") != seen:
            seen = message.text(start, end).strip(b"[]")
            public = str(seen, "utf-8"), via.rport if via.rport > 0 else via.port
        elif 0 < via.rport != via.port and self.destination[0] == "udp":
            public = str(seen, "utf-8"), via.rport
        if not account.learns_address or public == account.public:
            return False
        account.public = public
        return True

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered, or the request could not be sent."""
        self._fail(status, compose.reason_phrase(status), now_ms)

    def _succeed(self, message, now_ms: int) -> None:
        self.status = message.status_code
        self.reason = message.text(message.reason_start, message.reason_end)
        self._failures = 0
        self.retry_in_s = 0
        if self.state == UNREGISTERING:
            self.state = UNREGISTERED
            self.expires_s = 0
            self.core.post(_E_UNREGISTERED, self)
            return
        self.state = REGISTERED
        self.expires_s = self._granted(message)
        self.deadline = ticks.ticks_add(now_ms, 1000 * refresh_after_s(self.expires_s))
        self.core.post(_E_REGISTERED, self)

    def _granted(self, message) -> int:
        """Return the seconds granted to our own Contact among all those listed (10.2.4)."""
        values = self.core.values
        default_s = message.uint(_H_EXPIRES)
        if default_s < 0:
            default_s = self.requested_s
        contact = self.core.name_addr
        values.begin(message, _H_CONTACT)
        while values.next():
            if not contact.parse(message.buf, values.start, values.end) or contact.is_wildcard:
                continue
            if uri.equal(
                message.buf,
                contact.uri_start,
                contact.uri_end,
                self.contact,
                0,
                len(self.contact),
            ):
                granted_s = contact.param_uint(b"expires")
                return default_s if granted_s < 0 else granted_s
        return default_s

    def _take_min_expires(self, message) -> bool:
        min_s = message.uint(_H_MIN_EXPIRES)
        if min_s <= self.requested_s or self.requested_s == 0:
            return False
        self.requested_s = min_s
        return True

    def _fail(self, status: int, reason: bytes, now_ms: int, retry_after_s: int = -1) -> None:
        self.status = status
        self.reason = reason
        core = self.core
        if self.state == UNREGISTERING:
            self.state = UNREGISTERED
            core.post(_E_UNREGISTERED, self)
            return
        self.state = FAILED
        self.expires_s = 0
        self._failures += 1
        if status == 403 and self.destination and self.destination[0] != "udp":
            core.transport.drop(self.destination)  # Telekom: 403 for ever on this connection
        self.retry_in_s = self._retry_delay_s(status, retry_after_s)
        delay_ms = core.jittered_ms(1000 * self.retry_in_s)
        if retry_after_s > 0:  # no sooner than that
            delay_ms = 2000 * self.retry_in_s - delay_ms
        self.deadline = ticks.ticks_add(now_ms, delay_ms)
        core.post(_E_REGISTRATION_FAILED, self)

    def _retry_delay_s(self, status: int, retry_after_s: int) -> int:
        """Return the seconds until the next attempt (RFC 5626 4.5 in spirit)."""
        if retry_after_s > 0:
            return min(retry_after_s, 3600)
        doubled_s = 1 << min(self._failures - 1, 10)
        if status in (408, 503):
            return min(doubled_s, _SILENCE_RETRY_MAX_S)
        return min(_REFUSED_RETRY_MIN_S * doubled_s, _REFUSED_RETRY_MAX_S)


def refresh_after_s(expires_s: int) -> int:
    """Return when to refresh a binding granted for *expires_s* seconds."""
    after_s = max(expires_s // 2, expires_s - max(_REFRESH_MARGIN_S, expires_s // 10))
    return max(1, min(after_s, _REFRESH_MAX_S))
