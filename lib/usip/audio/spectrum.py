"""Spectra of 64 real samples in integers: what the echo canceller computes with.

All arrays are array('i'). A spectrum is 64 ints: [0] the mean, [1] half the sample rate, then real
and imaginary parts of the bins 1 .. 31. The transform is one of 32 complex points, radix 2, with
factors of 11 bits: errors are 65 dB below the loudest bin.

Numbers keep their precision by floating as a block: `settle` shifts a spectrum until its greatest
part has 14 bits and says by how much. Powers are kept as logarithms: base 2 in 1/1024, by straight
lines between powers of two (3 dB are 1024, errors under 0.3 dB). So products are sums, and no
division and no product beyond 30 bits is needed anywhere.
"""

from array import array
from math import pi, sin

import micropython
from micropython import const

SINES = const(80)
BINS = const(33)

_LEAST = const(-32768)  # the logarithm of nothing


def tables() -> tuple:
    """Return (sines of 64ths of a turn, 11 bits; the order in which a transform reads)."""
    sines = array("i", [round(2048 * sin(pi * k / 32)) for k in range(SINES)])
    order = bytes(
        [(k & 1) << 4 | (k & 2) << 2 | (k & 4) | (k & 8) >> 2 | (k & 16) >> 4 for k in range(32)]
    )
    return sines, order


def sine_window(window) -> None:
    """Fill window[0:64], 11 bits: half a turn, whose squares add up to one when half overlap."""
    for i in range(64):
        window[i] = round(2048 * sin(pi * (i + 0.5) / 64))


@micropython.viper
def forward(z: ptr32, t: ptr32, sines: ptr32, order: ptr8):  # noqa: PLR0915
    """Write the spectrum of t[0:64], of 13 bits and sign, to z."""
    z = ptr32(z)
    t = ptr32(t)
    sines = ptr32(sines)
    order = ptr8(order)
    k = 0
    while k < 32:  # the first two stages have no factors
        i = int(order[k]) << 1
        a = int(t[i])
        b = int(t[i + 1])
        x = int(t[i + 32])
        y = int(t[i + 33])
        m = a - x
        n = b - y
        a += x
        b += y
        c = int(t[i + 16])
        s = int(t[i + 17])
        x = int(t[i + 48])
        y = int(t[i + 49])
        i = k << 1
        k += 4
        z[i] = a + c + x
        z[i + 1] = b + s + y
        z[i + 4] = a - c - x
        z[i + 5] = b - s - y
        x = c - x
        y = s - y
        z[i + 2] = m + y
        z[i + 3] = n - x
        z[i + 6] = m - y
        z[i + 7] = n + x
    half = 8
    step = 8
    while half < 64:
        n = 0
        k = 0
        while n < half:
            c = int(sines[k + 16])
            s = int(sines[k])
            i = n
            while i < 64:
                j = i + half
                x = int(z[j])
                y = int(z[j + 1])
                a = x * c + y * s >> 11
                b = y * c - x * s >> 11
                x = int(z[i])
                y = int(z[i + 1])
                z[j] = x - a
                z[j + 1] = y - b
                z[i] = x + a
                z[i + 1] = y + b
                i = j + half
            n += 2
            k += step
        half = half << 1
        step = step >> 1
    x = int(z[0])
    y = int(z[1])
    z[0] = x + y
    z[1] = x - y
    z[33] = 0 - int(z[33])
    k = 1
    i = 2
    j = 62
    while i < j:  # from pairs of samples to samples
        x = int(z[i])
        y = int(z[i + 1])
        a = int(z[j])
        b = int(z[j + 1])
        c = y + b
        s = a - x
        m = c * int(sines[k + 16]) + s * int(sines[k]) >> 11
        n = s * int(sines[k + 16]) - c * int(sines[k]) >> 11
        x = x + a
        y = y - b
        z[i] = x + m >> 1
        z[i + 1] = y + n >> 1
        z[j] = x - m >> 1
        z[j + 1] = n - y >> 1
        k += 1
        i += 2
        j -= 2


@micropython.viper
def backward(t: ptr32, z: ptr32, sines: ptr32, order: ptr8, work: ptr32):  # noqa: PLR0915
    """Write the 64 samples of the spectrum z, of 15 bits and sign, to t, times 8.

    *work* is 64 ints.
    """
    t = ptr32(t)
    z = ptr32(z)
    sines = ptr32(sines)
    order = ptr8(order)
    work = ptr32(work)
    x = int(z[0])
    y = int(z[1])
    work[0] = x + y >> 1
    work[1] = x - y >> 1
    work[32] = int(z[32])
    work[33] = 0 - int(z[33])
    k = 1
    i = 2
    j = 62
    while i < j:  # from samples to pairs of samples
        x = int(z[i])
        y = int(z[i + 1])
        a = int(z[j])
        b = int(z[j + 1])
        c = x - a
        s = y + b
        m = c * int(sines[k + 16]) - s * int(sines[k]) >> 11
        n = s * int(sines[k + 16]) + c * int(sines[k]) >> 11
        x = x + a
        y = y - b
        work[i] = x - n >> 1
        work[i + 1] = y + m >> 1
        work[j] = x + n >> 1
        work[j + 1] = m - y >> 1
        k += 1
        i += 2
        j -= 2
    k = 0
    while k < 32:
        i = int(order[k]) << 1
        a = int(work[i])
        b = int(work[i + 1])
        x = int(work[i + 32])
        y = int(work[i + 33])
        m = a - x
        n = b - y
        a += x
        b += y
        c = int(work[i + 16])
        s = int(work[i + 17])
        x = int(work[i + 48])
        y = int(work[i + 49])
        i = k << 1
        k += 4
        t[i] = a + c + x >> 2
        t[i + 1] = b + s + y >> 2
        t[i + 4] = a - c - x >> 2
        t[i + 5] = b - s - y >> 2
        x = c - x
        y = s - y
        t[i + 2] = m - y >> 2
        t[i + 3] = n + x >> 2
        t[i + 6] = m + y >> 2
        t[i + 7] = n - x >> 2
    half = 8
    step = 8
    while half < 64:
        n = 0
        k = 0
        while n < half:
            c = int(sines[k + 16])
            s = int(sines[k])
            i = n
            while i < 64:
                j = i + half
                x = int(t[j])
                y = int(t[j + 1])
                a = x * c - y * s >> 11
                b = y * c + x * s >> 11
                x = int(t[i])
                y = int(t[i + 1])
                t[j] = x - a
                t[j + 1] = y - b
                t[i] = x + a
                t[i + 1] = y + b
                i = j + half
            n += 2
            k += step
        half = half << 1
        step = step >> 1


@micropython.viper
def settle(z: ptr32, at: int, to: ptr32, to_at: int, logs: ptr32, log_at: int, more: int) -> int:  # noqa: PLR0915
    """Write z[at:at + 64] shifted to 14 + *more* bits to to[to_at:], the log powers to *logs*.

    The powers are those of 14 bits. Returns by how much the spectrum was shifted to the right,
    disregarding *more*; negative: to the left.
    """
    z = ptr32(z)
    to = ptr32(to)
    logs = ptr32(logs)
    v = 1
    i = 0
    while i < 64:
        a = int(z[at + i])
        if a < 0:
            a = 0 - a
        v = v | a
        i += 1
    shift = -14
    while v:
        v = v >> 1
        shift += 1
    right = shift - more
    left = 0
    if right < 0:
        left = 0 - right
        right = 0
    k = 32
    i = 1
    while k >= 0:  # half the rate, bins 31 .. 1, the mean
        a = int(z[at + i]) << left >> right
        to[to_at + i] = a
        a = a >> more
        v = a * a
        if i > 1:
            a = int(z[at + i + 1]) << left >> right
            to[to_at + i + 1] = a
            a = a >> more
            v += a * a
        n = 0
        m = v
        if m >= 65536:
            n = 16
            m = m >> 16
        if m >= 256:
            n += 8
            m = m >> 8
        if m >= 16:
            n += 4
            m = m >> 4
        if m >= 4:
            n += 2
            m = m >> 2
        if m >= 2:
            n += 1
        if n > 10:
            m = v >> (n - 10)
        else:
            m = v << (10 - n)
        m += (n << 10) - 1024
        if v == 0:
            m = _LEAST
        logs[log_at + k] = m
        k -= 1
        i = k << 1
    return shift


@micropython.viper
def power_of(a: int) -> int:
    """Return 1024 times what *a* is the logarithm of, at most 1024."""
    if a >= 0:
        return 1024
    if a < -10240:
        return 0
    return 1024 + (a & 1023) >> 0 - (a >> 10)


@micropython.viper
def log_sum(a: int, b: int) -> int:
    """Return the logarithm of the sum of what *a* and *b* are the logarithms of."""
    if a < b:
        n = a - b
        a = b
    else:
        n = b - a
    if n < -10240:
        return a
    return a + (1024 + (n & 1023) >> 0 - (n >> 10))
