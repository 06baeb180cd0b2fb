"""Rings at a door station on the VM until it would have grown: nothing may stay in the heap.

    python -m tools.rings [--rings 10000] [--heap 112k]

The station is the image of board `sim` in a process of its own, with two keys that are pressed in
turn. Its indoor station is this program, which refuses each call (486). What the heap holds is
taken from the station's own reports after every tenth part of the rings. The exit status is 1
when the second half of the run has grown by more than 64 octets, or a ring went nowhere.
"""

import argparse
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools import get_micropython, rom, vm

_WAIT_S = 10  # for what takes milliseconds
_SETTLED = 64  # octets
_KEPT = ("via", "from", "call-id", "cseq")


class Door:
    """The station's process; `read` follows its log."""

    def __init__(self, command: list, folder: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        self.heap = []  # (octets in use) of its reports

    def tell(self, line: str) -> None:
        """Be a finger."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for(self, name: str) -> None:
        """Read to the next event *name*; RuntimeError for what is no event, or the end."""
        while True:
            line = self.process.stdout.readline()
            try:
                event = json.loads(line)
            except ValueError:
                raise RuntimeError("the station said: %s" % (line or "nothing more")) from None
            if event["event"] == "memory":
                self.heap.append(event["mem_alloc"])
            elif event["event"] == "error":
                raise RuntimeError(line)
            if event["event"] == name:
                return


def refuse(phone) -> None:
    """Answer the next INVITE with 486, and repetitions of older ones; OSError when none comes."""
    while True:
        octets, source = phone.recvfrom(4096)
        if octets.startswith(b"INVITE "):
            lines = octets.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
            kept = [line for line in lines if line.partition(":")[0].lower() in _KEPT]
            kept += [line + ";tag=1" for line in lines if re.match("To:", line)]
            text = ["SIP/2.0 486 Busy Here", *kept, "Content-Length: 0", "", ""]
            phone.sendto("\r\n".join(text).encode(), source)
            return


def _prepare(folder: Path, port: int) -> None:
    target = "sip:indoor@127.0.0.1:%d" % port
    buttons = [{"input": i, "targets": [target]} for i in (0, 1)]
    config = {
        "accounts": [{"aor": "sip:door@127.0.0.1"}],
        "network": {"address": "127.0.0.1", "sip_port": 0},
        "station": {"role": "door", "buttons": buttons, "relays": [{"output": 0}]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(vm.ROOT / "boards" / "sim" / "board.json", folder)


def run(rings: int, heap: str) -> int:
    """Ring; print the heap on the way; return the exit status."""
    image = rom.build("sim")
    main = vm.compiled(vm.ROOT / "firmware" / "main.py", optimise=3)
    with tempfile.TemporaryDirectory() as name, socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(_WAIT_S)
        _prepare(Path(name), phone.getsockname()[1])
        door = Door(vm.vm_command(heap, rom=image) + [str(main)], Path(name))
        try:
            marks = _ring(door, phone, rings)
        finally:
            door.process.stdin.close()
            door.process.wait(_WAIT_S)
    half = marks[len(marks) // 2 - 1]
    grown = marks[-1] - half
    print("grown in the second half: %d octets" % grown)
    return 1 if grown > _SETTLED else 0


def _ring(door, phone, rings) -> list:
    """Return what the heap held after each tenth part."""
    door.wait_for("ready")
    marks = []
    started = time.monotonic()
    for n in range(rings):
        key = n % 2
        door.tell("release %d" % (1 - key))
        door.tell("press %d" % key)
        refuse(phone)
        door.wait_for("unanswered")
        if (n + 1) % max(1, rings // 10) == 0:
            for _ in range(2):
                door.wait_for("memory")
            marks.append(door.heap[-1])
            seconds = time.monotonic() - started
            print("%6d rings  %6d octets  %5.0f s" % (n + 1, marks[-1], seconds), flush=True)
    return marks


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.rings", description=__doc__.split("\n")[0])
    parser.add_argument("--rings", type=int, default=10000, help="how many (default 10000)")
    parser.add_argument("--heap", default="112k", help="of the VM (default 112k)")
    options = parser.parse_args(argv)
    if options.rings < 20:
        parser.error("--rings must be 20 or more")
    try:
        return run(options.rings, options.heap)
    except (get_micropython.NotFound, rom.BuildError, RuntimeError, OSError) as error:
        print("tools.rings: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
