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
    while k < 32:  # the first stage has no factors
        n = int(order[k]) << 1
        i = int(order[k + 1]) << 1
        j = k << 1
        a = int(t[n])
        b = int(t[i])
        z[j] = a + b
        z[j + 2] = a - b
        a = int(t[n + 1])
        b = int(t[i + 1])
        z[j + 1] = a + b
        z[j + 3] = a - b
        k += 2
    half = 4
    step = 16
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
    """Write the 64 samples of the spectrum z, of 17 bits and sign, to t; *work* is 64 ints."""
    t = ptr32(t)
    z = ptr32(z)
    sines = ptr32(sines)
    order = ptr8(order)
    work = ptr32(work)
    x = int(z[0])
    y = int(z[1])
    work[0] = x - y >> 1  # imaginary parts come first: so the forward stages go backwards
    work[1] = x + y >> 1
    work[32] = 0 - int(z[33])
    work[33] = int(z[32])
    k = 1
    i = 2
    j = 62
    while i < j:
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
        work[i + 1] = x - n >> 1
        work[i] = y + m >> 1
        work[j + 1] = x + n >> 1
        work[j] = m - y >> 1
        k += 1
        i += 2
        j -= 2
    k = 0
    while k < 32:
        n = int(order[k]) << 1
        i = int(order[k + 1]) << 1
        j = k << 1
        a = int(work[n])
        b = int(work[i])
        t[j] = a + b >> 1
        t[j + 2] = a - b >> 1
        a = int(work[n + 1])
        b = int(work[i + 1])
        t[j + 1] = a + b >> 1
        t[j + 3] = a - b >> 1
        k += 2
    half = 4
    step = 16
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
                a = x * c + y * s >> 11
                b = y * c - x * s >> 11
                x = int(t[i])
                y = int(t[i + 1])
                t[j] = x - a >> 1
                t[j + 1] = y - b >> 1
                t[i] = x + a >> 1
                t[i + 1] = y + b >> 1
                i = j + half
            n += 2
            k += step
        half = half << 1
        step = step >> 1
    i = 0
    while i < 64:
        x = int(t[i])
        t[i] = int(t[i + 1])
        t[i + 1] = x
        i += 2


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
    i = 0
    while i < 64:
        a = int(z[at + i]) << left >> right
        b = int(z[at + i + 1]) << left >> right
        to[to_at + i] = a
        to[to_at + i + 1] = b
        a = a >> more
        b = b >> more
        v = a * a
        w = b * b
        k = i >> 1
        if i:
            v += w
            w = -1
        while v >= 0:  # bin 0: its two parts are two bins
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
            v = w
            w = -1
            k = 32
        i += 2
    return shift


@micropython.viper
def store(x: ptr16, at: int, z: ptr32):
    """Write the 64 ints of *z* to x[at:], an array('h')."""
    x = ptr16(x)
    z = ptr32(z)
    i = 0
    while i < 64:
        x[at + i] = int(z[i]) & 0xFFFF
        i += 1


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
