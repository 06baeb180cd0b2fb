"""The GSM 7-bit default alphabet with its extension table, and septets packed in octets.

3GPP TS 23.038 6.1.2.1 and 6.2.1. A septet string is bytes, one septet an octet; an escape (0x1B)
and the septet behind it stand for one character.
"""

from micropython import const

_ESCAPE = const(0x1B)
_NO_SEPTET = const(-1)

# By septet; 0x1B, the escape, holds a place only (6.2.1).
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_EXTENSION_SEPTETS = b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65"


def encode(text: str):
    """Return the septets of *text*, or None when the alphabet lacks a character of it."""
    septets = bytearray()
    for c in text:
        i = _ALPHABET.find(c)
        if i < 0:
            i = _EXTENSION.find(c)
            if i < 0:
                return None
            septets.append(_ESCAPE)
            i = _EXTENSION_SEPTETS[i]
        elif i == _ESCAPE:
            return None
        septets.append(i)
    return bytes(septets)


def decode(septets: bytes) -> str:
    """Return the text of *septets*.

    An escaped septet without a meaning is read from the main table, a lone escape at the end is
    a space (6.2.1.1 note 1).
    """
    text = []
    escaped = False
    for septet in septets:
        if septet == _ESCAPE and not escaped:
            escaped = True
            continue
        i = _EXTENSION_SEPTETS.find(bytes((septet,))) if escaped else -1
        text.append(_EXTENSION[i] if i >= 0 else _ALPHABET[septet].replace("\x1b", " "))
        escaped = False
    return "".join(text) + (" " if escaped else "")


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Return *septets* packed into octets, low bits first, behind *fill_bits* zero bits."""
    octets = bytearray((fill_bits + 7 * len(septets) + 7) // 8)
    at = fill_bits
    for septet in septets:
        wide = septet << (at & 7)
        octets[at >> 3] |= wide & 0xFF
        if wide > 0xFF:
            octets[(at >> 3) + 1] |= wide >> 8
        at += 7
    return bytes(octets)


def unpack(buf: bytes, start: int, count: int, fill_bits: int = 0) -> bytes:
    """Return *count* septets from buf[start:], behind *fill_bits* bits.

    The caller has made sure that (fill_bits + 7 * count + 7) // 8 octets are there.
    """
    septets = bytearray(count)
    at = fill_bits
    for i in range(count):
        octet = start + (at >> 3)
        low = buf[octet] >> (at & 7)
        if at & 7 > 1:
            low |= buf[octet + 1] << (8 - (at & 7))
        septets[i] = low & 0x7F
        at += 7
    return bytes(septets)
