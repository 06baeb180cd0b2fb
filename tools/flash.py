"""Writes a MicroPython firmware to a board that has none yet, by esptool.

    python -m tools.flash --board esp32 --port /dev/ttyUSB0 --image ESP32_GENERIC-...bin [--keep]

The image is a stock one from micropython.org's downloads, or one made from boards/BOARD. It is
looked at before: whether it is for this chip, and whole, with bootloader and partition table. The
flash is erased first, files and all; --keep leaves what the image does not cover.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tools import rom
from tools.device import DeviceError, check_port

ROOT = rom.ROOT
ESPTOOL = (sys.executable, "-m", "esptool")
_BAUD = 460800
_TABLE_AT = 0x8000  # of the partition table, in flash
# The chip id in an image's header (esptool's "extended header"), and what esptool calls it.
_CHIPS = {0: "esp32", 2: "esp32s2", 9: "esp32s3", 5: "esp32c3", 12: "esp32c2", 13: "esp32c6"}


def settings_of(board: str) -> tuple:
    """Return (chip, offset of the firmware in flash) of a board; DeviceError when it has none."""
    rom.emitter_of(board)  # BuildError names the boards there are
    settings = json.loads((ROOT / "boards" / board / "build.json").read_text())
    if "chip" not in settings:
        raise DeviceError("board %s is not flashed: it is none" % board)
    return settings["chip"], int(settings["flash_offset"], 0)


def check_image(path, chip: str, offset: int) -> None:
    """Look whether the file *path* is a whole firmware for *chip*; DeviceError says what it is."""
    if not path:
        raise DeviceError("name the firmware, IMAGE=...bin: a stock one is at micropython.org")
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DeviceError("%s cannot be read: %s" % (path, error.strerror)) from None
    if len(data) < 24 or data[0] != 0xE9:
        raise DeviceError("%s is no firmware for an ESP32 of any kind" % path)
    found = _CHIPS.get(data[12] | data[13] << 8, "an unknown chip")
    if found != chip:
        raise DeviceError("%s is for the %s, but the board has an %s" % (path, found, chip))
    at = _TABLE_AT - offset
    if data[at : at + 2] != b"\xaa\x50":
        text = "%s has no bootloader and partition table: take the .bin, not the .app-bin"
        raise DeviceError(text % path)


def esptool(chip: str, port: str, arguments: list) -> None:
    """Run esptool, whose progress is shown; DeviceError when it fails."""
    command = list(ESPTOOL) + ["--chip", chip, "--port", port, "--baud", str(_BAUD)]
    status = subprocess.run(command + arguments).returncode
    if status:
        text = "esptool could not %s: hold BOOT while you press RESET, and try again"
        raise DeviceError(text % arguments[0].replace("-", " the ", 1))


def check_tool() -> None:
    """DeviceError when esptool is not installed."""
    if subprocess.run(list(ESPTOOL) + ["version"], capture_output=True).returncode:
        raise DeviceError("esptool is missing: run `make venv`")


def flash(board: str, port, image, keep: bool) -> None:
    """Flash a board; DeviceError says what is wrong, before anything is erased."""
    chip, offset = settings_of(board)
    check_image(image, chip, offset)
    check_port(port)
    check_tool()
    if not keep:
        esptool(chip, port, ["erase-flash"])
    esptool(chip, port, ["write-flash", hex(offset), str(image)])
    print("flashed. Next: make deploy BOARD=%s PORT=%s FILES=folder" % (board, port))


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.flash", description=__doc__.split("\n")[0])
    parser.add_argument("--board", required=True)
    parser.add_argument("--port")
    parser.add_argument("--image", metavar="BIN", help="MicroPython for this chip")
    parser.add_argument("--keep", action="store_true", help="do not erase the flash first")
    options = parser.parse_args(argv)
    try:
        flash(options.board, options.port, options.image, options.keep)
    except (DeviceError, rom.BuildError) as error:
        print("tools.flash: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
