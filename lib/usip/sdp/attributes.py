"""Typed values of the attributes a telephone meets, on demand (RFC 8866 6 and companions).

Theory of operation: `parse` takes the name and value of an a= line and returns a tuple with named
members, an int or bytes; an attribute this module does not know stays what it is, bytes. A value
that breaks its grammar raises ParseError; RFC 8866 5.13 lets a reader pass over such an attribute.
Everything textual stays bytes. Uses heap for what is returned.
"""

from collections import namedtuple

from usip.errors import ParseError
from usip.sdp.fields import number, words

RTPMap = namedtuple("RTPMap", ("payload_type", "encoding_name", "clock_rate", "parameters"))
FMTP = namedtuple("FMTP", ("format", "parameters"))
RTCP = namedtuple("RTCP", ("port", "network_type", "address_type", "address"))  # RFC 3605
# payload_type is -1 for all of them: a=rtcp-fb:*
Feedback = namedtuple("Feedback", ("payload_type", "type", "parameters"))  # RFC 4585 4.2
Group = namedtuple("Group", ("semantics", "identifiers"))  # RFC 5888
Crypto = namedtuple("Crypto", ("tag", "suite", "keys", "parameters"))  # RFC 4568 9.1
CryptoKey = namedtuple("CryptoKey", ("method", "key", "lifetime", "mki"))
Candidate = namedtuple(  # RFC 8839 5.1
    "Candidate",
    (
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
)
Source = namedtuple("Source", ("ssrc", "attribute", "value"))  # RFC 5576
Status = namedtuple("Status", ("type", "segment", "direction"))  # RFC 3312 4: curr, conf
Desired = namedtuple("Desired", ("type", "strength", "segment", "direction"))  # RFC 3312 4
Fingerprint = namedtuple("Fingerprint", ("hash", "octets"))  # RFC 8122 5
Extension = namedtuple("Extension", ("id", "direction", "uri", "attributes"))  # RFC 8285 5

_ROLES = (b"active", b"passive", b"actpass", b"holdconn")
_DIRECTIONS = (b"none", b"send", b"recv", b"sendrecv")
_SEGMENTS = (b"e2e", b"local", b"remote")
_STRENGTHS = (b"mandatory", b"optional", b"none", b"failure", b"unknown")


def _one_of(word, known):
    if word not in known:
        raise ValueError("unknown word")
    return word


def _split(value):
    """Return the first word and, or None, what is behind the space."""
    word, space, rest = value.partition(b" ")
    if not word:
        raise ValueError("empty")
    return word, rest if space else None


def _flag(value):
    if value is not None:
        raise ValueError("a value where there is none")
    return True


def _rtpmap(value):
    payload_type, encoding = words(value, 2, 2)
    parts = encoding.split(b"/")
    if not 2 <= len(parts) <= 3 or not parts[0]:
        raise ValueError("encoding")
    parameters = parts[2] if len(parts) == 3 else None
    return RTPMap(number(payload_type), parts[0], number(parts[1]), parameters)


def _fmtp(value):
    return FMTP(*_split(value))


def _time_ms(value):
    """Return ms, a float when it is no whole number (RFC 8866 6.4)."""
    whole, dot, fraction = value.partition(b".")
    if not dot:
        return number(whole)
    number(whole)
    number(fraction)
    return float(value.decode())


def _rtcp(value):
    parts = words(value, 1, 4)
    if len(parts) == 1:
        return RTCP(number(parts[0]), None, None, None)
    if len(parts) != 4:
        raise ValueError("address")
    return RTCP(number(parts[0]), *parts[1:])


def _feedback(value):
    payload_type, rest = _split(value)
    kind, parameters = _split(rest or b"")
    return Feedback(-1 if payload_type == b"*" else number(payload_type), kind, parameters)


def _setup(value):
    return _one_of(value, _ROLES)


def _group(value):
    parts = words(value, 1, 1000)
    return Group(parts[0], tuple(parts[1:]))


def _crypto(value):
    parts = words(value, 3, 1000)
    keys = tuple([_crypto_key(text) for text in parts[2].split(b";") if text])
    return Crypto(number(parts[0]), parts[1], keys, tuple(parts[3:]))


def _crypto_key(text):
    method, colon, info = text.partition(b":")
    pieces = info.split(b"|")
    if not colon or not pieces[0] or len(pieces) > 3:
        raise ValueError("key")
    lifetime = mki = None
    for piece in pieces[1:]:
        if b":" in piece:
            mki = piece
        else:
            lifetime = piece
    return CryptoKey(method, pieces[0], lifetime, mki)


def _candidate(value):
    parts = words(value, 8, 1000)
    if parts[6] != b"typ":
        raise ValueError("no typ")
    pairs = parts[8:]
    if len(pairs) % 2:
        raise ValueError("extension without a value")
    related = {b"raddr": None, b"rport": None}
    extensions = []
    for i in range(0, len(pairs), 2):
        if pairs[i] in related:
            related[pairs[i]] = pairs[i + 1]
        else:
            extensions.append((pairs[i], pairs[i + 1]))
    port = related[b"rport"]
    return Candidate(
        parts[0],
        number(parts[1]),
        parts[2],
        number(parts[3]),
        parts[4],
        number(parts[5]),
        parts[7],
        related[b"raddr"],
        -1 if port is None else number(port),
        tuple(extensions),
    )


def _source(value):
    ssrc, rest = _split(value)
    name, colon, text = (rest or b"").partition(b":")
    if not name:
        raise ValueError("no attribute")
    return Source(number(ssrc), name, text if colon else None)


def _status(value):
    parts = words(value, 3, 3)
    return Status(parts[0], _one_of(parts[1], _SEGMENTS), _one_of(parts[2], _DIRECTIONS))


def _desired(value):
    parts = words(value, 4, 4)
    return Desired(
        parts[0],
        _one_of(parts[1], _STRENGTHS),
        _one_of(parts[2], _SEGMENTS),
        _one_of(parts[3], _DIRECTIONS),
    )


def _fingerprint(value):
    name, octets = words(value, 2, 2)
    return Fingerprint(name, bytes([int(pair.decode(), 16) for pair in octets.split(b":")]))


def _extension(value):
    where, rest = _split(value)
    uri, attributes = _split(rest or b"")
    identifier, slash, direction = where.partition(b"/")
    return Extension(number(identifier), direction if slash else None, uri, attributes)


def _token(value):
    if not value or b" " in value:
        raise ValueError("no token")
    return value


_PARSERS = {
    b"rtpmap": _rtpmap,
    b"fmtp": _fmtp,
    b"ptime": _time_ms,
    b"maxptime": _time_ms,
    b"rtcp": _rtcp,
    b"rtcp-fb": _feedback,
    b"setup": _setup,
    b"mid": _token,
    b"group": _group,
    b"crypto": _crypto,
    b"candidate": _candidate,
    b"ssrc": _source,
    b"curr": _status,
    b"des": _desired,
    b"conf": _status,
    b"fingerprint": _fingerprint,
    b"extmap": _extension,
    b"ice-ufrag": _token,
    b"ice-pwd": _token,
}
_FLAGS = (b"sendrecv", b"sendonly", b"recvonly", b"inactive", b"rtcp-mux", b"rtcp-rsize")


def is_known(name: bytes) -> bool:
    """Return whether `parse` has a type for the attribute *name*."""
    return name in _PARSERS or name in _FLAGS


def parse(name: bytes, value):
    """Return the typed value of a=name:value, or of the flag a=name when *value* is None.

    *value* itself when the attribute is unknown; ParseError 400 when its grammar is broken.
    """
    try:
        if name in _FLAGS:
            return _flag(value)
        if name not in _PARSERS:
            return value
        if value is None:
            raise ValueError("no value")
        return _PARSERS[name](value)
    except ValueError as e:
        raise ParseError(400, 0, "a=%s: %s" % (name.decode(), e))
