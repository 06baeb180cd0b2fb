"""TCP and DNS with real sockets: tools.phone on CPython and on the VM, on loopback."""

import socket
import threading

import pytest
from fakes import names

from host_tests.test_phone_host import VM, free_ports, phone  # noqa: F401


class DNS:
    """A name server on loopback."""

    def __init__(self, zone) -> None:
        self.servers = names.Servers(zone)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                query, source = self.sock.recvfrom(1500)
            except OSError:
                return
            self.servers.asked.append(names.question_of(query))
            for data, _ in self.servers.answer_honestly(None, query):
                self.sock.sendto(data, source)

    def close(self):
        self.sock.close()


@pytest.fixture
def dns():
    """Call dns(zone) for a running server."""
    started = []

    def start(zone):
        started.append(DNS(zone))
        return started[-1]

    yield start
    for made in started:
        made.close()


@pytest.mark.parametrize("vm", [(), VM], ids=["cpython", "micropython"])
def test_two_phones_talk_by_tcp(phone, vm):  # noqa: F811
    bob = phone("bob", "--answer", "auto", *vm, transport="tcp")
    bob.wait("ready")
    alice = phone("alice", *vm, transport="tcp")
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    bob.wait("media")
    alice.wait("media")  # she has sent her ACK
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.connect(("127.0.0.1", bob.port))  # a third party changes nothing
        bob.do("hold", call=1)
        alice.wait("held")
        bob.do("resume", call=1)
        alice.wait("resumed")
        probe.sendall(b"\r\n\r\n")
        probe.settimeout(5)
        assert probe.recv(10) == b"\r\n"
    bob.do("hangup", call=1)
    assert alice.wait("ended")["by"] == "remote"
    assert alice.quit() == 0 and bob.quit() == 0


@pytest.mark.parametrize("vm", [(), VM], ids=["cpython", "micropython"])
def test_a_refused_connection_ends_the_call_at_once(phone, vm):  # noqa: F811
    alice = phone("alice", *vm, transport="tcp")
    alice.wait("ready")
    alice.do("call", to="sip:nobody@127.0.0.1:%d" % (free_ports(12) + 3))
    ended = alice.wait("ended", timeout_s=20)
    assert (ended["status"], ended["by"]) == (503, "error")
    assert alice.quit() == 0


@pytest.mark.parametrize("vm", [(), VM], ids=["cpython", "micropython"])
def test_a_name_is_called_by_srv_past_a_server_that_refuses(phone, dns, vm):  # noqa: F811
    bob = phone("bob", "--answer", "auto", transport="tcp")
    bob.wait("ready")
    zone = {
        ("home.example", "NAPTR"): ("10 10 s SIP+D2T _sip._tcp.home.example",),
        ("_sip._tcp.home.example", "SRV"): (
            "10 0 %d one.home.example" % (bob.port + 7),
            "20 0 %d one.home.example" % bob.port,
        ),
        ("one.home.example", "A"): ("127.0.0.1",),
    }
    server = dns(zone)
    alice = phone("alice", *vm, network={"dns": [server.address]})
    alice.wait("ready")
    alice.do("call", to="sip:bob@home.example")
    alice.wait("answered")
    assert ("home.example", 35) in server.servers.asked
    alice.do("hangup", call=1)
    bob.wait("ended")
    alice.do("call", to="sip:bob@nowhere.example")
    assert alice.wait("ended", 2)["status"] == 503
    assert alice.quit() == 0 and bob.quit() == 0


@pytest.mark.parametrize("vm", [(), VM])
def test_two_phones_talk_over_ipv6(phone, vm):  # noqa: F811
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        print("[::1]: there is no IPv6 on this machine")
        return
    ports = [free_ports(12), free_ports(12)]
    bob = phone("bob", "--bind", "[::1]:%d" % ports[0], "--answer", "auto", port=ports[0])
    alice = phone("alice", "--bind", "[::1]:%d" % ports[1], *vm, port=ports[1])
    assert alice.wait("ready")["addresses"] == ["[::1]:%d" % ports[1]]
    bob.wait("ready")
    alice.do("call", to="sip:bob@[::1]:%d" % ports[0])
    assert alice.wait("answered")["remote"].startswith("[::1]:")
    assert bob.wait("media")["local"].startswith("[::1]:")
    alice.do("hangup")
    assert bob.wait("ended")["by"] == "remote"
    for side in (alice, bob):
        assert side.quit() == 0 and side.log() == "", side.log()
