"""G.711: PCM of 16 bits to mu-law and A-law octets and back, bit-exact with ITU-T G.191.

The encoders take the magnitude of a negative sample as its one's complement, as G.191 does: a
two's complement there differs on 381 of the 65,536 inputs. They find the segment by comparing,
which costs less than a table's RAM. The decoders look up what a table of 512 octets holds, that of
the law used last: twice as fast. To go over to the other law costs as much as two frames. `pcm` is
an array('h'); nothing uses heap.
"""

from array import array

import micropython
from micropython import const

ULAW_SILENCE = 0xFF
ALAW_SILENCE = 0xD5

_ULAW_0 = const(0x8284)  # what code 0 is decoded to, by which the table's law is known
_ALAW_0 = const(0xEA80)

_table = array("H", bytes(512))


@micropython.viper
def _fill(table: ptr16, first: int):
    """Make *table* that of the law whose first sample is *first*: samples modulo 2**16."""
    table = ptr16(table)
    code = 0
    while code < 256:
        if first == _ULAW_0:
            m = (((code & 15 ^ 15) << 3) + 0x84 << (code >> 4 & 7 ^ 7)) - 0x84
            if not code & 0x80:
                m = 0 - m
        else:
            m = (code & 15 ^ 5) << 4
            segment = code >> 4 & 7 ^ 5
            if segment:
                m = m + 0x108 << (segment - 1)
            else:
                m += 8
            if not code & 0x80:
                m = 0 - m
        table[code] = m & 0xFFFF
        code += 1


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
    table = ptr16(_table)
    if int(table[0]) != _ULAW_0:
        _fill(_table, _ULAW_0)
    start -= at
    end = at + count
    last = end - 3
    while at < last:
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
    while at < end:
        pcm[start + at] = int(table[int(buf[at])])
        at += 1


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
    table = ptr16(_table)
    if int(table[0]) != _ALAW_0:
        _fill(_table, _ALAW_0)
    start -= at
    end = at + count
    last = end - 3
    while at < last:
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
    while at < end:
        pcm[start + at] = int(table[int(buf[at])])
        at += 1
