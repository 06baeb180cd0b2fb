"""SIP over TCP (RFC 3261 18, RFC 5923, RFC 5626): connections that come and go behind the core.

Theory of operation. Nothing waits here. A connection is begun by the first message sent to its
destination, which is kept with those after it in a buffer of fixed size until it can be written.
Reading and writing are simply tried once a turn: `readinto` returns None when there is nothing,
and a write fails with EAGAIN as long as the connection is not made; so no poll object is needed,
but for the listening socket, and an idle turn uses no heap on MicroPython.

A peer's connection has the destination that its requests came from, so that the responses go back
on it; `alias` in a Via adds the port that its sender listens on. A response whose connection is
gone opens one to that port (18.2.2). Connections that nobody needs are closed after a while, the
one unused longest when there are too many.
"""

import errno
import select
import socket

from micropython import const

from usip import ticks
from usip.errors import ParseError
from usip.net import address
from usip.net.transport import binding_error
from usip.sip import failover
from usip.sip.stream import StreamParser

_TOS = const(0x60)  # as SIP's datagrams
_READ_BYTES = const(512)
_READS = const(6)  # in one turn
_CONNECT_MS = const(4000)
_STALL_MS = const(32000)  # 64*T1: of octets that the peer does not take
_IDLE_MS = const(180000)
_REFUSED_MS = const(600000)  # how long a peer without TCP is not asked again
_REMEMBERED = const(6)

_CRLF = b"\r\n"
_WAITING = (errno.EAGAIN, errno.EINPROGRESS, errno.EALREADY, getattr(errno, "ENOTCONN", 107))


class Connection:
    """One connection, ours or a peer's; `destination` is what the core calls it."""

    def __init__(self, sock, destination, limits, sink, is_open: bool, now_ms: int) -> None:
        self.destination = destination
        self.is_open = is_open
        self.is_ours = not is_open
        self.alias_port = -1  # where its sender listens, when it says that we may use this instead
        self.sent_by_port = -1
        self.received = 0  # octets
        self.used_at = now_ms  # a message was last sent or received
        self.parser = StreamParser(limits, sink)
        self.sock = sock
        self._reads_into = hasattr(sock, "recv_into")
        self._size = limits.stream_bytes
        self._buf = None  # of that size while octets wait to be written
        self._queued = 0
        self._moved_at = now_ms  # when octets were last written, or there were none to write

    def close(self) -> None:
        """Close; a second call changes nothing."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def send(self, buf, end: int, now_ms: int) -> bool:
        """Take a message to send; False when it is not taken. OSError when the peer is gone."""
        self.used_at = now_ms
        n = 0
        if self._queued == 0:
            self._moved_at = now_ms
            n = self._write(buf, end) if self.is_open else 0
        if n == end:
            return True
        if end - n > self._size - self._queued or not self._has_buffer():
            if n:
                raise OSError(errno.ENOBUFS)  # half a message: what follows would be nonsense
            return False
        for i in range(n, end):
            self._buf[self._queued] = buf[i]
            self._queued += 1
        return True

    def _has_buffer(self):
        if self._buf is None:
            try:
                self._buf = bytearray(self._size)
            except MemoryError:
                return False
        return True

    def flush(self, now_ms: int) -> None:
        """Write what waits; OSError when the peer is gone, or takes nothing for too long."""
        if self._queued == 0:
            if not self.is_open:
                self._check_age(now_ms)
            return
        n = self._write(self._buf, self._queued)
        if n == 0:
            self._check_age(now_ms)
            return
        self.is_open = True
        self._moved_at = now_ms
        self._queued -= n
        for i in range(self._queued):
            self._buf[i] = self._buf[n + i]
        if self._queued == 0:
            self._buf = None

    def _check_age(self, now_ms):
        limit_ms = _STALL_MS if self.is_open else _CONNECT_MS
        if ticks.ticks_diff(now_ms, self._moved_at) >= limit_ms:
            raise OSError(errno.ETIMEDOUT)

    def _write(self, buf, end) -> int:
        """Write as much of buf[:end] as goes; return how much."""
        try:
            if self._reads_into:
                return self.sock.send(memoryview(buf)[:end])
            return self.sock.write(buf, 0, end) or 0
        except OSError as e:
            if e.errno in _WAITING:
                return 0
            raise

    def read(self, buf) -> int:
        """Read into *buf*; return how much, 0 for nothing now, -1 at the end of the stream."""
        try:
            if self._reads_into:
                n = self.sock.recv_into(buf)
            else:
                n = self.sock.readinto(buf)
        except OSError as e:
            if e.errno in _WAITING:
                return 0
            raise
        return 0 if n is None else n or -1


class Streams:
    """All connections of *owner*, an agent: it has `core`, `limits` and `flush`."""

    def __init__(self, owner, host: str, port: int, now_ms: int) -> None:
        self.owner = owner
        self.core = owner.core
        self.limits = owner.limits
        self.host = host
        self.port = port
        self.now_ms = now_ms
        self.connections = []
        self.refused = 0  # connections there was no room for
        self.broken = 0
        self.returned = 0  # large requests that went by UDP after all
        self._buf = bytearray(_READ_BYTES)
        self._listener = self._ipoll = None
        self._gone = []  # (destination, the one to connect to in its place) of a peer's connection
        self._moved = []  # (destination, until when) of requests moved from UDP
        self._without = []  # (host, port, until when) of peers that refused TCP

    def listen(self) -> None:
        """Accept connections from now on; ConfigError when another program does at our port."""
        sock = socket.socket(address.family(self.host), socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address.native(self.host, self.port))
            sock.listen(2)
            sock.setblocking(False)
        except OSError as e:
            sock.close()
            raise binding_error(e, self.host, self.port)
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        self._ipoll = getattr(poll, "ipoll", poll.poll)
        self._listener = sock

    def close(self) -> None:
        """Close everything."""
        if self._listener is not None:
            self._listener.close()
            self._listener = self._ipoll = None
        self.forget()

    def forget(self) -> None:
        """Close all connections: this is another network."""
        while self.connections:
            self.connections.pop().close()
        self._gone.clear()
        self._without.clear()

    # -- for the core

    def send(self, destination, buf, end: int) -> bool:
        """Send a message, on a new connection if need be; False when that cannot be."""
        for _ in range(2):  # one that has just broken is found out by using it
            connection = self.find(destination) or self._connect(self._successor(destination))
            if connection is None:
                return False
            try:
                return connection.send(buf, end, self.now_ms)
            except OSError:
                connection.close()  # the others are told in the next turn
                if not connection.received:
                    return False
        return False

    def find(self, destination):
        """Return the connection to a destination, None when there is none."""
        for connection in self.connections:
            if connection.sock is None:
                continue
            if connection.destination == destination:
                return connection
            if (
                connection.alias_port == destination[2]
                and connection.destination[1] == destination[1]
            ):
                return connection
        return None

    def destination_for_large(self, destination):
        """Return where a request over 1,300 octets for a UDP destination goes (18.1.1)."""
        if self.owner.config["network"].get("tcp") == "off":
            return destination
        for host, port, until in self._without:
            if (host, port) == destination[1:] and ticks.ticks_diff(until, self.now_ms) > 0:
                return destination
        other = ("tcp", destination[1], destination[2])
        if other not in self._moved:
            _remember(self._moved, other)
        return other

    # -- time

    def turn(self, now_ms: int) -> bool:
        """Accept, write, read; whether anything was received or broke."""
        self.now_ms = now_ms
        busy = False
        if self._ipoll is not None:
            for _ in self._ipoll(0):
                self._accept()
        for connection in self.connections:
            busy = self._serve(connection) or busy
        return busy

    def _serve(self, connection):
        """Let one connection go on; the list is changed at most once, at the end of its turn."""
        now_ms = self.now_ms
        try:
            connection.flush(now_ms)
            busy = connection.is_open and self._receive(connection)
        except OSError:
            connection.close()
            busy = True
        if connection.sock is None:
            self._remove(connection)
        elif ticks.ticks_diff(now_ms, connection.used_at) > _IDLE_MS:
            if self.is_needed(connection):
                connection.used_at = now_ms
            else:
                connection.close()
                self._remove(connection)
        return busy

    def is_needed(self, connection) -> bool:
        """Whether a binding or a call lives on this connection."""
        for account in self.core.accounts:
            if self.find(account.registration.destination or ("", "", 0)) is connection:
                return True
        for session in self.core.sessions:
            if self.find(session.dialog.destination or ("", "", 0)) is connection:
                return True
        return False

    def _receive(self, connection):
        """Read what is there and hand on the messages in it; whether there was anything."""
        for i in range(_READS):
            n = 0 if connection.sock is None else connection.read(self._buf)
            if n == 0:
                return i > 0
            if n < 0:
                connection.close()
                return True
            connection.received += n
            self._feed(connection, n)
        return True

    def _feed(self, connection, end):
        parser = connection.parser
        at = 0
        try:
            while at < end and connection.sock is not None:
                at += parser.feed(self._buf, at, end)
                if parser.ready:
                    self._take(connection, parser.message)
                    parser.next()
        except ParseError as error:
            self.core.counters.malformed += 1
            if error.status == 400:
                self.core.source = connection.destination
                self.core.refuse_incomplete(parser.message)
            connection.close()  # nobody knows where the next message begins
            return
        while parser.pings > 0 and connection.sock is not None:
            parser.pings -= 1
            connection.send(_CRLF, 2, connection.used_at)  # RFC 5626 4.4.1

    def _take(self, connection, message):
        core = self.core
        core.counters.received += 1
        connection.used_at = self.now_ms
        if message.is_request and not connection.is_ours:
            self._note_sender(connection, message)
        core.receive_message(message, connection.destination, self.now_ms)
        self.owner.flush()

    def _note_sender(self, connection, message):
        via = message.via
        connection.sent_by_port = via.port if via.port > 0 else 5060
        # Laxer than RFC 5923 8, which wants TLS: only for the very address it comes from.
        if via.param(b"alias"):
            if message.text(via.host_start, via.host_end) == connection.destination[1].encode():
                connection.alias_port = connection.sent_by_port

    def _accept(self):
        try:
            sock, source = self._listener.accept()
        except OSError:
            return
        host, port = address.decode(source)
        sock.setblocking(False)
        if not self._make_room():
            self.refused += 1
            sock.close()
            return
        destination = ("tcp", host, port)
        self._add(sock, destination, True)

    def _connect(self, destination):
        if destination[0] != "tcp" or not self._make_room():
            return None
        sock = socket.socket(address.family(destination[1]), socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.connect(address.native(destination[1], destination[2]))
        except OSError as e:
            if e.errno not in _WAITING:
                sock.close()
                return None
        return self._add(sock, destination, False)

    def _add(self, sock, destination, is_open):
        address.mark(sock, _TOS)
        connection = Connection(
            sock, destination, self.limits, self.core.body_sink, is_open, self.now_ms
        )
        self.connections.append(connection)
        return connection

    def _make_room(self):
        """Close the connection unused longest when there are too many; False when all are used."""
        if len(self.connections) < self.limits.connections:
            return True
        oldest = None
        for connection in self.connections:
            if oldest is None or ticks.ticks_diff(oldest.used_at, connection.used_at) > 0:
                if not self.is_needed(connection):
                    oldest = connection
        if oldest is None:
            return False
        oldest.close()
        self.connections.remove(oldest)
        return True

    def _successor(self, destination):
        """Return where a response goes whose connection is gone (18.2.2)."""
        for gone, other in self._gone:
            if gone == destination:
                return other
        return destination

    def _remove(self, connection):
        """Forget a closed connection and tell those who relied on it."""
        destination = connection.destination
        self.connections.remove(connection)
        self.broken += 1
        if connection.sent_by_port > 0:
            _remember(self._gone, (destination, ("tcp", destination[1], connection.sent_by_port)))
        if not connection.received and destination in self._moved:
            self._moved.remove(destination)
            self._return_to_udp(destination)
        failover.connection_failed(self.core, destination, connection.received > 0, self.now_ms)
        self.owner.flush()

    def _return_to_udp(self, destination):
        """The peer has no TCP: its large requests go by UDP, now and later."""
        udp = ("udp", destination[1], destination[2])
        until = ticks.ticks_add(self.now_ms, _REFUSED_MS)
        _remember(self._without, (udp[1], udp[2], until))
        for transaction in tuple(self.core.transactions.active):
            if transaction.destination == destination and failover.may_move(transaction):
                self.returned += 1
                failover.restart(self.core, transaction, udp, None, self.now_ms)


def _remember(entries: list, entry) -> None:
    """Append to a short list, forgetting the oldest."""
    if len(entries) >= _REMEMBERED:
        entries.pop(0)
    entries.append(entry)
