"""Leaves out functions, methods and classes that nothing in an image refers to.

Each costs 29 octets of heap on a 32-bit VM (a class 110) beside its code, used or not. A module
offers what its subject asks for; one image uses some of it. This looks at the modules that every
phone loads, those of tools.bundle, before tools.shorten does; others cost nothing until imported.

What a program on a board may use stays (shorten.PUBLIC), and so does every name that stands
anywhere else in the sources: as a name, behind a dot, in an import or in a string; or that
MicroPython itself asks objects for. Lines stay where they are.
"""

import ast
import re

from tools import shorten

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _mentions(node, docstrings: set) -> list:
    """Return the names that one node of a tree mentions."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.findall(r"\w+", node.value) if id(node) not in docstrings else []
    return []


class _Source:
    """One module: what of it may go, and how often each name is mentioned, and where."""

    def __init__(self, name: str, text: str, may_lose: bool) -> None:
        self.lines = text.split("\n")
        self.tree = ast.parse(text)
        self.candidates = []  # (definition, the body it stands in)
        docstrings = {id(node) for node in shorten.docstrings(self.tree)}
        self.mentions = {}
        for node in ast.walk(self.tree):
            for word in _mentions(node, docstrings):
                self.mentions.setdefault(word, []).append(node.lineno)
        if may_lose and not shorten.is_public(name):
            self._collect(self.tree)

    def _collect(self, parent) -> None:
        for node in parent.body:
            if isinstance(node, _DEFINITIONS) and not node.name.startswith("__"):
                self.candidates.append((node, parent))
            if isinstance(node, ast.ClassDef):
                self._collect(node)

    def count(self, name: str, but=None) -> int:
        """Return how often *name* is mentioned, not counting within the definition *but*."""
        found = self.mentions.get(name, ())
        if but is None:
            return len(found)
        first, last = _span(but)
        return sum(not first <= line <= last for line in found)

    def remove(self, node, parent) -> None:
        """Take a definition out of the tree and blank its lines."""
        first, last = _span(node)
        parent.body.remove(node)
        for number in range(first, last + 1):
            self.lines[number - 1] = ""
        if all(isinstance(other, ast.Expr) for other in parent.body):
            self.lines[first - 1] = " " * node.col_offset + "pass"
        for found in self.mentions.values():
            found[:] = [line for line in found if not first <= line <= last]
        self.candidates = [
            (other, above)
            for other, above in self.candidates
            if other is not node and above is not node
        ]


def _span(node) -> tuple:
    """Return the first and the last line of a definition, with its decorators."""
    return min([node.lineno, *[d.lineno for d in node.decorator_list]]), node.end_lineno


def prune(texts: dict, modules: list) -> tuple:
    """Return (module name -> text, what was left out of *modules*) from module name -> text."""
    sources = {name: _Source(name, text, name in modules) for name, text in texts.items()}
    kept = shorten.foreign()
    removed = []
    before = -1
    while len(removed) != before:
        before = len(removed)
        for name, source in sources.items():
            for node, parent in list(source.candidates):
                if (node, parent) not in source.candidates or node.name in kept:
                    continue
                others = (other for other in sources.values() if other is not source)
                if not source.count(node.name, node) + sum(o.count(node.name) for o in others):
                    source.remove(node, parent)
                    removed.append("%s %s" % (name, node.name))
    return {name: "\n".join(source.lines) for name, source in sources.items()}, removed
