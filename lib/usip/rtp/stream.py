"""One call's RTP stream, both directions (RFC 3550): frames in, packets out, and the reverse.

Everything is allocated when the call begins; no method called per packet or per frame uses heap.
The caller owns socket, clock and sound: it hands every datagram to `receive`, and 50 times a
second one frame of 160 samples to `pack` and an empty one to `play`.

Media positions are small ints. The timestamp of the newest packet is kept beside its position,
and every packet is placed by its difference from that; when a sender restarts, or its timestamps
jump where its clock did not, the newcomer is placed as if it had arrived exactly on time.

A source is latched: the first SSRC heard. Another one takes over with two packets in sequence, or
at once when the first has been silent (RFC 3550 A.1 asks for two from the start; the first 20 ms
of a call are worth more than the protection).
"""

import micropython
from micropython import const

from usip.octets import copy, equals
from usip.rtp import event, g711, packet, report
from usip.rtp.digits import Digits
from usip.rtp.playout import Playout
from usip.rtp.sender import Sender
from usip.ticks import ticks_add, ticks_diff

_PT_CN = const(13)  # RFC 3389
_SILENT_MS = const(200)
_MAX_DROPOUT = const(3000)  # RFC 3550 A.1
_MAX_MISORDER = const(100)
_JUMP_MS = const(2000)  # a packet later than this comes from another timeline
_AHEAD_MS = const(320)  # and so does one earlier than the ring is long
_REBASE = const(268435456)  # samples: 9 hours
_SEEN_BITS = const(0xFFFFFFF)
_RFC4733 = const(0)  # as in digits
_INBAND = const(1)


class Stream:
    """RTP of one call; `limits` gives the slots, *seed* 10 random octets the identifiers.

    *arrays*: those of a stream that has ended, to be used again; see usip.rtp.playout.
    Statistics, in packets: `sent received lost late duplicates malformed foreign`, the last of no
    negotiated payload type or of another source; `jitter_ms concealed_ms delay_ms rtt_ms`, the
    percentage `remote_loss`, and `mos`.
    """

    def __init__(self, limits, seed: bytes, arrays=None) -> None:
        self.sender = Sender(seed)
        self.playout = Playout(limits.jitter_slots, arrays)
        self.reporter = report.Reporter(seed)
        self.report = self.reporter.buf
        self.frames_played = 0
        self.events = event.EventReceiver()
        self.digits = Digits()
        self.detector = self.suppressor = None
        self.remote_ssrc = bytearray(4)
        self._candidate = bytearray(4)  # an SSRC that may take over
        self._candidate_next = -1
        self._timestamp = bytearray(4)  # of the newest packet received
        self._epoch = -1  # clock value at which positions are 0
        self._heard_at = 0
        self._position = 0  # of that newest packet
        self.sequence_number = -1  # its sequence number, -1 before the first packet
        self._restart_next = -1
        self._seen = 0  # bit k: the packet k before the newest one has come
        self.cycles = 0
        self.expected = self.received = self.received_octets = 0
        self.late = self.duplicates = self.malformed = self.foreign = 0
        self.cuts = 0  # packets shorter than the time to the next one
        self.configure()

    def configure(
        self,
        payload_type: int = 0,
        receive_payload_type: int = 0,
        codec: str = "PCMU",
        telephone_event: int = -1,
        receive_telephone_event: int = -1,
        ptime: int = 20,
        has_noise: bool = False,
    ) -> None:
        """Take what was negotiated; may be called again in the middle of a call.

        *codec* is PCMU, PCMA, G722 or L16, str or bytes; a telephone-event of -1 is none; *ptime*
        is in ms. With *has_noise* (RFC 3389) silence is not sent.
        Allocates when *ptime* or *codec* changes. ValueError: another codec, or no multiple of 10
        up to 60.
        """
        if isinstance(codec, bytes):
            codec = codec.decode()
        is_plain = codec in ("PCMU", "PCMA") and not has_noise
        if not (is_plain and self.suppressor is None and self.sender.coder is None):
            from usip.rtp import coded

            coded.configure(self, codec, has_noise)
        if ptime % 10 or not 10 <= ptime <= 60:
            raise ValueError("ptime must be 10, 20 ... 60")
        is_alaw = codec == "PCMA"
        self.receive_payload_type = receive_payload_type
        self._is_alaw = is_alaw
        self.receive_telephone_event = receive_telephone_event
        self.playout.is_alaw = is_alaw
        self.sender.payload_type = payload_type
        self.sender.event_type = telephone_event
        self.sender.is_alaw = is_alaw
        self.sender.set_ptime(ptime)

    # sending

    def pack(self, pcm) -> int:
        """Take a frame of 160 samples; return the length of the packet in `packet_view`, or 0.

        0: nothing to send this frame. After a length that is not 0 ask `pack_more` until it is 0:
        packets may be shorter than frames.
        """
        sender = self.sender
        if self.suppressor is not None and not sender.events.is_busy():
            choice = self.suppressor.decide(pcm)
            if choice == 1:
                return sender.pack_noise(self.suppressor.level)
            if choice == 2:
                sender.skip()
                return 0
        return sender.pack(pcm)

    def pack_more(self) -> int:
        """Return the length of one more packet of the frame just given, or 0."""
        return self.sender.pack_more()

    @property
    def packet_view(self):
        """The packet to send after `pack`: a memoryview made beforehand, exactly as long."""
        return self.sender.view

    @property
    def sent(self) -> int:
        """Packets sent."""
        return self.sender.packets

    def send_digit(self, digit: int, duration_ms: int = 100) -> bool:
        """Queue a digit (ASCII, "!" for hook flash) as telephone-event (RFC 4733).

        False: none was negotiated, no such digit, or 16 are waiting.
        """
        code = event.event_code(digit)
        if code < 0 or self.sender.event_type < 0:
            return False
        return self.sender.events.queue(code, duration_ms)

    # receiving

    @micropython.native
    def receive(self, buf, length: int, now_ms: int) -> None:
        """Take a datagram, any octets, that arrived at *now_ms*; *buf* is not kept."""
        samples = packet.follow(
            buf,
            length,
            self.receive_payload_type,
            self.sequence_number,
            self.remote_ssrc,
            self._timestamp,
        )
        if samples < 0:
            self._receive_other(buf, length, now_ms)
            return
        # what nearly always comes: the packet after the last one
        if samples > length - 12:
            self.cuts += 1
        sequence = self.sequence_number + 1
        if sequence > 65535:
            sequence = 0
            self.cycles += 1
        self.sequence_number = sequence
        self._seen = (self._seen & _SEEN_BITS >> 1) << 1 | 1
        self.expected += 1
        self.received += 1
        self.received_octets = (self.received_octets + length - 12) & 0x3FFFFFFF
        self._heard_at = now_ms
        playout = self.playout
        playout.is_alaw = self._is_alaw
        position = self._position + samples
        clock_ms = ticks_diff(now_ms, self._epoch)
        delays = playout.delays
        late_ms = clock_ms - delays.least - (position >> 3)
        if late_ms > _AHEAD_MS or late_ms < -_AHEAD_MS:
            self._lay_down(buf, 12, length, now_ms, position, 1)
            return
        self._position = position
        position &= -8
        delays.note(clock_ms - (position >> 3), clock_ms)
        result = playout.buffer.put(buf, 12, length, position)
        if result < 0:
            self._refused(result, buf, 12, length, position)

    def _receive_other(self, buf, length: int, now_ms: int) -> None:
        """Take any octets."""
        payload = packet.find_payload(buf, length)
        if payload < 0 and length >= 8 and 192 <= buf[1] <= 223:
            self.receive_report(buf, length, now_ms)  # RFC 5761: both on one port
            return
        if payload < 0:
            self.malformed += 1
            return
        payload_type = buf[1] & 127
        if not self._is_known(payload_type) or not self._is_source(buf, now_ms):
            self.foreign += 1
            return
        step = self._follow_sequence(buf[2] << 8 | buf[3])
        if step == 0:
            return
        self._heard_at = now_ms
        start = payload >> 16
        end = payload & 0xFFFF
        self.received_octets = (self.received_octets + end - start) & 0x3FFFFFFF
        if self._epoch < 0:
            self._epoch = now_ms
        if self.received == 1:  # the clock may have begun before, with `play`
            copy(self._timestamp, 0, buf, 4, 8)
            self._position = ticks_diff(now_ms, self._epoch) * 8
        if payload_type == self.receive_telephone_event:
            self._receive_event(buf, start, end, now_ms)
        elif payload_type == _PT_CN:
            self._receive_noise(buf, start, end)
        else:
            self._receive_media(buf, start, end, now_ms, step)

    def _is_known(self, payload_type: int) -> bool:
        if payload_type == self.receive_payload_type:
            self.playout.is_alaw = self._is_alaw
            return True
        if (payload_type == 0 or payload_type == 8) and self.sender.coder is None:
            # Lax: the other G.711 law at any time, because an answer with both allows it
            self.playout.is_alaw = payload_type == 8
            return True
        return payload_type == self.receive_telephone_event or payload_type == _PT_CN

    def _is_source(self, buf, now_ms: int) -> bool:
        """Latch the first SSRC; let another one take over."""
        if equals(buf, 8, 12, self.remote_ssrc, 4) and self.sequence_number >= 0:
            return True
        sequence = buf[2] << 8 | buf[3]
        if self.sequence_number >= 0 and ticks_diff(now_ms, self._heard_at) < _SILENT_MS:
            if not equals(buf, 8, 12, self._candidate, 4) or sequence != self._candidate_next:
                copy(self._candidate, 0, buf, 8, 12)
                self._candidate_next = (sequence + 1) & 0xFFFF
                return False
        copy(self.remote_ssrc, 0, buf, 8, 12)
        self._candidate_next = -1
        self.sequence_number = -1
        return True

    def _follow_sequence(self, sequence: int) -> int:
        """Return 1 for the newest packet, 2 for an older one, 3 after a restart, 0 to drop it."""
        if self.sequence_number < 0:
            return self._restart(sequence)
        step = packet.sequence_delta(sequence, self.sequence_number)
        if 0 < step < _MAX_DROPOUT:
            if sequence < self.sequence_number:
                self.cycles += 1
            self.sequence_number = sequence
            self._seen = (self._seen & _SEEN_BITS >> step) << step | 1 if step < 28 else 1
            self.expected += step
            self.received += 1
            return 1
        if -_MAX_MISORDER < step <= 0:
            if step > -28:
                if self._seen >> -step & 1:
                    self.duplicates += 1
                    return 0
                self._seen |= 1 << -step
            self.received += 1
            return 2
        if sequence == self._restart_next:
            return self._restart(sequence)
        self._restart_next = (sequence + 1) & 0xFFFF
        self.foreign += 1
        return 0

    def _restart(self, sequence: int) -> int:
        self.sequence_number = sequence
        self._restart_next = -1
        self._seen = 1
        self.expected += 1
        self.received += 1
        return 3

    def _receive_media(self, buf, start: int, end: int, now_ms: int, step: int) -> None:
        position = self._position + packet.timestamp_delta(buf, 4, self._timestamp, 0)
        if self._lay_down(buf, start, end, now_ms, position, step) != 2:
            copy(self._timestamp, 0, buf, 4, 8)

    def _lay_down(self, buf, start: int, end: int, now_ms: int, position: int, step: int) -> int:
        """Put a payload where it belongs; return *step*, 1 when its place is another timeline."""
        clock_ms = ticks_diff(now_ms, self._epoch)
        playout = self.playout
        delays = playout.delays
        late_ms = clock_ms - delays.least - position // 8
        if delays.is_known and (step == 3 or late_ms > _JUMP_MS or late_ms < -_AHEAD_MS):
            position = (clock_ms - delays.least) * 8
            if position < playout.buffer.end:
                position = playout.buffer.end
            delays.reset()
            step = 1
        if step != 2:
            self._position = position
        position = position & -8
        delays.note(clock_ms - position // 8, clock_ms)
        result = playout.buffer.put(buf, start, end, position)
        if result < 0:
            self._refused(result, buf, start, end, position)
        return step

    def _refused(self, result: int, buf, start: int, end: int, position: int) -> None:
        """Let go of the oldest when the ring is full; count what comes too late."""
        playout = self.playout
        if result == -2:
            playout.skip_to(position + (end - start) - playout.wait_ms() * 8)
            result = playout.buffer.put(buf, start, end, position)
        if result == -1:
            self.late += 1

    def _receive_noise(self, buf, start: int, end: int) -> None:
        """Comfort noise: its level in -dBov is the first octet (RFC 3389 3.1)."""
        if end > start:
            self.playout.set_comfort(buf[start] & 127)

    def _receive_event(self, buf, start: int, end: int, now_ms: int) -> None:
        events = self.events
        result = events.receive(buf, start, end, now_ms)
        if result < 0:
            self.malformed += 1
            return
        digits = self.digits
        if result & 4:
            digits.end(events.previous_code, _RFC4733, events.previous_duration, now_ms)
        if result & 5:
            digits.press(events.code, _RFC4733, now_ms)
        if result & 2:
            digits.end(events.code, _RFC4733, events.duration, now_ms)
        # no sound is sent meanwhile: silence instead of concealment
        position = self._position + packet.timestamp_delta(buf, 4, self._timestamp, 0)
        if self.playout.delays.is_known and abs(position - self.playout.buffer.end) < 65536:
            length = buf[start + 2] << 8 | buf[start + 3]
            silence = g711.ALAW_SILENCE if self.playout.is_alaw else g711.ULAW_SILENCE
            if self.sender.coder is not None:
                silence = self.sender.coder.silence
            self.playout.buffer.fill(silence, position & -8, position + length & -8)

    def detect_tones(self) -> None:
        """Listen for in-band DTMF from now on; imports usip.rtp.dtmf."""
        from usip.rtp.dtmf import Detector

        self.detector = Detector()

    def _detect(self, pcm, now_ms: int) -> None:
        detector = self.detector
        result = detector.receive(pcm)
        if result & 2:
            self.digits.end(detector.ended_code, _INBAND, detector.ended_duration, now_ms)
        if result & 1:
            self.digits.press(detector.code, _INBAND, now_ms)

    @micropython.native
    def play(self, pcm, now_ms: int) -> None:
        """Fill the array('h') pcm[0:160] with the 20 ms to be heard next."""
        if self._epoch < 0:
            self._epoch = now_ms
        if self.events.is_open and self.events.handle_timer(now_ms):
            self.digits.end(self.events.code, _RFC4733, self.events.duration, now_ms)
        playout = self.playout
        playout.play(pcm, ticks_diff(now_ms, self._epoch))
        self.frames_played += 1
        if self.detector is not None:
            self._detect(pcm, now_ms)
        if playout.buffer.position > _REBASE:
            self._rebase()

    def _rebase(self) -> None:
        """Begin to count positions again; transit times stay as they are."""
        size = self.playout.buffer.size
        samples = (_REBASE - 65536) // size * size
        self.playout.buffer.rebase(samples)
        self._position -= samples
        self._epoch = ticks_add(self._epoch, samples // 8)

    # RTCP

    def pack_report(self, now_ms: int) -> int:
        """Return the length of the RTCP packet in `report` when one is due, else 0."""
        return self.reporter.pack(self, now_ms) if self.reporter.is_due(now_ms) else 0

    def pack_bye(self, now_ms: int) -> int:
        """Return the length of the last RTCP packet, which ends with BYE, in `report`."""
        return self.reporter.pack(self, now_ms, True)

    def receive_report(self, buf, length: int, now_ms: int) -> None:
        """Take an RTCP datagram, any octets."""
        self.reporter.receive(buf, length, self, now_ms)

    # statistics

    @property
    def lost(self) -> int:
        """Packets missing so far; those still on their way are among them."""
        lost = self.expected - self.received
        return lost if lost > 0 else 0

    @property
    def jitter_ms(self) -> int:
        """The interarrival jitter (RFC 3550 6.4.1)."""
        return self.playout.delays.jitter >> 7

    @property
    def concealed_ms(self) -> int:
        """How much of the sound played was made up."""
        return self.playout.concealed // 8

    @property
    def delay_ms(self) -> int:
        """How long what is heard now waited in the jitter buffer."""
        return self.playout.delay_ms

    @property
    def remote_loss(self) -> int:
        """The percentage lost that the peer last reported."""
        return self.reporter.remote_loss

    @property
    def rtt_ms(self) -> int:
        """The round trip of RTCP in ms, -1 while unknown."""
        return self.reporter.rtt_ms

    @property
    def mos(self) -> float:
        """The E-model's mean opinion score of what is heard here, 1.0 to 4.4; uses heap."""
        played_ms = 20 * self.frames_played
        loss = 1000 * self.concealed_ms // played_ms if played_ms else 0
        rtt_ms = self.reporter.rtt_ms if self.reporter.rtt_ms > 0 else 0
        return report.estimate_mos(loss, self.playout.delay_ms + 20 + rtt_ms // 2) / 100
