"""G.722 at 64 kbit/s: 7 kHz of speech in as many octets as G.711, by two sub-bands of ADPCM.

A pair of quadrature mirror filters parts sound at 16 kHz into a low and a high band of 8 kHz
each (Recommendation 3.1, 4.4). A band is coded by how it differs from a prediction of two poles
and six zeros, in 6 bits (low) or 2 bits (high), with steps that follow the loudness; encoder and
decoder adapt by the same difference, of the low band by its upper four bits only. The names of
the blocks in the comments are those of clause 6.2.

Whoever has sound at 8 kHz only uses the low band as it is and needs no filters: frames of 160
samples mean that, frames of 320 are 16 kHz. Loaded only when the codec is configured.
"""

from array import array

import micropython
from micropython import const

from usip.rtp.jitter import JitterBuffer

_DET = const(0)  # step
_NB = const(1)  # its logarithm
_S = const(2)  # prediction
_SZ = const(3)  # the zeros' part of it
_P = const(4)  # two partial reconstructions
_R = const(6)  # reconstruction
_A = const(7)  # poles
_B = const(9)  # zeros
_D = const(15)  # six differences
_BAND = const(21)  # ints of one band
_TAPS = const(22)  # samples of the past the filters need
_QUIET_HIGH = const(0xC0)  # the high band's code of nothing

_ILB = const(0)
_Q6 = const(32)
_QM6 = const(62)
_WL = const(126)
_QMF = const(142)
_TABLE = array(
    "h",
    # ILB: 2048 times 2 to the power n/32
    (2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774)
    + (2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838)
    + (3922, 4008)
    # Q6: decision levels
    + (0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940)
    + (1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919)
    # QM6: output levels by code
    + (-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192)
    + (-10232, -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168)
    + (-2776, -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512)
    + (12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576)
    + (3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136)
    # WL by the upper four bits of the code, beside QM4
    + (-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60)
    # H: every second coefficient of the filters
    + (3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)
    # QM4
    + (0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584)
    + (1200, 0),
)
_QM4 = const(154)


# One function: a call for each sample would cost as much as what it does. C901, PLR0915: so.
@micropython.viper
def _code(  # noqa: C901, PLR0915
    state: ptr32, pcm: ptr16, at: int, stride: int, codes: ptr8, k: int, count: int, mode: int
):
    """Code *count* samples pcm[at], pcm[at + stride] ... of one band, or decode them to there.

    *codes* are at codes[k:]; *mode*: 1 encode, 2 the high band. The low band has 15 bits; where
    *stride* is 1 it is a signal of 16.
    """
    state = ptr32(state)
    pcm = ptr16(pcm)
    codes = ptr8(codes)
    table = ptr16(_TABLE)
    end = k + count
    while k < end:
        det = int(state[_DET])
        s = int(state[_S])
        # QUANTL, QUANTH
        if mode & 1:
            e = ((int(pcm[at]) & 0xFFFF) ^ 0x8000) - 0x8000
            if stride == 1:
                e = e >> 1
            e -= s
            if e > 32767:
                e = 32767
            if e < -32768:
                e = -32768
            m = e
            if e < 0:
                m = 0 - 1 - e
            if mode & 2:
                code = 1
                if m >= 564 * det >> 12:
                    code = 0
                if e >= 0:
                    code += 2
                codes[k] = (int(codes[k]) & 63) | code << 6
            else:
                low = 1
                code = 30
                while low < code:
                    i = (low + code) >> 1
                    if m < int(table[_Q6 + i]) * det >> 12:
                        code = i
                    else:
                        low = i + 1
                if e >= 0:
                    code = 62 - code
                elif code < 3:
                    code = 64 - code
                else:
                    code = 34 - code
                codes[k] = code | _QUIET_HIGH
        elif mode & 2:
            code = int(codes[k]) >> 6
        else:
            code = int(codes[k]) & 63
        # INVQAL, INVQAH, LOGSCL, LOGSCH
        nb = int(state[_NB]) * 127 >> 7
        shift = 8
        if mode & 2:
            d = 7408
            i = 798
            if code & 1:
                d = 1616
                i = -214
            if code < 2:
                d = 0 - d
            d = det * d >> 15
            m = d
            nb += i
            if nb > 22528:
                nb = 22528
            shift = 10
        else:
            i = ((int(table[_QM6 + code]) & 0xFFFF) ^ 0x8000) - 0x8000
            m = det * i >> 15
            i = ((int(table[_QM4 + (code >> 2)]) & 0xFFFF) ^ 0x8000) - 0x8000
            d = det * i >> 15
            nb += ((int(table[_WL + (code >> 2)]) & 0xFFFF) ^ 0x8000) - 0x8000
            if nb > 18432:
                nb = 18432
        if not mode & 1:
            # RECONS of the decoder, LIMIT
            m += s
            if m > 16383:
                m = 16383
            if m < -16384:
                m = -16384
            if stride == 1:
                m = m << 1
            pcm[at] = m & 0xFFFF
        # SCALEL, SCALEH
        if nb < 0:
            nb = 0
        state[_NB] = nb
        i = int(table[_ILB + (nb >> 6 & 31)])
        shift -= nb >> 11
        if shift < 0:
            state[_DET] = i << 2 - shift
        else:
            state[_DET] = i >> shift << 2
        # RECONS, PARREC
        r = s + d
        if r > 32767:
            r = 32767
        if r < -32768:
            r = -32768
        p = int(state[_SZ]) + d
        if p > 32767:
            p = 32767
        if p < -32768:
            p = -32768
        # UPPOL2
        a1 = int(state[_A])
        m = a1 << 2
        if m > 32767:
            m = 32767
        if m < -32768:
            m = -32768
        i = 192
        if p ^ int(state[_P]) >= 0:
            m = 0 - m
        else:
            i = -192
        if m > 32767:
            m = 32767
        m = (m >> 7) + (int(state[_A + 1]) * 32512 >> 15)
        if p ^ int(state[_P + 1]) >= 0:
            m += 128
        else:
            m -= 128
        if m > 12288:
            m = 12288
        if m < -12288:
            m = -12288
        # UPPOL1
        a1 = i + (a1 * 32640 >> 15)
        i = 15360 - m
        if a1 > i:
            a1 = i
        if a1 < 0 - i:
            a1 = 0 - i
        state[_A] = a1
        state[_A + 1] = m
        # FILTEP: twice the reconstructions
        i = r + r
        if i > 32767:
            i = 32767
        if i < -32768:
            i = -32768
        s = a1 * i >> 15
        i = int(state[_R])
        i = i + i
        if i > 32767:
            i = 32767
        if i < -32768:
            i = -32768
        s += m * i >> 15
        if s > 32767:
            s = 32767
        if s < -32768:
            s = -32768
        state[_R] = r
        state[_P + 1] = int(state[_P])
        state[_P] = p
        # UPZERO, FILTEZ, from the oldest on
        z = 0
        n = 5
        while n >= 0:
            m = int(state[_D + n])
            i = 0
            if d:
                i = 128
                if d ^ m < 0:
                    i = -128
            i += int(state[_B + n]) * 32640 >> 15
            state[_B + n] = i
            m = d
            if n:
                m = int(state[_D + n - 1])
            state[_D + n] = m
            m = m + m
            if m > 32767:
                m = 32767
            if m < -32768:
                m = -32768
            z += i * m >> 15
            n -= 1
        if z > 32767:
            z = 32767
        if z < -32768:
            z = -32768
        state[_SZ] = z
        # PREDIC
        s += z
        if s > 32767:
            s = 32767
        if s < -32768:
            s = -32768
        state[_S] = s
        at += stride
        k += 1


@micropython.viper
def _analyse(work: ptr16, pairs: int):
    """Part work[22:22 + 2 pairs], behind 22 samples of its past, into low and high samples.

    They replace the sound from work[0] on: low, high, low, high.
    """
    work = ptr16(work)
    table = ptr16(_TABLE)
    at = 0
    end = pairs + pairs
    while at < end:
        low = 0
        high = 0
        n = 0
        while n < 12:
            h = ((int(table[_QMF + n]) & 0xFFFF) ^ 0x8000) - 0x8000
            i = at + n + n
            high += (((int(work[i]) & 0xFFFF) ^ 0x8000) - 0x8000) * h
            i = at + 23 - n - n
            low += (((int(work[i]) & 0xFFFF) ^ 0x8000) - 0x8000) * h
            n += 1
        work[at] = (low + high) >> 14 & 0xFFFF
        work[at + 1] = (low - high) >> 14 & 0xFFFF
        at += 2


@micropython.viper
def _synthesise(work: ptr16, pairs: int, pcm: ptr16, to: int):
    """Make sound of the pairs of low and high samples at work[22:], behind those before them.

    The sound goes to pcm[to:]; the pairs become sums and differences, which is what the past is.
    """
    work = ptr16(work)
    pcm = ptr16(pcm)
    table = ptr16(_TABLE)
    at = 0
    end = pairs + pairs
    while at < end:
        low = ((int(work[at + 22]) & 0xFFFF) ^ 0x8000) - 0x8000
        high = ((int(work[at + 23]) & 0xFFFF) ^ 0x8000) - 0x8000
        work[at + 22] = (low + high) & 0xFFFF
        work[at + 23] = (low - high) & 0xFFFF
        first = 0
        second = 0
        n = 0
        while n < 12:
            h = ((int(table[_QMF + n]) & 0xFFFF) ^ 0x8000) - 0x8000
            i = at + 23 - n - n
            first += (((int(work[i]) & 0xFFFF) ^ 0x8000) - 0x8000) * h
            i = at + n + n
            second += (((int(work[i]) & 0xFFFF) ^ 0x8000) - 0x8000) * h
            n += 1
        first = first >> 11
        if first > 32767:
            first = 32767
        if first < -32768:
            first = -32768
        second = second >> 11
        if second > 32767:
            second = 32767
        if second < -32768:
            second = -32768
        pcm[to + at] = first & 0xFFFF
        pcm[to + at + 1] = second & 0xFFFF
        at += 2


@micropython.viper
def _copy(to: ptr16, at: int, pcm: ptr16, start: int, count: int):
    """Copy pcm[start:start + count] to to[at:]."""
    to = ptr16(to)
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        to[at + i] = int(pcm[start + i])
        i += 1


class _Half:
    """The state of one direction: two bands and the filter's past."""

    def __init__(self) -> None:
        self.low = array("i", [0] * _BAND)
        self.high = array("i", [0] * _BAND)
        self.past = array("h", [0] * _TAPS)
        self.low[_DET] = 32
        self.high[_DET] = 8

    def copy(self, other: "_Half") -> None:
        """Become what *other* is; no heap."""
        for i in range(_BAND):
            self.low[i] = other.low[i]
            self.high[i] = other.high[i]
        _copy(self.past, 0, other.past, 0, _TAPS)


class Coder:
    """Both directions of one call. Frames of 160 samples are at 8 kHz, of 320 at 16 kHz."""

    name = b"G722"
    octets = 1  # a sample at 8 kHz, which is what RTP timestamps count (RFC 3551 4.5.2)
    silence = 0xFC  # decodes to zeros for ever
    buffer = JitterBuffer

    def __init__(self, is_wide: bool = False) -> None:
        self._encoder = _Half()
        self._decoder = _Half()
        self._kept = _Half()
        self.is_wide = is_wide
        self._work = array("h", [0] * (_TAPS + 320 if is_wide else 0))

    def encode(self, pcm, buf, at: int) -> None:
        """Write a frame, array('h'), as 160 octets to buf[at:]; no heap."""
        half = self._encoder
        if not self.is_wide:
            _code(half.low, pcm, 0, 1, buf, at, 160, 1)
            return
        work = self._work
        _copy(work, 0, half.past, 0, _TAPS)
        _copy(work, _TAPS, pcm, 0, 320)
        _copy(half.past, 0, pcm, 320 - _TAPS, _TAPS)
        _analyse(work, 160)
        _code(half.low, work, 0, 2, buf, at, 160, 1)
        _code(half.high, work, 1, 2, buf, at, 160, 3)

    def decode(self, buf, start: int, pcm, at: int, count: int) -> None:
        """Write *count* (160 at most) octets of buf[start:] as sound to pcm[at:]; no heap."""
        half = self._decoder
        if not self.is_wide:
            _code(half.low, pcm, at, 1, buf, start, count, 0)
            return
        work = self._work
        _copy(work, 0, half.past, 0, _TAPS)
        _code(half.low, work, _TAPS, 2, buf, start, count, 0)
        _code(half.high, work, _TAPS + 1, 2, buf, start, count, 2)
        _synthesise(work, count, pcm, at)
        _copy(half.past, 0, work, 2 * count, _TAPS)

    def keep(self) -> None:
        """Remember the decoder's state before a look ahead."""
        self._kept.copy(self._decoder)

    def restore(self) -> None:
        """Go back to where `keep` was called."""
        self._decoder.copy(self._kept)
