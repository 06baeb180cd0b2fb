"""flash: what is refused before a board is erased, and what esptool is asked for."""

import sys

import pytest

from tools import flash

STUB = """\
import sys
with open({log!r}, "a") as log:
    print(*sys.argv[1:], file=log)
sys.exit({status} if sys.argv[1:] != ["version"] else 0)
"""


def image(path, chip=0, offset=0x1000, table=b"\xaa\x50"):
    data = bytearray(b"\xff" * 0x9000)
    data[0] = 0xE9
    data[12:14] = bytes([chip, 0])
    data[0x8000 - offset : 0x8002 - offset] = table
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Return a function that puts a stub in esptool's place and one that tells its calls."""
    log = tmp_path / "calls"

    def put(status=0):
        stub = tmp_path / "esptool_stub.py"
        stub.write_text(STUB.format(log=str(log), status=status))
        monkeypatch.setattr(flash, "ESPTOOL", (sys.executable, str(stub)))

    put()
    return put, lambda: log.read_text().splitlines() if log.exists() else []


def run(capsys, *arguments):
    status = flash.main(list(arguments))
    out, err = capsys.readouterr()
    assert err.count("\n") == (1 if status else 0), err
    return status, out, err


def test_a_stock_image_is_written_where_the_chip_starts(tmp_path, tool, capsys):
    for board, chip, number, offset in (
        ("esp32", "esp32", 0, 0x1000),
        ("esp32s3", "esp32s3", 9, 0),
        ("esp32c3", "esp32c3", 5, 0),
    ):
        path = image(tmp_path / (board + ".bin"), number, offset)
        status, out, _ = run(capsys, "--board", board, "--port", "/dev/null", "--image", path)
        assert status == 0 and "make deploy BOARD=%s" % board in out
        common = "--chip %s --port /dev/null --baud 460800 " % chip
        assert tool[1]()[-3:] == [
            "version",
            common + "erase-flash",
            common + "write-flash %s %s" % (hex(offset), path),
        ]


def test_keep_leaves_the_files(tmp_path, tool, capsys):
    path = image(tmp_path / "esp32.bin")
    assert (
        run(capsys, "--board", "esp32", "--port", "/dev/null", "--image", path, "--keep")[0] == 0
    )
    assert not any("erase" in call for call in tool[1]())


@pytest.mark.parametrize(
    "board, make, expected",
    [
        ("esp32", lambda p: "", "name the firmware, IMAGE="),
        ("esp32", lambda p: str(p / "none.bin"), "cannot be read: No such file"),
        (
            "esp32",
            lambda p: image(p / "s3.bin", 9),
            "is for the esp32s3, but the board has an esp32",
        ),
        ("esp32s3", lambda p: image(p / "a.bin", 0, 0), "is for the esp32, but the board has an"),
        (
            "esp32",
            lambda p: image(p / "b.app-bin", table=b"\xff\xff"),
            "take the .bin, not the .app",
        ),
        ("sim", lambda p: "x", "board sim is not flashed"),
        ("esp33", lambda p: "x", "no board esp33: there are "),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_erased(
    tmp_path, tool, capsys, board, make, expected
):
    arguments = ["--board", board, "--port", "/dev/null", "--image", make(tmp_path)]
    status, _, err = run(capsys, *arguments)
    assert status == 1 and expected in err, err
    assert tool[1]() == []


def test_text_is_no_firmware(tmp_path, tool, capsys):
    path = tmp_path / "readme.txt"
    path.write_text("hello" * 100)
    status, _, err = run(capsys, "--board", "esp32", "--port", "/dev/null", "--image", str(path))
    assert status == 1 and "is no firmware for an ESP32" in err


def test_a_wrong_port_a_missing_tool_and_a_failure_are_said(tmp_path, tool, capsys, monkeypatch):
    path = image(tmp_path / "esp32.bin")
    status, _, err = run(capsys, "--board", "esp32", "--port", "/dev/nothing", "--image", path)
    assert status == 1 and "no serial port /dev/nothing" in err
    status, _, err = run(capsys, "--board", "esp32", "--port", "", "--image", path)
    assert status == 1 and "name the board's serial port" in err
    tool[0](2)
    status, _, err = run(capsys, "--board", "esp32", "--port", "/dev/null", "--image", path)
    assert status == 1 and "esptool could not erase the flash: hold BOOT" in err
    monkeypatch.setattr(flash, "ESPTOOL", (sys.executable, "-m", "no_such_module"))
    status, _, err = run(capsys, "--board", "esp32", "--port", "/dev/null", "--image", path)
    assert status == 1 and "esptool is missing: run `make venv`" in err


def test_the_pinned_esptool_knows_the_commands():
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "esptool", "--help"], capture_output=True, text=True
    )
    assert "erase-flash" in done.stdout and "write-flash" in done.stdout
