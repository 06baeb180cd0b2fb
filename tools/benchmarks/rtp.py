"""One frame of 20 ms of a call; beside a loop that does no more than move the datagrams.

Each path moves one datagram over loopback, as the bare loop does: what the send path sends nobody
unpacks, what the receive path takes was packed before. The phone's pump does both in one frame.
"""

import socket
from array import array

from usip.limits import Limits
from usip.net.media import MediaPath
from usip.rtp import packet
from usip.rtp.dtmf import Detector
from usip.rtp.stream import Stream
from usip.ticks import ticks_add

YARDSTICK = "bare loop: write and readinto a datagram"
_STEP = "(of which making the next packet)"
RATIOS = (
    ("send path: encode, pack, write", YARDSTICK, 3),
    ("receive path: readinto, take, play", YARDSTICK, 3, _STEP),
)

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

    def __init__(self, loop, lose=0):
        self.loop = loop
        self.lose = lose
        self.sender = Stream(Limits(), bytes(range(16)))
        self.receiver = Stream(Limits(), bytes(range(16, 32)))
        self.octets = bytearray(172)
        self.now_ms = 1000
        self.sender.pack(_pcm)

    def send(self):
        sender = self.sender
        write = self.loop.write
        read = self.loop.read
        octets = self.octets
        for _ in range(_FRAMES):
            sender.pack(_pcm)
            write(sender.packet_view)
            read(octets)

    def step(self):
        """Make the packet the next one: no part of the receive path, and so timed alone."""
        view = self.sender.packet_view
        for _ in range(_FRAMES):
            packet.step_sequence(view)
            packet.timestamp_add(view, 4, 160)
            self.now_ms = ticks_add(self.now_ms, 20)

    def receive(self):
        receiver = self.receiver
        view = self.sender.packet_view
        write = self.loop.write
        read = self.loop.read
        octets = self.octets
        lose = self.lose
        for n in range(_FRAMES):
            packet.step_sequence(view)
            packet.timestamp_add(view, 4, 160)
            now_ms = self.now_ms = ticks_add(self.now_ms, 20)
            write(view)
            read(octets)
            if not lose or n % lose:
                receiver.receive(octets, 172, now_ms)
            receiver.play(_out, now_ms)


class _Media:
    """What a call has of its negotiation."""

    remote_address = b"127.0.0.1"
    receive_telephone_event = 101
    remote_port = 47622
    remote_rtcp_port = 47623


class _Phone:
    """A call as its path sees it, whose peer is itself one port higher up."""

    def __init__(self):
        self.stream = Stream(Limits(), bytes(range(16)))
        self.path = MediaPath("127.0.0.1", 47620)
        self.peer = MediaPath("127.0.0.1", 47622)
        self.peer.follow(_Peer, 1000)
        self.path.follow(_Media, 1000)
        self.echo = self.peer.rtp
        self.now_ms = 1000
        self.run()

    def tick(self, now_ms):
        """Play and pack; the sound is there and goes nowhere."""
        stream = self.stream
        stream.play(_out, now_ms)
        return stream.pack(_pcm)

    def run(self):
        """Pump; the packet that went out comes back as the next one received."""
        for _ in range(_FRAMES):
            self.path.pump(self, self.now_ms)
            self.echo.send(self.stream.packet_view, self.echo.receive())
            self.now_ms = ticks_add(self.now_ms, 20)


class _Peer(_Media):
    """Of the phone's peer."""

    remote_port = 47620
    remote_rtcp_port = 47621


_loop = _Loop()
_call = _Call(_loop)
_lossy = _Call(_loop, 10)
_phone = _Phone()
_detector = Detector()


def _detect():
    _detector.receive(_pcm)


CASES = (
    (YARDSTICK, _loop.run, _FRAMES),
    ("send path: encode, pack, write", _call.send, _FRAMES),
    ("receive path: readinto, take, play", _call.receive, _FRAMES),
    ("receive path, every 10th lost", _lossy.receive, _FRAMES),
    (_STEP, _call.step, _FRAMES),
    ("phone's pump, both paths and its peer", _phone.run, _FRAMES),
    ("DTMF detection", _detect, 1),
)
