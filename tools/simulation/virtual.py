"""Runs a scenario in virtual time: the same station files on CPython, all in this process.

Theory of operation. An event loop whose clock jumps to the next thing to do drives the stations'
tasks; sockets are queues joined by the scenario's links; the modules of usip that touch a clock,
sockets or randomness get those of this run, and theirs back afterwards. So a run depends on the
scenario and the seed alone. The clock begins shortly before it wraps, at 2**30 ms.
"""

import asyncio
import contextvars
import errno
import os
import random
import selectors
import sys
import time
import types
from pathlib import Path

from tools.simulation import link, machines, recording
from tools.simulation.registrar import Registrar
from tools.simulation.relay import SIP_PORT, documentation_host
from tools.simulation.steps import Steps

ROOT = Path(__file__).resolve().parent.parent.parent
_START_MS = (1 << 30) - 3000
_STEP_S = 0.01
_SETTLE_S = 0.7
_STOP_S = 5

_station = contextvars.ContextVar("station")


class Loop(asyncio.SelectorEventLoop):
    """An event loop that never waits: its clock goes on when there is nothing to do."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now_s


class _Selector(selectors.SelectSelector):
    def __init__(self, loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout=None) -> list:
        if timeout is None:
            raise RuntimeError("every station waits for something that never comes")
        self._loop.now_s += max(0.0, timeout)
        return []


class Network:
    """Joins the sockets of all stations; every datagram is recorded."""

    AF_INET, SOCK_DGRAM = 2, 2

    def __init__(self, loop, links: dict, seen) -> None:
        self._loop = loop
        self._links = links
        self._seen = seen
        self._bound = {}
        self._groups = {}  # address of a multicast group -> its members' sockets
        self._ports = 50000

    def socket(self, family: int, kind: int) -> "Socket":
        """As the module `socket`'s."""
        return Socket(self, _station.get().host)

    def getaddrinfo(self, host: str, port: int, family: int, kind: int) -> list:
        """As the module `socket`'s, for addresses."""
        return [(family, kind, 0, "", (host, port))]

    def serve(self, address: tuple, registrar) -> None:
        """Let a registrar answer what comes to *address*."""
        self._bound[address] = _Server(self, address, registrar)

    def join(self, address: tuple, sock) -> None:
        """Let a socket bound to a group's address hear it."""
        self._groups.setdefault(address, []).append(sock)

    def bind(self, address: tuple, sock) -> None:
        """Take an address; OSError when it is taken. That of a group is free to all."""
        if is_multicast(address[0]):
            return
        if address in self._bound:
            raise OSError(errno.EADDRINUSE, "address in use")
        self._bound[address] = sock

    def release(self, address) -> None:
        """Give an address back."""
        self._bound.pop(address, None)

    def free_port(self) -> int:
        """Return a port nobody has."""
        self._ports += 1
        return self._ports

    def carry(self, octets: bytes, source: tuple, destination: tuple) -> None:
        """Send a datagram over the link between two stations, to all of a group, or nowhere."""
        if is_multicast(destination[0]):
            for member in self._groups.get(destination, ()):
                if member.host != source[0]:
                    self._carry(octets, source, (member.host, destination[1]), member)
            return
        self._carry(octets, source, destination, None)

    def _carry(self, octets, source, destination, member):
        ends = self._seen.name_of(source[0]), self._seen.name_of(destination[0])
        at_s = self._loop.time()
        found = self._links.get(ends)
        delays = found.fate(at_s) if found else []
        arrivals = [at_s + delay for delay in delays]
        self._seen.datagrams.append(
            recording.Datagram(at_s, source, destination, octets, arrivals)
        )
        for arrival in arrivals:
            self._loop.call_at(arrival, self._deliver, octets, source, destination, member)

    def _deliver(self, octets, source, destination, member):
        sock = member or self._bound.get(destination)
        if sock is not None:
            sock.take(octets, source)


class _Server:
    """The socket of a registrar: it answers at once."""

    def __init__(self, network, address: tuple, registrar) -> None:
        self._network = network
        self._address = address
        self._registrar = registrar

    def take(self, octets: bytes, source: tuple) -> None:
        """Answer a datagram."""
        response = self._registrar.answer(octets)
        if response:
            self._network.carry(response, self._address, source)


def is_multicast(host: str) -> bool:
    """Return whether *host* is the address of a group."""
    return 224 <= int(host.partition(".")[0]) <= 239


class Socket:
    """As much of a UDP socket as usip uses."""

    def __init__(self, network, host: str) -> None:
        self._network = network
        self.host = host
        self._address = None
        self._peer = None
        self.queue = []

    def bind(self, address: tuple) -> None:
        if address[1] == 0:
            address = (address[0], self._network.free_port())
        self._network.bind(address, self)
        self._address = address

    def setsockopt(self, level: int, option: int, value) -> None:
        """Joining a group is all that is asked for."""
        if isinstance(value, bytes) and len(value) == 8:
            self._network.join(self._address, self)

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def connect(self, address: tuple) -> None:
        self._peer = address
        self.queue = [entry for entry in self.queue if entry[1] == address]

    def sendto(self, octets, address: tuple) -> int:
        self._network.carry(bytes(octets), self._address, address)
        return len(octets)

    def send(self, octets) -> int:
        return self.sendto(octets, self._peer)

    def take(self, octets: bytes, source: tuple) -> None:
        """Receive a datagram, if it comes from the peer of a connected socket."""
        if self._peer in (None, source):
            self.queue.append((octets, source))

    def recvfrom(self, size: int) -> tuple:
        if not self.queue:
            raise OSError(errno.EAGAIN, "nothing there")
        octets, source = self.queue.pop(0)
        return octets[:size], source

    def recv_into(self, buf) -> int:
        octets, _ = self.recvfrom(len(buf))
        buf[: len(octets)] = octets
        return len(octets)

    def close(self) -> None:
        self._network.release(self._address)


class Poll:
    """As much of `select.poll` as usip uses."""

    def __init__(self) -> None:
        self._sockets = []

    def register(self, sock, events: int) -> None:
        self._sockets.append(sock)

    def unregister(self, sock) -> None:
        self._sockets.remove(sock)

    def poll(self, timeout: int) -> list:
        return [(sock, 1) for sock in self._sockets if sock.queue]


class Patches:
    """Replaces attributes of modules, and puts them back."""

    def __init__(self) -> None:
        self._kept = []

    def set(self, owner, name: str, value) -> None:
        self._kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def undo(self) -> None:
        for owner, name, value in reversed(self._kept):
            setattr(owner, name, value)
        self._kept.clear()


class VirtualRun:
    """One run in virtual time."""

    def __init__(self, scenario, seed: int, folder: Path) -> None:
        self.scenario = scenario
        self.recording = recording.Recording(scenario, seed)
        self.folder = folder
        self._loop = Loop()
        self._pins = {}
        self._steps = Steps(scenario.steps, self._tell)

    def run(self) -> recording.Recording:
        """Run to the end of the steps or the time limit."""
        for folder in ("firmware", "lib"):
            if str(ROOT / folder) not in sys.path:
                sys.path.insert(0, str(ROOT / folder))
        seen = self.recording
        seen.machine = "CPython %d.%d in virtual time" % sys.version_info[:2]
        seen.epoch_s = time.time()
        patches = Patches()
        try:
            self._patch(patches)
            self._loop.run_until_complete(self._main())
        finally:
            patches.undo()
            self._loop.close()
        seen.duration_s = self._loop.time()
        return seen

    def _patch(self, patches):
        from station import clock, log, simpins

        from usip import agent, switchboard, ticks
        from usip.net import multicast, udp

        links = link.links(self.scenario, self.recording.seed)
        network = Network(self._loop, links, self.recording)
        dice = random.Random(self.recording.seed)
        patches.set(ticks, "monotonic_ns", self._monotonic_ns)
        if self.scenario.registrar:
            host = documentation_host(len(self.scenario.stations))
            self.recording.registrar_host = host
            network.serve((host, SIP_PORT), Registrar(host, host))
        patches.set(udp, "socket", network)
        patches.set(multicast, "socket", network)
        patches.set(clock, "seconds", self._seconds)
        patches.set(udp, "select", types.SimpleNamespace(poll=Poll, POLLIN=1))
        for module in (agent, switchboard):
            patches.set(module, "os", types.SimpleNamespace(urandom=dice.randbytes))
        patches.set(log, "write", self._write)
        patches.set(log, "started_at", ticks.ticks_ms())
        patches.set(simpins, "Pins", _fingers(simpins.Pins))

    def _seconds(self) -> int:
        return self.scenario.date + int(self._loop.time())

    def _monotonic_ns(self) -> int:
        return _START_MS * 1000000 + int(self._loop.time() * 1e9 + 500)

    def _write(self, line: str):
        station = _station.get()
        event = station.take_line(self._loop.time(), line)
        if event is not None:
            self._steps.take(station.name, event["event"])

    def _tell(self, name: str, line: str):
        machines.note_press(self.recording.stations[name], line, self._loop.time())
        self._pins[name].obey(line)

    async def _main(self):
        self._loop.set_exception_handler(self._note_exception)
        hosts = {n: documentation_host(i) for i, n in enumerate(self.scenario.names)}
        tasks = []
        for name in self.scenario.stations:
            station = recording.Station(name, hosts[name], self.folder / name)
            machines.prepare_folder(self.scenario, station, hosts)
            self.recording.stations[name] = station
            context = contextvars.copy_context()
            context.run(_station.set, station)
            tasks.append(self._loop.create_task(self._serve(station), context=context))
        await self._direct(tasks)
        for pins in self._pins.values():
            pins.obey("quit")
        _, late = await asyncio.wait(tasks, timeout=_STOP_S)
        for task in late:
            task.cancel()
        if late:
            self.recording.problem = "a station did not end when told to"

    async def _serve(self, station):
        from station import app, log, start

        from usip import ConfigError

        station.exit_status = 1
        try:
            config, board, pins = _load(start, station.folder)
            self._pins[station.name] = pins
            await app.serve(config, board, pins)
        except ConfigError as error:
            log.say("error", "what", error.text, "where", error.path)
            station.exit_status = 2
        else:
            station.exit_status = 0

    def _note_exception(self, loop, context):
        """Note what ended a task that nobody waits for."""
        self.recording.problem = "%s: %r" % (context["message"], context.get("exception"))

    async def _direct(self, tasks):
        end_s = None
        loop = self._loop
        while end_s is None or loop.time() < end_s:
            self._steps.advance(loop.time())
            if self._steps.is_done and end_s is None:
                end_s = loop.time() + _SETTLE_S
            if loop.time() > self.scenario.limit_s:
                waiting = self._steps.waiting_for() or "the end of the steps"
                text = "%g s passed, waiting for: %s" % (self.scenario.limit_s, waiting)
                self.recording.problem = text
                return
            if end_s is None and any(task.done() for task in tasks):
                self.recording.problem = "a station ended early"
                return
            await asyncio.sleep(_STEP_S)


def _fingers(pins):
    class Fingers(pins):
        """Told by the scenario instead of standard input."""

        def __init__(self, inputs, outputs) -> None:
            self.is_stopped = False
            self._pressed = bytearray(inputs)
            self._outputs = bytearray(outputs)

        def poll(self) -> None:
            """Lines come by `obey`."""

    return Fingers


def _load(start, folder: Path) -> tuple:
    """Load a station's files as from its own folder; the paths of its WAVs become whole."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        config, board, pins = start.load("config.json", "board.json")
    finally:
        os.chdir(before)
    audio = config["audio"]
    for key in ("play", "record"):
        if audio[key] is not None:
            audio[key] = str(folder.resolve() / audio[key])
    return config, board, pins
