"""Tests of usip.net: real sockets on loopback, and the model of an ESP32's."""

import time

from fakes import lwip
from fakes.noalloc import NoAlloc

from usip.net import address, udp

HERE = "127.0.0.1"
THERE = ("192.0.2.9", 4000)
ELSEWHERE = ("192.0.2.77", 4000)
RTP = bytes([0x80, 0]) + bytes(170)
EVENT = bytes([0x80, 101]) + bytes(14)


def bind(make, *options):
    """Return make(HERE, port, ...) at the first free port."""
    for port in range(23000, 24000, 2):
        try:
            return make(HERE, port, *options)
        except OSError:
            pass
    raise AssertionError("no free port")


def wait_for(receive):
    """Return what receive() gives as soon as that is anything."""
    for _ in range(200):
        got = receive()
        if got:
            return got
        time.sleep(0.002)
    raise AssertionError("nothing received")


class ESP32:
    """Within it usip.net uses the model of an ESP32's sockets."""

    def __enter__(self):
        self.kept = (udp.socket, udp.select, address.socket)
        udp.socket = udp.select = address.socket = lwip
        lwip.reset()
        return lwip

    def __exit__(self, kind, value, traceback):
        udp.socket, udp.select, address.socket = self.kept


def test_addresses_have_one_form():
    assert address.decode(address.native(HERE, 5060)) == (HERE, 5060)
    assert address.decode(address.native("192.0.2.255", 65535)) == ("192.0.2.255", 65535)
    assert address.decode(b"\x02\x00\x13\xc4\xc0\x00\x02\x07" + bytes(8)) == ("192.0.2.7", 5060)


def test_our_own_address_towards_loopback_is_loopback():
    assert address.local_host("127.0.0.53") == HERE


def test_our_own_address_is_dotted():
    assert len(address.local_host("192.0.2.1").split(".")) == 4


def test_datagrams_stay_apart_and_tell_their_source():
    a = bind(udp.DatagramSocket)
    b = bind(udp.DatagramSocket)
    assert a.receive(1500) is None
    to_a = address.native(HERE, a.port)
    assert b.send(bytearray(b"first and more"), 5, to_a)
    assert b.send(b"second", 6, to_a)
    assert wait_for(lambda: a.receive(1500)) == b"first"
    assert a.source == (HERE, b.port)
    assert wait_for(lambda: a.receive(1500)) == b"second"
    a.close()
    b.close()
    b.close()


def test_a_port_in_use_is_an_error_with_its_number():
    a = bind(udp.DatagramSocket)
    try:
        udp.DatagramSocket(HERE, a.port)
    except OSError as e:
        assert e.errno in (98, 48, 112)
    else:
        raise AssertionError
    a.close()


def test_media_goes_where_signalling_said_until_a_packet_comes():
    a = bind(udp.MediaSocket, 1500)
    b = bind(udp.MediaSocket, 1500)
    c = bind(udp.MediaSocket, 1500)
    assert not a.send(RTP, 172)
    a.set_remote(HERE, b.port)
    c.set_remote(HERE, a.port)
    assert a.send(RTP, 172)
    assert wait_for(b.receive) == 172
    assert b.remote == (HERE, a.port)
    assert c.send(RTP, 172)  # the peer sends from another port than it named
    assert wait_for(a.receive) == 172
    assert a.is_latched and a.remote == (HERE, c.port)
    assert b.send(RTP, 172)  # the named one comes too late
    assert c.send(RTP, 172)
    assert wait_for(a.receive) == 172
    assert a.receive() == 0
    assert a.send(RTP, 160)
    assert wait_for(c.receive) == 160
    for sock in (a, b, c):
        sock.close()


def test_a_new_address_in_signalling_ends_the_latch():
    a = bind(udp.MediaSocket, 1500)
    b = bind(udp.MediaSocket, 1500)
    c = bind(udp.MediaSocket, 1500)
    for peer in (b, c):
        peer.set_remote(HERE, a.port)
    a.set_remote(HERE, b.port)
    b.send(RTP, 172)
    wait_for(a.receive)
    a.set_remote(HERE, b.port)
    assert a.is_latched
    a.set_remote(HERE, c.port)
    assert not a.is_latched
    c.send(RTP, 172)
    assert wait_for(a.receive) == 172
    assert a.remote == (HERE, c.port)
    for sock in (a, b, c):
        sock.close()


def test_octets_that_are_no_rtp_are_not_followed():
    a = bind(udp.MediaSocket, 1500)
    b = bind(udp.DatagramSocket)
    b.send(b"\x00" * 20, 20, address.native(HERE, a.port))
    b.send(b"\x80", 1, address.native(HERE, a.port))
    b.send(b"", 0, address.native(HERE, a.port))
    time.sleep(0.02)
    for _ in range(4):
        assert a.receive() == 0
    assert not a.is_latched
    b.send(RTP, 172, address.native(HERE, a.port))
    assert wait_for(a.receive) == 172
    a.close()
    b.close()


def test_packets_both_ways_use_no_heap():
    a = bind(udp.MediaSocket, 400)
    b = bind(udp.MediaSocket, 400)
    a.set_remote(HERE, b.port)
    b.set_remote(HERE, a.port)
    a.send(RTP, 172)
    wait_for(b.receive)
    b.send(RTP, 172)
    wait_for(a.receive)
    packet = bytearray(RTP)
    exchange(a, b, packet)
    with NoAlloc():
        for _ in range(50):
            exchange(a, b, packet)
    a.close()
    b.close()


def exchange(a, b, packet):
    a.send(packet, 172)
    while not b.receive():
        pass
    b.receive()
    b.send(packet, 172)
    while not a.receive():
        pass


def test_a_peer_that_is_gone_is_no_exception():
    a = bind(udp.MediaSocket, 400)
    b = bind(udp.MediaSocket, 400)
    a.set_remote(HERE, b.port)
    b.set_remote(HERE, a.port)
    b.send(RTP, 172)
    wait_for(a.receive)
    b.close()
    for _ in range(5):
        a.send(RTP, 172)
        time.sleep(0.005)
        assert a.receive() == 0
    a.close()


def test_esp32_full_queues_are_counted_and_no_failure():
    with ESP32() as net:
        a = udp.DatagramSocket("0.0.0.0", 5060)
        for error in (12, 11, 110):
            net.at(("0.0.0.0", 5060)).send_error = error
            assert a.send(b"OPTIONS", 7, THERE)
        net.at(("0.0.0.0", 5060)).send_error = 113
        assert not a.send(b"OPTIONS", 7, THERE)
        assert a.unsent == 4
        m = udp.MediaSocket("0.0.0.0", 4000, 400)
        m.set_remote("192.0.2.9", 4000)
        net.at(("0.0.0.0", 4000)).send_error = 12
        assert not m.send(RTP, 172)
        assert m.unsent == 1


def test_esp32_a_heap_in_pieces_does_not_deafen_signalling():
    with ESP32() as net:
        a = udp.DatagramSocket("0.0.0.0", 5060)
        net.at(("0.0.0.0", 5060)).largest_piece = 1200
        for length in (1152, 1151, 600):
            net.deliver(("0.0.0.0", 5060), bytes(length), THERE)
        assert a.receive(2048) is None  # it fills the 1152 octets there are
        assert a.cut == 1
        assert len(a.receive(2048)) == 1151
        assert len(a.receive(2048)) == 600
        net.at(("0.0.0.0", 5060)).largest_piece = 100
        net.deliver(("0.0.0.0", 5060), bytes(50), THERE)
        starved = False
        try:
            a.receive(2048)
        except MemoryError:
            starved = True
        assert starved
        net.at(("0.0.0.0", 5060)).largest_piece = 1200
        assert len(a.receive(2048)) == 50  # it has waited


def test_esp32_an_empty_datagram_does_not_deafen_signalling():
    with ESP32() as net:
        a = udp.DatagramSocket("0.0.0.0", 5060)
        net.deliver(("0.0.0.0", 5060), b"", THERE)
        assert a.receive(1500) is None
        assert a.empty == 1
        net.deliver(("0.0.0.0", 5060), b"OPTIONS", THERE)
        assert a.receive(1500) == b"OPTIONS"
        assert a.source == THERE


def test_esp32_an_empty_datagram_does_not_deafen_media():
    with ESP32() as net:
        a = udp.MediaSocket("0.0.0.0", 4000, 400)
        net.deliver(("0.0.0.0", 4000), b"", THERE)
        assert a.receive() == 0
        net.deliver(("0.0.0.0", 4000), RTP, THERE)
        assert a.receive() == 172
        net.deliver(("0.0.0.0", 4000), b"", THERE)
        assert a.receive() == 0
        net.deliver(("0.0.0.0", 4000), RTP, THERE)
        assert a.receive() == 172
        assert a.empty == 2
        assert a.remote == THERE


def test_esp32_packets_stay_apart_though_readinto_joins_them():
    with ESP32() as net:
        a = udp.MediaSocket("0.0.0.0", 4000, 400)
        a.short_type = 101
        at = ("0.0.0.0", 4000)
        noise = bytes([0x80, 13]) + bytes(10) + b"\x40"
        for packet in (EVENT, noise):  # neither has the size of a packet of sound
            net.deliver(at, packet, THERE)
            assert a.receive() == len(packet)
        for packet in (RTP, RTP, EVENT, EVENT, RTP):
            net.deliver(at, packet, THERE)
        lengths = [a.receive() for _ in range(7)]
        # What follows an event loses its tail, but is seen for what it is.
        assert lengths == [172, 172, 16, 16, 140, 0, 0]
        net.deliver(at, EVENT, THERE)
        assert a.receive() == 16
        assert a.receive() == 0
        for packet in (noise, RTP, noise, noise, EVENT, noise):
            net.deliver(at, packet, THERE)
        lengths = [a.receive() for _ in range(7)]
        assert lengths == [13, 159, 13, 13, 16, 13, 0]


def test_esp32_longer_packets_are_learned_again():
    with ESP32() as net:
        a = udp.MediaSocket("0.0.0.0", 4000, 400)
        at = ("0.0.0.0", 4000)
        net.deliver(at, RTP, THERE)
        assert a.receive() == 172
        longer = RTP + bytes(160)
        net.deliver(at, longer, THERE)
        assert a.receive() == 172
        a.relearn()
        net.deliver(at, longer, THERE)
        assert a.receive() == 332
        net.deliver(at, longer, THERE)
        assert a.receive() == 332


def test_esp32_only_the_first_source_is_heard():
    with ESP32() as net:
        a = udp.MediaSocket("0.0.0.0", 4000, 400)
        a.set_remote(THERE[0], THERE[1])
        at = ("0.0.0.0", 4000)
        net.deliver(at, RTP, ELSEWHERE)
        assert a.receive() == 172
        assert a.remote == ELSEWHERE
        assert not net.deliver(at, RTP, THERE)
        a.send(RTP, 172)
        assert net.at(at).sent == [(RTP, ELSEWHERE)]


def test_reports_may_arrive_joined():
    with ESP32() as net:
        a = udp.MediaSocket("0.0.0.0", 4001, 256, True)
        report = bytes([0x80, 201, 0, 1]) + bytes(4)
        at = ("0.0.0.0", 4001)
        net.deliver(at, report, THERE)
        assert a.receive() == 8
        net.deliver(at, report, THERE)
        net.deliver(at, report + bytes(24), THERE)
        assert a.receive() == 40


def test_packets_are_marked_where_the_machine_can():
    class Sock:
        asked = ()

        def setsockopt(self, *options):
            self.asked = options
            if options[2] == 0:
                raise OSError(1)

    sock = Sock()
    address.mark(sock, 0xB8)
    assert sock.asked in ((), (0, 1, 0xB8), (0, 3, 0xB8))
    address.mark(sock, 0)  # refused: nothing happens
    media = bind(udp.MediaSocket, 512)
    signalling = bind(udp.DatagramSocket)
    if hasattr(media._sock, "getsockopt") and sock.asked and sock.asked[1] == 1:
        assert media._sock.getsockopt(0, 1) == 0xB8
        assert signalling._sock.getsockopt(0, 1) == 0x60
    media.close()
    signalling.close()
