"""A P-CSCF with a whole IMS network behind it, of few words, on the virtual link.

It challenges with AKA as its script says, checks the digests with hashlib, and answers REGISTER
with what the test wants of Service-Route, P-Associated-URI and Contact. A SUBSCRIBE to the reg
event is answered, and a NOTIFY follows with the document the test gives.
"""

import hashlib
from binascii import b2a_base64, hexlify, unhexlify

from host_tests.fakes.registrar import parse
from usip.ims import akav2, milenage

REALM = "ims.mnc001.mcc001.3gppnetwork.org"
IMPI = "001010000000001@" + REALM
IMPU = "sip:" + IMPI
TEL = "tel:+15550100001"
SIP_NUMBER = "sip:+15550100001@" + REALM
K = unhexlify("0396eb317b6d1c36f19c1c84cd6ffd16")
OPC = unhexlify("53c15671c60a4b731c55b4a441c0bde2")
HOST = "192.0.2.10"
ROUTE = "<sip:orig@scscf.%s;lr>" % REALM


def hexdigest(algorithm: str, *parts) -> str:
    """Return the digest of bytes or str joined by colons."""
    state = hashlib.sha256() if algorithm == "SHA-256" else hashlib.md5()
    state.update(b":".join([p.encode() if isinstance(p, str) else p for p in parts]))
    return hexlify(state.digest()).decode()


def credentials(value: str) -> dict:
    """Return the parameters of an Authorization value; no quoted comma occurs in these tests."""
    found = {}
    for part in value.split(" ", 1)[1].split(","):
        name, text = part.strip().split("=", 1)
        found[name] = text.strip('"')
    return found


class CSCF:
    """The network; the script of a test sets the attributes."""

    def __init__(self, link, host: str = HOST) -> None:
        self.link = link
        self.host = host
        self.core = self
        self.is_up = True
        self.secret = milenage.Milenage(K, OPC)
        self.sqn = 32
        self.realm = REALM
        self.algorithm = "AKAv1-MD5"
        self.password = "secret"  # of SHA-256 and MD5
        self.breaks_mac = False
        self.challenges_for_ever = False
        self.asks_nobody = False  # GIBA
        self.granted = 3600
        self.contacts = None  # instead of the one registered
        self.routes = [ROUTE]
        self.associated = ["<%s>" % IMPU, "<%s>" % TEL, "<%s>;x=y" % SIP_NUMBER]
        self.extra = []  # further lines of a 401
        self.override = []  # (status, lines) for the next requests
        self.document = None  # of the reg event, bytes
        self.log = []  # statuses sent
        self.requests = []  # (start line, fields) received
        self.responses = []
        self.challenge_at = None
        self.resynchronised = 0
        self.notified = 0
        self.dialog = None

    def deadline(self) -> int:
        """As a core: none."""
        return -1

    def drain(self) -> None:
        """As an endpoint: no events."""

    def receive(self, octets: bytes, end: int, source: tuple, now_ms: int) -> None:
        """Answer one request."""
        start, fields = parse(octets)
        if start.startswith("SIP/2.0"):
            self.responses.append((start, fields))
            return
        self.requests.append((start, fields))
        method, uri, _ = start.split(" ")
        if method == "ACK":
            return
        if self.override:
            status, extra = self.override.pop(0)
        elif method == "REGISTER":
            status, extra = self.register(uri, fields)
        elif method == "SUBSCRIBE":
            status, extra = 200, ["Expires: 7200", "Contact: <sip:scscf.%s>" % REALM]
        else:
            status, extra = 200, []
        self.respond(source, fields, status, extra)
        if method == "SUBSCRIBE" and status == 200:
            self.dialog = (source, fields)
            if self.document is not None:
                self.notify(self.document)

    def respond(self, source, fields, status, extra) -> None:
        """Send a response."""
        self.log.append(status)
        lines = ["SIP/2.0 %d Whatever" % status]
        for name in ("via", "from", "call-id", "cseq"):
            for value in fields[name]:
                lines.append("%s: %s" % (name, value))
        to = fields["to"][0]
        lines.append("To: %s" % (to if ";tag=" in to else to + ";tag=srv"))
        lines += extra
        lines.append("Content-Length: 0\r\n\r\n")
        self.link.carry(self, source, "\r\n".join(lines).encode())

    def notify(self, document: bytes, state: str = "active;expires=7200") -> None:
        """Send a NOTIFY in the dialog of the last SUBSCRIBE."""
        source, fields = self.dialog
        self.notified += 1
        to = fields["to"][0].split(";tag")[0] + ";tag=srv"
        lines = [
            "NOTIFY sip:ue@%s:5060 SIP/2.0" % source[1],
            "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bKn%d" % (self.host, self.notified),
            "Max-Forwards: 70",
            "From: " + to,
            "To: " + fields["from"][0],
            "Call-ID: " + fields["call-id"][0],
            "CSeq: %d NOTIFY" % self.notified,
            "Contact: <sip:scscf.%s>" % REALM,
            "Event: reg",
            "Subscription-State: " + state,
            "Content-Type: application/reginfo+xml",
            "Content-Length: %d\r\n\r\n" % len(document),
        ]
        self.link.carry(self, source, "\r\n".join(lines).encode() + document)

    # -- REGISTER

    def register(self, uri: str, fields: dict) -> tuple:
        """Return (status, lines)."""
        given = credentials(fields["authorization"][0]) if "authorization" in fields else {}
        if not self.asks_nobody:
            if self.challenges_for_ever or not self.is_right(uri, given):
                return 401, self.challenge() + self.extra
        if fields["expires"][0] == "0":
            return 200, []
        contact = self.contacts
        if contact is None:
            contact = "%s;expires=%d" % (fields["contact"][0], self.granted)
        lines = ["Contact: " + contact, "Path: <sip:term@%s;lr>" % HOST]
        lines += ["P-Associated-URI: " + uri for uri in self.associated]
        return 200, lines + ["Service-Route: " + route for route in self.routes]

    def challenge(self) -> list:
        """Return the lines of a new challenge."""
        if not self.algorithm.startswith("AKA"):
            self.challenge_at = "n1"
            return [self.line("n1")]
        self.sqn += 33
        rand = bytes(range(16))
        sqn = self.sqn.to_bytes(6, "big")
        hidden = bytes(a ^ b for a, b in zip(sqn, self.secret.f5(rand)))
        mac = self.secret.f1(rand, sqn, b"\x80\x00")[:8]
        if self.breaks_mac:
            mac = bytes(8)
        nonce = b2a_base64(rand + hidden + b"\x80\x00" + mac).rstrip().decode()
        self.challenge_at = nonce
        return [self.line(nonce)]

    def line(self, nonce: str) -> str:
        """Return the WWW-Authenticate line for a nonce."""
        return 'WWW-Authenticate: Digest realm="%s",nonce="%s",algorithm=%s,qop="auth"' % (
            self.realm,
            nonce,
            self.algorithm,
        )

    def secret_of(self) -> bytes:
        """Return the password of the challenge in the air."""
        if not self.algorithm.startswith("AKA"):
            return self.password.encode()
        res, ck, ik = self.secret.f2_f3_f4(bytes(range(16)))
        return akav2.password(res, ik, ck) if self.algorithm == "AKAv2-MD5" else res

    def is_right(self, uri: str, given: dict) -> bool:
        """Check the response; take an AUTS."""
        if not given.get("response") or given["nonce"] != self.challenge_at:
            return False
        if "auts" in given:
            self.resynchronised += 1
            self.sqn = 1 << 20
            password = b""
        else:
            password = self.secret_of()
        a1 = hexdigest(self.algorithm, given["username"], self.realm, password)
        a2 = hexdigest(self.algorithm, "REGISTER", given["uri"])
        expected = hexdigest(
            self.algorithm, a1, given["nonce"], given["nc"], given["cnonce"], "auth", a2
        )
        assert given["response"] == expected or self.breaks_mac
        return given["response"] == expected and "auts" not in given
