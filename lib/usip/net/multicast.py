"""A socket of a multicast group (RFC 1112): it takes what is sent to the group, from anybody.

IP_ADD_MEMBERSHIP has another number on each kind of machine, and an ESP32 has no other option of
multicast: no leaving, no TTL (it is 1 there, which keeps pages in the house). Sending needs no
membership. On a machine with several interfaces *host* says which one.
"""

import socket
import sys

from usip.net import address
from usip.net.udp import MediaSocket

_IS_UNIX = sys.platform in ("linux", "darwin")
_ADD_MEMBERSHIP = 12 if sys.platform == "darwin" else 35 if sys.platform == "linux" else 3
_MULTICAST_IF = 9 if sys.platform == "darwin" else 32
_REUSE_ADDRESS = 2 if sys.platform == "linux" else 4
_IP = 0
_SOCKET = 0xFFFF if sys.platform == "darwin" else 1


def octets_of(host: str) -> bytes:
    """Return a dotted address as four octets."""
    return bytes([int(part) for part in host.split(".")])


class GroupSocket(MediaSocket):
    """Receives packets of up to *size* octets sent to *group*:*port*; OSError if it cannot.

    As its parent it costs no heap a packet once the size of the packets is known; `relearn` when
    another sender may have another size.
    """

    def __init__(self, host: str, group: str, port: int, size: int) -> None:
        self._interface = octets_of(host)
        super().__init__(group, port, size)

    def _open(self):
        sock = self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            # Several programs of one machine may hear a group.
            sock.setsockopt(_SOCKET, _REUSE_ADDRESS, 1)
            sock.bind(address.native(self.host, self.port))
            sock.setsockopt(_IP, _ADD_MEMBERSHIP, octets_of(self.host) + self._interface)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        self._watch()

    def _latch(self, source) -> None:
        """Hear everybody: whoever pages next is somebody else."""
        self.is_latched = True

    def _revive(self) -> None:
        self.empty += 1
        self.close()
        self._open()


class GroupSender:
    """Sends packets to *group*:*port* from the interface *host*; OSError if it cannot."""

    def __init__(self, host: str, group: str, port: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._destination = address.native(group, port)
        self.unsent = 0
        try:
            self._sock.bind(address.native(host, 0))
            if _IS_UNIX and host != "0.0.0.0":
                self._sock.setsockopt(_IP, _MULTICAST_IF, octets_of(host))
            self._sock.setblocking(False)
        except OSError:
            self._sock.close()
            raise

    def send(self, view) -> None:
        """Send a whole buffer; what the network refuses is lost and counted. No heap."""
        try:
            self._sock.sendto(view, self._destination)
        except OSError:
            self.unsent += 1

    def close(self) -> None:
        """Close; a second call changes nothing."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
