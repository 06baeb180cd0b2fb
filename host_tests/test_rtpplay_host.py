"""tools.rtpplay: arrival traces through the device's receive path."""

import json
import math
import random
import subprocess
import sys
import wave
from array import array
from pathlib import Path

from tools import rtpplay
from usip.rtp import g711

ROOT = Path(__file__).resolve().parent.parent


def packets(frames, codec="PCMU"):
    """Return the RTP packets of a tone that changes its pitch slowly, like a voice."""
    pcm = array("h", [0] * 160)
    out = bytearray(160)
    phase = 0.0
    found = []
    for n in range(frames):
        for i in range(160):
            phase += 2 * math.pi * (150 + 40 * math.sin(n / 20)) / 8000
            pcm[i] = int(6000 * math.sin(phase) + 2000 * math.sin(2 * phase))
        encode = g711.alaw_encode if codec == "PCMA" else g711.ulaw_encode
        encode(pcm, 0, out, 0, 160)
        head = bytes([0x80, 8 if codec == "PCMA" else 0]) + ((n + 65500) & 0xFFFF).to_bytes(
            2, "big"
        )
        found.append(head + (n * 160).to_bytes(4, "big") + b"ssrc" + bytes(out))
    return found


def trace(path, frames, arrivals, codec="PCMU"):
    """Write the trace of (at_ms, packet index) pairs."""
    sent = packets(frames, codec)
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps({"codec": codec, "ssrc": 1, "frames": frames}) + "\n")
        for at_ms, n in arrivals:
            file.write(json.dumps({"at_ms": at_ms, "packet": sent[n].hex()}) + "\n")
    return sent


def run(tmp_path, frames, arrivals, codec="PCMU", **named):
    """Play a trace; return (report, samples)."""
    path = str(tmp_path / "trace.jsonl")
    out = str(tmp_path / "out.wav")
    trace(path, frames, arrivals, codec)
    header, read = rtpplay.read_trace(path)
    sink = rtpplay.WAVSink(out)
    report = rtpplay.play(header, read, sink, **named)
    sink.close()
    with wave.open(out) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) == frames * 160
    return report, samples


def decoded(sent, codec="PCMU"):
    out = array("h", [0] * 160 * len(sent))
    for n, packet in enumerate(sent):
        decode = g711.alaw_decode if codec == "PCMA" else g711.ulaw_decode
        decode(packet, 12, out, n * 160, 160)
    return out


def test_a_clean_trace_is_played_bit_for_bit(tmp_path):
    for codec in ("PCMU", "PCMA"):
        report, samples = run(tmp_path, 100, [(20.0 * n, n) for n in range(100)], codec)
        assert samples[: 98 * 160] == decoded(packets(100, codec), codec)[: 98 * 160]
        assert report["delay_ms"]["max"] <= 40
        assert (report["lost"], report["late"], report["duplicates"]) == (0, 0, 0)


def test_every_phase_of_the_sound_clock_keeps_the_delay_within_40_ms(tmp_path):
    for phase_ms in range(0, 20, 3):
        report, _ = run(tmp_path, 60, [(20.0 * n, n) for n in range(60)], phase_ms=phase_ms)
        assert 20 <= report["delay_ms"]["mean"] <= 40, phase_ms


def error_db(got, wanted):
    """Return the energy of the difference over that of *wanted*, in dB."""
    noise = sum((a - b) ** 2 for a, b in zip(got, wanted)) + 1
    return 10 * math.log10(noise / (sum(x * x for x in wanted) + 1))


def test_what_is_concealed_is_near_what_was_lost(tmp_path):
    frames = 400
    chance = random.Random(5)
    arrivals = [(20.0 * n, n) for n in range(frames) if n < 5 or chance.random() > 0.05]
    report, samples = run(tmp_path, frames, arrivals)
    assert report["lost"] >= 10
    assert report["concealed_ms"] == 20 * (frames - len(arrivals))
    assert error_db(samples, decoded(packets(frames))) < -20  # silence would give -13


def test_jitter_and_reordering_lose_nothing_after_the_first_seconds(tmp_path):
    frames = 500
    chance = random.Random(6)
    arrivals = [(20.0 * n + chance.uniform(0, 50), n) for n in range(frames)]
    report, _ = run(tmp_path, frames, arrivals)
    assert report["lost"] == 0 and report["late"] <= 3
    assert report["concealed_ms"] <= 80
    assert report["delay_ms"]["mean"] <= 80


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tools.rtpplay"] + list(arguments),
        cwd=ROOT,
        env={"PYTHONPATH": "%s:%s" % (ROOT / "lib", ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_prints_its_report(tmp_path):
    path = str(tmp_path / "trace.jsonl")
    trace(path, 50, [(20.0 * n, n) for n in range(50) if n != 20])
    done = command(path, "--out", str(tmp_path / "out.wav"), "--report")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {
        "delay_ms",
        "concealed_ms",
        "late",
        "lost",
        "duplicates",
        "slips_samples",
    }
    assert set(report["delay_ms"]) == {"initial", "mean", "max"}
    assert report["lost"] == 1


def test_what_is_no_trace_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "trace.jsonl"
    out = str(tmp_path / "out.wav")
    for text in (
        "",
        "nonsense\n",
        '{"codec": "G729", "frames": 1}\n',
        '{"codec": "PCMU", "frames": 1}\n{"at_ms": 1, "packet": "xy"}\n',
    ):
        path.write_text(text)
        done = command(str(path), "--out", out)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert command(str(tmp_path / "none"), "--out", out).returncode == 1
    assert command(str(path)).returncode == 2


def test_a_trace_without_packets_is_silence(tmp_path):
    report, samples = run(tmp_path, 10, [])
    assert not any(samples) and report["delay_ms"]["mean"] == 0


def test_g722_and_l16_are_played_at_their_rates(tmp_path):
    from usip.rtp import g722, l16

    for codec, kind, wide in (("G722", 9, True), ("G722", 9, False), ("L16", 96, False)):
        coder = g722.Coder(wide) if codec == "G722" else l16.Coder()
        size = 320 if wide else 160
        path, out = tmp_path / "trace.jsonl", tmp_path / "out.wav"
        lines = [json.dumps({"codec": codec, "ssrc": 1, "frames": 40})]
        for n in range(40):
            step = 2 * math.pi * 1000 / (50 * size)
            pcm = array("h", [round(8000 * math.sin(step * (n * size + i))) for i in range(size)])
            octets = bytearray(160 * coder.octets)
            coder.encode(pcm, octets, 0)
            head = bytes([0x80, kind]) + n.to_bytes(2, "big") + (160 * n).to_bytes(4, "big")
            packet = head + b"ssrc" + bytes(octets)
            if n not in (20, 31):
                lines.append(json.dumps({"at_ms": 20 * n, "packet": packet.hex()}))
        path.write_text("\n".join(lines))
        options = ["--wideband"] if wide else []
        assert rtpplay.main([str(path), "--out", str(out), *options]) == 0
        with wave.open(str(out)) as file:
            rate = file.getframerate()
            samples = array("h", file.readframes(file.getnframes()))
        assert rate == (16000 if wide else 8000) and len(samples) == 40 * size
        middle = samples[10 * size : 38 * size]
        energy = sum(x * x for x in middle)
        c = sum(x * math.cos(2 * math.pi * 1000 * i / rate) for i, x in enumerate(middle))
        s = sum(x * math.sin(2 * math.pi * 1000 * i / rate) for i, x in enumerate(middle))
        assert 2 * (c * c + s * s) / len(middle) > 0.98 * energy, codec


def test_only_g722_is_wideband(tmp_path, capsys):
    trace(tmp_path / "trace.jsonl", 3, [(0, 0)])
    arguments = [str(tmp_path / "trace.jsonl"), "--out", str(tmp_path / "o.wav"), "--wideband"]
    assert rtpplay.main(arguments) == 1
    assert "no wideband codec" in capsys.readouterr().err
