"""A registrar and redirect server of few words: what a home's PBX is to the stations of a run.

REGISTER is challenged (RFC 7616, MD5, qop=auth) and bound; an INVITE or MESSAGE for somebody bound
is answered 302 with the Contact (RFC 3261 8.3), for anybody else 404. It has no state beside its
bindings and no clock: octets in, octets out, the same for both clocks.
"""

import hashlib
import re

PASSWORD = "secret"
_NONCE = "4f1c0c5e7d3a2b69"
_PARAMETER = re.compile(r'(\w+)="?([^",]*)"?')
_KEPT = ("via", "from", "call-id", "cseq")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Registrar:
    """At *host*; *alias* is the address by which the stations know it."""

    def __init__(self, host: str, alias: str) -> None:
        self.host = host
        self.alias = alias
        self.bindings = {}  # user -> Contact URI

    def answer(self, octets: bytes) -> bytes:
        """Return the response to a datagram, b"" for none."""
        lines = octets.decode("utf-8", "replace").partition("\r\n\r\n")[0].split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[0] in ("SIP/2.0", "ACK"):
            return b""
        fields = [line.partition(":") for line in lines[1:]]
        first = {}
        for name, _, value in fields:
            first.setdefault(name.strip().lower(), value.strip())
        status, more = self._decide(words[0], words[1], first)
        kept = ["%s: %s" % (n, v.strip()) for n, _, v in fields if n.strip().lower() in _KEPT]
        kept.append("To: %s;tag=pbx" % first.get("to", ""))
        text = ["SIP/2.0 " + status, *kept, *more, "Content-Length: 0", "", ""]
        return "\r\n".join(text).encode()

    def _decide(self, method, uri, fields) -> tuple:
        """Return (status line, further header fields)."""
        if method == "OPTIONS":
            return "200 OK", []
        if method == "REGISTER":
            return self._register(fields)
        user = uri.partition(":")[2].partition("@")[0]
        if user in self.bindings:
            return "302 Moved Temporarily", ["Contact: <%s>" % self.bindings[user]]
        return "404 Not Found", []

    def _register(self, fields) -> tuple:
        user = fields["to"].partition(":")[2].partition("@")[0]
        if not self._is_proved(user, fields.get("authorization", "")):
            challenge = 'Digest realm="home", nonce="%s", qop="auth", algorithm=MD5' % _NONCE
            return "401 Unauthorized", ["WWW-Authenticate: " + challenge]
        contact = fields.get("contact", "")
        expires = re.search(r"expires=(\d+)", contact)
        seconds = int(expires[1] if expires else fields.get("expires", "3600"))
        if contact == "*" or not seconds:
            self.bindings.pop(user, None)
            return "200 OK", []
        uri = contact[contact.find("<") + 1 : contact.find(">")]
        self.bindings[user] = uri
        return "200 OK", ["Contact: <%s>;expires=%d" % (uri, seconds)]

    def _is_proved(self, user, value) -> bool:
        given = dict(_PARAMETER.findall(value.partition(" ")[2]))
        if given.get("username") != user or given.get("nonce") != _NONCE:
            return False
        uri = given["uri"].replace(self.host, self.alias)  # as it was when it was hashed
        first = _md5("%s:home:%s" % (user, PASSWORD))
        second = _md5("REGISTER:" + uri)
        parts = (first, _NONCE, given["nc"], given["cnonce"], "auth", second)
        return given.get("response") == _md5(":".join(parts))
