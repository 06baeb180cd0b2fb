"""The password of AKAv2-MD5 (RFC 4169); imported when a network asks for it."""

from binascii import b2a_base64
from hashlib import md5

from micropython import const

_HMAC_BLOCK = const(64)


def hmac_md5(key: bytes, text: bytes) -> bytes:
    """Return HMAC-MD5 (RFC 2104); *key* has at most 64 octets."""
    key += bytes(_HMAC_BLOCK - len(key))
    inner = md5(bytes(octet ^ 0x36 for octet in key))
    inner.update(text)
    outer = md5(bytes(octet ^ 0x5C for octet in key))
    outer.update(inner.digest())
    return outer.digest()


def password(res: bytes, ik: bytes, ck: bytes) -> bytes:
    """Return the password, base64 (section 3)."""
    return b2a_base64(hmac_md5(res + ik + ck, b"http-digest-akav2-password")).rstrip()
