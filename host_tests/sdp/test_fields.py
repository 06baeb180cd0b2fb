"""Every field of RFC 8866 5 as a value, and back."""

from usip.errors import ParseError
from usip.sdp import fields
from usip.sdp.write import Builder
from usip.writer import Writer

GOOD = (
    ("v", b"0", 0),
    (
        "o",
        b"jdoe 3724394400 3724394405 IN IP4 198.51.100.1",
        (b"jdoe", 3724394400, 3724394405, b"IN", b"IP4", b"198.51.100.1"),
    ),
    ("s", b"Call to John Smith", b"Call to John Smith"),
    ("s", b" ", b" "),
    ("s", b"", b""),
    ("i", b"SDP Offer #1", b"SDP Offer #1"),
    ("u", b"http://www.jdoe.example.com/home.html", b"http://www.jdoe.example.com/home.html"),
    ("e", b"Jane Doe <jane@jdoe.example.com>", b"Jane Doe <jane@jdoe.example.com>"),
    ("p", b"+1 617 555-6011", b"+1 617 555-6011"),
    ("c", b"IN IP4 198.51.100.1", (b"IN", b"IP4", b"198.51.100.1", -1, 1)),
    ("c", b"IN IP4 233.252.0.1/127", (b"IN", b"IP4", b"233.252.0.1", 127, 1)),
    ("c", b"IN IP4 233.252.0.1/127/3", (b"IN", b"IP4", b"233.252.0.1", 127, 3)),
    ("c", b"IN IP6 ff00::db8:0:101/3", (b"IN", b"IP6", b"ff00::db8:0:101", -1, 3)),
    ("b", b"X-YZ:128", (b"X-YZ", 128)),
    ("t", b"3724394400 3724398000", (3724394400, 3724398000)),
    ("r", b"604800 3600 0 90000", (604800, 3600, (0, 90000))),
    ("z", b"3730928400 -3600 3749680800 0", ((3730928400, -3600), (3749680800, 0))),
    ("k", b"prompt", (b"prompt", None)),
    ("k", b"clear:secret", (b"clear", b"secret")),
    ("m", b"audio 49170 RTP/AVP 0", (b"audio", 49170, 1, b"RTP/AVP", (b"0",))),
    ("m", b"video 49170/2 RTP/AVP 31 32", (b"video", 49170, 2, b"RTP/AVP", (b"31", b"32"))),
    ("a", b"recvonly", (b"recvonly", None)),
    ("a", b"orient:portrait", (b"orient", b"portrait")),
    ("a", b"x:", (b"x", b"")),
)
OTHER_FORMS = (
    ("r", b"7d 1h 0 25h", b"604800 3600 0 90000"),
    ("z", b"3730928400 -1h 3749680800 0", b"3730928400 -3600 3749680800 0"),
    ("m", b"audio 5000 RTP/AVP 0 ", b"audio 5000 RTP/AVP 0"),
    ("m", b"video 0 RTP/AVP", b"video 0 RTP/AVP"),
)
BAD = (
    ("v", b"x"),
    ("v", b"1"),
    ("o", b"- 1 1 IN IP4"),
    ("o", b"- x 1 IN IP4 192.0.2.1"),
    ("o", b"-  1 1 IN IP4 192.0.2.1"),
    ("i", b""),
    ("c", b"IN IP4"),
    ("c", b"IN IP4 "),
    ("c", b"IN IP4 233.252.0.1/256"),
    ("c", b"IN IP4 233.252.0.1/1/2/3"),
    ("c", b"IN IP6 ff00::1/3/4"),
    ("c", b"IN IP4 233.252.0.1/127/0"),
    ("b", b"AS"),
    ("b", b":64"),
    ("b", b"AS:x"),
    ("t", b"0"),
    ("t", b"0 -1"),
    ("r", b"0 1"),
    ("r", b"7w 1h 0"),
    ("r", b"7d"),
    ("z", b"1"),
    ("z", b"1 0 2"),
    ("k", b":x"),
    ("m", b"audio 5000 RTP/AVP"),
    ("m", b"audio 65536 RTP/AVP 0"),
    ("m", b"audio 5000/ RTP/AVP 0"),
    ("m", b"audio -1 RTP/AVP 0"),
    ("m", b"audio"),
    ("a", b""),
    ("a", b":x"),
)


def test_fields_are_read_and_written_as_values():
    for kind, octets, value in GOOD:
        found = fields.parse(ord(kind), octets)
        assert found == value, (kind, octets, found)
        assert fields.text_of(ord(kind), found) == octets, (kind, octets)


def test_fields_with_another_usual_form_are_written_in_the_plain_one():
    for kind, octets, plain in OTHER_FORMS:
        assert fields.text_of(ord(kind), fields.parse(ord(kind), octets)) == plain, octets


def test_wrong_fields_are_refused_with_400():
    for kind, octets in BAD:
        try:
            fields.parse(ord(kind), octets)
        except ParseError as e:
            assert e.status == 400 and e.text[:3] == kind + "= "[:2], e.text
            continue
        raise AssertionError((kind, octets))


def test_members_have_the_names_of_the_rfc():
    origin = fields.parse(111, b"jdoe 1 2 IN IP6 2001:db8::1")
    assert (origin.username, origin.session_version, origin.address_type) == (b"jdoe", 2, b"IP6")
    media = fields.parse(109, b"audio 5000 RTP/AVP 0 8")
    assert (media.port, media.profile, media.formats) == (5000, b"RTP/AVP", (b"0", b"8"))


def test_values_are_written_in_the_order_of_the_grammar():
    out = Builder().start(Writer(bytearray(300)))
    fields.put(out, ord("v"), 0)
    fields.put(out, ord("o"), fields.Origin(b"-", 1, 2, b"IN", b"IP4", b"192.0.2.1"))
    fields.put(out, ord("s"), b"-")
    fields.put(out, ord("c"), fields.Connection(b"IN", b"IP4", b"192.0.2.1", -1, 1))
    fields.put(out, ord("t"), fields.Time(0, 0))
    fields.put(out, ord("m"), fields.Media(b"audio", 5000, 1, b"RTP/AVP", (b"0",)))
    fields.put(out, ord("a"), fields.Attribute(b"ptime", b"20"))
    fields.put(out, ord("a"), fields.Attribute(b"sendrecv", None))
    assert out.writer.take() == (
        b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        b"m=audio 5000 RTP/AVP 0\r\na=ptime:20\r\na=sendrecv\r\n"
    )
