"""Keeping the way to a registrar open, and noticing when it is not (RFC 5626).

An account of this kind has a flow: the connection, or the NAT's mapping, that its REGISTER made.
At intervals, drawn anew each time from 80 to 100 % of the longest, something small is sent along
it: two CRLFs, of which a stream's far end returns one; an OPTIONS request; or a STUN Binding
request from the very socket that SIP uses. When nothing comes back the binding is made again, and
so it is when the answer shows that we are seen at another address. With Outbound the registrar
knows which device and which flow a binding is (`+sip.instance`, `reg-id`), replaces instead of
adding, and may say how often to send (Flow-Timer).
"""

from binascii import hexlify

from micropython import const

from usip import ticks
from usip.sip import failover
from usip.sip.registration import REGISTERED, Account, Registration

_H_REQUIRE = const(17)
_H_FLOW_TIMER = const(69)

_UDP_S = const(29)  # RFC 5626 4.4.2
_STREAM_S = const(120)  # 4.4.1
_PONG_MS = const(10000)  # 4.4.1
_IDLE_MS = const(1000)  # how often to look while there is no binding
_RTO_MS = const(500)  # of STUN: RFC 5389 7.2.1
_STUN_TRIES = const(5)  # 15.5 s in all
_PROBE_MS = const(10000)  # an OPTIONS is sent five times in that

_PING = b"\r\n\r\n"
_INSTANCE = b';reg-id=1;+sip.instance="<%s>"'


class FlowAccount(Account):
    """An account whose flow is kept: *keep_alive* "crlf", "options", "stun" or "off"."""

    keep_alive = "off"
    keep_alive_s = 0  # 0: as the RFC has it
    instance = b""  # urn:uuid:... with Outbound
    stun_server = None  # (host, port); None: the registrar or proxy itself

    def attach(self, core) -> None:
        """Be served by *core*."""
        FlowRegistration(core, self)
        if self.keep_alive != "off":
            self.registration.flow = Flow(core, self)
            core.usages.append(self.registration.flow)


class FlowRegistration(Registration):
    """A registration with Outbound, if the account has an instance; it reads Flow-Timer."""

    flow_timer_s = 0  # 0: the registrar says nothing
    flow = None

    def __init__(self, core, account) -> None:
        super().__init__(core, account)
        if account.instance:
            self.contact_parameters = _INSTANCE % account.instance
            self.fields = b"Supported: outbound, path\r\n"

    def register(self, now_ms: int) -> None:
        """Register or refresh now; the first time its flow begins."""
        if self.flow is not None and self.flow.deadline < 0:
            self.flow.deadline = now_ms
        super().register(now_ms)

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React as any registration does; without Outbound where the first hop lacks it (439)."""
        if message.status_code == 439 and self.fields:
            self.contact_parameters = self.fields = b""
            self.register(now_ms)
            return
        if 200 <= message.status_code < 300:
            self.flow_timer_s = max(0, message.uint(_H_FLOW_TIMER))
            required = message.has_token(_H_REQUIRE, b"outbound")
            self.account.uri_parameters = b";ob" if self.fields and required else b""
        super().receive_response(transaction, message, now_ms)


class Flow:
    """Keeps one account's flow; among the core's usages for the sake of its timer."""

    package = None
    is_notifier = False

    def __init__(self, core, account) -> None:
        self.core = core
        self.account = account
        self.failures = 0
        self.deadline = ticks.NEVER  # until the first REGISTER
        self._probe_sent = None  # the OPTIONS request that is not answered yet
        self._connection = None  # a stream whose pong is awaited
        self._received = 0
        self._id = None  # of the STUN request that is not answered yet
        self._tries = 0
        self._destination = None
        if account.keep_alive == "stun":
            core.transport.stun = self

    # -- as a usage

    def matches(self, message) -> bool:
        """No request belongs to it."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due."""
        return self.deadline

    def handle_timer(self, now_ms: int) -> None:
        """Send what is due, or find out that nothing came back."""
        if self.deadline < 0 or ticks.ticks_diff(now_ms, self.deadline) < 0:
            return
        registration = self.account.registration
        if registration.state != REGISTERED:
            self._id = self._connection = self._probe_sent = None
            self.deadline = ticks.ticks_add(now_ms, _IDLE_MS)
        elif self._id is not None:
            self._repeat_binding(now_ms)
        elif self._connection is not None:
            self._check_pong(now_ms)
        elif self._probe_sent is not None:
            self._forget_probe()
            self.failed(now_ms)
        else:
            self._wait(now_ms)
            self._destination = registration.destination
            self._probe(now_ms)

    def _wait(self, now_ms):
        seconds = self.account.keep_alive_s or self.account.registration.flow_timer_s
        if not seconds:
            destination = self.account.registration.destination
            seconds = _UDP_S if destination[0] == "udp" else _STREAM_S
        self.deadline = ticks.ticks_add(now_ms, self.core.jittered_ms(1000 * seconds))

    def _probe(self, now_ms):
        kind = self.account.keep_alive
        if kind == "options":
            from usip.net.probe import Probe

            target = b"sip:" + self.account.aor[self.account.aor.find(b"@") + 1 :]
            self._probe_sent = probe = Probe(self, target)
            self.deadline = ticks.ticks_add(now_ms, _PROBE_MS)
            probe.start(now_ms, self._destination)
        elif kind == "stun":
            self._id = self.core.random(12)
            self._tries = 0
            self._repeat_binding(now_ms)
        else:
            self._ping(now_ms)

    def failed(self, now_ms: int) -> None:
        """Nothing came back: make the binding again."""
        self.failures += 1
        self._wait(now_ms)
        failover.flow_failed(self.core, self._destination, now_ms)

    # -- OPTIONS

    def _forget_probe(self):
        transactions = self.core.transactions
        for transaction in tuple(transactions.active):
            if transaction.user is self._probe_sent:
                transactions.forget(transaction)
        self._probe_sent = None

    def receive_probe(self, probe, now_ms: int) -> None:
        """An OPTIONS was answered, perhaps late."""
        if probe is self._probe_sent:
            self._probe_sent = None
            self._wait(now_ms)

    def probe_failed(self, probe, now_ms: int) -> None:
        """An OPTIONS could not be sent, or its time is over."""
        if probe is self._probe_sent:
            self._probe_sent = None
            self.failed(now_ms)

    # -- CRLF

    def _ping(self, now_ms):
        destination = self._destination
        transport = self.core.transport
        if destination[0] == "udp":
            transport.send(destination, _PING, 4)
            return
        connection = transport.streams and transport.streams.find(destination)
        if not connection or not transport.send(destination, _PING, 4):
            self.failed(now_ms)
            return
        self._connection = connection
        self._received = connection.received
        self.deadline = ticks.ticks_add(now_ms, _PONG_MS)

    def _check_pong(self, now_ms):
        connection = self._connection
        self._connection = None
        if connection.received == self._received:
            connection.close()
            self.failed(now_ms)
        else:
            self._wait(now_ms)

    # -- STUN

    def _repeat_binding(self, now_ms):
        if self._tries >= _STUN_TRIES:
            self._id = None
            self.failed(now_ms)
            return
        from usip.net import stun

        server = self.account.stun_server
        destination = ("udp",) + server if server else self._destination
        self.core.transport.send(destination, stun.pack_request(self._id), 20)
        self.deadline = ticks.ticks_add(now_ms, _RTO_MS << self._tries)
        self._tries += 1

    def receive(self, data: bytes, source, now_ms: int) -> None:
        """Take a datagram that begins as STUN does; its source is vouched for by its id."""
        if self._id is None:
            return
        from usip.net import stun

        try:
            seen = stun.parse_response(data, self._id)
        except ValueError:
            return
        self._id = None
        self._wait(now_ms)
        if seen is not None and self.account.learns_address:
            local = self.core.transport.local_address(self._destination)
            public = None if seen == local else seen
            if public != self.account.public:
                self.account.public = public
                self.account.registration.register(now_ms)


def configure(account, settings: dict, network: dict) -> None:
    """Fill in what the configuration says about the flow of *account*."""
    account.keep_alive = settings.get("keep_alive", "off")
    account.keep_alive_s = settings.get("keep_alive_s", 0)
    if "stun_server" in network:
        host, _, port = network["stun_server"].partition(":")
        account.stun_server = host, int(port or 3478)
    if settings.get("outbound"):
        account.instance = instance_urn(network.get("instance_id"), account.aor)


def instance_urn(configured, aor: bytes) -> bytes:
    """Return the URN of this device, the same after each start (RFC 5626 4.1).

    Configured, or made of what is unique to the machine, else of the account.
    """
    if configured is None:
        from hashlib import sha256

        digest = bytearray(sha256(b"usip" + (_machine_id() or aor)).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        text = str(hexlify(digest), "utf-8")
        configured = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return b"urn:uuid:" + configured.lower().encode()


def _machine_id():
    try:
        from machine import unique_id

        return unique_id()
    except ImportError:
        pass
    try:
        with open("/etc/machine-id", "rb") as file:
            return file.read()
    except OSError:
        return b""
