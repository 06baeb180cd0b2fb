"""A board that is none: the VM with a file system of its own behind a pseudo-terminal.

    python -m tools.simboard FOLDER [--romfs BYTES]

prints the name of its serial port and serves it until interrupted: `make deploy BOARD=sim
PORT=/dev/pts/N` takes it for a board. FOLDER is its flash, FOLDER.romfs its ROMFS partition.
"""

import argparse
import os
import pty
import subprocess
import sys
import tty
from pathlib import Path

from tools import get_micropython, vm

ROOT = vm.ROOT


class SimulatedBoard:
    """The VM at a pseudo-terminal: *port* is its name. Close it."""

    def __init__(self, folder: Path, rom_bytes: int = 0, heap: str = "512k") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        arguments = [str(folder.resolve())]
        if rom_bytes:
            partition = folder.with_name(folder.name + ".romfs")
            if not partition.exists():
                partition.write_bytes(b"\xff" * rom_bytes)
            arguments.append(str(partition.resolve()))
        master, self._slave = pty.openpty()  # programs open the slave; ours keeps it alive
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        command = vm.vm_command(heap) + [str(ROOT / "tools" / "vm_repl.py")] + arguments
        self._process = subprocess.Popen(command, stdin=master, stdout=master, stderr=master)
        os.close(master)

    def wait(self) -> int:
        """Wait for its end."""
        return self._process.wait()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._slave)

    def __enter__(self) -> "SimulatedBoard":
        return self

    def __exit__(self, kind, value, trace) -> None:
        self.close()


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.simboard", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--romfs", type=int, default=0, metavar="BYTES", help="a partition so large"
    )
    options = parser.parse_args(argv)
    try:
        board = SimulatedBoard(options.folder, options.romfs)
    except get_micropython.NotFound as error:
        print("tools.simboard: %s" % error, file=sys.stderr)
        return 1
    with board:
        print(board.port, flush=True)
        try:
            return board.wait()
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
