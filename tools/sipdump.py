"""Prints one SIP message as JSON, the way the user agent reads it.

    python -m tools.sipdump FILE [--vm cpython|micropython] [--heap 48k] [--chunks N]

FILE holds the octets of one datagram, `-` is standard input. A message that must be refused gives
{"ok": false, "error": ..., "offset": ..., "answer": status, or null when it is dropped}.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lib"))

from tools import dump, sip_ids, sip_json  # noqa: E402  (they need lib/ on the path)

_ORDER = (
    "ok kind method request_uri status reason version headers via from to contact cseq call_id "
    "max_forwards content_length body_bytes error offset answer display_name uri tag params "
    "transport host port number malformed"
).split()
# Compact forms of fields the library itself has no use for.
_COMPACT = {"y": "Identity", "n": "Identity-Info"}


def ordered(value):
    """Return *value* with the keys of its objects in the order of the documentation."""
    if isinstance(value, dict):
        known = [key for key in _ORDER if key in value]
        rest = sorted(key for key in value if key not in _ORDER)
        return {key: ordered(value[key]) for key in known + rest}
    if isinstance(value, list):
        return [ordered(item) for item in value]
    return value


def collect(items) -> dict:
    """Put the (key, value) of sip_json together, fields under their canonical names."""
    found = {}
    for key, value in items:
        if key == "ok" and value:
            found = dict.fromkeys(("method", "request_uri", "status", "reason", "error"))
            found.update(headers=[], via=[], contact=[])
        if key == "headers":
            number, name, value = value
            name = sip_ids.HEADERS[number] if number else _COMPACT.get(name.lower(), name)
            value = [name, value]
        if isinstance(found.get(key), list):
            found[key].append(value)
        else:
            found[key] = value
    return ordered(found)


def on_vm(octets: bytes, heap: str, step: int) -> list:
    """Describe *octets* on the MicroPython VM with *heap*; raises RuntimeError when it fails."""
    from tools import get_micropython, rom, vm

    with tempfile.NamedTemporaryFile(suffix=".sip") as file:
        file.write(octets)
        file.flush()
        try:
            command = vm.vm_command(heap, rom=_image(rom))
            command += [str(vm.compiled(ROOT / "tools" / "sip_json.py", optimise=3))]
        except (get_micropython.NotFound, rom.BuildError) as error:
            raise RuntimeError(str(error)) from None
        command += [file.name, str(step)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip() or "the VM died")
    return [json.loads(line) for line in done.stdout.splitlines()]


def _image(rom) -> Path:
    """Return the image of board sim; one that lacks modules which do not compile will do."""
    try:
        return rom.build("sim", linked=False)
    except rom.BuildError as error:
        if error.image is None:
            raise
        return error.image


def main(argv=None) -> int:
    """Run the command; return its exit status."""
    return dump.run(
        "tools.sipdump",
        __doc__.split("\n")[0],
        lambda octets, step: collect(sip_json.describe(octets, step)),
        lambda octets, heap, step: collect(on_vm(octets, heap, step)),
        argv,
    )


if __name__ == "__main__":
    sys.exit(main())
