"""Short messages over IP: what a MESSAGE of type application/vnd.3gpp.sms carries (TS 24.341).

Two layers. RP (TS 24.011 7.3) goes between phone and service centre and is acknowledged by
RP-ACK or RP-ERROR in a MESSAGE of its own; inside RP-DATA is a TPDU (TS 23.040 9.2.2): SUBMIT on
its way out, DELIVER and STATUS-REPORT on their way in. Receiving is parse_rp(), then parse_tpdu()
of the span it found; sending is put_submit() for each of the parts that split() makes.
Everything malformed is a ParseError with status 400 and the offset.
"""

from micropython import const

from usip.errors import ParseError
from usip.ims import gsm7

CONTENT_TYPE = b"application/vnd.3gpp.sms"

# RP messages (TS 24.011 8.2.2); those the network sends are odd.
_RP_DATA = const(0)
_RP_ACK = const(2)
_RP_ERROR = const(4)
_RP_SMMA = const(6)
_RP_USER_DATA = const(0x41)  # 8.2.5.3

# TPDU types (TS 23.040 9.2.3.1)
_DELIVER = const(0)
_SUBMIT = const(1)
_STATUS_REPORT = const(2)

_TON_INTERNATIONAL = const(0x91)  # with the numbering plan of E.164
_TON_UNKNOWN = const(0x81)
_ALPHANUMERIC = const(5)
_VALIDITY_RELATIVE = const(0x10)
_STATUS_REQUESTED = const(0x20)
_HAS_HEADER = const(0x40)
_UCS2 = const(8)  # data coding scheme (TS 23.038 4)
_USER_DATA_MAX = const(140)
_DIGITS = "0123456789*#abc"  # TS 24.008 table 10.5.118; 15 fills up


class RPMessage:
    """A message of the relay layer."""

    def __init__(self) -> None:
        self.kind = -1  # 0 RP-DATA, 2 RP-ACK, 4 RP-ERROR, 6 RP-SMMA, whoever sent it
        self.is_from_network = False
        self.reference = 0
        self.address = ""  # the service centre's, in RP-DATA
        self.cause = 0  # of RP-ERROR, TS 24.011 8.2.5.4
        self.start = self.end = 0  # the TPDU, a span of what was parsed


class ShortMessage:
    """A TPDU."""

    def __init__(self) -> None:
        self.kind = -1  # 0 DELIVER, 1 SUBMIT, 2 STATUS-REPORT
        self.address = ""  # originator or recipient: "+1555...", "1555" or a name
        self.text = ""
        self.data = b""  # instead of text when the coding is 8-bit
        self.reference = -1  # TP-MR, of SUBMIT and STATUS-REPORT
        self.status = -1  # TP-ST of a STATUS-REPORT: below 32 delivered, below 64 still trying
        self.time = ()  # year, month, day, hour, minute, second, quarters of an hour from UTC
        self.part = (0, 1, 1)  # reference, number of parts, which part this is


class _Octets:
    """A span read from its start; a ParseError where it ends too early."""

    def __init__(self, buf: bytes, start: int, end: int) -> None:
        self.buf = buf
        self.at = start
        self.end = end

    def skip(self, count: int) -> int:
        """Return the offset of the next *count* octets, which are passed over."""
        at = self.at
        if count > self.end - at:
            raise ParseError(400, at, "short message cut off")
        self.at = at + count
        return at

    def octet(self) -> int:
        return self.buf[self.skip(1)]

    def take(self, count: int) -> bytes:
        at = self.skip(count)
        return bytes(memoryview(self.buf)[at : at + count])


def _bcd(octets: bytes, digits: int) -> str:
    """Return *digits* digits of *octets*, low half first."""
    text = ""
    for i in range(digits):
        digit = octets[i >> 1] >> 4 if i & 1 else octets[i >> 1] & 15
        if digit == 15:
            break
        text += _DIGITS[digit]
    return text


def _number(kind: int, octets: bytes, digits: int) -> str:
    plus = "+" if kind & 0x70 == 0x10 else ""
    return plus + _bcd(octets, digits)


def _read_address(octets: _Octets) -> str:
    """Return a TP address, whose length is in digits (TS 23.040 9.1.2.5)."""
    digits = octets.octet()
    if digits > 20:
        raise ParseError(400, octets.at - 1, "address over 20 digits")
    kind = octets.octet()
    value = octets.take((digits + 1) // 2)
    if kind >> 4 & 7 == _ALPHANUMERIC:
        return gsm7.decode(gsm7.unpack(value, 0, digits * 4 // 7))
    return _number(kind, value, digits)


def _read_rp_address(octets: _Octets) -> str:
    """Return an RP address, whose length is in octets (TS 24.011 8.2.5.1, 8.2.5.2)."""
    length = octets.octet()
    if not length:
        return ""
    if length > 11:
        raise ParseError(400, octets.at - 1, "RP address over 11 octets")
    kind = octets.octet()
    return _number(kind, octets.take(length - 1), 2 * (length - 1))


def parse_rp(buf: bytes, start: int, end: int) -> RPMessage:
    """Return the relay message in buf[start:end], of either direction."""
    octets = _Octets(buf, start, end)
    rp = RPMessage()
    kind = octets.octet() & 7
    rp.is_from_network = bool(kind & 1)
    rp.kind = kind & 6
    rp.reference = octets.octet()
    if rp.kind == _RP_DATA:
        originator = _read_rp_address(octets)
        rp.address = _read_rp_address(octets) or originator
        length = octets.octet()
    elif rp.kind == _RP_ERROR:
        cause = octets.take(octets.octet())
        if not cause:
            raise ParseError(400, octets.at, "RP-ERROR without a cause")
        rp.cause = cause[0] & 0x7F
    if rp.kind in (_RP_ACK, _RP_ERROR):
        length = 0
        if octets.at < end and octets.octet() == _RP_USER_DATA:
            length = octets.octet()
    if rp.kind != _RP_SMMA:
        rp.start = octets.skip(length)
        rp.end = octets.at
    return rp


def _read_time(octets: _Octets) -> tuple:
    """Return a time stamp (TS 23.040 9.2.3.11); digits that are none count as they are."""
    fields = [(octet & 15) * 10 + (octet >> 4) for octet in octets.take(6)]
    zone = octets.octet()
    quarters = (zone & 7) * 10 + (zone >> 4)
    fields[0] += 2000
    fields.append(-quarters if zone & 8 else quarters)
    return tuple(fields)


def _coding(dcs: int) -> int:
    """Return 0 for the GSM alphabet, 1 for data, 2 for UCS2 (TS 23.038 4)."""
    if dcs & 0xC0 == 0 or dcs & 0xC0 == 0x40:
        return 3 if dcs & 0x20 else dcs >> 2 & 3  # compressed text is nothing we can read
    if dcs & 0xF0 == 0xF0:
        return dcs >> 2 & 1
    return 2 if dcs & 0xF0 == 0xE0 else 0


def _ucs2(octets: bytes) -> str:
    """Return UTF-16 as text; a surrogate without its other half is U+FFFD."""
    text = []
    high = 0
    for i in range(0, len(octets) - 1, 2):
        code = octets[i] << 8 | octets[i + 1]
        if high and 0xDC00 <= code < 0xE000:
            text[-1] = chr(0x10000 + ((high & 0x3FF) << 10) + (code & 0x3FF))
            high = 0
            continue
        high = code if 0xD800 <= code < 0xDC00 else 0
        text.append(chr(0xFFFD if 0xD800 <= code < 0xE000 else code))
    return "".join(text)


def _read_header(message: ShortMessage, header: bytes, at: int) -> None:
    """Take the concatenation element of a user data header (TS 23.040 9.2.3.24.1, .8)."""
    i = 0
    while i + 2 <= len(header):
        value = header[i + 2 : i + 2 + header[i + 1]]
        if len(value) != header[i + 1]:
            raise ParseError(400, at + i, "user data header cut off")
        number = value[-2:]
        if (header[i], len(value)) in ((0, 3), (8, 4)) and 0 < number[1] <= number[0]:
            reference = value[0] if header[i] == 0 else value[0] << 8 | value[1]
            message.part = (reference, number[0], number[1])
        i += 2 + len(value)


def _read_user_data(message: ShortMessage, octets: _Octets, first: int, dcs: int) -> None:
    """Take TP-UDL and TP-UD (TS 23.040 9.2.3.16, 9.2.3.24)."""
    length = octets.octet()
    coding = _coding(dcs)
    is_septets = coding == 0
    count = (7 * length + 7) // 8 if is_septets else length
    if count > _USER_DATA_MAX:
        raise ParseError(400, octets.at - 1, "user data over 140 octets")
    at = octets.at
    data = octets.take(count)
    skipped = 0
    if first & _HAS_HEADER and data:
        skipped = data[0] + 1
        if skipped > len(data):
            raise ParseError(400, at, "user data header cut off")
        _read_header(message, data[1:skipped], at)
    if is_septets:
        lead = (8 * skipped + 6) // 7
        message.text = gsm7.decode(gsm7.unpack(data, 0, length)[lead:])
    elif coding == 2:
        message.text = _ucs2(data[skipped:])
    else:
        message.data = data[skipped:]


def parse_tpdu(buf: bytes, start: int, end: int) -> ShortMessage:
    """Return the TPDU in buf[start:end]: DELIVER and STATUS-REPORT as received, SUBMIT as sent."""
    octets = _Octets(buf, start, end)
    message = ShortMessage()
    first = octets.octet()
    message.kind = first & 3
    if message.kind == _SUBMIT or message.kind == _STATUS_REPORT:
        message.reference = octets.octet()
    elif message.kind != _DELIVER:
        raise ParseError(400, start, "reserved message type")
    message.address = _read_address(octets)
    if message.kind == _STATUS_REPORT:
        message.time = _read_time(octets)
        octets.skip(7)  # the discharge time
        message.status = octets.octet()
        return message
    octets.skip(1)  # the protocol identifier
    dcs = octets.octet()
    if message.kind == _DELIVER:
        message.time = _read_time(octets)
    else:
        octets.skip((0, 7, 1, 7)[first >> 3 & 3])  # the validity period
    _read_user_data(message, octets, first, dcs)
    return message


# -- sending


def _pack_number(number: str):
    """Return type and digits of a telephone number; ValueError when it is none."""
    digits = number[1:] if number.startswith("+") else number
    octets = bytearray((len(digits) + 1) // 2)
    for i in range(len(octets) * 2):
        digit = _DIGITS.find(digits[i]) if i < len(digits) else 15
        if digit < 0:
            raise ValueError("not a telephone number: " + number)
        octets[i >> 1] |= digit << 4 if i & 1 else digit
    if not 0 < len(digits) <= 20:
        raise ValueError("a telephone number has 1 to 20 digits")
    return _TON_INTERNATIONAL if number != digits else _TON_UNKNOWN, octets


def split(text: str) -> list:
    """Return the parts of *text*: one, or several that need a concatenation header.

    Each is bytes of septets when the whole fits the GSM alphabet, else a str for UCS2. An escape
    and a surrogate pair are not torn apart. ValueError over 255 parts.
    """
    septets = gsm7.encode(text)
    if septets is None:
        whole, single, several = text, 70, 67
    else:
        whole, single, several = septets, 160, 153
    parts = []
    start = 0
    while start < len(whole) or not parts:
        limit = single if not parts and _units(whole) <= single else several
        end = _part_end(whole, start, limit)
        parts.append(whole[start:end])
        start = end
    if len(parts) > 255:
        raise ValueError("over 255 parts")
    return parts


def _units(whole) -> int:
    """Return the septets, or the 16-bit units of UTF-16, of a part."""
    if isinstance(whole, bytes):
        return len(whole)
    return sum(2 if ord(c) > 0xFFFF else 1 for c in whole)


def _part_end(whole, start: int, limit: int) -> int:
    """Return where the part from *start* of at most *limit* units ends."""
    if isinstance(whole, bytes):
        end = min(start + limit, len(whole))
        return end - 1 if end < len(whole) and whole[end - 1] == 0x1B else end
    end = start
    while end < len(whole):
        limit -= 2 if ord(whole[end]) > 0xFFFF else 1
        if limit < 0:
            break
        end += 1
    return end


def _user_data(part, header: bytes):
    """Return TP-DCS, TP-UDL and TP-UD of *part* behind *header*."""
    if isinstance(part, bytes):
        lead = (8 * len(header) + 6) // 7
        packed = gsm7.pack(part, 7 * lead - 8 * len(header))
        return 0, lead + len(part), header + packed
    data = bytearray(header)
    for c in part:
        code = ord(c)
        if code > 0xFFFF:
            code -= 0x10000
            data += bytes((0xD8 | code >> 18, code >> 10 & 0xFF))
            code = 0xDC00 | code & 0x3FF
        data += bytes((code >> 8, code & 0xFF))
    return _UCS2, len(data), data


def put_submit(
    writer,
    reference: int,
    service_centre: str,
    number: str,
    part,
    concatenation=None,
    wants_report: bool = False,
) -> None:
    """Append RP-DATA with a SUBMIT of *part*, from split(), to *number*.

    *reference* (0-255) is that of the relay layer and, for the status report, of the message.
    *concatenation* is (reference, number of parts, which part from 1). ValueError when a number
    is none.
    """
    kind, digits = _pack_number(number)
    first = _SUBMIT | _VALIDITY_RELATIVE
    header = b""
    if concatenation:
        first |= _HAS_HEADER
        header = b"\x05\x00\x03" + bytes(concatenation)
    if wants_report:
        first |= _STATUS_REQUESTED
    dcs, length, data = _user_data(part, header)
    count = len(number) - (kind == _TON_INTERNATIONAL)
    tpdu = bytes((first, reference, count, kind)) + digits
    tpdu += bytes((0, dcs, 0xFF, length)) + data  # 0xFF: valid for 63 weeks (9.2.3.12.1)
    kind, digits = _pack_number(service_centre)
    writer.put(bytes((_RP_DATA, reference, 0, 1 + len(digits), kind))).put(digits)
    writer.put(bytes((len(tpdu),))).put(tpdu)


def put_ack(writer, reference: int) -> None:
    """Append the RP-ACK of the RP-DATA *reference*, with an empty DELIVER-REPORT."""
    writer.put(bytes((_RP_ACK, reference, _RP_USER_DATA, 2, 0, 0)))


def put_error(writer, reference: int, cause: int) -> None:
    """Append the RP-ERROR of the RP-DATA *reference* (TS 24.011 8.2.5.4).

    Causes: 22 memory full, 95 semantically incorrect, 96 mandatory information invalid,
    111 protocol error.
    """
    writer.put(bytes((_RP_ERROR, reference, 1, cause)))
