"""What an IMS network wants to see in requests and in SDP, as data (TS 24.229, RFC 7315).

`Profile` holds the header field values of one account; a table says which field goes with which
methods, and put_fields() walks it. What only the network sends (P-Charging-Vector,
P-Visited-Network-ID, P-Asserted-Identity ...) has no row.
"""

from binascii import unhexlify

from micropython import const

from usip.errors import ParseError
from usip.octets import parse_uint

# Sets of methods: bit m stands for the method id m.
_BUT_ACK_CANCEL = const(0x7FEA)
_STARTING = const(0x25A2)  # INVITE OPTIONS MESSAGE SUBSCRIBE PUBLISH REFER outside a dialog
_INVITE = const(0x0002)
_REGISTER = const(0x0040)
_INITIAL = const(0x8000)  # not within a dialog

ICSI_MMTEL = b"urn:urn-7:3gpp-service.ims.icsi.mmtel"  # TS 24.173 5.1
EXPIRES_S = const(600000)  # of a registration and of the reg event, TS 24.229 5.1.1.2.1, 5.1.1.3
RS_BPS = const(800)  # RTCP bandwidth of senders and receivers, b=RS and b=RR (RFC 3556)
RR_BPS = const(2400)

# The fields, in the order of Profile._values, and the methods that carry them.
_FIELDS = (
    (b"P-Access-Network-Info: ", _BUT_ACK_CANCEL),  # TS 24.229 5.1.2A.1.1
    (b"P-Preferred-Identity: ", _STARTING | _INITIAL),  # RFC 3325 9.2
    (b"P-Preferred-Service: ", _INVITE | _INITIAL),  # RFC 6050 4.2
    (b"Accept-Contact: ", _INVITE | _INITIAL),  # RFC 3841 9.2
    (b"Privacy: ", _STARTING | _INITIAL),  # RFC 3323 4.2
    (b"Security-Client: ", _REGISTER),  # RFC 3329 2.3.1
    (b"Require: ", _BUT_ACK_CANCEL),
    (b"Proxy-Require: ", _BUT_ACK_CANCEL),
    (b"Security-Verify: ", _BUT_ACK_CANCEL),
)
_IDENTITY = const(1)
_VERIFY = const(8)
_SEC_AGREE = b"sec-agree"


def _is_alphanum(c: int) -> bool:
    return 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122


def percent_encode(text: bytes) -> bytes:
    """Return *text* with all but unreserved characters as %XX (RFC 3986 2.1).

    A feature tag carries an ICSI so (TS 24.229 7.2A.8.2), P-Preferred-Service carries it plain.
    """
    return b"".join(b"%c" % c if _is_alphanum(c) or c in b"-._~" else b"%%%02X" % c for c in text)


def access_network_info(bssid: bytes = b"") -> bytes:
    """Return the P-Access-Network-Info of Wi-Fi at *bssid*, or of Ethernet without one.

    *bssid* is the access point's six octets (TS 24.229 7.2A.4).
    """
    if len(bssid) != 6:
        return b"IEEE-802.3"
    return b"IEEE-802.11;i-wlan-node-id=" + b"".join(b"%02x" % octet for octet in bssid)


def refresh_after_s(granted_s: int) -> int:
    """Return when to register again: 600 s before the end, or half-way up to 1200 s (5.1.1.4.1).

    The same times hold for the subscription to the reg event (5.1.1.3).
    """
    return granted_s - 600 if granted_s > 1200 else granted_s // 2


def bandwidth_kbps(payload_octets: int, ptime_ms: int, is_ipv6: bool = False) -> int:
    """Return the b=AS value of a stream: RTP, UDP and IP headers included, rounded up.

    RFC 8866 5.8; *payload_octets* is that of one packet of *ptime_ms*.
    """
    bits = (payload_octets + (60 if is_ipv6 else 40)) * 8
    return (bits + ptime_ms - 1) // ptime_ms


def put_bandwidth(writer, payload_octets: int, ptime_ms: int, is_ipv6: bool = False) -> None:
    """Append the b= lines of a stream; their place is behind its c= line (RFC 8866 5)."""
    writer.put(b"b=AS:").put_uint(bandwidth_kbps(payload_octets, ptime_ms, is_ipv6))
    writer.put(b"\r\nb=RS:").put_uint(RS_BPS).put(b"\r\nb=RR:").put_uint(RR_BPS).put(b"\r\n")


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
        if not _is_alphanum(c) and c not in b"-_":
            return False
    return True


def parse_pcscf(text: str) -> list:
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


def put_empty_credentials(writer, field: bytes, impi: bytes, realm: bytes, nonce=b"") -> None:
    """Append an Authorization line with an empty response, *field* being its name.

    Without *nonce* that of the first REGISTER (TS 24.229 5.1.1.2.2); with it the answer to an
    AKA challenge whose MAC is wrong (5.1.1.5.3).
    """
    writer.put(field).put(b': Digest username="').put(impi)
    writer.put(b'",realm="').put(realm).put(b'",uri="sip:').put(realm)
    writer.put(b'",nonce="').put(nonce).put(b'",response=""')
    if nonce:
        writer.put(b",algorithm=AKAv1-MD5")
    writer.put(b"\r\n")


class Profile:
    """The header field values of one account.

    *instance* is the URN of the device for +sip.instance, *icsi* the service, *bssid* the access
    point's six octets (empty: Ethernet), *is_private* asks for Privacy: id. *is_tls* says that
    the P-CSCF is reached over TLS, which is then agreed upon (RFC 3329, TS 33.203 annex O).
    """

    def __init__(
        self,
        instance: bytes = b"",
        icsi: bytes = ICSI_MMTEL,
        bssid: bytes = b"",
        has_sms: bool = True,
        is_private: bool = False,
        is_tls: bool = False,
    ) -> None:
        tag = b'+g.3gpp.icsi-ref="' + percent_encode(icsi) + b'"'
        agreed = _SEC_AGREE if is_tls else b""
        self._features = b";" + tag + (b";+g.3gpp.smsip" if has_sms else b"")
        if instance:
            self._features = b';+sip.instance="<' + instance + b'>"' + self._features
        self._values = [
            access_network_info(bssid),
            b"",
            icsi,
            b"*;" + tag,
            b"id" if is_private else b"",
            b"tls" if is_tls else b"",
            agreed,
            agreed,
            b"",
        ]

    def prefer(self, uri: bytes) -> None:
        """Be known as *uri* in requests from now on: the default identity, or one chosen."""
        self._values[_IDENTITY] = b"<" + uri + b">" if uri else b""

    def agree(self, security_server: bytes) -> None:
        """Return the network's Security-Server, verbatim, in Security-Verify from now on.

        Of a response with several such fields, their values with ", " between. Empty ends it.
        """
        self._values[_VERIFY] = bytes(security_server)

    def put_contact_parameters(self, writer) -> None:
        """Append the feature tags of our Contact, each behind a semicolon (TS 24.229 5.1.1.2)."""
        writer.put(self._features)

    def put_fields(self, writer, method: int, is_initial: bool) -> None:
        """Append the header fields a request with the id *method* needs; no heap.

        *is_initial* tells a request outside a dialog.
        """
        i = 0
        for name, methods in _FIELDS:
            value = self._values[i]
            i += 1
            if value and methods >> method & 1 and (is_initial or not methods & _INITIAL):
                writer.put(name).put(value).put(b"\r\n")

    def put_response_fields(self, writer) -> None:
        """Append the header fields of a response, other than to CANCEL; no heap."""
        writer.put(_FIELDS[0][0]).put(self._values[0]).put(b"\r\n")
