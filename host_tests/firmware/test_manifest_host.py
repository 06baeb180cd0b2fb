"""firmware/manifest.py: what it freezes is what a board's image holds."""

import os

from tools import rom


def frozen(monkeypatch):
    """Return the modules that the manifest names, read as MicroPython's manifestfile reads it."""
    monkeypatch.chdir(rom.ROOT / "firmware")
    found, included = [], []

    def package(name, files, base_path, opt):
        for file in files:
            path = os.path.join(base_path, name, file)
            assert os.path.exists(path) and opt == 3
            found.append(os.path.relpath(path, rom.ROOT))

    def module(file, base_path, opt):
        assert os.path.exists(os.path.join(base_path, file)) and opt == 3
        found.append("firmware/" + file)

    names = {"package": package, "module": module, "include": included.append}
    exec(compile((rom.ROOT / "firmware/manifest.py").read_text(), "manifest.py", "exec"), names)
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    return found


def test_every_module_of_an_image_is_frozen(monkeypatch):
    wanted = {path.relative_to(rom.ROOT).as_posix() for path in rom.sources().values()}
    assert set(frozen(monkeypatch)) == wanted


def test_nothing_is_frozen_twice(monkeypatch):
    found = frozen(monkeypatch)
    assert len(found) == len(set(found))
