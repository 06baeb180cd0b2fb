"""overlay: what is taken out of a bundle comes back when it is called."""

import ast
import sys
import types
from pathlib import Path

import pytest

from tools import bundle, overlay, overlay_links, overlay_units, rom

BASE = """from micropython import const

_STEP = const(7)
_TEXT = b"text"


def _help(n):
    return n + _STEP


class Base:
    def __init__(self, value):
        self.value = value

    def rare(self, n=1):
        return _help(n) + self.value

    def often(self):
        return 1

    def over(self):
        return b"base" + _TEXT


class User(Base):
    def seldom(self, n, twice=False):
        return self.rare(n) * (2 if twice else 1)

    def over(self):
        return super().over() + b" user"

    @property
    def half(self):
        return self.value // 2
"""
GRANDCHILD = """from demo import base


class Third(base.User):
    def rare(self, n=1):
        return super().rare(n) + 1000
"""
LATE = """from demo.base import Base


class Late(Base):
    def rare(self, n=1):
        return super().rare(n) + 100
"""
TEXTS = {"demo/base": BASE, "demo/late": LATE, "demo/third": GRANDCHILD}


@pytest.fixture
def modules(monkeypatch):
    """Return the modules of the linked and overlaid texts, and what was loaded."""
    monkeypatch.setattr(bundle, "BUNDLES", {"demo/one": ["demo/base"]})
    units = {"demo/unit": {"demo/base": "__init__ rare seldom over"}}
    monkeypatch.setattr(overlay, "UNITS", units)
    monkeypatch.setattr(overlay, "RESIDENT", {})
    texts, linked = bundle.link(TEXTS)
    texts = overlay.overlay(texts, linked, overlay_links.methods(TEXTS, TEXTS))
    loaded = []

    def load(name):
        loaded.append(name)
        return make(name.replace(".", "/"))

    def make(name):
        dotted = name.replace("/", ".")
        if dotted not in sys.modules:
            module = types.ModuleType(dotted)
            monkeypatch.setitem(sys.modules, dotted, module)
            monkeypatch.setattr(sys.modules["demo"], name[5:], module, raising=False)
            exec(texts[name], module.__dict__)
        return sys.modules[dotted]

    package = types.ModuleType("demo")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "demo", package)
    usip = types.ModuleType("usip")
    usip.load = load
    monkeypatch.setitem(sys.modules, "usip", usip)
    make("demo/one")
    make("demo/base")
    return make, loaded, texts


def test_methods_work_as_before(modules):
    make, loaded, _ = modules
    user = make("demo/base").User(5)
    assert user.often() == 1 and user.half == 2
    assert user.seldom(3) == 3 + 7 + 5
    assert user.seldom(3, twice=True) == 2 * (3 + 7 + 5)
    assert user.over() == b"basetext user"
    assert set(loaded) == {"demo.unit"}


def test_what_only_a_unit_needs_goes_with_it(modules):
    _, _, texts = modules
    assert "self.value" not in texts["demo/one"].replace("self.value // 2", "")
    assert "def often" in texts["demo/one"]
    assert "return n + " not in texts["demo/one"] and "return n + " in texts["demo/unit"]


def test_a_subclass_elsewhere_reaches_what_was_taken_out(modules):
    make, _, _ = modules
    assert make("demo/late").Late(1).rare(2) == 2 + 7 + 1 + 100
    assert make("demo/third").Third(1).rare(2) == 2 + 7 + 1 + 1000


def test_a_missing_attribute_is_missing(modules):
    make, _, _ = modules
    user = make("demo/base").User(5)
    assert not hasattr(user, "nothing")
    assert getattr(user, "nothing", 4) == 4


def test_the_lists_name_what_there_is():
    sources = {name.removeprefix("lib/"): path for name, path in rom.sources().items()}
    stale = []
    for parts in [*overlay_units.UNITS.values(), overlay_units.RESIDENT]:
        for module, words in parts.items():
            stale += [
                "%s %s" % (module, w) for w in words.split() if not _is_there(sources, module, w)
            ]
    assert not stale


def _is_there(sources: dict, module: str, word: str) -> bool:
    if word == "*":
        return module in sources
    tree = ast.parse(Path(sources[module]).read_text())
    cls, _, name = word.removesuffix("()").rpartition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and cls in ("", node.name):
            if name == "*" or any(getattr(n, "name", "") == name for n in node.body):
                return True
    return any(getattr(node, "name", "") == name for node in tree.body)
