"""What happens on the station: one JSON object a line, `{"t": 1.234, "event": "button", ...}`.

Serial console, `make monitor` and the simulator read the same lines. `t` is seconds since start.
"""

import json
import sys

from usip.ticks import ticks_diff, ticks_ms

started_at = ticks_ms()
more = []  # what else is called with each line


def write(text: str) -> None:
    """Where a line goes; the simulator in virtual time puts another function here."""
    sys.stdout.write(text)


def quoted(value) -> str:
    """Return *value* as JSON: None, a bool, a number, octets or a str."""
    if isinstance(value, bytes):
        value = str(bytes([c if 32 <= c < 127 else 63 for c in value]), "ascii")
    return json.dumps(value)


def say(event: str, *fields) -> None:
    """Write a line: *fields* are name, value, name, value ... Costs heap: not for every frame."""
    t = ticks_diff(ticks_ms(), started_at)
    line = '{"t": %d.%03d, "event": "%s"' % (t // 1000, t % 1000, event)
    for i in range(0, len(fields), 2):
        line += ', "%s": %s' % (fields[i], quoted(fields[i + 1]))
    line += "}\n"
    write(line)
    for take in more:
        take(line)
