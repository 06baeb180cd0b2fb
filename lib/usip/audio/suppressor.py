"""The kernels of the echo canceller's suppressor; see `aec`, which also lays out `m`."""

import micropython
from micropython import const

_LEAST = const(-32768)
_LEFT = const(196)  # echo expected to be left
_ECHO = const(229)  # echo found in this block
_TAIL = const(262)  # echo found, fading as a room
_FADING = const(295)  # echo left, fading
_GAIN = const(328)  # of the suppressor, in 1/1024
_HEARD = const(361)  # power of the rest, under a window
_OPEN = const(399)  # gain of all bins, in 1/1024


@micropython.viper
def mean(m: ptr32, exponent: int) -> int:
    """Let the tail and the rest fade, take in this block, and return the tail's mean."""
    m = ptr32(m)
    total = _LEAST
    k = 0
    while k < 33:
        a = int(m[_TAIL + k]) - 240  # 18 dB in 100 ms
        b = int(m[_ECHO + k]) + exponent
        if a < b:
            a = b
        if a < 0:
            a = 0
        m[_TAIL + k] = a
        b = int(m[_FADING + k]) - 330
        c = int(m[_LEFT + k])
        if b < c:
            b = c
        m[_FADING + k] = b
        if total < a:
            n = total - a
            total = a
        else:
            n = a - total
        if n > -10240:
            total += 1024 + (n & 1023) >> 0 - (n >> 10)
        k += 1
    return total - 5165


@micropython.viper
def weigh(m: ptr32, z: ptr32, exponent: int, mean: int, ratio: int):
    """Multiply the spectrum *z* by the gain of every bin.

    *exponent*: of the logarithms in _HEARD; *ratio*: rest to echo to be reckoned with.
    """
    m = ptr32(m)
    z = ptr32(z)
    mean -= 1779
    k = 0
    while k < 33:
        a = int(m[_TAIL + k])
        b = mean
        if a < b:
            n = a - b
            a = b
        else:
            n = b - a
        if n > -10240:
            a += 1024 + (n & 1023) >> 0 - (n >> 10)
        a += ratio
        b = int(m[_FADING + k]) - 1024
        if a < b:
            n = a - b
            a = b
        else:
            n = b - a
        if n > -10240:
            a += 1024 + (n & 1023) >> 0 - (n >> 10)
        n = a - int(m[_HEARD + k]) - exponent  # twice the echo, half of it under the window
        g = 1024
        if n > -10240:
            g = 51
            if n < 0:
                g = 1024 - (1024 + (n & 1023) >> 0 - (n >> 10))
                if g < 51:
                    g = 51
        a = int(m[_GAIN + k])
        g = a + ((g - a) * 3 >> 2)
        m[_GAIN + k] = g
        g = g * int(m[_OPEN]) >> 10
        if g < 51:
            g = 51
        if k == 0:
            z[0] = int(z[0]) * g >> 10
        elif k == 32:
            z[1] = int(z[1]) * g >> 10
        else:
            n = k << 1
            z[n] = int(z[n]) * g >> 10
            z[n + 1] = int(z[n + 1]) * g >> 10
        k += 1


@micropython.viper
def overlap(t: ptr32, window: ptr32, rest: ptr32, pcm: ptr16, start: int, exponent: int):
    """Write the next 32 samples to pcm[start:]: t under the window, added to the last ones."""
    t = ptr32(t)
    window = ptr32(window)
    rest = ptr32(rest)
    pcm = ptr16(pcm)
    right = 0 - exponent
    left = 0
    if right < 0:
        left = exponent
        right = 0
    if right > 30:
        right = 30
    i = 0
    while i < 32:
        a = int(rest[i]) + ((int(t[i]) * int(window[i]) >> 11) << left >> right)
        rest[i] = (int(t[i + 32]) * int(window[i + 32]) >> 11) << left >> right
        if a > 32767:
            a = 32767
        if a < -32768:
            a = -32768
        pcm[start + i] = a & 0xFFFF
        i += 1
