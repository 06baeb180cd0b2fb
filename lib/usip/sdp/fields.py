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


def words(value: bytes, low: int, high: int) -> list:
    """Return the *low* to *high* words of *value*, one SP between them; or ValueError."""
    found = value.split(b" ")
    if not low <= len(found) <= high or b"" in found:
        raise ValueError("wrong number of words")
    return found


def _version(value):
    if value != b"0":
        raise ValueError("version")
    return 0


def _origin(value):
    found = words(value, 6, 6)
    found[1] = number(found[1])
    found[2] = number(found[2])
    return Origin(*found)


def _text(value):
    if not value:
        raise ValueError("empty")
    return value


def _name(value):
    # Lax: an empty s=, because the examples of RFC 3264 have it
    return value


def _connection(value):
    network_type, address_type, address = words(value, 3, 3)
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
    start, stop = words(value, 2, 2)
    return Time(number(start), number(stop))


def _repeat(value):
    found = [seconds(word) for word in words(value, 2, len(value))]
    if found[0] <= 0 or found[1] < 0:
        raise ValueError("interval or duration")
    return Repeat(found[0], found[1], tuple(found[2:]))


def _zones(value):
    found = words(value, 2, len(value))
    if len(found) % 2:
        raise ValueError("odd number of words")
    pairs = range(0, len(found), 2)
    return tuple([Adjustment(number(found[i]), seconds(found[i + 1])) for i in pairs])


def _key(value):
    method, colon, rest = value.partition(b":")
    return Key(_text(method), rest if colon else None)


def _media(value):
    # Lax: a space at the end, because a phone in Kamailio's test captures (sg) has one
    found = words(value[:-1] if value[-1:] == b" " else value, 3, 260)
    port, slash, count = found[1].partition(b"/")
    port = number(port)
    # Lax: no format where the port is 0, because phones built on pjsip refuse video so
    if port > 65535 or port and len(found) < 4:
        raise ValueError("port or formats")
    count = number(count) if slash else 1
    return Media(found[0], port, count, found[2], tuple(found[3:]))


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
