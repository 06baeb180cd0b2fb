"""Parse and index one INVITE of 800 octets, beside a plain parser built on split()."""

from usip.sip import parser
from usip.sip.message import Message

YARDSTICK = "split() parser (yardstick)"

_SDP = (
    b"v=0\r\no=- 3847 3847 IN IP4 192.0.2.41\r\ns=call\r\nc=IN IP4 192.0.2.41\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
)
_HEAD = (
    b"INVITE sip:102@192.0.2.10 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.41:5060;branch=z9hG4bK-524287-1---8c2d94f1;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Front door" <sip:101@192.0.2.10>;tag=7c1f4e02\r\n'
    b"To: <sip:102@192.0.2.10>\r\n"
    b"Call-ID: 9b0f2c66d1e84f3a@192.0.2.41\r\n"
    b"CSeq: 21 INVITE\r\n"
    b"Contact: <sip:101@192.0.2.41:5060>\r\n"
    b"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO\r\n"
    b"Supported: replaces\r\n"
    b"User-Agent: %s\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: %d\r\n\r\n"
)
_SIZE = 800


def _invite() -> bytes:
    agent = b"bench"
    wire = _HEAD % (agent, len(_SDP)) + _SDP
    wire = _HEAD % (agent + b"/" + b"1" * (_SIZE - len(wire) - 1), len(_SDP)) + _SDP
    assert len(wire) == _SIZE
    return wire


INVITE = _invite()


def _parameters(value: str) -> dict:
    found = {}
    for parameter in value.split(";")[1:]:
        name, _, text = parameter.partition("=")
        found[name.strip().lower()] = text.strip()
    return found


def plain_parse(data: bytes) -> dict:
    """Return a message as a dict: how small clients do it."""
    head, _, body = data.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    method, uri, version = lines[0].split(" ", 2)
    headers = {}
    for line in lines[1:]:
        name, value = line.split(":", 1)
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    via = headers["via"][0]
    return {
        "method": method,
        "uri": uri,
        "version": version,
        "headers": headers,
        "sent_by": via.split(";")[0].split(" ")[1],
        "branch": _parameters(via)["branch"],
        "from_tag": _parameters(headers["from"][0]).get("tag"),
        "to_tag": _parameters(headers["to"][0]).get("tag"),
        "cseq": int(headers["cseq"][0].split(" ")[0]),
        "length": int(headers["content-length"][0]),
        "body": body,
    }


_message = Message()


def _plain():
    plain_parse(INVITE)


def _index():
    parser.index(_message, INVITE, 0, _SIZE)


assert plain_parse(INVITE)["cseq"] == 21
_index()
assert _message.cseq == 21

CASES = (
    (YARDSTICK, _plain, 1),
    ("parse + index (usip.sip.parser)", _index, 1),
)
