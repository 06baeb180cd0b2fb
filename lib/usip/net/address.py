"""Addresses of sockets on every machine: one form, (host, port), whatever the VM wants.

CPython and the ESP32 take and return (host, port) tuples; the unix port of MicroPython takes and
returns the octets of a `sockaddr_in`. What `getaddrinfo` returns is always what the machine's
own sockets accept, so it makes the native form; `decode` is its inverse. A host with a colon in it
is an IPv6 address: usip.net.address6.
"""

import socket
import sys

_WILDCARD = "0.0.0.0"
_WILDCARD6 = "::"


def native(host: str, port: int):
    """Return host:port as this machine's sockets want it; OSError when it cannot be resolved.

    A dotted address is converted at once. A name is looked up, which stops the whole VM until a
    resolver answers: do it at start, or between calls.
    """
    if ":" in host:
        from usip.net import address6

        return address6.native(host, port)
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1]


def family(host: str) -> int:
    """Return the family of sockets that can be bound to *host*, or reach it."""
    if ":" in host:
        from usip.net import address6

        return address6.family()
    return socket.AF_INET


def decode(address) -> tuple:
    """Return (host, port) of an address that `recvfrom` or `native` gave."""
    if isinstance(address, tuple):
        return address if len(address) == 2 else address[:2]
    if len(address) > 16:
        from usip.net import address6

        return address6.decode(address)
    return (
        "%d.%d.%d.%d" % (address[4], address[5], address[6], address[7]),
        address[2] << 8 | address[3],
    )


def mark(sock, tos: int) -> None:
    """Ask the network to treat packets by their kind (RFC 2474), where the machine can.

    An ESP32 cannot: its number of the option is another one's.
    """
    if sys.platform in ("linux",):
        try:
            sock.setsockopt(0, 1, tos)  # IP, IP_TOS
        except OSError:
            pass  # some networks forbid it


def resolve(host: str) -> str:
    """Return the dotted address of a host name; OSError when it has none."""
    return decode(native(host, 1))[0]


def is_wildcard(host: str) -> bool:
    """Return whether *host* stands for every address of this machine."""
    return host in (_WILDCARD, _WILDCARD6)


def local_host(remote_host: str) -> str:
    """Return the address of this machine as *remote_host* (an address) sees it.

    "127.0.0.1" when the machine cannot tell.
    """
    if remote_host.startswith("127."):
        return "127.0.0.1"
    if remote_host == "::1":
        return remote_host
    try:
        if sys.platform in ("linux", "darwin", "win32"):
            return _host_by_route(remote_host)
        return _host_of_interface()
    except (OSError, ImportError):
        return "127.0.0.1"


def _host_of_interface():
    import network

    for name in ("STA_IF", "AP_IF"):
        interface = network.WLAN(getattr(network, name))
        if interface.active() and interface.ifconfig()[0] != _WILDCARD:
            return interface.ifconfig()[0]
    return "127.0.0.1"


def _host_by_route(remote_host):
    """Ask the kernel by connecting a UDP socket, which sends nothing."""
    sock = socket.socket(family(remote_host), socket.SOCK_DGRAM)
    try:
        sock.connect(native(remote_host, 9))
        if hasattr(sock, "getsockname"):
            return sock.getsockname()[0]
        return _name_by_libc(sock.fileno())
    finally:
        sock.close()


def _name_by_libc(fd):
    """The unix port of MicroPython has no getsockname, but it has ffi."""
    import array

    import ffi

    name = bytearray(28)
    size = array.array("i", (len(name),))
    ffi.open("libc.so.6").func("i", "getsockname", "ipp")(fd, name, size)
    return decode(name[: size[0]])[0]
