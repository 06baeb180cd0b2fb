"""RTCP: sender and receiver reports, SDES CNAME, BYE, and an estimate of what a listener thinks
(RFC 3550 6, ITU-T G.107).

A compound packet is written into one fixed buffer and read where it was received. NTP times are
the time since our first report (6.4.1 allows it); 32-bit fields are handled as two halves,
because a small int ends at 2**30.
"""

from micropython import const

from usip.octets import copy, equals
from usip.rtp import packet
from usip.ticks import NEVER, ticks_add, ticks_diff

_SR = const(200)
_RR = const(201)
_SDES = const(202)
_BYE = const(203)
_CNAME_BYTES = const(12)
_SDES_BYTES = const(24)  # header, SSRC, CNAME item of 2 + 12, two ending zeros
_BLOCK_BYTES = const(24)  # 6.4.1
_LEAST_MS = const(5000)  # 6.2
_CLOCK_MS = const(65536000)  # the middle 32 bits of an NTP time wrap so
_HEX = b"0123456789abcdef"


def _get16(buf, at):
    return buf[at] << 8 | buf[at + 1]


def _put16(buf, at, n):
    buf[at] = n >> 8 & 0xFF
    buf[at + 1] = n & 0xFF


def _put32(buf, at, n):
    """Write n, 0 .. 2**30."""
    _put16(buf, at, n >> 16)
    _put16(buf, at + 2, n)


def _short_ms(buf, at):
    """Return the 16.16 bit seconds at buf[at:] in ms."""
    return _get16(buf, at) * 1000 + (_get16(buf, at + 2) * 1000 >> 16)


class Reporter:
    """The RTCP of one stream. *seed*: octets for the CNAME and the intervals' randomness.

    `remote_loss` is the fraction lost the peer last reported, in percent; `remote_lost` packets;
    `remote_jitter` in samples; `rtt_ms` the round trip, -1 while unknown; `is_bye_received`.
    """

    def __init__(self, seed: bytes) -> None:
        self.buf = bytearray(28 + _BLOCK_BYTES + _SDES_BYTES + 8)
        whole = memoryview(self.buf)
        self._views = [  # made once: no packet has another length
            whole[: n + _SDES_BYTES + bye]
            for bye in (0, 8)
            for n in (28, 28 + _BLOCK_BYTES, 8, 8 + _BLOCK_BYTES)
        ]
        self.view = whole  # of the packet packed last
        self.cname = bytearray(_CNAME_BYTES)
        for i in range(_CNAME_BYTES):
            self.cname[i] = _HEX[seed[len(seed) - 1 - i // 2] >> 4 * (i & 1) & 15]
        self._random = seed[0] << 8 | seed[1]
        self._due_at = NEVER
        self._epoch = NEVER  # where our NTP time begins: the clock itself wraps
        self._sent_before = 0
        self._expected_before = self._received_before = 0
        self._last_sr = bytearray(4)
        self._last_sr_at = NEVER
        self.remote_loss = 0
        self.remote_lost = 0
        self.remote_jitter = 0
        self.rtt_ms = -1
        self.is_bye_received = False
        self.malformed = 0

    def is_due(self, now_ms: int) -> bool:
        """Say whether a report is to be sent now, and if so set the next one's time.

        5 s on average, between 0.5 and 1.5 of it, the first after half of that (6.2, 6.3.1).
        """
        if self._due_at == NEVER:
            self._due_at = ticks_add(now_ms, self._interval_ms() // 2)
            return False
        if ticks_diff(now_ms, self._due_at) < 0:
            return False
        self._due_at = ticks_add(now_ms, self._interval_ms())
        return True

    def _interval_ms(self) -> int:
        self._random = (self._random * 1021 + 24593) & 0xFFFFF
        return (_LEAST_MS // 2 + (self._random >> 5) * _LEAST_MS // 32768) * 1000 // 1218

    def pack(self, stream, now_ms: int, is_bye: bool = False) -> int:
        """Write the compound packet for *stream* and return its length; no heap.

        `view` shows it.
        """
        buf = self.buf
        sender = stream.sender
        view = 0
        buf[0] = 0x80
        copy(buf, 4, sender.packet, 8, 12)
        at = 8
        if sender.packets != self._sent_before:
            self._sent_before = sender.packets
            buf[1] = _SR
            at = self._put_sender(sender, now_ms)
        else:
            buf[1] = _RR
            view = 2
        if stream.expected:
            buf[0] = 0x81
            at = self._put_block(stream, at, now_ms)
            view += 1
        _put16(buf, 2, at // 4 - 1)
        at = self._put_sdes(sender, at)
        if is_bye:
            buf[at] = 0x81
            buf[at + 1] = _BYE
            _put16(buf, at + 2, 1)
            copy(buf, at + 4, sender.packet, 8, 12)
            at += 8
            view += 4
        self.view = self._views[view]
        return at

    def _ntp_ms(self, now_ms):
        if self._epoch == NEVER:
            self._epoch = now_ms
        return ticks_diff(now_ms, self._epoch) + 1000  # a time of 0 in a report means none

    def _put_sender(self, sender, now_ms):
        buf = self.buf
        ntp_ms = self._ntp_ms(now_ms)
        _put32(buf, 8, ntp_ms // 1000)
        _put16(buf, 12, ntp_ms % 1000 * 65536 // 1000)
        _put16(buf, 14, 0)
        copy(buf, 16, sender.packet, 4, 8)
        packet.timestamp_add(buf, 16, sender.due_samples())
        _put32(buf, 20, sender.packets)
        _put32(buf, 24, sender.octets)
        return 28

    def _put_block(self, stream, at, now_ms):
        """Write the reception report block (6.4.1, A.3)."""
        buf = self.buf
        expected = stream.expected - self._expected_before
        lost = expected - (stream.received - self._received_before)
        self._expected_before = stream.expected
        self._received_before = stream.received
        total = stream.lost
        copy(buf, at, stream.remote_ssrc, 0, 4)
        _put32(buf, at + 4, total if total < 0x7FFFFF else 0x7FFFFF)
        buf[at + 4] = lost * 256 // (expected + 1) if 0 < lost and expected > 0 else 0
        _put16(buf, at + 8, stream.cycles)
        _put16(buf, at + 10, stream.sequence_number)
        _put32(buf, at + 12, stream.playout.delays.jitter >> 4)
        copy(buf, at + 16, self._last_sr, 0, 4)
        delay = 0
        if self._last_sr_at != NEVER:
            delay = ticks_diff(now_ms, self._last_sr_at)
        _put16(buf, at + 20, delay // 1000)
        _put16(buf, at + 22, delay % 1000 * 65536 // 1000)
        return at + 24

    def _put_sdes(self, sender, at):
        buf = self.buf
        buf[at] = 0x81
        buf[at + 1] = _SDES
        _put16(buf, at + 2, _SDES_BYTES // 4 - 1)
        copy(buf, at + 4, sender.packet, 8, 12)
        buf[at + 8] = 1  # CNAME
        buf[at + 9] = _CNAME_BYTES
        copy(buf, at + 10, self.cname, 0, _CNAME_BYTES)
        buf[at + 22] = buf[at + 23] = 0
        return at + _SDES_BYTES

    def receive(self, buf, length: int, stream, now_ms: int) -> None:
        """Take a compound packet, any octets (A.2); what is not understood is passed over."""
        at = 0
        while at + 8 <= length:
            end = at + 4 + 4 * _get16(buf, at + 2)
            if buf[at] >> 6 != 2 or end > length or end < at + 8:
                break
            kind = buf[at + 1]
            if kind == _SR and end - at >= 28:
                copy(self._last_sr, 0, buf, at + 10, at + 14)
                self._last_sr_at = now_ms
                self._receive_blocks(buf, at + 28, end, buf[at] & 31, stream, now_ms)
            elif kind == _RR:
                self._receive_blocks(buf, at + 8, end, buf[at] & 31, stream, now_ms)
            elif kind == _BYE and equals(buf, at + 4, at + 8, stream.remote_ssrc, 4):
                self.is_bye_received = True
            at = end
        if at != length or length == 0:
            self.malformed += 1

    def _receive_blocks(self, buf, at, end, count, stream, now_ms):
        while count and at + 24 <= end:
            if equals(buf, at, at + 4, stream.sender.ssrc, 4):
                self._receive_block(buf, at, now_ms)
            at += 24
            count -= 1

    def _receive_block(self, buf, at, now_ms):
        self.remote_loss = buf[at + 4] * 100 >> 8
        if buf[at + 5] < 0x80:  # negative: more duplicates than losses
            self.remote_lost = buf[at + 5] << 16 | _get16(buf, at + 6)
        high = _get16(buf, at + 12)
        self.remote_jitter = high << 16 | _get16(buf, at + 14) if high < 0x3FFF else 0x3FFFFFFF
        if _get16(buf, at + 16) | _get16(buf, at + 18):
            since_ms = (self._ntp_ms(now_ms) - _short_ms(buf, at + 16)) % _CLOCK_MS
            rtt = since_ms - _short_ms(buf, at + 20)
            if -2 <= rtt < 60000:
                self.rtt_ms = rtt if rtt > 0 else 0


def estimate_mos(loss_permille: int, delay_ms: int) -> int:
    """Return the E-model's mean opinion score times 100 of a G.711 call with concealment.

    *loss_permille* is sound lost or late at random, *delay_ms* from mouth to ear. G.107 with its
    defaults (R0 93.2), Ie 0 and Bpl 25.1 for G.711 with concealment (G.113 Appendix I).
    """
    rating = 9320 - 24 * delay_ms // 10
    if delay_ms > 177:
        rating -= 11 * (delay_ms - 177)
    rating -= 9500 * loss_permille // (loss_permille + 251)
    rating //= 10
    if rating <= 0:
        return 100
    return 100 + 35 * rating // 100 + rating * (rating - 600) * (1000 - rating) * 7 // 10000000
