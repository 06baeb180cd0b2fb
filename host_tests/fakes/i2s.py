"""MicroPython's I2S driver on an ESP32, and beneath it Espressif's: what no PC has.

Put in the place of `machine`'s I2S and Pin, and of the module `select` of `usip.audio.i2s`. Time
passes when `advance` says so. What it models, from ports/esp32/machine_i2s.c and i2s_common.c:

- blocks of 256 samples, as many as fit `ibuf`, two at least; a queue one shorter holds what is
  ready; when that runs over the oldest block is lost and nobody is told
- what is recorded is 32 bits of two slots, whatever was asked for; mono is the left one
- to be played is a ring that never stops: a block that was played is cleared and becomes free; one
  that was begun and not finished is played as it is, and finished a ring later
- reading and writing wait for ever until `poll` has asked once; afterwards they take or give what
  there is, at any length
- in 16 bit mono the original ESP32 plays neighbours the wrong way round
- `init` makes a new ring, and it waits again
"""

from array import array

POLLIN, POLLOUT = 1, 4
BLOCK = 256
_FACTORS = {(16, 0): 1, (32, 0): 2, (16, 1): 2, (32, 1): 4}  # 16-bit words a frame

chip = "esp32"
ports = {}
free_octets = 40000  # of memory for blocks
used = {}


def reset() -> None:
    """Forget every port."""
    ports.clear()
    used.clear()


def advance(samples: int) -> None:
    """Let so much time pass that each port moves so many samples."""
    for port in range(4):  # of two boards
        if port in ports:
            ports[port].advance(samples)


class Pin:
    """As machine.Pin: a number."""

    def __init__(self, number) -> None:
        self.number = number


class I2S:
    """As machine.I2S; *heard* and *played* are what its pins would show."""

    RX, TX, MONO, STEREO = 1, 2, 0, 1

    def __init__(self, port, **settings) -> None:
        assert port not in ports, "a second object of one port takes the first one's place"
        self.port = port
        self.heard = None  # function: number of a sample -> 32 bits of the left slot
        self.played = None  # array('h') that takes the left slot, when somebody wants it
        self.slots_differ = False
        self.init(**settings)
        ports[port] = self

    def init(self, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        assert all(isinstance(pin, Pin) for pin in (sck, ws, sd))
        self.mode, self.bits, self.format, self.rate = mode, bits, format, rate
        self.words = 4 if mode == self.RX else _FACTORS[bits, format]
        self.blocks = max(2, ibuf // (BLOCK * 2 * self.words))
        used.pop(self.port, None)
        if sum(used.values()) + self.blocks * BLOCK * 2 * self.words > free_octets:
            raise OSError(12, "")
        used[self.port] = self.blocks * BLOCK * 2 * self.words
        words = bytes(2 * BLOCK * (2 if mode == self.RX else self.words))
        self.ring = [array("i" if mode == self.RX else "h", words) for _ in range(self.blocks)]
        self.queue = [0] * self.blocks  # numbers of blocks, first in first out
        self.queued = 0
        self.current = 0  # what the hardware works at
        self.done = 0  # of it
        self.mine = -1  # the block that is read or written
        self.at = 0
        self.is_waiting = True
        self.samples = 0
        self.lost = 0

    def deinit(self):
        ports.pop(self.port, None)
        used.pop(self.port, None)

    # the hardware

    def advance(self, samples):
        while samples:
            n = min(samples, BLOCK - self.done)
            if self.mode == self.RX:
                self._record(n)
            self.done += n
            samples -= n
            if self.done == BLOCK:
                self._finish()

    def _record(self, n):
        block = self.ring[self.current]
        for i in range(self.done, self.done + n):
            block[i] = self.heard(self.samples) if self.heard else 0
            self.samples += 1

    def _finish(self):
        if self.mode == self.TX:
            self._emit(self.ring[self.current])
        if self.queued == self.blocks - 1:
            self.lost += 1
            self._pop()
        self.queue[self.queued] = self.current
        self.queued += 1
        self.current = (self.current + 1) % self.blocks
        self.done = 0

    def _emit(self, block):
        is_swapped = chip == "esp32" and self.bits == 16 and self.format == self.MONO
        if self.played is not None:
            step = self.words
            for i in range(BLOCK):
                self.played.append(block[(i ^ 1 if is_swapped else i) * step])
        for i in range(len(block)):
            if self.words == 2 and i & 1 and block[i] != block[i - 1]:
                self.slots_differ = True
        for i in range(len(block)):
            block[i] = 0

    def _pop(self):
        found = self.queue[0]
        self.queued -= 1
        for i in range(self.queued):
            self.queue[i] = self.queue[i + 1]
        return found

    # the driver

    def ask(self):
        """What `poll` does to it."""
        self.is_waiting = False

    def readinto(self, buf):
        assert self.mode == self.RX and self.bits == 32 and self.format == self.MONO
        assert not self.is_waiting, "waits for ever"
        wanted = len(buf)
        got = 0
        while got < wanted:
            if self.mine < 0:
                if not self.queued:
                    break
                self.mine = self._pop()
                self.at = 0
            block = self.ring[self.mine]
            while got < wanted and self.at < BLOCK:
                buf[got] = block[self.at]
                got += 1
                self.at += 1
            if self.at == BLOCK:
                self.mine = -1
        return 4 * got

    def write(self, buf, offset=0, length=-1):
        assert self.mode == self.TX and self.bits == 16
        assert not self.is_waiting, "waits for ever"
        if length < 0:
            length = 2 * len(buf) - offset
        start = at = offset // 2
        end = at + length // 2
        while at < end:
            if self.mine < 0:
                if not self.queued:
                    break
                self.mine = self._pop()
                self.at = 0
            block = self.ring[self.mine]
            while at < end and self.at < len(block):
                block[self.at] = buf[at]
                self.at += 1
                at += 1
            if self.at == len(block):
                self.mine = -1
        return 2 * (at - start)


class poll:
    """As select.poll: asking it is what makes the driver not wait."""

    def __init__(self) -> None:
        self.ports = []

    def register(self, port, events):
        assert events == (POLLIN if port.mode == I2S.RX else POLLOUT)
        self.ports.append(port)

    def poll(self, timeout_ms):
        for port in self.ports:
            port.ask()
        return []

    ipoll = poll
