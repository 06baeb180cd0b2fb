"""Brings a board's files up to date over its serial port.

    python -m tools.deploy --board esp32 --port /dev/ttyUSB0 [--files FOLDER] [--dry-run]
                           [--no-rom] [--no-restart]

What the board runs decides what it gets. With a ROMFS partition: the image, from where code runs
without being loaded. Frozen: nothing of our code. Otherwise, on stock firmware: the same .mpy
files on its file system, linked and shortened, with machine code for the emitter that its firmware
has, or the bytecode twin where it has none. Only what differs is sent, found by digests made on
the board; what we sent once and is no more is removed; what was sent is read back.

FOLDER holds a station's own files: config.json, board.json, WAVs. They are checked here before.
Without one a board keeps those it has; board.json is that of boards/BOARD when it has none.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

from tools import get_micropython, rom
from tools.device import Device, DeviceError, files_below

ROOT = rom.ROOT
_OURS = ("/lib/usip/", "/station/")  # what lies there is ours, all else is the user's
_OLDEST = (1, 24)
_MPY = 6


class Plan:
    """What is to be sent and to be removed: *wanted* path -> octets, *there* path -> digest."""

    def __init__(self, wanted: dict, there: dict) -> None:
        self.send = {
            path: data
            for path, data in wanted.items()
            if there.get(path) != hashlib.sha256(data).hexdigest()
        }
        self.remove = [path for path in there if path.startswith(_OURS) and path not in wanted]
        self.kept = len(wanted) - len(self.send)

    @property
    def octets(self) -> int:
        """How much is to be sent."""
        return sum(len(data) for data in self.send.values())

    def folders(self) -> list:
        """Return the folders that what is sent lies in."""
        found = set()
        for path in self.send:
            parts = path.split("/")[1:-1]
            found.update("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))
        return sorted(found)


def check_board(device, board: str) -> str:
    """Return the architecture to build for, "" for bytecode; DeviceError: another chip."""
    if device.version[:2] < _OLDEST or device.mpy_version != _MPY:
        text = "the board runs MicroPython %d.%d; usip needs %d.%d or newer"
        raise DeviceError(text % (device.version[:2] + _OLDEST))
    wanted = rom.emitter_of(board)
    if device.emitter and wanted and not is_compatible(wanted, device.emitter):
        text = "board %s is %s, but the firmware at %s is for %s"
        raise DeviceError(text % (board, wanted, device.port, device.emitter))
    return wanted if device.emitter else ""


def is_compatible(arch: str, emitter: str) -> bool:
    """Return whether a firmware with *emitter* runs machine code made for *arch*."""
    return arch == emitter or arch[:5] == emitter[:5] == "armv7"


def code(board: str, is_native: bool) -> tuple:
    """Return (image, files): the ROMFS image's path and the same as files of a stock firmware."""
    image = rom.build(board, native=is_native)
    files = {"/" + path: data for path, data in files_below(image.parent / "tree").items()}
    del files["/main.mpy"]  # MicroPython starts main.py only
    return image, files


def own_files(folder, board: str) -> dict:
    """Return a station's files, checked; DeviceError says what is wrong with them."""
    files = {}
    if folder is not None:
        if not Path(folder).is_dir():
            raise DeviceError("no folder %s" % folder)
        files = {"/" + path: data for path, data in files_below(Path(folder)).items()}
    for path in files:
        if path.startswith(_OURS) or path.endswith((".py", ".mpy")):
            raise DeviceError(
                "%s%s: only config.json, board.json and WAVs belong here" % (folder, path)
            )
    if "/board.json" in files:
        check_json(files["/board.json"], "board.json", board)
    if "/config.json" in files:
        check_json(files["/config.json"], "config.json", board)
    return files


def check_json(data: bytes, name: str, board: str) -> None:
    """Check one of the two files as the station does when it starts."""
    for folder in ("lib", "firmware"):
        if str(ROOT / folder) not in sys.path:
            sys.path.insert(0, str(ROOT / folder))
    from usip import config  # installs what MicroPython has built in
    from usip.errors import ConfigError

    # isort: split
    from station import board as boards
    from station import settings

    try:
        document = json.loads(data)
        if name == "board.json":
            boards.parse(document)
        else:
            settings.parse(config.parse(document)["station"])
    except ConfigError as error:
        raise DeviceError("%s: %s: %s" % (name, error.path, error.text)) from None
    except ValueError:
        raise DeviceError("%s is not valid JSON" % name) from None


class Progress:
    """A line a file, and on a terminal how far it is."""

    def __init__(self, files: int, octets: int) -> None:
        self._files = files
        self._octets = octets
        self._number = self._done = 0

    def show(self, path: str, sent: int, size: int) -> None:
        """So much of a file is there."""
        share = 100 * (self._done + sent) // max(1, self._octets)
        values = (share, self._number + 1, self._files, path, size)
        line = "%3d %%  %d/%d  %s  %d bytes" % values
        start = "\r\x1b[K" if sys.stdout.isatty() else ""
        if sent == size:
            self._number += 1
            self._done += size
            print(start + line, flush=True)
        elif start:
            print(start + line, end="", flush=True)


def send(device, plan: Plan) -> None:
    """Do what a plan says; DeviceError when there is no room or a file did not arrive."""
    for path in plan.remove:
        device.remove(path)
        print("       removed %s" % path)
    if plan.octets + 4096 * len(plan.send) > device.free:
        text = "the board has room for %d bytes, %d are to be sent: erase it (make flash)"
        raise DeviceError(text % (device.free, plan.octets))
    if plan.send:
        device.make_folders(plan.folders())
    # What starts the station comes last: before, a broken link leaves a board at its REPL.
    order = sorted(plan.send, key=lambda path: (path == "/main.py", path))
    progress = Progress(len(plan.send), plan.octets)
    device.write({path: plan.send[path] for path in order}, progress.show)


def verify(device, plan: Plan) -> None:
    """Read back what was sent."""
    there = device.digests(_OURS)
    for path, data in plan.send.items():
        if there.get(path) != hashlib.sha256(data).hexdigest():
            raise DeviceError("%s did not arrive whole: run this again" % path)


def deploy_rom(device, image: Path, is_dry: bool):
    """Write the ROMFS image when it is another one; return a new link, or the old one."""
    data = image.read_bytes()
    if len(data) > device.rom_bytes:
        text = "the image has %d bytes, the ROMFS partition %d"
        raise DeviceError(text % (len(data), device.rom_bytes))
    if device.rom_digest(len(data)) == hashlib.sha256(data).hexdigest():
        print("romfs.img: %d bytes, is there already" % len(data))
        return device
    print("romfs.img: %d bytes %s" % (len(data), "to be sent" if is_dry else ""))
    if is_dry:
        return device
    device.close()
    command = [sys.executable, "-m", "mpremote", "connect", device.port, "resume"]
    if subprocess.run(command + ["romfs", "deploy", str(image)]).returncode:
        raise DeviceError("mpremote could not write the ROMFS partition")
    return Device(device.port)


def deploy(options) -> int:
    """Bring a board up to date; return the number of files sent."""
    own = own_files(options.files, options.board)
    rom.emitter_of(options.board)
    device = Device(options.port)
    try:
        arch = check_board(device, options.board)
        is_native = bool(arch) or not rom.emitter_of(options.board)
        print(
            "%s: MicroPython %d.%d.%d, %s, %s"
            % ((options.port,) + device.version + (device.machine, arch or "bytecode"))
        )
        wanted = {}
        if not device.is_frozen:
            image, files = code(options.board, is_native)
            if device.rom_bytes > 0 and not options.no_rom:
                device = deploy_rom(device, image, options.dry_run)
            else:
                wanted = files
            wanted["/main.py"] = (ROOT / "firmware" / "main.py").read_bytes()
        return _bring(device, wanted, own, options)
    finally:
        device.close()


def _bring(device, wanted: dict, own: dict, options) -> int:
    there = device.digests(_OURS)
    if "/board.json" not in there and "/board.json" not in own:
        own["/board.json"] = (ROOT / "boards" / options.board / "board.json").read_bytes()
    wanted.update(own)
    plan = Plan(wanted, there)
    if options.dry_run:
        for path in sorted(plan.send):
            print("       to be sent: %s  %d bytes" % (path, len(plan.send[path])))
        for path in plan.remove:
            print("       to be removed: %s" % path)
    else:
        send(device, plan)
        if plan.send:
            verify(device, plan)
    text = "%d sent, %d bytes; %d up to date, %d removed"
    print(text % (len(plan.send), plan.octets, plan.kept, len(plan.remove)))
    if "/config.json" not in there and "/config.json" not in own:
        print("there is no config.json on the board yet: give one with FILES=folder")
    if not (options.dry_run or options.no_restart):
        device.restart()
    return len(plan.send)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.deploy", description=__doc__.split("\n")[0])
    parser.add_argument("--board", required=True)
    parser.add_argument("--port")
    parser.add_argument("--files", metavar="FOLDER", help="a station's config.json and the like")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent")
    parser.add_argument("--no-rom", action="store_true", help="files, though there is a partition")
    parser.add_argument("--no-restart", action="store_true", help="leave the board at its REPL")
    options = parser.parse_args(argv)
    try:
        deploy(options)
    except (DeviceError, rom.BuildError, get_micropython.NotFound) as error:
        print("tools.deploy: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
