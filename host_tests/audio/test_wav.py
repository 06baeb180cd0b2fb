"""wav: files as a source and a sink of sound."""

import os
from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.wav import WAVSink, WAVSource

PATH = "/tmp/usip-test-%d.wav" % (id(os) % 100000)


def fmt(code=1, channels=1, rate=8000, bits=16):
    size = channels * bits // 8
    out = code.to_bytes(2, "little") + channels.to_bytes(2, "little")
    out += rate.to_bytes(4, "little") + (rate * size).to_bytes(4, "little")
    return out + size.to_bytes(2, "little") + bits.to_bytes(2, "little")


def chunk(name, body):
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def wav(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def written(octets):
    with open(PATH, "wb") as file:
        file.write(octets)
    return PATH


def sound(octets, frames):
    """Return what a source plays in *frames* frames, and whether it says it is finished."""
    source = WAVSource(written(octets))
    pcm = array("h", [7] * 160)
    got = []
    for _ in range(frames):
        source.read(pcm)
        got += list(pcm)
    source.close()
    os.remove(PATH)
    return got, source.is_finished


def samples(count):
    return array("h", [n * 37 % 60000 - 30000 for n in range(count)])


def test_what_was_recorded_is_played():
    pcm = samples(480)
    sink = WAVSink(PATH)
    for at in (0, 160, 320):
        sink.write(pcm[at : at + 160])
    sink.close()
    sink.close()
    assert sink.samples == 480
    with open(PATH, "rb") as file:
        octets = file.read()
    assert octets == wav(chunk(b"fmt ", fmt()), chunk(b"data", bytes(pcm)))
    got, is_finished = sound(octets, 4)
    assert got == list(pcm) + [0] * 160 and is_finished


def test_other_chunks_are_passed_over_and_not_played():
    pcm = samples(200)
    octets = wav(
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", fmt() + b"\0\0"),
        chunk(b"data", bytes(pcm)),
        chunk(b"LIST", b"x" * 400),
    )
    got, _ = sound(octets, 3)
    assert got == list(pcm) + [0] * 280


def test_a_recording_cut_short_plays_to_the_end_of_the_file():
    pcm = samples(160)
    for size in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
        octets = wav(chunk(b"fmt ", fmt())) + b"data" + size + bytes(pcm)
        got, is_finished = sound(octets, 2)
        assert got == list(pcm) + [0] * 160 and is_finished


def test_a_file_that_ends_early_is_silent_after_it():
    octets = wav(chunk(b"fmt ", fmt())) + b"data" + (4000).to_bytes(4, "little") + b"\1\0" * 10
    got, is_finished = sound(octets, 2)
    assert got == [1] * 10 + [0] * 310 and is_finished


def test_what_cannot_be_played_is_refused_with_the_reason():
    data = chunk(b"data", b"\0" * 8)
    for octets, reason in (
        (b"", "no WAV file"),
        (b"RIFF\0\0\0\0AVI ", "no WAV file"),
        (wav(chunk(b"fmt ", fmt())), "without sound"),
        (wav(data), "without format"),
        (wav(chunk(b"fmt ", b"\1\0"), data), "broken format"),
        (wav(chunk(b"fmt ", fmt(rate=44100)), data), "not 44100 Hz"),
        (wav(chunk(b"fmt ", fmt(channels=2)), data), "2, 16 bit"),
        (wav(chunk(b"fmt ", fmt(code=7, bits=8)), data), "8 bit (format 7)"),
    ):
        try:
            sound(octets, 1)
        except ValueError as error:
            assert reason in str(error), (reason, str(error))
            continue
        raise AssertionError("accepted: " + reason)


def test_a_missing_file_is_an_oserror():
    try:
        WAVSource("/nowhere/at/all.wav")
    except OSError:
        return
    raise AssertionError("opened")


def test_a_frame_uses_no_heap():
    source = WAVSource(written(wav(chunk(b"fmt ", fmt()), chunk(b"data", bytes(3200)))))
    sink = WAVSink(PATH + ".out")
    pcm = array("h", [0] * 160)
    with NoAlloc():
        for _ in range(20):
            source.read(pcm)
            sink.write(pcm)
    source.close()
    sink.close()
    os.remove(PATH)
    os.remove(PATH + ".out")
