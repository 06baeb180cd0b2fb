"""Tones made while they sound: call progress tones by country (ITU-T E.180), and DTMF (Q.23).

Two oscillators step through one period of a sine with 16-bit phases, interpolating between its
128 points (errors under -80 dB), so a dial tone may sound for ever. A Tone is a source of sound
like a WAV file, or is mixed over speech with `add`. Nothing is allocated per frame.
"""

from array import array
from math import pi, sin

import micropython
from micropython import const

_FRAME = const(160)
_POINTS = const(128)
_FULL = const(22827)  # peak of a sine of 0 dBm0
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"

NAMES = ("dial", "ringback", "busy", "congestion", "waiting", "information", "ring")

# A line a country: the tones in the order of NAMES, each Hz or Hz+Hz and then ms on, ms off ...;
# none is without end. Values as they are commonly tabulated after ITU-T E.180 Supplement 2.
# The special information tone is the same everywhere (E.180 2.7), and so is our bell, a warble
# that rings as long as the country's ringing tone sounds.
_COUNTRIES = (
    b"eu 425 425/1000/4000 425/500/500 425/250/250 425/200/200/200/5000\n"
    b"at 420 420/1000/5000 420/400/400 420/200/200 420/40/1950\n"
    b"au 425 400+425/400/200/400/2000 425/375/375 425/375/375 425/200/200/200/4400\n"
    b"be 425 425/1000/3000 425/500/500 425/167/167 425/175/175/175/3500\n"
    b"ch 425 425/1000/4000 425/500/500 425/200/200 425/200/200/200/4000\n"
    b"cn 450 450/1000/4000 450/350/350 450/700/700 450/400/4000\n"
    b"cz 425/330/330/660/660 425/1000/4000 425/330/330 425/165/165 425/330/9000\n"
    b"de 425 425/1000/4000 425/480/480 425/240/240 425/200/200/200/5000\n"
    b"dk 425 425/1000/4000 425/500/500 425/250/250 425/200/600/200/3000\n"
    b"es 425 425/1500/3000 425/200/200 425/200/200/200/200/200/600 425/175/175/175/3500\n"
    b"fi 425 425/1000/4000 425/300/300 425/200/200 425/150/150/150/8000\n"
    b"fr 440 440/1500/3500 440/500/500 440/250/250 440/300/10000\n"
    b"gr 425/200/300/700/800 425/1000/4000 425/300/300 425/150/150 425/300/10000\n"
    b"hu 425 425/1250/3750 425/300/300 425/300/300 425/40/1960\n"
    b"it 425/200/200/600/1000 425/1000/4000 425/500/500 425/200/200"
    b" 425/400/100/250/100/150/14000\n"
    b"jp 400 400/1000/2000 400/500/500 400/500/500 400/100/100/100/3000\n"
    b"nl 425 425/1000/4000 425/500/500 425/250/250 425/500/9500\n"
    b"no 425 425/1000/4000 425/500/500 425/200/200 425/200/600/200/10000\n"
    b"pl 425 425/1000/4000 425/500/500 425/500/500 425/150/150/150/4000\n"
    b"pt 425 425/1000/5000 425/500/500 425/200/200 425/200/200/200/5000\n"
    b"ru 425 425/800/3200 425/400/400 425/200/200 425/200/5000\n"
    b"se 425 425/1000/5000 425/250/250 425/250/750 425/200/500/200/5000\n"
    b"uk 350+440 400+450/400/200/400/2000 400/375/375 400/400/350/225/525 400/100/2500\n"
    b"us 350+440 440+480/2000/4000 480+620/500/500 480+620/250/250 440/300/10000\n"
)


@micropython.viper
def _sound(pcm: ptr16, start: int, end: int, table: ptr16, state: ptr32, wide: int):
    """Add two tones to pcm[start:end], which is at 16 kHz when *wide* is 1.

    *state*: phase, step and peak of the first, then of the second tone.
    """
    pcm = ptr16(pcm)
    table = ptr16(table)
    state = ptr32(state)
    i = start
    while i < end:
        total = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        k = 0
        while k < 6:
            phase = int(state[k])
            state[k] = (phase + (int(state[k + 1]) >> wide)) & 0xFFFF
            n = phase >> 9
            a = ((int(table[n]) & 0xFFFF) ^ 0x8000) - 0x8000
            b = ((int(table[n + 1]) & 0xFFFF) ^ 0x8000) - 0x8000
            a += (b - a) * (phase & 511) >> 9
            total += a * int(state[k + 2]) >> 14
            k += 3
        if total > 32767:
            total = 32767
        if total < -32768:
            total = -32768
        pcm[i] = total & 0xFFFF
        i += 1


class Tone:
    """One or two sines in a cadence: *cadence* is ms on, ms off ..., empty for no end.

    A tuple of frequencies *hz* sounds one after the other, the next with each "on" of the
    cadence. *level* and *second_level* are in dBm0. The cadence sounds *times* times, 0: for
    ever; then `is_finished` is true and silence follows. ValueError: a frequency not below 4 kHz.
    """

    def __init__(self, hz, second_hz=0, cadence=(), level=-13, times=0, second_level=None):
        if isinstance(hz, int):
            hz = (hz,)
        if not 0 < min(hz) <= max(hz) < 4000 or not 0 <= second_hz < 4000:
            raise ValueError("a tone's frequency must be between 0 and 4000 Hz")
        self._steps = array("H", [_step(one) for one in hz])
        self._table = array("h", [0] * (_POINTS + 1))
        for i in range(_POINTS + 1):
            self._table[i] = round(16384 * sin(2 * pi * i / _POINTS))
        if second_level is None:
            second_level = level
        self._state = array("i", [0, self._steps[0], _peak(level), 0, 0, 0])
        if second_hz:
            self._state[4] = _step(second_hz)
            self._state[5] = _peak(second_level)
        self._cadence = tuple(ms * 8 for ms in cadence)
        self._times = times
        self.restart()

    def restart(self) -> None:
        """Begin again with the first burst."""
        self._state[0] = self._state[3] = 0
        self._state[1] = self._steps[0]
        self._phase = 0  # index into the cadence; even ones sound
        self._left = self._cadence[0] if self._cadence else 0
        self._rounds = self._times
        self.is_finished = False

    def read(self, pcm) -> None:
        """Fill the array('h') *pcm*, 160 or 320 samples, with the next 20 ms; no heap."""
        for i in range(len(pcm)):
            pcm[i] = 0
        self.add(pcm)

    def add(self, pcm) -> None:
        """Add the next 20 ms to *pcm*, limited to 16 bits; no heap."""
        wide = 1 if len(pcm) > _FRAME else 0
        at = 0
        while at < _FRAME and not self.is_finished:
            end = _FRAME
            if self._cadence:
                if end - at > self._left:
                    end = at + self._left
                self._left -= end - at
            if self._phase % 2 == 0:
                _sound(pcm, at << wide, end << wide, self._table, self._state, wide)
            at = end
            if self._cadence and self._left == 0:
                self._turn()

    def _turn(self) -> None:
        self._phase += 1
        if self._phase == len(self._cadence):
            self._phase = 0
            if self._rounds:
                self._rounds -= 1
                self.is_finished = self._rounds == 0
        if self._phase % 2 == 0:
            self._state[0] = self._state[3] = 0
            self._state[1] = self._steps[self._phase // 2 % len(self._steps)]
        self._left = self._cadence[self._phase]

    def close(self) -> None:
        """Nothing to release; sources have it."""


def _step(hz):
    return round(hz * 65536 / 8000)


def _peak(level):
    return round(_FULL * 10 ** (level / 20))


def call_tone(name: str, country: str = "eu", level: int = -13, times: int = 0) -> Tone:
    """Return the call progress tone *name* (see NAMES) of *country*, "eu" for one not listed.

    *times*: how often its cadence sounds, 0 for ever. ValueError: no such name.
    """
    if name not in NAMES:
        raise ValueError("no such tone: " + name)
    if name == "information":
        return Tone((950, 1400, 1800), 0, (330, 0, 330, 0, 330, 1000), level, times)
    if name == "ring":
        return _bell(ring_cadence(country), level, times)
    hz, cadence = _find(name, country)
    return Tone(hz[0], hz[1] if len(hz) > 1 else 0, cadence, level, times)


def ring_cadence(country: str = "eu") -> tuple:
    """Return how a telephone rings in *country*: ms on, ms off ... for a bell or a lamp."""
    return tuple(_find("ringback", country)[1])


def _bell(cadence, level, times):
    """Return a tone that warbles 20 times a second while *cadence* is on."""
    steps = []
    for i in range(0, len(cadence), 2):
        halves = cadence[i] // 50
        steps += [50, 0] * (halves - 1) + [cadence[i] - 50 * (halves - 1), cadence[i + 1]]
    return Tone((1000, 1250), 0, steps, level, times)


def _find(name, country):
    """Return the frequencies and the cadence of a tone in the table."""
    wanted = country.encode()
    chosen = None
    for line in _COUNTRIES.split(b"\n"):
        words = line.split(b" ")
        if words[0] == wanted or words[0] == b"eu":
            chosen = words
    parts = chosen[1 + NAMES.index(name)].split(b"/")
    hz = [int(part) for part in parts[0].split(b"+")]
    return hz, [int(part) for part in parts[1:]]


def dtmf_tone(digit: str, on_ms: int = 100, off_ms: int = 80, level: int = -9) -> Tone:
    """Return the tone pair of one key, 0-9 * # A-D, sounding once, its columns 2 dB louder.

    *level* is the row's; Q.23 allows the twist for the line's loss. ValueError: no such key.
    """
    at = _KEYS.find(digit.upper()) if len(digit) == 1 else -1
    if at < 0:
        raise ValueError("no such key: " + digit)
    return Tone(_ROWS[at // 4], _COLUMNS[at % 4], (on_ms, off_ms), level, 1, level + 2)
