"""Read a 600-octet audio offer and write the answer, beside a dict-of-lists parser."""

from usip.limits import Limits
from usip.sdp.negotiate import Negotiator
from usip.sdp.read import Reader
from usip.writer import Writer

YARDSTICK = "dict of lists, offer read (yardstick)"

_SIZE = 600
_OFFER = (
    b"v=0\r\no=- 1873470410 1873470410 IN IP4 192.0.2.10\r\ns=PBX\r\nc=IN IP4 192.0.2.10\r\n"
    b"t=0 0\r\nm=audio 17038 RTP/AVP 102 9 0 8 103 101\r\na=rtpmap:102 opus/48000/2\r\n"
    b"a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20\r\n"
    b"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:103 telephone-event/48000\r\na=fmtp:103 0-15\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:140\r\n"
    b"a=sendrecv\r\na=rtcp:17039 IN IP4 192.0.2.10\r\na=label:"
)
OFFER = _OFFER + b"x" * (_SIZE - len(_OFFER) - 2) + b"\r\n"
assert len(OFFER) == _SIZE


def plain_parse(data: bytes) -> dict:
    """Return a description as a dict of lists: how small clients do it."""
    session = {"media": []}
    part = session
    for line in data.decode().split("\r\n"):
        if not line:
            continue
        kind, value = line.split("=", 1)
        if kind == "m":
            media, port, profile, *formats = value.split(" ")
            part = {"media": media, "port": int(port), "profile": profile, "formats": formats}
            session["media"].append(part)
        elif kind == "a":
            name, _, text = value.partition(":")
            part.setdefault("attributes", {}).setdefault(name, []).append(text)
        else:
            part.setdefault(kind, []).append(value)
    return session


def plain_answer(session: dict) -> bytes:
    """Return an answer to what plain_parse returned, built from strings."""
    audio = session["media"][0]
    rtpmaps = dict(text.split(" ", 1) for text in audio["attributes"]["rtpmap"])
    chosen = [number for number in audio["formats"] if number in ("0", "8")][:1]
    chosen += [n for n in audio["formats"] if rtpmaps.get(n) == "telephone-event/8000"]
    lines = ["v=0", "o=- 7 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"]
    lines.append("m=audio 40000 RTP/AVP " + " ".join(chosen))
    lines += ["a=rtpmap:%s %s" % (number, rtpmaps[number]) for number in chosen]
    lines += ["a=fmtp:%s 0-15" % chosen[-1], "a=ptime:20", "a=sendrecv", ""]
    return "\r\n".join(lines).encode()


_writer = Writer(bytearray(1500))
_reader = Reader()
_negotiator = Negotiator(Limits(), b"192.0.2.1", 40000)


def _plain():
    plain_parse(OFFER)


def _plain_both():
    plain_answer(plain_parse(OFFER))


def _lines():
    _reader.read(OFFER, 0, len(OFFER))
    while _reader.next():
        pass


def _offer():
    _negotiator.receive_offer(OFFER, 0, len(OFFER))
    _negotiator.reject_offer()


def _both():
    _negotiator.receive_offer(OFFER, 0, len(OFFER))
    _negotiator.put_answer(_writer.reset())


_both()
CASES = (
    (YARDSTICK, _plain, 1),
    ("dict of lists, offer read and answer written", _plain_both, 1),
    ("Reader: lines of the offer", _lines, 1),
    ("Negotiator: offer read", _offer, 1),
    ("Negotiator: offer read and answer written", _both, 1),
)
