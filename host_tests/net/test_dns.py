"""Tests of usip.net.dns: a resolver and servers that are honest, silent or hostile."""

from fakes import names
from fakes.link import START_MS, Random

from usip import ticks
from usip.net import dns
from usip.net.dns import Resolver, parse_answer, read_name

SERVERS = [("192.0.2.53", 53), ("192.0.2.54", 53)]
ZONE = {
    ("pbx.example.com", "A"): ("192.0.2.10", "192.0.2.11"),
    ("www.example.com", "CNAME"): ("pbx.example.com",),
    ("_sip._udp.example.com", "SRV"): (
        "10 60 5060 pbx.example.com",
        "20 0 5062 Backup.Example.com",
    ),
    ("example.com", "NAPTR"): ("50 50 s SIP+D2T _sip._tcp.example.com",),
    ("silent.example.com", "A"): None,
}
A = 1
QUERY = dns.pack_question(0x1234, "pbx.example.com", A)
RECORD = names.record("pbx.example.com", "A", "192.0.2.10")


def make(zone=None, servers=SERVERS):
    """Return a resolver and its servers."""
    fake = names.Servers(ZONE if zone is None else zone)
    return Resolver(servers, Random(), fake.make_socket), fake


def ask(resolver, name, kind=A, for_ms=30000):
    """Return the records and after how many milliseconds they were there."""
    now_ms = START_MS
    while ticks.ticks_diff(now_ms, START_MS) <= for_ms:
        records = resolver.find(name, kind, now_ms)
        if records is not None:
            return records, ticks.ticks_diff(now_ms, START_MS)
        resolver.turn(now_ms)
        now_ms = ticks.ticks_add(now_ms, 10)
    raise AssertionError("no end")


def test_a_question_has_the_form_of_rfc_1035():
    assert QUERY == b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3pbx\7example\3com\0\0\1\0\1"


def test_records_of_all_kinds_are_found():
    resolver, _ = make()
    assert ask(resolver, "PBX.example.com")[0] == ["192.0.2.10", "192.0.2.11"]
    assert ask(resolver, "www.example.com")[0] == ["192.0.2.10", "192.0.2.11"]
    assert ask(resolver, "_sip._udp.example.com", 33)[0] == [
        (10, 60, 5060, "pbx.example.com"),
        (20, 0, 5062, "backup.example.com"),
    ]
    assert ask(resolver, "example.com", 35)[0] == [
        (50, 50, "s", "SIP+D2T", "_sip._tcp.example.com")
    ]
    assert ask(resolver, "nobody.example.com") == ([], 10)


def test_an_answer_is_kept_for_its_time_and_the_socket_is_not():
    resolver, fake = make()
    fake.ttl_s = 60
    ask(resolver, "pbx.example.com")
    assert fake.open == 0
    assert resolver.find("pbx.example.com", A, ticks.ticks_add(START_MS, 59000))
    assert len(fake.asked) == 1
    assert resolver.find("pbx.example.com", A, ticks.ticks_add(START_MS, 60100)) is None
    assert len(fake.asked) == 2


def test_silence_is_asked_again_elsewhere_and_ends():
    resolver, fake = make()
    records, after_ms = ask(resolver, "silent.example.com")
    assert records == []
    assert 4000 <= after_ms <= 8000, after_ms
    assert [host for host, _, _ in fake.asked] == ["192.0.2.53", "192.0.2.54"] * 2


def test_a_server_that_fails_is_left_for_the_next():
    resolver, fake = make()

    def answer(server, query):
        if server == SERVERS[0]:
            return [(names.reply(query, [], 2), server)]
        return fake.answer_honestly(server, query)

    fake.answer = answer
    assert ask(resolver, "pbx.example.com") == (["192.0.2.10", "192.0.2.11"], 10)


def test_without_a_server_or_a_proper_name_there_is_nothing():
    assert make(servers=[])[0].find("pbx.example.com", A, START_MS) == []
    for name in ("", "a..b", "a" * 64 + ".com", ".".join(["abcdefgh"] * 29)):
        assert make()[0].find(name, A, START_MS) == [], name


def test_answers_from_elsewhere_to_other_numbers_or_questions_are_dropped():
    other = dns.pack_question(0x1234, "other.example.com", A)
    for forge in (
        lambda server, query: (names.reply(query, [RECORD]), ("192.0.2.66", 53)),
        lambda server, query: (names.reply(query, [RECORD]), (server[0], 5353)),
        lambda server, query: (names.reply(b"\0\0" + query[2:], [RECORD]), server),
        lambda server, query: (names.reply(query[:2] + other[2:], [RECORD]), server),
        lambda server, query: (query, server),
    ):
        resolver, fake = make({("pbx.example.com", "A"): None})
        fake.answer = lambda server, query, forge=forge: [forge(server, query)]
        assert ask(resolver, "pbx.example.com")[0] == []
        assert resolver.dropped == 4


def test_records_of_another_owner_are_not_believed():
    foreign = names.record("bank.example.com", "A", "192.0.2.66")
    assert parse_answer(names.reply(QUERY, [foreign]), "pbx.example.com", A)[0] == []
    assert parse_answer(names.reply(QUERY, [foreign, RECORD]), "pbx.example.com", A)[0] == [
        "192.0.2.10"
    ]


def test_aliases_in_a_circle_end():
    circle = [
        names.record("pbx.example.com", "CNAME", "b.example.com"),
        names.record("b.example.com", "CNAME", "pbx.example.com"),
    ]
    assert parse_answer(names.reply(QUERY, circle), "pbx.example.com", A)[0] == []


def refused(parse) -> bool:
    try:
        parse()
    except ValueError:
        return True
    return False


def test_compression_never_goes_ahead_or_in_a_circle():
    assert read_name(b"\3com\0\7example\xc0\0", 5) == ("example.com", 15)
    for data, at in (
        (b"\xc0\0", 0),  # itself
        (b"\1a\xc0\0", 0),  # its own beginning
        (b"\xc0\4\0\0\1a\0", 0),  # ahead
        (b"\1a\xc0\4\1b\xc0\0", 4),  # there and back
        (b"\x81a", 0),
        (b"\x40a", 0),
        (b"\5abc", 0),
        (b"\3a.b\0", 0),
        (b"\3a\0b\0", 0),
        (b"\3a\xffb\0", 0),
        (b"\xc0", 0),
        ((b"\x3f" + b"a" * 63) * 4 + b"\0", 0),
    ):
        assert refused(lambda data=data, at=at: read_name(data, at)), data


def test_every_cut_and_every_changed_octet_of_an_answer_is_survived():
    whole = names.reply(
        QUERY, [names.record("pbx.example.com", "CNAME", "b.example.com"), RECORD, RECORD]
    )
    random = Random(7)
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 + random.below(255)
        for data in (whole[:at], bytes(damaged)):
            try:
                parse_answer(data, "pbx.example.com", A)
            except ValueError:
                pass


def test_a_truncated_answer_counts_as_far_as_it_goes():
    whole = names.reply(QUERY, [RECORD, RECORD], 0, 0x83)
    cut = whole[: len(whole) - len(RECORD)]
    assert parse_answer(cut, "pbx.example.com", A)[0] == ["192.0.2.10"]


def test_the_cache_has_a_size():
    zone = {("n%d.example.com" % n, "A"): ("192.0.2.1",) for n in range(40)}
    resolver, _ = make(zone)
    for n in range(40):
        ask(resolver, "n%d.example.com" % n)
    assert len(resolver._cache) == 16


def test_times_are_bounded():
    for ttl_s, expected_s in (
        (0, 10),
        (1 << 31, 10),
        (90000, 86400),
        (77, 77),
        ((1 << 31) - 1, 86400),
    ):
        answer = names.reply(QUERY, [names.record("pbx.example.com", "A", "192.0.2.1", ttl_s)])
        assert parse_answer(answer, "pbx.example.com", A)[1] == expected_s
