"""G.711: PCM of 16 bits to mu-law and A-law octets and back, bit-exact with ITU-T G.191.

The encoders take the magnitude of a negative sample as its one's complement, as G.191 does: a
two's complement there differs on 381 of the 65,536 inputs. No tables: the segment is found by
comparing, which costs less than a table's RAM. `pcm` is an array('h'); nothing uses heap.
"""

import micropython

ULAW_SILENCE = 0xFF
ALAW_SILENCE = 0xD5


@micropython.viper
def ulaw_encode(pcm: ptr16, start: int, buf: ptr8, at: int, count: int):
    """Write pcm[start:start + count] as mu-law octets to buf[at:]."""
    pcm = ptr16(pcm)
    buf = ptr8(buf)
    end = start + count
    while start < end:
        m = int(pcm[start]) & 0xFFFF
        code = 0xFF
        if m & 0x8000:
            m = m ^ 0xFFFF
            code = 0x7F
        m = (m >> 2) + 33
        if m > 0x1FFF:
            m = 0x1FFF
        shift = 1
        if m >= 512:
            shift = 5
            m = m >> 4
        if m >= 128:
            shift += 2
            m = m >> 2
        if m >= 64:
            shift += 1
            m = m >> 1
        # m is now 1xxxxx: five bits below the leading one, of which four are kept
        buf[at] = code ^ ((shift - 1) << 4 | (m >> 1 & 15))
        at += 1
        start += 1


@micropython.viper
def ulaw_decode(buf: ptr8, at: int, pcm: ptr16, start: int, count: int):
    """Write the *count* mu-law octets at buf[at:] as samples to pcm[start:]."""
    buf = ptr8(buf)
    pcm = ptr16(pcm)
    end = at + count
    while at < end:
        code = int(buf[at]) ^ 0xFF
        m = (((code & 15) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
        if code & 0x80:
            m = 0 - m
        pcm[start] = m & 0xFFFF
        at += 1
        start += 1


@micropython.viper
def alaw_encode(pcm: ptr16, start: int, buf: ptr8, at: int, count: int):
    """Write pcm[start:start + count] as A-law octets to buf[at:]."""
    pcm = ptr16(pcm)
    buf = ptr8(buf)
    end = start + count
    while start < end:
        m = int(pcm[start]) & 0xFFFF
        code = 0xD5
        if m & 0x8000:
            m = m ^ 0xFFFF
            code = 0x55
        m = m >> 4
        segment = 0
        if m >= 256:
            segment = 4
            m = m >> 4
        if m >= 64:
            segment += 2
            m = m >> 2
        if m >= 32:
            segment += 1
            m = m >> 1
        if m >= 16:
            segment += 1
        buf[at] = code ^ (segment << 4 | (m & 15))
        at += 1
        start += 1


@micropython.viper
def alaw_decode(buf: ptr8, at: int, pcm: ptr16, start: int, count: int):
    """Write the *count* A-law octets at buf[at:] as samples to pcm[start:]."""
    buf = ptr8(buf)
    pcm = ptr16(pcm)
    end = at + count
    while at < end:
        code = int(buf[at]) ^ 0x55
        m = (code & 15) << 4
        segment = code >> 4 & 7
        if segment:
            m = m + 0x108 << (segment - 1)
        else:
            m += 8
        if not code & 0x80:
            m = 0 - m
        pcm[start] = m & 0xFFFF
        at += 1
        start += 1
