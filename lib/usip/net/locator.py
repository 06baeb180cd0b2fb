"""Host names for the core: who asks waits here until RFC 3263 (sip.locate) has its answer.

Each (host, port, protocol) in use has an entry: its destinations, best first, and which of them is
tried now. A request that this one does not answer goes on to the next (4.3), and so do all after
it until the entry's time is over and the name is looked up again. When that brings nothing, what
was known before serves on: a DNS server that is away is no reason to be unreachable.
"""

from micropython import const

from usip import ticks
from usip.net import address
from usip.net.dns import Resolver
from usip.sip import failover, locate

_KEPT = const(6)  # names
_WAITING = const(8)  # requests of one name
_NEGATIVE_MS = const(5000)
_STATIC_MS = const(60000)


class _Entry:
    """One name: what is known of it, the lookup under way, and who waits for that."""

    def __init__(self, host, port, protocols) -> None:
        self.key = host, port, protocols
        self.found = []
        self.current = 0
        self.expires_at = 0
        self.lookup = None  # the generator of sip.locate
        self.question = None
        self.fresh = []
        self.users = []


class Locator:
    """Finds the destinations of host names for the core of *owner*, an agent."""

    def __init__(self, owner, servers, now_ms: int, resolver=None) -> None:
        self.core = owner.core
        self.now_ms = now_ms
        self.moved = 0  # requests sent again to another destination
        self.resolver = resolver or Resolver(servers, self.core.random)
        self._entries = []
        self.core.transactions.fail_over = self.fail_over

    # -- for the core

    def locate(self, host: str, port: int, protocol: str, user=None):
        """Return the destination of a host name, None when it has none.

        False when that is not known yet: user.located(now_ms) follows if there is a user.
        """
        protocols = (protocol,) if protocol else ("udp", "tcp")
        entry = self._entry(host, port, protocols)
        if entry.lookup is not None:
            if user is None:
                return entry.found[entry.current] if entry.found else False
            if user not in entry.users:
                if len(entry.users) >= _WAITING:
                    return None
                entry.users.append(user)
            return False
        return entry.found[entry.current] if entry.found else None

    def fail_over(self, transaction, message, now_ms: int) -> bool:
        """Send a request that failed to the next destination of its name; whether it was."""
        destination = self._next(transaction.destination)
        if destination is None or not failover.may_move(transaction):
            return False
        self.moved += 1
        failover.restart(self.core, transaction, destination, message, now_ms)
        return True

    # -- time

    def turn(self, now_ms: int) -> bool:
        """Go on with the lookups under way; whether somebody was answered."""
        self.now_ms = now_ms
        self.resolver.turn(now_ms)
        answered = False
        for entry in self._entries:
            if entry.lookup is not None and self._advance(entry):
                answered = self._finish(entry) or answered
        return answered

    def close(self) -> None:
        """Give the socket back."""
        self.resolver.close()

    def forget(self) -> None:
        """Look every name up again: this is another network."""
        self.resolver.forget()
        for entry in self._entries:
            if entry.lookup is None:
                entry.expires_at = self.now_ms
            else:
                self._begin(entry)

    def _entry(self, host, port, protocols):
        key = host.lower(), port, protocols
        for entry in self._entries:
            if entry.key == key:
                if entry.lookup is None and ticks.ticks_diff(self.now_ms, entry.expires_at) >= 0:
                    self._begin(entry)
                return entry
        if len(self._entries) >= _KEPT:
            self._entries.pop(0)
        entry = _Entry(key[0], port, protocols)
        self._entries.append(entry)
        self._begin(entry)
        return entry

    def _begin(self, entry):
        """Start a lookup, unless the name is known without one."""
        host, port, protocols = entry.key
        dotted = static_address(host)
        if dotted is None and not self.resolver.servers:
            dotted = _by_system(host)
            if dotted is None:
                self._settle(entry, [], _NEGATIVE_MS)
                return
        if dotted is not None:
            protocol = protocols[0]
            port = port if port > 0 else locate.default_port(protocol)
            self._settle(entry, [(protocol, dotted, port)], _STATIC_MS)
            return
        entry.fresh = []
        entry.expires_at = -1
        entry.lookup = locate.destinations(host, port, protocols, entry.fresh, self._below)
        entry.question = next(entry.lookup)

    def _advance(self, entry):
        """Answer the lookup's questions as long as that is possible; whether it has ended."""
        while True:
            name, kind = entry.question
            records = self.resolver.find(name, kind, self.now_ms)
            if records is None:
                return False
            if records:
                expires_at = self.resolver.expires_at(name, kind, self.now_ms)
                entry.expires_at = ticks.earliest(entry.expires_at, expires_at)
            try:
                entry.question = entry.lookup.send(records)
            except StopIteration:
                return True

    def _finish(self, entry):
        """End a lookup and answer who waited for it."""
        if entry.fresh:
            entry.found = entry.fresh
            entry.current = 0
            entry.lookup = None
        else:
            self._settle(entry, entry.found, _NEGATIVE_MS)
        users = entry.users
        entry.users = []
        for user in users:
            user.located(self.now_ms)
        return bool(users)

    def _settle(self, entry, found, for_ms):
        entry.lookup = None
        entry.found = found
        entry.expires_at = ticks.ticks_add(self.now_ms, for_ms)

    def _below(self, n):
        return int.from_bytes(self.core.random(3), "big") % n

    def _next(self, destination):
        """Return what comes after *destination*; after the last None, and then the first."""
        for entry in self._entries:
            if destination in entry.found:
                i = entry.found.index(destination) + 1
                entry.current = max(i, entry.current) if i < len(entry.found) else 0
                return entry.found[entry.current] if i < len(entry.found) else None
        return None


def static_address(host: str):
    """Return the address of a name that needs no server: localhost and /etc/hosts; else None."""
    if host == "localhost":
        return "127.0.0.1"
    for words in _lines("/etc/hosts"):
        if host in words[1:] and "." in words[0]:
            return words[0]
    return None


def name_servers(configured) -> list:
    """Return (host, port) of the DNS servers: configured, of this machine, or of the Wi-Fi."""
    if configured:
        return [split_server(text, 53) for text in configured]
    found = []
    for words in _lines("/etc/resolv.conf"):
        if words[0] == "nameserver" and len(words) > 1 and ":" not in words[1]:
            found.append((words[1], 53))
    return found or _server_of_interface()


def split_server(text: str, port: int) -> tuple:
    """Return (host, port) of `host` or `host:port`."""
    host, colon, digits = text.partition(":")
    return host, int(digits) if colon else port


def _server_of_interface():
    try:
        import network

        dotted = network.WLAN(network.STA_IF).ifconfig()[3]
    except (ImportError, OSError, AttributeError):
        return []
    return [] if address.is_wildcard(dotted) else [(dotted, 53)]


def _lines(path):
    """Yield the words of each line of a small file that may not be there."""
    try:
        with open(path) as file:
            for line in file:
                words = line.partition("#")[0].lower().split()
                if words:
                    yield words
    except (OSError, ValueError):
        return


def _by_system(host):
    """Ask the system, which makes the whole VM wait: only where no server is known."""
    try:
        return address.resolve(host)
    except (OSError, ValueError):
        return None
