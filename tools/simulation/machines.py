"""Runs a scenario on real MicroPython VMs, one a station, each with a device's heap.

A station is the image of board `sim` in a process of its own, in a folder with its config.json,
board.json and said.wav: the files a board has. Fingers are lines on its standard input; the end
of that input stops it, so that nothing is left running. One loop serves the VMs and the relay.

Heap sizes are meant for a 32-bit VM; one of 64 bit, where objects are twice as large, gets twice
as much, and the report says so.
"""

import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tools import rom, vm
from tools.simulation import link, recording, speech
from tools.simulation.network import Network
from tools.simulation.registrar import Registrar
from tools.simulation.relay import SIP_PORT, Relay, documentation_host
from tools.simulation.steps import Steps

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_HEAP = "96k"
_STOP_S = 5  # a station told to quit has that long
_SETTLE_S = 0.7  # after the last step: late datagrams, the last lines


def heap_bytes(text: str) -> int:
    """Return the bytes that "96k" or "98304" means; ValueError for anything else."""
    return int(text[:-1]) * 1024 if text[-1:] in "kK" else int(text)


class Machine:
    """The VM of one station."""

    program = ROOT / "firmware" / "main.py"

    @classmethod
    def image(cls) -> Path:
        """Return the image it runs on."""
        return rom.build("sim")

    @staticmethod
    def words(station) -> list:
        """Return what the program is to be called with."""
        return []

    @staticmethod
    def line(text: str) -> str:
        """Return what it reads when it is told to do *text*."""
        return text

    def __init__(self, station, image: Path, selector) -> None:
        self.station = station
        self._partial = b""
        self._selector = selector
        main = vm.compiled(self.program, optimise=3)
        words = [str(main), *self.words(station)]
        self.process = subprocess.Popen(
            vm.vm_command(station.heap_bytes, rom=image) + words,
            cwd=station.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        selector.register(self.process.stdout, selectors.EVENT_READ, (self,))
        self.is_open = True
        self.is_told_to_end = False

    def read(self, at_s: float) -> list:
        """Return the events that came."""
        octets = self.process.stdout.read()
        if not octets:
            if octets == b"":
                self._end()
            return []
        lines = (self._partial + octets).split(b"\n")
        self._partial = lines.pop()
        found = [self.station.take_line(at_s, line.decode(errors="replace")) for line in lines]
        return [event for event in found if event is not None]

    def _end(self):
        self._selector.unregister(self.process.stdout)
        self.is_open = False

    def tell(self, line: str) -> None:
        """Give it a line, or a signal; one that has ended hears nothing."""
        if line.startswith("signal "):
            self.is_told_to_end = True
            self.process.send_signal(signal.Signals["SIG" + line[7:]])
            return
        try:
            self.process.stdin.write(self.line(line).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            self.station.errors.append("ended before: %s" % line)

    def stop(self) -> None:
        """Wait for its end and note the exit status; one that does not end is killed."""
        try:
            self.process.stdin.close()
        except OSError:
            pass  # it has ended already
        try:
            self.station.exit_status = self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.station.exit_status = self.process.wait()
            self.station.errors.append("did not end when told to")
        if self.is_open:
            self.read(0.0)
        self.process.stdout.close()


class PhoneMachine(Machine):
    """The VM of a phone: tools/phone_app.py, told commands as JSON."""

    program = ROOT / "tools" / "phone_app.py"

    @classmethod
    def image(cls) -> Path:
        """Return the image it runs on, with the program in it."""
        return rom.build("sim", program=cls.program)

    @staticmethod
    def words(station) -> list:
        """Write its options; return their file."""
        nothing = "bind call play record codecs dtmf dtmf_mode hangup_after run_for"
        options = dict.fromkeys(nothing.split())
        options.update(config="config.json", answer="ring", answer_after=0)
        options.update(no_register=False, is_wide=False, ends_with_input=True)
        (station.folder / "options.json").write_text(json.dumps(options))
        return ["options.json"]

    @staticmethod
    def line(text: str) -> str:
        """Return the command for `call URI`, `dtmf DIGITS`, or a word alone."""
        word, _, rest = text.partition(" ")
        command = {"do": word}
        if rest:
            command["digits" if word == "dtmf" else "to"] = rest
        return json.dumps(command)


class NetworkSocket:
    """A network of a run, behind the relay as a station is."""

    def __init__(self, name: str, scenario, relay, selector, seed: int) -> None:
        hosts = relay.hosts_for(name)
        others = {}
        for other in scenario.networks:
            if other != name:
                where = (hosts[other], SIP_PORT)
                others[scenario.networks[other]["domain"]] = where
                for subscriber in scenario.subscribers(other):
                    others.update({impu: where for impu in subscriber.impus})
        domain = scenario.networks[name]["domain"]
        subscribers = scenario.subscribers(name)
        self.network = Network(domain, hosts[name], SIP_PORT, subscribers, others, seed)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((hosts[name], SIP_PORT))
        self._socket.setblocking(False)
        selector.register(self._socket, selectors.EVENT_READ, (self,))

    def read(self, at_s: float) -> list:
        """Forward or answer what has come; there are no events."""
        while True:
            try:
                octets, source = self._socket.recvfrom(65535)
            except OSError:
                return []
            for response, destination in self.network.receive(octets, source):
                self._socket.sendto(response, destination)

    def close(self) -> None:
        """Close its socket."""
        self._socket.close()


class RegistrarSocket:
    """The registrar of a run, behind the relay as a station is."""

    def __init__(self, name: str, relay, selector) -> None:
        host = relay.inner[name]
        self._registrar = Registrar(host, relay.outer[name])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, SIP_PORT))
        self._socket.setblocking(False)
        selector.register(self._socket, selectors.EVENT_READ, (self,))

    def read(self, at_s: float) -> list:
        """Answer what has come; there are no events."""
        while True:
            try:
                octets, source = self._socket.recvfrom(65535)
            except OSError:
                return []
            response = self._registrar.answer(octets)
            if response:
                self._socket.sendto(response, source)

    def close(self) -> None:
        """Close its socket."""
        self._socket.close()


class RealRun:
    """One run in real time."""

    def __init__(self, scenario, seed: int, folder: Path) -> None:
        self.scenario = scenario
        self.recording = recording.Recording(scenario, seed)
        self.folder = folder
        self._selector = selectors.DefaultSelector()
        self._machines = {}
        self._servers = []
        self._started = time.monotonic()
        self.recording.epoch_s = time.time()
        self._steps = Steps(scenario.steps, self._tell)

    def _clock(self) -> float:
        return time.monotonic() - self._started

    def _tell(self, station: str, line: str):
        note_press(self.recording.stations[station], line, self._clock())
        self._machines[station].tell(line)

    def run(self) -> recording.Recording:
        """Run to the end of the steps or the time limit; every process has ended afterwards."""
        images = {kind: kind.image() for kind in set(map(self._kind, self.scenario.stations))}
        machine = vm.machine()
        self.recording.machine = "MicroPython %d.%d, %d bit" % (*machine.version, machine.bits)
        names = self.scenario.names
        links = link.links(self.scenario, self.recording.seed)
        relay = Relay(names, links, self._selector, self._clock, self.recording)
        try:
            self._prepare(relay)
            self._started = time.monotonic()
            self.recording.epoch_s = time.time()
            for name, station in self.recording.stations.items():
                heap = self.scenario.stations[name].get("heap", DEFAULT_HEAP)
                station.heap_bytes = heap_bytes(heap) * machine.bits // 32
                station.started_s = self._clock()
                kind = self._kind(name)
                self._machines[name] = kind(station, images[kind], self._selector)
            self._loop(relay)
        finally:
            self._stop(relay)
        self.recording.duration_s = self._clock()
        return self.recording

    def _kind(self, name: str):
        return PhoneMachine if "phone" in self.scenario.stations[name] else Machine

    def _prepare(self, relay):
        name = self.scenario.registrar
        if name:
            self.recording.registrar_host = documentation_host(len(self.scenario.stations))
            self._servers.append(RegistrarSocket(name, relay, self._selector))
        for i, name in enumerate(self.scenario.names):
            if name in self.scenario.networks:
                self.recording.network_hosts[name] = documentation_host(i)
                place = (self.scenario, relay, self._selector, self.recording.seed)
                self._servers.append(NetworkSocket(name, *place))
        for i, name in enumerate(self.scenario.stations):
            hosts = relay.hosts_for(name)
            public = documentation_host(i)
            station = recording.Station(name, public, self.folder / name)
            prepare_folder(self.scenario, station, hosts)
            self.recording.stations[name] = station

    def _loop(self, relay):
        end_s = None
        while end_s is None or self._clock() < end_s:
            due = self._steps.advance(self._clock())
            if self._steps.is_done and end_s is None:
                end_s = self._clock() + _SETTLE_S
            if self._clock() > self.scenario.limit_s:
                waiting = self._steps.waiting_for() or "the end of the steps"
                text = "%g s passed, waiting for: %s" % (self.scenario.limit_s, waiting)
                self.recording.problem = text
                return
            every = self._machines.values()
            dead = [m.station.name for m in every if not (m.is_open or m.is_told_to_end)]
            if dead and end_s is None:
                self.recording.problem = "%s ended early" % " and ".join(dead)
                return
            self._serve(relay, [due, end_s, relay.deadline(), self._clock() + 0.2])

    def _serve(self, relay, deadlines):
        at_s = min(deadline for deadline in deadlines if deadline is not None)
        for key, _ in self._selector.select(max(0, at_s - self._clock())):
            owner = key.data[0]
            if owner is relay:
                relay.handle_ready(key)
                continue
            for event in owner.read(self._clock()):
                self._steps.take(owner.station.name, event["event"])
        relay.handle_timer()

    def _stop(self, relay):
        """Tell all stations to quit, go on relaying meanwhile, then wait for them."""
        for machine in self._machines.values():
            if machine.is_open:
                machine.tell("quit")
        limit_s = self._clock() + _STOP_S
        while self._clock() < limit_s and any(m.is_open for m in self._machines.values()):
            self._serve(relay, [limit_s, relay.deadline(), self._clock() + 0.2])
        for machine in self._machines.values():
            machine.stop()
        for server in self._servers:
            server.close()
        relay.close()
        self._selector.close()


def note_press(station, line: str, at_s: float) -> None:
    """Note the time of a finger, for the figures."""
    words = line.split()
    if words[0] == "press":
        station.pressed.append((at_s, int(words[1])))


def prepare_folder(scenario, station, hosts: dict) -> None:
    """Make a station's folder: what lies on a board's file system."""
    folder = station.folder
    folder.mkdir(parents=True, exist_ok=True)
    station.heard.unlink(missing_ok=True)
    configuration = scenario.configuration(station.name, hosts)
    (folder / "config.json").write_text(json.dumps(configuration, indent=1) + "\n")
    shutil.copy(ROOT / "boards" / "sim" / "board.json", folder)
    voice = scenario.stations[station.name].get("voice", "low")
    speech.write_wav(station.said, speech.voice(voice, min(60, scenario.limit_s)))
