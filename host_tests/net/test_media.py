"""media: the two sockets of a call, on loopback."""

from array import array

from usip.limits import Limits
from usip.net.media import free_path
from usip.rtp.stream import Stream

HERE = "127.0.0.1"
PCM = array("h", [1000, -1000] * 80)


class Agreed:
    """What was negotiated: where the other path receives."""

    receive_telephone_event = 101

    def __init__(self, path, is_mux=False):
        self.remote_address = HERE.encode()
        self.remote_port = path.port
        self.remote_rtcp_port = path.port + (0 if is_mux else 1)


class Call:
    """As much of a call as the pump needs."""

    def __init__(self, seed):
        self.stream = Stream(Limits(), seed)
        self.pcm = array("h", PCM)

    def tick(self, now_ms):
        self.stream.play(self.pcm, now_ms)
        return self.stream.pack(PCM)


class Pair:
    """Two paths that know each other, and their clock."""

    def __init__(self, is_mux=False):
        self.paths = [free_path(HERE, (45200, 45240), 0) for _ in range(2)]
        self.calls = [Call(bytes(range(16))), Call(bytes(range(16, 32)))]
        self.now_ms = 1000
        for i in range(2):
            self.paths[i].follow(Agreed(self.paths[1 - i], is_mux), self.now_ms)

    def run(self, frames):
        for _ in range(frames):
            for path, call in zip(self.paths, self.calls):
                path.pump(call, self.now_ms)
            self.now_ms += 20

    def close(self):
        for path in self.paths:
            path.close()


def test_sound_and_reports_go_both_ways():
    for is_mux in (False, True):
        pair = Pair(is_mux)
        try:
            pair.run(500)
            for path, call in zip(pair.paths, pair.calls):
                assert call.stream.received > 490 and call.stream.lost == 0
                assert call.stream.rtt_ms >= 0, is_mux
                assert (path.reports is path.rtp) is is_mux
        finally:
            pair.close()


def test_the_end_is_a_bye():
    for is_mux in (False, True):
        pair = Pair(is_mux)
        try:
            pair.run(10)
            pair.paths[0].leave(pair.calls[0].stream, pair.now_ms)
            reporter = pair.calls[1].stream.reporter
            assert not reporter.is_bye_received
            pair.paths[1].pump(pair.calls[1], pair.now_ms)
            pair.paths[1].pump(pair.calls[1], pair.now_ms)
            assert reporter.is_bye_received, is_mux
        finally:
            pair.close()


def test_who_sent_nothing_says_no_goodbye():
    pair = Pair()
    try:
        sent = []
        pair.paths[0].reports = sent
        pair.paths[0].leave(pair.calls[0].stream, pair.now_ms)
        pair.paths[1].leave(None, pair.now_ms)
        assert sent == []
    finally:
        pair.close()


def test_packets_that_become_longer_are_heard_whole_again():
    pair = Pair()
    try:
        pair.run(50)
        pair.calls[0].stream.configure(ptime=40)  # nobody was told
        pair.run(60)
        stream = pair.calls[1].stream
        before = stream.concealed_ms
        pair.run(100)
        assert stream.lost == 0 and stream.concealed_ms - before <= 20
    finally:
        pair.close()
