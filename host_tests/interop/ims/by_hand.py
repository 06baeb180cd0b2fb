"""REGISTER and what follows it by hand, with the AKA of the library: is the core as it should be.

python -m host_tests.interop.ims.by_hand      starts a core, registers, prints what was said
"""

import hashlib
import pathlib
import re
import socket
import sys
import tempfile
import uuid

import usip  # noqa: F401  (installs the `micropython` shim)
from usip.ims.aka import AKA
from usip.ims.isim import SoftISIM

from ..process import PeerError
from .core import IMSCore


def _md5(*parts: bytes) -> str:
    return hashlib.md5(b":".join(parts)).hexdigest()


def fields(message: str, name: str) -> list:
    """Return the values of every header field called *name*."""
    return re.findall(rf"(?im)^{name}\s*:\s*(.*?)\r$", message)


class Phone:
    """A phone by hand; .log holds status codes and methods received, in order."""

    def __init__(self, core: IMSCore, subscriber, k=None, transport="udp"):
        self.core = core
        self.impu = subscriber.impus[0]
        self.impi = subscriber.impi
        isim = SoftISIM(self.impi.encode(), k or subscriber.k, subscriber.opc)
        self.aka = AKA(isim)
        self.transport = transport
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", core.port))
        self.socket.settimeout(5)
        self._octets = b""
        self.port = self.socket.getsockname()[1]
        self.user = self.impi.partition("@")[0]
        self.call_id = uuid.uuid4().hex
        self.cseq = 0
        self.log = []
        self.requests = []  # received
        self.service_route = []

    def request(self, method: str, uri: str, to: str, headers: str, call_id=None, body="") -> str:
        """Send a request outside a dialog; return its final response."""
        self.cseq += 1
        self.send(method, uri, f"<{to}>", headers, call_id or self.call_id, body)
        while True:
            response = self.receive()
            if response.startswith("SIP/2.0") and not response.startswith("SIP/2.0 1"):
                self.log.append(int(response[8:11]))
                return response

    def send(self, method: str, uri: str, to: str, headers: str, call_id: str, body=""):
        """Send a request with the present CSeq; *to* is the whole value of To."""
        text = (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};"
            f"branch=z9hG4bK{uuid.uuid4().hex};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <{self.impu}>;tag={self.port}\r\nTo: {to}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {self.cseq} {method}\r\n{self.contact}"
            f"{headers}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self.socket.sendall(text.encode("latin-1"))

    @property
    def contact(self) -> str:
        uri = f"sip:{self.user}@127.0.0.1:{self.port};transport={self.transport}"
        return f"Contact: <{uri}>\r\n"

    def receive(self) -> str:
        """Return the next message; a request but ACK is answered 200."""
        message = self._next_message().decode("latin-1")  # a body may hold any octet
        if not message.startswith("SIP/2.0"):
            self.log.append(message.split(" ", 1)[0])
            self.requests.append(message)
            if not message.startswith("ACK"):
                self._answer_request(message)
        return message

    def _answer_request(self, request: str):
        copied = [
            f"{name}: {value}\r\n"
            for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")
            for value in fields(request, name)
        ]
        answer = "SIP/2.0 200 OK\r\n" + "".join(copied)
        if ";tag=" not in fields(request, "To")[0]:
            answer = answer.replace(
                "To: " + fields(request, "To")[0], f"To: {fields(request, 'To')[0]};tag=b"
            )
        self.socket.sendall((answer + self.contact + "Content-Length: 0\r\n\r\n").encode())

    def _next_message(self) -> bytes:
        if self.transport == "udp":
            return self.socket.recv(65536)
        while True:
            end = self._octets.find(b"\r\n\r\n") + 4
            if end > 3:
                head = self._octets[:end].decode()
                end += int(fields(head, "Content-Length")[0])
                if len(self._octets) >= end:
                    message, self._octets = self._octets[:end], self._octets[end:]
                    return message
            piece = self.socket.recv(65536)
            if not piece:
                raise PeerError("the P-CSCF closed the connection")
            self._octets += piece

    def register(self, expires: int = 600000) -> str:
        """Register, as often challenged as the AKA bears; return the last response."""
        realm = self.core.realm
        credentials = f'username="{self.impi}",realm="{realm}",uri="sip:{realm}"'
        answer = 'nonce="",response=""'
        while True:
            response = self.request(
                "REGISTER",
                f"sip:{realm}",
                self.impu,
                f"Authorization: Digest {credentials},{answer}\r\nSupported: path\r\n"
                f"Expires: {expires}\r\n",
            )
            if not response.startswith("SIP/2.0 401"):
                if response.startswith("SIP/2.0 200"):
                    self.aka.succeeded()
                    self.service_route = fields(response, "Service-Route")
                return response
            answer = self._answer(fields(response, "WWW-Authenticate")[0])
            if answer is None:
                return response

    def _answer(self, challenge: str):
        """Return the rest of the credentials, None when nothing is to be sent."""
        nonce = re.search(r'nonce="([^"]*)"', challenge).group(1)
        result = self.aka.challenge(nonce.encode())
        if result == 2:
            return f'nonce="{nonce}",response="",algorithm=AKAv1-MD5'
        if result > 2:
            return None
        realm = self.core.realm.encode()
        password = self.aka.password if result == 0 else b""
        a1 = _md5(self.impi.encode(), realm, password)
        a2 = _md5(b"REGISTER", b"sip:" + realm)
        cnonce = uuid.uuid4().hex
        parts = (a1, nonce, "00000001", cnonce, "auth", a2)
        text = f'nonce="{nonce}",response="{_md5(*(part.encode() for part in parts))}"'
        text += f',algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce="{cnonce}"'
        if result == 1:
            text += f',auts="{self.aka.auts.decode()}"'
        return text

    def routed(self) -> str:
        """Return the Route fields of a request outside a dialog (TS 24.229 5.1.2A.1.1)."""
        routes = [f"<sip:127.0.0.1:{self.core.port};lr;transport={self.transport}>"]
        return "".join(f"Route: {value}\r\n" for value in routes + self.service_route)

    def subscribe(self, expires: int = 600000) -> str:
        """Subscribe to the reg event; return the first NOTIFY, or the refusal."""
        response = self.request(
            "SUBSCRIBE",
            self.impu,
            self.impu,
            f"{self.routed()}Event: reg\r\nAccept: application/reginfo+xml\r\n"
            f"Expires: {expires}\r\n",
            uuid.uuid4().hex,
        )
        if not response.startswith("SIP/2.0 2"):
            return response
        while True:
            message = self.receive()
            if message.startswith("NOTIFY"):
                return message

    def call_and_hang_up(self, uri: str, preferred: str) -> str:
        """Call, acknowledge and say BYE along the dialog's route; return the last response."""
        call_id = uuid.uuid4().hex
        headers = f"{self.routed()}P-Preferred-Identity: <{preferred}>\r\n"
        response = self.request("INVITE", uri, uri, headers, call_id)
        if not response.startswith("SIP/2.0 200"):
            return response
        routes = ",".join(fields(response, "Record-Route")).split(",")
        route_set = "".join(f"Route: {value.strip()}\r\n" for value in reversed(routes))
        target = fields(response, "Contact")[0].partition("<")[2].partition(">")[0]
        self.send("ACK", target, fields(response, "To")[0], route_set, call_id)
        self.cseq += 1
        self.send("BYE", target, fields(response, "To")[0], route_set, call_id)
        return self.receive()

    def message(self, uri: str, text: str, preferred: str, kind="text/plain") -> str:
        """Send a MESSAGE as the identity *preferred*; return its final response."""
        return self.request(
            "MESSAGE",
            uri,
            uri,
            f"{self.routed()}P-Preferred-Identity: <{preferred}>\r\nContent-Type: {kind}\r\n",
            uuid.uuid4().hex,
            text,
        )

    def close(self):
        self.socket.close()


def main() -> int:
    """Try it: start, register, subscribe, resynchronise, stop."""
    with tempfile.TemporaryDirectory() as folder:
        core = IMSCore(pathlib.Path(folder))
        try:
            core.wait_ready()
            subscriber = core.hss.subscribers[0]
            phone = Phone(core, subscriber)
            print(phone.register())
            print(phone.subscribe())
            subscriber.sqn = 32
            print(phone.register().split("\r\n")[0])
            print(phone.log, subscriber.resynchronised, core.hss.log)
            phone.close()
        finally:
            core.stop()
            for child in core.children:
                print(child.tail(8), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
