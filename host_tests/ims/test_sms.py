"""Short messages: the GSM alphabet, packed septets, TPDUs and the relay layer."""

from binascii import hexlify, unhexlify

from usip.errors import ParseError
from usip.ims import gsm7, sms
from usip.writer import Writer

DELIVER, SUBMIT, STATUS_REPORT = 0, 1, 2
RP_DATA, RP_ACK, RP_ERROR, RP_SMMA = 0, 2, 4, 6

# "hellohello" to +27381000015, long known from tutorials (SMSC address removed).
TUTORIAL_SUBMIT = unhexlify("11000B917283010010F50000AA0AE8329BFD4697D9EC37")
# "hellohello" from +27838890001 on 1999-03-29 15:16:59 +2:00 zone as printed there.
TUTORIAL_DELIVER = unhexlify("040B917238880900F10000993092516195800AE8329BFD4697D9EC37")


def submitted(number, part, **settings):
    """Return what a service centre finds in the RP-DATA we send."""
    w = Writer(bytearray(260))
    sms.put_submit(w, 42, "+15550100999", number, part, **settings)
    rp = sms.parse_rp(w.buf, 0, w.end)
    assert (rp.kind, rp.reference, rp.address) == (RP_DATA, 42, "+15550100999")
    assert not rp.is_from_network and rp.end == w.end
    return sms.parse_tpdu(w.buf, rp.start, rp.end)


def deliver(dcs, length, data, first=0x04, address=b"\x0b\x91\x72\x38\x88\x09\x00\xf1"):
    octets = bytes((first,)) + address + bytes((0, dcs)) + unhexlify("99309251619580")
    return octets + bytes((length,)) + data


def parsed(octets):
    return sms.parse_tpdu(octets, 0, len(octets))


def test_alphabet_has_128_characters_none_twice():
    characters = set(gsm7._ALPHABET)
    assert len(gsm7._ALPHABET) == len(characters) == 128
    assert not characters & set(gsm7._EXTENSION)
    assert len(gsm7._EXTENSION) == len(gsm7._EXTENSION_SEPTETS) == 10


def test_positions_of_the_alphabet():
    for c, septet in (
        ("@", 0),
        ("\n", 10),
        ("\u0394", 16),
        ("\u00c9", 31),
        (" ", 32),
        ("\u00a4", 36),
        ("0", 48),
        ("\u00a1", 64),
        ("A", 65),
        ("\u00a7", 95),
        ("\u00bf", 96),
        ("a", 97),
        ("\u00e0", 127),
    ):
        assert gsm7.encode(c) == bytes((septet,)), septet


def test_every_character_survives_the_way_there_and_back():
    for c in gsm7._ALPHABET + gsm7._EXTENSION:
        if c != "\x1b":
            assert gsm7.decode(gsm7.encode(c)) == c
    assert gsm7.encode("\u20ac{") == b"\x1b\x65\x1b\x28"
    assert gsm7.encode("\x1b") is None
    assert gsm7.encode("\u4f60") is None and gsm7.encode("`") is None


def test_escapes_without_meaning():
    assert gsm7.decode(b"\x1b\x41") == "A"
    assert gsm7.decode(b"A\x1b") == "A "
    assert gsm7.decode(b"\x1b\x1b") == " "


def test_septets_are_packed_as_printed():
    assert hexlify(gsm7.pack(gsm7.encode("hellohello"))) == b"e8329bfd4697d9ec37"
    assert gsm7.pack(b"") == b""
    for count in range(20):
        septets = bytes((i * 37 + 127) & 127 for i in range(count))
        for fill in range(7):
            packed = gsm7.pack(septets, fill)
            assert gsm7.unpack(b"\xff" + packed, 1, count, fill) == septets, (count, fill)


def test_a_submit_as_printed_in_tutorials():
    message = parsed(TUTORIAL_SUBMIT)
    assert message.kind == SUBMIT and message.reference == 0
    assert message.address == "+27381000015" and message.text == "hellohello"


def test_a_deliver_as_printed_in_tutorials():
    message = parsed(TUTORIAL_DELIVER)
    assert message.kind == DELIVER
    assert message.address == "+27838890001" and message.text == "hellohello"
    assert message.time == (2099, 3, 29, 15, 16, 59, 8)
    assert message.part == (0, 1, 1)


def test_zones_west_of_greenwich_are_negative():
    octets = TUTORIAL_DELIVER.replace(unhexlify("99309251619580"), unhexlify("6211903021430a"))
    assert parsed(octets).time == (2026, 11, 9, 3, 12, 34, -20)


def test_what_we_send_is_what_we_mean():
    for text in ("", "a", "Bell rang at 7", "{[\u20ac]}", "\u00e4\u00f6\u00fc\u00df", "x" * 160):
        parts = sms.split(text)
        assert len(parts) == 1 and isinstance(parts[0], bytes)
        message = submitted("+15550100001", parts[0])
        assert message.kind == SUBMIT and message.text == text and message.reference == 42
        assert message.address == "+15550100001" and message.part == (0, 1, 1)
    for text in ("\u4f60\u597d", "\u00e1", "\U0001f514 rings", "\u4f60" * 70):
        (part,) = sms.split(text)
        message = submitted("5550100", part)
        assert message.text == text and message.address == "5550100"


def test_octets_of_a_submit():
    w = Writer(bytearray(60))
    sms.put_submit(w, 7, "+155501", "123", b"\x00", wants_report=True)
    assert hexlify(w.take()) == b"00070004915155100b3107038121f30000ff0100"


def test_long_texts_come_in_parts_that_join_again():
    for text, count in (
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("x" * 152 + "\u20ac" + "y" * 20, 2),
        ("\u4f60" * 71, 2),
        ("\u4f60" * 134, 2),
        ("\u4f60" * 66 + "\U0001f514" + "z" * 10, 2),
    ):
        parts = sms.split(text)
        assert len(parts) == count, (text[:3], len(parts))
        joined = ""
        for i, part in enumerate(parts):
            message = submitted("+1555", part, concatenation=(99, count, i + 1))
            assert message.part == (99, count, i + 1)
            joined += message.text
        assert joined == text
    assert len(sms.split("x" * 255 * 153)) == 255
    try:
        sms.split("x" * (255 * 153 + 1))
    except ValueError:
        return
    raise AssertionError


def test_numbers_that_are_none_are_refused():
    for number in ("", "+", "+1 555", "tel:1", "1" * 21, "\u0661"):
        for centre, called in ((number, "1"), ("1", number)):
            try:
                sms.put_submit(Writer(bytearray(200)), 1, centre, called, b"")
            except ValueError:
                continue
            raise AssertionError(number)
    assert submitted("*100#", b"").address == "*100#"


def test_a_long_reference_for_parts_is_understood():
    message = parsed(deliver(8, 9, unhexlify("060804123403020041"), 0x44))
    assert message.part == (0x1234, 3, 2) and message.text == "A"


def test_other_header_elements_are_passed_over():
    # 0x24 is a national language, then a concatenation, one element with impossible numbers
    data = unhexlify("0d24010100030702010003090405")
    message = parsed(deliver(4, len(data) + 1, data + b"\x05", 0x44))
    assert message.part == (7, 2, 1) and message.data == b"\x05"


def test_data_and_ucs2():
    assert parsed(deliver(4, 3, b"\x00\xff\x01")).data == b"\x00\xff\x01"
    assert parsed(deliver(0xF5, 1, b"x")).data == b"x"
    assert parsed(deliver(8, 6, unhexlify("d83ddd14dc00"))).text == "\U0001f514\ufffd"
    assert parsed(deliver(8, 4, unhexlify("d83d0041"))).text == "\ufffdA"
    assert parsed(deliver(8, 3, unhexlify("004100"))).text == "A"
    assert parsed(deliver(0x28, 2, b"zz")).data == b"zz"  # compressed: not read
    assert parsed(deliver(0xE0, 2, b"\x00A")).text == "A"
    assert parsed(deliver(0xD0, 1, b"A")).text == "A"


def test_a_sender_may_have_a_name():
    name = gsm7.pack(gsm7.encode("Weather"))
    address = bytes((13, 0xD0)) + name
    assert parsed(deliver(0, 1, b"A", address=address)).address == "Weather"


def test_a_status_report():
    octets = unhexlify("062a0b915155100000f1993092516195809930925161958000")
    message = parsed(octets)
    assert message.kind == STATUS_REPORT and message.reference == 42 and message.status == 0
    assert message.address == "+15550100001" and message.time[0] == 2099


def test_relay_messages_of_the_network():
    octets = (
        b"\x01\x05\x04\x91\x51\x55\x10\x00" + bytes((len(TUTORIAL_DELIVER),)) + TUTORIAL_DELIVER
    )
    rp = sms.parse_rp(b"__" + octets + b"_", 2, 2 + len(octets))
    assert rp.kind == RP_DATA and rp.is_from_network and rp.reference == 5
    assert rp.address == "+155501"
    assert sms.parse_tpdu(b"__" + octets, rp.start, rp.end).text == "hellohello"
    for octets, kind, cause in ((b"\x03\x07", RP_ACK, 0), (b"\x05\x07\x02\xa6\x00", RP_ERROR, 38)):
        rp = sms.parse_rp(octets, 0, len(octets))
        assert (rp.kind, rp.reference, rp.cause) == (kind, 7, cause)
        assert rp.start == rp.end and rp.is_from_network
    rp = sms.parse_rp(b"\x03\x07\x41\x02\x01\x00", 0, 6)
    assert (rp.start, rp.end) == (4, 6)
    assert sms.parse_rp(b"\x06\x09", 0, 2).kind == RP_SMMA


def test_acknowledgements_we_send():
    w = Writer(bytearray(20))
    sms.put_ack(w, 5)
    assert w.take() == b"\x02\x05\x41\x02\x00\x00"
    rp = sms.parse_rp(w.buf, 0, w.end)
    assert rp.kind == RP_ACK and rp.end - rp.start == 2 and not rp.is_from_network
    sms.put_error(w.reset(), 6, 111)
    assert w.take() == b"\x04\x06\x01\x6f"
    assert sms.parse_rp(w.buf, 0, w.end).cause == 111


def refused(parse, octets):
    try:
        parse(octets, 0, len(octets))
    except ParseError as error:
        assert error.status == 400 and 0 <= error.at <= len(octets)
        return True
    return False


def test_every_cut_of_a_message_is_refused():
    ucs2 = deliver(8, 9, unhexlify("060804123403020041"), 0x44)
    report = unhexlify("062a0b915155100000f1993092516195809930925161958000")
    for whole in (TUTORIAL_SUBMIT, TUTORIAL_DELIVER, ucs2, report):
        for end in range(len(whole)):
            assert refused(sms.parse_tpdu, whole[:end]), end
    w = Writer(bytearray(200))
    sms.put_submit(w, 1, "+1555", "+1555", b"abc")
    for end in range(w.end):
        assert refused(sms.parse_rp, bytes(w.buf[:end])), end
    for octets in (
        b"\x05\x07",
        b"\x05\x07\x00",
        b"\x05\x07\x05\x01",
        b"\x03\x07\x41",
        b"\x03\x07\x41\x09",
    ):
        assert refused(sms.parse_rp, octets), octets


def test_impossible_lengths_are_refused():
    assert refused(sms.parse_tpdu, deliver(0, 161, bytes(150)))
    assert refused(sms.parse_tpdu, deliver(8, 141, bytes(150)))
    assert refused(sms.parse_tpdu, deliver(8, 2, b"\x05\x00", 0x44))  # header over the data
    assert refused(sms.parse_tpdu, deliver(8, 4, b"\x03\x00\x03\x01", 0x44))  # element over it
    assert refused(sms.parse_tpdu, b"\x04\x15" + bytes(40))  # 21 digits
    assert refused(sms.parse_tpdu, b"\x03" + bytes(40))
    assert refused(sms.parse_rp, b"\x01\x01\x0c" + bytes(30))


def test_no_octet_anywhere_brings_another_error():
    for whole in (
        TUTORIAL_SUBMIT,
        TUTORIAL_DELIVER,
        deliver(8, 9, unhexlify("060804123403020041"), 0x44),
    ):
        for at in range(len(whole)):
            for value in (0, 1, 0x0F, 0x40, 0x44, 0x7F, 0x80, 0xD0, 0xFF):
                octets = bytearray(whole)
                octets[at] = value
                refused(sms.parse_tpdu, octets)
                refused(sms.parse_rp, octets)
    assert not refused(sms.parse_tpdu, TUTORIAL_DELIVER)
