"""Digest access authentication as a server (RFC 3261 22, RFC 7616, RFC 8760): who may call us.

For direct calls between stations, where no registrar vouches for anybody; off unless a core is
given a Guard. It asks for credentials in requests that begin something (INVITE, MESSAGE,
SUBSCRIBE, REFER, PUBLISH, NOTIFY), SHA-256 before MD5; what is in a dialog, and OPTIONS, passes.

A nonce is the time of its making and a hash of that time and a secret, so none is kept: only how
far the nonce count has come, for the few used last. One that is too old, of another start of the
device, or used again is `stale`: an honest peer tries again with the next without asking anybody.
"""

from binascii import unhexlify

from micropython import const

from usip import ticks
from usip.sip import uri
from usip.sip.auth import hash_of, response, sha256, unescape
from usip.sip.headers import Challenge

_M_OPTIONS = const(5)
_H_AUTHORIZATION = const(13)

_NONCE_MS = const(60000)  # for how long a nonce may be used first
_KEPT = const(8)  # nonces whose count is remembered; those forgotten are stale
_RIGHT = const(0)
_WRONG = const(1)
_STALE = const(2)
_FORBIDDEN = const(3)


class _Use:
    """What of credentials goes into a response: see auth.response."""

    def __init__(self, qop: bytes, nonce_count: int, cnonce: bytes) -> None:
        self.qop = qop
        self.nonce_count = nonce_count
        self.cnonce = cnonce


class Guard:
    """Lets those call who know a password: *users* is {user: password}, both bytes.

    Requests from where an account is registered pass: its registrar has asked already.
    """

    algorithms = (b"SHA-256", b"MD5")  # offered in this order (RFC 8760 2.2)

    def __init__(self, realm: bytes, users: dict, random) -> None:
        self.realm = realm
        self.users = users
        self.refused = 0
        self._secret = random(16)
        self._counts = []  # (nonce, highest count), the one used last behind
        self._forgotten_ms = -1  # when the latest nonce was made whose count is not kept any more
        self._challenge = Challenge()

    def refuses(self, core, transaction, message, now_ms: int) -> bool:
        """Answer 401 or 403 unless a request has credentials; whether that was done."""
        if message.method == _M_OPTIONS or self._is_from_registrar(core):
            return False
        found = _WRONG
        values = core.values
        values.begin(message, _H_AUTHORIZATION)
        while found != _RIGHT and values.next_challenge(self._challenge):
            if self._challenge.is_digest and self._challenge.realm() == self.realm:
                found = self._check(message, now_ms)
        if found == _RIGHT:
            return False
        self.refused += 1
        if found == _FORBIDDEN:
            core.respond(transaction, message, 403, now_ms)
            return True
        core.begin_response(transaction, message, 401)
        self._put_challenges(core.writer, found == _STALE, now_ms)
        core.finish_response(transaction, 401, now_ms)
        return True

    def _is_from_registrar(self, core) -> bool:
        for account in core.accounts:
            destination = account.registration.destination
            if destination is not None and destination[1] == core.source[1]:
                return True
        return False

    def _put_challenges(self, w, stale: bool, now_ms: int) -> None:
        nonce = self._nonce(now_ms)
        for algorithm in self.algorithms:
            w.put(b'WWW-Authenticate: Digest realm="').put(self.realm).put(b'", nonce="').put(
                nonce
            )
            w.put(b'", qop="auth", algorithm=').put(algorithm)
            w.put(b", stale=true\r\n" if stale else b"\r\n")

    def _nonce(self, now_ms: int) -> bytes:
        made = b"%08x" % now_ms
        return made + sha256(made, self._secret)[:24]

    # -- credentials

    def _check(self, message, now_ms: int) -> int:
        """Return what the credentials in the view are worth."""
        value = self._challenge.value
        user = unescape(value(b"username") or b"")
        digest = hash_of(value(b"algorithm") or b"")
        password = self.users.get(user)
        if password is None or digest is None or not self._is_for(message, value(b"uri")):
            return _WRONG
        nonce = value(b"nonce") or b""
        use = self._use(value)
        if use is None:
            return _WRONG
        ha1 = digest(user, b":", self.realm, b":", password)
        method = message.text(message.method_start, message.method_end)
        expected = response(digest, ha1, nonce, use, method, value(b"uri"), b"")
        if not is_same(expected, value(b"response") or b""):
            return _WRONG
        return self._check_nonce(nonce, use.nonce_count, now_ms)

    def _use(self, value):
        """Return how the nonce was used; None for what we did not offer."""
        qop = value(b"qop")
        if qop is None:  # RFC 2069: a nonce counts once
            return _Use(b"", 1, b"")
        number = _number(value(b"nc") or b"")
        if qop.lower() != b"auth" or number < 1:
            return None
        return _Use(b"auth", number, value(b"cnonce") or b"")

    def _is_for(self, message, named) -> bool:
        """Whether the URI in the credentials is the one requested (22.4 point 5 of RFC 7616)."""
        if not named:
            return False
        return uri.equal(message.buf, message.uri_start, message.uri_end, named, 0, len(named))

    def _check_nonce(self, nonce: bytes, count: int, now_ms: int) -> int:
        """Return whether a nonce is ours, young and not used so often yet; note the use."""
        made_ms = _number(nonce[:8])
        if made_ms < 0 or not is_same(self._nonce(made_ms), nonce):
            return _STALE
        for entry in self._counts:
            if entry[0] == nonce:
                if count <= entry[1]:
                    return _STALE
                self._counts.remove(entry)
                self._counts.append((nonce, count))
                return _RIGHT
        age_ms = ticks.ticks_diff(now_ms, made_ms)
        if not 0 <= age_ms < _NONCE_MS or self._is_forgotten(made_ms):
            return _STALE
        if len(self._counts) == _KEPT:
            self._forgotten_ms = _number(self._counts.pop(0)[0][:8])
        self._counts.append((nonce, count))
        return _RIGHT

    def _is_forgotten(self, made_ms: int) -> bool:
        """Whether a nonce is as old as one whose count was kept once, and may be that."""
        return self._forgotten_ms >= 0 and ticks.ticks_diff(made_ms, self._forgotten_ms) <= 0


def _number(digits: bytes) -> int:
    """Return eight hexadecimal digits as a number, -1 when they are none."""
    if len(digits) != 8:
        return -1
    try:
        return int.from_bytes(unhexlify(digits), "big")
    except ValueError:
        return -1


def is_same(a: bytes, b: bytes) -> bool:
    """Whether two digests are the same, in a time that does not say where they differ."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
