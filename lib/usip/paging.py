"""Pages: G.711 over RTP to a multicast group, heard at once by all who joined it.

There is no signalling: a page begins with its first packet and is over when none has come for half
a second. Which of several groups is heard is the program's choice. A Group costs a socket and
`_PACKET` octets while nobody pages; what a stream needs (some 8 KB) it has while a page lasts.
"""

import gc

from micropython import const

import usip
from usip import ticks
from usip.net.multicast import GroupSender, GroupSocket

_PACKET = const(500)  # 60 ms of G.711 and a header with all it may hold
_OVER_MS = const(500)
_TURNS = const(8)


def _load_sound():
    usip.preload("rtp.packet rtp.event rtp.playout rtp.report")
    from usip.rtp.stream import Stream

    return Stream


class Group:
    """One group joined: *address*, *port*; *host* is our interface, "0.0.0.0" any."""

    def __init__(self, limits, host: str, address: str, port: int, random) -> None:
        """OSError when it cannot be joined. *random*(n) returns n octets."""
        self._limits = limits
        self._random = random
        self._socket = GroupSocket(host, address, port, _PACKET)
        self._stream = None
        self._heard_at = ticks.NEVER

    @property
    def is_active(self) -> bool:
        """Whether a page is heard here."""
        return self._stream is not None

    def receive(self, now_ms: int) -> None:
        """Take what has come; begin or end a page."""
        sock = self._socket
        for _ in range(_TURNS):
            n = sock.receive()
            if not n:
                break
            self._heard_at = now_ms
            if self._stream is None:
                gc.collect()
                self._stream = _load_sound()(self._limits, self._random(16))
            self._stream.receive(sock.buf, n, now_ms)
        if self._stream is not None and ticks.ticks_diff(now_ms, self._heard_at) > _OVER_MS:
            self._stream = None
            sock.relearn()
            gc.collect()

    def play(self, pcm, now_ms: int) -> None:
        """Fill pcm[0:160] with the next 20 ms of a page that is active; no heap."""
        self._stream.play(pcm, now_ms)

    def close(self) -> None:
        """Leave; a second call changes nothing."""
        self._socket.close()
        self._stream = None


class Page:
    """A page of ours to a group; *codec* PCMU or PCMA. OSError when there is no network."""

    def __init__(self, host: str, address: str, port: int, codec: str, random) -> None:
        _load_sound()
        from usip.rtp.sender import Sender

        self._sender = Sender(random(16))
        self._sender.is_alaw = codec == "PCMA"
        self._sender.payload_type = 8 if codec == "PCMA" else 0
        self._socket = GroupSender(host, address, port)

    def write(self, pcm) -> None:
        """Send pcm[0:160]; no heap."""
        if self._sender.pack(pcm):
            self._socket.send(self._sender.view)

    def close(self) -> None:
        """End the page; a second call changes nothing."""
        self._socket.close()
