"""Offers as devices and services write them: what a phone makes of each, however it arrives."""

from host_tests.sdp import corpus, vectors
from usip.limits import Limits
from usip.sdp.negotiate import Negotiator
from usip.sdp.read import Reader
from usip.writer import Writer

LIMITS = Limits()
KIND = b"application/sdp"


def outcome(negotiator, status):
    """Return what came of an offer, in the form of corpus.OFFERS."""
    if status:
        return (status,)
    writer = Writer(bytearray(1500))
    negotiator.put_answer(writer)
    directions = (1 if negotiator.can_send else 0) | (2 if negotiator.can_receive else 0)
    return (
        0,
        negotiator.codec,
        negotiator.payload_type,
        negotiator.telephone_event,
        negotiator.remote_address,
        negotiator.remote_port,
        negotiator.remote_rtcp_port,
        negotiator.ptime,
        directions,
        writer.take().count(b"\r\nm="),
    )


def whole(octets):
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000)
    return outcome(negotiator, negotiator.receive_offer(octets, 0, len(octets)))


def pieces(octets, *ends):
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000)
    assert negotiator.begin(KIND, 0, len(KIND))
    start = 0
    for end in ends + (len(octets),):
        negotiator.feed(octets, start, end)
        start = end
    negotiator.finish()
    return outcome(negotiator, negotiator.receive_offer(None, 0, 0))


def test_every_offer_is_understood():
    for name, octets, expected in corpus.OFFERS:
        assert whole(octets) == expected, (name, whole(octets))


def test_every_offer_is_understood_with_other_octets_around_it():
    for name, octets, expected in corpus.OFFERS:
        negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000)
        room = bytearray(b"m=audio 1 RTP/AVP 0\r\n" + octets + b"m=audio 1 RTP/AVP 0\r\n")
        status = negotiator.receive_offer(room, 21, 21 + len(octets))
        assert outcome(negotiator, status) == expected, name


def test_every_offer_is_understood_at_every_split():
    for name, octets, expected in corpus.OFFERS:
        for at in range(0, len(octets) + 1, 3 if len(octets) > 800 else 1):
            assert pieces(octets, at) == expected, (name, at)


def test_every_offer_is_understood_octet_by_octet():
    for name, octets, expected in corpus.OFFERS:
        assert pieces(octets, *range(1, len(octets))) == expected, name


def test_every_offer_cut_short_is_answered_or_refused():
    for name, octets, _ in corpus.OFFERS:
        for end in range(0, len(octets), 5):
            assert whole(octets[:end])[0] in (0, 400, 488), (name, end)


def test_a_captured_offer_of_pjsip_with_ice_and_many_codecs():
    octets = vectors.load("real/issues/pjsip-ice-many-codecs.sdp")
    if octets is None:
        print("no vectors: 0 of 1 ran")
        return
    expected = (0, b"PCMU", 0, 121, b"192.168.99.105", 4027, 4018, 20, 3, 1)
    assert whole(octets)[:9] == expected[:9]
    for at in range(0, len(octets), 50):
        assert pieces(octets, at)[:9] == expected[:9]


def test_published_descriptions_are_read_the_same_at_every_chunk_size():
    examples = vectors.load_all("rfcsdp/rfc4317_%02d.sdp", 1, 54)
    examples += vectors.load_all("rfcsdp/rfc3264_%02d.sdp", 1, 9)
    for name, octets in examples:
        expected = None
        for step in (len(octets), 1, 7, 64):
            reader = Reader()
            lines = []
            for at in range(0, len(octets), step):
                reader.feed(octets, at, min(len(octets), at + step))
                while reader.next():
                    lines.append((reader.kind, bytes(reader.buf[reader.start : reader.end])))
            reader.finish()
            while reader.next():
                lines.append((reader.kind, bytes(reader.buf[reader.start : reader.end])))
            assert lines == (expected or lines), (name, step)
            expected = lines


# The offers of RFC 4317: number of the example; codec, payload type, port and direction of a phone
# with PCMU, PCMA and iLBC that answers it.
RFC_4317 = (
    (1, b"PCMU", 0, 49170, 3),
    (3, b"PCMU", 0, 49170, 3),
    (5, b"PCMU", 0, 51372, 3),
    (7, b"PCMU", 0, 49170, 3),
    (9, b"PCMU", 0, 49170, 3),
    (11, b"iLBC", 97, 49170, 3),
    (13, b"iLBC", 97, 49178, 3),
    (15, b"PCMU", 0, 49170, 3),
    (17, b"iLBC", 99, 49170, 3),
    (19, b"iLBC", 99, 49170, 3),
    (21, b"PCMU", 0, 49170, 3),
    (23, b"PCMU", 0, 49170, 3),
    (25, b"iLBC", 97, 49170, 3),
    (27, b"PCMU", 0, 49170, 3),
    (29, b"iLBC", 97, 49172, 2),
    (31, b"PCMU", 0, 49170, 3),
    (33, b"iLBC", 97, 49170, 3),
    (35, b"PCMU", 0, 49170, 3),
    (37, b"PCMU", 0, 49170, 3),
    (39, b"iLBC", 97, 49170, 3),
    (41, b"iLBC", 97, 49174, 3),
    (43, b"", -1, 0, 0),
    (45, b"iLBC", 97, 49170, 3),
    (47, b"iLBC", 97, 23442, 2),
    (49, b"iLBC", 97, 49170, 3),
    (51, b"iLBC", 97, 49170, 3),
    (53, b"iLBC", 97, 49172, 3),
)
# RFC 3264 10: the offers of 10.1 and 10.2.
RFC_3264 = (
    (2, b"PCMU", 0, 49170, 3),
    (4, b"PCMU", 0, 65422, 3),
    (6, b"PCMU", 0, 62986, 0),
    (8, b"", -1, 0, 0),
)


def answer_of(octets, status=0):
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000, codecs=(0, 8, (97, b"iLBC", 8000)))
    assert negotiator.receive_offer(octets, 0, len(octets)) == status
    if status:
        return (b"", -1, 0, 0)
    assert outcome(negotiator, 0)[9] == octets.count(b"\nm=")
    directions = (1 if negotiator.can_send else 0) | (2 if negotiator.can_receive else 0)
    return (negotiator.codec, negotiator.payload_type, negotiator.remote_port, directions)


def ran(name, expected, status_of):
    count = 0
    for number, *result in expected:
        octets = vectors.load(name % number)
        if octets is not None:
            assert answer_of(octets, status_of.get(number, 0)) == tuple(result), number
            count += 1
    print("%d of %d vectors %s" % (count, len(expected), name))


def test_the_offers_of_rfc_4317():
    ran("rfcsdp/rfc4317_%02d.sdp", RFC_4317, {})


def test_the_offers_of_rfc_3264():
    ran("rfcsdp/rfc3264_%02d.sdp", RFC_3264, {8: 488})


def test_the_flow_of_rfc_4317_5_1_no_media_then_audio_added():
    first = corpus.wire("v=0\no=a 1 1 IN IP4 192.0.2.9\ns=\nc=IN IP4 192.0.2.9\nt=0 0")
    second = (
        first.replace(b"1 1", b"1 2") + b"m=audio 49170 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\n"
    )
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000, codecs=((99, b"iLBC", 8000),))
    assert outcome(negotiator, negotiator.receive_offer(first, 0, len(first)))[9] == 0
    assert not negotiator.is_active
    found = outcome(negotiator, negotiator.receive_offer(second, 0, len(second)))
    assert found[1:3] == (b"iLBC", 97) and found[9] == 1
