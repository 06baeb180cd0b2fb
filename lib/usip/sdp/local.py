"""Our own description of the one stream of audio, as an offer and as an answer.

Theory of operation: everything is written straight into the send buffer, in the order the builder
enforces. The version in the o= line is one more whenever anything below that line differs from the
description sent before (RFC 3264 8); a 25-bit sum of those octets is all that is remembered.
"""

from micropython import const

from usip.errors import BufferFull
from usip.octets import find_octet
from usip.sdp.octets import checksum
from usip.sdp.remote import CN, PROFILES
from usip.sdp.write import Builder

_A = const(97)
_B = const(98)
_C = const(99)
_M = const(109)
_O = const(111)
_S = const(115)
_T = const(116)
_V = const(118)
_COLON = const(58)

# The first three need no rtpmap to be understood (RFC 3551 6); G.722 has 16 kHz in truth.
_KNOWN = (
    (0, b"PCMU", b"pcmu", 8000),
    (8, b"PCMA", b"pcma", 8000),
    (9, b"G722", b"g722", 8000),
    (96, b"L16", b"l16", 8000),
)


def make_formats(codecs, telephone_event: int, has_noise: bool = False) -> tuple:
    """Return the formats for *codecs*: one each, then a telephone-event for every clock rate.

    With *has_noise* CN is the last (RFC 3389).

    A codec is one of `_KNOWN`, by its payload type or its name as str, or a tuple (payload type,
    encoding name, clock rate).
    *telephone_event* is the payload type of the first, the next has one more; 0: none.
    """
    formats = []
    rates = []
    for codec in codecs:
        if isinstance(codec, tuple):
            formats.append((codec[0], codec[1], codec[1].lower(), codec[2]))
        else:
            formats.append(_find(codec))
        if formats[-1][3] not in rates:
            rates.append(formats[-1][3])
    if telephone_event:
        for i, rate in enumerate(rates):
            formats.append((telephone_event + i, b"telephone-event", b"telephone-event", rate))
    if has_noise:
        formats.append((CN, b"CN", b"cn", 8000))
    return tuple(formats)


def is_usual(formats: tuple, codecs: int) -> bool:
    """Return whether the first *codecs* formats are PCMU and PCMA, as nobody has to configure."""
    return formats[:codecs] == _KNOWN[:2]


def _find(codec):
    if isinstance(codec, str):
        codec = codec.encode()
    for known in _KNOWN:
        if codec == known[0] or codec == known[1]:
            return known
    raise ValueError("codec %s" % codec)


_DIRECTIONS = (b"inactive", b"sendonly", b"recvonly", b"sendrecv")


class LocalDescription:
    """What we say of our stream; the attributes may be changed between exchanges.

    address, rtp_port, rtcp_port (0: rtp_port + 1), ptime, maxptime (ms, 0: not said),
    bandwidth (AS in kbit/s, RS, RR in bit/s; or None), has_rtcp_mux, extensions;
    numbers: our payload type of each format; slot: the index of our m= line.
    """

    def __init__(self, formats: tuple, address: bytes, rtp_port: int, session_id: int) -> None:
        self.formats = formats
        self.numbers = bytearray(len(formats))
        for i in range(len(formats)):
            self.numbers[i] = formats[i][0]
        self.address = address
        self.rtp_port = rtp_port
        self.rtcp_port = 0
        self.ptime = 20
        self.maxptime = 0
        for known in formats:
            if known[1] == b"L16":
                self.maxptime = 20  # longer packets fill no receive buffer of ours
        self.bandwidth = None
        self.has_rtcp_mux = False
        self.extensions = ()
        self.slot = 0
        self._session_id = session_id
        self._version = 1
        self._checksum = -1  # of the description last sent, -1: none
        self._builder = Builder()

    def take_over_number(self, remote, i: int) -> None:
        """Use the payload type the far side's offer has for format *i* from now on."""
        if i < 0:
            return
        numbers = self.numbers
        for other in range(len(numbers)):
            if numbers[other] == remote.numbers[i]:
                numbers[other] = numbers[i]  # ours for another format: they change places
        numbers[i] = remote.numbers[i]

    def put(self, writer, remote, direction: int, is_answer: bool) -> None:
        """Append an offer, or the answer to *remote*; BufferFull writes nothing.

        An offer keeps the m= lines of *remote*, what the far side last agreed to.
        """
        at = writer.end
        try:
            n = self._put(writer, self._version, remote, direction, is_answer)
            if n != self._checksum and self._checksum >= 0:
                writer.reset(at)
                self._put(writer, self._version + 1, remote, direction, is_answer)
                self._version += 1
        except BufferFull:
            writer.reset(at)
            raise
        self._checksum = n

    def put_capabilities(self, writer) -> None:
        """Append what we could do (RFC 3264 9): port 0; BufferFull writes nothing."""
        at = writer.end
        builder = self._builder.start(writer)
        try:
            self._put_session(builder, self._version)
            self._put_media(builder, 0, 0, None)
            self._put_rtpmaps(builder, None)
        except BufferFull:
            writer.reset(at)
            raise

    def _put(self, writer, version, remote, direction, is_answer):
        builder = self._builder.start(writer)
        body_at = self._put_session(builder, version)
        slot = remote.active if is_answer else self.slot
        count = remote.count if is_answer else max(remote.count, slot + 1)
        for i in range(count):
            if i == slot:
                self._put_stream(builder, remote, direction, is_answer)
            else:
                remote.put_refusal(builder.begin(_M), i)
                builder.end()
        builder.finish()
        return checksum(writer.buf, body_at, writer.end)

    def _put_session(self, builder, version):
        """Append the session part; return the offset of what the version is about."""
        is_ipv6 = find_octet(self.address, 0, len(self.address), _COLON) >= 0
        address_type = b" IN IP6 " if is_ipv6 else b" IN IP4 "
        builder.line(_V, b"0")
        builder.begin(_O).put(b"- ").put_uint(self._session_id).put(b" ").put_uint(version)
        builder.put(address_type).put(self.address).end()
        at = builder.writer.end
        builder.line(_S, b"-")
        builder.begin(_C).put_span(address_type, 1, len(address_type)).put(self.address).end()
        builder.line(_T, b"0 0")
        return at

    def _put_stream(self, builder, remote, direction, is_answer):
        profile = remote.profile if remote.active >= 0 else 0
        answered = remote if is_answer else None
        self._put_media(builder, self.rtp_port, profile, answered)
        if self.bandwidth:  # RFC 8866 5.8, RFC 3556
            builder.begin(_B).put(b"AS:").put_uint(self.bandwidth[0]).end()
            builder.begin(_B).put(b"RS:").put_uint(self.bandwidth[1]).end()
            builder.begin(_B).put(b"RR:").put_uint(self.bandwidth[2]).end()
        self._put_rtpmaps(builder, answered)
        builder.begin(_A).put(b"ptime:").put_uint(self.ptime).end()
        if self.maxptime:
            builder.begin(_A).put(b"maxptime:").put_uint(self.maxptime).end()
        builder.line(_A, _DIRECTIONS[direction])
        if self.rtcp_port and self.rtcp_port != self.rtp_port + 1:  # RFC 3605
            builder.begin(_A).put(b"rtcp:").put_uint(self.rtcp_port).end()
        if self.has_rtcp_mux and (not is_answer or remote.has_rtcp_mux):
            builder.line(_A, b"rtcp-mux")
        for extension in self.extensions:
            extension.put_attributes(builder, is_answer)

    def _number(self, i, answered):
        """Return the payload type to write for format *i*, or -1 when the answer has it not."""
        if answered is None:
            return self.numbers[i]
        if i != answered.choice and i != answered.event and i != answered.noise:
            return -1
        return answered.numbers[i]

    def _put_media(self, builder, port, profile, answered):
        builder.begin(_M).put(b"audio ").put_uint(port).put(b" ").put(PROFILES[profile])
        for i in range(len(self.formats)):
            number = self._number(i, answered)
            if number >= 0:
                builder.put(b" ").put_uint(number)
        builder.end()

    def _put_rtpmaps(self, builder, answered):
        for i in range(len(self.formats)):
            number = self._number(i, answered)
            if number < 0:
                continue
            name = self.formats[i][1]
            builder.begin(_A).put(b"rtpmap:").put_uint(number).put(b" ").put(name)
            builder.put(b"/").put_uint(self.formats[i][3]).end()
            if name == b"telephone-event":
                builder.begin(_A).put(b"fmtp:").put_uint(number).put(b" 0-16").end()
