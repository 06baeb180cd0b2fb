"""Carries datagrams between stations on loopback, records them, and loses or delays some.

Theory of operation: a one-to-one NAT. Station n is bound to an address of its own, 127.A.B.(11+n).
The others do not know that one but its alias, 127.(A+1).B.(11+n), where the relay listens. What
arrives at an alias is sent on to the station behind it, from the alias of the sender: so each
side sees exactly one peer, at the addresses that stand in the messages. SIP and SDP name
addresses, so the relay writes the alias of the sender into them, which has the same length, and
the recording gets 192.0.2.(11+n), which has it too. RTP ports are opened when an SDP names them.
"""

import errno
import heapq
import re
import selectors
import socket

from tools.simulation.recording import Datagram

SIP_PORT = 5060
_AUDIO = re.compile(rb"^m=audio (\d+) ", re.MULTILINE)
_SIZE = 65535


def find_net() -> tuple:
    """Return (holder, first octets of the stations, of their aliases) that nobody uses.

    The *holder* is a socket that keeps others off; raises OSError when all fifty are taken.
    """
    for a in range(0, 10, 2):
        for b in range(1, 10):
            holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                holder.bind(("127.%d.%d.10" % (a, b), SIP_PORT))
            except OSError as error:
                holder.close()
                if error.errno == errno.EADDRINUSE:
                    continue
                raise
            return holder, "127.%d.%d." % (a, b), "127.%d.%d." % (a + 1, b)
    raise OSError(errno.EADDRINUSE, "no free addresses in 127.0.0.0/8")


def documentation_host(n: int) -> str:
    """Return the address that station *n* has in recordings."""
    return "192.0.2.%d" % (11 + n)


class Relay:
    """Forwards between the stations *names*, each (from, to) over its Link.

    The owner calls `handle_ready` for the sockets in `selector` whose data is `self`, and
    `handle_timer` when `deadline()` has come.
    """

    def __init__(self, names: list, links: dict, selector, clock, recording) -> None:
        self._holder, inner, outer = find_net()
        self.names = names
        self.inner = {name: "%s%d" % (inner, 11 + i) for i, name in enumerate(names)}
        self.outer = {name: "%s%d" % (outer, 11 + i) for i, name in enumerate(names)}
        self.strangers = 0  # datagrams from elsewhere
        self._public = {name: documentation_host(i) for i, name in enumerate(names)}
        self._at_inner = {host: name for name, host in self.inner.items()}
        self._links = links
        self._selector = selector
        self._clock = clock
        self._recording = recording
        self._sockets = {}
        self._later = []
        self._count = 0
        for name in names:
            self._open(name, SIP_PORT)

    def hosts_for(self, name: str) -> dict:
        """Return name -> host as station *name* is to know them: itself, and the others' alias."""
        return {**self.outer, name: self.inner[name]}

    def _open(self, name: str, port: int):
        """Return the socket at a station's alias."""
        key = (name, port)
        if key not in self._sockets:
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((self.outer[name], port))
            opened.setblocking(False)
            self._selector.register(opened, selectors.EVENT_READ, (self, name, port))
            self._sockets[key] = opened
        return self._sockets[key]

    def handle_ready(self, key) -> None:
        """Take what arrived at one of the relay's sockets."""
        _, name, port = key.data
        while True:
            try:
                octets, source = key.fileobj.recvfrom(_SIZE)
            except OSError:  # nothing more, or the ICMP error of what was sent before
                return
            sender = self._at_inner.get(source[0])
            if sender is None or sender == name:
                self.strangers += 1
            else:
                self._carry(octets, sender, source[1], name, port)

    def _carry(self, octets, sender, sender_port, receiver, port):
        at_s = self._clock()
        public = octets
        if octets[:1] and octets[0] < 0x80:
            public = self._rename(octets, sender)
            octets = self._rename_back(public, receiver)
            for match in _AUDIO.finditer(octets):
                for rtp_port in (int(match[1]), int(match[1]) + 1):
                    if 1024 <= rtp_port <= 65535:
                        self._open(sender, rtp_port)
        arrivals = [at_s + delay for delay in self._links[sender, receiver].fate(at_s)]
        ends = (self._public[sender], sender_port), (self._public[receiver], port)
        self._recording.datagrams.append(Datagram(at_s, *ends, public, arrivals))
        through = self._open(sender, sender_port)
        for arrival in arrivals:
            if arrival > at_s:
                self._count += 1
                entry = (arrival, self._count, through, octets, (self.inner[receiver], port))
                heapq.heappush(self._later, entry)
            else:
                _send(through, octets, (self.inner[receiver], port))

    def _rename(self, octets: bytes, sender: str) -> bytes:
        """Return a message with documentation addresses for those its sender knows."""
        for name, host in self.hosts_for(sender).items():
            octets = octets.replace(host.encode(), self._public[name].encode())
        return octets

    def _rename_back(self, octets: bytes, receiver: str) -> bytes:
        for name, host in self.hosts_for(receiver).items():
            octets = octets.replace(self._public[name].encode(), host.encode())
        return octets

    def deadline(self):
        """Return when the next delayed datagram is due, or None."""
        return self._later[0][0] if self._later else None

    def handle_timer(self) -> None:
        """Hand over what is due."""
        while self._later and self._later[0][0] <= self._clock():
            _, _, through, octets, destination = heapq.heappop(self._later)
            _send(through, octets, destination)

    def close(self) -> None:
        """Close every socket."""
        for opened in self._sockets.values():
            self._selector.unregister(opened)
            opened.close()
        self._sockets.clear()
        self._holder.close()


def _send(through, octets, destination) -> None:
    try:
        through.sendto(octets, destination)
    except OSError:
        pass  # its queue is full or the station is gone: a lost datagram, as on any network
