"""coded: G.722 and L16 in a stream, in place of G.711 and in the middle of a call."""

from array import array
from math import cos, pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.limits import Limits
from usip.rtp import coded
from usip.rtp.stream import Stream
from usip.ticks import ticks_add

START_MS = (1 << 30) - 700


class Line:
    """A sender and a receiver with one clock; *keep(n)* says which packets arrive."""

    def __init__(self, codec, is_wide=False, **named):
        self.rate = 16000 if is_wide else 8000
        self.sender = Stream(Limits(), bytes(range(16)))
        self.receiver = Stream(Limits(), bytes(range(16, 32)))
        for stream in (self.sender, self.receiver):
            stream.configure(9, 9, codec, **named)
            assert coded.set_wide(stream, is_wide) is is_wide
        self.ms = START_MS
        self.n = self.sent = 0
        self.heard = array("h", [])
        self.keeps = True

    def run(self, frames, hz=440, keep=lambda n: True):
        size = self.rate // 50
        pcm = array("h", [0] * size)
        for _ in range(frames):
            for i in range(size):
                pcm[i] = round(9000 * sin(2 * pi * hz * (self.n * size + i) / self.rate))
            self.n += 1
            length = self.sender.pack(pcm)
            while length:
                if keep(self.sent):
                    self.receiver.receive(self.sender.packet_view, length, self.ms)
                self.sent += 1
                length = self.sender.pack_more()
            self.receiver.play(pcm, self.ms)
            if self.keeps:
                self.heard.extend(pcm)
            self.ms = ticks_add(self.ms, 20)

    def share(self, hz, first, last):
        """Return the part of the energy between two frames that is of *hz*, in percent."""
        size = self.rate // 50
        a = b = energy = 0
        for i in range(first * size, last * size):
            x = self.heard[i]
            energy += x * x
            a += x * cos(2 * pi * hz * i / self.rate)
            b += x * sin(2 * pi * hz * i / self.rate)
        return 100 * 2 * (a * a + b * b) / ((last - first) * size * energy)


def test_each_codec_carries_a_tone():
    for codec, is_wide, hz, least in (
        ("L16", False, 1000, 99.9),
        ("G722", False, 1000, 99),
        ("G722", True, 1000, 99),
        ("G722", True, 5000, 94),
    ):
        line = Line(codec, is_wide)
        line.run(50, hz)
        assert line.share(hz, 10, 50) > least, (codec, hz)
        assert line.receiver.lost == line.receiver.concealed_ms == 0


def test_l16_is_played_sample_by_sample():
    line = Line("L16")
    line.run(12, 1000)
    expected = [round(9000 * sin(2 * pi * 1000 * i / 8000)) for i in range(160)]
    heard = list(line.heard)
    assert any(heard[n * 160 : n * 160 + 160] == expected for n in range(1, 12))


def test_losses_are_concealed():
    for codec, is_wide in (("L16", False), ("G722", False), ("G722", True)):
        line = Line(codec, is_wide)
        line.run(80, 200, lambda n: n % 9 != 5)
        assert line.share(200, 12, 78) > 90, codec
        assert line.receiver.lost == 9
        assert 100 <= line.receiver.concealed_ms <= 200


def test_a_gap_is_bridged_with_two_frames_behind_it():
    for codec, is_wide in (("L16", False), ("G722", True)):
        line = Line(codec, is_wide)
        size = line.rate // 50
        pcm = array("h", [0] * size)
        waiting = []
        for n in range(60):
            for i in range(size):
                pcm[i] = round(9000 * sin(2 * pi * 200 * (n * size + i) / line.rate))
            length = line.sender.pack(pcm)
            if n % 9 != 3:
                waiting.append(bytes(line.sender.packet_view[:length]))
            if n % 3 == 2:  # three come together, or the last two
                for octets in waiting:
                    line.receiver.receive(octets, len(octets), line.ms)
                waiting = []
            line.receiver.play(pcm, line.ms)
            line.heard.extend(pcm)
            line.ms = ticks_add(line.ms, 20)
        assert line.receiver.lost == 7
        assert line.share(200, 12, 58) > 90, codec


def test_packets_of_other_lengths_and_a_change_of_length():
    for codec, is_wide in (("L16", False), ("G722", True)):
        line = Line(codec, is_wide, ptime=10)
        line.run(30, 400)
        line.sender.configure(9, 9, codec, ptime=30)
        line.run(30, 400)
        assert line.share(400, 10, 30) > 98, codec
        assert line.share(400, 42, 60) > 98, codec
        assert line.receiver.lost == 0


def test_a_call_may_change_its_codec_and_change_back():
    line = Line("PCMU")
    line.run(20, 400)
    for codec in ("G722", "L16", "PCMA", "G722", "PCMU"):
        line.sender.configure(9, 9, codec)
        line.receiver.configure(9, 9, codec)
        first = line.n
        line.run(30, 400)
        assert line.share(400, first + 8, first + 30) > 97, codec
    assert line.receiver.lost == line.receiver.late == 0


def test_a_delay_too_long_is_corrected_in_silence():
    for codec, is_wide in (("L16", False), ("G722", False), ("G722", True)):
        line = Line(codec, is_wide)
        line.run(10, 0)
        pcm = array("h", [0] * (320 if is_wide else 160))
        for _ in range(8):
            length = line.sender.pack(pcm)
            line.receiver.receive(line.sender.packet_view, length, line.ms)
        line.receiver.playout.delays.reset()  # as when these are all that is remembered
        line.run(60, 0)
        assert line.receiver.playout.slips >= 960, codec
        assert line.receiver.delay_ms < 80, codec


def test_only_g722_is_wide_and_not_while_tones_are_listened_to():
    stream = Stream(Limits(), bytes(16))
    assert not coded.set_wide(stream, True)
    stream.configure(96, 96, "L16")
    assert not coded.set_wide(stream, True)
    stream.configure(9, 9, "G722")
    assert coded.set_wide(stream, True)
    assert not coded.set_wide(stream, False)
    stream.detect_tones()
    assert not coded.set_wide(stream, True)


def test_what_is_no_codec_is_refused():
    stream = Stream(Limits(), bytes(16))
    for codec in ("G729", "", "g722"):
        try:
            stream.configure(9, 9, codec)
        except ValueError:
            continue
        raise AssertionError(codec)
    stream.configure(0, 0, b"PCMU")


def test_another_law_is_foreign_while_the_codec_is_not_g711():
    line = Line("G722")
    line.run(3)
    stranger = Stream(Limits(), bytes(range(16)))
    length = stranger.pack(array("h", [0] * 160))
    line.receiver.receive(stranger.packet_view, length, line.ms)
    assert line.receiver.foreign == 1


def test_a_digit_leaves_silence_in_the_sound():
    concealed = []
    for codec in ("PCMU", "L16", "G722"):
        line = Line(codec, telephone_event=101, receive_telephone_event=101)
        line.run(10, 400)
        line.sender.send_digit(ord("5"), 100)
        line.run(30, 400)
        assert line.receiver.digits.next_event() == 5
        concealed.append(line.receiver.concealed_ms)
        assert line.share(400, 28, 40) > 97
    assert concealed == [concealed[0]] * 3


def test_no_frame_uses_heap():
    for codec, is_wide in (("L16", False), ("G722", False), ("G722", True)):
        line = Line(codec, is_wide)
        line.run(12, 200)
        line.keeps = False
        pcm = array("h", [1000] * (320 if is_wide else 160))
        with NoAlloc():
            for n in range(40):
                length = line.sender.pack(pcm)
                if n % 7 != 3:
                    line.receiver.receive(line.sender.packet_view, length, line.ms)
                line.receiver.play(pcm, line.ms)
                line.ms = ticks_add(line.ms, 20)
