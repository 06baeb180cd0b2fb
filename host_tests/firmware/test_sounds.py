"""Tests of station.sounds: what is heard when, on a device that keeps what it plays."""

from array import array

from fakes.noalloc import NoAlloc
from station.sounds import Sounds

SETTINGS = {
    "country": "eu",
    "volume": 10,
    "chime": "ding",
    "ring": "bell",
    "ring_back": True,
    "tones": True,
    "say": [],
}


class Device:
    """Speaks a steady 500; remembers the loudest sample of each frame it plays."""

    def __init__(self) -> None:
        self.is_open = False
        self.opened = 0
        self.frames = []

    def open(self) -> tuple:
        self.is_open = True
        self.opened += 1
        return self, self

    def read(self, pcm) -> None:
        for i in range(len(pcm)):
            pcm[i] = 500

    def write(self, pcm) -> None:
        self.frames.append(max(pcm))

    def close(self) -> None:
        self.is_open = False


class Station:
    """What Sounds asks of a station; `run` lets time pass."""

    def __init__(self, bells=(), **changes) -> None:
        self.agent = self
        self.audio = None
        self.pins = self
        self.call = None
        self.listeners = []
        self.parts = []
        self.said = []
        self.outputs = []
        self.device = Device()
        settings = {"sounds": dict(SETTINGS, **changes)}
        if bells:
            settings["bells"] = bells
        self.sounds = Sounds(self, self.device, settings)
        self.now = (1 << 30) - 500

    def write(self, output, on) -> None:
        self.outputs.append((output, on))

    def say(self, event, *fields) -> None:
        self.said.append((event,) + fields)
        for listener in self.listeners:
            listener.take(event, fields)

    def run(self, ms) -> list:
        """Return the frames played in *ms*."""
        before = len(self.device.frames)
        for _ in range(ms // 10):
            self.sounds.tick(self.now)
            self.now = (self.now + 10) % (1 << 30)
        return self.device.frames[before:]


def loud(frames) -> int:
    return sum([frame > 300 for frame in frames])


def test_the_chime_sounds_at_once_and_the_device_is_closed_after_it():
    station = Station()
    station.say("button", "input", 0, "action", "call")
    frames = station.run(20)
    assert frames[0] > 3000
    frames += station.run(1000)
    assert 28 <= loud(frames) <= 36  # 600 ms and a little
    assert not station.device.is_open and station.device.opened == 1


def test_ring_back_follows_the_chime_and_ends_with_the_sound_of_the_call():
    station = Station()
    station.say("button", "input", 0, "action", "call")
    station.say("progress", "call", 1, "status", 180, "reason", "Ringing")
    station.say("progress", "call", 1, "status", 180, "reason", "Ringing")
    frames = station.run(2000)
    assert 70 < loud(frames) < 90  # the chime and one second of ring-back
    assert loud(station.run(3000)) < 5
    assert loud(station.run(1500)) > 30
    station.say("media", "call", 1)
    assert station.run(200) == []


def test_a_call_that_fails_is_heard_for_three_seconds():
    for status, least in ((486, 70), (480, 65)):
        station = Station()
        station.say("unanswered", "input", 0, "status", status)
        assert loud(station.run(3000)) >= least
        assert loud(station.run(1000)) == 0 and not station.device.is_open


def test_tones_and_chime_may_be_switched_off():
    station = Station(chime="none", ring_back=False, tones=False)
    station.say("button", "input", 0, "action", "call")
    station.say("progress", "call", 1, "status", 180, "reason", "Ringing")
    station.say("unanswered", "input", 0, "status", 486)
    assert station.run(500) == []


def test_a_bell_rings_by_caller_with_its_output_until_the_call_is_taken():
    bells = ({"callers": ["gate"], "sound": "fast", "output": 2},)
    station = Station(bells)
    station.say("ringing", "call", 1, "from", "sip:gate@192.0.2.1", "after_ms", -1)
    assert station.outputs == [(2, 1)]
    assert 40 <= loud(station.run(2000)) <= 60  # 150 ms on and off
    station.say("answered", "call", 1)
    assert station.outputs[1:] == [(2, 0)]
    assert loud(station.run(100)) == 0
    station.say("ringing", "call", 2, "from", "sip:door@192.0.2.1", "after_ms", -1)
    assert loud(station.run(1000)) > 45 and len(station.outputs) == 2


def test_who_is_answered_at_once_does_not_ring():
    station = Station()
    station.say("ringing", "call", 1, "from", "sip:gate@192.0.2.1", "after_ms", 0)
    assert station.run(500) == []


def test_a_call_hears_the_warning_over_its_sound_and_nobody_else_writes():
    station = Station()
    source, sink = station.sounds.open()
    pcm = array("h", bytes(320))
    station.say("warning", "seconds", 10)
    for _ in range(70):
        for i in range(160):
            pcm[i] = 100
        sink.write(pcm)
        station.run(20)
    assert len(station.device.frames) == 70
    assert station.device.frames[0] > 1000 and min(station.device.frames) == 100
    source.close()
    sink.close()
    assert not station.device.is_open


def test_muted_sends_silence_to_the_end_of_the_call():
    station = Station()
    source, sink = station.sounds.open()
    pcm = array("h", bytes(320))
    station.sounds.act("mute")
    source.read(pcm)
    assert max(pcm) == 0 and station.said == [("mute", "on", True)]
    source.close()
    sink.close()
    source, sink = station.sounds.open()
    source.read(pcm)
    assert max(pcm) == 500


def test_the_volume_goes_in_steps_of_3_db():
    station = Station()
    _, sink = station.sounds.open()
    pcm = array("h", bytes(320))
    levels = []
    for _ in range(3):
        for _ in range(2):  # the gain moves evenly within a frame
            for i in range(160):
                pcm[i] = 10000
            sink.write(pcm)
        levels.append(pcm[159])
        station.sounds.act("softer")
        station.sounds.act("softer")
    assert levels[0] == 10000 and 4900 < levels[1] < 5100 and 2450 < levels[2] < 2550
    station.sounds.set_volume(0)
    sink.write(pcm)
    for i in range(160):
        pcm[i] = 10000
    sink.write(pcm)
    assert max(pcm) == 0
    station.sounds.set_volume(99)
    assert station.sounds.volume == 10


def test_a_wav_that_is_not_there_is_an_error_and_no_more():
    station = Station(chime="no-such.wav")
    station.say("button", "input", 0, "action", "call")
    assert station.run(100) == []
    assert station.said[-1][0] == "error" and station.said[-1][-1] == "no-such.wav"


def test_a_device_that_fails_is_an_error_and_no_more():
    station = Station()

    def fail():
        raise OSError(5)

    station.device.open = fail
    station.say("button", "input", 0, "action", "call")
    assert station.run(100) == []
    assert [said[0] for said in station.said] == ["button", "error"]


def test_frames_that_are_played_use_no_heap():
    station = Station()
    station.sounds.tick(0)
    station.say("button", "input", 0, "action", "call")
    sounds = station.sounds
    sounds.tick(20)
    sounds._sink = Nowhere()
    sounds.tick(40)
    with NoAlloc():
        sounds.tick(60)
        sounds.tick(80)


class Nowhere:
    def write(self, pcm) -> None:
        """Play it to nobody."""

    def close(self) -> None:
        """Nothing to release."""
