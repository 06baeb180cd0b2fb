"""User-agent cores facing each other over a network that exists in virtual time only.

The clock starts shortly before its wrap at 2**30 ms, so that every timer test crosses it. What
is lost, late or doubled is decided by a function of the datagram, never by chance of the host.
"""

from usip import core, ticks
from usip.limits import Limits

START_MS = (1 << 30) - 400


class Random:
    """A reproducible stream of octets (linear congruential, X3.159 constants)."""

    def __init__(self, seed: int = 1) -> None:
        self.state = seed

    def __call__(self, n: int) -> bytes:
        out = bytearray(n)
        for i in range(n):
            self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
            out[i] = self.state >> 16 & 0xFF
        return bytes(out)

    def below(self, n: int) -> int:
        """Return 0 .. n - 1."""
        return (self(1)[0] << 8 | self(1)[0]) % n


class Endpoint:
    """One core at an address of the link, with the events it reported."""

    def __init__(self, link, host: str, limits=None) -> None:
        self.link = link
        self.host = host
        self.limits = limits or Limits()
        self.core = core.UserAgentCore(self.limits, self, Random(len(link.endpoints) + 1))
        self.core.resolver.add(self)
        self.methods = (1,)
        self.media_list = []
        self.events = []
        self.is_up = True
        self.on_event = None
        self.new_media = Media

    def create_media(self, session):
        """As an application: a fake media for every call."""
        media = self.new_media(self.host)
        self.media_list.append(media)
        return media

    def send(self, destination, buf, end) -> bool:
        """As the core's transport."""
        return self.is_up and self.link.carry(self, destination, bytes(buf[:end]))

    def local_address(self, destination) -> tuple:
        """As the core's transport."""
        return (self.host, 5060)

    def drain(self) -> None:
        """Collect the core's events."""
        while True:
            event = self.core.next_event()
            if not event:
                return
            subject = self.core.subject
            self.events.append(event)
            if self.on_event is not None:
                self.on_event(event, subject)

    def count(self, event: int) -> int:
        """Return how often an event was reported."""
        return self.events.count(event)


class Media:
    """A body negotiation that accepts everything: `offer N` is answered by `answer N`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = []
        self.refuse = 0

    def put_offer(self, w) -> None:
        """Append an offer."""
        self.log.append("put_offer")
        w.put(b"offer of ").put_text(self.name)

    def receive_offer(self, buf, start: int, end: int) -> int:
        """Take an offer."""
        self.log.append("receive_offer")
        return self.refuse

    def put_answer(self, w) -> None:
        """Append an answer."""
        self.log.append("put_answer")
        w.put(b"answer of ").put_text(self.name)

    def receive_answer(self, buf, start: int, end: int) -> int:
        """Take an answer."""
        self.log.append("receive_answer")
        return self.refuse

    def reject_offer(self, is_postponed: bool = False) -> None:
        """Forget the offer."""
        self.log.append("reject_offer")


class Link:
    """Carries datagrams between endpoints; *delay_ms* each way.

    *fate*, when set, is called with (n, source host, destination, octets), n counting from 0, and
    returns the list of delays of the copies that arrive: [] is a loss, [10, 30] a duplicate.
    """

    def __init__(self, delay_ms: int = 10, fate=None) -> None:
        self.now_ms = START_MS
        self.delay_ms = delay_ms
        self.fate = fate
        self.endpoints = []
        self.trace = []  # (milliseconds since the start, from, to, octets)
        self._flying = []
        self._sent = 0

    def add(self, host: str, limits=None) -> Endpoint:
        """Return a new endpoint at *host*, port 5060."""
        endpoint = Endpoint(self, host, limits)
        self.endpoints.append(endpoint)
        return endpoint

    def carry(self, source, destination, octets: bytes) -> bool:
        """Take a datagram on its way."""
        self.trace.append(
            (ticks.ticks_diff(self.now_ms, START_MS), source.host, destination[1], octets)
        )
        delays = [self.delay_ms]
        if self.fate is not None:
            delays = self.fate(self._sent, source.host, destination, octets)
        self._sent += 1
        for delay_ms in delays:
            at = ticks.ticks_add(self.now_ms, delay_ms)
            self._flying.append((at, source.host, destination, octets))
        return True

    def run(self, duration_ms: int) -> None:
        """Let *duration_ms* pass."""
        end_ms = ticks.ticks_add(self.now_ms, duration_ms)
        for endpoint in self.endpoints:
            endpoint.drain()
        while self._step(end_ms):
            pass
        self.now_ms = end_ms

    def _step(self, end_ms: int) -> bool:
        at = ticks.NEVER
        for datagram in self._flying:
            at = ticks.earliest(at, datagram[0])
        for endpoint in self.endpoints:
            at = ticks.earliest(at, endpoint.core.deadline())
        if at < 0 or ticks.ticks_diff(at, end_ms) > 0:
            return False
        if ticks.ticks_diff(at, self.now_ms) > 0:
            self.now_ms = at
        self._deliver()
        for endpoint in self.endpoints:
            deadline = endpoint.core.deadline()
            if deadline >= 0 and ticks.ticks_diff(self.now_ms, deadline) >= 0:
                endpoint.core.handle_timer(self.now_ms)
            endpoint.drain()
        return True

    def _deliver(self) -> None:
        due = [f for f in self._flying if ticks.ticks_diff(self.now_ms, f[0]) >= 0]
        self._flying = [f for f in self._flying if ticks.ticks_diff(self.now_ms, f[0]) < 0]
        for _, host, destination, octets in due:
            for endpoint in self.endpoints:
                if endpoint.host == destination[1] and endpoint.is_up:
                    source = ("udp", host, 5060)
                    endpoint.core.receive(octets, len(octets), source, self.now_ms)
                    endpoint.drain()

    def methods(self) -> list:
        """Return the start lines sent so far, shortened: `INVITE`, `180` ..."""
        out = []
        for _, _, _, octets in self.trace:
            words = octets.split(b" ", 2)
            out.append(str(words[1] if words[0] == b"SIP/2.0" else words[0], "utf-8"))
        return out


def pair(delay_ms: int = 10, fate=None, limits=None) -> tuple:
    """Return (link, alice, bob) with an account each."""
    from usip.sip.registration import Account

    link = Link(delay_ms, fate)
    alice = link.add("192.0.2.1", limits)
    bob = link.add("192.0.2.2", limits)
    alice.core.add_account(Account(b"sip:alice@192.0.2.1"))
    bob.core.add_account(Account(b"sip:bob@192.0.2.2"))
    return link, alice, bob


def lossy(percent: int, seed: int):
    """Return a fate that loses *percent* of the datagrams and delays the others by 5 to 44 ms."""
    random = Random(seed)

    def fate(n, source, destination, octets):
        return [] if random.below(100) < percent else [5 + random.below(40)]

    return fate


def call(link, alice, media=None, target: bytes = b"sip:bob@192.0.2.2"):
    """Let Alice call Bob; return her session."""
    media = media or Media(alice.host)
    session = alice.core.invite(alice.core.accounts[0], target, media, link.now_ms)
    return session
