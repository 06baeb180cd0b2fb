"""Prints one session description as JSON: every field of RFC 8866, as the user agent reads it.

    python -m tools.sdpdump FILE [--vm cpython|micropython] [--heap 48k] [--chunks N]

FILE holds the description, `-` is standard input. One that must be refused gives
{"ok": false, "error": ..., "offset": ..., "answer": status}. An attribute is its name, its value
(null for a flag) and, where its meaning is known, "typed": null when the value breaks its grammar.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lib"))

import usip  # noqa: E402, F401  (needs lib/ on the path; installs the `micropython` shim)
from tools import dump, sdp_json  # noqa: E402

_ORDER = (
    "ok error offset answer version username session_id session_version origin session_name "
    "information uri emails phones network_type address_type media port count profile formats "
    "connection connections bandwidths start stop times interval_s duration_s offsets_s repeats "
    "time time_zones method key attributes name value typed payload_type encoding_name clock_rate "
    "format semantics identifiers tag suite keys lifetime mki foundation component transport "
    "priority address ttl type related_address related_port extensions ssrc attribute strength "
    "segment direction hash octets id parameters offset_s"
).split()


def ordered(value):
    """Return *value* with the keys of its objects in the order of the grammar."""
    if isinstance(value, dict):
        keys = [key for key in _ORDER if key in value and key != "media"]
        keys += sorted(key for key in value if key not in _ORDER)
        if "media" in value:  # the last of a description, the first of a media part
            keys.insert(0 if "port" in value else len(keys), "media")
        return {key: ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [ordered(item) for item in value]
    return value


def describe(octets: bytes, step: int = 0) -> dict:
    """Describe *octets*, read *step* at a time (0: whole), on this interpreter."""
    pieces = []
    sdp_json.write(octets, step, pieces.append)
    return json.loads("".join(pieces))


def on_vm(octets: bytes, heap: str, step: int) -> dict:
    """Describe *octets* on the MicroPython VM with *heap*; raises RuntimeError when it fails."""
    from tools import get_micropython, rom, vm

    with tempfile.NamedTemporaryFile(suffix=".sdp") as file:
        file.write(octets)
        file.flush()
        try:
            command = vm.vm_command(heap, rom=rom.build("sim", linked=False))
            command += [str(vm.compiled(ROOT / "tools" / "sdp_json.py", optimise=3))]
        except (get_micropython.NotFound, rom.BuildError) as error:
            raise RuntimeError(str(error)) from None
        command += [file.name, str(step)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip() or "the VM died")
    return json.loads(done.stdout)


def main(argv=None) -> int:
    """Run the command; return its exit status."""
    return dump.run(
        "tools.sdpdump",
        __doc__.split("\n")[0],
        lambda octets, step: ordered(describe(octets, step)),
        lambda octets, heap, step: ordered(on_vm(octets, heap, step)),
        argv,
    )


if __name__ == "__main__":
    sys.exit(main())
