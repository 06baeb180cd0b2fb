"""What a user agent sends through: sockets, routes and host names, as its core sees them.

A destination or source is (protocol, host, port). For each destination in use the address in the
socket's own form and our address as that peer sees it are kept, so that sending looks nothing up.
All but UDP to addresses is loaded when it is first needed: `usip.net.tcp` for connections, also
for requests too large for a datagram, `usip.net.locator` for names.
"""

import errno

from micropython import const

from usip import ticks
from usip.errors import ConfigError
from usip.net import address
from usip.net.udp import DatagramSocket

_KEPT = const(8)  # routes
_DATAGRAM_BYTES = const(2048)
_LONG_BYTES = const(5000)
_LONG_ONES = const(8)  # datagrams for which there is that much room after a long one


class Transport:
    """The sockets of one user agent; the core's transport.

    *owner*, an agent or None, has `core`, `limits`, `config` and `flush`; without it there is UDP
    to addresses alone.
    """

    def __init__(self, host: str, port: int, owner=None) -> None:
        self.host = host  # "0.0.0.0" is every address
        self.port = port  # 0 until a free one is bound
        self.owner = owner
        self.source = None  # of the datagram received last
        self.streams = None  # tcp.Streams
        self.locator = None  # locator.Locator
        self.stun = None  # takes the datagrams that begin with an octet below 4
        self._socket = None
        self.cut = 0  # datagrams longer than the room for them
        self._long = 0  # how many datagrams yet may be long
        self.routes = {}  # destination -> (native address, our host as it sees us)

    def open(self) -> None:
        """Bind; ConfigError says what is wrong with the address or the port."""
        for port in (self.port,) if self.port else range(20000, 60000, 7):
            try:
                self._socket = DatagramSocket(self.host, port)
                self.port = port
                return
            except OSError as e:
                if self.port or e.errno != errno.EADDRINUSE:
                    raise binding_error(e, self.host, port)

    def close(self) -> None:
        """Close; a second call changes nothing."""
        for other in (self._socket, self.streams, self.locator):
            if other is not None:
                other.close()
        self._socket = self.streams = self.locator = None

    def receive(self):
        """Return the next datagram or None; `source` says whence.

        One that does not fit is dropped, and there is more room when it is repeated: the INVITE
        of a browser takes 4 KB.
        """
        size = _LONG_BYTES if self._long else _DATAGRAM_BYTES
        data = self._socket.receive(size)
        if data is not None:
            if self._long:
                self._long -= 1
            if len(data) == size:
                self.cut += 1
                self._long = _LONG_ONES
                return None
            host, port = self._socket.source
            source = self.source
            if source is None or source[2] != port or source[1] != host:
                self.source = ("udp", host, port)
            if self.stun is not None and data[0] < 4:
                self.stun.receive(data, self.source, ticks.ticks_ms())
        return data

    def turn(self, now_ms: int) -> bool:
        """Let connections and lookups go on; whether anything came of it. No heap without them."""
        busy = False
        if self.streams is not None:
            busy = self.streams.turn(now_ms)
        if self.locator is not None and self.locator.turn(now_ms):
            busy = True
        return busy

    # -- for the core

    def send(self, destination, buf, end: int) -> bool:
        """Send a message; False when the network refused, or there is no room for its way."""
        try:
            if destination[0] != "udp":
                return self.owner is not None and self.load_streams().send(destination, buf, end)
            return self._socket.send(buf, end, self._route_to(destination)[0])
        except (OSError, ValueError, MemoryError):
            return False

    def local_address(self, destination) -> tuple:
        """Return our (host, port) as *destination* sees us."""
        try:
            return self._route_to(destination)[1], self.port
        except (OSError, ValueError):
            return "127.0.0.1", self.port

    def locate(self, host: str, port: int, protocol: str, user=None):
        """Return the destination of a host name, None when it has none, False for not yet."""
        if self.locator is None:
            if self.owner is None:
                return None
            from usip.net import locator

            servers = locator.name_servers(self.owner.config["network"].get("dns"))
            self.locator = locator.Locator(self.owner, servers, ticks.ticks_ms())
        return self.locator.locate(host, port, protocol, user)

    def drop(self, destination) -> None:
        """Close the connection to a destination: what comes next makes another."""
        connection = self.streams and self.streams.find(destination)
        if connection:
            connection.close()

    def load_streams(self):
        """Return the connections, `tcp.Streams`."""
        if self.streams is None:
            from usip.net.tcp import Streams

            self.streams = Streams(self.owner, self.host, self.port, ticks.ticks_ms())
        return self.streams

    def _route_to(self, destination):
        route = self.routes.get(destination)
        if route is None:
            host = self.host
            if address.is_wildcard(host):
                host = address.local_host(destination[1])
            if len(self.routes) >= _KEPT:
                self.routes.clear()
            route = address.native(destination[1], destination[2]), host
            self.routes[destination] = route
        return route


def binding_error(e, host, port) -> ConfigError:
    """Return what is wrong with the configuration when a socket cannot be bound."""
    if e.errno == errno.EADDRINUSE:
        return ConfigError("network.sip_port", "%d is in use by another program" % port)
    if e.errno == errno.EACCES:
        return ConfigError("network.sip_port", "%d is not allowed to this user" % port)
    return ConfigError("network.address", "%s is no address of this machine" % host)
