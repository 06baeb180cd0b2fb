"""Tests of tools.pcap: files as Wireshark reads them."""

import struct

from tools import pcap

SOURCE, DESTINATION = ("192.0.2.11", 5060), ("192.0.2.12", 5062)


def test_the_checksum_is_that_of_rfc_1071():
    assert pcap.checksum(bytes.fromhex("0001f203f4f5f6f7")) == ~0xDDF2 & 0xFFFF


def test_headers_add_up_to_nothing_as_a_receiver_checks_them():
    for payload in (b"", b"x", b"OPTIONS sip:a@b SIP/2.0\r\n"):
        octets = pcap.packet(SOURCE, DESTINATION, payload, 7)
        assert pcap.checksum(octets[:20]) == 0
        pseudo = octets[12:20] + struct.pack(">BBH", 0, 17, len(octets) - 20)
        assert pcap.checksum(pseudo + octets[20:]) == 0
        assert struct.unpack(">HHH", octets[20:26]) == (5060, 5062, 8 + len(payload))
        assert octets[28:] == payload


def test_a_file_is_a_header_and_raw_packets_with_their_times(tmp_path):
    path = tmp_path / "two.pcap"
    datagrams = [(0.5, SOURCE, DESTINATION, b"one"), (1.25, DESTINATION, SOURCE, b"three")]
    assert pcap.write(path, datagrams, 1000.0) == 2
    octets = path.read_bytes()
    assert struct.unpack("<IHHiIII", octets[:24]) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    seconds, micros, kept, length = struct.unpack("<IIII", octets[24:40])
    assert (seconds, micros, kept, length) == (1000, 500000, 31, 31)
    second = 40 + 31
    assert struct.unpack("<II", octets[second : second + 8]) == (1001, 250000)
    assert len(octets) == second + 16 + 33
