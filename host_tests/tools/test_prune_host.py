"""prune: what goes and what stays."""

from tools import prune

LIBRARY = """
def used():
    return _helper()


def _helper():
    return 1


def unused():
    return only_for_unused()


def only_for_unused():
    return unused()


class Thing:
    def get(self):
        return self.by_name

    @property
    def nobody_asks(self):
        return 2

    def by_name(self):
        return 3


class Empty:
    def never(self):
        return 4
"""
PROGRAM = """
from demo.library import used, Thing, Empty
print(used(), Thing().get(), Empty(), getattr(Thing(), "by_name"))
"""


def pruned(modules):
    texts, removed = prune.prune({"demo/library": LIBRARY, "demo/program": PROGRAM}, modules)
    return texts["demo/library"], [line.split()[1] for line in removed]


def test_what_nothing_refers_to_goes():
    text, removed = pruned(["demo/library"])
    assert sorted(removed) == ["never", "nobody_asks"]
    assert "def never" not in text and "property" not in text and "def by_name" in text


def test_lines_stay_and_the_rest_runs():
    text, _ = pruned(["demo/library"])
    assert text.count("\n") == LIBRARY.count("\n")
    namespace = {}
    exec(text, namespace)
    assert namespace["used"]() == 1 and namespace["Thing"]().get()() == 3


def test_other_modules_stay_whole():
    text, removed = pruned([])
    assert text == LIBRARY and removed == []
