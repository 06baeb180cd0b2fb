"""The kernels of the echo canceller's suppressor; see `aec`, which also lays out `m`."""

import micropython
from micropython import const

_LEAST = const(-32768)
_LEFT = const(196)
_ECHO = const(229)
_TAIL = const(262)
_FADING = const(295)
_GAIN = const(328)
_HEARD = const(361)
_SLOW_REST = const(394)  # and four more
_SLOW_ECHO = const(395)
_FAST_REST = const(396)
_FAST_ECHO = const(397)
_FAST_HEARD = const(398)
_RATIO = const(399)
_OPEN = const(400)
_MEAN = const(401)
_SHARE = const(402)


@micropython.viper
def fade(m: ptr32, exponent: int):
    """Let tail and rest fade and take in this block; *exponent*: of the logarithms in _ECHO."""
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
    m[_MEAN] = total - 5165


@micropython.viper
def follow(m: ptr32, heard: int, rest: int) -> int:  # noqa: PLR0915
    """Follow the powers, the ratio of rest to echo to reckon with, and the gain of all bins.

    *heard* and *rest*: powers of this block before and behind the filter. Returns 1 when the
    filter puts more in than it takes out, so the room has changed; else 0.
    """
    m = ptr32(m)
    echo = int(m[_MEAN]) - 6144
    i = 0
    while i < 5:
        b = rest
        if i == 1 or i == 3:
            b = echo
        if i == 4:
            b = heard
        if i < 2:
            a = int(m[_SLOW_REST + i]) - 45  # 130 ms
            b -= 5178
        else:
            a = int(m[_SLOW_REST + i]) - 330  # 20 ms
            b -= 2378
        if a < b:
            n = a - b
            a = b
        else:
            n = b - a
        if n > -10240:
            a += 1024 + (n & 1023) >> 0 - (n >> 10)
        m[_SLOW_REST + i] = a
        i += 1
    ratio = int(m[_RATIO])
    has_changed = 0
    n = int(m[_SLOW_REST]) - int(m[_SLOW_ECHO])
    if int(m[_FAST_ECHO]) > 8850 and int(m[_FAST_REST]) > int(m[_FAST_HEARD]) + 256:
        has_changed = 1
        ratio = -3402
    elif int(m[_SLOW_ECHO]) > 8850:
        ratio += 1
        if n < ratio:
            ratio = n
    m[_RATIO] = ratio
    if ratio < -6800:
        ratio = -6800
    n = 2647 + ratio + int(m[_FAST_ECHO]) - int(m[_FAST_REST])  # six times the echo left
    gain = 102
    if n < -10240:
        gain = 1024
    elif n < 0:
        gain = 1024 - (1024 + (n & 1023) >> 0 - (n >> 10))
        if gain < 102:
            gain = 102
    gain -= int(m[_OPEN])
    if gain > 0:
        gain = gain >> 1
    else:
        gain = 0 - (77 - gain * 77 >> 8)
    m[_OPEN] = int(m[_OPEN]) + gain
    ratio += 1024
    if ratio > -1024:
        ratio = -1024
    m[_SHARE] = ratio
    return has_changed


@micropython.viper
def weigh(m: ptr32, z: ptr32, exponent: int):
    """Multiply the spectrum *z* by the gain of every bin.

    *exponent*: of the logarithms in _HEARD.
    """
    m = ptr32(m)
    z = ptr32(z)
    mean = int(m[_MEAN]) - 1779
    ratio = int(m[_SHARE])
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
