"""In-band DTMF: a detector of tone pairs by Goertzel's algorithm (ITU-T Q.23, Q.24).

Half a frame, 10 ms, is one block. In each the power at the eight frequencies is compared: the
strongest row and the strongest column are the block's candidate. The block is pure when both
stand out from the others, differ by no more than the permitted twist and together hold most of
the block's energy, which speech seldom does, nor a tone whose frequency is off by 3.5 %.

A digit has begun when a run of blocks with one candidate has two pure ones, holds energy enough
in both tones over all of them, and amounts to 26 ms of tone: the amplitudes of the blocks added
up, over the greatest. So blocks that the tone fills in part count in part, 30 ms are always enough
and 23 ms never. It ends with three blocks without it.

Samples are scaled to 8 bits first, so that everything fits small ints from 0 to -42 dBm0.
"""

import micropython
from micropython import const

_BLOCK = const(80)
_ROWS = (27980, 26956, 25701, 24219)  # 2 cos(2 pi f / 8000) in 1/16384: 697, 770, 852, 941 Hz
_COLUMNS = (19073, 16325, 13085, 9315)  # 1209, 1336, 1477, 1633 Hz
_CODES = b"\x01\x02\x03\x0c\x04\x05\x06\x0d\x07\x08\x09\x0e\x0a\x00\x0b\x0f"
_LEAST_PEAK = const(100)
_TWIST = const(8)  # 9 dB
_CLEAR = const(3)  # power over that of the next row or column
_MISSES = const(3)
_LENGTH = const(260)  # percent of a block
_SHARE = const(75)  # percent of the energy in the tones, on average
_PURE = const(62)  # and in each pure block
_HELD = const(30)  # and while the digit lasts


@micropython.viper
def _peak(pcm: ptr16, at: int) -> int:
    """Return the greatest magnitude in a block."""
    pcm = ptr16(pcm)
    peak = 0
    end = at + 80
    while at < end:
        a = ((int(pcm[at]) & 0xFFFF) ^ 0x8000) - 0x8000
        if a < 0:
            a = 0 - a
        if a > peak:
            peak = a
        at += 1
    return peak


@micropython.viper
def _energy(pcm: ptr16, at: int, shift: int) -> int:
    """Return the sum of the squares of a block's samples, each shifted right."""
    pcm = ptr16(pcm)
    total = 0
    end = at + 80
    while at < end:
        a = (((int(pcm[at]) & 0xFFFF) ^ 0x8000) - 0x8000) >> shift
        total += a * a
        at += 1
    return total


@micropython.viper
def _power(pcm: ptr16, at: int, shift: int, coefficient: int) -> int:
    """Return the squared magnitude of a block's spectrum at one frequency, over 256."""
    pcm = ptr16(pcm)
    v1 = 0
    v2 = 0
    end = at + 80
    while at < end:
        v = (
            ((((int(pcm[at]) & 0xFFFF) ^ 0x8000) - 0x8000) >> shift)
            - v2
            + (v1 * coefficient >> 14)
        )
        v2 = v1
        v1 = v
        at += 1
    v1 = v1 >> 4
    v2 = v2 >> 4
    return v1 * v1 + v2 * v2 - (v1 * coefficient >> 14) * v2


@micropython.viper
def _root(n: int) -> int:
    """Return the square root of *n*, 0 .. 2**28, rounded down."""
    root = 0
    bit = 1 << 14
    while bit:
        if (root + bit) * (root + bit) <= n:
            root += bit
        bit = bit >> 1
    return root


class Detector:
    """Sound in, presses out, in the manner of event.EventReceiver.

    `code` is the event code of the newest digit, `duration` its length in samples so far.
    """

    def __init__(self) -> None:
        self.code = -1
        self.duration = 0
        self.is_open = False
        self.ended_code = -1
        self.ended_duration = 0
        self._candidate = -1  # of the newest block
        self._is_pure = False
        self._amplitude = 0
        self._percent = 0  # of its energy in the two tones
        self._first = 0
        self._is_clear = False
        self._pure = 0  # of the run of blocks with one candidate
        self._sum = 0
        self._most = 0
        self._share = 0  # percent of the energy in the tones, added up over the pure blocks
        self._misses = 0

    def receive(self, pcm) -> int:
        """Take a frame of 160 samples; return 1 when a digit begins, 2 when one ends, 3 for both.

        3: the old digit ended first, `ended_code` after `ended_duration`. No heap.
        """
        return self._take(pcm, 0) | self._take(pcm, _BLOCK)

    def _take(self, pcm, at: int) -> int:
        before = self._candidate
        self._classify(pcm, at)
        candidate = self._candidate
        if candidate != before or candidate < 0:
            self._pure = self._sum = self._most = self._share = 0
        if candidate >= 0:
            self._sum += self._amplitude
            if self._amplitude > self._most:
                self._most = self._amplitude
            if self._is_pure:
                self._pure += 1
                self._share += self._percent
        return self._follow(candidate)

    def _follow(self, candidate: int) -> int:
        """Open or close a digit after one more block."""
        result = 0
        if self.is_open:
            if candidate == self.code and self._percent >= _HELD:
                self.duration += _BLOCK * (1 + self._misses)
                self._misses = 0
                return 0
            self._misses += 1
            if self._misses >= _MISSES:
                self.is_open = False
                self.ended_code = self.code
                self.ended_duration = self.duration
                result = 2
        if self.is_open or self._pure < 2 or not self._is_long():
            return result
        self.code = candidate
        self.duration = self._sum * _BLOCK // self._most
        self.is_open = True
        self._misses = 0
        return result | 1

    def _is_long(self) -> bool:
        return 100 * self._sum >= _LENGTH * self._most and self._share >= _SHARE * self._pure

    def _strongest(self, pcm, at, shift, coefficients) -> int:
        """Return the index of the greatest power; `_first` is that, `_second` the next."""
        first = second = 0
        best = 0
        for i in range(4):
            power = _power(pcm, at, shift, coefficients[i])
            if power > first:
                second = first
                first = power
                best = i
            elif power > second:
                second = power
        self._first = first
        self._is_clear = first > _CLEAR * second
        return best

    def _classify(self, pcm, at: int) -> None:
        """Find the candidate of a block, its amplitude and purity."""
        peak = _peak(pcm, at)
        self._is_pure = False
        if peak < _LEAST_PEAK:
            self._candidate = -1
            return
        shift = 0
        while peak >> shift > 255:
            shift += 1
        row = self._strongest(pcm, at, shift, _ROWS)
        low = self._first
        is_clear = self._is_clear
        column = self._strongest(pcm, at, shift, _COLUMNS)
        high = self._first
        self._candidate = _CODES[4 * row + column]
        self._amplitude = (_root(low) + _root(high)) << shift
        # a tone of amplitude A has energy 40 A * A and power 1600 A * A, here over 256
        self._percent = (low + high) * 640 // (_energy(pcm, at, shift) + 1)
        if is_clear and self._is_clear and self._percent >= _PURE:
            self._is_pure = low < _TWIST * high and high < _TWIST * low
