"""Links modules that are always loaded together into one, as the last step before mpy-cross.

Each module that MicroPython loads costs a few hundred octets of heap beside its functions: a
dictionary of globals, entries for what it imports, tables of the names and constants it uses.
`bundle` writes the modules of `BUNDLES` one after the other into one module, turns `compose.put`
and imported names into plain globals, and leaves in the place of each module a stub that gives
its names to whoever still imports it. Modules outside that import a bundled one get the bundle.

A global that no public module shows takes the name of some attribute that no variable has, so
that it adds none to the VM's pool of names (tools.shorten), and other bundles import it under that
name. A number that a module gives a name to once is a constant, made by const() or not: it is not
stored at all, what refers to it gets its value.

What it asks of the sources: imports are absolute; a module is used only as `module.name`; global
names are not made from strings. Anything else is a BundleError that names the place.
"""

import ast
import builtins

from tools import shorten

# Module of the image -> what it is made of, in any order. The first is what a phone that is
# registered runs, the next what a call adds, the others what an IMS account does.
BUNDLES = {
    "usip/phone": """
        usip/errors usip/ticks usip/octets usip/writer usip/limits
        usip/sip/grammar usip/sip/headers usip/sip/address usip/sip/uri usip/sip/scanner
        usip/sip/message usip/sip/parser usip/sip/compose usip/sip/dialog usip/sip/transaction
        usip/sip/auth usip/sip/registration usip/sip/dispatch usip/sip/request usip/sip/respond
        usip/sip/offer usip/sip/session usip/sip/uac usip/sip/uas usip/core usip/net/address
        usip/net/udp usip/net/transport usip/net/media usip/net/accounts usip/sdp/octets
        usip/exchange usip/call usip/switchboard usip/agent
    """.split(),
    "usip/describe": """
        usip/sdp/local usip/sdp/remote usip/sdp/read usip/sdp/write usip/sdp/negotiate
    """.split(),
    "usip/sound": """
        usip/rtp/packet usip/rtp/g711 usip/rtp/jitter usip/rtp/conceal usip/rtp/event
        usip/rtp/digits usip/rtp/playout usip/rtp/report usip/rtp/sender usip/rtp/stream
    """.split(),
    "usip/equipment": """
        usip/ims/identities usip/ims/profile usip/ims/credentials usip/ims/watch
        usip/ims/registration usip/ims/account
    """.split(),
    "usip/watching": "usip/ims/regpackage usip/ims/subscription".split(),
    "usip/recording": "usip/audio/wav usip/audio/files".split(),
    "station/rules": """
        station/log station/relay station/buttons station/app station/dial station/ring
    """.split(),
    "usip/card": "usip/ims/aka usip/ims/isim usip/ims/milenage usip/ims/binding".split(),
    "usip/events": "usip/sip/fields usip/sip/subscription".split(),
}


_HEAD = "from micropython import const"
_PACKAGE = "usip"  # whose __init__ has a table of names, each with the module it comes from


class BundleError(Exception):
    """A source uses what cannot be linked."""


class _Module:
    """One source: its tree, its globals, and what its imports of our modules stand for."""

    def __init__(self, name: str, text: str, known: set, lazy: dict) -> None:
        self.name = name
        self.lazy = lazy
        self.lines = text.split("\n")
        self.tree = ast.parse(text)
        self.known = known
        self.globals = set()
        self.inner = set()  # functions and classes defined within a statement
        self.constants = {}  # name -> value of each NAME = const(NUMBER) and NAME = NUMBER
        self.imports = {}  # id of an import statement -> [(bound name, module, name or None)]
        self.foreign = []  # texts of top-level imports of modules that are not ours
        self.needs = set()
        for node in self.tree.body:
            self._collect(node)
        self._collect_numbers()
        self.words = {n.id for n in ast.walk(self.tree) if isinstance(n, ast.Name)}
        self.words |= {n.arg for n in ast.walk(self.tree) if isinstance(n, ast.arg)}
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._resolve(node)
        self.bound = {}
        for node in self.tree.body:
            for bound, module, name in self.imports.get(id(node), ()):
                self.bound[bound] = (module, name)
                self.needs.add(module)

    def _collect(self, node) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.globals.add(node.name)
            if node not in self.tree.body:
                self.inner.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            return
        else:
            for inner in ast.iter_child_nodes(node):
                self._collect(inner)
            if _is_store(node):
                self.globals.add(node.id)
            if isinstance(node, ast.Assign) and _constant_of(node.value) is not None:
                self.constants[node.targets[0].id] = _constant_of(node.value)

    def _collect_numbers(self) -> None:
        """Find the names that stand for one number all the time."""
        stored = [node.id for node in ast.walk(self.tree) if _is_store(node)]
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                value = _number_of(node.value)
                if value is not None and len(node.targets) == 1 and stored.count(name) == 1:
                    self.constants[name] = value

    def _resolve(self, node) -> None:
        found = []
        for alias in node.names:
            if isinstance(node, ast.Import):  # `import usip.core` binds usip
                continue
            module = (node.module or "").replace(".", "/")
            bound = alias.asname or alias.name
            if module == _PACKAGE and alias.name in self.lazy:
                found.append((bound, self.lazy[alias.name], alias.name))
            elif module + "/" + alias.name in self.known:
                found.append((bound, module + "/" + alias.name, None))
            elif module in self.known:
                found.append((bound, module, alias.name))
        if found:
            if len(found) != len(node.names):
                raise BundleError("%s:%d: one kind an import" % (self.name, node.lineno))
            self.imports[id(node)] = found


class _Linker:
    """Rewrites modules with the final names of all globals in *final*: (module, name) -> name."""

    def __init__(self, modules: dict, home: dict, final: dict) -> None:
        self.modules = modules
        self.home = home
        self.final = final

    def rewrite(self, module: _Module) -> str:
        """Return the text of a module, its imports of bundled modules gone or turned."""
        self.module = module
        self.edits = []
        self.more = set()  # imports to be added
        self.inside = self.home.get(module.name)
        self.words = module.words | module.globals
        if self.inside:
            for name, other in self.modules.items():
                if self.home.get(name) == self.inside:
                    self.words |= other.words
                    self.words.update(self._final(name, member) for member in other.globals)
        self._visit(module.tree, dict(module.bound), set())
        lines = [line.encode() for line in module.lines]
        for first, start, last, end, new in sorted(self.edits, reverse=True):
            tail = lines[last][end:]
            lines[first : last + 1] = [lines[first][:start] + new.encode() + tail]
        return "\n".join([*sorted(self.more), b"\n".join(lines).decode()])

    def _edit(self, node, new: str) -> None:
        span = (node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset)
        self.edits.append((*span, new))

    def _final(self, module: str, name: str) -> str:
        """Return the global's final name; a name that a module only imported is followed home."""
        while (module, name) not in self.final:
            bound = self.modules[module].bound.get(name) if module in self.modules else None
            if bound is None or bound[1] is None:
                return name
            module, name = bound
        return self.final[module, name]

    def _imported(self, module: str, member: str, name: str) -> str:
        """Return what a global imported from another bundle is called here: *name* if need be.

        The first bundle is what most is imported from; two others may use one name twice.
        """
        final = self._final(module, member)
        is_first = self.home.get(module) == next(iter(BUNDLES))
        return final if is_first and final not in self.words else name

    def _is_linked(self, module: str) -> bool:
        """Whether names of *module* are globals here."""
        return self.inside is not None and self.home.get(module) == self.inside

    def _visit(self, node, bound: dict, local: set) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            self._visit_function(node, bound, local)
            return
        if isinstance(node, ast.ClassDef):
            self._rename_definition(node, local)
            for child in node.bases + node.decorator_list:
                self._visit(child, bound, local)
            stored = set()
            for child in node.body:
                if isinstance(child, (ast.Assign, ast.AnnAssign)):
                    stored |= {n.id for n in ast.walk(child) if _is_store(n)}
            for child in node.body:
                is_function = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
                self._visit(child, bound, local if is_function else local | stored)
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._visit_import(node, bound)
            return
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if self._visit_attribute(node, bound, local):
                return
        elif isinstance(node, ast.Name):
            self._visit_name(node, bound, local)
        elif isinstance(node, ast.Assign) and self.inside and node in self.module.tree.body:
            value = _number_of(node.value)
            if value is not None and getattr(node.targets[0], "id", "") in self.module.constants:
                self._edit(node.value, "const(%d)" % value)
        elif isinstance(node, ast.Global):
            names = [self._final(self.module.name, name) for name in node.names]
            self._edit(node, "global " + ", ".join(names))
        for child in ast.iter_child_nodes(node):
            self._visit(child, bound, local)

    def _visit_attribute(self, node, bound: dict, local: set) -> bool:
        name = node.value.id
        target = bound.get(name)
        if name == _PACKAGE and target is None and name not in local:
            return self._visit_lazy(node)
        if name in local or target is None or target[1] is not None:
            return False
        if target[0] not in self.home:
            return False
        constant = self._constant(target[0], node.attr)
        new = self._final(target[0], node.attr)
        if constant is not None and not self._is_linked(target[0]):
            new = str(constant)
        elif not self._is_linked(target[0]):
            new = "%s.%s" % (name, new)
        self._edit(node, new)
        return True

    def _visit_lazy(self, node) -> bool:
        """Put the number, or an import, for `usip.NAME`, which would load a stub."""
        module = self.module.lazy.get(node.attr)
        if module is None:
            return False
        constant = self._constant(module, node.attr)
        if constant is not None:
            self._edit(node, str(constant))
        elif module not in self.home or self._is_linked(module) or node.attr in self.words:
            return False
        else:
            final = self._final(module, node.attr)
            bundle = self.home[module].replace("/", ".")
            self.more.add("from %s import %s as %s" % (bundle, final, node.attr))
            self._edit(node, node.attr)
        return True

    def _constant(self, module: str, name: str):
        """Return the value of a constant, followed home; None when it is none."""
        while name not in self.modules[module].globals:
            bound = self.modules[module].bound.get(name)
            if bound is None or bound[1] is None or bound[0] not in self.modules:
                return None
            module, name = bound
        return self.modules[module].constants.get(name)

    def _visit_name(self, node, bound: dict, local: set) -> None:
        if node.id in local:
            return
        target = bound.get(node.id)
        if target is not None:
            if target[1] is None:
                if self._is_linked(target[0]):
                    raise BundleError(
                        "%s:%d: module %s used as a value"
                        % (self.module.name, node.lineno, node.id)
                    )
                return
            constant = self._constant(*target) if target[0] in self.home else None
            if self._is_linked(target[0]):
                self._edit(node, self._final(*target))
            elif constant is not None:
                self._edit(node, str(constant))
            elif target[0] in self.home and self.module.bound.get(node.id) == target:
                self._edit(node, self._imported(*target, node.id))
        elif node.id in self.module.globals and self.inside:
            new = self._final(self.module.name, node.id)
            if new != node.id:
                self._edit(node, new)

    def _visit_import(self, node, bound: dict) -> None:
        if isinstance(node, ast.Import):
            names = [alias.name.replace(".", "/") for alias in node.names]
            if len(names) == 1 and names[0] in self.home and not node.names[0].asname:
                self._edit(node, "import " + self.home[names[0]].replace("/", "."))
            return
        found = self.module.imports.get(id(node))
        if not found:
            return
        parts = []
        for name, module, member in found:
            bound[name] = (module, member)
            if module not in self.home:
                whole, _, last = module.rpartition("/")
                package, what = (whole, last) if member is None else (module, member)
                package = package.replace("/", ".")
                parts.append("from %s import %s as %s" % (package, what, name))
                continue
            if self._is_linked(module):
                continue
            if member is not None and self._constant(module, member) is not None:
                continue
            bundle = self.home[module].replace("/", ".")
            package, _, last = bundle.rpartition(".")
            if member is None:
                parts.append("from %s import %s as %s" % (package, last, name))
            else:
                if node in self.module.tree.body:
                    name = self._imported(module, member, name)
                final = self._final(module, member)
                parts.append("from %s import %s as %s" % (bundle, final, name))
        self._edit(node, "; ".join(parts) or "pass")

    def _visit_function(self, node, bound: dict, local: set) -> None:
        if not isinstance(node, ast.Lambda):
            self._rename_definition(node, local)
            for child in node.decorator_list:
                self._visit(child, bound, local)
        arguments = node.args
        for child in arguments.defaults + [d for d in arguments.kw_defaults if d]:
            self._visit(child, bound, local)
        every = arguments.args + arguments.kwonlyargs + arguments.posonlyargs
        every += [a for a in (arguments.vararg, arguments.kwarg) if a]
        local = local | {argument.arg for argument in every}
        body = node.body if isinstance(node.body, list) else [node.body]
        stored, shared, imported = _stores(body)
        local = (local | stored) - shared - imported
        bound = dict(bound)
        for name in stored | {argument.arg for argument in every}:
            if name not in imported:
                bound.pop(name, None)
        for child in body:
            self._visit(child, bound, local)

    def _rename_definition(self, node, local: set) -> None:
        if not self.inside or node.name in local or node not in self.module.tree.body:
            return
        new = self._final(self.module.name, node.name)
        if new != node.name:
            line = self.module.lines[node.lineno - 1]
            at = len(line[: line.index(node.name, node.col_offset + 4)].encode())
            self.edits.append((node.lineno - 1, at, node.lineno - 1, at + len(node.name), new))


def _constant_of(node):
    """Return the number of `const(number)`, None for anything else."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "const":
        try:
            return ast.literal_eval(node.args[0])
        except ValueError:
            return None
    return None


def _number_of(node):
    """Return the value of a number that is written out, None for anything else."""
    if isinstance(node, (ast.Constant, ast.UnaryOp)):
        try:
            value = ast.literal_eval(node)
        except ValueError:
            return None
        return value if type(value) is int and abs(value) < 1 << 29 else None
    return None


def _is_store(node) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _stores(body: list) -> tuple:
    """Return the names a function's own body stores, declares global, and imports."""
    stored, shared, imported = set(), set(), set()
    queue = list(body)
    while queue:
        node = queue.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            stored.add(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if _is_store(node):
            stored.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            stored.add(node.name)
        elif isinstance(node, ast.Global):
            shared.update(node.names)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imported.update(alias.asname or alias.name for alias in node.names)
        queue.extend(ast.iter_child_nodes(node))
    return stored, shared, imported


def _in_order(names: list, modules: dict) -> list:
    """Return the modules of a bundle, each behind those it imports."""
    done = []

    def add(name, above) -> None:
        if name in done:
            return
        if name in above:
            raise BundleError("modules import each other: %s" % " ".join((*above, name)))
        for need in sorted(modules[name].needs):
            if need in names:
                add(need, (*above, name))
        done.append(name)

    for name in names:
        add(name, ())
    return done


def _final_names(modules: list) -> dict:
    """Return (module, name) -> its name in the bundle."""
    words = set(dir(builtins)) | {"const", "ptr8", "ptr16", "ptr32", "uint"}
    attributes = set()
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name):
                words.add(node.id)
            elif isinstance(node, ast.arg):
                words.add(node.arg)
            elif isinstance(node, ast.alias):
                words.add(node.asname or node.name)
            elif isinstance(node, ast.Attribute):
                attributes.add(node.attr)
        words |= module.globals
    spare = iter(sorted(attributes - words, key=lambda word: (len(word), word)))
    final = {}
    taken = set()
    for module in modules:
        short = module.name.rpartition("/")[2]
        shown = set(module.inner)
        if shorten.is_public(module.name) and module.name not in shorten.PARTLY_PUBLIC:
            shown |= {node.name for node in module.tree.body if isinstance(node, ast.ClassDef)}
        for name in sorted(module.globals):
            if name in module.constants:
                new = "%s_%s" % (name if name[0] == "_" else "_p_" + name, short)
            elif name in shown and name[0] != "_" and name not in taken:
                new = name
            else:
                new = next(spare, None) or "%s_%s" % (name, short)
            taken.add(new)
            final[module.name, name] = new
    return final


def _lazy_names(text: str) -> dict:
    """Return name -> module of the table in the package's __init__, of pairs (module, names)."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            pairs = ast.literal_eval(node.value)
            return {
                name: module.replace(".", "/") for module, names in pairs for name in names.split()
            }
    return {}


def bundle(texts: dict) -> dict:
    """Return module name -> text with the bundles made, from module name -> text."""
    return link(texts)[0]


def link(texts: dict) -> tuple:
    """Return (what `bundle` does, bundle -> {global: (module, name)} where that comes from)."""
    known = set(texts)
    lazy = _lazy_names(texts.get(_PACKAGE + "/__init__", ""))
    modules = {name: _Module(name, text, known, lazy) for name, text in texts.items()}
    home = {}
    final = {}
    orders = {}
    for target, names in BUNDLES.items():
        names = [name for name in names if name in texts]
        orders[target] = _in_order(names, modules)
        home.update(dict.fromkeys(names, target))
        final.update(_final_names([modules[name] for name in orders[target]]))
    linker = _Linker(modules, home, final)
    results = {name: linker.rewrite(module) for name, module in modules.items()}
    if "usip/__init__" in results:
        text = results["usip/__init__"]
        if "is_linked = False" not in text:
            raise BundleError("usip/__init__: no is_linked = False")
        results["usip/__init__"] = text.replace("is_linked = False", "is_linked = True")
    for target, order in orders.items():
        results[target] = "\n".join([_HEAD, *[results[name] for name in order]])
        for name in order:
            results[name] = _stub(modules[name], target, final)
    linked = {
        target: {new: key for key, new in final.items() if home[key[0]] == target}
        for target in orders
    }
    return results, linked


def _stub(module: _Module, target: str, final: dict) -> str:
    """Return a module that gives the names of a bundled one."""
    lines = []
    for name in sorted(module.globals):
        if name[0] == "_":
            continue
        if name in module.constants:
            lines.append("%s = %d" % (name, module.constants[name]))
        else:
            bundle_name = target.replace("/", ".")
            lines.append("from %s import %s as %s" % (bundle_name, final[module.name, name], name))
    return "\n".join(lines) + "\n"
