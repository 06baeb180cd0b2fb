"""boards/: each folder is whole and agrees with itself."""

import json
import re

import pytest

from tools import rom

BOARDS = sorted(path.parent.name for path in (rom.ROOT / "boards").glob("*/partitions.csv"))
SUB = {"esp32": 0x1000, "esp32s3": 0, "esp32c3": 0}


def folder(name):
    return rom.ROOT / "boards" / name


def numbers(found):
    """Return every pin of a board.json."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("gpio", "sck", "ws", "sd", "power", "clock"):
                yield value
            elif key not in ("address", "id", "led"):
                yield from numbers(value)
    elif isinstance(found, list):
        for entry in found:
            yield from numbers(entry)


def test_five_boards_are_there():
    assert BOARDS == ["esp32", "esp32-poe", "esp32c3", "esp32s3", "wt32-eth01"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_wiring_names_every_pin_and_no_other(name):
    board = json.loads((folder(name) / "board.json").read_text())
    text = (folder(name) / "README.md").read_text()
    drawing = "\n".join(line for line in text.splitlines() if "──" in line)
    drawn = {int(n) for n in re.findall(r"(?:┤ |\s)(\d+)\s*(?=├|│|\s)", drawing)}
    wired = set(numbers({k: board[k] for k in ("inputs", "outputs", "audio")}))
    assert wired <= drawn, wired - drawn
    for pin in numbers(board.get("ethernet", {})):
        assert re.search(r"\b(IO)?%d\b" % pin, text), pin


@pytest.mark.parametrize("name", BOARDS)
def test_the_partitions_lie_side_by_side_in_flash(name):
    build = json.loads((folder(name) / "build.json").read_text())
    text = (folder(name) / "partitions.csv").read_text()
    at = 0x9000
    sizes = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        label, _, _, offset, size = [word.strip() for word in line.split(",")]
        assert int(offset, 0) == at, label
        at += int(size, 0)
        sizes[label] = int(size, 0)
    flash_mb = int(re.search(r"# (\d+) MB", text).group(1))
    assert at == flash_mb << 20
    assert sizes["romfs"] == build["romfs_bytes"] and sizes["factory"] % 0x10000 == 0
    config = (folder(name) / "sdkconfig.board").read_text()
    assert "CONFIG_ESPTOOLPY_FLASHSIZE_%dMB=y" % flash_mb in config


@pytest.mark.parametrize("name", BOARDS)
def test_chip_and_offset_agree(name):
    board = json.loads((folder(name) / "board.json").read_text())
    build = json.loads((folder(name) / "build.json").read_text())
    assert board["mcu"] == build["chip"]
    assert int(build["flash_offset"], 0) == SUB[build["chip"]]
    assert board["deploy_options"]["flash_offset"] == build["flash_offset"]
    assert (
        "mpconfigboard_%s_common.cmake" % build["chip"]
        in (folder(name) / "mpconfigboard.cmake").read_text()
    )


def test_the_settings_a_telephone_wants_are_set():
    text = (rom.ROOT / "boards" / "sdkconfig.usip").read_text()
    for line in (
        "CONFIG_LWIP_UDP_RECVMBOX_SIZE=32",
        "CONFIG_LWIP_IP4_REASSEMBLY=y",
        "CONFIG_FREERTOS_HZ=1000",
        "CONFIG_LWIP_MAX_SOCKETS=16",
    ):
        assert line in text
    for name in BOARDS:
        assert "MICROPY_VFS_ROM (1)" in (folder(name) / "mpconfigboard.h").read_text()


def test_an_image_fits_its_partition():
    image = rom.build("esp32")
    build = json.loads((folder("esp32") / "build.json").read_text())
    assert image.stat().st_size < build["romfs_bytes"]
