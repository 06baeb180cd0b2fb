"""The sending half of a stream: frames of 20 ms in, RTP packets of any ptime out (RFC 3550 5.1).

The packet is one buffer whose header always is that of the last packet sent; the next one steps
the sequence number and adds to the timestamp what has gone by since. Sound is encoded straight
into its place, and a telephone-event has a packet of its own that borrows the header.
"""

from micropython import const

from usip.octets import copy
from usip.rtp import event, g711, packet

_HEADER = const(12)
_FRAME = const(160)
_PT_CN = const(13)  # RFC 3389


class Sender:
    """Packets of one source. *seed*: 10 random octets, SSRC, sequence number and timestamp.

    `view` is the packet to send after `pack`; `packets` and `octets` count what was packed.
    """

    def __init__(self, seed: bytes) -> None:
        self.events = event.EventSender()
        self._event_packet = bytearray(event.EVENT_BYTES)
        self._event_view = memoryview(self._event_packet)
        self._noise_view = memoryview(self._event_packet)[: _HEADER + 1]
        self.packet = bytearray(_HEADER)
        self.packet[0] = self._event_packet[0] = 0x80
        self.packet[2:8] = seed[4:10]
        self.packet[8:12] = self._event_packet[8:12] = seed[:4]
        self.ssrc = bytes(seed[:4])
        self.payload_type = 0
        self.event_type = -1
        self.is_alaw = False
        self.coder = None  # of a codec other than G.711, see rtp.coded
        self._width = 0  # a sample at 8 kHz has 1 << _width octets
        self._size = 0  # samples a packet
        self.packets = 0
        self.octets = 0
        self._fill = 0  # samples encoded behind the header
        self._behind = 0  # where the rest of a packed frame begins, 0 when nothing was packed
        self._due = 0  # samples from the header's timestamp to the first one in the packet
        self._has_marker = True
        self.set_ptime(20)

    def set_ptime(self, ptime: int) -> None:
        """Set the packets' length, 10 .. 60 ms; allocates when it changes."""
        size = ptime * 8
        if size != self._size:
            self._size = size
            self._make_packet()

    def set_coder(self, coder) -> None:
        """Encode with *coder* from now on, None: G.711; allocates."""
        self.coder = coder
        self._width = coder.octets - 1 if coder is not None else 0
        self._make_packet()

    def _make_packet(self) -> None:
        size = self._size
        rest = _FRAME if size % _FRAME else 0  # what the last frame may have beyond the packet
        header = self.packet
        self.packet = bytearray(_HEADER + (size + rest << self._width))
        copy(self.packet, 0, header, 0, _HEADER)
        self._due += self._fill
        self._fill = self._behind = 0
        self._media_view = memoryview(self.packet)[: _HEADER + (size << self._width)]
        self.view = self._media_view

    def pack(self, pcm) -> int:
        """Take a frame of 20 ms; return the length of the packet in `view`, or 0.

        0: a packet of more than 20 ms is not full yet, or there is none this frame. When packets
        are shorter than frames, or 30 ms, `pack_more` gives the others.
        """
        if self.events.is_busy():
            return self._pack_event()
        if self._behind:
            self._take_rest()
        at = _HEADER + (self._fill << self._width)
        if self.coder is not None:
            self.coder.encode(pcm, self.packet, at)
        elif self.is_alaw:
            g711.alaw_encode(pcm, 0, self.packet, at, _FRAME)
        else:
            g711.ulaw_encode(pcm, 0, self.packet, at, _FRAME)
        self._fill += _FRAME
        return self._pack_media()

    def pack_more(self) -> int:
        """Return the length of one more packet of the frame just given, or 0; call until 0."""
        if not self._behind:
            return 0
        self._take_rest()
        return self._pack_media()

    def skip(self) -> None:
        """Let a frame go by unsent (hold, silence suppression): what follows is a talk spurt."""
        self._due += _FRAME + self._fill
        self._fill = self._behind = 0
        self._has_marker = True

    def pack_noise(self, level: int) -> int:
        """Let a frame go by with a comfort noise packet of -*level* dBov (RFC 3389)."""
        buf = self._event_packet
        buf[1] = _PT_CN
        self._step()
        copy(buf, 2, self.packet, 2, 8)
        packet.timestamp_add(buf, 4, self._due)
        buf[12] = level & 127
        self.view = self._noise_view
        self.skip()
        return _HEADER + 1

    def due_samples(self) -> int:
        """Return the samples from the timestamp in `packet` to now."""
        return self._due + self._fill

    def _take_rest(self) -> None:
        """Move what of the last frame is not sent yet to the packet's beginning."""
        rest = self._fill << self._width
        copy(self.packet, _HEADER, self.packet, self._behind, self._behind + rest)
        self._behind = 0

    def _pack_media(self) -> int:
        size = self._size
        if self._fill < size:
            return 0
        buf = self.packet
        packet.timestamp_add(buf, 4, self._due)
        buf[1] = self.payload_type | (0x80 if self._has_marker else 0)
        self._step()
        self._has_marker = False
        self._due = size
        self._fill -= size
        size = size << self._width
        if self._fill:
            self._behind = _HEADER + size
        self.octets += size
        self.view = self._media_view
        return _HEADER + size

    def _step(self) -> None:
        if self.packets:
            packet.step_sequence(self.packet)
        self.packets += 1

    def _pack_event(self) -> int:
        """Give this frame to the telephone-event; sound waiting for a full packet is dropped."""
        if self._fill:
            self._due += self._fill
            self._fill = self._behind = 0
        buf = self._event_packet
        needs = self.events.put_next(buf, _HEADER)
        if needs & 2:
            copy(buf, 4, self.packet, 4, 8)
            packet.timestamp_add(buf, 4, self._due)
        self._due += _FRAME
        if needs == 0:
            return 0
        if needs >> 2:
            packet.timestamp_add(buf, 4, needs >> 2)
        buf[1] = self.event_type | (0x80 if needs & 2 else 0)
        self._step()
        copy(buf, 2, self.packet, 2, 4)
        self.octets += 4
        self.view = self._event_view
        return event.EVENT_BYTES
