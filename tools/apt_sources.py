"""Reads where this machine's Debian or Ubuntu archive is: addresses and keyrings from /etc/apt.

Both forms are understood: the one-line form of *.list and the deb822 form of *.sources (see
sources.list(5)). Only entries of the distribution itself count: their suite is the release's code
name and they have the component `main`; other vendors' archives and -updates, -security and
-backports suites are left alone.
"""

import re
from pathlib import Path


class Archive:
    """One archive: *uri*, *components*, and *options*, deb822 fields (Signed-By, Trusted)."""

    def __init__(self, uri: str, components: list, options: dict) -> None:
        self.uri = uri
        self.components = components
        self.options = options


class System:
    """The machine's release: *codename*, *families* ("debian" ...), *archives*."""

    def __init__(self, codename: str, families: tuple, archives: list) -> None:
        self.codename = codename
        self.families = families
        self.archives = archives


def parse_os_release(text: str) -> dict:
    """Return the assignments of an os-release file, unquoted."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def parse_list(text: str):
    """Yield (uri, suite, components, options) of each one-line entry."""
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$", line)
        if match:
            words = [word.split("=", 1) for word in (match.group(1) or "").split()]
            options = {word[0].lower(): word[-1] for word in words}
            yield match.group(2), match.group(3), match.group(4).split(), options


def parse_deb822(text: str):
    """Yield (uri, suite, components, options) of each URI and suite of each stanza."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").strip().lower() in ("no", "false", "0"):
            continue
        components = fields.get("components", "").split()
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield uri, suite, components, fields


def _fields(stanza: str) -> dict:
    fields = {}
    name = None
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t"):
            if name:
                fields[name] += "\n" + line
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def read_system(root: str = "/"):
    """Return the System below *root*, or None when it is no Debian or names no archive."""
    etc = Path(root) / "etc"
    try:
        release = parse_os_release((etc / "os-release").read_text())
    except OSError:
        return None
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "sid")
    families = tuple([release.get("ID", "")] + release.get("ID_LIKE", "").split())
    archives = []
    for entry in _entries(etc / "apt"):
        uri, suite, components, options = entry
        if suite in (codename, "stable", "testing", "unstable", "sid") and "main" in components:
            kept = [name for name in components if name in ("main", "universe")]
            archives.append(Archive(uri, kept, _kept(options)))
    return System(codename, families, archives) if archives else None


def _entries(apt: Path):
    files = [apt / "sources.list"] + sorted((apt / "sources.list.d").glob("*"))
    for path in files:
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text()
            yield from (parse_list if path.suffix == ".list" else parse_deb822)(text)


def _kept(options: dict) -> dict:
    kept = {}
    for field in ("Signed-By", "Trusted", "Check-Valid-Until"):
        if field.lower() in options:
            kept[field] = options[field.lower()]
    return kept


def render(archives: list, suite: str) -> str:
    """Return a deb822 file for *suite* of every archive, as apt-get reads it."""
    stanzas = []
    for archive in archives:
        lines = ["Types: deb", "URIs: " + archive.uri, "Suites: " + suite]
        lines.append("Components: " + " ".join(archive.components))
        lines += ["%s: %s" % pair for pair in archive.options.items()]
        stanzas.append("\n".join(lines) + "\n")
    return "\n".join(stanzas)
