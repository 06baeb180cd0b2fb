"""Tests of sip.locate: the procedures of RFC 3263 over a dictionary in place of DNS."""

from fakes.link import Random

from usip.sip import locate
from usip.sip.locate import NAPTR, SRV, A

ZONE = {
    ("example.com", NAPTR): [
        (50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        (90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"),
        (100, 50, "S", "sip+d2u", "_sip._udp.example.com"),
    ],
    ("_sip._tcp.example.com", SRV): [(0, 1, 5060, "one.example.com")],
    ("_sip._udp.example.com", SRV): [
        (0, 1, 5080, "one.example.com"),
        (1, 1, 5060, "two.example.com"),
    ],
    ("_sips._tcp.example.com", SRV): [(0, 1, 5061, "one.example.com")],
    ("one.example.com", A): ["192.0.2.1"],
    ("two.example.com", A): ["192.0.2.2", "192.0.2.3"],
    ("_sip._udp.srv.example", SRV): [(0, 1, 5070, "one.example.com")],
    ("plain.example", A): ["192.0.2.9"],
    ("_sip._udp.none.example", SRV): [(0, 0, 0, "")],
    ("none.example", A): ["192.0.2.8"],
}
ANY = ("udp", "tcp")


def find(host, port=-1, protocols=ANY, zone=ZONE, asked=None):
    """Return the destinations of a host."""
    found = []
    lookup = locate.destinations(host, port, protocols, found, Random().below)
    try:
        question = next(lookup)
        while True:
            if asked is not None:
                asked.append(question)
            question = lookup.send(zone.get(question, []))
    except StopIteration:
        return found


def test_naptr_chooses_among_what_we_have():
    tcp = [("tcp", "192.0.2.1", 5060)]
    udp = [("udp", "192.0.2.1", 5080), ("udp", "192.0.2.2", 5060), ("udp", "192.0.2.3", 5060)]
    assert find("example.com") == tcp + udp
    assert find("example.com", protocols=("udp", "sctp")) == udp


def test_a_transport_given_asks_for_its_services_alone():
    asked = []
    assert find("example.com", -1, ("tcp",), asked=asked) == [("tcp", "192.0.2.1", 5060)]
    assert asked[0] == ("_sip._tcp.example.com", SRV)


def test_sips_is_tls_alone():
    assert find("example.com", -1, ("tls",)) == [("tls", "192.0.2.1", 5061)]
    assert find("plain.example", -1, ("tls",)) == [("tls", "192.0.2.9", 5061)]


def test_a_port_given_asks_for_addresses_alone():
    asked = []
    assert find("plain.example", 5090, asked=asked) == [("udp", "192.0.2.9", 5090)]
    assert asked == [("plain.example", A)]


def test_without_naptr_services_are_asked_for_and_without_them_addresses():
    assert find("srv.example") == [("udp", "192.0.2.1", 5070)]
    assert find("plain.example") == [("udp", "192.0.2.9", 5060)]
    assert find("plain.example", -1, ("tcp",)) == [("tcp", "192.0.2.9", 5060)]
    assert find("nobody.example") == []


def test_a_service_that_is_declared_absent_is():
    assert find("none.example") == []


def test_priority_comes_before_weight_and_weight_decides_how_often():
    records = [(1, 10, 5060, "c"), (0, 30, 5060, "a"), (0, 10, 5060, "b"), (0, 0, 5060, "z")]
    random = Random(3)
    first = {"a": 0, "b": 0, "z": 0, "c": 0}
    for _ in range(400):
        order = [record[3] for record in locate.ordered(records, random.below)]
        assert order[3] == "c" and sorted(order) == ["a", "b", "c", "z"]
        first[order[0]] += 1
    assert first["a"] > 2 * first["b"] > 4 * first["z"], first


def test_a_domain_with_everything_is_bounded():
    zone = {("_sip._udp.big.example", SRV): [(n, 0, 5060, "h%d" % n) for n in range(40)]}
    zone.update({("h%d" % n, A): ["192.0.2.%d" % n] for n in range(40)})
    asked = []
    assert len(find("big.example", zone=zone, asked=asked)) == 6
    assert len(asked) < 12
