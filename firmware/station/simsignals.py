"""SIGINT and SIGTERM on the unix VM as something to read, so that they stop a station cleanly.

A signal that raises wherever it finds the program would break a task in its middle. Blocked, and
taken from a signalfd(2), it is one more input.
"""

import ffi
from micropython import const

_SIGINT = const(2)
_SIGTERM = const(15)
_SFD_NONBLOCK = const(0o4000)


def open_signals():
    """Return a file that can be read once one of the two has come; None where there is none."""
    libc = ffi.open(None)
    mask = bytearray(128)
    try:
        libc.func("i", "sigemptyset", "p")(mask)
        for number in (_SIGINT, _SIGTERM):
            libc.func("i", "sigaddset", "pi")(mask, number)
        fd = libc.func("i", "signalfd", "ipi")(-1, mask, _SFD_NONBLOCK)
        if fd < 0:
            return None
        libc.func("i", "sigprocmask", "ipp")(0, mask, None)
    except OSError:  # a libc without signalfd
        return None
    return open(fd, "rb")
