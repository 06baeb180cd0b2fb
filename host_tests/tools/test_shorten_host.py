"""shorten: which names change, and that what runs is the same."""

from tools import shorten

BASE = """
class Base:
    def __init__(self, first_value):
        self._kept_inside = first_value
        self.shown_outside = 0

    def _work(self, amount, factor=2):
        return self._kept_inside * amount * factor


def _helper(argument):
    return Base(argument)._work(3)


def run(argument):
    return _helper(argument)
"""
DERIVED = """
from demo.base import Base


class Derived(Base):
    def __init__(self):
        super().__init__(5)
        self._of_derived = 1

    def __len__(self):
        return self._work(1) + self._of_derived
"""
OTHER = """
class Other:
    def __init__(self):
        self._elsewhere = 4
"""


def shortened():
    """Return the three texts with short names."""
    texts = {"demo/base": BASE, "demo/derived": DERIVED, "demo/other": OTHER}
    return shorten.shorten(texts)[0]


def test_private_names_become_short_and_public_ones_of_modules_stay():
    texts = shortened()
    assert "_kept_inside" not in texts["demo/base"]
    assert "def run(" in texts["demo/base"] and "class Base" in texts["demo/base"]


def test_lines_stay_where_they_are():
    texts = shortened()
    assert len(texts["demo/base"].split("\n")) == len(BASE.split("\n"))


def test_the_code_does_what_it_did():
    namespace = {}
    exec(shortened()["demo/base"], namespace)
    assert namespace["run"](7) == 42


def test_names_of_one_family_never_share_a_form():
    texts = shortened()
    base = {}
    exec(texts["demo/base"], base)
    namespace = {"Base": base["Base"]}
    exec(texts["demo/derived"].replace("from demo.base import Base", ""), namespace)
    assert len(namespace["Derived"]()) == 11


def test_unrelated_files_share_forms():
    _, report = shorten.shorten({"demo/base": BASE, "demo/other": OTHER})
    forms = dict(reversed(line.split(" ")) for line in report)
    assert forms["_elsewhere"] in (forms["_kept_inside"], forms["_work"])


def test_a_parameter_named_in_a_call_stays():
    text = "def f(value, other):\n    return value - other\n\n\nx = f(value=3, other=1)\n"
    assert shorten.shorten({"demo/x": text})[0]["demo/x"] == text


ALIAS = """
class Media:
    def _put_offer_of_ours(self):
        return 7

    put_answer_of_ours = _put_offer_of_ours

    def run(self):
        return self.put_answer_of_ours()
"""


def test_a_second_name_of_a_method_follows_it():
    namespace = {}
    text = shorten.shorten({"demo/media": ALIAS})[0]["demo/media"]
    exec(text, namespace)
    assert "_put_offer_of_ours" not in text and namespace["Media"]().run() == 7
