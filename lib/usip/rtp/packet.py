"""RTP headers in place (RFC 3550 5.1), with no integer a 32-bit VM would put on the heap.

Sequence numbers fit a small int. Timestamps and SSRCs do not: they stay octets in a buffer, are
compared there, subtracted as two 16-bit halves, and stepped octet by octet.
"""

import micropython
from micropython import const

HEADER_BYTES = 12
FAR = const(536870911)  # what `timestamp_delta` returns for every difference beyond it

_FAR = const(536870911)


@micropython.viper
def find_payload(buf: ptr8, length: int) -> int:
    """Return start << 16 | end of the payload of the packet in buf[:length], or -1 (RFC 3550 A.1).

    CSRCs, header extension and padding are left out. -1: not version 2, shorter than what the
    header promises, or a payload type that is RTCP's (RFC 5761 4). An empty payload is a payload.
    """
    buf = ptr8(buf)
    if length < 12:
        return -1
    first = int(buf[0])
    if first >> 6 != 2:
        return -1
    payload_type = int(buf[1]) & 127
    if payload_type >= 64 and payload_type <= 95:
        return -1
    start = 12 + 4 * (first & 15)
    if first & 16:
        if length < start + 4:
            return -1
        start += 4 + 4 * (int(buf[start + 2]) << 8 | int(buf[start + 3]))
    end = length
    if first & 32 and length > start:
        padding = int(buf[length - 1])
        if padding == 0:
            return -1
        end = length - padding
    if end < start:
        return -1
    return start << 16 | end


@micropython.viper
def timestamp_delta(buf: ptr8, at: int, other: ptr8, other_at: int) -> int:
    """Return the timestamp at buf[at:] minus that at other[other_at:], modulo 2**32, signed.

    Beyond +-FAR the result is +-FAR.
    """
    buf = ptr8(buf)
    other = ptr8(other)
    high = (int(buf[at]) << 8 | int(buf[at + 1])) - (
        int(other[other_at]) << 8 | int(other[other_at + 1])
    )
    low = (int(buf[at + 2]) << 8 | int(buf[at + 3])) - (
        int(other[other_at + 2]) << 8 | int(other[other_at + 3])
    )
    if low < 0:
        low += 65536
        high -= 1
    high = ((high & 0xFFFF) ^ 0x8000) - 0x8000
    if high >= 8191:
        return _FAR
    if high < -8191:
        return -_FAR
    return high * 65536 + low


@micropython.viper
def follow(buf: ptr8, length: int, payload_type: int, last: int, ssrc: ptr8, stamp: ptr8) -> int:
    """Return the samples since *stamp*, and put that of buf there, of a packet as expected; or -1.

    Expected is the one after sequence number *last*, a plain header, some payload, less than
    65536 samples. -1: something else came; nothing done.
    """
    buf = ptr8(buf)
    ssrc = ptr8(ssrc)
    stamp = ptr8(stamp)
    if length <= 12 or last < 0 or int(buf[0]) != 128 or int(buf[1]) & 127 != payload_type:
        return -1
    if int(buf[2]) << 8 | int(buf[3]) != last + 1 & 0xFFFF:
        return -1
    i = 0
    while i < 4:
        if int(buf[i + 8]) != int(ssrc[i]):
            return -1
        i += 1
    high = (int(buf[4]) << 8 | int(buf[5])) - (int(stamp[0]) << 8 | int(stamp[1]))
    low = (int(buf[6]) << 8 | int(buf[7])) - (int(stamp[2]) << 8 | int(stamp[3]))
    if low < 0:
        low += 65536
        high -= 1
    if high & 0xFFFF:
        return -1
    i = 0
    while i < 4:
        stamp[i] = int(buf[i + 4])
        i += 1
    return low


@micropython.viper
def timestamp_add(buf: ptr8, at: int, samples: int):
    """Add *samples* (0 .. 2**24) to the timestamp at buf[at:], modulo 2**32."""
    buf = ptr8(buf)
    i = at + 3
    while i >= at:
        samples += int(buf[i])
        buf[i] = samples & 0xFF
        samples = samples >> 8
        i -= 1


@micropython.viper
def step_sequence(buf: ptr8):
    """Add 1 to the sequence number of the packet in *buf*, modulo 2**16."""
    buf = ptr8(buf)
    n = (int(buf[2]) << 8 | int(buf[3])) + 1
    buf[2] = n >> 8 & 0xFF
    buf[3] = n & 0xFF


def sequence_delta(a: int, b: int) -> int:
    """Return a - b modulo 2**16, signed: positive when *a* is the newer sequence number."""
    return ((a - b + 32768) & 65535) - 32768
