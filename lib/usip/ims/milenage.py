"""Milenage: the functions f1, f1*, f2, f3, f4, f5 and f5* of 3GPP TS 35.206.

All of them are one block cipher applied to RAND and OPc:

    TEMP = E(RAND ^ OPc)
    OUTn = E(rot(TEMP ^ OPc, rn) ^ cn) ^ OPc              n = 2, 3, 4, 5
    OUT1 = E(TEMP ^ rot(SQN AMF SQN AMF ^ OPc, 64)) ^ OPc

where rot turns towards the first octet and cn differs in its last octet only (4.1). The key stays
inside the cipher object: nothing here prints, stores or returns it.
"""

try:
    from cryptolib import aes
except ImportError:
    from usip.ims.aes import aes

_ECB = 1


def derive_opc(k: bytes, op: bytes) -> bytes:
    """Return OPc of the subscriber key *k* and the operator's *op*, 16 octets each (4.1)."""
    if len(op) != 16:
        raise ValueError("OP has 16 octets")
    out = bytearray(16)
    aes(k, _ECB).encrypt(op, out)
    return bytes(a ^ b for a, b in zip(out, op))


class Milenage:
    """The functions of one subscriber. Arguments are bytes: K, OPc and RAND 16, SQN 6, AMF 2."""

    def __init__(self, k: bytes, opc: bytes) -> None:
        if len(k) != 16 or len(opc) != 16:
            raise ValueError("K and OPc have 16 octets")
        self._cipher = aes(k, _ECB)
        self._opc = opc
        self._block = bytearray(16)
        self._temp = bytearray(16)

    def _begin(self, rand: bytes) -> None:
        """Set TEMP."""
        opc = self._opc
        block = self._block
        for i in range(16):
            block[i] = rand[i] ^ opc[i]
        self._cipher.encrypt(block, self._temp)

    def _finish(self) -> bytes:
        """Return E(block) ^ OPc."""
        opc = self._opc
        block = self._block
        self._cipher.encrypt(block, block)
        for i in range(16):
            block[i] ^= opc[i]
        return bytes(block)

    def _out(self, turn: int, constant: int) -> bytes:
        """Return OUTn for r = 8 * *turn* and c = *constant*, from TEMP."""
        opc = self._opc
        temp = self._temp
        block = self._block
        for i in range(16):
            at = (i + turn) & 15
            block[i] = temp[at] ^ opc[at]
        block[15] ^= constant
        return self._finish()

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-A (f1) and MAC-S (f1*), eight octets each, in one."""
        self._begin(rand)
        opc = self._opc
        temp = self._temp
        block = self._block
        in1 = sqn + amf
        for i in range(16):
            # in1 is repeated, so turning it by 64 bits leaves it; OPc is turned.
            block[i] = temp[i] ^ in1[i & 7] ^ opc[(i + 8) & 15]
        return self._finish()

    def f5(self, rand: bytes) -> bytes:
        """Return AK, six octets."""
        self._begin(rand)
        return self._out(0, 1)[:6]

    def f5_star(self, rand: bytes) -> bytes:
        """Return the AK of resynchronisation, six octets."""
        self._begin(rand)
        return self._out(12, 8)[:6]

    def f2_f3_f4(self, rand: bytes):
        """Return RES (8 octets), CK (16) and IK (16)."""
        self._begin(rand)
        return self._out(0, 1)[8:], self._out(4, 2), self._out(8, 4)
