"""g711: bit-exact with the ITU-T G.191 formula on every input."""

import os
from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp import g711


def ulaw_of(sample):
    """ITU-T G.191 ulaw_compress, as its text describes it."""
    m = ~sample if sample < 0 else sample
    m = min((m >> 2) + 33, 0x1FFF)
    e = 0
    while m >> (e + 6):
        e += 1
    code = (7 - e) << 4 | 0xF - (m >> (e + 1) & 0xF)
    return code | (0 if sample < 0 else 0x80)


def alaw_of(sample):
    """ITU-T G.191 alaw_compress, as its text describes it."""
    m = (~sample if sample < 0 else sample) >> 4
    if m > 15:
        e = 1
        while m > 31:
            m >>= 1
            e += 1
        m = m - 16 + (e << 4)
    return (m | (0x80 if sample >= 0 else 0)) ^ 0x55


def ulaw_to(code):
    code ^= 0xFF
    m = (((code & 15) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -m if code & 0x80 else m


def alaw_to(code):
    code ^= 0x55
    m = (code & 15) << 4
    e = code >> 4 & 7
    m = m + 8 if e == 0 else m + 0x108 << (e - 1)
    return m if code & 0x80 else -m


def _all_encoded(encode, expected):
    out = bytearray(256)
    for first in range(-32768, 32768, 256):
        pcm = array("h", range(first, first + 256))
        encode(pcm, 0, out, 0, 256)
        for i in range(256):
            assert out[i] == expected(first + i), first + i


def test_ulaw_encodes_all_inputs_as_g191():
    _all_encoded(g711.ulaw_encode, ulaw_of)


def test_alaw_encodes_all_inputs_as_g191():
    _all_encoded(g711.alaw_encode, alaw_of)


def test_all_codes_are_decoded_as_g191():
    codes = bytes(range(256))
    pcm = array("h", [0] * 256)
    g711.ulaw_decode(codes, 0, pcm, 0, 256)
    assert list(pcm) == [ulaw_to(code) for code in codes]
    g711.alaw_decode(codes, 0, pcm, 0, 256)
    assert list(pcm) == [alaw_to(code) for code in codes]


def test_silence_is_nearly_zero():
    pcm = array("h", [99, 99])
    g711.ulaw_decode(bytes([g711.ULAW_SILENCE]), 0, pcm, 0, 1)
    g711.alaw_decode(bytes([g711.ALAW_SILENCE]), 0, pcm, 1, 1)
    assert list(pcm) == [0, 8]


def test_only_the_span_asked_for_is_written():
    pcm = array("h", [1000] * 8)
    out = bytearray(8)
    g711.ulaw_encode(pcm, 2, out, 3, 2)
    assert out == bytes([0, 0, 0, ulaw_of(1000), ulaw_of(1000), 0, 0, 0])
    g711.alaw_decode(out, 3, pcm, 6, 1)
    assert list(pcm[:6]) == [1000] * 6 and pcm[7] == 1000


def test_a_frame_uses_no_heap():
    pcm = array("h", range(-16000, 16000, 200))
    out = bytearray(160)
    with NoAlloc():
        g711.ulaw_encode(pcm, 0, out, 0, 160)
        g711.ulaw_decode(out, 0, pcm, 0, 160)
        g711.alaw_encode(pcm, 0, out, 0, 160)
        g711.alaw_decode(out, 0, pcm, 0, 160)
        g711.ulaw_decode(out, 0, pcm, 0, 160)


def test_any_count_is_decoded():
    codes = bytes(range(40, 60))
    for count in range(12):
        pcm = array("h", [7] * 20)
        g711.ulaw_decode(codes, 3, pcm, 2, count)
        assert list(pcm[2 : 2 + count]) == [ulaw_to(code) for code in codes[3 : 3 + count]]
        assert list(pcm[:2]) == [7, 7] and list(pcm[2 + count :]) == [7] * (18 - count)


def _vector(name):
    folder = os.getenv("VECTORS")
    try:
        with open("%s/g711/%s" % (folder, name), "rb") as file:
            return file.read()
    except OSError:
        print("no vectors: g711/%s" % name)
        return None


def test_the_stl_vectors_agree():
    out = bytearray(512)
    for encode, name in ((g711.ulaw_encode, "ulaw"), (g711.alaw_encode, "alaw")):
        codes = _vector("linear16_to_%s.stl.bin" % name)
        if codes is None:
            return
        for first in range(0, 65536, 512):
            encode(array("h", range(first - 32768, first - 32256)), 0, out, 0, 512)
            assert out == codes[first : first + 512], (name, first)
