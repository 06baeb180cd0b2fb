"""i2s: the ends of sound on a board, at the model of its driver."""

from array import array
from math import cos, pi, sin

from fakes import i2s as board
from fakes.noalloc import NoAlloc

from usip.audio import i2s

PINS = {"sck": 1, "ws": 2, "sd": 3}
_LOUD = 1 << 27  # -24 dB of full scale in 32 bits


class Clock:
    """Time, as samples that the ports move."""

    NEVER = -1

    def __init__(self, rate):
        self.rate = rate
        self.now_ms = (1 << 30) - 40

    def ticks_ms(self):
        return self.now_ms & 0x3FFFFFFF

    def ticks_diff(self, a, b):
        return (a - b + 0x20000000 & 0x3FFFFFFF) - 0x20000000

    def wait(self, ms):
        self.now_ms += ms
        board.advance(ms * self.rate // 1000)


class Board:
    """Within it usip.audio.i2s has the model and its clock."""

    def __init__(self, rate=16000, duplex="full", gain_db=0, speaker=True):
        self.settings = {
            "rate": rate,
            "duplex": duplex,
            "microphone": dict(PINS, id=0, gain_db=gain_db),
            "speaker": dict(PINS, id=0 if duplex == "half" else 1) if speaker else None,
        }
        self.clock = Clock(rate)

    def __enter__(self):
        self.kept = i2s.select, i2s.ticks
        i2s.select, i2s.ticks = board, self.clock
        board.reset()
        board.chip = "esp32"
        self.device = i2s.Device(self.settings, board.I2S, board.Pin)
        return self

    def __exit__(self, kind, value, traceback):
        i2s.select, i2s.ticks = self.kept

    def hear(self, hz, size=_LOUD):
        """Let a tone be at the microphone."""
        rate = self.clock.rate
        period = [round(size * sin(2 * pi * hz * i / rate)) for i in range(rate // 50)]
        board.ports[0].heard = lambda n: period[n % len(period)]

    def run(self, frames, samples=160, says=None, wait_ms=20):
        """Let frames be read and written in time; return what was read."""
        source, sink = self.device.open()
        self.clock.wait(60)
        out = []
        pcm = array("h", [0] * samples)
        for n in range(frames):
            self.clock.wait(wait_ms if n else 0)
            source.read(pcm)
            out.extend(pcm)
            for i in range(samples):
                pcm[i] = says(n * samples + i) if says else 0
            sink.write(pcm)
        sink.close()
        return out


def size_of(samples, hz, rate):
    """Return the peak of the tone *hz* in *samples*."""
    a = sum(x * sin(2 * pi * hz * i / rate) for i, x in enumerate(samples))
    b = sum(x * cos(2 * pi * hz * i / rate) for i, x in enumerate(samples))
    return 2 * (a * a + b * b) ** 0.5 / len(samples)


def power(samples):
    """Return the peak of a tone whose energy is that of *samples*."""
    return (2 * sum(x * x for x in samples) / len(samples)) ** 0.5


def recorded(hz, rate=16000, samples=160, frames=22):
    """Return the last 200 ms of a tone recorded."""
    with Board(rate) as it:
        it.hear(hz)
        return it.run(frames, samples)[-10 * samples :]


def test_a_recorded_tone_is_whole_and_as_loud_as_it_was():
    size = _LOUD >> 16
    for hz in (300, 1000, 3400):
        found = recorded(hz)
        tone = size_of(found, hz, 8000)
        assert size * 0.90 < tone < size * 1.01, (hz, tone)
        assert abs(power(found) - tone) < size * 0.01, hz  # nothing else, no gap


def test_what_would_fold_back_is_50_db_down():
    for hz in (4700, 5600, 7700):
        assert power(recorded(hz)) < (_LOUD >> 16) * 0.0032, hz


def test_at_32_khz_too():
    size = _LOUD >> 16
    for hz in (300, 3000):
        found = recorded(hz, 32000)
        assert size * 0.97 < size_of(found, hz, 8000) < size * 1.01, hz
        assert abs(power(found) - size_of(found, hz, 8000)) < size * 0.01, hz
    for hz in (5000, 9000, 15000):
        assert power(recorded(hz, 32000)) < size * 0.0032, hz


def test_a_wide_call_records_what_a_narrow_one_cannot():
    found = recorded(6000, samples=320)
    assert size_of(found, 6000, 16000) > (_LOUD >> 16) * 0.98
    assert abs(power(found) - size_of(found, 6000, 16000)) < 20


def test_the_microphones_mean_goes():
    with Board() as it:
        board.ports[0].heard = lambda n: -(1 << 28)
        found = it.run(60)
    assert min(found) < -400  # it was there
    assert max(abs(x) for x in found[-160:]) <= 1


def test_gain_moves_to_its_new_value_and_limits():
    with Board(gain_db=0) as it:
        it.hear(1000, 1 << 26)
        assert 1000 < power(it.run(20)[-800:]) < 1030
        it.device.microphone.set_gain(12)
        assert 3950 < power(it.run(20)[-800:]) < 4150
        it.device.microphone.set_gain(36)
        loud = it.run(20)[-800:]
        assert max(loud) > 32000 and min(loud) < -32000


def test_a_quiet_24_bit_microphone_keeps_its_resolution():
    with Board(gain_db=36) as it:
        it.hear(1000, 1 << 16)  # one step of 16 bits
        found = it.run(20)[-800:]
    tone = size_of(found, 1000, 8000)
    assert 60 < tone < 68
    assert (power(found) ** 2 - tone * tone) ** 0.5 < tone * 0.05


def test_the_level_meter_shows_mean_and_peak():
    with Board() as it:
        it.hear(1000, 10000 << 16)
        it.run(20)
        microphone = it.device.microphone
        assert 6100 < microphone.level < 6600  # 2 / pi of it
        assert 9800 < microphone.take_peak() <= 10050
        assert microphone.take_peak() == 0


def played(hz, rate=16000, samples=160, frames=24):
    """Return what the loudspeaker's pins show of a tone, the last 200 ms."""
    with Board(rate) as it:
        port = board.ports[1]
        port.played = array("h")
        step = 2 * pi * hz / (8000 * samples // 160)
        it.run(frames, samples, lambda i: round(8000 * sin(step * i)))
        assert not port.slots_differ
        assert it.device.speaker.underruns == it.device.speaker.overruns == 0
        end = len(port.played) // port.rate * port.rate + (frames * 20 + 20) * rate // 1000
        return port.played[end - rate // 5 : end]


def test_a_played_tone_is_whole_and_has_no_image():
    for hz in (300, 1000, 3000):
        found = played(hz)
        tone = size_of(found, hz, 16000)
        assert 7800 < tone < 8030, (hz, tone)
        assert (abs(power(found) ** 2 - tone * tone)) ** 0.5 < 80, hz  # -40 dB, with the ends


def test_images_are_50_db_down():
    for hz in (300, 1000, 3000):
        assert size_of(played(hz), 8000 - hz, 16000) < 8000 * 0.0032, hz


def test_at_32_khz_and_wide_it_plays_as_well():
    for rate, samples in ((32000, 160), (16000, 320), (32000, 320)):
        found = played(1000, rate, samples)
        assert 7850 < size_of(found, 1000, rate) < 8030, (rate, samples)


def test_mono_would_swap_neighbours_on_the_original_esp32():
    pins = {"sck": board.Pin(1), "ws": board.Pin(2), "sd": board.Pin(3)}
    order = {}
    for chip in ("esp32", "esp32s3"):
        for form in (board.I2S.MONO, board.I2S.STEREO):
            board.reset()
            board.chip = chip
            port = board.I2S(
                1, mode=board.I2S.TX, bits=16, format=form, rate=16000, ibuf=4096, **pins
            )
            port.ask()
            port.played = array("h")
            board.advance(1024)
            step = 1 if form == board.I2S.MONO else 2
            port.write(array("h", [i // step for i in range(256 * step)]))
            board.advance(2048)
            heard = list(port.played)
            at = heard.index(1) & -2
            order[chip, form] = heard[at : at + 4]
    assert order["esp32", board.I2S.MONO] == [1, 0, 3, 2]
    assert order["esp32", board.I2S.STEREO] == order["esp32s3", board.I2S.MONO] == [0, 1, 2, 3]


def test_a_late_agent_is_served_from_the_ring():
    with Board() as it:
        it.hear(1000)
        source, _ = it.device.open()
        pcm = array("h", [0] * 160)
        it.clock.wait(60)
        out = []
        for n in range(50):
            it.clock.wait(80 if n == 30 else 0 if 30 < n < 34 else 20)
            source.read(pcm)
            out.extend(pcm)
        microphone = it.device.microphone
        assert microphone.overruns == microphone.underruns == board.ports[0].lost == 0
        heard = out[20 * 160 :]
        assert abs(power(heard) - size_of(heard, 1000, 8000)) < 20  # no gap, none twice


def test_an_overrun_is_counted_and_passes():
    with Board() as it:
        it.hear(1000)
        source, _ = it.device.open()
        pcm = array("h", [0] * 160)
        it.clock.wait(60)
        for n in range(60):
            it.clock.wait(200 if n == 20 else 0 if 20 < n < 30 else 20)
            source.read(pcm)
        microphone = it.device.microphone
        assert microphone.overruns == 1 and board.ports[0].lost > 0
        assert 1 <= microphone.underruns <= 5
        assert power(pcm) > 2000


def test_after_a_pause_nothing_old_is_heard():
    with Board() as it:
        board.ports[0].heard = lambda n: _LOUD if n < 40000 else -_LOUD
        source, _ = it.device.open()
        pcm = array("h", [0] * 160)
        it.clock.wait(60)
        for _ in range(20):
            it.clock.wait(20)
            source.read(pcm)
        it.clock.wait(3000)
        heard = []
        for _ in range(8):
            source.read(pcm)
            it.clock.wait(20)
            heard.extend(pcm)
        assert max(heard) < 400 and min(heard) < -500  # the filter's overshoot


def test_an_underrun_of_the_loudspeaker_is_counted_and_leaves_the_order():
    with Board() as it:
        port = board.ports[1]
        port.played = array("h")
        _, sink = it.device.open()
        it.clock.wait(60)
        pcm = array("h", [0] * 320)
        for n in range(40):
            it.clock.wait(120 if n == 20 else 20)
            for i in range(320):
                pcm[i] = 1 + n * 320 + i
            sink.write(pcm)
        it.clock.wait(100)
        assert it.device.speaker.underruns == 1
        heard = [x for x in port.played if x]
        assert heard == sorted(heard)
        assert len(heard) > 40 * 320 - 3 * 256


def test_a_full_ring_drops_frames_and_goes_on():
    with Board() as it:
        _, sink = it.device.open()
        it.clock.wait(60)
        pcm = array("h", [1] * 160)
        for _ in range(10):
            sink.write(pcm)
        speaker = it.device.speaker
        assert speaker.overruns > 0
        was = speaker.overruns
        it.clock.wait(20)
        for _ in range(20):
            it.clock.wait(20)
            sink.write(pcm)
        assert speaker.underruns == 0 and speaker.overruns - was <= 1


def test_the_agents_jitter_is_taken():
    with Board() as it:
        source, sink = it.device.open()
        it.clock.wait(60)
        pcm = array("h", [0] * 160)
        for n in range(100):
            it.clock.wait((20, 30, 10, 24, 16)[n % 5])
            source.read(pcm)
            sink.write(pcm)
        device = it.device
        assert device.speaker.underruns == device.speaker.overruns == 0
        assert device.microphone.underruns == device.microphone.overruns == 0


def test_no_frame_uses_heap():
    for rate in (16000, 32000):
        with Board(rate) as it:
            source, sink = it.device.open()
            it.clock.wait(60)
            narrow = array("h", [0] * 160)
            wide = array("h", [0] * 320)
            for pcm in (narrow, wide):
                for _ in range(3):
                    it.clock.wait(20)
                    source.read(pcm)
                    sink.write(pcm)
            it.clock.now_ms = 1000  # one of 30 bits is a small int
            source.read(narrow)
            sink.write(narrow)
            it.clock.wait(20)
            with NoAlloc():
                for _ in range(5):
                    source.read(narrow)
                    sink.write(narrow)
                    it.clock.wait(20)
                    source.read(wide)
                    sink.write(wide)
                    it.clock.wait(20)


def test_one_port_takes_turns():
    with Board(duplex="half") as it:
        device = it.device
        assert not device.is_talking and board.ports[0].mode == board.I2S.TX
        source, sink = device.open()
        pcm = array("h", [500] * 160)
        for _ in range(10):
            it.clock.wait(20)
            source.read(pcm)
            assert not any(pcm)
            sink.write(array("h", [500] * 160))
        assert device.speaker.underruns == device.speaker.overruns == 0
        device.talk(True)
        it.hear(1000)
        for _ in range(10):
            it.clock.wait(20)
            source.read(pcm)
            sink.write(array("h", [500] * 160))
        assert power(pcm) > 2000 and board.ports[0].mode == board.I2S.RX
        device.talk(False)
        port = board.ports[0]
        port.played = array("h")
        for _ in range(10):
            it.clock.wait(20)
            sink.write(array("h", [500] * 160))
        assert max(port.played) > 450
        device.talk(False)  # as it is
        assert board.ports[0] is port


def test_without_memory_for_blocks_no_port_stays_open():
    kept = board.free_octets
    board.free_octets = 17000
    try:
        with Board():
            raise AssertionError("opened")
    except OSError as e:
        assert e.args[0] == 12
        assert not board.ports
    finally:
        board.free_octets = kept


def test_the_last_call_has_the_sound():
    with Board() as it:
        it.hear(1000)
        it.clock.wait(60)
        first, _ = it.device.open()
        second, _ = it.device.open()
        one, other = array("h", [1] * 160), array("h", [1] * 160)
        for _ in range(10):
            it.clock.wait(20)
            first.read(one)
            second.read(other)
        assert not any(one) and power(other) > 2000
        second.close()
        second.close()
        it.clock.wait(20)
        first.read(one)
        assert power(one) > 2000


def test_a_board_without_a_loudspeaker_listens():
    with Board(speaker=False) as it:
        it.hear(1000)
        assert power(it.run(20)[-800:]) > 2000
        it.device.close()
        assert not board.ports
