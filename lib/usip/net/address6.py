"""IPv6 addresses of sockets; imported with the first, where the machine has such sockets at all.

CPython and the unix port of MicroPython do. The ESP32 port cannot name an IPv6 peer: there every
function raises OSError, as for any address that is not to be reached.
"""

import errno
import socket

FAMILY = getattr(socket, "AF_INET6", 0)


def family() -> int:
    """Return the family of IPv6 sockets; OSError without one."""
    if not FAMILY:
        raise OSError(getattr(errno, "EAFNOSUPPORT", 97))
    return FAMILY


def native(host: str, port: int):
    """Return [host]:port as this machine's sockets want it."""
    return socket.getaddrinfo(host, port, family(), socket.SOCK_DGRAM)[0][-1]


def decode(address) -> tuple:
    """Return (host, port) of the octets of a sockaddr_in6 (RFC 3493 3.3)."""
    return socket.inet_ntop(FAMILY, bytes(address[8:24])), address[2] << 8 | address[3]
