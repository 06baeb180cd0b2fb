"""Reading descriptions line by line: every chunking, order, laxities, malformed octets."""

from host_tests.fakes.noalloc import NoAlloc
from host_tests.sdp import corpus
from usip.errors import ParseError
from usip.sdp.octets import find_name
from usip.sdp.read import Reader

HEAD = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
C = b"c=IN IP4 192.0.2.1\r\n"
T = b"t=0 0\r\n"
M = b"m=audio 4000 RTP/AVP 0\r\n"


def taken(reader):
    """Return the lines the reader hands out now."""
    lines = []
    while reader.next():
        value = bytes(reader.buf[reader.start : reader.end])
        lines.append((chr(reader.kind), value, reader.section, reader.is_cut, reader.offset))
    return lines


def whole(octets, line_bytes=256):
    """Return the lines of a description that arrived in one piece."""
    reader = Reader(line_bytes)
    reader.read(octets, 0, len(octets))
    return taken(reader)


def pieces(octets, step, line_bytes=256):
    """Return the lines of a description that arrived *step* octets at a time."""
    reader = Reader(line_bytes)
    lines = []
    room = bytearray(step + 3)
    for at in range(0, len(octets), step):
        piece = octets[at : at + step]
        for i in range(len(room)):
            room[i] = 0xEE  # stale octets around what is new
        room[2 : 2 + len(piece)] = piece
        reader.feed(room, 2, 2 + len(piece))
        lines += taken(reader)
    reader.finish()
    return lines + taken(reader)


def refusal(octets, step=0):
    """Return (status, offset) with which the description is refused, or None."""
    try:
        pieces(octets, step) if step else whole(octets)
    except ParseError as e:
        return e.status, e.at
    return None


def kinds(octets):
    return "".join([line[0] for line in whole(octets)])


def test_lines_come_with_type_value_and_section():
    lines = whole(HEAD + C + T + M + b"a=sendrecv\r\nm=video 0 RTP/AVP 31\r\na=x:1\r\n")
    assert [line[:3] for line in lines][5:] == [
        ("m", b"audio 4000 RTP/AVP 0", 0),
        ("a", b"sendrecv", 0),
        ("m", b"video 0 RTP/AVP 31", 1),
        ("a", b"x:1", 1),
    ]
    assert lines[0] == ("v", b"0", -1, False, 0)
    assert lines[1][4] == 5


def test_lines_do_not_depend_on_how_the_octets_arrive():
    for name, octets, _ in corpus.OFFERS:
        expected = whole(octets)
        for step in (1, 2, 3, 7, 40, 64, 255, 1000):
            assert pieces(octets, step) == expected, (name, step)


def test_lines_do_not_depend_on_where_the_octets_are_split():
    octets = HEAD + C + T + M + b"a=ptime:20\n\r\n"
    expected = whole(octets)
    for at in range(len(octets) + 1):
        reader = Reader()
        reader.feed(octets, 0, at)
        lines = taken(reader)
        reader.feed(octets, at, len(octets))
        lines += taken(reader)
        reader.finish()
        assert lines + taken(reader) == expected, at


def test_a_line_longer_than_the_buffer_is_cut_however_it_arrives():
    octets = HEAD + T + b"a=candidate:" + b"x" * 300 + b"\r\na=short\r\n"
    expected = whole(octets, 64)
    assert [len(line[1]) for line in expected][-2:] == [62, 5]
    assert [line[3] for line in expected][-2:] == [True, False]
    for step in (1, 5, 63, 64, 65, 100):
        assert pieces(octets, step, 64) == expected, step


def test_every_field_in_the_order_of_the_grammar():
    octets = (
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\ni=info\r\nu=http://a.example\r\ne=a@b\r\ne=c@d"
        b"\r\np=+1\r\np=+2\r\nc=IN IP4 192.0.2.1\r\nb=AS:1\r\nb=TIAS:2\r\nt=0 0\r\nr=1 1 0\r\n"
        b"t=1 2\r\nr=7d 1h 0\r\nr=1 1 0\r\nz=0 0\r\nk=prompt\r\na=x\r\na=y\r\n"
        b"m=audio 1 RTP/AVP 0\r\ni=m\r\nc=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\n"
        b"b=AS:1\r\nk=prompt\r\na=z\r\n"
        b"m=audio 1 RTP/AVP 0\r\n"
    )
    assert kinds(octets) == "vosiueeppcbbtrtrrzkaamiccbkam"


def test_a_line_out_of_order_is_refused_with_its_offset():
    for before, line in (
        (b"", b"o=- 1 1 IN IP4 192.0.2.1\r\n"),
        (HEAD, b"v=0\r\n"),
        (HEAD, b"o=- 1 1 IN IP4 192.0.2.1\r\n"),
        (HEAD, b"s=again\r\n"),
        (HEAD + C, b"c=IN IP4 192.0.2.1\r\n"),
        (HEAD + C, b"i=late\r\n"),
        (HEAD + T, b"e=late@example.com\r\n"),
        (HEAD, b"r=1 1 0\r\n"),
        (HEAD + T + b"a=x\r\n", b"t=0 0\r\n"),
        (HEAD + T + b"a=x\r\n", b"k=prompt\r\n"),
        (HEAD + T + M, b"t=0 0\r\n"),
        (HEAD + T + M, b"s=-\r\n"),
        (HEAD + T + M + b"a=x\r\n", C),
        (HEAD + T + M + b"b=AS:1\r\n", C),
        (HEAD + T + M + b"i=1\r\n", b"i=2\r\n"),
        (HEAD + T, b"x=what\r\n"),
        (HEAD + T, b"V=0\r\n"),
    ):
        for step in (0, 1, 11):
            assert refusal(before + line + M, step) == (400, len(before)), (before, line)


def test_malformed_lines_are_refused():
    for line in (b"a\r\n", b"a:b\r\n", b"=\r\n", b"a=x\x00y\r\n", b"a=x\ry\r\n", b" a=x\r\n"):
        for step in (0, 1, 4):
            assert refusal(HEAD + T + M + line, step) == (400, len(HEAD + T + M)), line


def test_an_incomplete_description_is_refused():
    for octets in (b"", b"\r\n", b"v=0\r\n", b"v=0"):
        assert refusal(octets) is not None, octets
        assert refusal(octets + M, 3) is not None, octets


def test_octets_behind_a_blank_line_are_refused():
    assert refusal(HEAD + T + M + b"\r\na=x\r\n") == (400, len(HEAD + T + M) + 2)


def test_lines_may_end_in_lf_alone():
    assert whole((HEAD + T + M).replace(b"\r", b""))[-1][1] == b"audio 4000 RTP/AVP 0"


def test_lax_time_before_connection_as_jitsi_has_it():
    assert kinds(HEAD + T + C + M) == "vostcm"
    assert kinds(HEAD + T + b"b=AS:1\r\n" + C + M) == "vostbcm"


def test_lax_attributes_before_time_as_the_examples_of_rfc_5763_have_it():
    assert kinds(HEAD + C + b"a=setup:actpass\r\n" + T + M) == "voscatm"


def test_lax_no_session_name_and_no_time_as_rfc_4475_mismatch02_has_it():
    assert kinds(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + C + M) == "vocm"


def test_lax_blank_lines_at_the_end_as_boghe_has_them():
    assert kinds(HEAD + T + M + b"\r\n\r\n") == "vostm"


def test_lax_no_line_end_at_the_end_as_the_ta612v_adapter_has_it():
    assert whole(HEAD + T + M + b"a=last") == whole(HEAD + T + M + b"a=last\r\n")
    assert pieces(HEAD + T + M + b"a=last\r", 1) == whole(HEAD + T + M + b"a=last\r\n")


def test_names_are_found_in_a_table():
    table = b"\x03abc\x01x\x04abcd\x00"
    for name, index in ((b"abc", 0), (b"x", 1), (b"abcd", 2), (b"ab", -1), (b"", -1), (b"X", -1)):
        assert find_name(table, b"__" + name + b"__", 2, 2 + len(name)) == index
    assert find_name(table, b"abc", 1, 0) == -1


def test_reading_in_place_uses_no_heap():
    reader = Reader()
    octets = corpus.CISCO
    for _ in range(2):
        with NoAlloc():
            reader.read(octets, 0, len(octets))
            while reader.next():
                pass


def test_reading_in_pieces_takes_no_more_than_the_line_buffer():
    reader = Reader(256)
    octets = corpus.BROWSER
    with NoAlloc(256 + 64):
        reader.begin()
        for at in range(0, len(octets), 100):
            reader.feed(octets, at, min(len(octets), at + 100))
            while reader.next():
                pass
        reader.finish()
        while reader.next():
            pass


def test_an_offer_of_4_kb_is_read_in_a_working_set_of_1_kb():
    head = corpus.BROWSER
    candidate = b"a=candidate:1467250027 1 udp 2122260223 192.0.2.196 46243 typ host\r\n"
    with NoAlloc(1024):
        reader = Reader(256)
        lines = at = 0
        piece = bytearray(128)
        count = (4096 - len(head)) // len(candidate) + 1
        for source in range(count + 1):
            octets = candidate if source else head
            at = 0
            while at < len(octets):
                n = 0
                while n < 128 and at < len(octets):
                    piece[n] = octets[at]
                    n += 1
                    at += 1
                reader.feed(piece, 0, n)
                while reader.next():
                    lines += 1
        reader.finish()
        while reader.next():
            lines += 1
    assert lines > 60
