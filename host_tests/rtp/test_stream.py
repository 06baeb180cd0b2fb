"""stream and playout: what a call hears, whatever the network does to its packets."""

from array import array
from math import pi, sin

from host_tests.fakes.noalloc import NoAlloc
from usip.limits import Limits
from usip.rtp import conceal, g711
from usip.rtp.digits import END, INBAND
from usip.rtp.stream import Stream
from usip.ticks import ticks_add

START_MS = (1 << 30) - 700
PERIOD = 52  # samples: 154 Hz
SINE = [round(8000 * sin(2 * pi * i / PERIOD)) for i in range(PERIOD)]


def octets_at(position, samples=160):
    """Return the mu-law octets of an endless tone."""
    pcm = array("h", [0] * samples)
    for i in range(samples):
        pcm[i] = SINE[(position + i) % PERIOD]
    out = bytearray(samples)
    g711.ulaw_encode(pcm, 0, out, 0, samples)
    return bytes(out)


def rtp(n, samples=160, ssrc=b"ssrc", sequence=65530, timestamp=0xFFFFF000, kind=0, payload=None):
    """Return packet *n* of a source whose sequence number and timestamp wrap soon."""
    stamp = (timestamp + n * samples) & 0xFFFFFFFF
    head = bytes([0x80, kind]) + ((sequence + n) & 0xFFFF).to_bytes(2, "big")
    if payload is None:
        payload = octets_at(n * samples, samples)
    return head + stamp.to_bytes(4, "big") + ssrc + payload


class Line:
    """A stream with its clock: packets given at a time, frames played every 20 ms."""

    def __init__(self, **named):
        self.stream = Stream(Limits(), bytes(16))
        self.stream.configure(receive_telephone_event=101, telephone_event=101, **named)
        self.pcm = array("h", [0] * 160)
        self.ms = 10
        self.heard = []
        self.keeps = True

    def run(self, arrivals, until_ms):
        """Give (at_ms, packet) pairs, which come in order, and play up to until_ms."""
        arrivals = iter(arrivals)
        arrival = next(arrivals, None)
        while self.ms < until_ms:
            while arrival and arrival[0] <= self.ms:
                now_ms = (START_MS + arrival[0]) & 0x3FFFFFFF
                self.stream.receive(arrival[1], len(arrival[1]), now_ms)
                arrival = next(arrivals, None)
            self.stream.play(self.pcm, (START_MS + self.ms) & 0x3FFFFFFF)
            if self.keeps:
                self.heard.append(array("h", self.pcm))
            self.ms += 20

    def sound(self, first_ms, last_ms):
        """Yield the samples played between two times."""
        for n in range(first_ms // 20, last_ms // 20):
            for sample in self.heard[n]:
                yield sample


def in_order(arrivals):
    return sorted(arrivals, key=lambda arrival: arrival[0])


def purity(samples):
    """Return the share of the energy that a best-fitting tone of PERIOD explains, in percent."""
    energy = a = b = i = 0
    for x in samples:
        energy += x * x
        a += x * SINE[i % PERIOD]
        b += x * SINE[(i + PERIOD // 4) % PERIOD]
        i += 1
    a /= 8000
    b /= 8000
    return 100 * 2 * (a * a + b * b) / (i * energy) if energy else 0


def regular(count, samples=160, **named):
    for n in range(count):
        yield n * samples // 8, rtp(n, samples, **named)


def test_a_quiet_line_is_played_without_a_fault():
    line = Line()
    line.run(regular(60), 1200)
    assert purity(line.sound(100, 1200)) > 99.9
    s = line.stream
    assert (s.received, s.lost, s.late, s.concealed_ms) == (60, 0, 0, 0)
    assert 20 <= s.delay_ms <= 40


def test_what_is_played_is_what_was_sent_bit_for_bit():
    line = Line()
    line.run(regular(10), 200)
    expected = array("h", [0] * 160)
    g711.ulaw_decode(octets_at(0), 0, expected, 0, 160)
    assert any(list(pcm) == list(expected) for pcm in line.heard)


def test_packets_of_every_length_are_played():
    for samples in (80, 160, 240, 320, 480):
        line = Line()
        line.run(regular(160 * 40 // samples, samples), 800)
        assert purity(line.sound(160, 760)) > 99.9, samples
        assert line.stream.concealed_ms <= 60, samples


def test_the_length_may_change():
    line = Line()
    arrivals = list(regular(10))
    arrivals += [
        (
            200 + n * 60,
            rtp(
                10 + n,
                0,
                payload=octets_at(1600 + 480 * n, 480),
                timestamp=0xFFFFF000 + 1600 + 480 * n,
            ),
        )
        for n in range(10)
    ]
    line.run(arrivals, 760)
    assert purity(line.sound(200, 760)) > 97


def test_a_lost_packet_is_concealed_from_both_sides():
    line = Line()
    line.run([a for n, a in enumerate(regular(60)) if n not in (20, 31, 47)], 1200)
    assert line.stream.lost == 3
    assert line.stream.concealed_ms == 60
    assert purity(line.sound(100, 1200)) > 99


def test_a_burst_of_losses_does_not_move_the_delay():
    line = Line()
    line.run([a for n, a in enumerate(regular(80)) if not 30 <= n < 34], 1600)
    assert line.stream.lost == 4
    assert 20 <= line.stream.delay_ms <= 40
    assert 60 <= line.stream.concealed_ms <= 100


def test_a_stall_loses_nothing_and_moves_the_delay():
    line = Line()
    line.run(((800 if 600 < at < 800 else at, p) for at, p in regular(100)), 2000)
    s = line.stream
    assert (s.lost, s.late) == (0, 0)
    assert 150 <= s.concealed_ms <= 200
    assert s.delay_ms >= 180


def test_reordered_packets_are_played_in_order():
    arrivals = list(regular(100))
    for n in range(10, 100, 7):
        arrivals[n] = (arrivals[n][0] + 25, arrivals[n][1])
    line = Line()
    line.run(in_order(arrivals), 2000)
    assert (line.stream.lost, line.stream.late, line.stream.duplicates) == (0, 0, 0)
    assert purity(line.sound(500, 2000)) > 99.9


def test_duplicates_are_counted_and_not_played():
    arrivals = list(regular(50))
    arrivals += [(at + 1, p) for at, p in arrivals[::3]]
    arrivals += [(at + 90, p) for at, p in arrivals[1:20:3]]
    line = Line()
    line.run(in_order(arrivals), 1000)
    s = line.stream
    assert s.duplicates == 17 + 7 and s.received == 50 and s.late == 0
    assert purity(line.sound(100, 1000)) > 99.9


def test_late_packets_are_counted_and_the_delay_grows():
    arrivals = []
    for n in range(150):
        at = n * 20 + (0, 17, 60, 33, 48, 5)[n % 6]
        arrivals.append((at, rtp(n)))
    line = Line()
    line.run(in_order(arrivals), 3000)
    assert line.stream.late <= 2
    assert 60 <= line.stream.delay_ms <= 85
    assert purity(line.sound(1000, 2900)) > 99


def test_clock_drift_is_absorbed():
    quiet = bytes([0xFF]) * 160
    loud = octets_at(0)

    def drifting(ppm):
        for n in range(3000):
            at_ms = round(n * 20 / (1 + ppm / 1e6))
            yield at_ms, rtp(n, payload=quiet if n % 50 > 40 else loud)

    for ppm in (500, -500):
        line = Line()
        line.keeps = False
        line.run(drifting(ppm), 59900)
        s = line.stream
        assert s.lost == s.late == 0
        assert s.concealed_ms <= 40, ppm
        assert s.delay_ms <= 60, ppm
        assert s.playout.slips >= 160, ppm


def test_a_source_restarting_with_new_numbers_goes_on():
    arrivals = list(regular(30))
    arrivals += [(600 + n * 20, rtp(n, sequence=40000, timestamp=5000)) for n in range(30)]
    line = Line()
    line.run(arrivals, 1200)
    s = line.stream
    assert s.received == 59 and s.foreign == 1  # two in sequence are asked for
    assert purity(line.sound(700, 1200)) > 99
    assert s.delay_ms <= 60


def test_timestamps_that_jump_are_followed():
    arrivals = list(regular(30))
    arrivals += [(600 + n * 20, rtp(n, sequence=65560, timestamp=0x50000000)) for n in range(30)]
    line = Line()
    line.run(arrivals, 1200)
    assert line.stream.received == 60
    assert purity(line.sound(700, 1200)) > 99


def test_another_source_must_show_two_packets_in_sequence():
    arrivals = list(regular(30))
    arrivals += [(95, rtp(7, ssrc=b"evil")), (235, rtp(99, ssrc=b"evil"))]
    line = Line()
    line.run(in_order(arrivals), 600)
    assert line.stream.foreign == 2 and line.stream.received == 30
    arrivals = [(600 + n * 20, rtp(n, ssrc=b"next", sequence=5)) for n in range(30)]
    line.run(arrivals, 1200)
    assert bytes(line.stream.remote_ssrc) == b"next"
    assert line.stream.received == 30 + 29


def test_a_new_source_after_silence_is_heard_at_once():
    line = Line()
    line.run(regular(30), 1000)
    line.run([(1000 + n * 20, rtp(n, ssrc=b"next", sequence=5)) for n in range(30)], 1600)
    assert line.stream.received == 60 and line.stream.foreign == 0
    assert purity(line.sound(1100, 1600)) > 99


def spurts(kind):
    """Yield 1.2 s of packets every 2 s, the first of each with *kind* as its second octet."""
    for n in range(300):
        if n % 100 < 60:
            yield n * 20, rtp(n, kind=0 if n % 100 else kind)


def test_talk_spurts_begin_with_the_delay_wanted():
    for kind in (0, 0x80):
        line = Line()
        line.run(spurts(kind), 5400)
        assert 20 <= line.stream.delay_ms <= 40
        assert purity(line.sound(4100, 5200)) > 99
        assert max(line.sound(3700, 3900)) < 1000  # silence in between


def test_a_stall_longer_than_the_buffer_recovers():
    line = Line()
    line.run(((3000 if 1000 < at < 3000 else at, p) for at, p in regular(300)), 6000)
    assert line.stream.lost == 0
    assert purity(line.sound(4500, 6000)) > 99


def test_the_other_law_may_be_sent_at_any_time():
    line = Line()
    octets = bytearray(160)
    pcm = array("h", [0] * 160)
    arrivals = list(regular(20))
    for n in range(20, 40):
        g711.ulaw_decode(octets_at(n * 160), 0, pcm, 0, 160)
        g711.alaw_encode(pcm, 0, octets, 0, 160)
        arrivals.append((n * 20, rtp(n, kind=8, payload=bytes(octets))))
    line.run(arrivals, 800)
    assert purity(line.sound(500, 800)) > 99


def test_unknown_payload_types_and_garbage_are_counted():
    line = Line()
    line.run([(0, rtp(0, kind=96)), (1, b""), (2, b"\x80"), (3, bytes(2000))], 20)
    assert line.stream.foreign == 1 and line.stream.malformed == 3


def test_any_octets_are_harmless():
    line = Line()
    seed = 1
    whole = bytearray(rtp(0))
    for n in range(3000):
        seed = (seed * 1021 + 24593) & 0xFFFFF
        whole[seed % 16] = seed >> 12
        line.stream.receive(whole, seed % 172 if n % 3 else 172, (START_MS + n) & 0x3FFFFFFF)
        if n % 5 == 0:
            line.stream.play(line.pcm, (START_MS + n) & 0x3FFFFFFF)


def test_a_digit_goes_from_one_stream_to_the_other_once():
    line = Line()
    other = Stream(Limits(), bytes(range(16)))
    other.configure(telephone_event=101)
    pcm = array("h", [3000, -3000] * 80)
    arrivals = []
    for n in range(60):
        if n == 10:
            assert other.send_digit(ord("5"), 120)
            assert not other.send_digit(ord("x"), 120)
        length = other.pack(pcm)
        if length:
            arrivals.append((n * 20, bytes(other.packet_view[:length])))
    line.run(arrivals, 1200)
    s = line.stream
    digits = s.digits
    assert digits.next_event() == 5
    assert digits.next_event() == END + 5 and digits.duration_ms == 120
    assert digits.next_event() == -1
    assert max(line.sound(280, 400)) == 0  # not the last sound repeated


def test_a_digit_whose_end_is_lost_ends_by_time():
    line = Line()
    event = [(n * 20, rtp(n, 0, kind=101, payload=bytes([3, 10, 0, 160]))) for n in range(3)]
    line.run(event, 500)
    digits = line.stream.digits
    assert [digits.next_event() for _ in range(3)] == [3, END + 3, -1]


def test_comfort_noise_sounds_at_its_level():
    line = Line()
    line.run(list(regular(20)) + [(400, rtp(20, kind=13, payload=b"\x28"))], 2000)
    noise = list(line.sound(1600, 2000))
    mean = sum(abs(x) for x in noise) / len(noise)
    level = 32768 * 10 ** (-40 / 20)
    assert level / 2 < mean < level * 1.5


def test_the_far_ends_own_noise_goes_on_when_its_packets_stop():
    line = Line()
    pcm = array("h", [0] * 160)
    octets = bytearray(160)
    seed = 1
    for n in range(60):
        seed = conceal.noise(pcm, 0, 160, 80 if n % 20 < 5 else 4000, seed)
        g711.ulaw_encode(pcm, 0, octets, 0, 160)
        line.run([(line.ms, rtp(n, payload=bytes(octets)))], line.ms + 20)
    line.run([], 2000)
    loudest = max(line.sound(1700, 2000))
    assert 40 < loudest < 160


def test_positions_begin_again_before_they_grow_large():
    line = Line()
    line.run(regular(30), 600)
    p = line.stream.playout
    shift = (1 << 28) // p.buffer.size * p.buffer.size
    p.buffer.rebase(-shift)
    line.stream._position += shift
    line.stream._epoch = (line.stream._epoch - shift // 8) & 0x3FFFFFFF
    line.run(list(regular(90))[30:], 1800)
    assert p.buffer.position < 1 << 20
    assert purity(line.sound(100, 1800)) > 99.9


def test_a_wrong_configuration_is_refused():
    stream = Stream(Limits(), bytes(16))
    for named in ({"codec": "G729"}, {"ptime": 15}, {"ptime": 0}, {"ptime": 70}):
        try:
            stream.configure(**named)
        except ValueError:
            continue
        raise AssertionError(named)


def test_a_whole_call_uses_no_heap():
    a = Stream(Limits(), bytes(range(16)))
    b = Stream(Limits(), bytes(range(16, 32)))
    for stream in (a, b):
        stream.configure(0, 0, "PCMU", 101, 101, 20)
    pcm = array("h", [int(4000 * sin(i / 5)) for i in range(160)])
    out = array("h", [0] * 160)
    now_ms = START_MS
    a.send_digit(49)
    with NoAlloc():
        for n in range(400):
            length = a.pack(pcm)
            # losses, a burst, a stall, duplicates
            if length and n % 11 and not 60 < n < 65:
                b.receive(a.packet_view, length, now_ms)
                if n % 7 == 0:
                    b.receive(a.packet_view, length, now_ms)
            b.play(out, now_ms)
            length = a.pack_report(now_ms)
            if length:
                b.receive_report(a.report, length, now_ms)
            length = b.pack_report(now_ms)
            if length:
                a.receive_report(b.report, length, now_ms)
            b.digits.next_event()
            now_ms = ticks_add(now_ms, 20)
    assert b.received > 300 and b.concealed_ms > 0


def test_a_digit_that_comes_as_event_and_as_sound_is_one():
    from usip.audio.tone import dtmf_tone

    line = Line()
    line.stream.detect_tones()
    tone = dtmf_tone("5", 200, 100)
    pcm = array("h", [0] * 160)
    octets = bytearray(160)
    arrivals = []
    for n in range(30):
        tone.read(pcm)
        g711.ulaw_encode(pcm, 0, octets, 0, 160)
        arrivals.append((n * 20, rtp(2 * n, 80, payload=bytes(octets))))
        if n < 10:
            event = bytes([5, 10 if n < 9 else 138, n >> 8, n * 160 & 255])
            stamp = 0xFFFFF000
            arrivals.append((n * 20, rtp(2 * n + 1, 0, timestamp=stamp, kind=101, payload=event)))
    line.run(arrivals, 900)
    s = line.stream
    assert [s.digits.next_event() for _ in range(3)] == [5, END + 5, -1]


def test_sound_alone_is_heard_as_a_digit():
    from usip.audio.tone import dtmf_tone

    line = Line()
    line.stream.detect_tones()
    tone = dtmf_tone("#", 100, 200)
    pcm = array("h", [0] * 160)
    octets = bytearray(160)
    for n in range(30):
        tone.read(pcm)
        g711.ulaw_encode(pcm, 0, octets, 0, 160)
        line.run([(line.ms, rtp(n, payload=bytes(octets)))], line.ms + 20)
    s = line.stream
    assert s.digits.next_event() == 11
    assert s.digits.next_event() == END + 11 and 80 <= s.digits.duration_ms <= 120
    assert s.digits.way == INBAND and s.digits.next_event() == -1
