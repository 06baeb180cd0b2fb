"""AES-128 encryption of single blocks (FIPS 197), for a Python without `cryptolib`.

The same interface as MicroPython's `cryptolib.aes` in mode 1 (ECB). A board has the real one and
never imports this module. Written for size and clarity: it looks tables up by secret octets, so
it does not run in constant time.
"""


def _times_2(octet: int) -> int:
    """Return *octet* times x in GF(2**8) modulo x**8 + x**4 + x**3 + x + 1 (FIPS 197 4.2.1)."""
    return (octet << 1 ^ (0x11B if octet & 0x80 else 0)) & 0xFF


def _s_box() -> bytes:
    """Return the substitution table: inverse in GF(2**8), then the affine map (FIPS 197 5.1.1).

    Walks the powers p of the generator 3 together with the powers q of its inverse 0xF6.
    """
    box = bytearray(256)
    box[0] = 0x63
    p = q = 1
    for _ in range(255):
        p ^= _times_2(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        turned = q * 0x101  # two copies, so that a shift is a rotation
        box[p] = (q ^ turned >> 7 ^ turned >> 6 ^ turned >> 5 ^ turned >> 4 ^ 0x63) & 0xFF
    return bytes(box)


_SBOX = _s_box()
# ShiftRows (FIPS 197 5.1.2): the octet that comes to each place, column by column.
_SHIFTED = (0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11)


def _expand(key: bytes) -> bytearray:
    """Return the eleven round keys of *key*, 176 octets (FIPS 197 5.2)."""
    words = bytearray(176)
    words[:16] = key
    constant = 1
    for at in range(16, 176, 4):
        for i in range(4):
            octet = words[at - 4 + i]
            if at % 16 == 0:
                octet = _SBOX[words[at - 4 + (i + 1) % 4]]
                if i == 0:
                    octet ^= constant
            words[at + i] = words[at - 16 + i] ^ octet
        if at % 16 == 0:
            constant = _times_2(constant)
    return words


def _mix_columns(state: bytearray) -> None:
    """Multiply each column by {03}x3 + {01}x2 + {01}x + {02} (FIPS 197 5.1.3)."""
    for at in range(0, 16, 4):
        first = state[at]
        total = first ^ state[at + 1] ^ state[at + 2] ^ state[at + 3]
        for i in range(at, at + 4):
            below = first if i == at + 3 else state[i + 1]
            state[i] ^= total ^ _times_2(state[i] ^ below)


class aes:
    """One key; *mode* must be 1 (ECB)."""

    def __init__(self, key: bytes, mode: int) -> None:
        if len(key) != 16 or mode != 1:
            raise ValueError("AES-128 in ECB mode only")
        self._words = _expand(key)

    def encrypt(self, block: bytes, out: bytearray) -> None:
        """Encrypt the 16 octets of *block* into *out*, which may be the same buffer."""
        words = self._words
        state = bytearray(16)
        for i in range(16):
            state[i] = block[i] ^ words[i]
        for at in range(16, 176, 16):
            state = bytearray(_SBOX[state[i]] for i in _SHIFTED)
            if at < 160:  # the last round has no MixColumns
                _mix_columns(state)
            for i in range(16):
                state[i] ^= words[at + i]
        out[:16] = state
