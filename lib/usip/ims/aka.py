"""Digest with AKA: from a challenge to the password or the AUTS (RFC 3310, RFC 4169).

The nonce is base64 of RAND, AUTN and, ignored, server data. What the ISIM makes of it is one of

    0 OK            Digest as ever with `password`, octets of any value: RES for AKAv1, base64
                    of HMAC-MD5(RES IK CK, "http-digest-akav2-password") for AKAv2
    1 SYNC_FAILURE  Digest with an empty password, and auts="`auts`" (RFC 3310 3.4)
    2 MAC_FAILURE   the network is not ours, or the nonce is none: the same nonce is sent back
                    with response="" and no auts (TS 24.229 5.1.1.5.3)
    3 UNAVAILABLE   there is no card to ask: nothing can be sent
    4 PENDING       the card was asked: call poll() until it says something else
    5 GIVE_UP       challenged too often without success: nothing must be sent

Two invalid challenges in a row are answered, not a third (5.1.1.5.3), and two good ones: a network
that challenges for ever is left after four answers at most. succeeded() starts afresh.
"""

from binascii import a2b_base64, b2a_base64

from micropython import const

_OK = const(0)  # the results of isim.authenticate()
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_PENDING = const(4)
_GIVE_UP = const(5)

_STRIKES = const(2)
_NONCE_OCTETS = const(32)
_NONCE_CHARS = const(43)  # base64 of 32 octets without padding
_NONCE_MAX = const(512)  # server data is of any length; no network sends this much


def version(algorithm: bytes) -> int:
    """Return 1 for AKAv1-MD5, 2 for AKAv2-MD5, 0 for another *algorithm*; case is ignored."""
    name = bytes(algorithm).lower()
    return 1 if name == b"akav1-md5" else 2 if name == b"akav2-md5" else 0


def _base64(octets: bytes) -> bytes:
    return b2a_base64(octets).rstrip()  # MicroPython below 1.21 has no newline=


def _is_base64(text: bytes) -> bool:
    """Return whether *text* is 4*base64-char groups with proper padding (RFC 4648 4)."""
    body = text.rstrip(b"=")
    if len(text) % 4 or len(text) - len(body) > 2:
        return False
    for c in body:
        if not (48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c == 43 or c == 47):
            return False
    return True


def parse_nonce(text: bytes) -> bytes:
    """Return RAND and AUTN, 32 octets in one, from the nonce *text*; empty when it has none.

    Refused: not base64, under 32 octets, over 512 characters.
    """
    if not _NONCE_CHARS < len(text) <= _NONCE_MAX or not _is_base64(text):
        return b""
    octets = a2b_base64(text)
    return octets[:_NONCE_OCTETS] if len(octets) >= _NONCE_OCTETS else b""


class AKA:
    """The authentication of one private identity; lives as long as its account."""

    def __init__(self, isim) -> None:
        self.isim = isim
        self.password = b""  # octets; stays valid for the last nonce answered with OK
        self.auts = b""  # base64, without quotes; empty unless the result is SYNC_FAILURE
        self._nonce = b""  # RAND and AUTN of the last challenge
        self._version = 1
        self._invalid = 0  # invalid challenges in a row
        self._answered = 0  # good challenges answered and not accepted

    def __repr__(self) -> str:
        return "<AKA %s>" % self.isim.impi.decode()

    def challenge(self, nonce: bytes, version: int = 1) -> int:
        """Take the *nonce* of a challenge, unquoted, and return what to do (see above)."""
        self.auts = b""
        if self._invalid >= _STRIKES or self._answered >= _STRIKES:
            return _GIVE_UP
        octets = parse_nonce(bytes(nonce))
        if octets and octets == self._nonce and version == self._version and self.password:
            self._answered += 1  # the same once more, stale or repeated: the SQN is spent
            return _OK
        self.password = b""
        self._nonce = octets
        self._version = version
        if not octets:
            return self._settle(_MAC_FAILURE)
        return self._settle(self.isim.authenticate(octets[:16], octets[16:]))

    def poll(self, now_ms: int) -> int:
        """Return how the challenge that was PENDING has ended, or PENDING."""
        return self._settle(self.isim.poll(now_ms))

    def succeeded(self) -> None:
        """Forget the failures: the request was accepted, or the application starts anew."""
        self._invalid = self._answered = 0

    def _settle(self, result: int) -> int:
        """Count *result*, take what the ISIM computed, and have it forgotten there."""
        isim = self.isim
        if result == _OK:
            self._invalid = 0
            self._answered += 1
            if self._version == 2:
                from usip.ims import akav2  # here, because hardly any network asks for it

                self.password = akav2.password(isim.res, isim.ik, isim.ck)
            else:
                self.password = isim.res
        elif result == _SYNC_FAILURE:
            self._invalid += 1
            self.auts = _base64(isim.auts)
        elif result == _MAC_FAILURE:
            self._invalid += 1
        if result != _PENDING:
            isim.forget()
        return result
