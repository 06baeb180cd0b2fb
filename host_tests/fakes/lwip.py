"""Sockets with the manners of lwIP under MicroPython on an ESP32, which no PC shows.

Put in the place of the module `socket` of `usip.net.udp` and `usip.net.address`: tuples as
addresses, a mailbox of six datagrams, `readinto` that joins datagrams, a socket that is deaf after
a datagram without octets until it is connected or bound again, and sends that fail for want of
room. `select` is here as well: `poll` sees what the mailboxes hold.
"""

AF_INET = 2
SOCK_DGRAM = 2
POLLIN = 1
MAILBOX = 6

_bound = {}


def getaddrinfo(host, port, family=0, kind=0):
    """Return what the ESP32 returns: the address is a tuple."""
    return [(AF_INET, SOCK_DGRAM, 0, "", (host, port))]


class socket:
    """A UDP socket; datagrams arrive from `deliver` or from another fake."""

    def __init__(self, family, kind) -> None:
        self.mailbox = []
        self.is_deaf = False
        self.peer = None
        self.sent = []
        self.send_error = 0
        self.address = None
        self.largest_piece = 1 << 20  # of heap; recvfrom takes all of its size at once

    def bind(self, address):
        if address in _bound:
            raise OSError(112, "")
        self.address = address
        _bound[address] = self
        self.is_deaf = False

    def setsockopt(self, level, option, value):
        """Print as the real one does for what it does not know; here: nothing."""

    def setblocking(self, flag):
        assert not flag

    def connect(self, address):
        self.peer = address
        self.is_deaf = False

    def close(self):
        _bound.pop(self.address, None)

    def sendto(self, data, address):
        if self.send_error:
            raise OSError(self.send_error, "")
        self.sent.append((bytes(data), address))

    def write(self, buf, offset, length):
        if self.send_error:
            raise OSError(self.send_error, "")
        self.sent.append((bytes(buf[offset : offset + length]), self.peer))
        return length

    def _take(self, size):
        data, source = self.mailbox.pop(0)
        if not data:
            self.is_deaf = True
        return data[:size], source

    def recvfrom(self, size):
        if size > self.largest_piece:
            raise MemoryError
        if self.is_deaf:
            return b"", ("0.0.0.0", 0)
        if not self.mailbox:
            raise OSError(11, "")
        return self._take(size)

    def readinto(self, buf, size):
        """Go on until *size* octets are there or nothing is left, as py/stream.c does."""
        got = 0
        while got < size:
            if self.is_deaf:
                return got
            if not self.mailbox:
                return got or None
            data, _ = self._take(size - got)
            buf[got : got + len(data)] = data
            got += len(data)
        return got


class _Poll:
    def __init__(self) -> None:
        self.sockets = []

    def register(self, sock, events):
        self.sockets.append(sock)

    def unregister(self, sock):
        self.sockets.remove(sock)

    def ipoll(self, timeout_ms):
        return [(s, POLLIN) for s in self.sockets if s.mailbox or s.is_deaf]

    poll = ipoll


def poll():
    """Return a poll object."""
    return _Poll()


def deliver(to, data, source) -> bool:
    """Let a datagram arrive at the bound address *to*; False when lwIP would drop it."""
    sock = _bound.get(to)
    if sock is None or len(sock.mailbox) >= MAILBOX or len(data) > 1472:
        return False
    if sock.peer is not None and sock.peer != source:
        return False
    sock.mailbox.append((data, source))
    return True


def at(address) -> socket:
    """Return the socket bound to *address*."""
    return _bound[address]


def reset() -> None:
    """Forget every socket."""
    _bound.clear()
