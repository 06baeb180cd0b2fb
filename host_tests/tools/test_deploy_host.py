"""deploy: files go to a simulated board, the VM's REPL at a pseudo-terminal."""

import json
import subprocess
import sys

import pytest

from tools import deploy, monitor, rom, simboard, vm
from tools.device import Device, DeviceError

CONFIG = {
    "accounts": [{"aor": "sip:door@192.0.2.10"}],
    "station": {"role": "door", "buttons": [{"input": 0, "targets": ["sip:in@192.0.2.12"]}]},
}


@pytest.fixture
def board(tmp_path):
    with simboard.SimulatedBoard(tmp_path / "flash") as made:
        yield made


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A small program in the place of ours: a folder whose image is packed when asked for."""
    folder = tmp_path / "tree"
    for name, size in (("lib/usip/one", 5000), ("lib/usip/sip/two", 3), ("station/three", 700)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / (name + ".mpy")).write_bytes(bytes(i * i >> 3 & 255 for i in range(size)))
    (folder / "main.mpy").write_bytes(b"M\x06\x00")

    def build(board, native=True):
        rom._pack(folder, tmp_path / "romfs.img")
        return tmp_path / "romfs.img"

    monkeypatch.setattr(deploy.rom, "build", build)
    return folder


def run(port, *more):
    return deploy.main(["--board", "sim", "--port", port, *more])


def last(capsys):
    return capsys.readouterr().out.splitlines()


def test_files_arrive_once_and_then_only_what_changed(board, tree, tmp_path, capsys):
    flash = tmp_path / "flash"
    assert run(board.port) == 0
    out = last(capsys)
    assert "5 sent, " in out[-2] and "no config.json" in out[-1]
    assert any(line.startswith("100 %") and "/main.py" in line for line in out)
    for name in ("lib/usip/one.mpy", "lib/usip/sip/two.mpy", "station/three.mpy"):
        assert (flash / name).read_bytes() == (tree / name).read_bytes()
    assert (flash / "main.py").read_bytes() == (deploy.ROOT / "firmware/main.py").read_bytes()
    assert json.loads((flash / "board.json").read_text())["name"] == "sim"
    assert not (flash / "main.mpy").exists()

    assert run(board.port) == 0
    assert last(capsys)[-2].startswith("0 sent, 0 bytes; 4 up to date, 0 removed")

    (tree / "station/three.mpy").write_bytes(b"changed")
    assert run(board.port) == 0
    assert last(capsys)[-2].startswith("1 sent, 7 bytes; 3 up to date")
    assert (flash / "station/three.mpy").read_bytes() == b"changed"


def test_what_we_no_longer_send_goes_and_the_users_files_stay(board, tree, tmp_path, capsys):
    flash = tmp_path / "flash"
    (flash / "lib" / "mine").mkdir(parents=True)
    (flash / "lib" / "mine" / "own.py").write_text("x = 1\n")
    (flash / "notes.txt").write_text("mine")
    assert run(board.port) == 0
    (tree / "lib/usip/sip/two.mpy").unlink()
    assert run(board.port) == 0
    assert "0 sent, 0 bytes; 3 up to date, 1 removed" in last(capsys)[-2]
    assert not (flash / "lib/usip/sip/two.mpy").exists()
    assert (flash / "lib/mine/own.py").exists() and (flash / "notes.txt").exists()


def test_a_stations_own_files_are_checked_and_sent(board, tree, tmp_path, capsys):
    files = tmp_path / "door"
    files.mkdir()
    (files / "config.json").write_text(json.dumps(CONFIG))
    (files / "hello.wav").write_bytes(b"RIFF")
    assert run(board.port, "--files", str(files)) == 0
    assert last(capsys)[-1].startswith("7 sent, ")
    assert json.loads((tmp_path / "flash/config.json").read_text()) == CONFIG


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("config.json", "{", "config.json is not valid JSON"),
        ("config.json", "{}", "config.json: accounts: is missing"),
        (
            "config.json",
            json.dumps(dict(CONFIG, station={"role": "cook"})),
            "config.json: station",
        ),
        ("board.json", '{"name": "x", "pins": "gpio"}', "board.json: board.inputs: is missing"),
        ("main.py", "pass", "only config.json, board.json and WAVs"),
    ],
)
def test_wrong_files_are_refused_before_the_board_is_touched(
    tmp_path, capsys, name, text, expected
):
    (tmp_path / name).write_text(text)
    assert deploy.main(["--board", "esp32", "--port", "no", "--files", str(tmp_path)]) == 1
    assert expected in capsys.readouterr().err


def test_a_dry_run_says_what_would_be_sent(board, tree, tmp_path, capsys):
    assert run(board.port, "--dry-run") == 0
    out = last(capsys)
    assert "       to be sent: /station/three.mpy  700 bytes" in out
    assert not (tmp_path / "flash/station").exists()


def test_a_firmware_with_a_partition_gets_the_image(tree, tmp_path, capfd):
    flash = tmp_path / "rom"
    partition = tmp_path / "rom.romfs"
    with simboard.SimulatedBoard(flash, rom_bytes=65536) as board:
        (flash / "lib/usip").mkdir(parents=True)
        (flash / "lib/usip/one.mpy").write_bytes(b"from before, would be found first")
        assert run(board.port) == 0
        image = (tmp_path / "romfs.img").read_bytes()
        assert partition.read_bytes()[: len(image)] == image
        assert not (flash / "lib/usip/one.mpy").exists() and (flash / "main.py").exists()
        capfd.readouterr()
        assert run(board.port) == 0
        out = last(capfd)
        assert "romfs.img: %d bytes, is there already" % len(image) in out
        assert any(line.startswith("0 sent") for line in out)
        (tree / "station/three.mpy").write_bytes(b"changed")
        assert run(board.port) == 0
        image = (tmp_path / "romfs.img").read_bytes()
        assert partition.read_bytes()[: len(image)] == image


def test_an_image_larger_than_the_partition_is_refused(tree, tmp_path, capsys):
    with simboard.SimulatedBoard(tmp_path / "rom", rom_bytes=4096) as board:
        assert run(board.port) == 1
    assert "the ROMFS partition 4096" in capsys.readouterr().err


class Firmware:
    """What a board would say of itself."""

    port = "/dev/ttyUSB0"
    version = (1, 25, 0)
    mpy_version = 6
    emitter = "xtensawin"


def refusal(function, *arguments) -> str:
    try:
        return "returned %r" % (function(*arguments),)
    except (DeviceError, rom.BuildError) as error:
        return str(error)


def test_the_firmware_decides_the_machine_code():
    firmware = Firmware()
    assert deploy.check_board(firmware, "esp32") == "xtensawin"
    firmware.emitter = ""
    assert deploy.check_board(firmware, "esp32") == ""  # the bytecode twin
    firmware.emitter = "rv32imc"
    assert "is for rv32imc" in refusal(deploy.check_board, firmware, "esp32")
    firmware.version = (1, 22, 0)
    assert "needs 1.24" in refusal(deploy.check_board, firmware, "esp32")
    assert "no board esp33: there are esp32, " in refusal(deploy.check_board, Firmware(), "esp33")
    for arch, emitter, runs in (
        ("armv7m", "armv7emsp", True),
        ("armv7m", "armv7m", True),
        ("armv7m", "armv6m", False),
        ("xtensawin", "xtensa", False),
    ):
        assert deploy.is_compatible(arch, emitter) == runs


def test_without_an_emitter_the_twin_is_sent(board, tree, monkeypatch, capsys):
    built = []
    build = deploy.rom.build
    monkeypatch.setattr(
        deploy.rom, "build", lambda name, native=True: built.append(native) or build(name, native)
    )
    ask = Device._ask

    def without(self):
        ask(self)
        self.emitter = ""

    monkeypatch.setattr(Device, "_ask", without)
    assert run(board.port) == 0
    assert built == [False] and "bytecode" in last(capsys)[0]


def test_a_frozen_firmware_gets_no_code(board, tree, tmp_path, monkeypatch, capsys):
    ask = Device._ask

    def frozen(self):
        ask(self)
        self.is_frozen = True

    monkeypatch.setattr(Device, "_ask", frozen)
    assert run(board.port) == 0
    assert last(capsys)[-2].startswith("1 sent")
    assert [path.name for path in (tmp_path / "flash").iterdir()] == ["board.json"]


def test_a_wrong_port_is_said_in_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tools.device.ports", lambda: ["/dev/ttyUSB7"])
    for port, expected in (
        ([], "name the board's serial port, PORT=...: there is /dev/ttyUSB7"),
        (["--port", "/dev/nothing"], "no serial port /dev/nothing: there is /dev/ttyUSB7"),
        (["--port", "/dev/null"], "/dev/null cannot be opened"),
    ):
        assert deploy.main(["--board", "sim", *port]) == 1
        err = capsys.readouterr().err
        assert expected in err and err.count("\n") == 1, err


def test_a_missing_mpremote_is_said(monkeypatch, capsys, board):
    monkeypatch.setitem(sys.modules, "mpremote", None)
    assert run(board.port) == 1
    assert "mpremote is missing: run `make venv`" in capsys.readouterr().err


def test_a_board_without_room_is_said(board, tree, monkeypatch, capsys):
    ask = Device._ask

    def small(self):
        ask(self)
        self.free = 8192

    monkeypatch.setattr(Device, "_ask", small)
    assert run(board.port) == 1
    assert "the board has room for 8192 bytes" in capsys.readouterr().err


def test_the_image_of_the_real_station_lies_on_the_board_and_starts(board, tmp_path, capsys):
    """What was deployed is what the VM then runs, from its own file system."""
    files = tmp_path / "door"
    files.mkdir()
    (files / "config.json").write_text(json.dumps({"accounts": []}))
    assert run(board.port) == 0
    flash = tmp_path / "flash"
    (flash / "config.json").write_text(json.dumps(dict(CONFIG, accounts=[])))
    script = vm.compiled(deploy.ROOT / "firmware" / "main.py", optimise=3)
    command = vm.vm_command("512k", path=flash) + [str(script)]
    done = subprocess.run(command, cwd=flash, capture_output=True, text=True, timeout=60)
    assert '"where": "accounts"' in done.stdout, done.stdout + done.stderr


def test_the_monitor_shows_a_stations_lines():
    line = '{"t": 1.5, "event": "relay", "output": 0, "on": true}'
    assert monitor.shown(line) == "    1.500  relay  output 0  on true"
    for other in ("MPY: soft reboot", "{}", "[1]", "7"):
        assert monitor.shown(other) == other


def test_mip_installs_the_library_alone(board, tmp_path):
    """From package.json, with the sources as they are."""
    command = [sys.executable, "-m", "mpremote", "connect", board.port, "resume", "mip"]
    command += ["install", "--no-mpy", "--target", "/lib", "package.json"]
    done = subprocess.run(command, cwd=deploy.ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    lib = tmp_path / "flash" / "lib"
    there = {path.relative_to(lib).as_posix() for path in lib.rglob("*.py")}
    listed = json.loads((deploy.ROOT / "package.json").read_text())["urls"]
    assert there == {target for target, _ in listed}
