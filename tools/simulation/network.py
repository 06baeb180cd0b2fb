"""An IMS network of few words: the proxy, the registrar and the subscribers of one domain.

Every request comes here as a user equipment's to its P-CSCF or another network's. REGISTER is
challenged with AKA (RFC 3310), SUBSCRIBE to the reg event is answered with a NOTIFY, all else is
forwarded: to the Contact of a subscriber, or to the network of its domain. It is stateless
(RFC 3261 16.11) but for its bindings, says 100 to an INVITE, and stays out of dialogs: there is no
Record-Route, so an ACK goes straight to the called. It has no clock and repeats nothing. Octets
in, octets out.
"""

import base64
import hashlib
import random
import re
import socket
import sys
import threading
from pathlib import Path

_LIB = Path(__file__).resolve().parent.parent.parent / "lib"
_PARAMETER = re.compile(r'([\w-]+)="?([^",]*)"?')
_KEPT = ("via", "from", "call-id", "cseq")
_EXPIRES_S = 3600
_AMF = b"\x80\x00"


def _md5(*parts: bytes) -> str:
    return hashlib.md5(b":".join(parts)).hexdigest()


def _uri_of(value: str) -> str:
    """Return the URI of a name-addr or addr-spec, without what follows it."""
    start = value.find("<")
    return value[start + 1 : value.find(">")] if start >= 0 else value.split(";")[0].strip()


def _host_port(uri: str) -> tuple:
    """Return (host, port) of a sip: URI."""
    where = uri.partition(":")[2].split(";")[0].rpartition("@")[2]
    host, _, port = where.partition(":")
    return host, int(port or 5060)


class Message:
    """A SIP message as text: `start`, `fields` as (name, value) in order, `body`."""

    def __init__(self, octets: bytes) -> None:
        head, _, self.body = octets.decode().partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        pairs = [line.partition(":") for line in lines]
        self.fields = [(name.strip(), value.strip()) for name, _, value in pairs]
        words = self.start.split(" ")
        self.is_response = words[0] == "SIP/2.0"
        self.method = words[0]
        self.uri = words[1]

    def all(self, name: str) -> list:
        """Return the values of the fields called *name*."""
        return [value for key, value in self.fields if key.lower() == name]

    def first(self, name: str) -> str:
        """Return the first of them, "" when there is none."""
        return (self.all(name) or [""])[0]

    def put_first(self, name: str, value: str) -> None:
        """Put a field before all others."""
        self.fields.insert(0, (name, value))

    def drop(self, *names) -> None:
        """Remove every field called so."""
        self.fields = [field for field in self.fields if field[0].lower() not in names]

    def replace_first(self, name: str, values: list) -> None:
        """Put *values* in place of the first field called so."""
        for i, (key, _) in enumerate(self.fields):
            if key.lower() == name:
                self.fields[i : i + 1] = [(key, value) for value in values]
                return

    def octets(self) -> bytes:
        """Return it as it goes on the wire."""
        start = self.start
        if not self.is_response:
            start = "%s %s SIP/2.0" % (self.method, self.uri)
        lines = [start] + ["%s: %s" % field for field in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


class Subscriber:
    """A user of a network: private identity, public ones, and a secret made of its name."""

    def __init__(self, user: str, domain: str, number: str = "") -> None:
        self.impi = "%s@%s" % (user, domain)
        self.impus = ["sip:" + self.impi] + (["tel:" + number] if number else [])
        self.k = hashlib.md5(b"K of " + self.impi.encode()).digest()
        self.opc = hashlib.md5(b"OPc of " + self.impi.encode()).digest()
        self.sqn = 0
        self.nonce = ""  # of the challenge in the air
        self.res = b""
        self.contact = ""  # the URI it is bound to
        self.source = None  # where its requests come from
        self.resynchronised = 0
        self.watch = None  # the SUBSCRIBE to its reg event
        self.notified = 0

    def account(self, pcscf: str) -> dict:
        """Return the account of it, for a configuration."""
        section = {"impi": self.impi, "k": self.k.hex(), "opc": self.opc.hex(), "pcscf": pcscf}
        return {"ims": section}

    def challenge(self, dice) -> str:
        """Return the nonce of a new challenge (RFC 3310 3.2, TS 33.102 6.3.2)."""
        milenage = self._milenage()
        self.sqn += 33
        rand = dice.randbytes(16)
        sqn = self.sqn.to_bytes(6, "big")
        hidden = bytes(a ^ b for a, b in zip(sqn, milenage.f5(rand)))
        mac = milenage.f1(rand, sqn, _AMF)[:8]
        self.res = milenage.f2_f3_f4(rand)[0]
        self.nonce = base64.b64encode(rand + hidden + _AMF + mac).decode()
        return self.nonce

    def is_proved(self, method: str, given: dict) -> bool:
        """Whether the credentials *given* answer the challenge; an AUTS is taken."""
        if not given.get("response") or given.get("nonce") != self.nonce:
            return False
        if "auts" in given:
            self._resynchronise(base64.b64decode(given["auts"]))
            return False
        first = _md5(self.impi.encode(), given["realm"].encode(), self.res)
        second = _md5(method.encode(), given["uri"].encode())
        parts = (first, self.nonce, given["nc"], given["cnonce"], "auth", second)
        self.nonce = ""  # good for once
        return given["response"] == _md5(*[part.encode() for part in parts])

    def _resynchronise(self, auts: bytes) -> None:
        milenage = self._milenage()
        rand = base64.b64decode(self.nonce)[:16]
        sqn = bytes(a ^ b for a, b in zip(auts, milenage.f5_star(rand)))
        if milenage.f1(rand, sqn, bytes(2))[8:] == auts[6:]:
            self.sqn = int.from_bytes(sqn, "big") | 31
            self.resynchronised += 1

    def _milenage(self):
        if str(_LIB) not in sys.path:
            sys.path.insert(0, str(_LIB))
        from usip.ims.milenage import Milenage

        return Milenage(self.k, self.opc)


class Network:
    """The network of *domain*, at (*host*, *port*).

    *others*: (host, port) by the domain or the tel: URI that is served there.
    """

    def __init__(self, domain, host, port, subscribers: list, others=None, seed=1) -> None:
        self.domain = domain
        self.host = host
        self.port = port
        self.subscribers = subscribers
        self.others = others or {}
        self.log = []  # statuses answered to REGISTER
        self._dice = random.Random("%s %s" % (seed, domain))

    def receive(self, octets: bytes, source: tuple) -> list:
        """Take a datagram from *source*; return [(octets, destination)] to be sent."""
        if not octets.strip() or b"SIP/2.0" not in octets:
            return []
        message = Message(octets)
        if message.is_response:
            return self._return(message)
        sent_by = message.first("via")
        message.replace_first("via", ["%s;received=%s;rport=%d" % (_plain(sent_by), *source)])
        if message.method == "REGISTER":
            return self._register(message, source)
        if message.method == "SUBSCRIBE" and message.first("event").startswith("reg"):
            return self._watch(message, source)
        return self._forward(message, source)

    def _answer(self, message, source, status: str, more=()) -> list:
        to = message.first("to")
        kept = ["%s: %s" % field for field in message.fields if field[0].lower() in _KEPT]
        kept.append("To: " + (to if ";tag=" in to or status[0] == "1" else to + ";tag=net"))
        text = ["SIP/2.0 " + status, *kept, *more, "Content-Length: 0", "", ""]
        return [("\r\n".join(text).encode(), source)]

    # -- registration

    def _register(self, message, source) -> list:
        given = dict(_PARAMETER.findall(message.first("authorization").partition(" ")[2]))
        impu = _uri_of(message.first("to"))
        subscriber = self._find(impu)
        if subscriber is None or given.get("username") != subscriber.impi:
            return self._answered(message, source, "403 Forbidden")
        if not subscriber.is_proved("REGISTER", given):
            challenge = 'WWW-Authenticate: Digest realm="%s", nonce="%s", algorithm=AKAv1-MD5'
            challenge %= self.domain, subscriber.challenge(self._dice)
            more = [challenge + ', qop="auth"']
            return self._answered(message, source, "401 Unauthorized", more)
        if message.first("expires") == "0":
            subscriber.contact = ""
            subscriber.source = subscriber.watch = None
            return self._answered(message, source, "200 OK")
        contact = message.first("contact")
        subscriber.contact = _uri_of(contact)
        subscriber.source = source
        more = ["Contact: %s;expires=%d" % (contact, _EXPIRES_S)]
        more.append("Service-Route: <sip:orig@%s:%d;lr>" % (self.host, self.port))
        more += ["P-Associated-URI: <%s>" % impu for impu in subscriber.impus]
        return self._answered(message, source, "200 OK", more)

    def _answered(self, message, source, status, more=()) -> list:
        self.log.append(int(status[:3]))
        return self._answer(message, source, status, more)

    def _find(self, uri: str):
        """Return the subscriber who is *uri*, or None."""
        uri = uri.split(";")[0]
        return next((one for one in self.subscribers if uri in one.impus), None)

    # -- the reg event (RFC 3680)

    def _watch(self, message, source) -> list:
        subscriber = self._find(_uri_of(message.first("to")))
        if subscriber is None or subscriber.source != source:
            return self._answer(message, source, "403 Forbidden")
        own = "Contact: <sip:%s:%d>" % (self.host, self.port)
        more = ["Expires: %d" % _EXPIRES_S, own]
        answer = self._answer(message, source, "200 OK", more)
        return answer + [(self._notify(subscriber, message), source)]

    def _notify(self, subscriber, message) -> bytes:
        to = message.first("to")
        own = to if ";tag=" in to else to + ";tag=net"
        version = subscriber.notified
        subscriber.notified += 1
        body = self._document(subscriber, version)
        lines = [
            "NOTIFY %s SIP/2.0" % subscriber.contact,
            "Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKn%d" % (self.host, self.port, version),
            "Max-Forwards: 70",
            "From: " + own,
            "To: " + message.first("from"),
            "Call-ID: " + message.first("call-id"),
            "CSeq: %d NOTIFY" % (version + 1),
            "Contact: <sip:%s:%d>" % (self.host, self.port),
            "Event: reg",
            "Subscription-State: active;expires=%d" % _EXPIRES_S,
            "Content-Type: application/reginfo+xml",
            "Content-Length: %d" % len(body),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _document(self, subscriber, version: int) -> str:
        entries = "".join(
            '<registration aor="%s" id="r%d" state="active"><contact id="c" state="active" '
            'event="registered"><uri>%s</uri></contact></registration>'
            % (impu, i, subscriber.contact)
            for i, impu in enumerate(subscriber.impus)
        )
        head = '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="%d" state="full">'
        return head % version + entries + "</reginfo>"

    # -- everything else

    def _return(self, message) -> list:
        """Pass a response back: the topmost Via is ours (RFC 3261 16.7)."""
        message.replace_first("via", [])
        vias = message.all("via")
        if message.start.startswith("SIP/2.0 100") or not vias:
            return []
        found = dict(_PARAMETER.findall(vias[0].replace(";", ",")))
        return [(message.octets(), (found["received"], int(found["rport"])))]

    def _forward(self, message, source) -> list:
        is_ack = message.method == "ACK"
        sent = []
        if message.method == "INVITE":
            sent = self._answer(message, source, "100 Trying")
        status, destination = self._route(message, source)
        if not destination:
            return [] if is_ack else sent + self._answer(message, source, status)
        branch = re.search(r"branch=([^;]*)", message.first("via"))[1]
        branch = _md5(branch.encode(), self.domain.encode())[:16]
        via = "SIP/2.0/UDP %s:%d;branch=z9hG4bK%s" % (self.host, self.port, branch)
        message.put_first("Via", via)
        return sent + [(message.octets(), destination)]

    def _route(self, message, source) -> tuple:
        """Return (status, None), or ("", where the message goes after it was changed)."""
        hops = int(message.first("max-forwards") or 70)
        if hops == 0:
            return "483 Too Many Hops", None
        message.replace_first("max-forwards", [str(hops - 1)])
        caller = next((one for one in self.subscribers if one.source == source), None)
        if caller is not None:
            self._assert(message, caller)
        elif source not in self.others.values():
            return "403 Forbidden", None
        message.drop("route")  # of this network, as the phones know it
        called = self._find(message.uri)
        if called is not None:
            if not called.contact:
                return "480 Temporarily Unavailable", None
            message.fields.append(("P-Called-Party-ID", "<%s>" % message.uri))
            message.uri = called.contact
            return "", _host_port(called.contact)
        number = message.uri.split(";")[0]
        found = self.others.get(number) or self.others.get(_host_port(message.uri)[0])
        return "404 Not Found", found

    def _assert(self, message, caller) -> None:
        """Say who the caller is (RFC 3325 5)."""
        preferred = _uri_of(message.first("p-preferred-identity"))
        known = preferred if preferred in caller.impus else caller.impus[0]
        message.drop("p-preferred-identity", "p-asserted-identity")
        message.fields.append(("P-Asserted-Identity", "<%s>" % known))


class Served:
    """A network with one subscriber on a UDP port of this machine, while a `with` lasts."""

    def __init__(self, user: str, domain: str) -> None:
        self._subscriber = Subscriber(user, domain)
        self._domain = domain
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> int:
        self._socket.bind(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        self._network = Network(self._domain, "127.0.0.1", port, [self._subscriber])
        self._thread.start()
        return port

    def __exit__(self, *error) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            octets, source = self._socket.recvfrom(65535)
            if not octets:
                return
            for answer, destination in self._network.receive(octets, source):
                self._socket.sendto(answer, destination)


def _plain(via: str) -> str:
    """Return a Via without the rport that asks for its value (RFC 3581 3)."""
    return ";".join(part for part in via.split(";") if part.strip() != "rport")
