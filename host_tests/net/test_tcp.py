"""Tests of net.tcp: two cores over connections cut anywhere, in virtual time."""

from fakes import link, streams
from fakes.noalloc import NoAlloc

from usip import core as events
from usip import ticks
from usip.net import tcp

BOB = ("tcp", "192.0.2.2", 5060)
UDP_BOB = ("udp", "192.0.2.2", 5060)
OPTIONS = (
    b"OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1:5062;branch=z9hG4bK1%s\r\n"
    b"From: <sip:x@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: 1\r\n"
    b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


class Net:
    """Alice and Bob with UDP by a link and TCP by a fake network."""

    def __init__(self, random=None, bob_listens=True) -> None:
        self.network = streams.Network(random)
        self._kept = tcp.socket, tcp.select
        tcp.socket = tcp.select = self.network
        self.link, self.alice, self.bob = link.pair()
        self.ends = [self._end(self.alice, True), self._end(self.bob, bob_listens)]

    def _end(self, endpoint, listens):
        endpoint.flush = endpoint.drain
        made = tcp.Streams(endpoint, endpoint.host, 5060, self.link.now_ms)
        if listens:
            made.listen()
        by_udp = endpoint.send

        def send(to, buf, end):
            return by_udp(to, buf, end) if to[0] == "udp" else made.send(to, buf, end)

        endpoint.send = send
        endpoint.load_streams = lambda: made
        endpoint.config = {"network": {}}
        return made

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        tcp.socket, tcp.select = self._kept

    def run(self, ms):
        """Let *ms* pass, as agents do."""
        for _ in range(ms // 10):
            for end in self.ends:
                end.turn(self.link.now_ms)
            self.link.run(10)

    def account(self):
        return self.alice.core.accounts[0]

    def options(self, to=BOB):
        return self.alice.core.options(self.account(), b"sip:bob@192.0.2.2", self.link.now_ms, to)

    def call(self, headers=(), to=BOB):
        return self.alice.core.invite(
            self.account(),
            b"sip:bob@192.0.2.2" + (b";transport=tcp" if to is BOB else b""),
            link.Media("alice"),
            self.link.now_ms,
            to,
            headers,
        )

    def raw(self):
        """Return a connection to Bob for octets of the test's own."""
        sock = self.network.socket(1, 1)
        try:
            sock.connect(tcp.address.native("192.0.2.2", 5060))
        except OSError:
            pass
        sock.delay = 0
        return sock


def write(sock, octets):
    assert sock.write(octets, 0, len(octets)) == len(octets)


def carry_a_call(net):
    session = net.call()
    net.run(800)
    assert net.bob.count(events.CALL_RECEIVED) == 1
    net.bob.core.sessions[0].answer(net.link.now_ms)
    net.run(800)
    assert net.alice.count(events.CALL_ANSWERED) == net.bob.count(events.CALL_CONFIRMED) == 1
    net.bob.core.sessions[0].modify(net.link.now_ms)
    net.run(800)
    assert net.alice.count(events.CALL_MODIFIED) == net.bob.count(events.CALL_MODIFIED) == 1
    session.hang_up(net.link.now_ms)
    net.run(800)
    assert net.alice.count(events.CALL_ENDED) == net.bob.count(events.CALL_ENDED) == 1


def test_a_call_by_tcp_uses_one_connection_both_ways():
    with Net() as net:
        carry_a_call(net)
        # Bob's re-INVITE finds Alice's connection by its alias.
        assert net.network.connects == 1 and not net.link.trace
        assert net.alice.core.transactions.retransmissions == 0


def test_a_call_does_not_depend_on_how_its_octets_are_cut():
    for seed in range(1, 9):
        with Net(link.Random(seed)) as net:
            carry_a_call(net)
            for end in net.ends:
                assert end.broken == 0


def test_a_peer_that_refuses_is_a_transport_error():
    with Net(bob_listens=False) as net:
        request = net.options()
        net.run(200)
        assert request.status == 503 and not net.ends[0].connections


def test_a_peer_that_is_silent_is_given_up_in_four_seconds():
    with Net() as net:
        net.network.silent.add("192.0.2.2")
        request = net.options()
        net.run(3500)
        assert request.status == 0
        net.run(1000)
        assert request.status == 503


def test_a_large_request_moves_to_tcp_and_back_when_that_is_refused():
    big = ((b"Subject", b"x" * 900),)
    with Net() as net:
        net.call(big, UDP_BOB)
        net.run(500)
        assert net.bob.count(events.CALL_RECEIVED) == 1 and net.network.connects == 1
        assert not [wire for _, _, to, wire in net.link.trace if wire.startswith(b"INVITE")]
    with Net(bob_listens=False) as net:
        net.call(big, UDP_BOB)
        net.run(500)
        assert net.bob.count(events.CALL_RECEIVED) == 1 and net.ends[0].returned == 1
        invite = [wire for _, _, to, wire in net.link.trace if wire.startswith(b"INVITE")][0]
        assert b"\r\nVia: SIP/2.0/UDP " in invite and len(invite) > 1300
        net.call(big, UDP_BOB)  # the peer is known to have no TCP
        assert net.network.connects == 1


def test_a_connection_that_broke_while_idle_is_made_again():
    with Net() as net:
        net.options()
        net.run(200)
        net.network.break_all()
        request = net.options()
        net.run(300)
        assert request.status in (200, 486) and net.network.connects == 2


def test_a_request_unanswered_when_its_connection_breaks_is_sent_on_a_new_one():
    with Net() as net:
        net.options()
        net.run(200)
        request = net.options()
        net.network.break_all()
        net.run(300)
        assert request.status in (200, 486) and net.network.connects == 2


def test_a_peer_that_only_hangs_up_is_not_tried_for_ever():
    with Net(bob_listens=False) as net:
        listener = net.network.socket(1, 1)
        listener.bind(tcp.address.native("192.0.2.2", 5060))
        listener.listen(1)
        request = net.options()
        for _ in range(50):
            net.run(20)
            while listener.waiting:
                listener.accept()[0].close()
        assert request.status == 503 and net.network.connects == 1


def test_a_response_whose_connection_is_gone_opens_one():
    with Net() as net:
        net.call()
        net.run(200)
        net.ends[0].connections[0].close()
        net.run(100)
        assert not net.ends[1].connections
        net.bob.core.sessions[0].answer(net.link.now_ms)
        net.run(300)
        assert net.alice.count(events.CALL_ANSWERED) == 1
        assert net.bob.count(events.CALL_CONFIRMED) == 1
        assert net.network.connects == 3  # Bob's for the response, Alice's for the ACK


def test_a_binding_is_made_again_when_its_connection_breaks():
    with Net() as net:
        registrations = []
        from usip.sip.registration import Account

        account = Account(b"sip:alice@192.0.2.2", b"sip:192.0.2.2;transport=tcp")
        net.alice.core.add_account(account)
        net.alice.core.register(account, net.link.now_ms)
        net.run(100)
        registration = account.registration
        registration.state = 2  # Bob is no registrar: as if he were
        registration.deadline = ticks.NEVER
        register = registration.register
        registration.register = lambda now_ms: registrations.append(now_ms) or register(now_ms)
        net.network.break_all()
        net.run(1500)
        assert len(registrations) == 1


def test_telekom_refuses_for_ever_on_a_connection_it_has_refused_on():
    with Net() as net:
        account = net.account()
        account.registrar = b"sip:192.0.2.2"
        account.destination = BOB
        account.registration._dialog.remote_target = b"sip:192.0.2.2;transport=tcp"
        net.alice.drop = lambda to: net.ends[0].find(to).close()
        refuse = net.bob.core.refuse_method

        def refuse_with_403(transaction, message, now_ms):
            net.bob.core.respond(transaction, message, 403, now_ms)

        net.bob.core.refuse_method = refuse_with_403
        net.alice.core.register(account, net.link.now_ms)
        net.run(200)
        assert account.registration.status == 403 and net.network.connects == 1
        net.bob.core.refuse_method = refuse
        net.run(6000)
        assert net.network.connects == 2 and account.registration.status == 405


def test_pings_are_answered():
    with Net() as net:
        sock = net.raw()
        write(sock, b"\r\n\r\n")
        net.run(50)
        assert bytes(sock.inbox) == b"\r\n"
        write(sock, b"\r\n\r\n" + OPTIONS % b"" + b"\r\n")
        net.run(50)
        assert bytes(sock.inbox).startswith(b"\r\nSIP/2.0 200 OK")
        assert bytes(sock.inbox).endswith(b"\r\n\r\n\r\n")


def test_nonsense_ends_the_connection():
    with Net() as net:
        for octets in (b"\x16\x03\x01\x02\0" * 50 + b"\r\n\r\n", b"OPTIONS\r\n\r\n", b"x" * 4000):
            sock = net.raw()
            write(sock, octets)
            net.run(100)
            assert sock.is_ended, octets
        assert not net.ends[1].connections


def test_an_alias_counts_only_for_the_address_it_comes_from():
    with Net() as net:
        honest, liar = net.raw(), net.raw()
        write(honest, OPTIONS % b";alias")
        write(liar, (OPTIONS % b";alias").replace(b"TCP 192.0.2.1", b"TCP 192.0.2.77"))
        net.run(100)
        end = net.ends[1]
        assert end.find(("tcp", "192.0.2.1", 5062)) is end.connections[0]
        assert end.find(("tcp", "192.0.2.77", 5062)) is None


def test_too_many_connections_push_out_the_one_unused_longest():
    with Net() as net:
        socks = []
        for _ in range(6):
            socks.append(net.raw())
            net.run(50)
        assert [sock.is_ended for sock in socks] == [True, True, False, False, False, False]


def test_an_idle_connection_is_closed_unless_a_call_needs_it():
    with Net() as net:
        net.options()
        net.run(100)
        net.link.now_ms = ticks.ticks_add(net.link.now_ms, 181000)
        net.run(50)
        assert not net.ends[0].connections
        net.call()
        net.run(300)
        net.bob.core.sessions[0].answer(net.link.now_ms)
        net.run(300)
        for _ in range(4):
            net.link.now_ms = ticks.ticks_add(net.link.now_ms, 100000)
            net.run(50)
        assert len(net.ends[0].connections) == 1


def test_what_does_not_fit_the_buffer_of_a_connection_is_refused_whole():
    with Net() as net:
        net.network.silent.add("192.0.2.2")
        message = OPTIONS % b""
        sent = 0
        while net.ends[0].send(BOB, message, len(message)):
            sent += 1
        assert sent == net.alice.limits.stream_bytes // len(message)


def test_an_idle_turn_uses_no_heap():
    with Net() as net:
        net.options()
        net.run(200)
        end = net.ends[0]
        assert end.connections
        now_ms = net.link.now_ms
        connection = end.connections[0]
        connection.sock = Idle()
        end._ipoll = Idle().ipoll
        end.turn(now_ms)
        with NoAlloc():
            end.turn(now_ms)


class Idle:
    """A socket on which nothing happens."""

    def readinto(self, buf):
        return None

    def ipoll(self, timeout_ms):
        return ()
