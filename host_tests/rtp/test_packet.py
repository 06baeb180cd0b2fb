"""packet: RTP headers in place."""

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp import packet

HEADER = b"\x80\x00\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xef"


def span(octets):
    found = packet.find_payload(octets, len(octets))
    return (found >> 16, found & 0xFFFF) if found >= 0 else None


def test_a_plain_packet_has_its_payload_behind_twelve_octets():
    assert span(HEADER + b"abc") == (12, 15)
    assert span(HEADER) == (12, 12)


def test_contributing_sources_and_the_extension_are_passed_over():
    assert span(b"\x82" + HEADER[1:] + b"\0" * 8 + b"xy") == (20, 22)
    assert span(b"\x90" + HEADER[1:] + b"\xbe\xde\x00\x01" + b"\0" * 4 + b"xy") == (20, 22)


def test_padding_is_left_out():
    assert span(b"\xa0" + HEADER[1:] + b"ab\0\0\3") == (12, 14)
    assert span(b"\xa0" + HEADER[1:] + b"\1") == (12, 12)


def test_what_is_no_rtp_packet_is_refused():
    assert span(b"") is None
    assert span(HEADER[:11]) is None
    assert span(b"\x40" + HEADER[1:]) is None  # version 1
    assert span(b"\x8f" + HEADER[1:] + b"\0" * 59) is None  # 15 CSRCs promised
    assert span(b"\x90" + HEADER[1:] + b"\0\0\0") is None  # no room for the extension
    assert span(b"\x90" + HEADER[1:] + b"\0\0\xff\xff") is None
    assert span(b"\xa0" + HEADER[1:] + b"ab\0") is None  # padding of 0
    assert span(b"\xa0" + HEADER[1:] + b"ab\xff") is None  # more padding than packet
    assert span(b"\x80\xc8" + HEADER[2:] + b"\0" * 16) is None  # an RTCP sender report


def test_truncation_at_every_offset_is_harmless():
    whole = b"\xb2\x80" + HEADER[2:] + b"\0" * 8 + b"\xbe\xde\x00\x01abcd" + b"payload\3\3\3"
    for end in range(len(whole) + 1):
        found = span(whole[:end])
        assert found is None or 12 <= found[0] <= found[1] <= end


def test_timestamps_are_subtracted_modulo_two_to_the_32():
    def delta(a, b):
        return packet.timestamp_delta(a.to_bytes(4, "big"), 0, b.to_bytes(4, "big"), 0)

    assert delta(160, 0) == 160
    assert delta(0, 160) == -160
    assert delta(0x10000, 0xFFFF) == 1
    assert delta(100, 0xFFFFFF00) == 356
    assert delta(0xFFFFFF00, 100) == -356
    assert delta(0x80000000, 0x7FFFFFFF) == 1
    assert delta(0x40000000, 0) == packet.FAR
    assert delta(0, 0x40000000) == -packet.FAR
    assert delta(0x80000000, 0) == -packet.FAR


def test_timestamp_and_sequence_number_step_through_their_wraps():
    buf = bytearray(b"\x80\x00\xff\xff\xff\xff\xff\xf0" + b"\0" * 4)
    packet.step_sequence(buf)
    packet.timestamp_add(buf, 4, 160)
    assert buf[2:4] == b"\0\0"
    assert buf[4:8] == b"\x00\x00\x00\x90"


def test_sequence_numbers_are_compared_across_the_wrap():
    assert packet.sequence_delta(2, 65534) == 4
    assert packet.sequence_delta(65534, 2) == -4
    assert packet.sequence_delta(7, 7) == 0


def test_header_work_uses_no_heap():
    buf = bytearray(HEADER + b"\0" * 160)
    other = bytearray(b"\xff\xff\xff\x00")
    with NoAlloc():
        packet.find_payload(buf, 172)
        packet.timestamp_delta(buf, 4, other, 0)
        packet.timestamp_add(buf, 4, 160)
        packet.step_sequence(buf)
