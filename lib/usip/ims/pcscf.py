"""Where the P-CSCFs are: from the configuration, or from DHCP option 120 (RFC 3361).

Needed once, when an account starts: nothing else imports it.
"""

from binascii import unhexlify

from usip.errors import ParseError
from usip.octets import parse_uint


def parse_dhcp_option(octets: bytes) -> list:
    """Return the hosts of DHCP option 120, code and length removed (RFC 3361 3), as str.

    ParseError when it is malformed; compression pointers are not understood.
    """
    if octets[:1] == b"\x01" and len(octets) > 1 and len(octets) % 4 == 1:
        return ["%d.%d.%d.%d" % tuple(octets[at : at + 4]) for at in range(1, len(octets), 4)]
    if octets[:1] != b"\x00" or len(octets) < 3:
        raise ParseError(0, 0, "no SIP servers option")
    hosts = []
    at = 1
    while at < len(octets):
        labels = []
        while at < len(octets) and octets[at]:
            end = at + 1 + octets[at]
            label = bytes(octets[at + 1 : end])
            if octets[at] > 63 or end >= len(octets) or not _is_label(label):
                raise ParseError(0, at, "not a domain name")
            labels.append(label.decode())
            at = end
        if not labels or at >= len(octets):
            raise ParseError(0, at, "not a domain name")
        hosts.append(".".join(labels))
        at += 1
    return hosts


def _is_label(label: bytes) -> bool:
    for c in label:
        if not (48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c in b"-_"):
            return False
    return True


def parse(text: str) -> list:
    """Return the P-CSCFs of a configuration text, in order, as (host, port) with port 0 if open.

    Hosts divided by commas or spaces, each with :port if need be, IPv6 in brackets; or 0x and
    the octets of DHCP option 120. ParseError names the fault.
    """
    if text.startswith("0x"):
        try:
            octets = unhexlify(text[2:])
        except ValueError:
            raise ParseError(0, 2, "not hexadecimal")
        return [(host, 0) for host in parse_dhcp_option(octets)]
    servers = []
    for entry in text.replace(",", " ").split():
        colon = entry.find(":", entry.find("]") + 1)
        host = entry if colon < 0 else entry[:colon]
        port = 0
        if colon >= 0:
            digits = entry[colon + 1 :].encode()
            port = parse_uint(digits, 0, len(digits))
        if not host or not 0 <= port < 65536:
            raise ParseError(0, text.find(entry), "not a host and port: " + entry)
        servers.append((host, port))
    if not servers:
        raise ParseError(0, 0, "no P-CSCF")
    return servers
