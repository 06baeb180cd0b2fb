"""The kernels of the echo canceller's filter: a room's echo, and learning it; see `aec`.

The filter is *slots* spectra of 64 ints, 27 bits behind the point. `x` holds as many spectra of
the loudspeaker, used as a ring whose newest is *first*. `lx`, `lp` and `lq` are 33
logarithms for each: powers of the loudspeaker's spectra, variances of the filter's partitions, and
by how much those grow in a block. `m` is laid out as `aec` says.
"""

import micropython
from micropython import const

_LEAST = const(-32768)
_REST = const(64)  # power of the rest in this block
_NOISE = const(97)  # of the rest, smoothed
_WHOLE = const(130)  # of all that competes with learning
_STEP = const(163)  # exponent of the rest's bin, over that
_LEFT = const(196)  # echo expected to be left
_SHIFTS = const(403)  # by slot: exponent of the loudspeaker's spectrum


@micropython.viper
def shift_in(past: ptr32, pcm: ptr16, start: int):
    """Append pcm[start:start + 32] to the 64 samples of *past*."""
    past = ptr32(past)
    pcm = ptr16(pcm)
    i = 0
    while i < 32:
        past[i] = int(past[i + 32])
        past[i + 32] = ((int(pcm[start + i]) & 0xFFFF) ^ 0x8000) - 0x8000
        i += 1


@micropython.viper
def subtract(past: ptr32, pcm: ptr16, start: int, echo: ptr32, exponent: int):
    """Append pcm[start:start + 32] less the echo to *past*.

    The echo are the last 32 of 64 samples, to be multiplied by 2**exponent.
    """
    past = ptr32(past)
    pcm = ptr16(pcm)
    echo = ptr32(echo)
    right = 0 - exponent
    left = 0
    if right < 0:
        left = exponent
        right = 0
    if right > 30:
        right = 30
    i = 0
    while i < 32:
        past[i] = int(past[i + 32])
        a = int(echo[i + 32]) << left >> right
        a = ((int(pcm[start + i]) & 0xFFFF) ^ 0x8000) - 0x8000 - a
        if a > 32767:
            a = 32767
        if a < -32768:
            a = -32768
        past[i + 32] = a
        i += 1


@micropython.viper
def power(past: ptr32) -> int:
    """Return the mean square of the last 32 of 64 samples, as a logarithm; 0 for silence."""
    past = ptr32(past)
    peak = 0
    i = 32
    while i < 64:
        a = int(past[i])
        if a < 0:
            a = 0 - a
        peak = peak | a
        i += 1
    n = 5
    right = 0
    if peak > 4095:
        n = 13
        right = 4
    energy = 0
    i = 32
    while i < 64:
        a = int(past[i]) >> right
        energy += a * a
        i += 1
    if energy == 0:
        return 0
    while energy > 2047:
        energy = energy >> 1
        n += 1
    while energy < 1024:
        energy = energy << 1
        n -= 1
    return n * 1024 + energy - 1024


@micropython.viper
def load(past: ptr32, t: ptr32, window: ptr32, how: int) -> int:
    """Write *past* to *t* in 13 bits; return by how much it was shifted right.

    *how*: 0 as it is, 1 the first half set to zero, 2 under the window.
    """
    past = ptr32(past)
    t = ptr32(t)
    window = ptr32(window)
    v = 1
    i = 0
    if how == 1:
        while i < 32:
            t[i] = 0
            i += 1
    first = i
    while i < 64:
        a = int(past[i])
        if a < 0:
            a = 0 - a
        v = v | a
        i += 1
    shift = -13
    while v:
        v = v >> 1
        shift += 1
    right = shift
    left = 0
    if right < 0:
        left = 0 - right
        right = 0
    i = first
    while i < 64:
        a = int(past[i]) << left >> right
        if how == 2:
            a = a * int(window[i]) >> 11
        t[i] = a
        i += 1
    return shift


@micropython.viper
def filter(y: ptr32, x: ptr32, w: ptr32, m: ptr32, first: int, slots: int):
    """Write the spectrum of the echo, times 4, to *y*: the sum over all partitions."""
    y = ptr32(y)
    x = ptr32(x)
    w = ptr32(w)
    m = ptr32(m)
    i = 0
    while i < 64:
        y[i] = 0
        i += 1
    p = 0
    slot = first
    while p < slots:
        right = 11 - int(m[_SHIFTS + slot])
        i = p << 6
        j = slot << 6
        a = int(x[j])
        b = int(x[j + 1])
        y[0] = int(y[0]) + (a * (int(w[i]) >> 14) >> right)
        y[1] = int(y[1]) + (b * (int(w[i + 1]) >> 14) >> right)
        k = 2
        while k < 64:
            i += 2
            j += 2
            a = int(x[j])
            b = int(x[j + 1])
            c = int(w[i]) >> 14
            d = int(w[i + 1]) >> 14
            y[k] = int(y[k]) + (a * c - b * d >> right)
            y[k + 1] = int(y[k + 1]) + (a * d + b * c >> right)
            k += 2
        p += 1
        slot += 1
        if slot == slots:
            slot = 0


@micropython.viper
def judge(m: ptr32, lx: ptr32, lp: ptr32, first: int, slots: int, exponent: int):  # noqa: PLR0915
    """Find for every bin what echo is expected to be left, and the step to learn with.

    The spectrum of the rest, m[0:64] times 2**exponent, gets 14 bits in every bin.
    """
    m = ptr32(m)
    lx = ptr32(lx)
    lp = ptr32(lp)
    k = 0
    while k < 33:
        a = -32768
        p = 0
        slot = first
        i = k
        while p < slots:
            b = int(lp[i]) + int(lx[slot * 33 + k]) + (int(m[_SHIFTS + slot]) << 11)
            if a < b:
                n = a - b
                a = b
            else:
                n = b - a
            if n > -10240:
                a += 1024 + (n & 1023) >> 0 - (n >> 10)
            i += 33
            p += 1
            slot += 1
            if slot == slots:
                slot = 0
        m[_LEFT + k] = a
        a -= 1024
        b = int(m[_NOISE + k]) - 156  # nine tenths of it, and a tenth of the new one
        c = int(m[_REST + k]) + (exponent << 11) - 3402
        if b < c:
            n = b - c
            b = c
        else:
            n = c - b
        if n > -10240:
            b += 1024 + (n & 1023) >> 0 - (n >> 10)
        if b < 6800:  # rounding, and the noise of any microphone
            b = 6800
        m[_NOISE + k] = b
        if a < b:
            n = a - b
            a = b
        else:
            n = b - a
        if n > -10240:
            a += 1024 + (n & 1023) >> 0 - (n >> 10)
        m[_WHOLE + k] = a
        n = 13 - (int(m[_REST + k]) >> 11)
        if n > 13:
            n = 13
        if n < 0:
            n = 0
        m[_STEP + k] = (exponent - n << 10) - a
        i = k << 1
        if k == 0:
            m[0] = int(m[0]) << n
        elif k == 32:
            m[1] = int(m[1]) << n
        else:
            m[i] = int(m[i]) << n
            m[i + 1] = int(m[i + 1]) << n
        k += 1


@micropython.viper
def learn(x: ptr32, w: ptr32, lx: ptr32, lp: ptr32, lq: ptr32, m: ptr32, first: int):  # noqa: PLR0915
    """Take one step with all partitions, and let their variances follow.

    *first*: slots << 8 | the slot of the newest spectrum.
    """
    x = ptr32(x)
    w = ptr32(w)
    lx = ptr32(lx)
    lp = ptr32(lp)
    lq = ptr32(lq)
    m = ptr32(m)
    slots = first >> 8
    first = first & 255
    k = 0
    while k < 33:
        at = k << 1
        if k == 32:
            at = 1
        c = int(m[at])
        d = 0
        if at > 1:
            d = int(m[at + 1])
        step = int(m[_STEP + k]) + 27648
        whole = int(m[_WHOLE + k]) + 1024
        slot = first
        i = k
        p = 0
        while p < slots:
            v = int(lp[i])
            exponent = int(m[_SHIFTS + slot]) << 10
            n = v + step + exponent
            size = 128 + ((n & 1023) >> 3)
            n = 0 - (n >> 10) - 1
            if n < 30:
                if n < 2:
                    n = 2
                j = (slot << 6) + at
                a = int(x[j])
                to = (p << 6) + at
                if at > 1:
                    b = int(x[j + 1])
                    w[to + 1] = int(w[to + 1]) + ((a * d - b * c >> 8) * size >> n)
                    a = a * c + b * d
                else:
                    a = a * c
                w[to] = int(w[to]) + ((a >> 8) * size >> n)
            # the variance falls by half of the share that this partition has in the whole
            n = v + int(lx[slot * 33 + k]) + exponent + exponent - whole
            if n > -10240:
                if n > -425:
                    n = -425
                a = 1024 + (n & 1023) >> 0 - (n >> 10)
                if a > 63:
                    v -= a * (1477 + (a * (737 + (a * 900 >> 10)) >> 10)) >> 10
                else:
                    v -= a * 3 >> 1
            v -= 2
            b = int(lq[i])
            if v < b:
                n = v - b
                v = b
            else:
                n = b - v
            if n > -10240:
                v += 1024 + (n & 1023) >> 0 - (n >> 10)
            lp[i] = v
            i += 33
            p += 1
            slot += 1
            if slot == slots:
                slot = 0
        k += 1


@micropython.viper
def doubt(lp: ptr32, slots: int):
    """Double all variances, up to what they were at first."""
    lp = ptr32(lp)
    i = 0
    p = 0
    while p < slots:
        most = 0 - 492 * p
        k = 0
        while k < 33:
            a = int(lp[i]) + 1024
            if a > most:
                a = most
            lp[i] = a
            i += 1
            k += 1
        p += 1


@micropython.viper
def take_off(w: ptr32, at: int, z: ptr32, exponent: int, lq: ptr32, log_at: int, more: int):
    """Subtract z times 2**exponent from w[at:at + 64]; add *more* to 33 logarithms."""
    w = ptr32(w)
    z = ptr32(z)
    lq = ptr32(lq)
    right = 0 - exponent
    left = 0
    if right < 0:
        left = exponent
        right = 0
    if right > 30:
        right = 30
    i = 0
    while i < 64:
        a = int(w[at + i]) - (int(z[i]) << left >> right)
        if a > 0x1FFFFFFF:
            a = 0x1FFFFFFF
        if a < -0x1FFFFFFF:
            a = -0x1FFFFFFF
        w[at + i] = a
        i += 1
    i = 0
    while i < 33:
        lq[log_at + i] = int(lq[log_at + i]) + more
        i += 1
