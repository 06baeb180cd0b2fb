"""What one message and one dialogue cost a user-agent core, from octets received to octets sent.

The peer is a recording: what it sends was composed once from what the core sent it, and since
each run begins with the same random numbers the core sends the same octets every time. A body is
written and read by a media hook that uses no heap, since a description is no part of signalling.
"""

from usip import core
from usip.limits import Limits
from usip.sip.registration import Account
from usip.sip.standalone import Request  # noqa: F401  (imported before anything is measured)

_PEER = ("udp", "192.0.2.10", 5060)
_BODY = (
    b"v=0\r\no=- 3847 3847 IN IP4 192.0.2.41\r\ns=-\r\nc=IN IP4 192.0.2.41\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
)
_DESCRIBED = b"Content-Type: application/sdp\r\n"
_CONTACT = b"Contact: <sip:102@192.0.2.10:5060>\r\n"
_CHALLENGE = (
    b'Proxy-Authenticate: Digest realm="example.com", nonce="84a4cc6f3082121f32b42a2187831a9e", '
    b'qop="auth", algorithm=MD5\r\n'
)
_REQUEST = (
    b"%s sip:101@192.0.2.41:5060 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n"
    b"From: <sip:102@192.0.2.10>;tag=7c1f4e02\r\nTo: <sip:101@192.0.2.10>%s\r\n"
    b"Call-ID: 9b0f2c66d1e84f3a\r\nCSeq: %d %s\r\n" + _CONTACT + b"%sContent-Length: %d\r\n\r\n%s"
)
_OCTETS = bytes(range(256))
_LATER_MS = 40000  # when every transaction has ended


class _Media:
    """A hook that takes whatever comes."""

    def put_offer(self, w) -> None:
        w.put(_BODY)

    def put_answer(self, w) -> None:
        w.put(_BODY)

    def receive_offer(self, buf, start: int, end: int) -> int:
        return 0

    def receive_answer(self, buf, start: int, end: int) -> int:
        return 0

    def reject_offer(self, is_postponed: bool = False) -> None:
        pass


class _Random:
    """Octets that cost what those of os.urandom cost."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self, n: int) -> bytes:
        at = self.at
        self.at = (at + n) % 128
        return _OCTETS[at : at + n]


class _Phone:
    """A core with one account, its transport and its application."""

    methods = (1,)

    def __init__(self) -> None:
        self.sent = None  # what was sent, while that is recorded
        self.now_ms = 0
        self.media = _Media()
        self.random = _Random()
        self.core = core.UserAgentCore(Limits(), self, self.random)
        self.core.resolver.add(self)
        self.account = Account(b"sip:101@192.0.2.10", password=b"secret", destination=_PEER)
        self.core.add_account(self.account)
        self.host_port = "192.0.2.41", 5060
        self.session = None

    def create_media(self, session):
        self.session = session
        return self.media

    def send(self, destination, buf, end: int) -> bool:
        if self.sent is not None:
            self.sent.append(bytes(buf[:end]))
        return True

    def local_address(self, destination) -> tuple:
        return self.host_port

    def receive(self, octets: bytes) -> None:
        self.core.receive(octets, len(octets), _PEER, self.now_ms)
        while self.core.next_event():
            pass

    def begin(self) -> None:
        """Begin a dialogue like every other: the same random numbers, nothing remembered."""
        self.random.at = 0
        self.account.authentication.spaces.clear()

    def end(self) -> None:
        """Let the time pass in which transactions wait for what is repeated."""
        for _ in range(2):
            self.now_ms = (self.now_ms + _LATER_MS) % (1 << 30)
            self.core.handle_timer(self.now_ms)
        while self.core.next_event():
            pass
        assert not self.core.transactions.active and not self.core.sessions


def _response(request: bytes, status: bytes, more: bytes = b"", body: bytes = b"") -> bytes:
    lines = request.split(b"\r\n")
    kept = [
        line for line in lines if line.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq")
    ]
    to = [line for line in lines if line.startswith(b"To:")][0]
    kept.append(to if b";tag=" in to or status == b"100 Trying" else to + b";tag=5e1f")
    head = b"SIP/2.0 " + status + b"\r\n" + b"\r\n".join(kept) + b"\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _request(method: bytes, branch: bytes, cseq: int, to_tag: bytes = b"", body=b"") -> bytes:
    more = _DESCRIBED if body else b""
    return _REQUEST % (method, branch, to_tag, cseq, method, more, len(body), body)


_phone = _Phone()
_accepted = _CONTACT + _DESCRIBED


def _place(receive):
    """Call, be challenged, be answered, hang up; *receive* takes (status, fields, body)."""
    phone = _phone
    phone.begin()
    session = phone.core.invite(
        phone.account, b"sip:102@192.0.2.10", phone.media, phone.now_ms, _PEER
    )
    receive(b"407 Proxy Authentication Required", _CHALLENGE, b"")
    receive(b"100 Trying", b"", b"")
    receive(b"180 Ringing", _CONTACT, b"")
    receive(b"200 OK", _accepted, _BODY)
    session.hang_up(phone.now_ms)
    receive(b"200 OK", b"", b"")


def _take(receive):
    """Be called, ring, answer, be hung up on; *receive* takes a request."""
    phone = _phone
    phone.begin()
    receive(_INVITE)
    session = phone.session
    session.ring(phone.now_ms)
    session.answer(phone.now_ms)
    tag = b";tag=" + session.dialog.local_tag
    receive(_request(b"ACK", b"-a", 1, tag))
    receive(_request(b"BYE", b"-b", 2, tag))


def _recorded(dialogue) -> list:
    """Return what the peer sends in a dialogue."""
    received = []

    def receive(octets, more=b"", body=b""):
        if body or more or octets[0] < 65:  # a status and what belongs to it
            octets = _response(_phone.sent[-1], octets, more, body)
        received.append(octets)
        _phone.receive(octets)

    _phone.sent = []
    dialogue(receive)
    _phone.end()
    _phone.sent = None
    return received


_INVITE = _request(b"INVITE", b"-i", 1, b"", _BODY)
_OPTIONS = _request(b"OPTIONS", b"-o", 1)
_CANCEL = _request(b"CANCEL", b"-i", 1)
_placed = _recorded(_place)
_taken = _recorded(_take)
_i = 0


def _replay(received, n: int) -> None:
    """Receive the next *n* of a recording."""
    global _i
    for i in range(_i, _i + n):
        _phone.receive(received[i])
    _i += n


def _caller():
    global _i
    _i = 0
    phone = _phone
    phone.begin()
    session = phone.core.invite(
        phone.account, b"sip:102@192.0.2.10", phone.media, phone.now_ms, _PEER
    )
    _replay(_placed, 4)
    session.hang_up(phone.now_ms)
    _replay(_placed, 1)
    phone.end()


def _called():
    global _i
    _i = 0
    phone = _phone
    phone.begin()
    _replay(_taken, 1)
    phone.session.ring(phone.now_ms)
    phone.session.answer(phone.now_ms)
    _replay(_taken, 2)
    phone.session = None
    phone.end()


def _invite():
    """One INVITE to its 100; then it is taken back."""
    _phone.receive(_INVITE)


def _cancelled():
    _invite()
    _phone.receive(_CANCEL)
    _phone.session = None
    _phone.end()


def _options():
    _phone.receive(_OPTIONS)
    _phone.end()


CASES = (
    ("OPTIONS to its 200", _options, 1),
    ("INVITE to its 100, CANCEL to its 200 and 487", _cancelled, 1),
    ("dialogue of a caller, challenged", _caller, 1),
    ("dialogue of the called side", _called, 1),
)
