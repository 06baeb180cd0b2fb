"""What an IMS network wants to see in requests and in SDP, as data (TS 24.229, RFC 7315).

`Profile` holds the header fields of one account; a table says which field goes with which
methods, and put_fields() walks it. What only the network sends (P-Charging-Vector,
P-Visited-Network-ID, P-Asserted-Identity ...) has no row.
"""

from micropython import const

# The fields, and the methods that carry them: bit m stands for the method id m, bit 15 says
# outside of dialogs only.
_NAMES = (
    b"P-Access-Network-Info\n"  # TS 24.229 5.1.2A.1.1
    b"P-Preferred-Identity\n"  # RFC 3325 9.2
    b"P-Preferred-Service\n"  # RFC 6050 4.2
    b"Accept-Contact\n"  # RFC 3841 9.2
    b"Privacy\n"  # RFC 3323 4.2
    b"Security-Client\n"  # RFC 3329 2.3.1
    b"Require\n"
    b"Proxy-Require\n"
    b"Security-Verify\n"
)
_BUT_ACK_CANCEL = const(0x7FEA)
_STARTING = const(0xA5A2)  # INVITE OPTIONS MESSAGE SUBSCRIBE PUBLISH REFER
_INVITE = const(0x8002)
_REGISTER = const(0x0040)
_METHODS = (
    _BUT_ACK_CANCEL,
    _STARTING,
    _INVITE,
    _INVITE,
    _STARTING,
    _REGISTER,
    _BUT_ACK_CANCEL,
    _BUT_ACK_CANCEL,
    _BUT_ACK_CANCEL,
)
_IDENTITY = const(1)
_VERIFY = const(8)

ICSI_MMTEL = b"urn:urn-7:3gpp-service.ims.icsi.mmtel"  # TS 24.173 5.1


def percent_encode(text: bytes) -> bytes:
    """Return *text* with all but unreserved characters as %XX (RFC 3986 2.1).

    A feature tag carries an ICSI so (TS 24.229 7.2A.8.2), P-Preferred-Service carries it plain.
    """
    return b"".join(
        b"%c" % c
        if 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122 or c in b"-._~"
        else b"%%%02X" % c
        for c in text
    )


def refresh_after_s(granted_s: int) -> int:
    """Return when to register again: 600 s before the end, or half-way up to 1200 s (5.1.1.4.1).

    The same times hold for the subscription to the reg event (5.1.1.3). Both ask for 600000 s.
    """
    return granted_s - 600 if granted_s > 1200 else granted_s // 2


def put_bandwidth(writer, payload_octets: int, ptime_ms: int, is_ipv6: bool = False) -> None:
    """Append the b= lines of a stream; their place is behind its c= line (RFC 8866 5).

    AS is in kbit/s, rounded up, with RTP, UDP and IP headers (RFC 8866 5.8); *payload_octets* is
    that of one packet of *ptime_ms*. RS and RR, in bit/s, are those of RTCP (RFC 3556).
    """
    bits = (payload_octets + (60 if is_ipv6 else 40)) * 8
    writer.put(b"b=AS:").put_uint((bits + ptime_ms - 1) // ptime_ms)
    writer.put(b"\r\nb=RS:800\r\nb=RR:2400\r\n")


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
    """The header fields of one account.

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
        self.is_tls = is_tls
        tag = b'+g.3gpp.icsi-ref="' + percent_encode(icsi) + b'"'
        access = b"IEEE-802.3"  # TS 24.229 7.2A.4
        if len(bssid) == 6:
            access = b"IEEE-802.11;i-wlan-node-id=" + b"".join(b"%02x" % c for c in bssid)
        agreed = b"sec-agree" if is_tls else b""
        # Feature tags of our Contact, each behind a semicolon (TS 24.229 5.1.1.2).
        self.contact_parameters = b"%s;%s%s" % (
            b';+sip.instance="<' + instance + b'>"' if instance else b"",
            tag,
            b";+g.3gpp.smsip" if has_sms else b"",
        )
        self.service_parameter = b";" + tag  # of our Contact in dialogs (7.2A.8)
        self._values = [
            access,
            b"",
            icsi,
            b"*;" + tag,
            b"id" if is_private else b"",
            b"tls" if is_tls else b"",
            agreed,
            agreed,
            b"",
        ]

    def copy(self):
        """Return another profile that says the same, for another identity of the device."""
        other = Profile()
        other.is_tls = self.is_tls
        other.service_parameter = self.service_parameter
        other.contact_parameters = self.contact_parameters
        other._values = self._values[:]
        return other

    def prefer(self, uri: bytes) -> None:
        """Be known as *uri* in requests from now on: the default identity, or one chosen."""
        self._values[_IDENTITY] = b"<" + uri + b">" if uri else b""

    def agree(self, security_server: bytes) -> None:
        """Return the network's Security-Server, verbatim, in Security-Verify from now on.

        Of a response with several such fields, their values with ", " between. Empty ends it.
        """
        self._values[_VERIFY] = bytes(security_server)

    def put_fields(self, writer, method: int, is_initial: bool, is_response=False) -> None:
        """Append the header fields that a message with the method id *method* needs; no heap.

        *is_initial* tells a request outside a dialog. A response has P-Access-Network-Info only.
        """
        at = 0
        for i in range(1 if is_response else len(_METHODS)):
            end = _NAMES.find(b"\n", at)
            methods = _METHODS[i]
            if self._values[i] and methods >> method & 1 and (is_initial or methods < 0x8000):
                writer.put_span(_NAMES, at, end).put(b": ").put(self._values[i]).put(b"\r\n")
            at = end + 1
