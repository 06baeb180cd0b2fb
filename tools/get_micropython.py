"""Finds the MicroPython VM of the unix port, and fetches Debian's when the machine has none.

Looked for in this order: the command line in $MICROPYTHON; `micropython` on PATH when it is new
enough; the packages of the machine's own Debian or Ubuntu archive, unpacked below
build/micropython/. The last needs neither root nor a change to the machine: apt-get works on
lists, cache and status of its own, below build/, with the archive addresses and keyrings read
from /etc/apt. The program then runs through the dynamic loader it was unpacked with.

A 32-bit VM is preferred, because its objects have a device's sizes; a 64-bit one is the fall-back
where the kernel runs no 32-bit programs or the archive has none.

    python -m tools.get_micropython      prints the command line and the version found
"""

import fcntl
import json
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from tools import apt_sources

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / "build" / "micropython"
OLDEST = (1, 25)

# Suites tried after the machine's own, oldest first: the first ones that carry 1.25.
_LATER_SUITES = {
    "debian": ("trixie", "forky", "sid"),
    "ubuntu": ("questing", "resolute", "devel"),
}
# Releases known to carry an older MicroPython: their package lists are not even fetched.
_OLD_SUITES = ("bullseye", "bookworm", "focal", "jammy", "noble", "plucky")
# Architectures whose programs may run here, the 32-bit one first.
_ARCHITECTURES = {
    "x86_64": ("i386", "amd64"),
    "i686": ("i386",),
    "aarch64": ("armhf", "arm64"),
    "armv7l": ("armhf",),
}
# Emitter ids in sys.implementation._mpy >> 10 (MicroPython py/persistentcode.h); 0 is none.
_EMITTERS = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
_PROBE = (
    "import sys, ffi, uctypes, vfs\n"
    "vfs.VfsRom\n"
    "i = sys.implementation\n"
    "print(i[1][0], i[1][1], 64 if sys.maxsize >> 32 else 32, i._mpy >> 10 & 15)"
)
_REMEDY = (
    "usip needs MicroPython %d.%d or newer, unix port, with ffi and VfsRom. Build it "
    "(ports/unix, make VARIANT=standard) or install it, and put `micropython` on PATH or its "
    "command line into the variable MICROPYTHON." % OLDEST
)


def emitter_name(mpy: int) -> str:
    """Return the -march of the emitter in a firmware's sys.implementation._mpy, "" for none."""
    number = mpy >> 10 & 15
    return _EMITTERS[number] if number < len(_EMITTERS) else ""


class NotFound(Exception):
    """No usable VM; the text names the remedy."""


class VM:
    """One usable interpreter: *command* (list of str), *version*, *bits*, *emitter* ("" none)."""

    def __init__(self, command, version, bits, emitter):
        self.command = command
        self.version = tuple(version)
        self.bits = bits
        self.emitter = emitter

    def __str__(self):
        return "%s: MicroPython %d.%d, %d bit" % (
            (shlex.join(self.command),) + self.version + (self.bits,)
        )


def probe(command: list):
    """Return the VM that *command* starts, or a str saying why it is of no use."""
    try:
        done = subprocess.run(command + ["-c", _PROBE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    words = done.stdout.split()
    if done.returncode or len(words) != 4:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no output"]
        return lines[-1]
    major, minor, bits, emitter = [int(word) for word in words]
    if (major, minor) < OLDEST:
        return "is MicroPython %d.%d, older than %d.%d" % ((major, minor) + OLDEST)
    return VM(command, (major, minor), bits, _EMITTERS[emitter])


def find() -> VM:
    """Return the VM to use, fetching it when there is none; raises NotFound."""
    named = os.environ.get("MICROPYTHON")
    if named:
        found = probe(shlex.split(named))
        if isinstance(found, str):
            raise NotFound("MICROPYTHON=%s: %s" % (named, found))
        return found
    on_path = shutil.which("micropython")
    if on_path:
        found = probe([on_path])
        if isinstance(found, VM):
            return found
    return _unpacked() or _fetch_locked()


def _unpacked():
    """Return the VM unpacked earlier, or None; it is probed afresh only when its record moved."""
    try:
        record = json.loads((UNPACKED / "vm.json").read_text())
    except (OSError, ValueError):
        return None
    command = [str(UNPACKED / part) if part[:5] == "root-" else part for part in record["command"]]
    command[2] = ":".join(str(UNPACKED / part) for part in command[2].split(":"))
    if not all(os.path.exists(path) for path in (command[0], command[-1])):
        return None
    return VM(command, record["version"], record["bits"], record["emitter"])


def _fetch_locked() -> VM:
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with open(UNPACKED / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several make targets may come here at once
        return _unpacked() or _fetch()


def _fetch() -> VM:
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise NotFound(
                "no micropython found, and this machine has no %s. " % program + _REMEDY
            )
    system = apt_sources.read_system()
    if system is None:
        raise NotFound("no Debian or Ubuntu archive in /etc/apt. " + _REMEDY)
    failures = []
    for suite in _suites(system):
        for architecture in _ARCHITECTURES.get(platform.machine(), ()):
            found = _try(system, suite, architecture)
            if isinstance(found, VM):
                _record(found)
                return found
            failures.append("  %s %s: %s" % (suite, architecture, found))
            print(failures[-1].strip(), file=sys.stderr)
    raise NotFound(
        "no usable micropython package (is the network up?):\n%s\n%s"
        % ("\n".join(failures), _REMEDY)
    )


def _suites(system) -> list:
    suites = [system.codename] if system.codename not in _OLD_SUITES else []
    for family, later in _LATER_SUITES.items():
        if family in system.families:
            suites += [suite for suite in later if suite not in suites]
            break
    return suites


def _try(system, suite: str, architecture: str):
    """Return the VM of *suite*, or a str saying what went wrong."""
    print("looking for micropython in %s (%s)" % (suite, architecture), file=sys.stderr)
    apt = _Apt(system, suite, architecture)
    try:
        apt.update()
        version = apt.version("micropython")
        if version is None:
            return "has no package micropython"
        if version < OLDEST:
            return "has only MicroPython %d.%d" % version
        tree = apt.unpack("micropython")
        return probe(_command(tree))
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines() or [str(error)]
        return lines[0]
    except OSError as error:
        return str(error)
    finally:
        shutil.rmtree(apt.state, ignore_errors=True)


class _Apt:
    """apt-get with lists, cache and package status of its own: nothing on the machine changes."""

    def __init__(self, system, suite, architecture):
        self.name = "%s-%s" % (suite, architecture)
        self.state = UNPACKED / ("apt-" + self.name)
        self.archives = self.state / "cache" / "archives"
        for folder in (self.state / "lists" / "partial", self.archives / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        (self.state / "status").write_text("")
        sources = self.state / "usip.sources"
        sources.write_text(apt_sources.render(system.archives, suite))
        self._options = self._words(
            ("Dir::State", self.state),
            ("Dir::State::Lists", self.state / "lists"),
            ("Dir::State::status", self.state / "status"),
            ("Dir::Cache", self.state / "cache"),
            ("Dir::Etc::SourceList", sources),
            ("Dir::Etc::SourceParts", "/dev/null"),
            ("Dir::Etc::Preferences", "/dev/null"),
            ("Dir::Etc::PreferencesParts", "/dev/null"),
            ("APT::Architecture", architecture),
            ("APT::Architectures", architecture),
            ("APT::Default-Release", ""),
            ("APT::Install-Recommends", "0"),
            ("APT::Sandbox::User", "root"),
            ("APT::Update::Error-Mode", "any"),
            ("Acquire::Languages", "none"),
            ("Acquire::Retries", "2"),
            ("Debug::NoLocking", "1"),
        )

    @staticmethod
    def _words(*options):
        words = []
        for name, value in options:
            words += ["-o", "%s=%s" % (name, value)]
        return words

    def _run(self, *words):
        command = [words[0]] + self._options + list(words[1:])
        environment = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment, timeout=600
        )
        return done.stdout

    def update(self):
        self._run("apt-get", "-q", "update")

    def version(self, package):
        """Return (major, minor) of the newest *package*, or None when there is none."""
        for line in self._run("apt-cache", "dumpavail").split("\n\n"):
            fields = dict(
                row.split(": ", 1) for row in line.splitlines() if ": " in row and row[0] != " "
            )
            if fields.get("Package") == package:
                numbers = fields["Version"].split(":")[-1].split(".")
                return int(numbers[0]), int(numbers[1])
        return None

    def unpack(self, package):
        """Download *package* with all it depends on and return the folder it is unpacked into."""
        self._run("apt-get", "-qy", "--download-only", "install", package)
        tree = UNPACKED / ("root-" + self.name)
        shutil.rmtree(tree, ignore_errors=True)
        for archive in sorted(self.archives.glob("*.deb")):
            subprocess.run(
                ["dpkg-deb", "-x", archive, tree], check=True, capture_output=True, text=True
            )
        return tree


def _interpreter(program: Path) -> str:
    """Return the dynamic loader an ELF program names (its PT_INTERP segment)."""
    octets = program.read_bytes()
    wide = octets[4] == 2
    at, size, count = (
        struct.unpack_from("<Q14xHH", octets, 32)
        if wide
        else struct.unpack_from("<I10xHH", octets, 28)
    )
    for entry in range(at, at + size * count, size):
        if struct.unpack_from("<I", octets, entry)[0] == 3:
            offset, length = (
                struct.unpack_from("<Q16xQ", octets, entry + 8)
                if wide
                else struct.unpack_from("<I8xI", octets, entry + 4)
            )
            return octets[offset : offset + length].rstrip(b"\0").decode()
    raise OSError("%s names no dynamic loader" % program)


def _command(tree: Path) -> list:
    program = tree / "usr" / "bin" / "micropython"
    name = os.path.basename(_interpreter(program))
    loaders = [path for path in sorted(tree.rglob(name)) if path.is_file()]
    if not loaders:
        raise OSError("%s was not unpacked" % name)
    folders = sorted({str(path.parent) for path in tree.rglob("lib*.so.*")})
    return [str(loaders[0]), "--library-path", ":".join(folders), str(program)]


def _record(vm: VM) -> None:
    """Write what was found, by paths below build/micropython: the tree may be moved."""
    prefix = str(UNPACKED) + os.sep
    record = {
        "command": [word.replace(prefix, "") for word in vm.command],
        "version": vm.version,
        "bits": vm.bits,
        "emitter": vm.emitter,
    }
    (UNPACKED / "vm.json").write_text(json.dumps(record, indent=1) + "\n")


def main() -> int:
    try:
        print(find())
    except NotFound as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
