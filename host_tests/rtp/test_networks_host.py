"""stream: every codec over seeded bad networks; what a viper function would do beyond an array's
end is an IndexError here."""

import random
from array import array

import pytest

from usip.limits import Limits
from usip.rtp import coded
from usip.rtp.stream import Stream
from usip.ticks import ticks_add

FRAMES = 180


class Network:
    """Loses, delays, doubles and stalls by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loss = self.random.choice((0, 0.03, 0.1, 0.25))
        self.jitter_ms = self.random.choice((0, 5, 30, 90))
        self.doubles = self.random.choice((0, 0.05))
        self.stalls = self.random.choice((False, True))
        self.waiting = []

    def carry(self, at_ms, octets):
        copies = 2 if self.random.random() < self.doubles else 1
        for _ in range(copies if self.random.random() >= self.loss else 0):
            delay = self.random.random() * self.jitter_ms
            if self.stalls and at_ms // 20 % 90 < 6:
                delay += 200
            self.waiting.append((at_ms + delay, octets))

    def arrived(self, at_ms):
        self.waiting.sort()
        while self.waiting and self.waiting[0][0] <= at_ms:
            yield self.waiting.pop(0)


def _disturb(sender, choose):
    """Let the sender do what senders do now and then."""
    what = choose.random()
    if what < 0.004:
        sender.send_digit(0x35, 100)
    elif what < 0.006:
        sender.sender.skip()
    elif what < 0.008:
        sender.sender.packet[8] ^= 0x55  # another source
    elif what < 0.010:
        sender.sender.packet[4] ^= 0x10  # another timeline


@pytest.mark.parametrize("codec", ("PCMU", "PCMA", "L16", "G722", "wide"))
@pytest.mark.parametrize("seed", (1, 2, 3))
def test_sound_goes_on_over_any_network(codec, seed):
    choose = random.Random(seed)
    network = Network(seed)
    number = {"PCMU": 0, "PCMA": 8, "L16": 97}.get(codec, 9)
    ptime = 20 if codec == "L16" else choose.choice((10, 20, 20, 30, 60))
    a, b = Stream(Limits(), bytes(range(16))), Stream(Limits(), bytes(range(16, 32)))
    for stream in (a, b):
        stream.configure(number, number, codec.replace("wide", "G722"), 101, 101, ptime)
        if codec == "wide":
            assert coded.set_wide(stream, True)
    size = 320 if codec == "wide" else 160
    out = array("h", bytes(2 * size))
    start_ms = (1 << 30) - 1700
    loudest = 0
    for n in range(FRAMES):
        peak = (6000, 6000, 40)[n // 25 % 3]
        pcm = array("h", [peak * ((i * 37 + n) % 211 - 105) // 105 for i in range(size)])
        _disturb(a, choose)
        length = a.pack(pcm)
        while length:
            network.carry(20 * n, bytes(a.packet_view[:length]))
            length = a.pack_more()
        for at_ms, octets in network.arrived(20 * n):
            b.receive(octets, len(octets), ticks_add(start_ms, int(at_ms)))
        b.play(out, ticks_add(start_ms, 20 * n))
        loudest = max(loudest, max(out))
    assert b.received > FRAMES // 6 and loudest > 2000
    assert 0 <= b.delay_ms < 320 and 0 <= b.concealed_ms <= 20 * FRAMES
    assert b.lost >= 0 and b.malformed == 0
