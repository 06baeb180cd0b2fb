"""Counts the instructions that a frame of a call takes on an ESP32, and their share of a core.

    python -m tools.xtensa_count [NAME_PART ...]

The work runs on CPython; every call of a viper function is noted with its arguments. Then the
machine code that mpy-cross makes of it for xtensawin executes each of these calls in tools.xtensa,
instruction by instruction, and must come to the same result. So the counts are exact, loops and
branches as they were taken. Beside them stand estimates: `_CALL` for each service that such a
function asks of the VM, and `_BYTECODE` for each bytecode of the Python between them (CPython's
count; 75 times as long as on a PC's VM, see the benchmarks). A core has 240 MHz and is reckoned
with one instruction a cycle: what waits for flash or memory comes on top.
"""

import argparse
import ast
import subprocess
import sys
import tempfile
from array import array
from pathlib import Path

from tools import vm, xtensa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "lib"))
HERTZ = 240_000_000
_CALL = 60
_BYTECODE = 150
_FRAMES = 25  # warming up, and as many counted
_SECOND = 50  # frames
_PORTS = (47640, 47700)


class Recorder:
    """Notes the calls of viper functions and counts bytecodes while it is `on`."""

    def __init__(self) -> None:
        self.on = False
        self.calls = []
        self.bytecodes = 0
        self.sources = {}  # function -> (path, its place among the viper functions there)

    def install(self):
        """Record every viper function of the modules loaded; return what undoes it."""
        replaced = {}
        places = []
        modules = [m for n, m in sorted(sys.modules.items()) if n[:5] == "usip." and m]
        for module in modules:
            for index, name in enumerate(viper_names(module.__file__)):
                function = getattr(module, name)
                self.sources[function] = (module.__file__, index)
                replaced[function] = self._wrapped(function)
        users = [m for n, m in sorted(sys.modules.items()) if n[:11] == "host_tests." and m]
        for module in modules + users:
            for name, value in list(vars(module).items()):
                if callable(value) and getattr(value, "__hash__", None) and value in replaced:
                    setattr(module, name, replaced[value])
                    places.append((module, name, value))

        def restore() -> None:
            for module, name, value in places:
                setattr(module, name, value)

        return restore

    def _wrapped(self, function):
        def call(*arguments):
            if not self.on or not self.wants(function):
                return function(*arguments)
            copies = {}  # one array given twice is one
            before = [copies.setdefault(id(value), _copy(value)) for value in arguments]
            variables = _variables(function)
            result = function(*arguments)
            after = [_copy(value) for value in arguments]
            self.note(function, variables, before, after, result)
            return result

        return call

    def wants(self, function) -> bool:
        """Return whether this call is to be noted."""
        return True

    def note(self, function, *call) -> None:
        """Keep a call: globals, arguments before and after, result; arrays as octets."""
        self.calls.append((function,) + call)

    def trace(self, frame, event, argument):
        """Count the bytecodes of the library's Python."""
        path = frame.f_code.co_filename
        if (
            "/lib/usip/" not in path
            or path.endswith("cpython.py")
            or frame.f_code.co_name in viper_names(path)
        ):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode":
            self.bytecodes += 1
        return self.trace

    def record(self, work) -> tuple:
        """Run *work* once; return its calls of viper functions and its count of bytecodes."""
        self.calls = []
        self.bytecodes = 0
        self.on = True
        sys.settrace(self.trace)
        try:
            work()
        finally:
            sys.settrace(None)
            self.on = False
        return self.calls, self.bytecodes


def _copy(value):
    return (
        value if isinstance(value, (int, type(None))) else bytearray(memoryview(value).cast("B"))
    )


def _variables(function) -> dict:
    """Return what a function uses of its globals, tables as octets."""
    names = function.__code__.co_names
    found = {name: function.__globals__[name] for name in names if name in function.__globals__}
    return {name: value if callable(value) else _copy(value) for name, value in found.items()}


_names = {}


def viper_names(path: str) -> list:
    """Return the names of the viper functions in a source, in order."""
    if path not in _names:
        found = []
        for node in ast.parse(Path(path).read_text()).body:
            if isinstance(node, ast.FunctionDef):
                marks = [getattr(mark, "attr", "") for mark in node.decorator_list]
                found += [node.name] * ("viper" in marks)
        _names[path] = found
    return _names[path]


class Counter:
    """Executes noted calls with the code of an ESP32."""

    def __init__(self, recorder: Recorder) -> None:
        self.sources = recorder.sources
        self._codes = {}

    def _code(self, path: str, index: int) -> bytes:
        if path not in self._codes:
            with tempfile.TemporaryDirectory() as folder:
                target = str(Path(folder) / "x.mpy")
                vm.mpy_cross(["-march=xtensawin", "-O3", "-o", target, path])
                self._codes[path] = xtensa.functions(Path(target).read_bytes())
        return self._codes[path][index]

    def count(self, calls: list) -> tuple:
        """Return (instructions, services of the VM); XtensaError when a result differs."""
        machine = xtensa.Machine()
        for function, variables, before, after, result in calls:
            try:
                path, index = self.sources[function]
                returned = machine.run(self._code(path, index), before, variables)
            except xtensa.XtensaError as error:
                raise xtensa.XtensaError("%s: %s" % (function.__name__, error))
            if before != after or (result is not None and returned != int(result)):
                raise xtensa.XtensaError("%s differs" % function.__name__)
        return machine.count, machine.calls


def _sound(n: int) -> array:
    """Return a frame of something like a voice."""
    pcm = array("h", bytes(320))
    for i in range(160):
        at = n * 160 + i
        pcm[i] = (at * 409 % 8000 - 4000) * (4 + n % 8) // 12 + at * 7919 % 600
    return pcm


class Call:
    """One direction each of a call, by the library's stream."""

    def __init__(self, codec="PCMU", lose=0, detect=False, is_wide=False) -> None:
        from usip.limits import Limits
        from usip.rtp import coded
        from usip.rtp.stream import Stream

        number = {"PCMU": 0, "PCMA": 8, "G722": 9}[codec]
        self.is_wide = is_wide
        self.sender = Stream(Limits(), bytes(range(16)))
        self.receiver = Stream(Limits(), bytes(range(16, 32)))
        for stream in (self.sender, self.receiver):
            stream.configure(number, number, codec)
            if is_wide:
                coded.set_wide(stream, True)
        if detect:
            self.receiver.detect_tones()
        self.lose = lose
        self.n = 0
        self.now_ms = 1000
        self.out = array("h", bytes(640 if is_wide else 320))

    def send(self) -> None:
        """Make a packet."""
        pcm = _sound(self.n)
        if self.is_wide:
            pcm.extend(_sound(self.n + 1))
        self.sender.pack(pcm)
        self.n += 1

    def prepare(self) -> None:
        """Make the packet that `receive` takes, uncounted."""
        self.send()
        self.now_ms += 20
        self.length = 0 if self.lose and self.n % self.lose == 0 else 172

    def receive(self) -> None:
        """Take the packet, unless it is lost, and play a frame."""
        if self.length:
            self.receiver.receive(self.sender.packet_view, 172, self.now_ms)
        self.receiver.play(self.out, self.now_ms)


class Phone:
    """A call as its path over the network sees it; the peer sends back what it hears."""

    remote_address = b"127.0.0.1"
    receive_telephone_event = 101

    def __init__(self) -> None:
        from usip.limits import Limits
        from usip.net.media import free_path
        from usip.rtp.stream import Stream

        self.stream = Stream(Limits(), bytes(range(16)))
        self.path = free_path("127.0.0.1", _PORTS, 0)
        self.peer = free_path("127.0.0.1", _PORTS, 1)
        for path, other in ((self.peer, self.path), (self.path, self.peer)):
            self.remote_port, self.remote_rtcp_port = other.port, other.port + 1
            path.follow(self, 1000)
        self.now_ms = 1000
        self.n = 0
        self.out = array("h", bytes(320))

    def prepare(self) -> None:
        """Let the peer answer, uncounted."""
        self.pcm = _sound(self.n)
        self.n += 1
        self.now_ms += 20
        length = self.peer.rtp.receive()
        if length:
            self.peer.rtp.send(self.stream.packet_view, length)

    def tick(self, now_ms: int) -> int:
        """Play and pack, as a call does."""
        self.stream.play(self.out, now_ms)
        return self.stream.pack(self.pcm)

    def pump(self) -> None:
        """Receive, play, pack and send."""
        self.path.pump(self, self.now_ms)


class Room:
    """A microphone and a loudspeaker with an echo, and what takes it out."""

    def __init__(self, device) -> None:
        self.device = device
        self.n = 0

    def prepare(self) -> None:
        self.far = _sound(self.n)
        self.near = array("h", [sample // 2 for sample in _sound(self.n - 1)])
        self.n += 1

    def apply(self) -> None:
        self.device.apply(self.near, self.far)


def _nothing() -> None:
    """Nothing to prepare."""


def cases() -> list:
    """Return (name, what to do uncounted before each frame, the frame's work)."""
    from usip.audio.aec import EchoCanceller
    from usip.audio.echo import VoiceSwitch

    found = []
    wideband = (
        ("G.722 at 8 kHz", {"codec": "G722"}),
        ("G.722 at 16 kHz", {"codec": "G722", "is_wide": True}),
    )
    for name, settings in (
        ("mu-law", {}),
        ("A-law", {"codec": "PCMA"}),
        *wideband,
    ):
        call = Call(**settings)
        found.append(("send, " + name, _nothing, call.send))
    for name, settings in (
        ("mu-law", {}),
        ("A-law", {"codec": "PCMA"}),
        ("every 10th lost", {"lose": 10}),
        ("in-band DTMF", {"detect": True}),
        *wideband,
    ):
        call = Call(**settings)
        found.append(("receive, " + name, call.prepare, call.receive))
    phone = Phone()
    found.append(("both, and the sockets", phone.prepare, phone.pump))
    for name, device in (
        ("half-duplex switch", VoiceSwitch()),
        ("echo canceller, 32 ms", EchoCanceller()),
        ("echo canceller, 48 ms", EchoCanceller(48)),
        ("echo canceller, 64 ms", EchoCanceller(64)),
    ):
        room = Room(device)
        found.append((name, room.prepare, room.apply))
    return found


def measure(recorder: Recorder, counter: Counter, prepare, work) -> tuple:
    """Return (instructions, VM services, bytecodes) of one frame, the mean of several."""
    frames = _FRAMES
    for _ in range(frames):
        prepare()
        work()
    instructions = services = bytecodes = counted = 0
    while counted < frames and instructions < 2_000_000:
        prepare()
        calls, steps = recorder.record(work)
        count, asked = counter.count(calls)
        instructions += count
        services += asked
        bytecodes += steps
        counted += 1
    return instructions // counted, services // counted, bytecodes // counted


def share(instructions: int, services: int, bytecodes: int) -> float:
    """Return the share of a core that 50 such frames a second take, in percent."""
    total = instructions + services * _CALL + bytecodes * _BYTECODE
    return 100 * total * _SECOND / HERTZ


def count(parts=()) -> dict:
    """Return {work: its figures} of all, or of those so named; XtensaError, CalledProcessError."""
    recorder = Recorder()
    found = cases()
    restore = recorder.install()
    counter = Counter(recorder)
    rows = {}
    for name, prepare, work in found:
        if parts and not any(part in name for part in parts):
            continue
        figures = measure(recorder, counter, prepare, work)
        percent = share(*figures)
        rows[name] = {
            "instructions": figures[0],
            "services": figures[1],
            "bytecodes": figures[2],
            "us": round(percent * HERTZ / 100 / _SECOND / 240),
            "percent": round(percent, 1),
        }
    restore()
    return rows


def show(rows: dict) -> None:
    """Print the table."""
    head = ("one frame of 20 ms", "instructions", "services", "bytecodes", "us", "% of a core")
    print("%-26s %13s %9s %10s %7s %12s" % head)
    for name, row in rows.items():
        print("%-26s %13d %9d %10d %7d %11.1f%%" % (name, *row.values()))


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.xtensa_count", description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="NAME_PART", help="only work so named")
    options = parser.parse_args(argv)
    try:
        show(count(options.parts))
    except (xtensa.XtensaError, subprocess.CalledProcessError) as error:
        print("tools.xtensa_count: %s" % error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
