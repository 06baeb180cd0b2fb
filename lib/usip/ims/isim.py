"""The soft ISIM: identities, the shared secret, and the freshness of sequence numbers.

An ISIM is anything with

    impi, domain        private identity and home network domain name, bytes
    impus               public identities, a tuple of bytes; the first is the one to register
    authenticate(rand, autn)
        0 OK              res, ck and ik are set, octets, until forget()
        1 SYNC_FAILURE    the MAC is right, the SQN is not fresh: auts is set, 14 octets
        2 MAC_FAILURE     not from our home network, or not for us
        3 UNAVAILABLE     no card, no answer in time, or an answer that makes no sense
        4 PENDING         ask poll(now_ms), which returns the same five

`SoftISIM` holds the secret itself and answers at once; `modem.ModemISIM` asks a SIM card.

Sequence numbers (TS 33.102 6.3.3 and annex C): SQN is SEQ and, in its last five bits, IND. The
highest SQN accepted is kept for each IND; a challenge is fresh when its SQN is above the one kept
for its own IND (C.2.2) and not more than DELTA above the highest of all (C.2.1). An IND never
seen takes any SEQ, zero included, so that a network which counts from zero needs no
resynchronisation first. What is kept is written before a response is given out.
"""

import os
from binascii import unhexlify
from hashlib import sha256

from micropython import const

from usip.ims.milenage import Milenage, derive_opc

_OK = const(0)
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_UNAVAILABLE = const(3)

_IND_MASK = const(0x1F)  # TS 33.102 C.3: five bits
_SLOTS = const(32)
_RECORD = const(7)  # 1 when a SQN was seen, then that SQN; compared as octets
_RECORDS = const(224)
_SEAL = const(16)
_DELTA = const(1 << 28)  # TS 33.102 C.3, all profiles
_AMF_RESYNC = b"\x00\x00"  # TS 33.102 6.3.3

# Countries all of whose networks have three-digit MNCs (ITU-T E.212); 405 and 502 have both.
_THREE_DIGITS = (
    b"302 310 311 312 313 314 315 316 334 338 342 344 346 348 352 354 356 358 360 365 366 376 "
    b"708 722 732 750 "
)


def is_digits(text: str) -> bool:
    """Return whether *text* is 1*DIGIT, in ASCII."""
    for c in text:
        if not "0" <= c <= "9":
            return False
    return text != ""


def home_domain(imsi: str, mnc_digits: int = 0) -> bytes:
    """Return the home network domain name of *imsi* (TS 23.003 13.2).

    *mnc_digits* is 2 or 3, or 0 to go by the country code. ValueError when *imsi* is no IMSI.
    """
    if not (6 <= len(imsi) <= 15 and is_digits(imsi) and mnc_digits in (0, 2, 3)):
        raise ValueError("an IMSI has 6 to 15 digits, its MNC 2 or 3")
    mcc = imsi[:3]
    if not mnc_digits:
        mnc_digits = 3 if (mcc + " ").encode() in _THREE_DIGITS else 2
    mnc = imsi[3 : 3 + mnc_digits]
    domain = "ims.mnc%s%s.mcc%s.3gppnetwork.org" % ("0" * (3 - mnc_digits), mnc, mcc)
    return domain.encode()


def identities(imsi: str, mnc_digits: int = 0):
    """Return IMPI, temporary IMPU and home domain of a SIM without ISIM (TS 23.003 13.3, 13.4B).

    Three bytes. ValueError when *imsi* is no IMSI.
    """
    domain = home_domain(imsi, mnc_digits)
    impi = imsi.encode() + b"@" + domain
    return impi, b"sip:" + impi, domain


def parse_key(text: str, octets: int = 16) -> bytes:
    """Return the *octets* octets written in hexadecimal; the ValueError does not repeat them."""
    if len(text) == 2 * octets:
        try:
            return unhexlify(text)
        except ValueError:
            pass
    raise ValueError("%d hexadecimal digits wanted" % (2 * octets))


class SQNFile:
    """Keeps the sequence numbers of a SoftISIM in the file *path*, across restarts.

    Written aside, then renamed: the file is the old one or the new one, never a half.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.failures = 0  # times the file could not be written

    def load(self) -> bytes:
        """Return the octets saved last, empty when there are none."""
        try:
            with open(self.path, "rb") as file:
                return file.read(_RECORDS + _SEAL + 1)
        except OSError:
            return b""

    def save(self, octets) -> bool:
        """Replace the file; False, counted in `failures`, when that is not possible."""
        aside = self.path + ".new"
        try:
            with open(aside, "wb") as file:
                file.write(octets)
            os.rename(aside, self.path)
        except OSError:
            self.failures += 1
            return False
        return True


class Freshness:
    """Which sequence numbers were used: the highest for each of the 32 values of IND."""

    def __init__(self) -> None:
        self.records = bytearray(_RECORDS)

    def highest(self) -> bytes:
        """Return the highest SQN accepted so far, six octets; empty when none was."""
        best = b""
        for at in range(0, _RECORDS, _RECORD):
            if self.records[at]:
                best = max(best, bytes(self.records[at + 1 : at + _RECORD]))
        return best

    def is_fresh(self, sqn: bytes) -> bool:
        """Return whether a challenge with *sqn* is to be accepted (TS 33.102 C.2)."""
        at = (sqn[5] & _IND_MASK) * _RECORD
        if b"\x01" + sqn <= bytes(self.records[at : at + _RECORD]):
            return False
        highest = self.highest()
        if not highest:
            return True  # whatever the first challenge of all brings, we have no say in it
        above = (int.from_bytes(sqn, "big") >> 5) - (int.from_bytes(highest, "big") >> 5)
        return above <= _DELTA

    def accept(self, sqn: bytes) -> None:
        """Remember that *sqn* was used."""
        at = (sqn[5] & _IND_MASK) * _RECORD
        self.records[at] = 1
        self.records[at + 1 : at + _RECORD] = sqn


class SoftISIM:
    """An ISIM whose secret is in the configuration.

    *k* and *opc* (or *op*) are 16 octets; *impus* defaults to the identity made of *impi*, and
    *domain* to what follows its @. *store* keeps the sequence numbers: an object with load() and
    save(octets), such as SQNFile; without one they last as long as this object.
    """

    def __init__(
        self, impi: bytes, k: bytes, opc=None, op=None, impus=(), domain=None, store=None
    ) -> None:
        self.impi = impi
        self.impus = tuple(impus) or (b"sip:" + impi,)
        self.domain = domain or impi[impi.find(b"@") + 1 :]
        self._k = k
        self._milenage = Milenage(k, derive_opc(k, op) if opc is None else opc)
        self._store = store
        self._freshness = Freshness()
        self.is_restored = store is not None and self._restore(store.load())
        self.forget()

    def __repr__(self) -> str:
        return "<SoftISIM %s>" % self.impi.decode()

    def forget(self) -> None:
        """Drop the results of the last authentication."""
        self.res = self.ck = self.ik = self.auts = b""

    def _seal(self, records) -> bytes:
        """Return what proves that *records* are whole and of this very secret."""
        digest = sha256(self._k)
        digest.update(records)
        return digest.digest()[:_SEAL]

    def _restore(self, octets: bytes) -> bool:
        """Take the sequence numbers from what was saved; False when they are not ours."""
        records = octets[:_RECORDS]
        if len(octets) != _RECORDS + _SEAL or self._seal(records) != octets[_RECORDS:]:
            return False
        self._freshness.records[:] = records
        return True

    def authenticate(self, rand: bytes, autn: bytes) -> int:
        """Judge a challenge, 16 octets each (TS 33.102 6.3.3); sets res, ck, ik or auts."""
        self.forget()
        if len(rand) != 16 or len(autn) != 16:
            return _MAC_FAILURE
        milenage = self._milenage
        sqn = bytes(a ^ b for a, b in zip(autn, milenage.f5(rand)))
        if milenage.f1(rand, sqn, autn[6:8])[:8] != autn[8:]:
            return _MAC_FAILURE
        freshness = self._freshness
        if not freshness.is_fresh(sqn):
            self.auts = self._make_auts(rand, freshness.highest() or bytes(6))
            return _SYNC_FAILURE
        freshness.accept(sqn)
        if self._store is not None:
            self._store.save(bytes(freshness.records) + self._seal(freshness.records))
        self.res, self.ck, self.ik = milenage.f2_f3_f4(rand)
        return _OK

    def poll(self, now_ms: int) -> int:
        """Return UNAVAILABLE: a soft ISIM never says PENDING."""
        return _UNAVAILABLE

    def _make_auts(self, rand: bytes, sqn_ms: bytes) -> bytes:
        """Return (SQN_MS ^ f5*) and f1* with AMF zero, 14 octets."""
        milenage = self._milenage
        hidden = bytes(a ^ b for a, b in zip(sqn_ms, milenage.f5_star(rand)))
        return hidden + milenage.f1(rand, sqn_ms, _AMF_RESYNC)[8:]
