"""wideband: files at 16 kHz in calls of both kinds."""

import math
import wave
from array import array

from usip.audio.files import Files, make
from usip.limits import Limits
from usip.rtp import coded
from usip.rtp.stream import Stream


def write_tone(path, hz, rate=16000, seconds=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        n = rate * seconds
        pcm = [round(8000 * math.sin(2 * math.pi * hz * i / rate)) for i in range(n)]
        file.writeframes(array("h", pcm).tobytes())


def recorded(path):
    with wave.open(str(path), "rb") as file:
        return file.getframerate(), array("h", file.readframes(file.getnframes()))


def peak(samples):
    return max(max(samples), -min(samples))


class Call:
    """As much of a call as `fit` needs."""

    def __init__(self, codec, source, sink):
        self.stream = Stream(Limits(), bytes(16))
        self.stream.configure(9, 9, codec)
        self.source, self.sink = source, sink
        self.pcm = array("h", [0] * 160)


def test_frames_of_both_lengths_are_read_and_written(tmp_path):
    play, record = tmp_path / "play.wav", tmp_path / "record.wav"
    write_tone(play, 1000)
    for size in (160, 320):
        source, sink = Files(str(play), str(record), True).open()
        assert source.is_wide and sink.is_wide
        pcm = array("h", [0] * size)
        for _ in range(20):
            source.read(pcm)
            sink.write(pcm)
        assert not source.is_finished
        source.close()
        sink.close()
        rate, samples = recorded(record)
        assert rate == 16000 and len(samples) == 20 * 320
        assert 7900 < peak(samples[640:]) < 8100


def test_a_call_is_wide_when_codec_and_ends_are(tmp_path):
    play, record = tmp_path / "play.wav", tmp_path / "record.wav"
    write_tone(play, 1000)
    write_tone(tmp_path / "narrow.wav", 1000, 8000)
    wide, narrow = Files(str(play), str(record), True), Files(str(tmp_path / "narrow.wav"))
    for codec, files, samples in (
        ("G722", wide, 320),
        ("G722", narrow, 160),
        ("L16", wide, 160),
        ("PCMU", wide, 160),
        ("G722", Files(), 160),
    ):
        source, sink = files.open()
        call = Call(codec, source, sink)
        coded.fit(call)
        assert len(call.pcm) == samples, codec
        call.stream.play(call.pcm, 0)
        assert call.stream.pack(call.pcm) > 12
        for end in (source, sink):
            if end is not None:
                end.close()


def test_a_narrow_end_makes_a_wide_call_narrow_again(tmp_path):
    play = tmp_path / "play.wav"
    write_tone(play, 1000)
    source, _ = Files(str(play), None, True).open()
    call = Call("G722", source, None)
    coded.fit(call)
    assert len(call.pcm) == 320
    call.sink = object()
    coded.fit(call)
    assert len(call.pcm) == 160
    assert call.stream.pack(call.pcm) == 172
    source.close()


def test_the_configuration_s_audio_has_its_levels(tmp_path):
    path = str(tmp_path / "narrow.wav")
    write_tone(path, 1000, 8000)
    assert make({"play": None, "record": None}) is None
    assert isinstance(make({"play": path, "record": None}), Files)
    assert isinstance(make({"play": None, "record": None, "tones": "de"}, path), Files)
    audio = make({"play": None, "record": None, "microphone_db": 6}, path)
    source, sink = audio.open()
    pcm = array("h", [0] * 160)
    for _ in range(3):
        source.read(pcm)
    assert 15500 < max(pcm) < 16500
    source.close()
