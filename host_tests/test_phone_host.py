"""Tests of tools.phone: two phones as processes on loopback, on CPython and on the VM."""

import array
import itertools
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VM = ("--vm", "micropython", "--heap", "128k")


_ranges = itertools.count(os.getpid() * 7)  # none twice, for a phone binds some time later


def free_ports(count: int) -> int:
    """Return the first, even, of *count* UDP ports in a row that are free.

    They are below those which the kernel gives to sockets that ask for any.
    """
    for _ in range(500):
        first = 10000 + next(_ranges) % 500 * 40
        try:
            for port in range(first, first + count):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


class Phone:
    """A running phone; its events are read from a file while it runs."""

    def __init__(self, folder, user, *options, rtp=None, port=None, network=None, **account):
        self.folder = folder / user
        self.folder.mkdir(exist_ok=True)
        first = free_ports(12)
        self.port = port or first
        rtp = rtp or first + 2
        account["aor"] = "sip:%s@127.0.0.1" % user
        settings = {"accounts": [account], "media": {"rtp_ports": [rtp, rtp + 9]}}
        settings["network"] = network or {}
        (self.folder / "config.json").write_text(json.dumps(settings))
        command = [sys.executable, "-m", "tools.phone"]
        command += ["--config", str(self.folder / "config.json")]
        command += ["--bind", "127.0.0.1:%d" % self.port, *map(str, options)]
        self.out = self.folder / "events"
        self.err = self.folder / "log"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=out, stderr=err
            )
        self.uri = "sip:%s@127.0.0.1:%d" % (user, self.port)

    def events(self, kind=None):
        """Return the events so far."""
        lines = self.out.read_bytes().split(b"\n")[:-1]
        return [e for e in map(json.loads, lines) if kind is None or e["event"] == kind]

    def wait(self, kind, count=1, timeout_s=60):
        """Return the count-th event of a kind."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = self.events(kind)
            if len(found) >= count:
                return found[count - 1]
            assert self.process.poll() is None or len(self.events(kind)) >= count, self.log()
            time.sleep(0.02)
        raise AssertionError("no event %s: %s %s" % (kind, self.events(), self.log()))

    def log(self) -> str:
        """Return its diagnostics."""
        return self.err.read_text()

    def do(self, command, **fields):
        """Give a command."""
        self.process.stdin.write(json.dumps(dict(fields, do=command)).encode() + b"\n")
        self.process.stdin.flush()

    def quit(self) -> int:
        """Give the command `quit` and return the exit status."""
        self.do("quit")
        return self.process.wait(10)


@pytest.fixture
def phone(tmp_path):
    """Call phone(user, *options) for a phone that is ready."""
    started = []

    def start(user, *options, **settings):
        made = Phone(tmp_path, user, *options, **settings)
        started.append(made)
        return made

    yield start
    for made in started:
        if made.process.poll() is None:
            made.process.terminate()
            try:
                made.process.wait(8)
            except subprocess.TimeoutExpired:
                made.process.kill()
        made.process.stdin.close()


def write_tone(path, frequency_hz, rate_hz=8000, channels=1, seconds=8):
    """Write a sine of half amplitude."""
    pcm = array.array("h")
    for i in range(rate_hz * seconds):
        pcm.extend([int(16000 * math.sin(2 * math.pi * frequency_hz * i / rate_hz))] * channels)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return path


def purity(path, frequency_hz, rate_hz=8000) -> tuple:
    """Return (seconds, share of the power at the frequency) of half a second of a recording."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, rate_hz)
        pcm = array.array("h", file.readframes(file.getnframes()))
    middle = pcm[rate_hz * 4 // 10 : rate_hz * 9 // 10]
    step = 2 * math.pi * frequency_hz / rate_hz
    real = sum(v * math.cos(step * i) for i, v in enumerate(middle))
    imaginary = sum(v * math.sin(step * i) for i, v in enumerate(middle))
    power = sum(v * v for v in middle) * len(middle) / 2
    return len(pcm) / rate_hz, (real * real + imaginary * imaginary) / max(power, 1)


@pytest.mark.parametrize("caller_vm, callee_vm", [((), ()), (VM, ()), ((), VM)])
def test_two_phones_talk(phone, tmp_path, caller_vm, callee_vm):
    # The second tone is stereo at 44.1 kHz: the phone converts it.
    low = write_tone(tmp_path / "low.wav", 440)
    high = write_tone(tmp_path / "high.wav", 1000, 44100, 2)
    heard = tmp_path / "heard-by-bob.wav", tmp_path / "heard-by-alice.wav"
    bob = phone("bob", "--answer", "auto", "--play", high, "--record", heard[0], *callee_vm)
    bob.wait("ready")
    alice = phone("alice", "--play", low, "--record", heard[1], *caller_vm)
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    incoming = bob.wait("incoming")
    assert incoming["from"] == "sip:alice@127.0.0.1" and incoming["offer"] is True
    assert alice.wait("answered")["codec"] == "PCMU"
    assert bob.wait("media")["direction"] == "sendrecv"
    time.sleep(1.2)
    alice.do("dtmf", digits="15*#")
    bob.wait("dtmf", 4)
    bob.do("dtmf", digits="9")
    assert alice.wait("dtmf")["digit"] == "9"
    assert [e["digit"] for e in bob.events("dtmf")] == list("15*#")
    assert {e["via"] for e in bob.events("dtmf")} == {"rfc4733"}
    alice.do("hangup")
    assert alice.wait("ended")["by"] == "local"
    assert bob.wait("ended")["by"] == "remote"
    for side in (alice, bob):
        figures = side.wait("media_stats")
        assert figures["received"] > 60 and figures["lost"] == 0, figures
        assert side.quit() == 0, side.log()
        assert side.log() == ""
    for path, frequency_hz in zip(heard, (440, 1000)):
        seconds, share = purity(path, frequency_hz)
        assert share > 0.95, (path, share)
        assert abs(seconds - alice.wait("ended")["duration_s"]) < 0.5


@pytest.mark.parametrize("vm", [(), VM])
def test_two_phones_talk_in_wideband(phone, tmp_path, vm):
    tone = write_tone(tmp_path / "tone.wav", 5000, 16000)
    heard = tmp_path / "heard.wav"
    bob = phone("bob", "--answer", "auto", "--codecs", "PCMU,G722", "--wideband", "--play", tone)
    bob.wait("ready")
    alice = phone(
        "alice", "--codecs", "G722,PCMA", "--wideband", "--play", tone, "--record", heard, *vm
    )
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    assert alice.wait("answered")["codec"] == "G722"
    time.sleep(1.2)
    alice.do("hangup")
    assert alice.wait("media_stats")["lost"] == 0
    seconds, share = purity(heard, 5000, 16000)
    assert share > 0.85 and seconds > 0.9
    for side in (alice, bob):
        assert side.quit() == 0, side.log()
        assert side.log() == ""


@pytest.mark.parametrize("vm", [(), VM])
def test_digits_go_every_way(phone, vm):
    bob = phone("bob", "--answer", "auto")
    bob.wait("ready")
    alice = phone("alice", *vm)
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    bob.wait("answered")
    for count, mode in ((1, "rfc4733"), (2, "info")):
        alice.do("dtmf", digits="5", mode=mode)
        assert bob.wait("dtmf", count)["via"] == mode
        assert bob.wait("dtmf", count)["digit"] == "5"
        time.sleep(0.5)  # within 400 ms it would be the same press
    alice.do("dtmf", digits="7", mode="inband")
    time.sleep(0.4)
    alice.do("hold")
    bob.wait("held")
    assert alice.wait("media", 2)["direction"] == "sendonly"
    alice.do("resume")
    bob.wait("resumed")
    alice.do("quit")
    assert alice.process.wait(8) == 0, alice.log()
    assert len(bob.events("dtmf")) == 2  # sound is not listened to where events are agreed


@pytest.mark.parametrize("vm", [(), VM])
def test_refusal_ringing_and_giving_up(phone, vm):
    bob = phone("bob", *vm)
    bob.wait("ready")
    alice = phone("alice")
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    assert alice.wait("progress")["status"] == 180
    alice.do("hangup")
    assert bob.wait("ended")["by"] == "remote"
    ended = alice.wait("ended")
    assert (ended["status"], ended["by"]) == (487, "local")
    alice.do("call", to=bob.uri)
    bob.wait("incoming", 2)
    bob.do("reject", status=603)
    ended = alice.wait("ended", 2)
    assert (ended["status"], ended["by"]) == (603, "remote")
    assert alice.quit() == 0
    assert bob.quit() == 0


def test_a_call_from_the_command_line_ends_the_phone(phone):
    bob = phone("bob", "--answer", "auto", "--answer-after", "0.2")
    bob.wait("ready")
    alice = phone("alice", "--call", bob.uri, "--hangup-after", "0.5", "--dtmf", "3")
    assert alice.process.wait(10) == 0
    assert alice.events()[-1]["event"] == "ended"
    bob.wait("ended")


def test_a_refused_call_from_the_command_line_is_a_failure(phone):
    bob = phone("bob", "--answer", "486")
    bob.wait("ready")
    alice = phone("alice", "--call", bob.uri)
    assert alice.process.wait(10) == 1
    assert alice.log() == "phone: call to %s failed: 486 Busy Here\n" % bob.uri


@pytest.mark.parametrize("vm", [(), VM])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hangs_up(phone, tmp_path, vm, number):
    record = tmp_path / "heard.wav"
    bob = phone("bob", "--answer", "auto")
    bob.wait("ready")
    alice = phone("alice", "--record", record, *vm)
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    alice.wait("answered")
    time.sleep(0.5)
    alice.process.send_signal(number)
    assert alice.process.wait(8) == 0, alice.log()
    assert bob.wait("ended")["by"] == "remote"
    with wave.open(str(record)) as file:
        assert file.getnframes() > 1600
    assert bob.quit() == 0


def test_commands_that_cannot_be_done_are_errors_and_no_end(phone):
    alice = phone("alice")
    alice.wait("ready")
    for number, (command, fields) in enumerate(
        (
            ("fly", {}),
            ("hangup", {}),
            ("hangup", {"call": "x"}),
            ("call", {}),
            ("call", {"to": "http://bob@example.org"}),
            ("call", {"to": 5}),
            ("call", {"to": "sip:b@127.0.0.1:9", "headers": {"A": "b\r\nC: d"}}),
            ("call", {"to": "sip:b@127.0.0.1:9", "from_account": "sip:x@y"}),
        ),
        1,
    ):
        alice.do(command, **fields)
        assert alice.wait("error", number)["where"] == command
    alice.process.stdin.write(b"\x00\xff\n[]\n5\n{}\nnull\n")
    alice.do("memory")
    alice.wait("memory")
    assert len(alice.events("error")) == 13
    assert alice.quit() == 0


def test_the_end_of_input_does_not_end_the_phone(phone):
    for vm in ((), VM):
        alice = phone("alice%d" % len(vm), "--run-for", "2.5", *vm)
        alice.process.stdin.close()
        alice.wait("ready")
        time.sleep(0.3)
        assert alice.process.poll() is None
        assert alice.process.wait(8) == 0
        alice.process.stdin = open(os.devnull, "wb")


def sentence(*arguments, status):
    """Run the phone to its end; return its one line of complaint."""
    command = [sys.executable, "-m", "tools.phone", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_what_is_wrong_is_said_in_one_sentence(phone, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"accounts": [{"aor": "sip:a@127.0.0.1"}]}')
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"accounts": [{"aor": "sip:a@127.0.0.1", "expires": 5}]}')
    assert sentence("--config", wrong, status=2) == "phone: accounts[0].expires: 5 is below 30"
    assert "no such file" in sentence("--config", tmp_path / "none", status=2)
    missing = tmp_path / "missing.wav"
    assert "missing.wav" in sentence("--config", config, "--play", missing, status=2)
    missing.write_bytes(b"RIFF")
    assert "missing.wav" in sentence("--config", config, "--play", missing, status=2)
    folder = tmp_path / "none" / "x.wav"
    assert "no folder" in sentence("--config", config, "--record", folder, status=2)
    assert "IPv4" in sentence("--config", config, "--bind", "localhost", status=2)
    bob = phone("bob")
    bob.wait("ready")
    for vm in ((), VM):
        taken = sentence("--config", config, "--bind", "127.0.0.1:%d" % bob.port, *vm, status=1)
        assert taken == "phone: network.sip_port: %d is in use by another program" % bob.port
        strange = sentence("--config", config, "--bind", "192.0.2.200:5060", *vm, status=1)
        assert "192.0.2.200 is no address of this machine" in strange


def test_ports_for_sound_that_are_all_taken_fail_the_call(phone, tmp_path):
    rtp = free_ports(12)
    taken = []
    for port in range(rtp, rtp + 10, 2):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", port))
        taken.append(sock)
    alice = phone("alice", rtp=rtp)
    alice.wait("ready")
    alice.do("call", to="sip:bob@127.0.0.1:9")
    assert "No Port" in alice.wait("error")["what"]
    for sock in taken:
        sock.close()
    assert alice.quit() == 0
