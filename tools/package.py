"""Writes package.json, what `mip install` reads: every module of lib/usip that a board uses.

python -m tools.package [--check]      --check: exit status 1 when the file is out of date
"""

import json
import sys
from pathlib import Path

from tools import rom

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "package.json"
VERSION = "0.1.0"


def render() -> str:
    """Return the text of package.json for the modules there are now."""
    lines = []
    for name in rom.sources():
        if name.startswith("lib/"):
            lines.append("    " + json.dumps([name[4:] + ".py", name + ".py"]))
    return '{\n  "urls": [\n%s\n  ],\n  "deps": [],\n  "version": "%s"\n}\n' % (
        ",\n".join(lines),
        VERSION,
    )


def main(argv=None) -> int:
    text = render()
    if "--check" in (sys.argv[1:] if argv is None else argv):
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print("package.json is out of date: run `make package`", file=sys.stderr)
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
