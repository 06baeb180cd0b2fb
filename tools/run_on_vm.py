"""Runs the portable tests on the MicroPython VM, against the image a board gets.

    python -m tools.run_on_vm [--heap 512k] [--twin] [--sources] [FILE ...] [-k NAME_PART]

Portable is every host_tests/**/test_*.py but *_host.py and host_tests/interop: plain functions
and asserts. Each file has a VM of its own with a hard heap; the library comes from the mapped
image of board `sim` (--twin: its bytecode twin; --sources: lib/ as it is, which gives line
numbers). The variable VECTORS names the folder of vectors (../shared/vectors). The closing line is
`N passed, N failed`; a VM that dies or hangs counts as one failure.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

from tools import get_micropython, rom, vm

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 60
_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def portable() -> list:
    """Return the test files that run on the VM."""
    found = sorted((ROOT / "host_tests").rglob("test_*.py"))
    return [
        path
        for path in found
        if path.stem[-5:] != "_host" and "interop" not in path.relative_to(ROOT).parts
    ]


def run(path: Path, heap: str, image=None, part: str = "") -> tuple:
    """Run one file; return (passed, failed, what to print)."""
    try:
        script = vm.compiled(path.resolve())
        driver = vm.compiled(ROOT / "tools" / "vm_tests.py")
    except subprocess.CalledProcessError as error:
        return 0, 1, error.stderr.strip()
    extra = ":".join(str(folder) for folder in (ROOT, ROOT / "firmware", ROOT / "host_tests"))
    command = vm.vm_command(heap, rom=image)
    if image is None:
        driver = ROOT / "tools" / "vm_tests.py"
    command += [str(driver), extra, str(script), part]
    environment = dict(os.environ)
    environment.setdefault("VECTORS", str(ROOT.parent / "shared" / "vectors"))
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")
        return 0, 1, "%sno end after %d s" % (output, TIMEOUT_S)
    summary = _SUMMARY.search(done.stdout)
    if summary is None:
        output = done.stdout + done.stderr
        return 0, 1, "%sthe VM ended with status %d" % (output, done.returncode)
    return int(summary.group(1)), int(summary.group(2)), _shortened(done.stdout) + done.stderr


def _shortened(output: str) -> str:
    lines = output.splitlines(keepends=True)
    return "".join(line for line in lines[:-1] if line[:2] != "# ")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.run_on_vm", description=__doc__.split("\n")[0])
    parser.add_argument("--heap", default="512k", help="hard heap of each VM (default 512k)")
    parser.add_argument("--twin", action="store_true", help="run the bytecode twin")
    parser.add_argument("--sources", action="store_true", help="run the sources in lib/")
    parser.add_argument("-k", default="", metavar="NAME_PART", help="only tests so named")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args(argv)
    files = options.files or portable()
    for path in files:
        if not path.is_file():
            print("tools.run_on_vm: no such file: %s" % path, file=sys.stderr)
            return 2
    try:
        machine = vm.machine()
    except get_micropython.NotFound as error:
        print("tools.run_on_vm: %s" % error, file=sys.stderr)
        return 1
    failed = 0
    try:
        image = (
            None if options.sources else rom.build("sim", native=not options.twin, linked=False)
        )
    except rom.BuildError as error:
        print(error)
        failed = 1
        image = error.image
    return _run_all(files, options, machine, image, failed)


def _run_all(files, options, machine, image, failed) -> int:
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(run, path, options.heap, image, options.k) for path in files]
        for path, future in zip(files, runs):
            path = os.path.relpath(path)
            good, bad, output = future.result()
            passed += good
            failed += bad
            print(
                "%s: %d passed, %d failed" % (path, good, bad) if bad else "%s: %d" % (path, good)
            )
            if output.strip():
                print(output.rstrip())
            sys.stdout.flush()
    print("MicroPython %d.%d, %d bit, heap %s" % (machine.version + (machine.bits, options.heap)))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
