"""The way of one call's sound through the network: its two sockets and the pump.

`pump` is called every few milliseconds. It hands the packets that came to the call's stream and,
each 20 ms by the clock, lets the call play and pack a frame: at absolute times, so that being late
once makes nothing later for good. In steady state it uses no heap. Between calls there is none.
"""

from micropython import const

from usip import ticks
from usip.net.udp import MediaSocket

_FRAME_MS = const(20)
_CATCH_UP_MS = const(1000)  # later than this, frames are left out
_RTP_BYTES = const(512)
_RTCP_BYTES = const(256)
_PACKETS_A_TURN = const(16)
_CUTS = const(4)


class MediaPath:
    """The RTP socket at an even port and the RTCP socket above it (RFC 3550 11)."""

    def __init__(self, host: str, port: int) -> None:
        """Bind both; OSError when one is taken."""
        self.port = port
        self.due_at = ticks.NEVER  # when the next frame is; NEVER before the first
        self._cuts = 0  # of the stream, as seen last
        self.rtp = MediaSocket(host, port, _RTP_BYTES)
        try:
            self.reports = self.rtcp = MediaSocket(host, port + 1, _RTCP_BYTES, True)
        except OSError:
            self.rtp.close()
            raise

    def close(self) -> None:
        """Close both; a second call changes nothing."""
        self.rtp.close()
        self.rtcp.close()

    def leave(self, stream, now_ms: int) -> None:
        """Close both; say goodbye if anything was sent (RFC 3550 6.3.7)."""
        if stream is not None and stream.sent:
            n = stream.pack_bye(now_ms)
            self.reports.send(stream.reporter.view, n)
        self.close()

    def follow(self, media, now_ms: int) -> None:
        """Go where the negotiated *media* now says; OSError or ValueError when nobody can."""
        host = str(media.remote_address, "utf-8")
        self.rtp.set_remote(host, media.remote_port)
        self.rtcp.set_remote(host, media.remote_rtcp_port)
        is_mux = media.remote_rtcp_port == media.remote_port  # RFC 5761
        self.reports = self.rtp if is_mux else self.rtcp
        self.rtp.short_type = media.receive_telephone_event
        self.rtp.relearn()
        if self.due_at < 0:
            self.due_at = now_ms

    def pump(self, call, now_ms: int) -> None:
        """Carry the packets and, when due, the frames of *call*; OSError of its sound's ends."""
        stream = call.stream
        rtp = self.rtp
        for _ in range(_PACKETS_A_TURN):
            n = rtp.receive()
            if not n:
                break
            stream.receive(rtp.buf, n, now_ms)
        if stream.cuts - self._cuts > _CUTS:  # packets have become longer than was learned
            self._cuts = stream.cuts
            rtp.relearn()
        rtcp = self.rtcp
        n = rtcp.receive()
        if n:
            stream.receive_report(rtcp.buf, n, now_ms)
        if ticks.ticks_diff(now_ms, self.due_at) > _CATCH_UP_MS:
            self.due_at = now_ms
        while ticks.ticks_diff(now_ms, self.due_at) >= 0:
            due_at = self.due_at
            self.due_at = ticks.ticks_add(due_at, _FRAME_MS)
            self._frame(call, stream, due_at)

    def _frame(self, call, stream, now_ms):
        n = call.tick(now_ms)
        while n:
            self.rtp.send(stream.packet_view, n)
            n = stream.pack_more()
        n = stream.pack_report(now_ms)
        if n:
            self.reports.send(stream.reporter.view, n)


def free_path(host: str, ports, pair: int):
    """Return a path at a free pair of *ports* (first, last), or None; *pair* is tried first."""
    first = ports[0] + 1 & ~1
    pairs = (ports[1] - first + 1) // 2
    for i in range(pair, pair + pairs):
        try:
            return MediaPath(host, first + 2 * (i % pairs))
        except OSError:
            pass
    return None
