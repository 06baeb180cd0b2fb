"""Measures what the code costs and holds it against tools/budget.txt.

    python -m tools.size              prints the table
    python -m tools.size --check      prints what is over its budget; exit status 1 when any is
    python -m tools.size --update     adds the lines that the budget lacks

For every module: bytes of .mpy as built for an ESP32, and the heap its import takes on the 32-bit
VM, once from the mapped ROMFS image of board `sim` and once loaded into RAM as stock firmware
does. A module's own cost: what it imports is imported before.

States: tools/states/NAME.py is run on the VM with a hard heap, from the linked image or with the
same .mpy loaded to RAM; it brings usip into a state and prints as its last line `state BYTES`, the
heap then in use (tools.state_run). Budget lines:

    module NAME MPY_BYTES HEAP_FROM_ROM HEAP_LOADED
    total - MPY_BYTES HEAP_FROM_ROM HEAP_LOADED
    state NAME rom|ram BYTES_IN_USE HARD_HEAP
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

from tools import get_micropython, rom, state_run, vm

ROOT = Path(__file__).resolve().parent.parent
BUDGET = ROOT / "tools" / "budget.txt"
_COLUMNS = (".mpy bytes", "heap from ROM", "heap loaded to RAM")
_HEAP = "1024k"


class Budget:
    """The lines of budget.txt: *modules* name -> three limits, *states* (name, where) -> two."""

    def __init__(self, text: str) -> None:
        self.modules = {}
        self.states = {}
        for line in text.splitlines():
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if words[0] == "state":
                self.states[words[1], words[2]] = (int(words[3]), words[4])
            else:
                name = "total" if words[0] == "total" else words[1]
                self.modules[name] = tuple(int(word) for word in words[2:5])


def module_names() -> list:
    """Return the import names of all modules in the image, each behind those it imports."""
    names = {}
    for name, path in rom.sources().items():
        dotted = (name[4:] if name[:4] == "lib/" else name).replace("/", ".")
        names[dotted[:-9] if dotted.endswith(".__init__") else dotted] = path
    ordered = []
    for name in sorted(names):
        _visit(name, names, ordered, set())
    return ordered


def _visit(name, names, ordered, open_):
    if name in ordered or name in open_:
        return
    open_.add(name)
    package = name.rpartition(".")[0]
    if package in names:
        _visit(package, names, ordered, open_)
    for imported in sorted(_top_imports(names[name])):
        if imported in names:
            _visit(imported, names, ordered, open_)
    ordered.append(name)


def _top_imports(path: Path) -> set:
    """Return the names a module may import when it is itself imported."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {"%s.%s" % (node.module, alias.name) for alias in node.names}
    return found


def is_application(name: str) -> bool:
    """Say whether importing the module runs a program: main.py and boot.py of a board."""
    return name in ("main", "boot")


def measure(image: Path) -> dict:
    """Return module name -> [mpy bytes, heap from ROM, heap loaded]; None: does not import."""
    tree = image.parent / "tree"
    names = [name for name in module_names() if not is_application(name)]
    device_tree = rom.build("esp32", linked=False).parent / "tree"
    table = {name: [_mpy_bytes(device_tree, name)] for name in names}
    for place in ({"rom": image}, {"path": tree}):
        heap = _import_heap(names, place)
        for name in names:
            table[name].append(heap.get(name))
    return table


def _mpy_bytes(tree: Path, name: str) -> int:
    base = tree / "lib" if name.split(".")[0] == "usip" else tree
    path = base / name.replace(".", "/")
    file = path / "__init__.mpy" if path.is_dir() else path.with_suffix(".mpy")
    return file.stat().st_size if file.exists() else 0


def _import_heap(names: list, place: dict) -> dict:
    script = vm.compiled(ROOT / "tools" / "vm_size.py")
    command = vm.vm_command(_HEAP, **place) + [str(script)] + names
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    sys.stderr.write(done.stderr)
    found = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        if value.isdigit():
            found[name] = int(value)
    return found


def totals(table: dict) -> list:
    """Return the three sums over lib/usip."""
    rows = [row for name, row in table.items() if name.split(".")[0] == "usip"]
    return [sum(row[i] or 0 for row in rows) for i in range(3)]


def over(name: str, row: list, limits: tuple, exact: bool):
    """Yield a sentence for each figure of *row* past its limit; heap only when *exact*."""
    for column, value, limit in zip(_COLUMNS, row, limits):
        if value is None:
            yield "%s does not import on the VM" % name
            return
        if value > limit and (exact or column == _COLUMNS[0]):
            yield "%s: %s %d, budget %d" % (name, column, value, limit)


def states(budget: Budget):
    """Yield (sentence, is over budget) for each state line."""
    for (name, where), (limit, heap) in sorted(budget.states.items()):
        value = state_run.run(name, where, heap)
        if isinstance(value, str):
            yield "state %s %s: %s" % (name, where, value), True
        else:
            text = "state %s %s: %d bytes in use, budget %d, in a heap of %s"
            yield text % (name, where, value, limit, heap), value > limit


def faults(table: dict, budget: Budget) -> list:
    """Return a sentence for each module figure past its budget."""
    exact = vm.vm_bits() == 32
    found = []
    for name, row in sorted(table.items()):
        if name not in budget.modules:
            if None in row:
                found.append("%s does not import on the VM" % name)
            continue
        found += over(name, row, budget.modules[name], exact)
    if "total" in budget.modules:
        found += over("total", totals(table), budget.modules["total"], exact)
    return found


def update(table: dict, budget: Budget) -> int:
    """Append the lines that are missing, modules and total: a tenth and 128 above today, by 64."""
    lines = []
    rows = dict(table, total=totals(table))
    for name, row in rows.items():
        if name not in budget.modules and None not in row:
            limits = tuple((int(value * 1.1) // 64 + 3) * 64 for value in row)
            words = ("total", "-") if name == "total" else ("module", name)
            lines.append("%-6s %-28s %6d %6d %6d\n" % (words + limits))
    with open(BUDGET, "a") as file:
        file.writelines(lines)
    return len(lines)


def print_table(table: dict) -> None:
    print("%-30s %10s %14s %19s" % (("module",) + _COLUMNS))
    for name, row in sorted(table.items()):
        shown = tuple("-" if value is None else value for value in row)
        print("%-30s %10s %14s %19s" % ((name,) + shown))
    print("%-30s %10d %14d %19d" % (("total of usip",) + tuple(totals(table))))
    if vm.vm_bits() != 32:
        print("heap figures are of a 64-bit VM: about twice those of a device")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.size", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="print only what is over budget")
    parser.add_argument("--update", action="store_true", help="add missing lines to the budget")
    options = parser.parse_args(argv)
    try:
        budget = Budget(BUDGET.read_text())
        table = measure(rom.build("sim", linked=False))
        if options.update:
            print("%d lines added to tools/budget.txt" % update(table, budget))
            return 0
        if not options.check:
            print_table(table)
        wrong = faults(table, budget)
        for text, is_over in states(budget):
            if is_over:
                wrong.append(text)
            else:
                print(text)
    except (get_micropython.NotFound, rom.BuildError) as error:
        print("tools.size: %s" % error, file=sys.stderr)
        return 1
    print("\n".join(wrong) if wrong else "budgets: all kept")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
