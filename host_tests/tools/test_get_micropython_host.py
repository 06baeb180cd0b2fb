"""get_micropython: which interpreter is taken, and what is said when there is none."""

import json
import os
import shlex

import pytest

from tools import get_micropython as get


def program(folder, name: str, output: str):
    """Make a program that prints *output*, as an interpreter of that version would."""
    path = folder / name
    path.write_text("#!/bin/sh\necho '%s'\n" % output)
    path.chmod(0o755)
    return path


def alone(monkeypatch, tmp_path):
    """Leave nothing to find: no variable, an empty PATH, an empty build folder."""
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(get, "UNPACKED", tmp_path / "unpacked")


def test_the_variable_is_a_command_line_and_comes_first(monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path)
    program(tmp_path, "micropython", "1 26 64 2")
    other = program(tmp_path, "my micropython", "1 25 32 1")
    monkeypatch.setenv("MICROPYTHON", shlex.join([str(other), "-O"]))
    found = get.find()
    assert found.command == [str(other), "-O"]
    assert (found.version, found.bits, found.emitter) == ((1, 25), 32, "x86")


def test_the_variable_naming_an_old_one_is_refused(monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path)
    old = program(tmp_path, "old", "1 22 64 2")
    monkeypatch.setenv("MICROPYTHON", str(old))
    with pytest.raises(get.NotFound, match="is MicroPython 1.22, older than 1.25"):
        get.find()


def test_path_is_searched_next(monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path)
    program(tmp_path, "micropython", "1 26 64 0")
    found = get.find()
    assert (found.bits, found.emitter) == (64, "")


def test_without_apt_the_remedy_is_named(monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path)
    program(tmp_path, "micropython", "1 20 64 2")
    with pytest.raises(get.NotFound, match="no apt-get.*put `micropython` on PATH"):
        get.find()


def test_an_unpacked_one_is_found_where_the_tree_now_is(monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path)
    tree = tmp_path / "unpacked" / "root-s-i386"
    tree.mkdir(parents=True)
    for name in ("loader", "micropython"):
        (tree / name).write_text("")
    command = ["root-s-i386/loader", "--library-path", "root-s-i386/a:root-s-i386/b"]
    record = {"command": command + ["root-s-i386/micropython"], "version": [1, 25]}
    record.update({"bits": 32, "emitter": "x86"})
    (tmp_path / "unpacked" / "vm.json").write_text(json.dumps(record))
    found = get.find()
    assert found.command[0] == os.path.join(tree, "loader")
    assert found.command[2] == "%s/a:%s/b" % (tree, tree)
    assert found.command[3] == os.path.join(tree, "micropython")
