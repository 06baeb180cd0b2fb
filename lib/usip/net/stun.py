"""STUN Binding (RFC 5389) as far as a SIP phone needs it: where does the other side see us?"""

from binascii import crc32

_COOKIE = b"\x21\x12\xa4\x42"
_MAPPED_ADDRESS = 0x0001
_XOR_MAPPED_ADDRESS = 0x0020
_FINGERPRINT = 0x8028
_FINGERPRINT_MASK = b"STUN"


def pack_request(transaction_id: bytes) -> bytes:
    """Return a Binding request; *transaction_id* has 12 octets, random."""
    return b"\0\1\0\0" + _COOKIE + transaction_id


def is_response(data: bytes) -> bool:
    """Return whether a datagram can be the response to a Binding request (section 6)."""
    return (
        len(data) >= 20
        and data[0] == 1
        and data[1] in (0x01, 0x11)
        and data[4:8] == _COOKIE
        and len(data) == 20 + (data[2] << 8 | data[3])
    )


def parse_response(data: bytes, transaction_id: bytes):
    """Return (host, port) that a Binding response tells, None when it is an error response.

    ValueError when the datagram is no response to that request, or is damaged.
    """
    if not is_response(data) or data[8:20] != transaction_id:
        raise ValueError("no response to this request")
    if data[1] == 0x11:
        return None
    found = None
    at = 20
    while at + 4 <= len(data):
        kind, length = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        start, end = at + 4, at + 4 + length
        if end > len(data):
            raise ValueError("attribute beyond the end")
        if kind == _FINGERPRINT:
            _check_fingerprint(data, at, end)
        elif kind == _XOR_MAPPED_ADDRESS:
            found = _address(data, start, end, _COOKIE + transaction_id)
        elif kind == _MAPPED_ADDRESS and found is None:  # a server of RFC 3489
            found = _address(data, start, end, bytes(16))
        elif kind < 0x8000 and kind not in (0x0006, 0x0008):
            raise ValueError("an attribute that must be understood")  # 7.3.3
        at = end + 3 & ~3
    if found is None:
        raise ValueError("no address")
    return found


def _address(data, start, end, mask):
    """Return (host, port) of a (XOR-)MAPPED-ADDRESS (15.1, 15.2)."""
    size = end - start
    if size < 8 or data[start + 1] not in (1, 2) or size != (8 if data[start + 1] == 1 else 20):
        raise ValueError("no address")
    port = (data[start + 2] ^ mask[0]) << 8 | data[start + 3] ^ mask[1]
    octets = [data[start + 4 + i] ^ mask[i] for i in range(size - 4)]
    if len(octets) == 4:
        return "%d.%d.%d.%d" % tuple(octets), port
    groups = ["%x" % (octets[i] << 8 | octets[i + 1]) for i in range(0, 16, 2)]
    return ":".join(groups), port


def _check_fingerprint(data, at, end):
    """Raise ValueError unless the last attribute is the CRC of all before it (15.5)."""
    crc = (crc32(data[:at]) & 0xFFFFFFFF).to_bytes(4, "big")
    expected = bytes([crc[i] ^ _FINGERPRINT_MASK[i] for i in range(4)])
    if end != len(data) or data[at + 4 : end] != expected:
        raise ValueError("damaged")
