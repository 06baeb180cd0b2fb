"""TCP between two hosts of a test: connections that are slow, cut octets anywhere, and break.

`Network` is put in the place of the modules `socket` and `select` of `usip.net.tcp`. Its sockets
have the methods of MicroPython's: `readinto` and `write` return None when they would wait.
"""

import errno

from usip.net import address

AF_INET = SOCK_STREAM = SOL_SOCKET = SO_REUSEADDR = POLLIN = 1


class Network:
    """Two hosts, 192.0.2.1 and 192.0.2.2; *random* cuts the octets, without it nothing does."""

    AF_INET = SOCK_STREAM = SOL_SOCKET = SO_REUSEADDR = POLLIN = 1

    def __init__(self, random=None) -> None:
        self.random = random
        self.listeners = {}
        self.silent = set()  # hosts that drop what comes
        self.connects = 0
        self.sockets = []  # all that were connected
        self._ports = 40000

    def socket(self, family, kind):
        """As socket.socket."""
        return Socket(self)

    def poll(self):
        """As select.poll."""
        return _Poll()

    def break_all(self) -> None:
        """Reset every connection."""
        for sock in self.sockets:
            sock.is_reset = True

    def next_port(self) -> int:
        """Return a port for an outgoing connection."""
        self._ports += 1
        return self._ports

    def share(self, n: int) -> int:
        """Return how many of *n* octets go now: any number, sometimes none."""
        return n if self.random is None else self.random.below(min(n, 60) + 1)


class Socket:
    """One end of a connection, or a listening socket."""

    def __init__(self, network) -> None:
        self.network = network
        self.peer = None
        self.inbox = bytearray()
        self.waiting = []  # of a listener: (socket, address)
        self.address = None
        self.delay = 0
        self.is_open = True
        self.is_ended = False  # the peer has closed
        self.is_refused = self.is_reset = self.is_silent = False

    def setsockopt(self, level, option, value):
        assert self.address is None

    def setblocking(self, flag):
        assert not flag

    def bind(self, native):
        self.address = address.decode(native)
        if self.address in self.network.listeners:
            raise OSError(errno.EADDRINUSE, "")

    def listen(self, backlog):
        self.network.listeners[self.address] = self

    def accept(self):
        if not self.waiting:
            raise OSError(errno.EAGAIN, "")
        return self.waiting.pop(0)

    def connect(self, native):
        to = address.decode(native)
        self.network.connects += 1
        self.network.sockets.append(self)
        self.delay = 3
        listener = self.network.listeners.get(to)
        if to[0] in self.network.silent:
            self.is_silent = True
        elif listener is None:
            self.is_refused = True
        else:
            self.peer = Socket(self.network)
            self.peer.peer = self
            self.network.sockets.append(self.peer)
            here = "192.0.2.1" if to[0] == "192.0.2.2" else "192.0.2.2"
            listener.waiting.append((self.peer, (here, self.network.next_port())))
        raise OSError(errno.EINPROGRESS, "")

    def _check(self):
        assert self.is_open
        if self.is_reset:
            raise OSError(errno.ECONNRESET, "")

    def write(self, buf, offset, length):
        self._check()
        if self.delay or self.is_silent:
            self.delay -= 1
            return None
        if self.is_refused:
            raise OSError(errno.ECONNREFUSED, "")
        if self.is_ended:
            raise OSError(errno.ECONNRESET, "")
        n = self.network.share(length)
        self.peer.inbox.extend(bytes(buf[offset : offset + n]))
        return n or None

    def readinto(self, buf):
        self._check()
        n = self.network.share(min(len(buf), len(self.inbox)))
        if n == 0:
            return 0 if self.is_ended and not self.inbox else None
        buf[:n] = self.inbox[:n]
        self.inbox = self.inbox[n:]
        return n

    def close(self):
        self.is_open = False
        if self.peer is not None:
            self.peer.is_ended = True
        if self.network.listeners.get(self.address) is self:
            del self.network.listeners[self.address]


class _Poll:
    def __init__(self) -> None:
        self.sock = None

    def register(self, sock, events):
        self.sock = sock

    def ipoll(self, timeout_ms):
        return [(self.sock, 1)] if self.sock.waiting else []

    poll = ipoll
