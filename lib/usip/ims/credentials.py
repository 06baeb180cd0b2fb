"""The credentials of an IMS account: the first ones, AKA, and the digest it may fall back to.

To the core this is an Authentication. The first REGISTER carries the private identity and nothing
proven (TS 24.229 5.1.1.2.2); a challenge whose algorithm is AKA goes to the card, any other one is
answered with the account's password when it has one (TISPAN digest, TS 33.203 annex N). Without
card and password there are no credentials at all: the network knows us by our address (GIBA,
TS 33.203 annex T).

The card decides whether a second challenge in one request is answered (`aka`), so it is not
limited to stale ones here. What is refused leaves its reason in `fault`.
"""

from micropython import const

from usip.ims.aka import AKA, version
from usip.ims.profile import put_empty_credentials
from usip.sip.auth import Authentication, hash_of, md5

_OK = const(0)  # the results of AKA.challenge()
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_PENDING = const(4)
_GIVE_UP = const(5)


class Credentials(Authentication):
    """Answers the challenges of the home network *realm*; *card* None: there is none."""

    def __init__(self, impi: bytes, card, realm: bytes, password: bytes, random) -> None:
        super().__init__(impi, password, random)
        self.aka = AKA(card) if card is not None else None
        self.realm = realm
        self.fault = b""  # why the last challenge was not answered
        self.is_pending = False  # the card was asked: poll()
        self._space = None  # of AKA
        self._result = _OK

    def start_anew(self) -> None:
        """Begin as if nobody had ever challenged us."""
        self.spaces.clear()
        self._space = None
        self.is_pending = False
        self.fault = b""
        self.accepted()

    def accepted(self) -> None:
        """The network took our credentials."""
        if self.aka is not None:
            self.aka.succeeded()

    def receive_challenge(self, message, values, challenge, answered: dict) -> bool:
        """As of Authentication; `is_pending` when the card has to be waited for."""
        self.fault = b""
        self.is_pending = False
        chosen = super().receive_challenge(message, values, challenge, answered)
        if not (chosen or self.fault or self.is_pending):
            self.fault = b"Credentials Refused" if answered else b"No Challenge We Can Answer"
        return chosen

    def poll(self, now_ms: int) -> bool:
        """Ask the card again; whether the request can be sent now. Else see `is_pending`."""
        return self._settle(self.aka.poll(now_ms))

    def take_next_nonce(self, info) -> None:
        """Take a nextnonce, but of AKA: there a nonce is a challenge to the card."""
        if self._space is None:
            super().take_next_nonce(info)

    def _knows(self, algorithm: bytes) -> bool:
        if version(algorithm):
            return self.aka is not None
        return self.password != b"" and super()._knows(algorithm)

    def _accept(self, challenge, is_proxy: bool, answered: dict) -> bool:
        number = version(challenge.algorithm() or b"")
        if not number:
            return super()._accept(challenge, is_proxy, answered)
        realm = challenge.realm() or b""
        if realm.lower() != self.realm.lower():
            self.fault = b"Foreign Realm"
            return False
        if not challenge.has_qop_auth and challenge.param(b"qop"):
            self.fault = b"Unknown Quality Of Protection"
            return False
        space = self._space = self._find_space(realm, is_proxy)
        space.nonce = challenge.nonce() or b""
        space.nonce_count = 0
        space.opaque = challenge.opaque()
        space.algorithm = challenge.algorithm()
        space.qop = b"auth" if challenge.has_qop_auth else b""
        answered[space] = 1
        return self._settle(self.aka.challenge(space.nonce, number))

    def _settle(self, result: int) -> bool:
        """Take what the card says; whether there is anything to send."""
        self._result = result
        self.is_pending = result == _PENDING
        if result <= _MAC_FAILURE:
            return True
        if result == _GIVE_UP:
            self.fault = b"Challenged Too Often"
        elif not self.is_pending:
            self.fault = b"No Answer Of The Card"
        return False

    def put(self, w, method: bytes, uri: bytes):
        """As of Authentication; those for a server of AKA go into REGISTER alone."""
        is_register = method == b"REGISTER"
        if is_register and not self.spaces and (self.aka is not None or self.password):
            put_empty_credentials(w, b"Authorization", self.user, self.realm)
        unsigned = None
        for space in self.spaces:
            if space is not self._space or is_register or space.is_proxy:
                unsigned = self._put_space(w, space, method, uri) or unsigned
        return unsigned

    def _put_space(self, w, space, method: bytes, uri: bytes):
        if space is self._space and self._result == _MAC_FAILURE:
            field = b"Proxy-Authorization" if space.is_proxy else b"Authorization"
            put_empty_credentials(w, field, self.user, space.realm, space.nonce)
            return None
        at = self._put(w, space, method, uri)
        if space is self._space and self._result == _SYNC_FAILURE:
            w.reset(w.end - 2).put(b', auts="').put(self.aka.auts).put(b'"\r\n')
        return (self, space, at, method, uri) if space.qop == b"auth-int" else None

    def _password_of(self, space) -> bytes:
        if space is not self._space:
            return self.password
        return self.aka.password if self._result == _OK else b""

    def _hash_of(self, space):
        return md5 if space is self._space else hash_of(space.algorithm)
