"""Addresses of sockets on every machine: one form, (host, port), whatever the VM wants.

CPython and the ESP32 take and return (host, port) tuples; the unix port of MicroPython takes and
returns the octets of a `sockaddr_in`. What `getaddrinfo` returns is always what the machine's
own sockets accept, so it makes the native form; `decode` is its inverse. IPv4 only: stock
MicroPython cannot name an IPv6 peer.
"""

import socket
import sys

_WILDCARD = "0.0.0.0"


def native(host: str, port: int):
    """Return host:port as this machine's sockets want it; OSError when it cannot be resolved.

    A dotted address is converted at once. A name is looked up, which stops the whole VM until a
    resolver answers: do it at start, or between calls.
    """
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1]


def decode(address) -> tuple:
    """Return (host, port) of an address that `recvfrom` or `native` gave."""
    if isinstance(address, tuple):
        return address
    return (
        "%d.%d.%d.%d" % (address[4], address[5], address[6], address[7]),
        address[2] << 8 | address[3],
    )


def resolve(host: str) -> str:
    """Return the dotted address of a host name; OSError when it has none."""
    return decode(native(host, 1))[0]


def is_wildcard(host: str) -> bool:
    """Return whether *host* stands for every address of this machine."""
    return host == _WILDCARD


def local_host(remote_host: str) -> str:
    """Return the dotted address of this machine as *remote_host* (dotted) sees it.

    "127.0.0.1" when the machine cannot tell.
    """
    if remote_host.startswith("127."):
        return "127.0.0.1"
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
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
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

    name = bytearray(16)
    ffi.open("libc.so.6").func("i", "getsockname", "ipp")(fd, name, array.array("i", (16,)))
    return decode(name)[0]
