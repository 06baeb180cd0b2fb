"""What the user-agent core sends through: sockets, routes and host names, as it sees them.

A destination or source is (protocol, host, port). For each destination in use the address in the
socket's own form and our address as that peer sees it are kept, so that sending looks nothing up.
Host names are looked up when the core first asks for them; that stops the whole VM for as long as
the resolver takes, so `may_wait` says whether it may happen now.
"""

import errno

from micropython import const

from usip.errors import ConfigError
from usip.net import address
from usip.net.udp import DatagramSocket

_KEPT = const(8)  # routes, and names
_DATAGRAM_BYTES = const(2048)


class Transport:
    """The UDP socket of one user agent; the core's transport."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host  # "0.0.0.0" is every address
        self.port = port  # 0 until a free one is bound
        self.source = None  # of the datagram received last
        self.may_wait = True
        self._socket = None
        self._routes = {}  # destination -> (native address, our host as it sees us)
        self._names = {}  # host name -> dotted address

    def open(self) -> None:
        """Bind; ConfigError says what is wrong with the address or the port."""
        for port in (self.port,) if self.port else range(20000, 60000, 7):
            try:
                self._socket = DatagramSocket(self.host, port)
                self.port = port
                return
            except OSError as e:
                if self.port or e.errno != errno.EADDRINUSE:
                    raise _binding_error(e, self.host, port)

    def close(self) -> None:
        """Close; a second call changes nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def receive(self):
        """Return the next datagram or None; `source` says whence."""
        data = self._socket.receive(_DATAGRAM_BYTES)
        if data is not None:
            host, port = self._socket.source
            source = self.source
            if source is None or source[2] != port or source[1] != host:
                self.source = ("udp", host, port)
        return data

    # -- for the core

    def send(self, destination, buf, end: int) -> bool:
        """Send a message; False when the network refused."""
        try:
            return destination[0] == "udp" and self._socket.send(
                buf, end, self._route_to(destination)[0]
            )
        except (OSError, ValueError):
            return False

    def local_address(self, destination) -> tuple:
        """Return our (host, port) as *destination* sees us."""
        try:
            return self._route_to(destination)[1], self.port
        except (OSError, ValueError):
            return "127.0.0.1", self.port

    def locate(self, host: str, port: int, protocol: str):
        """Return the destination of a host name, None when it is unknown."""
        found = self._names.get(host)
        if found is None and self.may_wait:
            try:
                found = address.resolve(host)
            except (OSError, ValueError):
                return None
            if len(self._names) >= _KEPT:
                self._names.clear()
            self._names[host] = found
        return found and (protocol, found, port if port > 0 else 5060)

    def forget_names(self) -> None:
        """Look every name up again, since what it stood for does not answer."""
        self._names.clear()

    def _route_to(self, destination):
        route = self._routes.get(destination)
        if route is None:
            host = self.host
            if address.is_wildcard(host):
                host = address.local_host(destination[1])
            if len(self._routes) >= _KEPT:
                self._routes.clear()
            route = address.native(destination[1], destination[2]), host
            self._routes[destination] = route
        return route


def _binding_error(e, host, port):
    if e.errno == errno.EADDRINUSE:
        return ConfigError("network.sip_port", "%d is in use by another program" % port)
    if e.errno == errno.EACCES:
        return ConfigError("network.sip_port", "%d is not allowed to this user" % port)
    return ConfigError("network.address", "%s is no address of this machine" % host)
