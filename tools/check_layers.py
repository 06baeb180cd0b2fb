"""Checks who imports whom, and that all copies of the SIP constants agree.

    python -m tools.check_layers [ROOT]

The layers are the table in lib/usip/README.md: a module imports only rows above its own and its
own folder (a top-level module: its own row), and nothing of its line under `never`. firmware/
imports public names only. `_H_*` and `_M_*` constants have the values of tools/sip_ids.py.
"""

import ast
import re
import sys
from pathlib import Path

from tools import sip_ids

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|", re.MULTILINE)
_PUBLIC = re.compile(r"<!-- public: (.*?) -->")
_CONSTANT = re.compile(r"^(_[HM]_[A-Z0-9_]+) = const\((\d+)\)", re.MULTILINE)


class Layers:
    """The tables of lib/usip/README.md."""

    def __init__(self, text: str) -> None:
        self.rows = {}
        self.never = {}
        for left, right in _ROW.findall(text):
            left = left.strip()
            if left.isdigit():
                for name in right.split():
                    self.rows[name] = int(left)
            elif left and left not in ("layer", "never", "---"):
                self.never[left] = right.split()
        public = _PUBLIC.search(text)
        self.public = public.group(1).split() if public else []

    def layer(self, name: str):
        """Return the layer of module *name* ("sip/uri"), or None when it has no row."""
        return self.rows.get(name, self.rows.get(_folder(name) + "/*"))

    def is_allowed(self, name: str, imported: str) -> bool:
        """Say whether *name* may import *imported*, both known."""
        forbidden = self.never.get(name, self.never.get(_folder(name) + "/*", ()))
        if _folder(imported) in forbidden:
            return False
        if _folder(name) and _folder(name) == _folder(imported):
            return True
        mine, other = self.layer(name), self.layer(imported)
        return other < mine or (other == mine and not _folder(name) and not _folder(imported))

    def is_public(self, name: str) -> bool:
        return name in self.public or _folder(name) + "/*" in self.public


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def imports(tree, base: Path):
    """Yield (line, module, names) of each import of usip in *tree*; module "" is usip itself.

    *base* is lib/usip: `from usip.sip import uri` is the module sip/uri when there is such a file.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "usip":
                    yield node.lineno, "/".join(alias.name.split(".")[1:]), []
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "usip":
            inside = "/".join(node.module.split(".")[1:])
            prefix = inside + "/" if inside else ""
            for alias in node.names:
                if (base / (prefix + alias.name + ".py")).exists():
                    yield node.lineno, prefix + alias.name, []
                else:
                    yield node.lineno, inside, [alias.name]
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, None, []


def check_module(name: str, tree, layers: Layers, base: Path):
    """Yield (line, fault) of one module of lib/usip."""
    if name != "__init__" and not name.endswith("/__init__") and layers.layer(name) is None:
        yield 1, "has no row in lib/usip/README.md"
        return
    for line, imported, _names in imports(tree, base):
        if imported is None:
            yield line, "relative import"
        elif name in ("__init__", "cpython") or not imported or (base / imported).is_dir():
            continue
        elif layers.layer(imported) is None:
            yield line, "imports %s, which has no row in lib/usip/README.md" % imported
        elif not layers.is_allowed(name.replace("/__init__", "/*"), imported):
            yield line, "imports %s, which is not above it" % imported


def check_firmware(tree, layers: Layers, base: Path):
    """Yield (line, fault) of one module of firmware/."""
    for line, imported, names in imports(tree, base):
        if imported and not layers.is_public(imported):
            yield line, "imports usip.%s, which is not public" % imported.replace("/", ".")
        for name in names:
            if name[:1] == "_":
                yield line, "imports the private name %s" % name


def check_constants(text: str, table: dict):
    """Yield (line, fault) for each id that differs from the master table."""
    for match in _CONSTANT.finditer(text):
        name, value = match.group(1), int(match.group(2))
        if table.get(name) != value:
            line = text.count("\n", 0, match.start()) + 1
            yield line, "%s is %s in tools/sip_ids.py" % (name, table.get(name, "not"))


def check(root: Path) -> list:
    """Return all faults below *root* as "file:line: fault"."""
    base = root / "lib" / "usip"
    layers = Layers((base / "README.md").read_text())
    table = sip_ids.constants()
    faults = []
    for path in sorted(base.rglob("*.py")) + sorted((root / "firmware").rglob("*.py")):
        text = path.read_text()
        tree = ast.parse(text)
        if base in path.parents:
            name = path.relative_to(base).with_suffix("").as_posix()
            found = list(check_module(name, tree, layers, base))
        else:
            found = list(check_firmware(tree, layers, base))
        found += check_constants(text, table)
        faults += ["%s:%d: %s" % ((path.relative_to(root),) + fault) for fault in found]
    return faults


def main(argv=None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    faults = check(Path(arguments[0]) if arguments else ROOT)
    print("\n".join(faults) if faults else "layers and constants: all agree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
