"""Tests of station.start on the VM: safe mode, files that are wrong, what a crash leaves."""

import json
import shutil
import subprocess

import pytest
from station import app, simpins, start

from tools import rom, vm

_LIMIT_S = 60
_DOOR = {
    "accounts": [{"aor": "sip:door@127.0.0.1"}],
    "network": {"address": "127.0.0.1", "sip_port": 0},
    "station": {"role": "door"},
}


@pytest.fixture(scope="module")
def command():
    """Return the command line of a station of board `sim`."""
    main = vm.compiled(vm.ROOT / "firmware" / "main.py", optimise=3)
    return vm.vm_command("128k", rom=rom.build("sim")) + [str(main)]


def run(command, folder, typed="quit\n", **changes):
    """Run a station in *folder* until it ends; return (exit status, events, other lines)."""
    (folder / "config.json").write_text(json.dumps({**_DOOR, **changes}))
    shutil.copy(vm.ROOT / "boards" / "sim" / "board.json", folder)
    done = subprocess.run(
        command, cwd=folder, input=typed, capture_output=True, text=True, timeout=_LIMIT_S
    )
    events, others = [], []
    for line in (done.stdout + done.stderr).splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            others.append(line)
    return done.returncode, events, others


def names(events) -> list:
    return [event["event"] for event in events if event["event"] != "memory"]


def test_a_station_starts_and_ends_when_told(command, tmp_path):
    status, events, others = run(command, tmp_path)
    assert (status, names(events), others) == (0, ["ready"], [])
    assert not (tmp_path / "crash.json").exists()


def test_a_wrong_file_is_status_2_and_says_where(command, tmp_path):
    status, events, _ = run(command, tmp_path, station={"role": "roof"})
    assert (status, events[0]["where"]) == (2, "station.role")
    assert not (tmp_path / "crash.json").exists()


def test_a_crash_is_kept_with_its_traceback_and_counted(tmp_path, monkeypatch):
    async def serve(config, board, pins):
        raise RuntimeError("out of ideas")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(simpins, "Pins", lambda inputs, outputs: None)
    (tmp_path / "config.json").write_text(json.dumps(_DOOR))
    shutil.copy(vm.ROOT / "boards" / "sim" / "board.json", tmp_path)
    for count in (1, 2):
        with pytest.raises(RuntimeError):
            start.run("config.json", "board.json")
        kept = json.loads((tmp_path / "crash.json").read_text())
        assert kept["count"] == count
        assert kept["reason"].rstrip().endswith("RuntimeError: out of ideas")


def test_after_three_crashes_it_waits_in_safe_mode(command, tmp_path):
    (tmp_path / "crash.json").write_text(json.dumps({"count": 3, "reason": "why"}))
    status, events, others = run(command, tmp_path)
    assert (status, names(events), others) == (0, ["safe_mode"], [])
    assert events[0]["reason"] == "why"
    assert json.loads((tmp_path / "crash.json").read_text()) == {"count": 2, "reason": "why"}
