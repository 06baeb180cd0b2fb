"""Tests of net.flow and of what a registration learns: behind a NAT, through outages."""

from fakes import link as links
from fakes.link import Link, Media
from fakes.registrar import Registrar, parse

from usip import core as events
from usip import ticks
from usip.net import flow, stun
from usip.sip import failover
from usip.sip.registration import Account

HOME = "192.0.2.10"
REGISTRAR = ("udp", HOME, 5060)


class NATRegistrar(Registrar):
    """A registrar that sees the phone where `seen` says, and answers OPTIONS and STUN."""

    seen = None
    flow_timer = 0
    outbound = False
    lacks_outbound = False

    def receive(self, octets, end, source, now_ms):
        if octets == b"\r\n\r\n":
            self.log.append("ping")
            return
        if octets[0] < 4:
            self.log.append("stun")
            host, port = self.seen or source[1:]
            self.link.carry(self, source, response(octets, host, port))
            return
        if self.seen:
            at = octets.find(b"rport")
            told = b"rport=%d;received=%s" % (self.seen[1], self.seen[0].encode())
            octets = octets[:at] + told + octets[at + 5 :]
        super().receive(octets, end, source, now_ms)

    def decide(self, method, uri, fields):
        if method == "OPTIONS":
            return 200, []
        if self.lacks_outbound and "reg-id" in fields["contact"][0]:
            return 439, []
        status, extra = super().decide(method, uri, fields)
        if status == 200 and self.flow_timer:
            extra.append("Flow-Timer: %d" % self.flow_timer)
        if status == 200 and self.outbound:
            extra.append("Require: outbound")
        return status, extra


def response(request, host, port) -> bytes:
    """Return the Binding response that tells an address."""
    octets = bytearray([int(part) for part in host.split(".")])
    for i in range(4):
        octets[i] ^= request[4 + i]
    port ^= request[4] << 8 | request[5]
    body = b"\0\x20\0\x08\0\1" + bytes([port >> 8, port & 255]) + bytes(octets)
    return b"\1\1\0" + bytes([len(body)]) + request[4:20] + body


class Net:
    """A phone at 192.0.2.1 registered at 192.0.2.10."""

    def __init__(self, keep_alive="off", **settings) -> None:
        self.link = Link()
        self.phone = self.link.add("192.0.2.1")
        self.registrar = NATRegistrar(self.link, HOME, {"alice": "secret"})
        account = self.account = flow.FlowAccount(
            b"sip:alice@usip.test", b"sip:usip.test", password=b"secret", destination=REGISTRAR
        )
        account.keep_alive = keep_alive
        for name in settings:
            setattr(account if hasattr(account, name) else self.registrar, name, settings[name])
        self.link.endpoints.append(self.registrar)
        self.phone.core.add_account(account)
        self._catch_stun()
        self.phone.core.register(account, self.link.now_ms)
        self.link.run(1000)

    def _catch_stun(self):
        receive = self.phone.core.receive

        def divert(octets, end, source, now_ms):
            if octets[0] < 4:
                self.phone.stun.receive(octets, source, now_ms)
            else:
                receive(octets, end, source, now_ms)

        self.phone.core.receive = divert

    def contacts(self) -> list:
        """Return the Contact fields of each REGISTER."""
        return [fields["contact"] for start, fields in self.registrar.requests if "REG" in start]


def test_the_public_address_is_in_the_contact_from_the_challenge_on():
    net = Net(seen=("203.0.113.5", 4242))
    assert net.registrar.log == [401, 200]
    assert net.contacts()[0] == ["<sip:alice@192.0.2.1:5060>"]
    assert net.contacts()[1] == ["<sip:alice@203.0.113.5:4242>"]
    assert net.phone.events == [events.REGISTERED]


def test_a_changed_public_address_is_registered_once_and_the_old_one_removed():
    net = Net(seen=("203.0.113.5", 4242))
    net.registrar.seen = ("203.0.113.5", 4300)
    net.link.run(270000)
    assert net.registrar.log == [401, 200, 200, 200]
    assert net.contacts()[3] == [
        "<sip:alice@203.0.113.5:4300>",
        "<sip:alice@203.0.113.5:4242>;expires=0",
    ]


def test_an_address_that_is_another_each_time_is_no_reason_to_register_for_ever():
    net = Net(seen=("203.0.113.5", 1))
    ports = []
    receive = net.registrar.receive

    def flap(octets, end, source, now_ms):
        ports.append(0)
        net.registrar.seen = ("203.0.113.5", 1000 + len(ports))
        receive(octets, end, source, now_ms)

    net.registrar.receive = flap
    net.link.run(290000)
    assert len(net.registrar.log) <= 6, net.registrar.log


def test_learning_can_be_switched_off():
    net = Net(seen=("203.0.113.5", 4242), learns_address=False)
    assert net.contacts()[1] == ["<sip:alice@192.0.2.1:5060>"]


def test_calls_by_the_registrar_have_the_public_contact_and_direct_ones_ours():
    net = Net(seen=("203.0.113.5", 4242))
    core = net.phone.core
    for to in (REGISTRAR, ("udp", "192.0.2.9", 5060)):
        core.invite(net.account, b"sip:bob@usip.test", Media("x"), net.link.now_ms, to)
    invites = [parse(wire)[1] for _, _, _, wire in net.link.trace if wire.startswith(b"INVITE")]
    assert "@203.0.113.5:4242" in invites[0]["contact"][0]
    assert "@192.0.2.1:5060" in invites[1]["contact"][0]


def test_crlf_goes_out_at_jittered_intervals():
    net = Net("crlf")
    net.link.run(240000)
    assert 8 <= net.registrar.log.count("ping") <= 11
    net = Net("crlf", keep_alive_s=10)
    net.link.run(100000)
    assert 9 <= net.registrar.log.count("ping") <= 14


def test_a_flow_begins_whatever_the_clock_says():
    kept = links.START_MS
    try:
        for start_ms in (0, 1 << 28, (1 << 29) + 5, 3 << 28):
            links.START_MS = start_ms
            net = Net("crlf")
            net.link.run(60000)
            assert net.registrar.log.count("ping") >= 2, start_ms
    finally:
        links.START_MS = kept


def test_the_registrar_may_say_how_often():
    net = Net("crlf", flow_timer=100)
    net.link.run(240000)
    assert 2 <= net.registrar.log.count("ping") <= 4


def test_options_notice_silence_and_the_binding_is_restored_within_10_s():
    net = Net("options", keep_alive_s=20)
    net.link.run(60000)
    asked = [start for start, _ in net.registrar.requests if start.startswith("OPTIONS")]
    assert 2 <= len(asked) <= 5 and net.registrar.log[:2] == [401, 200]
    net.registrar.is_up = False
    net.link.run(120000)
    assert net.phone.events[-1] == events.REGISTRATION_FAILED
    net.registrar.is_up = True
    net.link.run(10000)
    assert net.phone.events[-1] == events.REGISTERED


def test_options_notice_a_dead_registrar_in_ten_seconds():
    net = Net("options", keep_alive_s=20)
    net.link.run(60000)
    net.registrar.is_up = False
    net.link.trace.clear()
    net.link.run(32000)  # until the next OPTIONS, its time, and a moment
    sent = [octets[:8] for _, _, _, octets in net.link.trace]
    assert b"REGISTER" in sent and sent.count(b"OPTIONS ") <= 6, sent


def test_an_answer_to_options_that_is_late_or_comes_twice_changes_nothing():
    net = Net("options", keep_alive_s=20)
    net.link.fate = lambda n, source, to, octets: [12000] if b"OPTIONS" in octets[-400:] else [10]
    net.link.run(35000)
    net.link.fate = lambda n, source, to, octets: [10, 30]
    net.link.run(100000)
    assert net.phone.events[-1] == events.REGISTERED
    assert net.account.registration.flow.failures <= 2


def test_options_notice_another_public_address():
    net = Net("options", keep_alive_s=20, seen=("203.0.113.5", 4242))
    net.registrar.seen = ("203.0.113.6", 4242)
    net.link.run(25000)
    assert net.contacts()[-1][0] == "<sip:alice@203.0.113.6:4242>"


def test_stun_learns_the_address_and_its_change():
    net = Net("stun", seen=("203.0.113.5", 4242))
    net.link.run(60000)
    assert net.registrar.log.count("stun") >= 2 and len(net.contacts()) == 2
    net.registrar.seen = ("203.0.113.6", 4444)
    net.link.run(30000)
    assert net.contacts()[-1][0] == "<sip:alice@203.0.113.6:4444>"


def test_stun_that_is_not_answered_makes_the_binding_again():
    net = Net("stun")
    net.registrar.is_up = False
    net.link.run(90000)
    assert net.phone.events[-1] == events.REGISTRATION_FAILED
    net.registrar.is_up = True
    net.link.run(10000)
    assert net.phone.events[-1] == events.REGISTERED


def test_answers_of_somebody_else_to_stun_change_nothing():
    net = Net("stun")
    foreign = response(stun.pack_request(bytes(12)), "203.0.113.66", 66)
    net.phone.stun.receive(foreign, REGISTRAR, net.link.now_ms)
    assert net.account.public is None


def test_outbound_names_the_device_and_the_flow():
    urn = flow.instance_urn("00000000-0000-1000-8000-000A95A0E128", b"")
    assert urn == b"urn:uuid:00000000-0000-1000-8000-000a95a0e128"
    net = Net(instance=urn, outbound=True)
    contact = net.contacts()[1][0]
    assert contact.endswith(';reg-id=1;+sip.instance="<%s>"' % urn.decode())
    assert "outbound, path" in net.registrar.requests[1][1]["supported"]
    core = net.phone.core
    core.invite(net.account, b"sip:bob@usip.test", Media("x"), net.link.now_ms, REGISTRAR)
    invite = [parse(wire)[1] for _, _, _, wire in net.link.trace if wire.startswith(b"INVITE")][0]
    assert invite["contact"][0] == "<sip:alice@192.0.2.1:5060;ob>"


def test_without_outbound_at_the_first_hop_a_plain_binding_is_made():
    net = Net(instance=b"urn:uuid:1", lacks_outbound=True)
    assert "instance" not in net.contacts()[-1][0] and net.phone.events == [events.REGISTERED]


def test_an_instance_is_the_same_after_each_start():
    first, second = flow.instance_urn(None, b"sip:a@b"), flow.instance_urn(None, b"sip:a@b")
    assert first == second and len(first) == 45 and first[23:24] == b"5"


def test_a_network_that_is_back_is_registered_at_and_told_to_calls():
    net = Net()
    peer = net.link.add("192.0.2.2")
    peer.core.add_account(Account(b"sip:bob@192.0.2.2"))
    media = Media("alice")
    core = net.phone.core
    core.invite(net.account, b"sip:bob@192.0.2.2", media, net.link.now_ms)
    net.link.run(100)
    peer.core.sessions[0].answer(net.link.now_ms)
    net.link.run(100)
    net.phone.host = "192.0.2.7"
    failover.network_changed(core, net.link.now_ms)
    net.link.run(1000)
    assert net.contacts()[-1] == [
        "<sip:alice@192.0.2.7:5060>",
        "<sip:alice@192.0.2.1:5060>;expires=0",
    ]
    assert peer.count(events.CALL_MODIFIED) == 1
    assert peer.core.sessions[0].dialog.remote_target == b"sip:alice@192.0.2.7:5060"
    peer.core.sessions[0].hang_up(net.link.now_ms)
    net.link.run(1000)
    assert net.phone.count(events.CALL_ENDED) == 1


def test_a_call_whose_peer_cannot_be_told_ends_with_an_event():
    net = Net()
    peer = net.link.add("192.0.2.2")
    peer.core.add_account(Account(b"sip:bob@192.0.2.2"))
    net.phone.core.invite(net.account, b"sip:bob@192.0.2.2", Media("a"), net.link.now_ms)
    net.link.run(100)
    peer.core.sessions[0].answer(net.link.now_ms)
    net.link.run(100)
    peer.is_up = False
    failover.network_changed(net.phone.core, net.link.now_ms)
    net.link.run(70000)
    assert net.phone.count(events.CALL_ENDED) == 1 and not net.phone.core.sessions


def test_retry_after_is_waited_for_and_not_less():
    for status in (403, 408, 503):
        net = Net(override=(status, ["Retry-After: 100"]))
        registration = net.account.registration
        left_ms = ticks.ticks_diff(registration.deadline, net.link.now_ms)
        assert 98900 <= left_ms <= 120000, left_ms
        assert registration.retry_in_s == 100


class Nothing:
    """In the place of a list: keeps nothing, for a long time on a small heap."""

    def append(self, item) -> None:
        """Forget it."""


def test_after_any_outage_the_binding_stands_again_within_10_s():
    for keep_alive in ("off", "crlf", "options", "stun"):
        for number, outage_s in enumerate((3, 20, 33, 47, 100, 290, 301, 1111)):
            net = Net(keep_alive)
            net.link.trace = net.registrar.requests = net.registrar.log = Nothing()
            net.link.run(1000 * (7 + 31 * number))
            net.registrar.is_up = False
            net.link.run(1000 * outage_s)
            net.registrar.bindings.clear()  # it was restarted
            net.registrar.is_up = True
            net.link.run(10000)
            registration = net.account.registration
            assert registration.state == 2, (keep_alive, outage_s, registration.state)
            if outage_s > 290 or (keep_alive in ("options", "stun") and outage_s > 46):
                assert net.registrar.bindings, (keep_alive, outage_s)


def test_another_network_is_registered_at_within_10_s_though_much_is_lost():
    random = links.Random(3)
    for number in range(20):
        net = Net()
        net.link.fate = lambda n, source, to, octets: [20] if random.below(100) >= 30 else []
        net.phone.host = "192.0.2.7"
        failover.network_changed(net.phone.core, net.link.now_ms)
        net.link.run(10000)
        assert any(["192.0.2.7" in contact for contact in net.registrar.bindings]), number
