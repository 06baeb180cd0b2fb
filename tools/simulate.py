"""Runs stations against each other and says whether everything happened that had to.

    python -m tools.simulate [SCENARIO.json|NAME] [--report DIR] [--seed N]
    python -m tools.simulate --all [--report DIR] [--seed N]
    python -m tools.simulate --list

Without a scenario: `doorbell`. Stations whose scenario has a real clock are MicroPython VMs with
a device's heap, running the image of board `sim` on loopback; with a virtual clock the same files
run on CPython, where an hour takes seconds. Either way the ladder and a summary are printed, and
DIR (build/sim, or build/sim/NAME) gets report.html, ladder.svg, messages.pcap and a folder for
each station with its WAVs. The exit status is 0 when every check holds, 1 when one does not, 2 for
a scenario that cannot be run. --all runs every known scenario, two at a time, into DIR/NAME, and
prints a line for each and the whole report of one that fails.
"""

import argparse
import signal
import subprocess
import sys
import time
from concurrent import futures
from pathlib import Path

from tools import get_micropython, report, report_text, rom
from tools.simulation import checks, machines, scenario, virtual

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = "doorbell"
_AT_ONCE = 2


def run(chosen, seed: int, folder: Path):
    """Run a scenario and return its recording; files go to *folder*."""
    kind = machines.RealRun if chosen.clock == "real" else virtual.VirtualRun
    return kind(chosen, seed, folder).run()


def print_list() -> None:
    """Print the scenarios that come with usip."""
    for path in scenario.known():
        known = scenario.load(path)
        print("%-16s %-8s %s" % (known.name, known.clock, known.title))


def run_all(seed: int, folder: Path) -> int:
    """Run every known scenario in a process of its own; return the exit status."""
    rom.build("sim")  # once, not by each of them
    names = [path.stem for path in scenario.known()]
    with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(lambda name: _run_one(name, seed, folder / name), names))
    return 1 if any(done) else 0


def _run_one(name: str, seed: int, folder: Path) -> int:
    command = [sys.executable, "-m", "tools.simulate", name, "--seed", str(seed)]
    started = time.monotonic()
    done = subprocess.run(
        command + ["--report", str(folder)], capture_output=True, text=True, cwd=ROOT
    )
    word = "failed" if done.returncode else "passed"
    shown = done.stdout + done.stderr if done.returncode else ""
    seconds = time.monotonic() - started
    print("%-16s %s in %.1f s\n%s" % (name, word, seconds, shown), end="", flush=True)
    return done.returncode


def _interrupt(number, frame):
    raise KeyboardInterrupt


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.simulate", description=__doc__.split("\n")[0])
    parser.add_argument("scenario", nargs="?", default=DEFAULT, help="a file, or a known name")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where the report goes")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random")
    parser.add_argument("--all", action="store_true", help="run every known scenario")
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    options = parser.parse_args(argv)
    if options.list:
        print_list()
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.all:
            return run_all(options.seed, options.report or ROOT / "build" / "sim")
        chosen = scenario.load(scenario.find(options.scenario))
        folder = options.report or _folder(chosen.name)
        recording = run(chosen, options.seed, folder)
    except scenario.ScenarioError as error:
        print("tools.simulate: %s" % error, file=sys.stderr)
        return 2
    except (get_micropython.NotFound, rom.BuildError, OSError) as error:
        print("tools.simulate: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools.simulate: stopped", file=sys.stderr)
        return 1
    return _report(recording, folder)


def _folder(name: str) -> Path:
    base = ROOT / "build" / "sim"
    return base if name == DEFAULT else base / name


def _report(recording, folder: Path) -> int:
    results = checks.check(recording)
    page = report.write(recording, results, folder)
    style = report_text.Style()
    print(recording.scenario.title)
    print()
    print(report_text.ladder(recording, style))
    print(report_text.summary(recording, results, style))
    wrong = [result for result in results if not result.is_good]
    print()
    print("report: %s" % _shown(page))
    for result in wrong:
        print("failed: %s: %s" % (result.name, result.detail), file=sys.stderr)
    return 1 if wrong else 0


def _shown(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


if __name__ == "__main__":
    sys.exit(main())
