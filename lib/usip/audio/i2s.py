"""The board's own sound: a digital microphone and amplifier at the I2S ports of an ESP32.

Theory of operation. MicroPython's driver moves sound in blocks of 256 samples and keeps a few of
them, so both ends are made of that. The ports run at 16 or 32 kHz, where a block is 16 or 8 ms;
at 8 kHz it would be 32. The clock of the ports is that of `ticks`, so nothing drifts.

The microphone is read as 32 bits of the left slot: 24 of them are sound. Its mean is taken out,
the gain applied, the rest cut to 16 bits and decimated to 8 kHz. Blocks and frames of 20 ms do not
fall together: a reserve of a block is kept, taken in at the beginning.

The loudspeaker gets stereo, both slots alike, because the original ESP32 swaps neighbours in mono.
It gets whole blocks only: after a pause the driver would play the rest of a broken one a ring
later. Two blocks of silence go ahead of the first, which the agent may then come late by.

Ports are opened once and stay, since each new one is a chance to find no memory for its blocks.
`poll` is asked once: from then on the driver never waits. What came too late or was too much is
counted and mended; nothing raises and no frame uses heap.

A chip with one port takes turns: `talk` (push-to-talk).
"""

import select
from array import array

import micropython
from micropython import const

from usip import ticks
from usip.audio.resample import Decimator, Interpolator

_BLOCK = const(256)  # samples, DMA_BUF_LEN_IN_I2S_FRAMES
_FRAME = const(160)
_WIDE = const(320)
_BASE_HZ = const(16000)
_STAGE = const(32000)
_RECEIVE_BLOCKS = const(8)  # a ring of 16 KB at 16 kHz: the agent may be 90 ms late
_AHEAD = const(2)  # blocks of silence before the first sound
_SEND_BLOCKS = const(6)  # those, a frame, what the agent comes early by, and the one that plays
_PAUSE_MS = const(500)  # more is no accident: begin again
_UNITY = const(64)  # gain

# Of the state of `_take`
_TARGET = const(2)  # of the gain
_LEVEL = const(3)  # mean magnitude, times 64
_PEAK = const(4)


@micropython.viper
def _take(raw: ptr32, pcm: ptr16, at: int, count: int, state: ptr32):
    """Make pcm[at:at + count] of raw[:count]: no mean, amplified, limited; measure it."""
    raw = ptr32(raw)
    pcm = ptr16(pcm)
    state = ptr32(state)
    mean = int(state[0])
    gain = int(state[1])
    level = int(state[3])
    i = 0
    while i < count:
        a = int(raw[i]) >> 10
        mean += a - (mean >> 8)  # -3 dB at 10 Hz
        a -= mean >> 8
        gain += (int(state[2]) - gain) >> 6  # in 4 ms: no click
        g = gain >> 8
        # in two parts, so that no product passes 2**30
        a = ((a >> 8) * g >> 4) + ((a & 255) * g >> 12)
        if a > 32767:
            a = 32767
        if a < -32768:
            a = -32768
        pcm[at + i] = a & 0xFFFF
        if a < 0:
            a = 0 - a
        if a > int(state[4]):
            state[4] = a
        level += ((a << 6) - level) >> 10
        i += 1
    state[0] = mean
    state[1] = gain
    state[3] = level


@micropython.viper
def _spread(pcm: ptr16, out: ptr16, at: int, count: int):
    """Write pcm[:count] to both slots of out from frame *at* on."""
    pcm = ptr16(pcm)
    out = ptr16(out)
    i = 0
    at = at + at
    while i < count:
        a = int(pcm[i])
        out[at] = a
        out[at + 1] = a
        at += 2
        i += 1


@micropython.viper
def _copy(to: ptr16, pcm: ptr16, start: int, count: int):
    """Copy pcm[start:start + count] to to[:count]; they may be one buffer."""
    to = ptr16(to)
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        to[i] = int(pcm[start + i])
        i += 1


def _silence(pcm):
    for i in range(len(pcm)):
        pcm[i] = 0


def gain_of(decibels: int) -> int:
    """Return the microphone's gain of -12 .. 36 dB."""
    return round(_UNITY * 10 ** (decibels / 20))


class Microphone:
    """What is heard at *port*, a machine.I2S at *rate* that never waits."""

    def __init__(self, rate: int, gain_db: int = 20) -> None:
        self.port = None
        self.overruns = 0  # times that sound was lost, because nobody took it
        self.underruns = 0  # frames that were not there in time
        self._ring_ms = (_RECEIVE_BLOCKS - 1) * _BLOCK * 1000 // rate - 20
        self._need = rate // 50
        self._raw = array("i", bytes(4 * _BLOCK))
        self._samples = array("h", bytes(2 * (self._need + 2 * _BLOCK)))
        self._count = 0
        self._is_started = False
        self._read_at = ticks.NEVER
        self._state = array("i", [0, 0, gain_of(gain_db) << 8, 0, 0])
        self._decimator = Decimator()
        self._half = self._views = None
        if rate == _STAGE:
            self._half = Decimator()
            view = memoryview(self._samples)
            self._views = view[:_WIDE], view[_WIDE:], view[:_FRAME], view[_FRAME:]

    def set_gain(self, decibels: int) -> None:
        """Set the gain, -12 .. 36 dB; it moves there without a click."""
        self._state[_TARGET] = gain_of(decibels) << 8

    @property
    def level(self) -> int:
        """The mean magnitude of the last 60 ms, 0 .. 32767."""
        return self._state[_LEVEL] >> 6

    def take_peak(self) -> int:
        """Return the greatest magnitude since the last time."""
        peak = self._state[_PEAK]
        self._state[_PEAK] = 0
        return peak

    def restart(self) -> None:
        """Let what is read next be said from then on."""
        self._read_at = ticks.NEVER

    def _begin(self):
        self._count = 0
        self._is_started = False
        port = self.port
        for _ in range(_RECEIVE_BLOCKS):
            if port is None or not port.readinto(self._raw):
                break

    def read(self, pcm) -> None:
        """Fill the array('h') *pcm* of 160 samples at 8 kHz, or of 320 at 16 kHz; no heap."""
        self._watch()
        need = self._need if self._is_started else self._need + _BLOCK
        while self._count < need:
            n = self.port.readinto(self._raw) if self.port is not None else 0
            if not n:
                break
            _take(self._raw, self._samples, self._count, n >> 2, self._state)
            self._count += n >> 2
        if self._count < need:
            if self._is_started:
                self.underruns += 1
            _silence(pcm)
            return
        self._is_started = True
        self._convert(pcm)
        self._count -= self._need

    def _watch(self):
        """Note when so much time has passed that the ring has run over."""
        now_ms = ticks.ticks_ms()
        late_ms = ticks.ticks_diff(now_ms, self._read_at) if self._read_at >= 0 else -1
        self._read_at = now_ms
        if late_ms > self._ring_ms:
            self.overruns += 1
        if late_ms < 0 or late_ms > _PAUSE_MS:
            self._begin()

    def _convert(self, pcm):
        samples = self._samples
        need = self._need
        if self._half is not None:
            self._halve()
        if len(pcm) == _FRAME:
            self._decimator.apply(samples, pcm)
        else:
            _copy(pcm, samples, 0, _WIDE)
        _copy(samples, samples, need, self._count - need)

    def _halve(self):
        """Bring samples[:640] at 32 kHz to samples[:320] at 16 kHz."""
        first, second, low, high = self._views
        self._half.apply(first, low)
        self._half.apply(second, high)


class Loudspeaker:
    """What is said to *port*, a machine.I2S at *rate* that never waits."""

    def __init__(self, rate: int) -> None:
        self.port = None
        self.overruns = 0  # frames dropped, because the ring was full
        self.underruns = 0  # times that nothing was there to be played
        self._rate = rate
        blocks = rate // _BASE_HZ  # in 16 ms
        self._ring = (_SEND_BLOCKS * blocks - 1) * _BLOCK
        self._ahead = _AHEAD * blocks
        self._out = array("h", bytes(4 * (_BLOCK + rate // 50)))
        self._count = 0  # frames in _out
        self._lead = 0  # samples written that have not been played
        self._is_new = False
        self._written_at = ticks.NEVER
        self._wide = array("h", bytes(2 * _WIDE))
        self._interpolator = Interpolator()
        self._double = self._views = None
        if rate == _STAGE:
            self._double = Interpolator()
            view = memoryview(self._wide)
            self._views = view[:_FRAME], view[_FRAME:]
            self._fast = array("h", bytes(2 * _WIDE))

    def restart(self, is_new: bool = False) -> None:
        """Begin again with the next frame; *is_new*: the ring of the port is full of silence."""
        if self._is_new and not is_new:
            return  # it still plays that silence
        self._count = 0
        self._is_new = is_new
        self._lead = self._ring
        self._written_at = ticks.ticks_ms() if is_new else ticks.NEVER

    def write(self, pcm) -> None:
        """Play the array('h') *pcm* of 160 samples at 8 kHz or of 320 at 16 kHz; no heap."""
        if self.port is None or not self._is_running():
            return
        wide = pcm
        if len(pcm) == _FRAME:
            wide = self._wide
            self._interpolator.apply(pcm, wide)
        if self._double is None:
            self._append(wide)
        else:
            if wide is pcm:
                _copy(self._wide, pcm, 0, _WIDE)
            for view in self._views:
                self._double.apply(view, self._fast)
                self._append(self._fast)
        self._send()

    def _is_running(self) -> bool:
        """Reckon how much is left to be played; begin with silence when nothing is."""
        now_ms = ticks.ticks_ms()
        if self._written_at >= 0:
            late_ms = ticks.ticks_diff(now_ms, self._written_at)
            self._written_at = now_ms
            if late_ms <= _PAUSE_MS:
                self._lead -= late_ms * self._rate // 1000
                if self._is_new and self._lead > self._ahead * _BLOCK + self._rate // 50:
                    return False
                self._is_new = False
                if self._lead >= 0:
                    return True
                self.underruns += 1
        self._lead = self._count = 0
        _silence(self._out)
        for _ in range(self._ahead):
            if self.port.write(self._out, 0, 4 * _BLOCK) == 4 * _BLOCK:
                self._lead += _BLOCK
        self._written_at = now_ms
        return True

    def _append(self, samples):
        _spread(samples, self._out, self._count, _WIDE)
        self._count += _WIDE

    def _send(self):
        """Give the driver every whole block."""
        at = 0
        while self._count - at >= _BLOCK:
            if self.port.write(self._out, 4 * at, 4 * _BLOCK) != 4 * _BLOCK:
                self.overruns += 1
                self._lead = self._ring
                at = self._count // _BLOCK * _BLOCK
                break
            at += _BLOCK
            self._lead += _BLOCK
        self._count -= at
        _copy(self._out, self._out, 2 * at, 2 * self._count)


class Device:
    """The sound of a board: *settings* is the section `audio` of its board.json.

    As an agent's audio it may be opened by several calls: the last one has it, others hear
    nothing and are not heard until that one is closed. OSError: the ports cannot be had.
    """

    def __init__(self, settings: dict, port_class=None, pin_class=None) -> None:
        if port_class is None:
            from machine import I2S as port_class
            from machine import Pin as pin_class
        self._port_class = port_class
        self._pin_class = pin_class
        self._settings = settings
        self.rate = rate = settings["rate"]
        self.is_half_duplex = settings["duplex"] == "half"
        self.is_talking = not self.is_half_duplex
        self.microphone = self.speaker = None
        self._users = []
        section = settings["microphone"]
        if section is not None:
            self.microphone = Microphone(rate, section["gain_db"])
        if settings["speaker"] is not None:
            self.speaker = Loudspeaker(rate)
        self._port = None  # the only one, when it takes turns
        try:
            self._start()
        except OSError:
            self.close()
            raise

    def _start(self):
        if self.is_half_duplex:
            self._turn()
            return
        for name in ("microphone", "speaker"):
            if self._settings[name] is not None:
                end = getattr(self, name)
                end.port = self._make(name)

    def _arguments(self, name: str) -> dict:
        """Return the keywords of machine.I2S for "microphone" or "speaker"."""
        section = self._settings[name]
        ports = self._port_class
        found = {pin: self._pin_class(section[pin]) for pin in ("sck", "ws", "sd")}
        found["rate"] = self.rate
        if name == "microphone":
            found.update(mode=ports.RX, bits=32, format=ports.MONO)
            found["ibuf"] = _RECEIVE_BLOCKS * _BLOCK * 8
        else:
            found.update(mode=ports.TX, bits=16, format=ports.STEREO)
            found["ibuf"] = _SEND_BLOCKS * self.rate // _BASE_HZ * _BLOCK * 4
        return found

    def _make(self, name: str):
        port = self._port_class(self._settings[name]["id"], **self._arguments(name))
        self._unblock(port, name)
        return port

    def _unblock(self, port, name):
        """Ask once whether it is ready: from then on it never waits."""
        poll = select.poll()
        poll.register(port, select.POLLIN if name == "microphone" else select.POLLOUT)
        poll.poll(0)

    def _turn(self):
        """Give the only port to the microphone or to the loudspeaker."""
        name = "microphone" if self.is_talking else "speaker"
        for end in (self.microphone, self.speaker):
            end.port = None
        if self._port is None:
            self._port = self._make(name)
        else:
            self._port.init(**self._arguments(name))
            self._unblock(self._port, name)
        if self.is_talking:
            self.microphone.port = self._port
            self.microphone.restart()
        else:
            self.speaker.port = self._port
            self.speaker.restart(True)

    def talk(self, is_talking: bool) -> None:
        """On one port: let us talk, or listen. Uses heap; OSError: no memory for its blocks."""
        if self.is_half_duplex and is_talking != self.is_talking:
            self.is_talking = is_talking
            self._turn()

    @property
    def delay_ms(self) -> int:
        """How long a sound takes through speaker and microphone, for an echo canceller."""
        blocks = 1000 * _BLOCK * (1 + self._settings["rate"] // _BASE_HZ * _AHEAD)
        return blocks // self.rate + 20

    def open(self) -> tuple:
        """Return (source, sink), as a call wants them."""
        if not self._users:
            for end in (self.microphone, self.speaker):
                if end is not None:
                    end.restart()
        user = _User(self)
        self._users.append(user)
        return user, user

    def close(self) -> None:
        """Give the ports back."""
        for end in (self.microphone, self.speaker):
            if end is not None and end.port is not None:
                end.port.deinit()
                end.port = None
        self._port = None


class _User:
    """The device as one call has it."""

    is_wide = True

    def __init__(self, device) -> None:
        self._device = device

    def read(self, pcm) -> None:
        """Fill *pcm* with what the microphone hears."""
        users = self._device._users
        end = self._device.microphone
        if end is not None and users and users[-1] is self:
            end.read(pcm)
        else:
            _silence(pcm)

    def write(self, pcm) -> None:
        """Play *pcm*."""
        users = self._device._users
        end = self._device.speaker
        if end is not None and users and users[-1] is self:
            end.write(pcm)

    def close(self) -> None:
        """Let the device go; a second call changes nothing."""
        if self in self._device._users:
            self._device._users.remove(self)
