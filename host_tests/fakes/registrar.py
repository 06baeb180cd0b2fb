"""A registrar of few words, written without the library: split(), dicts and hashlib.

It sits on the virtual link as an endpoint does and checks digests as RFC 2617 and RFC 7616 say.
"""

import hashlib
from binascii import hexlify


def hexdigest(algorithm: str, text: str) -> str:
    """Return the lower-case hexadecimal digest of *text*."""
    state = hashlib.sha256() if algorithm.startswith("SHA-256") else hashlib.md5()
    state.update(text.encode())
    return hexlify(state.digest()).decode()


def parse(octets: bytes) -> tuple:
    """Return (start line, {lower-case name: [values]})."""
    lines = octets.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    fields = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        fields.setdefault(name.lower(), []).append(value.strip())
    return lines[0], fields


def credentials(value: str) -> dict:
    """Return the parameters of an Authorization value."""
    found = {}
    for part in value.split(" ", 1)[1].split(", "):
        name, text = part.split("=", 1)
        found[name] = text.strip('"')
    return found


class Registrar:
    """Takes REGISTER at *host*; the script of a test sets the attributes."""

    def __init__(self, link, host: str, users: dict) -> None:
        self.link = link
        self.host = host
        self.users = users
        self.realm = "usip.test"
        self.qop = "auth,auth-int"
        self.algorithms = ("MD5",)
        self.nonces = ["n1"]  # the first is the valid one
        self.counts = {}
        self.next_nonce = ""
        self.proxy = False
        self.say_stale = True
        self.granted = 3600
        self.min_expires = 0
        self.other_contacts = ""
        self.override = None  # (status, extra header lines) for every request
        self.is_up = True
        self.log = []  # statuses sent
        self.requests = []
        self.bindings = {}
        self.core = self

    def deadline(self) -> int:
        """As a core: none."""
        return -1

    def drain(self) -> None:
        """As an endpoint: no events."""

    def receive(self, octets: bytes, end: int, source: tuple, now_ms: int) -> None:
        """Answer one request."""
        start, fields = parse(octets)
        method, uri, _ = start.split(" ")
        self.requests.append((start, fields))
        status, extra = self.override or self.decide(method, uri, fields)
        self.log.append(status)
        lines = ["SIP/2.0 %d Whatever" % status]
        for name in ("via", "from", "call-id", "cseq"):
            for value in fields[name]:
                lines.append("%s: %s" % (name, value))
        lines.append("To: %s;tag=srv" % fields["to"][0])
        lines += extra
        lines.append("Content-Length: 0\r\n\r\n")
        self.link.carry(self, source, "\r\n".join(lines).encode())

    def decide(self, method: str, uri: str, fields: dict) -> tuple:
        """Return (status, extra header lines) for a request."""
        fault = self.check(method, uri, fields)
        if fault is not None:
            return fault
        expires = int(fields["expires"][0])
        if expires and expires < self.min_expires:
            return 423, ["Min-Expires: %d" % self.min_expires]
        contact = fields["contact"][0]
        if not expires:
            self.bindings.pop(contact, None)
            return 200, []
        expires = min(expires, self.granted)
        self.bindings[contact] = expires
        fields = ["Contact: %s%s;expires=%d" % (self.other_contacts, contact, expires)]
        if self.next_nonce:
            self.nonces = [self.next_nonce]
            fields.append('Authentication-Info: nextnonce="%s"' % self.next_nonce)
        return 200, fields

    def check(self, method: str, uri: str, fields: dict):
        """Return the challenge, or None when the credentials are right."""
        name = "proxy-authorization" if self.proxy else "authorization"
        for value in fields.get(name, ()):
            given = credentials(value)
            if given["realm"] != self.realm:
                continue
            if given["nonce"] != self.nonces[0]:
                return self.challenge(self.say_stale)
            if self.is_right(method, uri, given):
                return None
            return self.challenge(False)
        return self.challenge(False)

    def is_right(self, method: str, uri: str, given: dict, body: str = "") -> bool:
        """Check the response and that the nonce count grows."""
        algorithm = given.get("algorithm", "MD5")
        password = self.users[given["username"]]
        ha1 = hexdigest(algorithm, "%s:%s:%s" % (given["username"], self.realm, password))
        if algorithm.endswith("-sess"):
            ha1 = hexdigest(algorithm, "%s:%s:%s" % (ha1, given["nonce"], given["cnonce"]))
        protected = "%s:%s" % (method, given["uri"])
        if given.get("qop") == "auth-int":
            protected += ":" + hexdigest(algorithm, body)
        ha2 = hexdigest(algorithm, protected)
        middle = given["nonce"]
        if self.qop:
            count = int(given["nc"], 16)
            if count <= self.counts.get(given["nonce"], 0):
                return False
            self.counts[given["nonce"]] = count
            middle += ":%s:%s:%s" % (given["nc"], given["cnonce"], given["qop"])
        expected = hexdigest(algorithm, "%s:%s:%s" % (ha1, middle, ha2))
        return given["uri"] == uri and given["response"] == expected

    def challenge(self, stale: bool) -> tuple:
        """Return a 401 or 407 with a challenge for each algorithm."""
        lines = []
        for algorithm in self.algorithms:
            lines.append(
                '%s-Authenticate: Digest realm="%s", nonce="%s", opaque="o,p"%s%s%s'
                % (
                    "Proxy" if self.proxy else "WWW",
                    self.realm,
                    self.nonces[0],
                    ', qop="%s"' % self.qop if self.qop else "",
                    ", algorithm=" + algorithm if algorithm else "",
                    ", stale=TRUE" if stale else "",
                )
            )
        return (407 if self.proxy else 401), lines
