"""The link to a board: MicroPython's raw REPL over a serial port, by mpremote's transport.

`Device` says what is there and puts it right in few exchanges; every failure is a DeviceError, one
sentence that says what to do.
"""

import ast
import base64
import os
from pathlib import Path

from tools import get_micropython

_CHUNK = 1536  # octets in one exchange; 2,048 in base64

# What a board says of itself. ROMFS: the size of the partition and the digest of its first octets.
_ASK = """\
import sys, os
i = sys.implementation
r = -1
try:
    import vfs
    if vfs.rom_ioctl(1) > 0:
        d = vfs.rom_ioctl(2, 0)
        r = d.ioctl(4, 0) * d.ioctl(5, 0) if hasattr(d, 'ioctl') else len(d)
except (ImportError, AttributeError):
    pass
p = sys.path[:]
sys.path[:] = ['.frozen']
try:
    import station
    z = True
except ImportError:
    z = False
sys.path[:] = p
v = os.statvfs('/')
print(repr((i.version[:3], getattr(i, '_mpy', 0), i._machine, r, z, v[0] * v[3])))
"""
_DIGESTS = """\
import os, hashlib
from binascii import hexlify
b = memoryview(bytearray(1024))
def h(p):
    d = hashlib.sha256()
    with open(p, 'rb') as f:
        n = f.readinto(b)
        while n:
            d.update(b[:n])
            n = f.readinto(b)
    print(repr((p, str(hexlify(d.digest()), 'ascii'))))
def w(p):
    for e in os.ilistdir(p or '/'):
        q = p + '/' + e[0]
        if e[1] & 0x4000:
            if (q + '/').startswith({folders}) or q == '/lib':
                w(q)
        else:
            h(q)
w('')
"""
_FOLDERS = """\
import os
for p in %r:
    try:
        os.mkdir(p)
    except OSError:
        pass
"""
_ROM_DIGEST = """\
import vfs, hashlib
from binascii import hexlify
print(str(hexlify(hashlib.sha256(memoryview(vfs.rom_ioctl(2, 0))[:%d]).digest()), 'ascii'))
"""


class DeviceError(Exception):
    """What went wrong at the board or on the way, in one sentence."""


def _transport():
    try:
        from mpremote import transport, transport_serial
    except ImportError:
        raise DeviceError("mpremote is missing: run `make venv`") from None
    return transport, transport_serial


def ports() -> list:
    """Return the serial ports that may be boards."""
    from serial.tools import list_ports

    return [found.device for found in list_ports.comports() if found.vid is not None]


def check_port(port) -> str:
    """Return *port* when it can be opened; DeviceError says what to do otherwise."""
    if not port:
        there = ports()
        hint = "there is " + ", ".join(there) if there else "no board is plugged in"
        raise DeviceError("name the board's serial port, PORT=...: %s" % hint)
    if "://" in port:
        return port
    if not os.path.exists(port):
        there = ports()
        hint = "there is " + ", ".join(there) if there else "no board is plugged in"
        raise DeviceError("no serial port %s: %s" % (port, hint))
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceError("%s may not be opened: join its group, mostly `dialout`" % port)
    return port


class Device:
    """A board at a serial port, its program interrupted."""

    def __init__(self, port: str) -> None:
        self.port = check_port(port)
        self._transport, serial_transport = _transport()
        from serial import SerialException

        try:
            self._link = serial_transport.SerialTransport(port, baudrate=115200)
        except (self._transport.TransportError, SerialException, OSError):
            raise DeviceError("%s cannot be opened: is another program at it?" % port) from None
        try:
            self._link.enter_raw_repl(soft_reset=False, timeout_overall=5)
        except (self._transport.TransportError, SerialException, OSError):
            self._link.close()
            text = "nothing at %s talks like MicroPython: flash it first (make flash)"
            raise DeviceError(text % port) from None
        self._ask()

    def _ask(self):
        answer = ast.literal_eval(self.run(_ASK))
        self.version, mpy, self.machine, self.rom_bytes, self.is_frozen, self.free = answer
        self.mpy_version = mpy & 0xFF
        self.emitter = get_micropython.emitter_name(mpy)

    def run(self, text: str) -> str:
        """Run a program on the board and return what it prints."""
        from serial import SerialException

        try:
            return self._link.exec(text).decode()
        except self._transport.TransportExecError as error:
            lines = error.error_output.strip().splitlines()
            raise DeviceError("the board says: %s" % (lines[-1] if lines else "?")) from None
        except (self._transport.TransportError, SerialException, OSError):
            raise DeviceError("the link to %s broke" % self.port) from None

    def digests(self, folders: tuple) -> dict:
        """Return path -> sha256 of the files at the root, in /lib, and below *folders* ("/x/")."""
        text = self.run(_DIGESTS.replace("{folders}", repr(folders)))
        return dict(ast.literal_eval(line) for line in text.splitlines())

    def rom_digest(self, size: int) -> str:
        """Return the sha256 of the first *size* octets of the ROMFS partition."""
        return self.run(_ROM_DIGEST % size).strip()

    def make_folders(self, paths: list) -> None:
        """Make folders, those above first; what is there stays."""
        self.run(_FOLDERS % (sorted(paths),))

    def remove(self, path: str) -> None:
        """Remove a file."""
        self.run("import os\nos.remove(%r)" % path)

    def write(self, files: dict, progress) -> None:
        """Write path -> octets; *progress*(path, octets so far, all of them) tells of each piece.

        Small files go together: what takes time is the exchange.
        """
        self.run("from binascii import a2b_base64 as a")
        program = []
        told = []
        room = _CHUNK
        for path, data in files.items():
            program.append("f = open(%r, 'wb')" % path)
            for at in range(0, len(data), _CHUNK):
                chunk = data[at : at + _CHUNK]
                if len(chunk) > room:
                    self._flush(program, told, progress)
                    room = _CHUNK
                room -= len(chunk)
                program.append("f.write(a(%r))" % base64.b64encode(chunk))
                told.append((path, at + len(chunk), len(data)))
            program.append("f.close()")
            if not data:
                told.append((path, 0, 0))
        self._flush(program, told, progress)

    def _flush(self, program, told, progress):
        if program:  # an empty one would start the board again
            self.run("\n".join(program))
        for words in told:
            progress(*words)
        program.clear()
        told.clear()

    def restart(self) -> None:
        """Leave the raw REPL and let the board start again, which runs its main.py."""
        self._link.exit_raw_repl()
        self._link.serial.write(b"\x04")

    def close(self) -> None:
        """Let the port go."""
        self._link.close()


def files_below(folder: Path) -> dict:
    """Return path relative to *folder* -> octets, of all files below it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
