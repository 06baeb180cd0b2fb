"""A far side of few words on the virtual link, played by a test: no library behind it.

What it receives is kept as text, parsed by split(); what it sends is what the test says.
"""

from host_tests.fakes.registrar import parse

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\n"
)


class Request:
    """A request received: its words and fields, and whence it came."""

    def __init__(self, octets: bytes, source: tuple) -> None:
        start, self.fields = parse(octets)
        self.method, self.uri, _ = start.split(" ")
        self.body = str(octets.split(b"\r\n\r\n", 1)[1], "utf-8")
        self.source = source

    def value(self, name: str) -> str:
        """Return the values of a field joined by commas, "" when it is absent."""
        return ", ".join(self.fields.get(name, ()))


class Peer:
    """Somebody at *host*; `requests` and `responses` ([status, fields]) are what it was sent."""

    def __init__(self, link, host: str) -> None:
        self.link = link
        self.host = host
        self.is_up = True
        self.core = self
        self.requests = []
        self.responses = []
        self.on_request = None  # called with each Request
        self.cseq = 0
        self.dialog = ""  # the lines From, To and Call-ID of what this side sends
        self.to = ("udp", "192.0.2.1", 5060)
        link.endpoints.append(self)

    def deadline(self) -> int:
        """As a core: none."""
        return -1

    def drain(self) -> None:
        """As an endpoint: no events."""

    def receive(self, octets: bytes, end: int, source: tuple, now_ms: int) -> None:
        """Keep what came, and let the test react."""
        if octets.startswith(b"SIP/2.0 "):
            start, fields = parse(octets)
            self.responses.append((int(start.split(" ")[1]), fields))
            return
        request = Request(octets, source)
        self.requests.append(request)
        if self.on_request is not None:
            self.on_request(request)

    def statuses(self) -> list:
        """Return the statuses received."""
        return [status for status, _ in self.responses]

    def methods(self) -> list:
        """Return the methods received."""
        return [request.method for request in self.requests]

    def last(self, method: str) -> Request:
        """Return the latest request with a method."""
        return [request for request in self.requests if request.method == method][-1]

    def reply(self, request, status, extra=(), body: str = "", tag: str = "peer") -> None:
        """Answer a request: *status* with a reason or without, further lines, a description."""
        lines = ["SIP/2.0 %s" % (status if isinstance(status, str) else "%d Reason" % status)]
        for name in ("via", "from", "call-id", "cseq"):
            lines += ["%s: %s" % (name, value) for value in request.fields[name]]
        to = request.value("to")
        lines.append("To: " + (to if ";tag=" in to else "%s;tag=%s" % (to, tag)))
        lines += extra
        self._send(request.source, lines, body)

    def accept(self, request, extra=(), body: str = OFFER, tag: str = "peer") -> None:
        """Answer an INVITE with 200, a Contact and a description."""
        contact = "Contact: <sip:peer@%s>" % self.host
        if not any([line.startswith("Contact") for line in extra]):
            extra = tuple(extra) + (contact,)
        self.reply(request, "200 OK", extra, body, tag)

    def send(
        self, method: str, uri: str, extra=(), body: str = "", cseq: int = 0, branch=""
    ) -> None:
        """Send a request in `dialog`."""
        if not cseq:
            self.cseq += 1
            cseq = self.cseq
        lines = [
            "%s %s SIP/2.0" % (method, uri),
            "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK%s;rport"
            % (self.host, branch or "%s%d" % (method, cseq)),
            "Max-Forwards: 70",
            self.dialog,
            "CSeq: %d %s" % (cseq, method),
        ]
        if method != "ACK" and not any([line.startswith("Contact") for line in extra]):
            lines.append("Contact: <sip:peer@%s>" % self.host)
        self._send(self.to, lines + list(extra), body)

    def enter(self, request, tag: str = "peer") -> None:
        """Send from now on within the dialog of a request that this side answered."""
        to = request.value("to")
        if ";tag=" not in to:
            to += ";tag=" + tag
        self.dialog = "From: %s\r\nTo: %s\r\nCall-ID: %s" % (
            to,
            request.value("from"),
            request.value("call-id"),
        )
        self.to = request.source

    def begin(self, to: str, call_id: str = "peer-1") -> None:
        """Send from now on outside of dialogs."""
        self.dialog = "From: <sip:peer@%s>;tag=p\r\nTo: %s\r\nCall-ID: %s" % (
            self.host,
            to,
            call_id,
        )

    def join(self, fields: dict) -> None:
        """Send from now on within the dialog of a response that this side received."""
        self.dialog = "From: %s\r\nTo: %s\r\nCall-ID: %s" % (
            fields["from"][0],
            fields["to"][0],
            fields["call-id"][0],
        )

    def _send(self, to, lines, body) -> None:
        if body:
            lines = list(lines) + ["Content-Type: application/sdp"]
        lines = list(lines) + ["Content-Length: %d\r\n\r\n%s" % (len(body), body)]
        self.link.carry(self, to, "\r\n".join(lines).encode())
