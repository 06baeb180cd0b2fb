"""Playout: from the jitter buffer to 20 ms of sound, fifty times a second, whatever arrived.

The work array holds the past (`_PAST` samples already played, from which cycles are taken) and
behind it the samples made but not played yet. A frame is played when 160 of them are there; until
then another step adds some:

    octets are there        decode them; perhaps leave out or repeat 20 ms, see below
    nothing follows         go on with the last cycle, fading; the media clock is held meanwhile
    a gap, then octets      what was made while held is taken off the gap; the rest is filled from
                            both sides. Nothing left to fill: the packet was not lost but late, and
                            the delay has grown by what was made, so nothing of it goes lost
    long silence            idle: comfort noise, until a packet has waited as long as Delays asks

So one rule serves losses, bursts and stalls of the network, and a delay once too small is
corrected by the first stall. A delay too great (or too small) by more than the hysteresis, be it
from an ended jitter or from clock drift, is corrected by 20 ms in a quiet frame.
"""

from array import array

import micropython
from micropython import const

from usip.rtp import conceal, g711
from usip.rtp.jitter import Delays, JitterBuffer

_FRAME = const(160)
_PAST = const(320)
_AHEAD = const(240)  # samples of the future looked at
_ROOM = const(560)  # one frame less a sample, a gap of one frame, the future behind it
_IDLE_AFTER = const(1920)  # samples concealed without a break; then the fade has long ended
_LOW_LAG = const(32)
_HIGH_LAG = const(140)
_TEMPLATE = const(80)
_FADE_FROM = const(80)
_QUIET = const(20)  # mean magnitude: -64 dBov
_ALIKE = const(35)  # percent
_MOST_COMFORT = const(300)

# In one array: mean magnitudes, of the loudest frames of late and, in 1/16, of the quietest; by
# how much the delay is too great, smoothed, in 1/16 ms.
_LOUD = const(0)
_FLOOR = const(1)
_EXCESS = const(2)
_SHORT = const(-160)  # 10 ms too little
_LONG = const(400)  # 25 ms too much
_FAR = const(960)  # 60 ms too much


@micropython.viper
def _watch(pcm: ptr16, at: int, count: int, levels: ptr32, off_ms: int) -> int:
    """Follow a frame's level, and the delay that is off by *off_ms*; return what is to be done.

    0 nothing, 1 repeat the frame, which is quiet, 2 leave a quiet one out, 3 leave a cycle out.
    """
    pcm = ptr16(pcm)
    levels = ptr32(levels)
    total = 0
    end = at + count
    while at < end:  # an even number of samples
        a = int(pcm[at]) & 0xFFFF
        if a & 0x8000:
            a = 65536 - a
        at += 1
        total += a
        a = int(pcm[at]) & 0xFFFF
        if a & 0x8000:
            a = 65536 - a
        at += 1
        total += a
    now = total // (count + 1)
    loud = int(levels[_LOUD])
    loud = now if now > loud else loud - (loud >> 7)
    levels[_LOUD] = loud
    a = int(levels[_FLOOR])
    higher = a + (a >> 8) + 1
    if a == 0 or higher > 16 * now:
        higher = 16 * now
    levels[_FLOOR] = higher
    a = int(levels[_EXCESS])
    a += off_ms - (a + 8 >> 4)
    levels[_EXCESS] = a
    is_quiet = 0
    if now <= loud >> 4 or now <= _QUIET:
        is_quiet = 1
    if a < _SHORT:
        return is_quiet
    if a > _LONG and is_quiet:
        return 2
    if a > _FAR:
        return 3
    return 0


class Playout:
    """One direction of G.711. All positions and lengths in samples at 8 kHz; see rtp.coded.

    `concealed` counts samples made up, `slips` those left out or repeated to correct the delay.
    `delay_ms` is what the frame being played waited, beyond the fastest packet's transit.
    """

    _wide = 0  # 1: the samples in the arrays are at 16 kHz, so twice as many

    def __init__(self, slots: int = 16, arrays=None) -> None:
        """*arrays*: a bytearray of 160 octets a slot and an array('h') of 880 zeros."""
        ring, work = arrays or (None, None)
        self.buffer = JitterBuffer(slots, ring)
        self.delays = Delays()
        samples = (_PAST + _ROOM) << self._wide
        self._pcm = array("h", bytes(2 * samples)) if work is None else work
        self._most_ms = 20 * slots - 80
        self.is_alaw = False
        self.concealed = 0
        self.slips = 0
        self.delay_ms = 0
        self.comfort_level = -1  # peak of the noise played when idle, -1: as the far end's floor
        self._seed = 1
        self._levels = array("i", [0, 0, 0])
        self.reset()

    def reset(self) -> None:
        """Forget what was received; play comfort noise until packets come."""
        self.is_idle = True
        self._pending = 0
        self._run = 0  # samples concealed since the last decoded ones
        self._held = 0  # of these, made while the media clock was held
        self._lag = 0
        self._gain = 0
        for i in range(len(self._levels)):
            self._levels[i] = 0

    @micropython.native
    def play(self, pcm, clock_ms: int) -> None:
        """Fill the array pcm[0:160] with the next frame; *clock_ms* is the clock of Delays."""
        wide = self._wide
        if not (self._pending or self._run or self.is_idle):
            buffer = self.buffer
            position = buffer.position
            if buffer.take(_FRAME):  # what nearly always comes: all of a frame is there
                self._decode(position, pcm, 0, _FRAME)
                self.delay_ms = slack = clock_ms - self.delays.least - (position >> 3)
                verdict = self._judge(pcm, 0, slack)
                if not verdict:
                    conceal.push(self._pcm, _PAST << wide, pcm, _FRAME << wide)
                    return
                conceal.copy(self._pcm, _PAST << wide, pcm, 0, _FRAME << wide)
                self._pending = _FRAME
                self._correct(verdict)
        while self._pending < _FRAME:
            self._step(pcm, clock_ms)
        end = _PAST + self._pending << wide
        conceal.shift_out(pcm, self._pcm, _PAST << wide, _FRAME << wide, end)
        self._pending -= _FRAME

    def skip_to(self, position: int) -> None:
        """Play from *position* next, when that is later: the ring is full."""
        samples = position - self.buffer.position & -8
        if samples > 0:
            self.buffer.skip(samples)
            self.slips += samples

    def set_comfort(self, level: int) -> None:
        """Play comfort noise of -*level* dBov when idle (RFC 3389); 127 is none."""
        size = 56756  # peak of even noise whose r.m.s. is 0 dBov
        while level >= 6:
            size //= 2
            level -= 6
        self.comfort_level = size - size * level // 12 if size > 1 else 0
        if self.comfort_level > 8191:
            self.comfort_level = 8191

    def wait_ms(self) -> int:
        """Return the delay aimed at."""
        wait = self.delays.wait_ms
        return wait if wait < self._most_ms else self._most_ms

    def _step(self, scratch, clock_ms: int) -> None:
        if self.is_idle and not self._begin(clock_ms):
            self._comfort()
            return
        buffer = self.buffer
        n = buffer.run(_FRAME)
        slack = clock_ms - self.delays.least - buffer.position // 8
        if n:
            self._decode_next(scratch, n)
            self.delay_ms = slack + (self._pending - n) // 8
            verdict = self._judge(self._pcm, _PAST + self._pending - _FRAME << self._wide, slack)
            if verdict and self._pending >= _FRAME:
                self._correct(verdict)
            return
        gap = buffer.gap()
        if gap < 0:
            self._hold(_FRAME)
            return
        if self._held:
            n = gap if gap < self._held else self._held
            n -= n % 8
            buffer.skip(n)
            self._held = self._held - n if gap > n else 0
        elif slack < self.delays.need_ms and slack < self._most_ms:
            self._hold(_FRAME)
        elif gap > _FRAME:
            self._extend(_FRAME)
            buffer.skip(_FRAME)
        else:
            self._bridge(scratch, gap)

    def _begin(self, clock_ms: int) -> bool:
        """Leave idleness when the first packet has waited long enough."""
        buffer = self.buffer
        gap = buffer.gap()
        if gap < 0:
            return False
        first = buffer.position + gap
        if clock_ms - self.delays.least - first // 8 < self.wait_ms():
            if buffer.end - first < buffer.size - 640:
                return False
        buffer.skip(gap)
        self.is_idle = False
        self._run = self._held = 0
        self._levels[_EXCESS] = 0
        return True

    def _comfort(self) -> None:
        wide = self._wide
        at = _PAST + self._pending << wide
        size = self.comfort_level
        if size < 0:
            size = self._levels[_FLOOR] >> 3
            size = size if size < _MOST_COMFORT else _MOST_COMFORT
        self._seed = conceal.noise(self._pcm, at, _FRAME << wide, size, self._seed)
        self._pending += _FRAME

    @micropython.native
    def _decode(self, position: int, pcm, at: int, n: int) -> None:
        """Decode what is held at *position*, n samples at 8 kHz, to pcm[at:].

        Nothing is taken out of the buffer.
        """
        buffer = self.buffer
        start = position % buffer.size
        first = buffer.size - start
        if first < n:
            self._decode(position + first, pcm, at + first, n - first)
            n = first
        if self.is_alaw:
            g711.alaw_decode(buffer.octets, start, pcm, at, n)
        else:
            g711.ulaw_decode(buffer.octets, start, pcm, at, n)

    def _decode_next(self, scratch, n: int) -> None:
        work = self._pcm
        wide = self._wide
        at = _PAST + self._pending << wide
        overlap = 0
        if self._run:  # concealed sound goes over into the real one
            overlap = 40 if n > 40 else n
            self._extend(overlap)
            self._pending -= overlap
            self.concealed -= overlap
            conceal.copy(scratch, 0, work, at, overlap << wide)
        self._decode(self.buffer.position, work, at, n)
        if overlap:
            conceal.crossfade(work, at, scratch, overlap << wide, 1)
        self.buffer.skip(n)
        self._pending += n
        self._run = self._held = 0

    def _hold(self, n: int) -> None:
        """Conceal without moving on in the media: the packet may be late only."""
        if self._run >= _IDLE_AFTER:
            self.is_idle = True
            return
        self._extend(n)
        self._held += n

    def _extend(self, n: int) -> None:
        wide = self._wide
        work = self._pcm
        at = _PAST + self._pending << wide
        if self._run == 0:
            size = _TEMPLATE << wide
            self._lag = conceal.find_lag(
                work, at - size, size, _LOW_LAG << wide, _HIGH_LAG << wide, -1
            )
            self._gain = 16384 - (16384 * self._lag >> wide) // 640
        run = self._run << wide
        conceal.extend(work, at, n << wide, self._lag, run, _FADE_FROM << wide, self._gain)
        self._run += n
        self._pending += n
        self.concealed += n

    def _bridge(self, scratch, gap: int) -> None:
        """Fill a gap of at most a frame from both sides, and take what is behind it."""
        work = self._pcm
        buffer = self.buffer
        wide = self._wide
        at = _PAST + self._pending << wide
        future = at + (gap << wide)
        n = buffer.run_at(buffer.position + gap, _AHEAD)
        self._decode(buffer.position + gap, work, future, n)
        self._extend(gap)
        if n >= 2 * _LOW_LAG + 16:
            high = n - 48 if n - 48 < _HIGH_LAG else _HIGH_LAG
            high = high if high < n // 2 else n // 2
            lag = conceal.find_lag(work, future, 48 << wide, _LOW_LAG << wide, high << wide, 1)
            conceal.extend_back(work, future, gap << wide, lag, scratch)
            conceal.crossfade(work, at, scratch, gap << wide, 0)
            self._run = 0
        buffer.skip(gap)
        self._held = 0

    @micropython.native
    def _judge(self, pcm, at: int, slack: int) -> int:
        """Follow level and delay by the frame at pcm[at:]; return what _watch says."""
        wait = self.delays.wait_ms
        if wait > self._most_ms:
            wait = self._most_ms
        return _watch(pcm, at, _FRAME << self._wide, self._levels, slack - wait)

    def _correct(self, verdict: int) -> None:
        """Leave out or repeat 20 ms, as the delay is off and this frame is quiet.

        When it is far off, leave out one cycle of a louder frame that repeats itself.
        """
        if verdict == 1:
            self._repeat_frame()
            return
        buffer = self.buffer
        if buffer.end - buffer.position >= 2 * _FRAME and buffer.run(_FRAME) == _FRAME:
            self._leave_out(verdict == 2)

    def _repeat_frame(self) -> None:
        size = _FRAME << self._wide
        at = _PAST + self._pending << self._wide
        conceal.stretch(self._pcm, at - size, size, size, size // 2)
        self._pending += _FRAME
        self.slips += _FRAME
        self._levels[_EXCESS] += 16 * 20

    def _leave_out(self, is_quiet: bool) -> None:
        """Take the next frame too, and leave out one frame, or one cycle, of the two."""
        work = self._pcm
        wide = self._wide
        size = _FRAME << wide
        at = _PAST + self._pending << wide
        self._decode(self.buffer.position, work, at, _FRAME)
        lag = size
        at -= size
        if not is_quiet:
            size = size // 2
            lag = conceal.find_lag(work, at, size, _LOW_LAG << wide, _HIGH_LAG << wide, 1)
            if conceal.mismatch(work, at, size, lag) > _ALIKE:
                return
        lag -= lag & wide  # a sample at 8 kHz is two of 16
        conceal.shrink(work, at, 2 * _FRAME << wide, lag, _FRAME // 2 << wide)
        lag = lag >> wide
        self.buffer.skip(_FRAME)
        self._pending += _FRAME - lag
        self.slips += lag
        self._levels[_EXCESS] -= 2 * lag
