"""Digest access authentication for SIP (RFC 3261 section 22, RFC 7616, RFC 8760), client side.

One Authentication serves one account. It remembers the last challenge of each protection space
(a realm, of a proxy or of a server) so that later requests carry credentials at once, with a
nonce count that grows for as long as the server keeps the nonce. The password is octets, since
an AKA response (RFC 3310) may be any.
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
        self.qop = b""  # b"" (RFC 2069), b"auth" or b"auth-int"
        self.nonce_count = 0
        self.cnonce = b""
        self.ha1 = b""  # of this challenge (RFC 7616 3.4.2), before -sess; b"" until it is used


class Authentication:
    """Answers challenges with *user* and *password*."""

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
            if not chosen and challenge.is_digest and self._knows(challenge.algorithm() or b""):
                # The server's order is its preference (RFC 8760 2.4).
                chosen = self._accept(challenge, is_proxy, answered)
        return chosen

    def _knows(self, algorithm: bytes) -> bool:
        return hash_of(algorithm) is not None

    def _accept(self, challenge, is_proxy: bool, answered: dict) -> bool:
        realm = challenge.realm()
        nonce = challenge.nonce()
        qop = _choose_qop(challenge)
        if realm is None or not nonce or qop is None:
            return False
        space = self._find_space(realm, is_proxy)
        tries = answered.get(space, 0)
        if tries and (not challenge.is_stale or tries >= _TRIES):
            return False
        if space.nonce != nonce:
            space.nonce_count = 0
        space.nonce = nonce
        space.opaque = challenge.opaque()
        space.algorithm = challenge.algorithm() or b""
        space.qop = qop
        space.ha1 = b""
        answered[space] = tries + 1
        return True

    def _find_space(self, realm: bytes, is_proxy: bool) -> _Space:
        for space in self.spaces:
            if space.realm == realm and space.is_proxy == is_proxy:
                return space
        if len(self.spaces) == _SPACES:
            self.spaces.pop(0)
        space = _Space(realm, is_proxy)
        self.spaces.append(space)
        return space

    def take_next_nonce(self, info) -> None:
        """Take the nextnonce of an Authentication-Info that answers us (RFC 7616 3.5)."""
        nonce = info.value(b"nextnonce")
        cnonce = info.value(b"cnonce")
        for space in self.spaces:
            if nonce and (cnonce is None or cnonce == space.cnonce):
                space.nonce = nonce
                space.nonce_count = 0

    def put(self, w, method: bytes, uri: bytes):
        """Append the credentials for every space known, a field each; none is nothing.

        Returns None, or what `sign` needs when a space wants the body protected (auth-int).
        """
        unsigned = None
        for space in self.spaces:
            at = self._put(w, space, method, uri)
            if space.qop == b"auth-int":
                unsigned = (self, space, at, method, uri)
        return unsigned

    def _put(self, w, space: _Space, method: bytes, uri: bytes) -> int:
        """Append one field and return the offset of its response."""
        if space.qop:
            space.nonce_count += 1
            space.cnonce = hexlify(self._random(8))
        w.put(b"Proxy-Authorization" if space.is_proxy else b"Authorization")
        w.put(b': Digest username="').put(_escape(self.user)).put(b'", realm="').put(space.realm)
        w.put(b'", nonce="').put(space.nonce).put(b'", uri="').put(uri).put(b'", response="')
        at = w.end
        w.put(self._response(space, method, uri, b"")).put(b'"')
        if space.qop:
            w.put(b", qop=").put(space.qop).put(b", nc=").put(b"%08x" % space.nonce_count)
            w.put(b', cnonce="').put(space.cnonce).put(b'"')
        if space.opaque is not None:
            w.put(b', opaque="').put(space.opaque).put(b'"')
        if space.algorithm:
            w.put(b", algorithm=").put(space.algorithm)
        w.put(b"\r\n")
        return at

    def _response(self, space: _Space, method: bytes, uri: bytes, body) -> bytes:
        digest = self._hash_of(space)
        ha1 = space.ha1
        if not ha1:
            password = self._password_of(space)
            space.ha1 = ha1 = digest(self.user, b":", unescape(space.realm), b":", password)
        if space.algorithm.lower().endswith(b"-sess"):
            ha1 = digest(ha1, b":", space.nonce, b":", space.cnonce)
        return response(digest, ha1, space.nonce, space, method, uri, body)

    def _hash_of(self, space: _Space):
        return hash_of(space.algorithm)

    def _password_of(self, space: _Space) -> bytes:
        return self.password


def response(digest, ha1: bytes, nonce: bytes, of, method: bytes, uri: bytes, body) -> bytes:
    """Return the response of RFC 7616 3.4.1; *of* has qop, nonce_count and cnonce."""
    if of.qop == b"auth-int":
        ha2 = digest(method, b":", uri, b":", digest(body))
    else:
        ha2 = digest(method, b":", uri)
    if not of.qop:
        return digest(ha1, b":", nonce, b":", ha2)
    count = b"%08x" % of.nonce_count
    return digest(ha1, b":", nonce, b":", count, b":", of.cnonce, b":", of.qop, b":", ha2)


def sign(w, unsigned: tuple) -> None:
    """Write the response that protects the body, which the writer holds now (auth-int)."""
    authentication, space, at, method, uri = unsigned
    end = w.end
    start = w.buf.find(b"\r\n\r\n", at, end) + 4
    body = memoryview(w.buf)[start:end]
    w.reset(at).put(authentication._response(space, method, uri, body)).reset(end)


def md5(*parts) -> bytes:
    """Return the lower-case hexadecimal MD5 of the parts joined."""
    return _digest(hashlib.md5(), parts)


def sha256(*parts) -> bytes:
    """Return the lower-case hexadecimal SHA-256 of the parts joined."""
    return _digest(hashlib.sha256(), parts)


def sha512_256(*parts) -> bytes:
    """Return the lower-case hexadecimal SHA-512/256 of the parts joined."""
    from usip.sip import sha512_256 as module

    return hexlify(module.digest(b"".join([bytes(part) for part in parts])))


def _digest(state, parts) -> bytes:
    for part in parts:
        state.update(part)
    return hexlify(state.digest())


def hash_of(algorithm: bytes):
    """Return the hash function of an algorithm, None when it is not supported."""
    name = algorithm.upper()
    if name.endswith(b"-SESS"):
        name = name[:-5]
    if name == b"SHA-256":
        return sha256
    if name == b"SHA-512-256":
        return sha512_256
    if not name or name == b"MD5":
        return md5
    return None


def _choose_qop(challenge):
    """Return the quality of protection to use, None when none that is offered is known."""
    if challenge.has_qop_auth:
        return b"auth"
    if not challenge.param(b"qop"):
        return b""
    return b"auth-int" if challenge.has_qop_auth_int else None


def unescape(quoted: bytes) -> bytes:
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


def _escape(text: bytes) -> bytes:
    if b"\\" not in text and b'"' not in text:
        return text
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
