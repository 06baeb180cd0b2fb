"""Every field of RFC 8866 5 as a value, on demand: `parse` reads one line, `put` writes one.

Theory of operation: a line's value is a tuple with named members, or for the plain fields an int
(v=) or bytes (s= i= u= e= p=). Everything textual stays bytes. A phone call needs none of this;
it is for programs that look into or make descriptions of their own. Both functions use heap for
what they return.
"""

from collections import namedtuple

from usip.errors import ParseError

Origin = namedtuple(
    "Origin",
    ("username", "session_id", "session_version", "network_type", "address_type", "address"),
)
# ttl is -1 when absent, count 1: the number of multicast addresses from this one on.
Connection = namedtuple("Connection", ("network_type", "address_type", "address", "ttl", "count"))
Bandwidth = namedtuple("Bandwidth", ("type", "value"))  # kbit/s, or bit/s for RS, RR and TIAS
Time = namedtuple("Time", ("start", "stop"))  # NTP seconds, 0: unbounded
Repeat = namedtuple("Repeat", ("interval_s", "duration_s", "offsets_s"))
Adjustment = namedtuple("Adjustment", ("time", "offset_s"))
Key = namedtuple("Key", ("method", "value"))  # value is None when absent
Media = namedtuple("Media", ("media", "port", "count", "profile", "formats"))
Attribute = namedtuple("Attribute", ("name", "value"))  # value is None when absent

_UNITS = {100: 86400, 104: 3600, 109: 60, 115: 1}  # d h m s (RFC 8866 5.10)


def number(text: bytes) -> int:
    """Return the 1*DIGIT *text*, of any size; ValueError when it is none."""
    if not text or not all([48 <= c <= 57 for c in text]):
        raise ValueError("no number")
    return int(text)


def seconds(text: bytes) -> int:
    """Return the typed time *text* in seconds: [-]1*DIGIT with an optional unit d, h, m or s."""
    unit = _UNITS.get(text[-1]) if text else None
    if unit:
        text = text[:-1]
    sign = -1 if text[:1] == b"-" else 1
    return sign * number(text[1:] if sign < 0 else text) * (unit or 1)


def _words(value, low, high):
    words = value.split(b" ")
    if not low <= len(words) <= high or b"" in words:
        raise ValueError("wrong number of words")
    return words


def _version(value):
    return number(value)


def _origin(value):
    words = _words(value, 6, 6)
    words[1] = number(words[1])
    words[2] = number(words[2])
    return Origin(*words)


def _text(value):
    if not value:
        raise ValueError("empty")
    return value


def _name(value):
    # Lax: an empty s=, because the examples of RFC 3264 have it
    return value


def _connection(value):
    network_type, address_type, address = _words(value, 3, 3)
    parts = address.split(b"/")
    ttl, count = -1, 1
    if len(parts) > (2 if address_type == b"IP6" else 3) or not parts[0]:
        raise ValueError("address")
    if address_type == b"IP6" and len(parts) == 2:
        count = number(parts[1])
    elif len(parts) > 1:
        ttl = number(parts[1])
        count = number(parts[2]) if len(parts) == 3 else 1
    if ttl > 255 or not count:
        raise ValueError("ttl or number of addresses")
    return Connection(network_type, address_type, parts[0], ttl, count)


def _bandwidth(value):
    kind, colon, amount = value.partition(b":")
    if not kind:
        raise ValueError("no type")
    return Bandwidth(kind, number(amount))


def _time(value):
    words = _words(value, 2, 2)
    return Time(number(words[0]), number(words[1]))


def _repeat(value):
    words = [seconds(word) for word in _words(value, 2, 64)]
    if words[0] <= 0 or words[1] < 0:
        raise ValueError("interval or duration")
    return Repeat(words[0], words[1], tuple(words[2:]))


def _zones(value):
    words = _words(value, 2, 64)
    if len(words) % 2:
        raise ValueError("odd number of words")
    pairs = range(0, len(words), 2)
    return tuple([Adjustment(number(words[i]), seconds(words[i + 1])) for i in pairs])


def _key(value):
    method, colon, rest = value.partition(b":")
    return Key(_text(method), rest if colon else None)


def _media(value):
    words = _words(value.rstrip(b" "), 4, 260)  # Lax: a space at the end, because Cisco CUCM has
    port, slash, count = words[1].partition(b"/")
    found = Media(
        words[0], number(port), number(count) if slash else 1, words[2], tuple(words[3:])
    )
    if found.port > 65535 or not found.count:
        raise ValueError("port")
    return found


def _attribute(value):
    name, colon, rest = value.partition(b":")
    return Attribute(_text(name), rest if colon else None)


_PARSERS = {
    "v": _version,
    "o": _origin,
    "s": _name,
    "i": _text,
    "u": _text,
    "e": _text,
    "p": _text,
    "c": _connection,
    "b": _bandwidth,
    "t": _time,
    "r": _repeat,
    "z": _zones,
    "k": _key,
    "m": _media,
    "a": _attribute,
}


def parse(kind: int, value: bytes):
    """Return the value of a line of type *kind*; ParseError 400 at offset 0 when it is wrong."""
    try:
        return _PARSERS[chr(kind)](value)
    except ValueError as e:
        raise ParseError(400, 0, "%s= line: %s" % (chr(kind), e))


def text_of(kind: int, value) -> bytes:
    """Return the octets behind the = of a line of type *kind* for what `parse` returned."""
    kind = chr(kind)
    if kind == "c":
        parts = [value.address]
        if value.ttl >= 0:
            parts.append(b"%d" % value.ttl)
        if value.count != 1:
            parts.append(b"%d" % value.count)
        return b" ".join((value.network_type, value.address_type, b"/".join(parts)))
    if kind == "m":
        port = b"%d/%d" % value[1:3] if value.count != 1 else b"%d" % value.port
        return b" ".join((value.media, port, value.profile) + value.formats)
    if kind == "r":
        return b" ".join([b"%d" % n for n in value[:2] + value.offsets_s])
    if kind == "z":
        return b" ".join([b"%d %d" % tuple(adjustment) for adjustment in value])
    if kind == "v":
        return b"%d" % value
    if kind == "b" or kind == "k" or kind == "a":
        return value[0] if value[1] is None else b"%s:%s" % (value[0], _octets(value[1]))
    if kind == "o" or kind == "t":
        return b" ".join([_octets(member) for member in value])
    return value


def _octets(member):
    return b"%d" % member if isinstance(member, int) else member


def put(builder, kind: int, value) -> None:
    """Append a line with the value as `parse` returns it; exceptions as write.Builder has."""
    builder.line(kind, text_of(kind, value))
