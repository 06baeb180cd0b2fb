"""One frame of 20 ms of a call, both directions apart; beside a loop that only moves datagrams."""

import socket
from array import array

from usip.limits import Limits
from usip.rtp import packet
from usip.rtp.dtmf import Detector
from usip.rtp.stream import Stream
from usip.ticks import ticks_add

YARDSTICK = "bare loop: write and readinto a datagram"

_FRAMES = 50
_pcm = array("h", [(i * 409 % 8000) - 4000 for i in range(160)])
_out = array("h", [0] * 160)


class _Loop:
    """Two connected UDP sockets on loopback."""

    def __init__(self):
        self.a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        address_a = socket.getaddrinfo("127.0.0.1", 47610, 0, socket.SOCK_DGRAM)[0][-1]
        address_b = socket.getaddrinfo("127.0.0.1", 47612, 0, socket.SOCK_DGRAM)[0][-1]
        self.a.bind(address_a)
        self.b.bind(address_b)
        self.a.connect(address_b)
        self.b.connect(address_a)
        self.packet = bytearray(172)
        self.read = self.b.readinto if hasattr(self.b, "readinto") else self.b.recv_into
        self.write = self.a.write if hasattr(self.a, "write") else self.a.send

    def run(self):
        octets = self.packet
        for _ in range(_FRAMES):
            self.write(octets)
            self.read(octets)


class _Call:
    """A sender, a receiver and packets prepared for it; every *lose*th is left out."""

    def __init__(self, lose=0):
        self.lose = lose
        self.sender = Stream(Limits(), bytes(range(16)))
        self.receiver = Stream(Limits(), bytes(range(16, 32)))
        self.now_ms = 1000
        self.n = 0

    def send(self):
        for _ in range(_FRAMES):
            self.sender.pack(_pcm)

    def receive(self):
        receiver = self.receiver
        buf = self.sender.packet_view
        for _ in range(_FRAMES):
            packet.step_sequence(buf)
            packet.timestamp_add(buf, 4, 160)
            self.n += 1
            if not self.lose or self.n % self.lose:
                receiver.receive(buf, 172, self.now_ms)
            receiver.play(_out, self.now_ms)
            self.now_ms = ticks_add(self.now_ms, 20)


_loop = _Loop()
_call = _Call()
_call.sender.pack(_pcm)
_lossy = _Call(10)
_lossy.sender.pack(_pcm)
_detector = Detector()


def _detect():
    _detector.receive(_pcm)


CASES = (
    (YARDSTICK, _loop.run, _FRAMES),
    ("send: encode and pack", _call.send, _FRAMES),
    ("receive and play", _call.receive, _FRAMES),
    ("receive and play, every 10th lost", _lossy.receive, _FRAMES),
    ("DTMF detection", _detect, 1),
)
