"""Milenage (3GPP TS 35.206) as the home network computes it, on 128-bit integers.

Shares nothing with lib/usip/ims, so that a mistake there meets a correct answer here: AES-128 is
written from the tables of FIPS 197 on a column matrix, the rotations are those of integers.
"""

_MASK = (1 << 128) - 1

# FIPS 197, figure 7.
_SUBSTITUTE = bytes.fromhex(
    "637c777bf26b6fc53001672bfed7ab76ca82c97dfa5947f0add4a2af9ca472c0"
    "b7fd9326363ff7cc34a5e5f171d8311504c723c31896059a071280e2eb27b275"
    "09832c1a1b6e5aa0523bd6b329e32f8453d100ed20fcb15b6acbbe394a4c58cf"
    "d0efaafb434d338545f9027f503c9fa851a3408f929d38f5bcb6da2110fff3d2"
    "cd0c13ec5f974417c4a77e3d645d197360814fdc222a908846eeb814de5e0bdb"
    "e0323a0a4906245cc2d3ac629195e479e7c8376d8dd54ea96c56f4ea657aae08"
    "ba78252e1ca6b4c6e8dd741f4bbd8b8a703eb5664803f60e613557b986c11d9e"
    "e1f8981169d98e949b1e87e9ce5528df8ca1890dbfe6426841992d0fb054bb16"
)
_CONSTANTS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36)


def _double(value: int) -> int:
    value <<= 1
    return value ^ 0x11B if value > 0xFF else value


def _round_keys(key: bytes) -> list:
    """Return eleven round keys of four words each; a word is a list of four octets."""
    words = [list(key[i : i + 4]) for i in (0, 4, 8, 12)]
    for constant in _CONSTANTS:
        last = words[-1]
        turned = [_SUBSTITUTE[octet] for octet in (*last[1:], last[0])]
        turned[0] ^= constant
        for _ in range(4):
            turned = [a ^ b for a, b in zip(words[-4], turned)]
            words.append(turned)
    return [words[i : i + 4] for i in range(0, 44, 4)]


def _mixed(column: list) -> list:
    a, b, c, d = column
    return [
        _double(a) ^ _double(b) ^ b ^ c ^ d,
        a ^ _double(b) ^ _double(c) ^ c ^ d,
        a ^ b ^ _double(c) ^ _double(d) ^ d,
        _double(a) ^ a ^ b ^ c ^ _double(d),
    ]


def encrypt(key: bytes, block: int) -> int:
    """Return *block*, an integer of 128 bits, encrypted with *key* (FIPS 197 5.1)."""
    octets = block.to_bytes(16, "big")
    columns = [list(octets[i : i + 4]) for i in (0, 4, 8, 12)]
    keys = _round_keys(key)
    columns = [[a ^ b for a, b in zip(c, k)] for c, k in zip(columns, keys[0])]
    for number, round_key in enumerate(keys[1:], 1):
        columns = [
            [_SUBSTITUTE[columns[(at + row) % 4][row]] for row in range(4)] for at in range(4)
        ]
        if number < 10:
            columns = [_mixed(column) for column in columns]
        columns = [[a ^ b for a, b in zip(c, k)] for c, k in zip(columns, round_key)]
    return int.from_bytes(bytes(octet for column in columns for octet in column), "big")


def _turned(value: int, bits: int) -> int:
    return (value << bits | value >> (128 - bits)) & _MASK


class Keys:
    """The functions for one subscriber and one RAND, each a property or a method."""

    def __init__(self, k: bytes, opc: bytes, rand: bytes):
        self._k = k
        self._opc = int.from_bytes(opc, "big")
        self._temp = encrypt(k, int.from_bytes(rand, "big") ^ self._opc)

    def _out(self, turn: int, constant: int) -> bytes:
        value = encrypt(self._k, _turned(self._temp ^ self._opc, turn) ^ constant) ^ self._opc
        return value.to_bytes(16, "big")

    def macs(self, sqn: int, amf: bytes) -> tuple:
        """Return (f1, f1*)."""
        half = sqn.to_bytes(6, "big") + amf
        in1 = int.from_bytes(half + half, "big")
        value = encrypt(self._k, self._temp ^ _turned(in1 ^ self._opc, 64)) ^ self._opc
        octets = value.to_bytes(16, "big")
        return octets[:8], octets[8:]

    @property
    def xres(self) -> bytes:
        return self._out(0, 1)[8:]

    @property
    def ck(self) -> bytes:
        return self._out(32, 2)

    @property
    def ik(self) -> bytes:
        return self._out(64, 4)

    @property
    def ak(self) -> int:
        return int.from_bytes(self._out(0, 1)[:6], "big")

    @property
    def ak_star(self) -> int:
        return int.from_bytes(self._out(96, 8)[:6], "big")
