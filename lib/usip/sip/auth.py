"""Digest access authentication for SIP (RFC 3261 section 22, RFC 7616, RFC 8760), client side.

One Authentication serves one account. It remembers the last challenge of each protection space
(a realm, of a proxy or of a server) so that later requests carry credentials at once, with a
nonce count that grows for as long as the server keeps the nonce.
"""

import hashlib
from binascii import hexlify

from micropython import const

_H_WWW_AUTHENTICATE = const(15)
_H_PROXY_AUTHENTICATE = const(16)

_SPACES = const(3)  # protection spaces remembered: server, proxy, one more proxy
_TRIES = const(3)  # answers to stale nonces within one request


class _Space:
    """A protection space: its last challenge, and how often its nonce was used."""

    def __init__(self, realm: bytes, is_proxy: bool) -> None:
        self.realm = realm
        self.is_proxy = is_proxy
        self.nonce = b""
        self.opaque = None
        self.algorithm = b""  # as the server wrote it, b"" when absent
        self.has_qop = False
        self.nonce_count = 0


class Authentication:
    """Answers challenges with *user* and *password* (bytes: an AKA RES may hold any octet)."""

    def __init__(self, user: bytes, password: bytes, random) -> None:
        self.user = user
        self.password = password
        self._random = random
        self.spaces = []

    def receive_challenge(self, message, values, challenge, answered: dict) -> bool:
        """Take the challenges of a 401 or 407; whether the request is worth sending again.

        *answered* belongs to the one request: how often each space was answered in it. A second
        challenge without `stale` means that the credentials are wrong (22.2).
        """
        is_proxy = message.status_code == 407
        values.begin(message, _H_PROXY_AUTHENTICATE if is_proxy else _H_WWW_AUTHENTICATE)
        chosen = False
        while values.next_challenge(challenge):
            if not chosen and challenge.is_digest and _hash_of(_algorithm(challenge)):
                # The server's order is its preference (RFC 8760 2.4).
                chosen = self._accept(challenge, is_proxy, answered)
        return chosen

    def _accept(self, challenge, is_proxy: bool, answered: dict) -> bool:
        realm = challenge.realm()
        nonce = challenge.nonce()
        if realm is None or not nonce:
            return False
        space = self._space(realm, is_proxy)
        tries = answered.get(space, 0)
        if tries and (not challenge.is_stale or tries >= _TRIES):
            return False
        if space.nonce != nonce:
            space.nonce_count = 0
        space.nonce = nonce
        space.opaque = challenge.opaque()
        space.algorithm = _algorithm(challenge)
        space.has_qop = challenge.has_qop_auth
        answered[space] = tries + 1
        return True

    def _space(self, realm: bytes, is_proxy: bool) -> _Space:
        for space in self.spaces:
            if space.realm == realm and space.is_proxy == is_proxy:
                return space
        if len(self.spaces) == _SPACES:
            self.spaces.pop(0)
        space = _Space(realm, is_proxy)
        self.spaces.append(space)
        return space

    def put(self, w, method: bytes, uri: bytes) -> None:
        """Append the credentials for every space known, a field each; none is nothing."""
        for space in self.spaces:
            self._put(w, space, method, uri)

    def _put(self, w, space: _Space, method: bytes, uri: bytes) -> None:
        digest = _hash_of(space.algorithm)
        w.put(b"Proxy-Authorization" if space.is_proxy else b"Authorization")
        w.put(b': Digest username="').put(self.user).put(b'", realm="').put(space.realm)
        w.put(b'", nonce="').put(space.nonce).put(b'", uri="').put(uri).put(b'", response="')
        ha1 = digest(b"%s:%s:" % (self.user, _unescape(space.realm)), self.password)
        ha2 = digest(method, b":", uri)
        if space.has_qop:
            space.nonce_count += 1
            nc = b"%08x" % space.nonce_count
            cnonce = hexlify(self._random(8))
            w.put(digest(ha1, b":", space.nonce, b":", nc, b":", cnonce, b":auth:", ha2))
            w.put(b'", qop=auth, nc=').put(nc).put(b', cnonce="').put(cnonce)
        else:
            w.put(digest(ha1, b":", space.nonce, b":", ha2))
        w.put(b'"')
        if space.opaque is not None:
            w.put(b', opaque="').put(space.opaque).put(b'"')
        if space.algorithm:
            w.put(b", algorithm=").put(space.algorithm)
        w.put(b"\r\n")


def md5(*parts) -> bytes:
    """Return the lower-case hexadecimal MD5 of the parts joined."""
    return _digest(hashlib.md5(), parts)


def sha256(*parts) -> bytes:
    """Return the lower-case hexadecimal SHA-256 of the parts joined."""
    return _digest(hashlib.sha256(), parts)


def _digest(state, parts) -> bytes:
    for part in parts:
        state.update(part)
    return hexlify(state.digest())


def _algorithm(challenge) -> bytes:
    return challenge.algorithm() or b""


def _hash_of(algorithm: bytes):
    """Return the hash function of an algorithm, None when it is not supported."""
    name = algorithm.upper()
    if name == b"SHA-256":
        return sha256
    if not name or name == b"MD5":
        return md5
    return None


def _unescape(quoted: bytes) -> bytes:
    """Undo the quoted-pairs of a quoted string's inside (25.1): they are not hashed."""
    if b"\\" not in quoted:
        return quoted
    out = bytearray()
    escaped = False
    for octet in quoted:
        if octet == 92 and not escaped:
            escaped = True
        else:
            out.append(octet)
            escaped = False
    return bytes(out)
