"""size: reading the budget and finding what is over it."""

from tools import size

BUDGET = """\
# a comment
total - 100 200 300
module usip.ticks 10 20 30   # behind
state registered rom 49152 72k
"""


def test_budget_lines_are_read():
    budget = size.Budget(BUDGET)
    assert budget.modules == {"total": (100, 200, 300), "usip.ticks": (10, 20, 30)}
    assert budget.states == {("registered", "rom"): (49152, "72k")}


def test_each_figure_over_its_limit_is_named():
    assert not list(size.over("usip.ticks", [10, 20, 30], (10, 20, 30), True))
    assert list(size.over("usip.ticks", [11, 20, 31], (10, 20, 30), True)) == [
        "usip.ticks: .mpy bytes 11, budget 10",
        "usip.ticks: heap loaded to RAM 31, budget 30",
    ]


def test_heap_of_a_64_bit_vm_is_not_held_against_the_budget():
    assert not list(size.over("usip.ticks", [10, 99, 99], (10, 20, 30), False))


def test_a_module_that_does_not_import_is_a_fault():
    found = list(size.over("usip.ticks", [10, None, None], (10, 20, 30), True))
    assert found == ["usip.ticks does not import on the VM"]


def test_modules_come_behind_what_they_import():
    names = size.module_names()
    assert names.index("usip.octets") < names.index("usip.writer")
    assert names.index("usip.sip") < names.index("usip.sip.uri")
