"""UDP sockets that keep datagrams apart on every machine, without heap where it matters.

Theory of operation. Two kinds of socket share the binding and the errors:

`DatagramSocket` takes from anyone and answers anyone: SIP. `recvfrom` allocates but keeps
boundaries; a poll of its own says when to call it, since an empty `recvfrom` raises.

`MediaSocket` has one peer: RTP and RTCP. It sends to the address that signalling named until the
first packet comes, wherever from: then it connects to that source and hears nobody else
(symmetric RTP; RFC 4961). From then on a packet costs no heap: `readinto` on MicroPython, which
returns None instead of raising. But `readinto` goes on until the buffer is full, so it would
join two datagrams: it is given exactly the size of the packets that this peer sends, learned from
the first one. A shorter packet (a telephone-event) that has another behind it arrives joined to
it: `short_type` names its payload type, and both halves are handed out one after the other.

A datagram without octets deafens an ESP32 socket until it is connected or bound again. A send
that fails for want of room (ENOMEM, EAGAIN, and ETIMEDOUT on the ESP32) is a lost packet: counted.
"""

import errno
import select
import socket

from micropython import const

from usip.net import address

_HEADER = const(12)  # RFC 3550 5.1
_LEAST = const(300)  # the least room that is worth a try
_SIP_TOS = const(0x60)  # class selector 3
_MEDIA_TOS = const(0xB8)  # expedited forwarding (RFC 3246)
_CN = const(13)  # comfort noise, usually of one octet (RFC 3389)
_CN_BYTES = const(13)
_SHORT = const(16)  # a header and one telephone-event (RFC 4733 2.3)

_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, errno.ETIMEDOUT, errno.ECONNREFUSED)


def _bound(host, port, tos):
    sock = socket.socket(address.family(host), socket.SOCK_DGRAM)
    address.mark(sock, tos)
    try:
        sock.bind(address.native(host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


class DatagramSocket:
    """A socket for whole datagrams from and to anyone."""

    def __init__(self, host: str, port: int) -> None:
        """Bind; OSError (EADDRINUSE, EADDRNOTAVAIL) when that is not possible."""
        self.host = host
        self.port = port
        self.source = ("", 0)  # of the datagram received last
        self.empty = 0  # datagrams without octets
        self.unsent = 0  # dropped for want of room
        self.cut = 0  # datagrams lost for want of heap
        self._native_source = None
        self._open()

    def _open(self):
        self._sock = _bound(self.host, self.port, _SIP_TOS)
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)
        self._ipoll = getattr(self._poll, "ipoll", self._poll.poll)

    def close(self) -> None:
        """Close; a second call changes nothing."""
        if self._sock is not None:
            self._sock.close()
            self._sock = self._poll = self._ipoll = None

    def receive(self, size: int):
        """Return the next datagram, or None; `source` says whence.

        MicroPython takes *size* octets in one piece of heap for it, whatever its length. Where
        there is none as large, a smaller one is tried: a datagram that fills that one is dropped.
        MemoryError when there is none for the smallest message; the datagram waits.
        """
        for _ in self._ipoll(0):
            try:
                return self._receive(size)
            except MemoryError:
                return self._receive_smaller(size)
        return None

    def _receive_smaller(self, size):
        while size > _LEAST:
            size = size * 3 // 4
            try:
                data = self._receive(size)
            except MemoryError:
                continue
            if data is not None and len(data) == size:
                self.cut += 1
                data = None
            return data
        raise MemoryError  # the datagram waits, and who reads it is to know

    def _receive(self, size):
        try:
            data, source = self._sock.recvfrom(size)
        except OSError:
            return None  # an ICMP error, or a checksum that failed behind the poll's back
        if not data:
            self._revive()
            return None
        if source != self._native_source:
            self._native_source = source
            self.source = address.decode(source)
        return data

    def _revive(self):
        self.empty += 1
        self._poll.unregister(self._sock)
        self._sock.close()
        self._open()

    def send(self, buf, end: int, native_address) -> bool:
        """Send buf[:end]; False when the network refused. Full queues count as sent."""
        try:
            self._sock.sendto(memoryview(buf)[:end], native_address)
        except OSError as e:
            self.unsent += 1
            return e.errno in _PASSING
        return True


class MediaSocket:
    """A socket for packets from and to one peer."""

    def __init__(self, host: str, port: int, size: int, may_join: bool = False) -> None:
        """Bind; *size* is the longest packet taken.

        *may_join*: packets say where they end, so that joined ones do no harm (RTCP).
        """
        self.host = host
        self.port = port
        self.buf = bytearray(size)  # the packet received last
        self.remote = None  # (host, port) of the peer: signalled, then seen
        self.is_latched = False
        self.short_type = -1  # payload type whose packets have 16 octets; -1 none
        self.empty = 0
        self.unsent = 0
        self._packet = self._packet_view = None  # sent last, see _view
        self._native_remote = None
        self._signalled = None
        self._may_join = may_join
        self._size = 0  # of the packets this peer sends, 0 unknown
        self._left = 0  # octets of a datagram that came joined to the one before
        self._first = 0  # where it begins in buf
        self._open()

    def _open(self):
        self._sock = _bound(self.host, self.port, _MEDIA_TOS)
        self._watch()

    def _watch(self):
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)
        self._ipoll = getattr(self._poll, "ipoll", self._poll.poll)
        self._keeps_apart = hasattr(self._sock, "recv_into")

    def close(self) -> None:
        """Close; a second call changes nothing."""
        if self._sock is not None:
            self._sock.close()
            self._sock = self._poll = self._ipoll = None

    def set_remote(self, host: str, port: int) -> None:
        """Signalling named the peer: the address it had before changes nothing.

        A new one ends the latch, unless the peer is there already.
        """
        if self._signalled == (host, port):
            return
        if self.is_latched and self._signalled is not None and self.remote != (host, port):
            self.close()
            self._open()
            self.is_latched = False
        self._signalled = (host, port)
        if not self.is_latched:
            self.remote = (host, port)
        self._native_remote = address.native(host, port)
        self._size = 0

    def relearn(self) -> None:
        """Forget the size of the peer's packets: the next one is received with heap."""
        self._size = 0

    def receive(self) -> int:
        """Put the next packet into `buf` and return its length, 0 when there is none.

        No heap once the peer is latched and its packets' size is known.
        """
        if self._left:
            return self._second_half()
        if self._keeps_apart and self.is_latched:
            return self._receive_apart()
        if not self._size:
            return self._learn()
        try:
            n = self._sock.readinto(self.buf, self._size)
        except OSError:
            return 0  # ECONNREFUSED: nobody listens there now
        if n is None:
            return 0
        if n == 0:
            self._revive()
            return 0
        return self._parted(n)

    def _parted(self, n):
        """Return the length of the first of what may be two packets in buf[:n]."""
        buf = self.buf
        kind = buf[1] & 0x7F
        first = n
        if kind == self.short_type:
            first = _SHORT
        elif kind == _CN and n > _CN_BYTES + _HEADER and buf[_CN_BYTES] >> 6 == 2:
            first = _CN_BYTES
        if first >= n:
            return n
        self._left = n - first
        self._first = first
        return first

    def _second_half(self):
        n = self._left
        self._left = 0
        for i in range(n):
            self.buf[i] = self.buf[self._first + i]
        return self._parted(n)

    def _receive_apart(self):
        try:
            n = self._sock.recv_into(self.buf)
        except OSError:
            return 0
        if not n:
            self.empty += 1
        return n

    def _learn(self):
        """Receive one datagram with heap: its size, and for the first one its source, are kept."""
        for _ in self._ipoll(0):
            try:
                data, source = self._sock.recvfrom(len(self.buf))
            except OSError:
                return 0
            return self._take(data, source)
        return 0

    def _take(self, data, source):
        n = len(data)
        if n == 0:
            self._revive()
            return 0
        if n < 8 or data[0] >> 6 != 2:  # neither RTP nor RTCP: not to be followed
            return 0
        self.buf[:n] = data
        if not self.is_latched:
            self._latch(source)
        if self._may_join:
            self._size = len(self.buf)
        elif data[1] & 0x7F not in (self.short_type, _CN):
            self._size = n
        return n

    def _latch(self, source):
        try:
            self._sock.connect(source)
        except OSError:
            return
        self.is_latched = True
        self.remote = address.decode(source)

    def _revive(self):
        """Undo what an empty datagram does to an ESP32 socket."""
        self.empty += 1
        if self.is_latched:
            self._sock.connect(address.native(self.remote[0], self.remote[1]))
        else:
            self.close()
            self._open()

    def send(self, packet, length: int) -> bool:
        """Send packet[:length]; False when it was dropped.

        No heap, but for the first of another length before the peer is latched.
        """
        try:
            if not self.is_latched:
                if self._native_remote is None:
                    return False
                self._sock.sendto(self._view(packet, length), self._native_remote)
            elif self._keeps_apart:
                self._sock.send(self._view(packet, length))
            elif self._sock.write(packet, 0, length) is None:
                self.unsent += 1
                return False
        except OSError:
            self.unsent += 1
            return False
        return True

    def _view(self, packet, length):
        """Return packet[:length] as a view; the last one is kept, for packets mostly repeat."""
        if len(packet) == length:
            return packet
        if packet is not self._packet or len(self._packet_view) != length:
            self._packet = packet
            self._packet_view = memoryview(packet)[:length]
        return self._packet_view
