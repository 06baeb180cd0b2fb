"""Writes datagrams as a pcap file that Wireshark and tcpdump read.

Link type 101: each packet begins with its IPv4 header. The headers are made here with right
checksums, from the addresses given: what is written need not have been on a wire.
"""

import struct
from pathlib import Path

_MAGIC = 0xA1B2C3D4  # microsecond time stamps
_LINKTYPE_RAW = 101
_SNAPLEN = 65535
_UDP = 17


def checksum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of *octets*."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ipv4(host: str) -> bytes:
    return bytes(int(part) for part in host.split("."))


def packet(source: tuple, destination: tuple, payload: bytes, identification: int = 0) -> bytes:
    """Return the IPv4 packet with a UDP datagram; addresses are (host, port)."""
    addresses = _ipv4(source[0]) + _ipv4(destination[0])
    length = 8 + len(payload)
    udp = struct.pack(">HHHH", source[1], destination[1], length, 0)
    pseudo = addresses + struct.pack(">BBH", 0, _UDP, length)
    udp_sum = checksum(pseudo + udp + payload) or 0xFFFF  # 0 would say: no checksum
    fields = (0x45, 0, 20 + length, identification & 0xFFFF, 0x4000, 64, _UDP)
    header = struct.pack(">BBHHHBB", *fields)
    header_sum = checksum(header + b"\0\0" + addresses)
    header += struct.pack(">H", header_sum) + addresses
    return header + udp[:6] + struct.pack(">H", udp_sum) + payload


def write(path: Path, datagrams, epoch_s: float = 0.0) -> int:
    """Write (at_s, source, destination, payload) in the order given; return how many.

    *epoch_s* is added to each time, so that Wireshark shows when it was.
    """
    count = 0
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAPLEN, _LINKTYPE_RAW))
        for at_s, source, destination, payload in datagrams:
            count += 1
            octets = packet(source, destination, payload, count)
            at_us = round((epoch_s + at_s) * 1e6)
            size = len(octets)
            file.write(struct.pack("<IIII", at_us // 1000000, at_us % 1000000, size, size))
            file.write(octets)
    return count
