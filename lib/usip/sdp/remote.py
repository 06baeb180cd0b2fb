"""What the far side's description says about the one stream of audio (RFC 3264, RFC 8866).

Theory of operation: lines are taken as the reader hands them out and only results are kept: for
every m= line the line that refuses it, and for the first audio line we could accept its port,
address, direction, times and, for each of our formats, the payload type and place it has there.
So an offer of any length leaves a few dozen octets behind, and whether it was an offer or an
answer may be decided afterwards.
"""

from array import array

from micropython import const

from usip.errors import ParseError
from usip.octets import copy, equals, equals_nocase, find_octet, parse_uint
from usip.sdp.octets import find_end, find_name, mark_formats

_KIND_A = const(97)
_KIND_B = const(98)
_KIND_C = const(99)
_KIND_M = const(109)

_SENDRECV = const(3)

_NONE = const(0xFF)
_DYNAMIC = const(96)  # the first payload type that has no fixed meaning (RFC 3551 6)
_LF = const(10)
_SP = const(32)
_SLASH = const(47)
_COLON = const(58)
_ADDRESS_BYTES = const(48)

# Attributes by index; the first four are the directions, bit 0 send and bit 1 receive.
_ATTRIBUTES = (
    b"\x08inactive\x08sendonly\x08recvonly\x08sendrecv\x06rtpmap\x05ptime\x08maxptime\x04rtcp"
    b"\x08rtcp-mux\x00"
)
_A_RTPMAP = const(4)
_A_PTIME = const(5)
_A_MAXPTIME = const(6)
_A_RTCP = const(7)
_A_RTCP_MUX = const(8)

CN = const(13)  # comfort noise, at 8 kHz (RFC 3389 4)
PROFILES = (b"RTP/AVP", b"RTP/AVPF", b"RTP/SAVP", b"RTP/SAVPF")
_PROFILES = b"\x07RTP/AVP\x08RTP/AVPF\x08RTP/SAVP\x09RTP/SAVPF\x00"
_BANDWIDTHS = b"\x02AS\x04TIAS\x02RS\x02RR\x00"


class RemoteDescription:
    """The results of one description; reusable. No method uses heap.

    *formats* is a tuple of ours, each (number, name, lower-case name, clock rate), the first
    *codecs* of them codecs, the others telephone-events. *places* is 128 octets of scratch.
    """

    def __init__(self, formats, codecs: int, profiles: int, media_bytes: int, places) -> None:
        self.formats = formats
        self._codecs = codecs
        self._profiles = profiles  # bit i: PROFILES[i] is acceptable
        self.lines = bytearray(media_bytes)  # for each m= line the one that refuses it
        self.numbers = bytearray(len(formats))  # payload type of our format i, 0xFF: none
        self._places = places  # scratch: 128 octets, the place of each payload type
        self._address = bytearray(2 * _ADDRESS_BYTES)  # of the session, of the stream
        self.bandwidth = array("i", (0, 0, 0, 0))  # AS, TIAS, RS, RR; -1: absent
        self.begin()

    def begin(self) -> None:
        """Expect the lines of another description."""
        self.count = 0  # m= lines
        self.lines_end = 0
        self.active = -1  # index of the audio line to accept, -1: none
        self.has_live = False  # an m= line has a port other than 0
        self._session_direction = _SENDRECV
        self._session_address_bytes = 0
        self._is_audio = False  # the part being read may become the active one
        self.prefers_ours = False  # the choice is by our order of codecs, not by theirs
        self.choice = -1  # index of the chosen codec
        self.event = -1  # index of the telephone-event at that codec's clock rate
        self.noise = -1  # and of comfort noise
        self._clear()

    def _clear(self):
        self.port = 0
        self.rtcp_port = 0  # 0: not given
        self.has_rtcp_mux = False
        self.direction = self._session_direction
        self.ptime = self.maxptime = 0  # 0: not given
        self.profile = 0
        self._address_bytes = 0
        for i in range(4):
            self.bandwidth[i] = -1
        for i in range(len(self.numbers)):
            self.numbers[i] = _NONE

    def take(self, reader, extensions) -> None:
        """Take the line *reader* stands at; ParseError when it is no proper line."""
        kind = reader.kind
        start = reader.start
        if kind == _KIND_M:
            self.finish()
            self._take_media(reader.buf, start, self._whole_words_end(reader))
            if self._is_audio:
                for extension in extensions:
                    extension.begin_section()
        elif self.active >= 0 or self.count and not self._is_audio or reader.is_cut:
            return  # a part nobody wants; a longer value than any of interest
        elif kind == _KIND_A:
            self._take_attribute(reader, extensions)
        elif kind == _KIND_C:
            self._take_connection(reader.buf, start, reader.end)
        elif kind == _KIND_B and self.count:
            colon = find_octet(reader.buf, start, reader.end, _COLON)
            index = find_name(_BANDWIDTHS, reader.buf, start, colon)
            if index >= 0:
                self.bandwidth[index] = parse_uint(reader.buf, colon + 1, reader.end)

    def finish(self) -> None:
        """The part before is complete: it is the active one if nothing is missing."""
        if not self._is_audio or self.active >= 0:
            return
        if not self._address_bytes:
            self._address_bytes = self._session_address_bytes
            copy(self._address, _ADDRESS_BYTES, self._address, 0, self._address_bytes)
        self._choose()
        if self._address_bytes and self.choice >= 0:
            self.active = self.count - 1

    def address(self) -> bytes:
        """Return a copy of the stream's connection address, without any TTL."""
        view = memoryview(self._address)
        return bytes(view[_ADDRESS_BYTES : _ADDRESS_BYTES + self._address_bytes])

    def has_address(self, address: bytes) -> bool:
        """Return whether *address* is the stream's connection address."""
        end = _ADDRESS_BYTES + self._address_bytes
        return equals(self._address, _ADDRESS_BYTES, end, address, len(address)) == 1

    def put_refusal(self, writer, index: int) -> None:
        """Append the m= line that refuses the stream *index*."""
        start = 0
        while index:
            start = find_octet(self.lines, start, self.lines_end, _LF) + 1
            index -= 1
        end = find_octet(self.lines, start, self.lines_end, _LF)
        writer.put_span(self.lines, start, end)

    def _choose(self):
        best = -1
        for i in range(self._codecs):
            number = self.numbers[i]
            if number == _NONE:
                continue
            if best < 0 or self._places[number] < self._places[self.numbers[best]]:
                best = i
            if self.prefers_ours:
                break
        self.choice = best
        self.event = self.noise = -1
        for i in range(self._codecs, len(self.formats)):
            if best >= 0 and self.formats[i][3] == self.formats[best][3]:
                if self.numbers[i] == CN:
                    self.noise = i
                elif self.numbers[i] != _NONE:
                    self.event = i

    def _whole_words_end(self, reader):
        end = reader.end
        while reader.is_cut and end > reader.start and reader.buf[end - 1] != _SP:
            end -= 1
        return end

    def _take_media(self, buf, start, end):
        """Take m=<media> <port>[/<number>] <proto> <fmt> ... (RFC 8866 5.14)."""
        media_end = find_end(buf, start, end, _SP)
        port_end = find_end(buf, media_end + 1, end, _SP)
        proto_end = find_end(buf, port_end + 1, end, _SP)
        fmt_end = find_end(buf, proto_end + 1, end, _SP)
        slash = find_octet(buf, media_end + 1, port_end, _SLASH)
        port = parse_uint(buf, media_end + 1, port_end if slash < 0 else slash)
        if media_end == start or not 0 <= port <= 65535 or port_end + 1 >= proto_end:
            raise ParseError(400, start, "m= line")
        # Lax: no format where the port is 0, because phones built on pjsip refuse video so
        if port and proto_end + 1 >= fmt_end:
            raise ParseError(400, start, "no format")
        self._keep(buf, start, media_end)
        self._keep(b" 0", 0, 2)
        if proto_end + 1 < fmt_end:
            self._keep(buf, port_end, fmt_end)
        else:
            self._keep(buf, port_end, proto_end)
            self._keep(b" 0", 0, 2)
        self._keep(b"\n", 0, 1)
        self.count += 1
        if port:
            self.has_live = True
        self._is_audio = False
        if self.active >= 0 or not port or not equals(buf, start, media_end, b"audio", 5):
            return
        self._clear()
        self.profile = find_name(_PROFILES, buf, port_end + 1, proto_end)
        if self.profile < 0 or not self._profiles >> self.profile & 1:
            return
        self._is_audio = True
        self.port = port
        mark_formats(self._places, buf, proto_end + 1, end)
        for i in range(len(self.formats)):
            number = self.formats[i][0]
            if number < _DYNAMIC and self._places[number] != _NONE:
                self.numbers[i] = number  # a static payload type (RFC 3551 6) needs no rtpmap

    def _keep(self, buf, start, end):
        """Append to the lines that refuse."""
        at = self.lines_end
        if end - start > len(self.lines) - at:
            raise ParseError(488, start, "too many m= lines")
        copy(self.lines, at, buf, start, end)
        self.lines_end = at + end - start

    def _take_attribute(self, reader, extensions):
        buf = reader.buf
        end = reader.end
        colon = find_end(buf, reader.start, end, _COLON)
        index = find_name(_ATTRIBUTES, buf, reader.start, colon)
        value = colon + 1
        if 0 <= index < _A_RTPMAP:
            self.direction = index
            if not self.count:
                self._session_direction = index
        elif index == _A_RTCP_MUX:
            self.has_rtcp_mux = True
        elif index == _A_RTPMAP:
            self._take_rtpmap(buf, value, end)
        elif index == _A_PTIME:
            self.ptime = max(0, parse_uint(buf, value, end))
        elif index == _A_MAXPTIME:
            self.maxptime = max(0, parse_uint(buf, value, end))
        elif index == _A_RTCP:  # RFC 3605: a port and perhaps an address, which is not used
            self.rtcp_port = max(0, parse_uint(buf, value, find_end(buf, value, end, _SP)))
        elif self.count:
            for extension in extensions:
                extension.receive_attribute(buf, reader.start, end)

    def _take_rtpmap(self, buf, start, end):
        """Take <payload type> <encoding name>/<clock rate>[/1] (RFC 8866 6.6)."""
        name = find_end(buf, start, end, _SP) + 1
        number = parse_uint(buf, start, name - 1)
        slash = find_octet(buf, name, end, _SLASH)
        if not self.count or not 0 <= number < 128 or slash < 0:
            return
        if self._places[number] == _NONE:
            return  # not in the m= line
        rate_end = find_octet(buf, slash + 1, end, _SLASH)
        if rate_end < 0:
            rate_end = end
        elif parse_uint(buf, rate_end + 1, end) != 1:
            return
        rate = parse_uint(buf, slash + 1, rate_end)
        for i in range(len(self.formats)):
            ours = self.formats[i]
            had = self.numbers[i]
            if rate == ours[3] and equals_nocase(buf, name, slash, ours[2], len(ours[2])):
                if had == _NONE or self._places[number] < self._places[had]:
                    self.numbers[i] = number
            elif had == number:
                self.numbers[i] = _NONE  # a static payload type used for something else

    def _take_connection(self, buf, start, end):
        """Take <nettype> <addrtype> <address>[/<ttl>] (RFC 8866 5.7); the first of a part."""
        start = find_end(buf, find_end(buf, start, end, _SP) + 1, end, _SP) + 1
        end = find_end(buf, start, end, _SP)  # Lax: words behind it, because a phone has "UNHOLD"
        slash = find_octet(buf, start, end, _SLASH)
        if slash >= 0:
            end = slash
        n = end - start
        if n <= 0 or n > _ADDRESS_BYTES:
            return  # as good as absent
        if not self.count:
            copy(self._address, 0, buf, start, end)
            self._session_address_bytes = n
        elif not self._address_bytes:
            copy(self._address, _ADDRESS_BYTES, buf, start, end)
            self._address_bytes = n
