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
from hashlib import sha256

from micropython import const

from usip.ims.milenage import Milenage

_OK = const(0)
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_UNAVAILABLE = const(3)

_IND_MASK = const(0x1F)  # TS 33.102 C.3: five bits
_RECORD = const(7)  # 1 when a SQN was seen, then that SQN; compared as octets
_RECORDS = const(224)
_SEAL = const(16)
_DELTA = const(1 << 28)  # TS 33.102 C.3, all profiles


class SoftISIM:
    """An ISIM whose secret is in the configuration.

    *k* and *opc* are 16 octets (milenage.derive_opc() makes OPc of OP); *impus* defaults to the
    identity made of *impi*, and *domain* to what follows its @. *path* is the file that keeps the
    sequence numbers; without one they last as long as `records`, which may be given on.
    """

    def __init__(self, impi: bytes, k: bytes, opc: bytes, impus=(), domain=None, path=None):
        self.impi = impi
        self.impus = tuple(impus) or (b"sip:" + impi,)
        self.domain = domain or impi[impi.find(b"@") + 1 :]
        self._k = k
        self._milenage = Milenage(k, opc)
        self._path = path
        self.records = bytearray(_RECORDS)
        self.is_restored = self._restore()
        self.write_failures = 0
        self.forget()

    def __repr__(self) -> str:
        return "<SoftISIM %s>" % self.impi.decode()

    def forget(self) -> None:
        """Drop the results of the last authentication."""
        self.res = self.ck = self.ik = self.auts = b""

    def authenticate(self, rand: bytes, autn: bytes) -> int:
        """Judge a challenge, 16 octets each (TS 33.102 6.3.3); sets res, ck, ik or auts."""
        self.forget()
        if len(rand) != 16 or len(autn) != 16:
            return _MAC_FAILURE
        milenage = self._milenage
        sqn = bytes(a ^ b for a, b in zip(autn, milenage.f5(rand)))
        if milenage.f1(rand, sqn, autn[6:8])[:8] != autn[8:]:
            return _MAC_FAILURE
        highest = self._highest()
        at = (sqn[5] & _IND_MASK) * _RECORD
        if not self._is_fresh(sqn, at, highest):
            self.auts = self._make_auts(rand, highest or bytes(6))
            return _SYNC_FAILURE
        self.records[at : at + _RECORD] = b"\x01" + sqn
        self._save()
        self.res, self.ck, self.ik = milenage.f2_f3_f4(rand)
        return _OK

    def poll(self, now_ms: int) -> int:
        """Return UNAVAILABLE: a soft ISIM never says PENDING."""
        return _UNAVAILABLE

    def _highest(self) -> bytes:
        """Return SQN_MS, the highest SQN accepted so far, six octets; empty when none was."""
        best = b""
        for at in range(0, _RECORDS, _RECORD):
            if self.records[at]:
                best = max(best, bytes(self.records[at + 1 : at + _RECORD]))
        return best

    def _is_fresh(self, sqn: bytes, at: int, highest: bytes) -> bool:
        """Return whether *sqn*, of the record *at*, is to be accepted (TS 33.102 C.2)."""
        if b"\x01" + sqn <= bytes(self.records[at : at + _RECORD]):
            return False
        if not highest:
            return True  # whatever the first challenge of all brings, we have no say in it
        above = (int.from_bytes(sqn, "big") >> 5) - (int.from_bytes(highest, "big") >> 5)
        return above <= _DELTA

    def _make_auts(self, rand: bytes, sqn_ms: bytes) -> bytes:
        """Return (SQN_MS ^ f5*) and f1* with AMF zero, 14 octets."""
        milenage = self._milenage
        hidden = bytes(a ^ b for a, b in zip(sqn_ms, milenage.f5_star(rand)))
        return hidden + milenage.f1(rand, sqn_ms, b"\x00\x00")[8:]

    # -- the file: the records, then what proves that they are whole and of this very secret

    def _seal(self) -> bytes:
        return sha256(self._k + self.records).digest()[:_SEAL]

    def _restore(self) -> bool:
        """Take the sequence numbers from the file; False when there are none of ours."""
        octets = b""
        if self._path:
            try:
                with open(self._path, "rb") as file:
                    octets = file.read(_RECORDS + _SEAL + 1)
            except OSError:
                return False
        kept = self.records
        self.records = bytearray(octets[:_RECORDS])
        if len(octets) == _RECORDS + _SEAL and self._seal() == octets[_RECORDS:]:
            return True
        self.records = kept
        return False

    def _save(self) -> None:
        """Write aside and rename, so that the file is the old one or the new one, never a half.

        A file that cannot be written is counted in `write_failures`.
        """
        if not self._path:
            return
        aside = self._path + ".new"
        try:
            with open(aside, "wb") as file:
                file.write(self.records)
                file.write(self._seal())
            os.rename(aside, self._path)
        except OSError:
            self.write_failures += 1
