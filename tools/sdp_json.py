"""One session description as JSON, on either VM: the part of tools.sdpdump that uses the library.

    sdp_json FILE [OCTETS_AT_A_TIME]

prints the object of `write` below. The description is read twice: once to know whether it is one,
once to print its fields as they come, so that a long one takes little memory on a device.
"""

import json
import sys

from usip.errors import ParseError
from usip.sdp import attributes, fields
from usip.sdp.read import Reader

_LINE_BYTES = 1024
_SESSION_KEYS = {
    "v": "version",
    "o": "origin",
    "s": "session_name",
    "i": "information",
    "u": "uri",
    "c": "connection",
    "k": "key",
}
_LISTS = {"e": "emails", "p": "phones", "b": "bandwidths", "a": "attributes"}
_FIELDS = {
    "o": ("username", "session_id", "session_version", "network_type", "address_type", "address"),
    "c": ("network_type", "address_type", "address", "ttl", "count"),
    "b": ("type", "value"),
    "k": ("method", "value"),
    "m": ("media", "port", "count", "profile", "formats"),
    "t": ("start", "stop"),
    "r": ("interval_s", "duration_s", "offsets_s"),
}
_TYPED = {
    "rtpmap": ("payload_type", "encoding_name", "clock_rate", "parameters"),
    "fmtp": ("format", "parameters"),
    "rtcp": ("port", "network_type", "address_type", "address"),
    "rtcp-fb": ("payload_type", "type", "parameters"),
    "group": ("semantics", "identifiers"),
    "crypto": ("tag", "suite", "keys", "parameters"),
    "candidate": (
        "foundation",
        "component",
        "transport",
        "priority",
        "address",
        "port",
        "type",
        "related_address",
        "related_port",
        "extensions",
    ),
    "ssrc": ("ssrc", "attribute", "value"),
    "curr": ("type", "segment", "direction"),
    "conf": ("type", "segment", "direction"),
    "des": ("type", "strength", "segment", "direction"),
    "fingerprint": ("hash", "octets"),
    "extmap": ("id", "direction", "uri", "attributes"),
}
_KEY_NAMES = ("method", "key", "lifetime", "mki")


def text(octets: bytes) -> str:
    """Return octets as text: UTF-8, or else each octet as the character of its number."""
    try:
        return str(octets, "utf-8")
    except UnicodeError:
        return "".join(chr(octet) for octet in octets)


def plain(value):
    """Return *value* as JSON knows it: octets as text, tuples as lists."""
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, (tuple, list)):
        return [plain(member) for member in value]
    return value


def as_object(names, value) -> dict:
    """Return the tuple *value* as an object with *names*."""
    return {name: plain(member) for name, member in zip(names, value)}


def attribute(value) -> dict:
    """Return an a= line: name, value, and what the value means where that is known.

    "typed" is absent for an unknown attribute and null when the value breaks its grammar.
    """
    name = text(value.name)
    found = {"name": name, "value": plain(value.value)}
    if not attributes.is_known(value.name):
        return found
    try:
        typed = attributes.parse(value.name, value.value)
    except ParseError:
        found["typed"] = None
        return found
    if name == "fingerprint":
        typed = (typed.hash, ":".join("%02X" % octet for octet in typed.octets))
    if name in _TYPED:
        found["typed"] = as_object(_TYPED[name], typed)
        if name == "crypto":
            found["typed"]["keys"] = [as_object(_KEY_NAMES, key) for key in typed.keys]
    else:
        found["typed"] = plain(typed)
    return found


class Lines:
    """Walks the lines of a description as `Reader` does, *step* octets at a time (0: whole)."""

    def __init__(self, octets: bytes, step: int) -> None:
        self._octets = octets
        self._step = step or max(1, len(octets))
        self._at = 0
        self._reader = Reader(_LINE_BYTES)
        self.section = -1

    def next(self):
        """Return (type letter, value), or None at the end; ParseError when it is wrong."""
        reader = self._reader
        while not reader.next():
            end = min(len(self._octets), self._at + self._step)
            if self._at == end:
                reader.finish()
                if reader.next():
                    break
                return None
            reader.feed(self._octets, self._at, end)
            self._at = end
        self.section = reader.section
        at = reader.offset
        if reader.is_cut:
            raise ParseError(513, at, "a line over %d octets" % _LINE_BYTES)
        try:
            value = fields.parse(reader.kind, bytes(reader.buf[reader.start : reader.end]))
        except ParseError as e:
            raise ParseError(e.status, at, e.text)
        return chr(reader.kind), value


def field(kind: str, value):
    """Return the value of a line as JSON knows it."""
    if kind == "a":
        return attribute(value)
    if kind == "z":
        return [as_object(("time", "offset_s"), one) for one in value]
    return as_object(_FIELDS[kind], value) if kind in _FIELDS else plain(value)


def check(octets: bytes, step: int) -> None:
    """Read the whole description; ParseError when it must be refused."""
    lines = Lines(octets, step)
    while lines.next():
        pass


class Part:
    """The session part, or one media part; its attributes are printed last, as they come."""

    def __init__(self, out, head: dict) -> None:
        self._out = out
        self._head = head
        self._attributes = []
        self._is_printed = False

    def add(self, kind: str, value) -> None:
        """Take one line."""
        head = self._head
        if kind == "t":
            head["times"].append(value)
            value["repeats"] = []
        elif kind == "r":
            head["times"][-1]["repeats"].append(value)
        elif kind == "z":
            head["time_zones"] += value
        elif kind == "a" and "version" not in head:
            self._print_attribute(value)
        elif kind == "a":
            self._attributes.append(value)  # a t= may come behind it
        elif kind == "c" and "version" not in head:
            head["connections"].append(value)
        elif kind in _LISTS:
            head[_LISTS[kind]].append(value)
        else:
            head[_SESSION_KEYS[kind]] = value

    def end(self) -> None:
        """Print what is left, but for the closing brace."""
        for value in self._attributes:
            self._print_attribute(value)
        if not self._is_printed:
            self._print_head()
        self._out("]")

    def _print_head(self):
        self._out(json.dumps(self._head)[:-1] + ', "attributes": [')
        self._is_printed = True

    def _print_attribute(self, value):
        if self._is_printed:
            self._out(", ")
        else:
            self._print_head()
        self._out(json.dumps(value))


def _session(out):
    head = {"ok": True, "error": None}
    for name in _SESSION_KEYS.values():
        head[name] = None
    for name in ("emails", "phones", "bandwidths", "times", "time_zones"):
        head[name] = []
    return Part(out, head)


def _media(out, value):
    value.update({"information": None, "connections": [], "bandwidths": [], "key": None})
    return Part(out, value)


def write(octets: bytes, step: int, out) -> None:
    """Write the description as one JSON object through *out*, piece by piece."""
    try:
        check(octets, step)
    except ParseError as e:
        found = {"ok": False, "error": e.text, "offset": e.at, "answer": e.status or None}
        out(json.dumps(found))
        return
    lines = Lines(octets, step)
    part = _session(out)
    line = lines.next()
    while line:
        kind, value = line
        if kind == "m":
            part.end()
            out(', "media": [' if lines.section == 0 else "}, ")
            part = _media(out, field(kind, value))
        else:
            part.add(kind, field(kind, value))
        line = lines.next()
    part.end()
    out(', "media": []}' if lines.section < 0 else "}]}")


def main() -> int:
    """Run the command."""
    with open(sys.argv[1], "rb") as file:
        octets = file.read()
    write(octets, int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.stdout.write)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
