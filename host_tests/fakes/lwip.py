"""Sockets with the manners of lwIP under MicroPython on an ESP32, which no PC shows.

Put in the place of the module `socket` of `usip.net.udp` and `usip.net.address`: tuples as
addresses, a mailbox of six datagrams, `readinto` that joins datagrams, a socket that is deaf after
a datagram without octets until it is connected or bound again, and sends that fail for want of
room: ENOMEM in bursts, or ETIMEDOUT where others say EAGAIN. A datagram over 1,472 octets would
come in fragments and never arrives. Waiting is in steps of 100 ms. `select` is here as well:
`poll` sees what the mailboxes hold.

With `is_joined` what one socket sends arrives at the other; `sleep_ms`, in the place of asyncio's,
wakes up with FreeRTOS's clock, every 10 ms; with `is_stepped`, when `usip.ticks` says so, because
somebody else moves that clock.
"""

import asyncio

from usip.ticks import ticks_add, ticks_diff, ticks_ms

AF_INET = 2
SOCK_DGRAM = 2
POLLIN = 1
MAILBOX = 6
ENOMEM, ETIMEDOUT = 12, 116
_LARGEST = 1472
_TICK_MS = 10

is_joined = False
is_stepped = False
failing = 0  # so many sends fail for want of memory
dropped = 0  # datagrams that found no room
refused = 0  # sends that failed
waited_ms = 0  # in sockets with a timeout
_bound = {}


async def sleep_ms(ms):
    """Sleep at least *ms*, to the next tick of 10 ms."""
    wake_at = ticks_add(ticks_ms(), ms + _TICK_MS - 1)
    wake_at = ticks_add(wake_at, -(wake_at % _TICK_MS))
    if not is_stepped:
        await asyncio.sleep(ticks_diff(wake_at, ticks_ms()) / 1000)
    while ticks_diff(wake_at, ticks_ms()) > 0:
        await asyncio.sleep(0)


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
        self.timeout_ms = -1

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
        self.timeout_ms = 0

    def settimeout(self, seconds):
        """Time is counted in hundreds of ms, and 20 ms are one of them."""
        self.timeout_ms = -(-round(1000 * seconds) // 100) * 100

    def connect(self, address):
        self.peer = address
        self.is_deaf = False

    def close(self):
        _bound.pop(self.address, None)

    def sendto(self, data, address):
        self._send(bytes(data), address)

    def write(self, buf, offset, length):
        self._send(bytes(buf[offset : offset + length]), self.peer)
        return length

    def _send(self, data, address):
        global failing, refused
        if failing:
            failing -= 1
            refused += 1
            raise OSError(ENOMEM, "")
        if self.send_error:
            raise OSError(self.send_error, "")
        if is_joined:
            deliver(address, data, self.address)
        else:
            self.sent.append((data, address))

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
            self._wait()
            raise OSError(11, "")
        return self._take(size)

    def _wait(self):
        global waited_ms
        assert self.timeout_ms >= 0, "waits for ever"
        waited_ms += self.timeout_ms

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
    global dropped
    sock = _bound.get(to)
    if sock is None or len(data) > _LARGEST or sock.peer is not None and sock.peer != source:
        return False
    if len(sock.mailbox) >= MAILBOX:
        dropped += 1
        return False
    sock.mailbox.append((data, source))
    return True


def at(address) -> socket:
    """Return the socket bound to *address*."""
    return _bound[address]


def reset() -> None:
    """Forget every socket."""
    global is_joined, is_stepped, failing, dropped, refused, waited_ms
    _bound.clear()
    is_joined = is_stepped = False
    failing = dropped = refused = waited_ms = 0
