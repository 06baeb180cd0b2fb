"""Acoustic echo cancelling: what the loudspeaker says is taken out of what the microphone hears.

Two stages, both on blocks of 32 samples in spectra of 64 (`spectrum`):

The canceller models the room as a filter of *slots* partitions of 4 ms each, in the frequency
domain (overlap-save), and subtracts the loudspeaker's sound sent through it. How far each of its
bins in each partition may be wrong is estimated with it, as a variance that falls with what was
learned and rises slowly by itself, as a Kalman filter has it (Enzner and Vary 2006). The step of
every bin follows: echo expected to be left, over that plus whatever else the microphone hears. So
it learns in a few hundred milliseconds and stands still in double talk, and no detector of that
is needed. It learns in two blocks of five, which takes nothing off what is reached and saves a
quarter of the work; each time one partition is brought back to 32 samples of impulse response.
Where the filter puts more in than it takes out, the room has changed, and nothing is certain.

The suppressor weakens each bin by the share of echo it expects there (Wiener's rule): the part
not learned yet, the room's tail beyond the filter, and what the loudspeaker distorts, taken in
proportion to the echo found. That proportion is the least ratio of rest to echo seen lately: while
the near end speaks the ratio is greater, so that speech passes. When the rest is hardly more than
the proportion explains, nobody near speaks, and all bins are weakened. Before anything was
learned all is echo: so a loop that would howl is switched half-duplex at first.

The suppressor delays the microphone by 4 ms. Nothing is allocated per frame. A tail of 32 ms takes
a third of a core of an ESP32 at 240 MHz (tools.xtensa_count), each further 16 ms 5 percent. It is
enough for a device that hears itself louder than the room; half a metre away in a bare room
(reverberation of 0.45 s) 32 ms cost the near end 5 dB while both speak, and 64 ms cost it 3.
"""

from array import array

from micropython import const

from usip.audio import adaptive, spectrum, suppressor
from usip.rtp import conceal

_FRAME = const(160)
_BLOCK = const(32)
_BINS = const(33)
_LEAST = const(-32768)
_MOST_SLOTS = const(32)

# One array: the spectrum of the rest, then rows of 33 logarithms, then single values.
_REST = const(64)  # power of the rest in this block
_NOISE = const(97)  # of the rest, smoothed
_WHOLE = const(130)  # of all that competes with learning
_STEP = const(163)  # exponent of the rest's bin, over that
_LEFT = const(196)  # echo expected to be left
_ECHO = const(229)  # echo found in this block
_TAIL = const(262)  # echo found, fading as a room
_FADING = const(295)  # echo left, fading
_GAIN = const(328)  # of the suppressor, in 1/1024
_HEARD = const(361)  # power of the rest, under a window
_SLOW_REST = const(394)
_SLOW_ECHO = const(395)
_FAST_REST = const(396)
_FAST_ECHO = const(397)
_FAST_HEARD = const(398)
_RATIO = const(399)  # the least of rest to echo
_OPEN = const(400)  # gain of all bins, in 1/1024
_MEAN = const(401)  # of _TAIL
_SHARE = const(402)  # ratio of rest to echo to be reckoned with
_SHIFTS = const(403)  # by slot: exponent of the loudspeaker's spectrum

_NO_WINDOW = const(0)
_LAST_HALF = const(1)
_WINDOW = const(2)


class EchoCanceller:
    """Call `apply` once a frame, with what was recorded and what is about to be played.

    *tail_ms*: how long the room's echo is modelled, 32 .. 128, rounded up to whole 4 ms; each
    costs 0.9 KB of heap, beside 4 KB. *delay_ms*: how much later than `apply` the loudspeaker
    sounds at least, as its buffers delay it, 0 .. 500, rounded down. ValueError when either is out
    of range.
    """

    def __init__(self, tail_ms: int = 32, delay_ms: int = 0) -> None:
        if not 32 <= tail_ms <= 4 * _MOST_SLOTS:
            raise ValueError("the tail must be 32 to 128 ms")
        if not 0 <= delay_ms <= 500:
            raise ValueError("the delay must be 0 to 500 ms")
        slots = self._slots = (tail_ms + 3) // 4
        self._sines, self._order = spectrum.tables()
        self._window = array("i", bytes(4 * 64))
        spectrum.sine_window(self._window)
        self._t = array("i", bytes(4 * 64))
        self._z = array("i", bytes(4 * 64))
        self._y = array("i", bytes(4 * 64))
        self._far = array("i", bytes(4 * 64))
        self._rest = array("i", bytes(4 * 64))
        self._out = array("i", bytes(4 * 32))
        self._m = array("i", bytes(4 * (_SHIFTS + slots)))
        self._x = array("i", bytes(4 * 64 * slots))
        self._w = array("i", bytes(4 * 64 * slots))
        self._lx = array("i", bytes(4 * _BINS * slots))
        self._lp = array("i", bytes(4 * _BINS * slots))
        self._lq = array("i", bytes(4 * _BINS * slots))
        self._delay = delay_ms // 4 * 32
        self._line = array("h", bytes(2 * (self._delay + _BLOCK)))
        self.reset()

    def reset(self) -> None:
        """Forget the room."""
        self._first = self._next = self._at = 0
        for at in range(_SHIFTS + self._slots):
            self._m[at] = 0
        for row in (_REST, _NOISE, _TAIL, _FADING, _ECHO):
            for k in range(_BINS):
                self._m[row + k] = _LEAST
        for k in range(_BINS):
            self._m[_GAIN + k] = 1024
        self._m[_OPEN] = 1024
        self._m[_RATIO] = -3402  # a tenth, until less is seen
        for at in range(64 * self._slots):
            self._w[at] = self._x[at] = 0
        for p in range(self._slots):
            for k in range(_BINS * p, _BINS * p + _BINS):
                self._lx[k] = self._lq[k] = _LEAST
                self._lp[k] = -492 * p  # an echo expected as strong as the sound, fading

    def apply(self, microphone, loudspeaker) -> None:
        """Take the echo out of the array('h') microphone[0:160] in place; no heap."""
        start = 0
        line = self._line
        while start < _FRAME:
            at = self._at
            conceal.copy(line, at, loudspeaker, start, _BLOCK)
            self._at = at + _BLOCK if at < self._delay else 0
            self._block(microphone, start)
            start += _BLOCK

    def _block(self, pcm, start: int) -> None:
        m = self._m
        t = self._t
        z = self._z
        y = self._y
        sines = self._sines
        order = self._order
        slots = self._slots
        first = self._first = (self._first or slots) - 1
        forward = spectrum.forward
        settle = spectrum.settle
        # the loudspeaker
        adaptive.shift_in(self._far, self._line, self._at)
        shift = adaptive.load(self._far, t, t, _NO_WINDOW)
        forward(z, t, sines, order)
        m[_SHIFTS + first] = shift + settle(z, 0, self._x, 64 * first, self._lx, first * _BINS, 0)
        # the echo, and what is left without it
        adaptive.filter(y, self._x, self._w, m, first, slots)
        shift = settle(y, 0, z, 0, m, _ECHO, 1)
        spectrum.backward(t, z, sines, order, y)
        echo = 2 * shift - 4 << 10
        adaptive.shift_in(y, pcm, start)
        heard = adaptive.power(y)
        adaptive.subtract(self._rest, pcm, start, t, shift - 6)
        if start == _BLOCK or start == 3 * _BLOCK:
            self._adapt(first)
        # the suppressor
        suppressor.fade(m, echo)
        if suppressor.follow(m, heard, adaptive.power(self._rest)):
            adaptive.doubt(self._lp, slots)
        shift = adaptive.load(self._rest, t, self._window, _WINDOW)
        forward(z, t, sines, order)
        shift += settle(z, 0, z, 0, m, _HEARD, 1)
        suppressor.weigh(m, z, 2 * shift << 10)
        spectrum.backward(t, z, sines, order, y)
        suppressor.overlap(t, self._window, self._out, pcm, start, shift - 4)

    def _adapt(self, first: int) -> None:
        """Learn from what is left in this block, as in two of five."""
        m = self._m
        t = self._t
        z = self._z
        slots = self._slots
        shift = adaptive.load(self._rest, t, t, _LAST_HALF)
        spectrum.forward(z, t, self._sines, self._order)
        shift += spectrum.settle(z, 0, m, 0, m, _REST, 0)
        adaptive.judge(m, self._lx, self._lp, first, slots, shift)
        adaptive.learn(self._x, self._w, self._lx, self._lp, self._lq, m, slots << 8 | first)
        self._constrain(self._next)
        self._next = (self._next or slots) - 1

    def _constrain(self, p: int) -> None:
        """Let partition *p* have no impulse response beyond its 32 samples."""
        t = self._t
        z = self._z
        shift = spectrum.settle(self._w, 64 * p, z, 0, self._lq, _BINS * p, 1)
        spectrum.backward(t, z, self._sines, self._order, self._y)
        more = adaptive.load(t, self._y, self._y, _LAST_HALF)
        spectrum.forward(z, self._y, self._sines, self._order)
        growth = (2 * (shift - 27) << 10) - 8852  # a 400th of the filter's power
        adaptive.take_off(self._w, 64 * p, z, more + shift - 4, self._lq, _BINS * p, growth)
