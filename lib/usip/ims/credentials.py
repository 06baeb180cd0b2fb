"""The credentials of an IMS account: the first ones, AKA, and the digest it may fall back to.

To the core this is an Authentication. The first REGISTER carries the private identity and nothing
proven (TS 24.229 5.1.1.2.2); a challenge whose algorithm is AKA goes to the card, any other one is
answered with the account's password when it has one (TISPAN digest, TS 33.203 annex N). Without
card and password there are no credentials at all: the network knows us by our address (GIBA,
TS 33.203 annex T).

The card, and what speaks to it, is there from the challenge until the network has accepted us.
It decides whether a second challenge in one request is answered (`aka`), so it is not
limited to stale ones here. What is refused leaves its reason in `fault`.
"""

from micropython import const

import usip
from usip.ims.profile import put_empty_credentials
from usip.sip.auth import Authentication, hash_of, md5

_OK = const(0)  # the results of AKA.challenge()
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_PENDING = const(4)
_GIVE_UP = const(5)

_CARD = "usip.card usip.ims.aka usip.ims.akav2 usip.ims.isim usip.ims.milenage usip.ims.aes"
_CARD += " usip.ims.binding"


class Credentials(Authentication):
    """Answers the challenges of the home network *realm*.

    *open_card* returns an ISIM (ims.isim); None: there is none.
    """

    def __init__(self, impi: bytes, open_card, realm: bytes, password: bytes, random) -> None:
        super().__init__(impi, password, random)
        self.aka = None  # while we are challenged
        self._open_card = open_card
        self._password = b""  # what the card made of the challenge
        self._auts = b""
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
        """The network took our credentials: the card may rest."""
        self.aka = None
        usip.unload(*_CARD.split())

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
        if self._open_card is not None and _version(algorithm):
            return True
        return self.password != b"" and super()._knows(algorithm)

    def _accept(self, challenge, is_proxy: bool, answered: dict) -> bool:
        number = _version(challenge.algorithm() or b"")
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
        space.ha1 = b""
        space.opaque = challenge.opaque()
        space.algorithm = challenge.algorithm()
        space.qop = b"auth" if challenge.has_qop_auth else b""
        answered[space] = 1
        if self.aka is None:
            from usip.ims.aka import AKA

            self.aka = AKA(self._open_card())
        return self._settle(self.aka.challenge(space.nonce, number))

    def _settle(self, result: int) -> bool:
        """Take what the card says; whether there is anything to send."""
        self._result = result
        self.is_pending = result == _PENDING
        self._password = self.aka.password if result == _OK else b""
        self._auts = self.aka.auts
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
        if is_register and not self.spaces and (self._open_card is not None or self.password):
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
            w.reset(w.end - 2).put(b', auts="').put(self._auts).put(b'"\r\n')
        return (self, space, at, method, uri) if space.qop == b"auth-int" else None

    def _password_of(self, space) -> bytes:
        return self._password if space is self._space else self.password

    def _hash_of(self, space):
        return md5 if space is self._space else hash_of(space.algorithm)


class SoftCard:
    """Called, it returns the soft ISIM of a configured secret; `records` go from one to the next.

    Here and not where the configuration is read, which it would keep in the heap.
    """

    def __init__(self, impi: bytes, k: bytes, opc: bytes, domain: bytes, path) -> None:
        self._of = impi, k, opc, (), domain, path
        self._records = None

    def __call__(self):
        from usip.ims.isim import SoftISIM

        card = SoftISIM(*self._of)
        if self._records is not None:
            card.records = self._records
        self._records = card.records
        return card


def _version(algorithm: bytes) -> int:
    """Return the version of an AKA algorithm, 0 for another one."""
    from usip.ims.aka import version

    return version(algorithm)
