"""An ISIM or USIM in a modem, reached by AT commands over a UART (TS 27.007 8.17, 8.45-8.47).

The application is opened on a logical channel of its own with AT+CCHO and spoken to with AT+CGLA;
a modem that knows neither gets MANAGE CHANNEL and SELECT through AT+CSIM. A card without an ISIM
lends its USIM: the identities are then those of its IMSI (TS 23.003 13), whose MNC length EF-AD
tells.

Nothing blocks: start() and authenticate() write a command and return, poll() reads what has come
and writes the next one, until it returns something else than PENDING. A conversation is a
generator that yields APDUs and is sent the answers.
"""

from binascii import hexlify, unhexlify

from micropython import const

from usip import ticks
from usip.ims.imsi import identities, is_digits

_OK = const(0)  # the results of isim.authenticate()
_SYNC_FAILURE = const(1)
_MAC_FAILURE = const(2)
_UNAVAILABLE = const(3)
_PENDING = const(4)

_LINE_MAX = const(600)  # 256 octets in hexadecimal and what is around them
_READ_MAX = const(64)
_STALE_READS = const(32)
_IMPUS_MAX = const(8)
_DOMAIN_TAG = const(0x80)  # TS 31.103 4.2.2 to 4.2.4

_ISIM_AID = b"A0000000871004"  # ETSI TS 101 220 annex E
_USIM_AID = b"A0000000871002"
_EF_IMPI = b"6F02"
_EF_DOMAIN = b"6F03"
_EF_IMPU = b"6F04"
_EF_IMSI = b"6F07"
_EF_AD = b"6FAD"
_SW_MAC_FAILURE = const(0x9862)  # TS 31.102 7.3.1


class ModemISIM:
    """The ISIM behind *uart*, an object with write(octets) and a non-blocking read(n).

    Call start() once and poll() until it is not PENDING: OK means that the identities are read.
    A command without an answer in *timeout_ms* ends in UNAVAILABLE; so does all that is no
    answer. Then start() may be tried again.
    """

    def __init__(self, uart, timeout_ms: int = 5000) -> None:
        self.impi = b""
        self.impus = ()
        self.domain = b""
        self.is_usim = False
        self._uart = uart
        self._timeout_ms = timeout_ms
        self._line = bytearray(_LINE_MAX)
        self._line_end = 0
        self._task = None
        self._deadline = ticks.NEVER
        self._answer = b""  # octets of the last +CGLA or +CSIM, or the channel of +CCHO
        self._channel = -1
        self._has_cgla = True
        self.forget()

    def __repr__(self) -> str:
        return "<ModemISIM %s>" % self.impi.decode()

    def forget(self) -> None:
        """Drop the results of the last authentication."""
        self.res = self.ck = self.ik = self.auts = b""

    def start(self, now_ms: int) -> int:
        """Open the application and read the identities."""
        self._channel = -1
        self._has_cgla = True
        return self._run(self._open(), now_ms)

    def authenticate(self, rand: bytes, autn: bytes) -> int:
        """Have the card judge a challenge, 16 octets each; PENDING until poll() says more."""
        self.forget()
        if self._task is not None or self._channel < 0 or len(rand) != 16 or len(autn) != 16:
            return _UNAVAILABLE
        apdu = b"00880081" + b"2210" + hexlify(rand).upper() + b"10" + hexlify(autn).upper()
        return self._run(self._authenticate(apdu), ticks.NEVER)

    def _run(self, task, now_ms: int) -> int:
        """Begin a conversation; the time-out runs from the first poll() when now_ms is NEVER."""
        for _ in range(_STALE_READS):  # what came too late for the conversation before
            if not self._uart.read(_READ_MAX):
                break
        self._task = task
        self._line_end = 0
        self._answer = b""
        self._deadline = now_ms
        if now_ms >= 0:
            self._deadline = ticks.ticks_add(now_ms, self._timeout_ms)
        return self._advance(None)

    def poll(self, now_ms: int) -> int:
        """Read what the modem said; PENDING as long as it has more to say."""
        if self._task is None:
            return _UNAVAILABLE
        if self._deadline < 0:
            self._deadline = ticks.ticks_add(now_ms, self._timeout_ms)
        octets = self._uart.read(_READ_MAX)
        while octets:
            for octet in octets:
                result = self._take(octet, now_ms)
                if result != _PENDING:
                    return result
            octets = self._uart.read(_READ_MAX)
        if ticks.ticks_diff(now_ms, self._deadline) >= 0:
            return self._end(_UNAVAILABLE)
        return _PENDING

    def _take(self, octet: int, now_ms: int) -> int:
        """Collect a line; act on the whole one."""
        if octet != 0x0A and octet != 0x0D:
            if self._line_end < _LINE_MAX:
                self._line[self._line_end] = octet
                self._line_end += 1
            return _PENDING
        line = bytes(memoryview(self._line)[: self._line_end])
        self._line_end = 0
        if line == b"OK" or line == b"ERROR" or line.startswith(b"+CME ERROR"):
            self._deadline = ticks.ticks_add(now_ms, self._timeout_ms)
            answer = self._answer if line == b"OK" else b""
            self._answer = b""
            return self._advance(answer)
        if line.startswith(b"+CGLA:") or line.startswith(b"+CSIM:"):
            self._answer = _quoted_hex(line)
        elif line.startswith(b"+CCHO:"):
            self._answer = line[6:].strip()
        elif is_digits(line.decode() if _is_ascii(line) else ""):
            self._answer = line  # some modems give the channel of AT+CCHO alone
        return _PENDING

    def _advance(self, answer) -> int:
        """Give the conversation its answer, write what it says next."""
        try:
            command = self._task.send(answer)
        except StopIteration as stop:
            return self._end(stop.value)
        self._uart.write(command + b"\r")
        return _PENDING

    def _end(self, result: int) -> int:
        self._task = None
        if result == _UNAVAILABLE:
            self._channel = -1
        return result

    # -- conversations: generators of command lines

    def _open(self):
        """Open the ISIM, or else the USIM, and read who we are."""
        yield b"ATE0"
        for aid in (_ISIM_AID, _USIM_AID):
            self.is_usim = aid == _USIM_AID
            yield from self._select_application(aid)
            if self._channel >= 0:
                break
        else:
            return _UNAVAILABLE
        if self.is_usim:
            return (yield from self._read_usim())
        return (yield from self._read_isim())

    def _select_application(self, aid: bytes):
        """Open a channel with *aid* selected; _channel stays -1 when that is not possible."""
        answer = yield b'AT+CCHO="' + aid + b'"'
        if len(answer) < 4 and _is_ascii(answer) and is_digits(answer.decode()):
            self._has_cgla = True
            self._channel = int(answer)
            return
        self._has_cgla = False
        self._channel = 0  # MANAGE CHANNEL goes over the basic one
        answer = yield from self._transmit(b"0070000001")
        channel = answer[0] if answer[1:] == b"\x90\x00" else 0
        if not 0 < channel < 4:
            self._channel = -1
            return
        self._channel = channel
        answer = yield from self._transmit(b"00A4040407" + aid)
        if not _is_good(answer):
            self._channel = 0
            yield from self._transmit(b"007080%02X" % channel)
            self._channel = -1

    def _transmit(self, apdu: bytes):
        """Return data and status word of *apdu* (hexadecimal, class 00), empty without an answer.

        More data announced by 61xx is fetched, a length told by 6Cxx is used (TS 102 221 7.3.1).
        """
        answer = yield self._command(apdu)
        data = answer[:-2]
        for _ in range(4):
            if len(answer) < 2 or answer[-2] not in (0x61, 0x6C):
                break
            if answer[-2] == 0x61:
                answer = yield self._command(b"00C00000%02X" % answer[-1])
            else:
                answer = yield self._command(apdu[:8] + b"%02X" % answer[-1])
            data += answer[:-2]
        return data + answer[-2:] if len(answer) >= 2 else b""

    def _command(self, apdu: bytes) -> bytes:
        """Return the command line for *apdu*, our channel in its class (TS 102 221 10.1.1)."""
        apdu = b"%02X" % (int(apdu[:2]) | max(self._channel, 0)) + apdu[2:]
        if self._has_cgla:
            return b'AT+CGLA=%d,%d,"%s"' % (self._channel, len(apdu), apdu)
        return b'AT+CSIM=%d,"%s"' % (len(apdu), apdu)

    def _read_file(self, file: bytes, record: int = 0):
        """Return the contents of a transparent *file*, or of one record; empty without it."""
        answer = yield from self._transmit(b"00A4000402" + file)
        if not _is_good(answer):
            return b""
        command = b"00B2%02X0400" % record if record else b"00B0000000"
        answer = yield from self._transmit(command)
        return answer[:-2] if _is_good(answer) else b""

    def _read_isim(self):
        self.impi = _text((yield from self._read_file(_EF_IMPI)))
        self.domain = _text((yield from self._read_file(_EF_DOMAIN)))
        impus = []
        for record in range(1, _IMPUS_MAX + 1):
            impu = _text((yield from self._read_file(_EF_IMPU, record)))
            if not impu:
                break
            impus.append(impu)
        self.impus = tuple(impus)
        return _OK if self.impi and self.domain and impus else _UNAVAILABLE

    def _read_usim(self):
        imsi = _imsi((yield from self._read_file(_EF_IMSI)))
        data = yield from self._read_file(_EF_AD)
        mnc_digits = data[3] & 15 if len(data) > 3 else 0
        try:
            self.impi, impu, self.domain = identities(imsi, mnc_digits)
        except ValueError:
            return _UNAVAILABLE
        self.impus = (impu,)
        return _OK

    def _authenticate(self, apdu: bytes):
        """AUTHENTICATE in the 3G or IMS AKA context (TS 31.102 7.1.2, TS 31.103 7.1.2)."""
        answer = yield from self._transmit(apdu)
        if len(answer) < 2:
            return _UNAVAILABLE
        if answer[-2] << 8 | answer[-1] == _SW_MAC_FAILURE:
            return _MAC_FAILURE
        values = _values(answer[1:-2])
        if answer[:1] == b"\xdc" and len(values) == 1 and len(values[0]) == 14:
            self.auts = values[0]
            return _SYNC_FAILURE
        if answer[:1] != b"\xdb" or len(values) < 3 or not 4 <= len(values[0]) <= 16:
            return _UNAVAILABLE
        if len(values[1]) != 16 or len(values[2]) != 16:
            return _UNAVAILABLE
        self.res, self.ck, self.ik = values[:3]
        return _OK


def _is_ascii(octets: bytes) -> bool:
    for octet in octets:
        if octet > 126:
            return False
    return True


def _is_good(answer: bytes) -> bool:
    """Return whether the status word says success, data or none."""
    return len(answer) >= 2 and answer[-2] in (0x90, 0x91)


def _quoted_hex(line: bytes) -> bytes:
    """Return the octets of the hexadecimal behind the last comma, quoted or not."""
    try:
        return unhexlify(line[line.rfind(b",") + 1 :].strip().strip(b'"'))
    except ValueError:
        return b""


def _values(octets: bytes) -> list:
    """Return the values of a string of lengths and values; a cut one is left out."""
    values = []
    at = 0
    while at < len(octets) and at + 1 + octets[at] <= len(octets):
        values.append(octets[at + 1 : at + 1 + octets[at]])
        at += 1 + octets[at]
    return values


def _text(octets: bytes) -> bytes:
    """Return the text in a data object with tag 80, empty when there is none."""
    if len(octets) < 3 or octets[0] != _DOMAIN_TAG or octets[1] > 127:
        return b""
    text = octets[2 : 2 + octets[1]]
    if len(text) != octets[1] or not _is_ascii(text) or min(text) < 33:
        return b""
    return text


def _imsi(octets: bytes) -> str:
    """Return the IMSI of EF-IMSI: length, then digits behind a parity half (TS 31.102 4.2.2)."""
    if len(octets) < 2 or not 0 < octets[0] < len(octets) or octets[0] > 8:
        return ""
    digits = hexlify(bytes((o << 4 | o >> 4) & 0xFF for o in octets[1 : 1 + octets[0]]))
    return digits[1:].decode().rstrip("f")
