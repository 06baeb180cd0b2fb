"""Tests of net.transport and net.roam: long datagrams, another address."""

from host_tests.test_agent import settings
from usip import Agent
from usip.net import address, roam
from usip.net.transport import Transport

HERE = "127.0.0.1"


def received(transport):
    """Return the next datagram, as a loop that polls gets it; None when none comes."""
    for _ in range(2000):
        data = transport.receive()
        if data is not None:
            return data
    return None


def test_a_datagram_of_four_kilobytes_is_read_when_it_is_repeated():
    one, other = Transport(HERE, 0), Transport(HERE, 0)
    one.open()
    other.open()
    to = ("udp", HERE, other.port)
    long = b"INVITE " + b"x" * 4000
    assert one.send(to, long, len(long))
    assert received(other) is None and other.cut == 1
    assert one.send(to, long, len(long))
    assert received(other) == long
    for _ in range(9):
        assert one.send(to, b"short", 5) and received(other) == b"short"
    assert one.send(to, long, len(long)) and received(other) is None and other.cut == 2
    one.close()
    other.close()


class Moved:
    """An agent whose machine has the addresses of a list, one a look."""

    def __init__(self, hosts) -> None:
        self.agent = Agent(settings("alice"))
        self.hosts = list(hosts)
        self.changes = []
        self.now_ms = self.agent.now_ms()
        self.kept = address.local_host, roam.network_changed

    def run(self) -> list:
        """Return at which look the agent was told of another network."""
        address.local_host = lambda remote: self.hosts[0]
        roam.network_changed = lambda agent, now_ms: self.changes.append(now_ms)
        found = []
        try:
            watcher = roam.Watcher(self.agent, 5)
            for n in range(len(self.hosts)):
                watcher.handle_timer(watcher.deadline)
                if self.changes:
                    found.append(n)
                    self.changes.clear()
                self.hosts.pop(0)
        finally:
            address.local_host, roam.network_changed = self.kept
        return found


def test_another_address_is_noticed_once():
    assert Moved(["192.0.2.7"] * 3 + ["192.0.2.8"] * 3).run() == [3]


def test_a_network_that_is_back_is_noticed_though_its_address_is_the_same():
    assert Moved(["192.0.2.7", HERE, HERE, "192.0.2.7", "192.0.2.7"]).run() == [3]


def test_a_network_that_comes_after_the_start_is_noticed():
    assert Moved([HERE, HERE, "192.0.2.7", "192.0.2.7"]).run() == [2]


def test_no_network_is_no_other_network():
    assert Moved(["192.0.2.7", HERE, HERE, HERE]).run() == []
