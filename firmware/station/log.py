"""What happens on the station: one JSON object a line, `{"t": 1.234, "event": "button", ...}`.

Serial console, `make monitor` and the simulator read the same lines. `t` is seconds since start.
"""

import sys

from usip.ticks import ticks_diff, ticks_ms

started_at = ticks_ms()


def write(text: str) -> None:
    """Where a line goes; the simulator in virtual time puts another function here."""
    sys.stdout.write(text)


def quoted(value) -> str:
    """Return *value* as JSON: None, a bool, an int, a float, octets or a str."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return "%.2f" % value
    if not isinstance(value, str):
        value = str(bytes(c if 32 <= c < 127 else 63 for c in value), "ascii")
    return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')


def say(event: str, *fields) -> None:
    """Write a line: *fields* are name, value, name, value ... Costs heap: not for every frame."""
    t = ticks_diff(ticks_ms(), started_at)
    line = '{"t": %d.%03d, "event": "%s"' % (t // 1000, t % 1000, event)
    for i in range(0, len(fields), 2):
        line += ', "%s": %s' % (fields[i], quoted(fields[i + 1]))
    write(line + "}\n")
