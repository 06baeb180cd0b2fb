"""Runs on the VM: a board's raw REPL on standard input and output, and its file system.

    vm_repl FOLDER [PARTITION]

FOLDER is the root of the file system. The file PARTITION is its ROMFS partition, as a firmware
made for that has one. Programs, errors and the soft reset are as on a board; main.py is only said
to run.
"""

import os
import sys

import vfs


class Vfs:
    """The module `vfs` of a firmware with a ROMFS partition; mpremote asks it."""

    def __init__(self, data: bytearray, save) -> None:
        self._data = data
        self._save = save
        self.umount = vfs.umount

    def rom_ioctl(self, request, *arguments):
        if request == 1:
            return 1
        if request == 2:
            return self._data
        if request == 3:
            return 4
        if request == 4:
            at, data = arguments[1:]
            self._data[at : at + len(data)] = data
        if request == 5:
            self._save(self._data)
        return 4096 if request == 6 else 0


def _read():
    c = sys.stdin.buffer.read(1)
    if not c:
        sys.exit(0)
    return c


def _command():
    """Return the next program, None after Ctrl-B; b"" is the soft reset."""
    got = bytearray()
    while True:
        c = _read()
        if c == b"\x04":
            return bytes(got)
        if c == b"\x02":
            return None
        if c == b"\x03":
            got = bytearray()
        elif c == b"\x01":
            if got[-2:] == b"\x05A":
                return _paste()
            else:
                sys.stdout.write("raw REPL; CTRL-B to exit\r\n>")
            got = bytearray()
        else:
            got.extend(c)


def _paste():
    """Return a program pasted: it may come faster than it is read, a window at a time."""
    sys.stdout.write("R\x01\x00\x10")
    got = bytearray()
    while True:
        c = _read()
        if c == b"\x04":
            sys.stdout.write("\x04")
            return got
        got.extend(c)
        if len(got) % 4096 == 0:
            sys.stdout.write("\x01")


def _raw(names):
    sys.stdout.write("raw REPL; CTRL-B to exit\r\n>")
    while True:
        program = _command()
        if program is None:
            return
        if not program:
            sys.stdout.write("OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
            names.clear()
            continue
        if not isinstance(program, bytearray):  # no answer to one that was pasted
            sys.stdout.write("OK")
        fault = None
        try:
            exec(program, names)
        except Exception as error:  # noqa: BLE001  (whatever it is, a REPL prints it)
            fault = error
        sys.stdout.write("\x04")
        if fault is not None:
            sys.print_exception(fault)
        sys.stdout.write("\x04>")


def _reset(names):
    names.clear()
    sys.stdout.write("\r\nMPY: soft reboot\r\n")
    try:
        os.stat("main.py")
        sys.stdout.write("main.py runs\r\n")
    except OSError:
        pass


def main(folder, partition=None):
    """Serve the terminal until it is closed."""
    names = {}
    if partition:
        with open(partition, "rb") as file:
            data = bytearray(file.read())
        sys.modules["vfs"] = Vfs(data, _Saver(partition))
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(folder), "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
    while True:
        c = _read()
        if c == b"\x01":
            _raw(names)
            sys.stdout.write("\r\n>>> ")
        elif c == b"\x04":
            _reset(names)
        elif c in b"\r\n":
            sys.stdout.write("\r\n>>> ")


class _Saver:
    """Writes the partition to its file, which is open since before the root changed."""

    def __init__(self, path) -> None:
        self._file = open(path, "r+b")

    def __call__(self, octets):
        self._file.seek(0)
        self._file.write(octets)
        self._file.flush()


main(*sys.argv[1:])
