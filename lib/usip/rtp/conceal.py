"""Waveform repair in place: the kernels of loss concealment and of stretching time.

The idea is pitch-wave substitution: speech repeats itself every 4 to 17 ms, so what is missing is
made by repeating the last cycle, and when the packet behind the gap is already here, by repeating
that one's first cycle backwards as well and cross-fading from the one to the other. A stretch of
time is the same thing: a cycle inserted, or one left out, with an overlap of both neighbours.

All work on one array('h') in which the past, the gap and the future lie in order, by offsets that
the caller has checked. Integers stay under 2**30, so the bytecode twin uses no heap either.
"""

import micropython


@micropython.viper
def find_lag(pcm: ptr16, at: int, count: int, low: int, high: int, sign: int) -> int:
    """Return the lag, low .. high, at which pcm[at:at + count] resembles itself most.

    *sign* -1 looks for the copy before it, 1 behind it. Average magnitude difference: every fourth
    lag first, on every fourth sample; then the neighbours of the best on every second.
    """
    pcm = ptr16(pcm)
    best = low
    stride = 4
    first = low
    last = high
    while stride:
        least = 1073741823
        lag = first
        while lag <= last:
            other = at + sign * lag
            total = 0
            i = 0
            while i < count:
                d = ((int(pcm[at + i]) & 0xFFFF) ^ 0x8000) - (
                    (int(pcm[other + i]) & 0xFFFF) ^ 0x8000
                )
                if d < 0:
                    d = 0 - d
                total += d
                i += stride
            if total < least:
                least = total
                best = lag
            lag += stride
        if stride == 1:
            return best
        stride = stride >> 2
        first = best - 3
        if first < low:
            first = low
        last = best + 3
        if last > high:
            last = high
    return best


@micropython.viper
def mismatch(pcm: ptr16, at: int, count: int, shift: int) -> int:
    """Return how unlike pcm[at:at + count] and its copy *shift* away are, in percent of its size.

    *count* is at most 255.
    """
    pcm = ptr16(pcm)
    other = at + shift
    size = 1
    total = 0
    i = 0
    while i < count:
        a = ((int(pcm[at + i]) & 0xFFFF) ^ 0x8000) - 0x8000
        d = a - (((int(pcm[other + i]) & 0xFFFF) ^ 0x8000) - 0x8000)
        if d < 0:
            d = 0 - d
        if a < 0:
            a = 0 - a
        total += d
        size += a
        i += 1
    return (total >> 3) * 100 // ((size >> 3) + 1)


@micropython.viper
def extend(pcm: ptr16, at: int, count: int, lag: int, done: int, fade_from: int, gain: int):
    """Go on with the cycle of *lag* samples before pcm[at], for *count* samples.

    *done* samples of this concealment lie before `at` already. The last quarter of the first
    cycle is blended into the cycle before it, so that the repetition has no edge. From sample
    *fade_from* on each sample is gain/16384 of the one a cycle earlier.
    """
    pcm = ptr16(pcm)
    quarter = lag >> 2
    i = 0
    while i < count:
        n = at + i
        a = ((int(pcm[n - lag]) & 0xFFFF) ^ 0x8000) - 0x8000
        k = done + i - (lag - quarter)
        if k >= 0 and k < quarter:
            b = ((int(pcm[n - lag - lag]) & 0xFFFF) ^ 0x8000) - 0x8000
            a += (b - a) * (k + 1) // (quarter + 1)
        if done + i >= fade_from:
            a = a * gain >> 14
        pcm[n] = a & 0xFFFF
        i += 1


@micropython.viper
def extend_back(pcm: ptr16, at: int, count: int, lag: int, out: ptr16):
    """Write to out[:count] what comes before pcm[at], by its first cycle of *lag* samples."""
    pcm = ptr16(pcm)
    out = ptr16(out)
    quarter = lag >> 2
    i = count - 1
    while i >= 0:
        n = i + lag
        if n >= count:
            a = ((int(pcm[at + n - count]) & 0xFFFF) ^ 0x8000) - 0x8000
            k = lag - quarter - (count - 1 - i)
            if k <= 0:
                k = 0 - k
                b = ((int(pcm[at + n + lag - count]) & 0xFFFF) ^ 0x8000) - 0x8000
                a += (b - a) * (k + 1) // (quarter + 1)
        else:
            a = int(out[n])
        out[i] = a & 0xFFFF
        i -= 1


@micropython.viper
def crossfade(pcm: ptr16, at: int, other: ptr16, count: int, backwards: int):
    """Fade pcm[at:at + count] from what it holds to other[:count]; *backwards* 1: from that."""
    pcm = ptr16(pcm)
    other = ptr16(other)
    step = 16384 // (count + 1)
    w = 0
    if backwards:
        w = 16384
        step = 0 - step
    i = 0
    while i < count:
        w += step
        a = ((int(pcm[at + i]) & 0xFFFF) ^ 0x8000) - 0x8000
        b = ((int(other[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        pcm[at + i] = (a + ((b - a) * w >> 14)) & 0xFFFF
        i += 1


@micropython.viper
def shrink(pcm: ptr16, at: int, count: int, lag: int, overlap: int):
    """Leave out *lag* of the *count* samples at pcm[at:], blending *overlap* of them."""
    pcm = ptr16(pcm)
    step = 16384 // (overlap + 1)
    w = 0
    i = 0
    while i < count - lag:
        b = ((int(pcm[at + i + lag]) & 0xFFFF) ^ 0x8000) - 0x8000
        if i < overlap:
            w += step
            a = ((int(pcm[at + i]) & 0xFFFF) ^ 0x8000) - 0x8000
            b = a + ((b - a) * w >> 14)
        pcm[at + i] = b & 0xFFFF
        i += 1


@micropython.viper
def stretch(pcm: ptr16, at: int, count: int, lag: int, overlap: int):
    """Repeat the *lag* samples before pcm[at] there; the *count* behind it move up by *lag*.

    The first *overlap* (at most *lag*) fade from what followed to the repetition.
    """
    pcm = ptr16(pcm)
    i = count - 1
    while i >= 0:
        pcm[at + i + lag] = int(pcm[at + i])
        i -= 1
    step = 16384 // (overlap + 1)
    w = 0
    i = 0
    while i < lag:
        b = ((int(pcm[at + i - lag]) & 0xFFFF) ^ 0x8000) - 0x8000
        if i < overlap:
            w += step
            a = ((int(pcm[at + i + lag]) & 0xFFFF) ^ 0x8000) - 0x8000
            b = a + ((b - a) * w >> 14)
        pcm[at + i] = b & 0xFFFF
        i += 1


@micropython.viper
def level(pcm: ptr16, at: int, count: int) -> int:
    """Return the mean magnitude of pcm[at:at + count]."""
    pcm = ptr16(pcm)
    total = 0
    end = at + count
    while at < end:
        a = ((int(pcm[at]) & 0xFFFF) ^ 0x8000) - 0x8000
        if a < 0:
            a = 0 - a
        total += a
        at += 1
    return total // (count + 1)


@micropython.viper
def noise(pcm: ptr16, at: int, count: int, size: int, seed: int) -> int:
    """Write *count* samples of noise up to +-size (at most 8191) to pcm[at:]; return the seed."""
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        seed = (seed * 1021 + 24593) & 0xFFFFF
        pcm[at + i] = ((((seed >> 4) & 0xFFFF) - 32768) * size >> 15) & 0xFFFF
        i += 1
    return seed


@micropython.viper
def move(pcm: ptr16, to: int, start: int, end: int):
    """Move pcm[start:end] down to pcm[to:], to <= start."""
    pcm = ptr16(pcm)
    while start < end:
        pcm[to] = int(pcm[start])
        to += 1
        start += 1


@micropython.viper
def shift_out(to: ptr16, pcm: ptr16, at: int, count: int, end: int):
    """Copy pcm[at:at + count] to to[:count]; then move pcm[count:end] to the beginning."""
    to = ptr16(to)
    pcm = ptr16(pcm)
    i = 0
    while i < count:  # an even number
        to[i] = int(pcm[at + i])
        i += 1
        to[i] = int(pcm[at + i])
        i += 1
    i = 0
    end -= count
    last = end - 3
    while i < last:
        pcm[i] = int(pcm[count + i])
        i += 1
        pcm[i] = int(pcm[count + i])
        i += 1
        pcm[i] = int(pcm[count + i])
        i += 1
        pcm[i] = int(pcm[count + i])
        i += 1
    while i < end:
        pcm[i] = int(pcm[count + i])
        i += 1


@micropython.viper
def push(pcm: ptr16, size: int, frame: ptr16, count: int):
    """Move pcm[count:size] to the beginning and put frame[:count] behind it; count is even."""
    pcm = ptr16(pcm)
    frame = ptr16(frame)
    size -= count
    i = 0
    while i < size:
        pcm[i] = int(pcm[i + count])
        i += 1
        pcm[i] = int(pcm[i + count])
        i += 1
    i = 0
    while i < count:
        pcm[size + i] = int(frame[i])
        i += 1
        pcm[size + i] = int(frame[i])
        i += 1


@micropython.viper
def copy(to: ptr16, at: int, pcm: ptr16, start: int, count: int):
    """Copy pcm[start:start + count] to to[at:]."""
    to = ptr16(to)
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        to[at + i] = int(pcm[start + i])
        i += 1
