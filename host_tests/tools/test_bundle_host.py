"""bundle: modules linked into one do what they did apart."""

import sys
import types

import pytest

from tools import bundle

TEXTS = {
    "demo/base": "from micropython import const\n\nLIMIT = const(7)\n_NEXT = 1\n\n\n"
    "def step(n):\n    return n + _NEXT\n\n\n"
    "class Base:\n    def value(self):\n        return 5\n",
    "demo/user": "from demo import base\nfrom demo.base import Base, step as advance\n"
    "\n_NEXT = 10\n"
    "\n\nclass User(Base):\n    def run(self, step):\n"
    "        return advance(step) + base.step(1) + _NEXT + base.LIMIT + self.value()\n",
    "demo/late": "def call():\n    from demo.user import User\n    from demo import base\n\n"
    "    return User().run(2) + base.LIMIT + base.step(0)\n",
}


@pytest.fixture(autouse=True)
def bundles(monkeypatch):
    """Link base and user into one; late stays outside."""
    monkeypatch.setattr(bundle, "BUNDLES", {"demo/one": ["demo/user", "demo/base"]})


@pytest.fixture
def load(monkeypatch):
    """Return a function that makes modules of texts and runs them in order."""

    def load(texts, order):
        names = ["demo"] + [name.replace("/", ".") for name in order]
        for name in names:
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        for name in order:
            module = sys.modules[name.replace("/", ".")]
            exec(texts[name], module.__dict__)
            setattr(sys.modules["demo"], name[5:], module)
        return sys.modules

    return load


def test_linked_modules_do_what_they_did_apart(load):
    apart = load(TEXTS, ["demo/base", "demo/user", "demo/late"])["demo.late"].call()
    texts = bundle.bundle(TEXTS)
    linked = load(texts, ["demo/one", "demo/base", "demo/user", "demo/late"])
    assert linked["demo.late"].call() == apart == 3 + 2 + 10 + 7 + 5 + 7 + 1


def test_a_stub_gives_the_public_names(load):
    modules = load(bundle.bundle(TEXTS), ["demo/one", "demo/base"])
    assert modules["demo.base"].LIMIT == 7
    assert modules["demo.base"].step(1) == 2


def test_names_of_two_modules_do_not_meet():
    text = bundle.bundle(TEXTS)["demo/one"]
    assert text.count("import") == text.count("import const")
    namespace = {}
    exec(text, namespace)
    assert namespace["User"]().run(0) if "User" in namespace else True


def test_a_module_used_as_a_value_is_refused():
    texts = dict(TEXTS)
    texts["demo/user"] = "from demo import base\n\nx = [base]\n"
    with pytest.raises(bundle.BundleError, match="demo/user:3"):
        bundle.bundle(texts)


def test_modules_that_import_each_other_are_refused():
    texts = {
        "demo/base": "from demo import user\n\nx = user.y\n",
        "demo/user": "from demo import base\n\ny = base.x\n",
    }
    with pytest.raises(bundle.BundleError, match="import each other"):
        bundle.bundle(texts)
