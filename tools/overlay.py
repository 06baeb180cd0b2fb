"""Takes out of a bundle what only runs when something begins or ends: the next step after linking.

Most of a telephone's code has work for moments: to register, to place, answer and end a call. In
an idle phone, and in a call that goes on, it is 35 KB of the heap where code is loaded into that,
7 KB where it stays in flash. So the methods that `UNITS` names are moved into modules of their
own, units, and the class they leave gets a `__getattr__`: MicroPython calls it for a name that an
object does not have, and it loads the unit and returns the method bound to the object. What runs
keeps its unit alive; `usip.rest()`, which the agent calls after each turn, drops all others.

Functions and constants of a module that only one unit uses go with it. What every tick and every
message needs stays, and so does a method that other code calls by its class, a property, and one
that changes a global.
"""

import ast
import symtable

from tools import overlay_links, shorten, vm_names
from tools.overlay_units import RESIDENT, UNITS

_DOOR = """
    def %s(self, *a, **k):
        return %s.__getattr__(self, "%s")(*a, **k)
"""
_FINDER = """
    def __getattr__(self, name):
        return _cold(self, name, "%s", %s)
"""
_FUNCTION_DOOR = """
def %s(*a, **k):
    return _usip.load("%s").%s(*a, **k)
"""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOADER = """
def _cold(self, name, table, base):
    for row in table.split(";"):
        unit, cls, *names = row.split()
        if name in names:
            return lambda *a, **k: getattr(getattr(_usip.load(unit), cls), name)(self, *a, **k)
    if base is None:
        raise AttributeError(name)
    return base.__getattr__(self, name)


"""
_DOOR = """
    def %s(self, *a, **k):
        return %s.__getattr__(self, "%s")(*a, **k)
"""
_FINDER = """
    def __getattr__(self, name):
        return _cold(self, name, "%s", %s)
"""
_FUNCTION_DOOR = """
def %s(*a, **k):
    return _usip.load("%s").%s(*a, **k)
"""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class _Bundle:
    """The text of one bundle while methods are taken out of it."""

    def __init__(self, name: str, text: str, origin: dict, names: dict, outside: set) -> None:
        self.name = name
        self.lines = text.split("\n")
        self.tree = ast.parse(text)
        self.origin = origin  # global -> (module, its name there)
        self.names = names  # (module, class) -> {method: (class, method) before shortening}
        self.outside = outside  # globals that other modules import
        self.classes = {n.name: n for n in self.tree.body if isinstance(n, ast.ClassDef)}
        self.globals = _globals_of(self.tree)
        self.numbers = {}  # constants by const(), which is no global: name -> line
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and _is_const(node.value):
                self.numbers[node.targets[0].id] = ast.unparse(node)
        self.changed = {
            name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Global)
            for name in node.names
        }
        # (first line, name) of each function -> globals it mentions, names of its own.
        self.uses, self.locals = _uses(text)
        self.moved = {}  # id of a method or top-level statement -> unit
        self.words = {n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name)} | self.globals
        self.words |= {n.arg for n in ast.walk(self.tree) if isinstance(n, ast.arg)}
        self.doors = {}  # function of which a stub stays -> unit
        self.units = {}  # unit -> {class or "": [nodes]}

    def place(self) -> None:
        """Decide what goes where."""
        by_class = {
            node.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in self.classes
        }
        wanted = {}
        for name, cls in self.classes.items():
            if any(getattr(n, "name", "") == "__getattr__" for n in cls.body):
                continue
            for node in cls.body:
                unit = self._unit_of(name, node)
                if unit and node.name not in by_class and self._may_move(node, cls):
                    wanted[name, node.name] = (unit, node)
        self._keep_overriding(wanted)
        for (name, _), (unit, node) in wanted.items():
            self._move(node, unit, name)
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                unit = self._unit_of_function(node)
                if unit and not self._mentions(node) & self.changed:
                    self._move(node, unit, "")
                    self.doors[node.name] = unit
        self._move_helpers()

    def _unit_of(self, cls: str, node):
        if not isinstance(node, _FUNCTIONS):
            return None
        module, own = self.origin[cls]
        cls, name = self.names[module, own][node.name]
        if name in RESIDENT.get(module, "").split():
            return None
        wide = [("%s.*" % cls,), ("*",)]
        if name[:2] == "__" or isinstance(node, ast.AsyncFunctionDef):
            wide = []
        for words in [(name, "%s.%s" % (cls, name)), *wide]:
            for unit, parts in UNITS.items():
                if any(word in parts.get(module, "").split() for word in words):
                    return unit
        return None

    def _unit_of_function(self, node):
        module, own = self.origin.get(node.name, ("", ""))
        for unit, parts in UNITS.items():
            if own + "()" in parts.get(module, "").split():
                return unit
        return None

    def _may_move(self, node, cls) -> bool:
        if node.decorator_list or self._mentions(node) & self.changed:
            return False
        in_body = set()
        for other in cls.body:
            if not isinstance(other, _FUNCTIONS):
                in_body |= {n.id for n in ast.walk(other) if isinstance(n, ast.Name)}
        calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
        is_super = any(isinstance(f, ast.Name) and f.id == "super" for f in calls)
        return node.name not in in_body and not is_super

    def _mentions(self, node) -> set:
        return self.uses.get((node.lineno, node.name), set())

    def _keep_overriding(self, wanted: dict) -> None:
        """Let a method stay when a class above keeps one of that name, which would be found."""
        before = -1
        while len(wanted) != before:
            before = len(wanted)
            for cls, name in list(wanted):
                for above in self._above(cls):
                    if name in _members(self.classes[above]) and (above, name) not in wanted:
                        wanted.pop((cls, name), None)

    def _above(self, cls: str) -> list:
        found = []
        for base in self.classes[cls].bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                found += [base.id, *self._above(base.id)]
        return found

    def _move(self, node, unit: str, cls: str) -> None:
        self.moved[id(node)] = unit
        self.units.setdefault(unit, {}).setdefault(cls, []).append(node)

    def _move_helpers(self) -> None:
        """Move functions and constants that only one unit mentions."""
        candidates = {}
        for node in self.tree.body:
            name = _helper_name(node)
            is_lasting = isinstance(node, ast.AsyncFunctionDef)
            if (
                name
                and not is_lasting
                and name not in self.outside | self.changed
                and not self._is_shown(name)
            ):
                candidates[name] = node
        before = -1
        while len(candidates) != before:
            before = len(candidates)
            users = self._users()
            for name, node in list(candidates.items()):
                units = users.get(name, set())
                if len(units) == 1 and None not in units:
                    if not (isinstance(node, _FUNCTIONS) and self._mentions(node) & self.changed):
                        self._move(node, units.pop(), "")
                    del candidates[name]
                    break

    def _is_shown(self, name: str) -> bool:
        module, own = self.origin.get(name, ("", "_"))
        return own[0] != "_" and shorten.is_public(module)

    def _users(self) -> dict:
        """Return global -> units that mention it, None for what stays."""
        users = {}

        def note(names, unit):
            for name in names:
                users.setdefault(name, set()).add(unit)

        for node in self.tree.body:
            unit = self.moved.get(id(node))
            if isinstance(node, _FUNCTIONS):
                note(self._mentions(node) - {node.name}, unit)
                for inner in node.decorator_list + node.args.defaults:
                    note(_words(inner), unit)
            elif isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, _FUNCTIONS):
                        note(self._mentions(inner), self.moved.get(id(inner)))
                        for part in inner.decorator_list + inner.args.defaults:
                            note(_words(part), self.moved.get(id(inner)))
                    else:
                        note(_words(inner), None)
                for base in node.bases:
                    note(_words(base), None)
            elif isinstance(node, ast.Assign):
                note(_words(node.value), unit)
            else:
                note(_words(node), unit)
        return users

    # -- writing

    def texts(self) -> dict:
        """Return module name -> text of the bundle and its units."""
        results = {unit: self._unit_text(unit) for unit in self.units}
        gone = set()
        additions = {}
        for unit in self.units:
            for cls, nodes in self.units[unit].items():
                for node in nodes:
                    gone.update(range(_first_line(node), node.end_lineno + 1))
                    if not cls and _helper_name(node) in self.doors:
                        name, where = node.name, unit.replace("/", ".")
                        additions[node.end_lineno] = _FUNCTION_DOOR % (name, where, name)
        for cls in self.classes:
            text = self._getattr_text(cls)
            if text:
                additions[self.classes[cls].end_lineno] = text
        lines = []
        for number, line in enumerate(self.lines, 1):
            if number not in gone:
                lines.append(line)
            if number in additions:
                lines.append(additions[number])
        head, *rest = lines
        results[self.name] = "\n".join([head, "import usip as _usip", _LOADER, *rest])
        return results

    def _getattr_text(self, cls: str) -> str:
        """Return the methods that find what was moved of a class, "" when nothing was."""
        rows = self._rows(cls)
        above = [base for base in self._above(cls) if self._rows(base)]
        if len(self.classes[cls].bases) > 1:  # of several bases the first alone would be asked
            rows += [row for base in above for row in self._rows(base)]
            above = []
        if not rows:
            return ""
        text = ""
        for parts in self.units.values():
            for node in parts.get(cls, ()):
                if node.name[:2] == "__":
                    text += _DOOR % (node.name, cls, node.name)
        return text + _FINDER % (";".join(rows), above[0] if above else None)

    def cold_names(self, cls: str) -> set:
        """Return the methods of a class that only its `__getattr__` finds, its bases' too."""
        found = {node.name for parts in self.units.values() for node in parts.get(cls, ())}
        kept = _members(self.classes[cls]) - found
        for base in self.classes[cls].bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                found |= self.cold_names(base.id) - kept
        return found

    def _rows(self, cls: str) -> list:
        """Return for each unit with methods of a class: its name, the holder, the methods."""
        return [
            " ".join(
                [unit.replace("/", "."), self._holder(unit, cls), *[n.name for n in parts[cls]]]
            )
            for unit, parts in self.units.items()
            if cls in parts
        ]

    def _holder(self, unit: str, cls: str) -> str:
        """Return the name of the class in a unit that holds methods of *cls*."""
        classes = [name for name in self.units[unit] if name]
        free = [name for name in vm_names.NAMES if name not in self.words]
        return free[classes.index(cls)]

    def _unit_text(self, unit: str) -> str:
        parts = self.units[unit]
        nodes = [node for found in parts.values() for node in found]
        own = {_helper_name(node) for node in parts.get("", ())}
        wanted = set()
        for node in nodes:
            words = self._mentions(node) if isinstance(node, _FUNCTIONS) else set()
            wanted |= words | _words(node)
        numbers = {name: line for name, line in self.numbers.items() if name in wanted}
        mentioned = set().union(*[self._mentions(n) for n in nodes if isinstance(n, _FUNCTIONS)])
        for node in nodes:
            outer = [node.value] if isinstance(node, ast.Assign) else []
            if isinstance(node, _FUNCTIONS):
                outer = node.decorator_list + node.args.defaults
            for part in outer:
                mentioned |= _words(part) & self.globals
        imports = (mentioned & self.globals) - own - set(self.numbers) - {"const"}
        named = set()  # those that must be names of the unit too
        for node in nodes:
            if getattr(node, "decorator_list", ()):
                named |= self._mentions(node) & imports
            elif isinstance(node, _FUNCTIONS):
                named |= self.locals.get((node.lineno, node.name), set()) & imports
        package, _, last = self.name.rpartition("/")
        lines = ["from micropython import const", "from %s import %s as _p" % (package, last)]
        if named:
            names = ", ".join(sorted(named))
            lines.append("from %s.%s import %s" % (package, last, names))
        lines += [numbers[name] for name in sorted(numbers)]
        for node in sorted(parts.get("", ()), key=_first_line):
            lines += self._turned(node, imports - named)
        for cls, found in parts.items():
            if cls:
                lines.append("class %s:" % self._holder(unit, cls))
                for node in found:
                    lines += self._turned(node, imports - named)
        return "\n".join(lines) + "\n"

    def _turned(self, node, names: set) -> list:
        """Return the lines of a moved definition; *names* become attributes of the bundle.

        As names of the unit they would take a table of one piece, and more of the heap.
        """
        first = _first_line(node)
        lines = [line.encode() for line in self.lines[first - 1 : node.end_lineno]]
        found = []
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in names:
                found.append((inner.lineno - first, inner.col_offset))
        for row, at in sorted(found, reverse=True):
            lines[row] = lines[row][:at] + b"_p." + lines[row][at:]
        return [line.decode() for line in lines]


def _first_line(node) -> int:
    return min([node.lineno, *[d.lineno for d in getattr(node, "decorator_list", ())]])


def _words(node) -> set:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _is_const(node) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const"


def _globals_of(tree) -> set:
    found = set()
    for node in tree.body:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name for alias in node.names)
        else:
            found.update(
                n.id
                for n in ast.walk(node)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            )
    for node in tree.body:
        if isinstance(node, ast.Try):
            for inner in ast.walk(node):
                if isinstance(inner, (ast.Import, ast.ImportFrom)):
                    found.update(alias.asname or alias.name for alias in inner.names)
                elif isinstance(inner, _FUNCTIONS):
                    found.add(inner.name)
    return found


def _members(cls) -> set:
    found = {node.name for node in cls.body if isinstance(node, _FUNCTIONS)}
    for node in cls.body:
        if isinstance(node, ast.Assign):
            found |= {n.id for n in node.targets if isinstance(n, ast.Name)}
    return found


def _helper_name(node):
    """Return the name of a function or a constant at top level that could go elsewhere."""
    if isinstance(node, _FUNCTIONS):
        return node.name
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name) and isinstance(node.value, (ast.Constant, ast.Tuple)):
            try:
                ast.literal_eval(node.value)
            except ValueError:
                return None
            return target.id
    return None


def _uses(text: str) -> tuple:
    """Return two dicts by (line, name) of every function: globals it mentions, its own names."""
    found = {}
    own = {}

    def names_in(table, is_wanted) -> set:
        names = {symbol.get_name() for symbol in table.get_symbols() if is_wanted(symbol)}
        for child in table.get_children():
            names |= names_in(child, is_wanted)
        return names

    def visit(table):
        for child in table.get_children():
            if child.get_type() == "function":
                key = child.get_lineno(), child.get_name()
                found[key] = names_in(child, lambda symbol: symbol.is_global())
                own[key] = names_in(child, lambda symbol: symbol.is_local())
            else:
                visit(child)

    visit(symtable.symtable(text, "bundle", "exec"))
    return found, own


def overlay(texts: dict, linked: dict, names: dict) -> dict:
    """Return *texts* with the units of all bundles taken out.

    *linked*: bundle -> {global: (module, name)}; *names*: of `methods`.
    """
    stubs = {module for origin in linked.values() for module, _ in origin.values()}
    results = dict(texts)
    shown = {name: text for name, text in texts.items() if name not in stubs}
    cold = {}
    outside = overlay_links.imported(shown, list(linked))
    for target, origin in linked.items():
        bundle = _Bundle(target, texts[target], origin, names, outside[target])
        bundle.place()
        if not bundle.units:
            continue
        results.update(bundle.texts())
        for cls in bundle.classes:
            cold[target.replace("/", "."), cls] = bundle.cold_names(cls)
        moved = {
            _helper_name(node) for parts in bundle.units.values() for node in parts.get("", ())
        } - set(bundle.doors)
        for name in stubs:
            results[name] = overlay_links.turn_stub(results[name], target.replace("/", "."), moved)
    return {
        name: overlay_links.turn_super(text, name, cold) if "super()" in text else text
        for name, text in results.items()
    }
