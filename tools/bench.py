"""Benchmarks: time and heap of one operation, on CPython and on the VM in the same run.

    python -m tools.bench [--heap 256k] [NAME_PART ...]

Cases are the files of tools/benchmarks. On the VM the code under test comes from the mapped
images of board `sim`: as it is, and its bytecode twin (what a VM without a native emitter runs).
The three take turns and the best time of each counts, so that a busy machine slows all or none.
A file's YARDSTICK is the case the others are compared with: "x" says how many times faster they
are than it on the same VM. Its RATIOS are goals: how many times as long as another case on the VM
(or, for one in C, on CPython) a case may take there. What a frame of a call takes on an ESP32, by
counting (tools.xtensa_count), comes last, and how exactly in time packets leave (tools.pacing).
All is printed and written to build/bench.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from tools import get_micropython, pacing, rom, vm, xtensa, xtensa_count

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tools" / "benchmarks"
RESULT = ROOT / "build" / "bench.json"
_DRIVER = ROOT / "tools" / "bench_cases.py"
_PLACES = ("cpython", "vm", "twin")
_TURNS = 3
_PACING_S = 6


class BenchError(Exception):
    """A benchmark did not run to its end."""


def _cpython(path: Path, heap: str) -> list:
    folders = [ROOT / "lib", ROOT / "firmware", ROOT / "host_tests", ROOT, path.parent]
    code = "import sys, usip; sys.path.insert(0, %r); import bench_cases; bench_cases.main()"
    environment = dict(os.environ, PYTHONPATH=":".join(map(str, folders)))
    command = [sys.executable, "-c", code % str(_DRIVER.parent), path.stem]
    return _cases(command, environment)


def _vm(path: Path, heap: str, native: bool = True) -> list:
    image = rom.build("sim", native=native, linked=False)
    driver = vm.compiled(_DRIVER)
    extra = "%s:%s:%s" % (vm.compiled(path).parent, ROOT / "host_tests", ROOT)
    start = ROOT / "tools" / "bench_start.py"
    command = vm.vm_command(heap, rom=image)
    command += [str(vm.compiled(start)), "%s:%s" % (driver.parent, extra), path.stem]
    return _cases(command, os.environ)


def _cases(command: list, environment: dict) -> tuple:
    """Return ([(name, nanoseconds, bytes)], [(limit, name, other ...)]) of what it prints."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise BenchError((done.stdout + done.stderr).strip())
    found, goals = [], []
    for line in done.stdout.splitlines():
        if line.startswith("CASE "):
            _, time_ns, size, name = line.split(" ", 3)
            found.append((name, int(time_ns), int(size)))
        if line.startswith("RATIO "):
            _, limit, names = line.split(" ", 2)
            goals.append((int(limit), *names.split(" | ")))
    return found, goals


def _yardstick(path: Path) -> str:
    for line in path.read_text().splitlines():
        if line.startswith("YARDSTICK = "):
            return line.split('"')[1]
    return ""


def measure(path: Path, heap: str) -> dict:
    """Run one file everywhere; return its cases by name and place, and its ratios."""
    cases = {}
    for _ in range(_TURNS):
        for place in _PLACES:
            if place == "cpython":
                found, goals = _cpython(path, heap)
            else:
                found, goals = _vm(path, heap, native=place == "vm")
            for name, time_ns, size in found:
                case = cases.setdefault(name, {}).setdefault(place, {"ns": time_ns, "bytes": size})
                case["ns"] = min(case["ns"], time_ns)
    result = {"file": path.stem, "yardstick": _yardstick(path), "cases": cases}
    _compare(result)
    result["ratios"] = [_ratio(cases, *goal) for goal in goals]
    return result


def _ratio(cases: dict, limit: int, name: str, other: str, less: str = "") -> dict:
    """Return how many times as long a case, without the case *less* in it, takes as another."""
    base = cases[other].get("vm") or cases[other]["cpython"]
    time_ns = cases[name]["vm"]["ns"] - (cases[less]["vm"]["ns"] if less else 0)
    times = round(time_ns / base["ns"], 2)
    return {"case": name, "other": other, "at_most": limit, "times": times}


def _compare(result: dict) -> None:
    base = result["cases"].get(result["yardstick"], {})
    for case in result["cases"].values():
        for place, figures in case.items():
            if place in base and figures["ns"]:
                figures["times_faster"] = round(base[place]["ns"] / figures["ns"], 2)


def _cell(figures) -> str:
    if figures is None:
        return "%9s %18s" % ("-", "")
    ratio = figures.get("times_faster")
    shown = "%5.1fx" % ratio if ratio is not None else ""
    return "%9.2f us %6d B %6s" % (figures["ns"] / 1000, figures["bytes"], shown)


def show(result: dict) -> None:
    print("\n%-42s %-29s%-29s%s" % (result["file"], "  CPython", "  VM", "  VM, twin"))
    for name, case in result["cases"].items():
        cells = [_cell(case.get(place)) for place in _PLACES]
        print("%-42s %s" % (name, " ".join(cells)))
    for goal in result["ratios"]:
        verdict = "kept" if goal["times"] <= goal["at_most"] else "missed"
        text = "%(case)s: %(times).1f times %(other)s, goal %(at_most)d" % goal
        print("  %s (%s)" % (text, verdict))


def count_instructions() -> dict:
    """Print what a frame takes on an ESP32; return {work: {...}}."""
    print("\nxtensawin, counted")
    rows = xtensa_count.count()
    xtensa_count.show(rows)
    return rows


def measure_pacing() -> list:
    """Print how exactly packets leave, on a machine at rest and on a busy one; return it."""
    print("\ndeparture of packets, ms late (tools.pacing), goal 5")
    found = []
    for kind in ("cpython", "micropython"):
        for load in (0, os.cpu_count()):
            figures = pacing.measure(kind, _PACING_S, load, "PCMU")
            found.append(figures)
            print("  %(vm)s, %(load)d busy processes: %(late_ms)s" % figures)
    return found


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.bench", description=__doc__.split("\n")[0])
    parser.add_argument("--heap", default="256k", help="heap of the VM (default 256k)")
    parser.add_argument("parts", nargs="*", metavar="NAME_PART", help="only files so named")
    options = parser.parse_args(argv)
    results = []
    try:
        machine = vm.machine()
        for path in sorted(CASES.glob("*.py")):
            if not options.parts or any(part in path.stem for part in options.parts):
                results.append(measure(path, options.heap))
                show(results[-1])
        counts = count_instructions() if not options.parts or "xtensa" in options.parts else {}
        departures = measure_pacing() if not options.parts or "pacing" in options.parts else []
    except (
        BenchError,
        get_micropython.NotFound,
        rom.BuildError,
        xtensa.XtensaError,
        pacing.PacingError,
    ) as error:
        print("tools.bench: %s" % error, file=sys.stderr)
        return 1
    about = {
        "cpython": platform.python_version(),
        "micropython": "%d.%d" % machine.version,
        "bits": machine.bits,
        "heap": options.heap,
        "benchmarks": results,
        "xtensawin": counts,
        "pacing": departures,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(about, indent=1) + "\n")
    print("\none operation each; written to %s" % RESULT.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
