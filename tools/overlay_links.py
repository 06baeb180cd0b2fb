"""What tools.overlay has to know of modules beside the bundle, and what it changes in them."""

import ast

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def imported(texts: dict, targets: list) -> dict:
    """Return bundle -> its globals that other modules mention."""
    packages = {target.replace("/", "."): target for target in targets}
    found = {target: set() for target in targets}
    for module, text in texts.items():
        aliases = {}  # name that stands for a bundle -> the bundle
        attributes = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.add((node.value.id, node.attr))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    target = packages.get(node.module)
                    if target and target != module:
                        found[target].add(alias.name)
                    target = packages.get("%s.%s" % (node.module, alias.name))
                    if target and target != module:
                        aliases[alias.asname or alias.name] = target
        for name, attribute in attributes:
            if name in aliases:
                found[aliases[name]].add(attribute)
    return found


def turn_super(text: str, module: str, cold: dict) -> str:
    """Let `super().name` find a cold method of a base."""
    edits = []
    tree = ast.parse(text)
    package = module.replace("/", ".")
    # What a name of this module is called in a bundle.
    known = {n.name: (package, n.name) for n in tree.body if isinstance(n, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = (node.module, alias.name)
    for cls in ast.walk(tree):
        if not isinstance(cls, ast.ClassDef):
            continue
        for base in cls.bases:
            names = cold.get(_origin_of(base, known), ())
            for node in ast.walk(cls):
                if _is_super(node) and node.attr in names:
                    new = "%s.__getattr__(self, %r)" % (ast.unparse(base), node.attr)
                    edits.append((node.lineno, node.col_offset, node.end_col_offset, new))
    lines = text.split("\n")
    for number, start, end, new in sorted(edits, reverse=True):
        line = lines[number - 1].encode()
        lines[number - 1] = (line[:start] + new.encode() + line[end:]).decode()
    return "\n".join(lines)


def _is_super(node) -> bool:
    call = getattr(node, "value", None)
    return (
        isinstance(node, ast.Attribute)
        and isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "super"
    )


def _origin_of(base, known: dict):
    """Return (module, name) of what a class statement calls *base*."""
    if isinstance(base, ast.Name):
        return known.get(base.id)
    if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name):
        package, name = known.get(base.value.id, ("", ""))
        return "%s.%s" % (package, name), base.attr
    return None


def methods(before: dict, after: dict) -> dict:
    """Return (module, class) -> {method: (class, method) before} of texts and short texts."""
    found = {}
    for module, text in after.items():
        old = [n for n in ast.parse(before[module]).body if isinstance(n, ast.ClassDef)]
        new = [n for n in ast.parse(text).body if isinstance(n, ast.ClassDef)]
        for was, cls in zip(old, new):
            pairs = zip(was.body, cls.body)
            found[module, cls.name] = {
                now.name: (was.name, then.name)
                for then, now in pairs
                if isinstance(now, _FUNCTIONS)
            }
    return found


def turn_stub(text: str, package: str, moved: set) -> str:
    """Leave out of a stub what is no longer in the bundle."""
    head = "from %s import " % package
    lines = text.split("\n")
    kept = [x for x in lines if not (x.startswith(head) and x[len(head) :].split()[0] in moved)]
    return "\n".join(kept)
