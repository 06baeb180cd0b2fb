"""Two whole stations on the models of a board: its sockets, its I2S ports, its clock.

On CPython the clock goes on when all have had their turn, so that a slow machine does not matter.
The VM has its own clock, and 20 times the speed this takes.
"""

import asyncio
import gc
import sys
from array import array
from math import cos, pi, sin

from fakes import i2s as ports
from fakes import lwip

from usip import agent, config, ticks
from usip.audio import i2s
from usip.net import address, udp

# isort: split
# After the agent, which is imported from the innermost out: the C stack is short.
from station import app, log, settings

DOOR, INDOOR = "192.0.2.11", "192.0.2.12"
RATE = 16000


_STEP_MS = 2
_now = [0]
IS_STEPPED = hasattr(ticks, "monotonic_ns")


class Machine:
    """As the module `machine`."""

    I2S, Pin = ports.I2S, ports.Pin


class Pins:
    """Keys that a test presses, and what was switched."""

    def __init__(self):
        self.pressed = set()
        self.switched = []
        self.is_stopped = False

    def poll(self):
        """Keys come by `pressed`."""

    def read(self, i):
        return 1 if i in self.pressed else 0

    def write(self, i, on):
        if self.switched[-1:] != [(i, on)]:
            self.switched.append((i, on))


class Watched(app.Station):
    """A station that keeps what it says."""

    made = []

    def __init__(self, *arguments):
        self.said = []
        super().__init__(*arguments)
        self.listeners.append(self)
        Watched.made.append(self)

    def take(self, event, fields):
        self.said.append(event)
        if event == "media_stats":
            self.figures = fields


class Models:
    """Within it usip and the station have the board's sockets, ports and clock."""

    def __enter__(self):
        self.kept = udp.socket, udp.select, address.socket, i2s.select
        self.sleeps = agent.sleep_ms, app.sleep_ms
        self.rest = app.Station, log.write, sys.modules.get("machine")
        self.clock = getattr(ticks, "monotonic_ns", None)
        udp.socket = udp.select = address.socket = lwip
        i2s.select = ports
        agent.sleep_ms = app.sleep_ms = lwip.sleep_ms
        app.Station = Watched
        log.write = lambda text: None
        sys.modules["machine"] = Machine
        Watched.made.clear()
        lwip.reset()
        ports.reset()
        lwip.is_joined = True
        lwip.is_stepped = IS_STEPPED
        if IS_STEPPED:
            _now[0] = (1 << 30) - 1000  # the clock wraps soon
            ticks.monotonic_ns = lambda: 1000000 * _now[0]
        ports.free_octets = 80000  # of two boards
        return self

    def __exit__(self, kind, value, traceback):
        udp.socket, udp.select, address.socket, i2s.select = self.kept
        agent.sleep_ms, app.sleep_ms = self.sleeps
        app.Station, log.write, machine = self.rest
        if IS_STEPPED:
            ticks.monotonic_ns = self.clock
        sys.modules.pop("machine")
        if machine is not None:
            sys.modules["machine"] = machine
        lwip.reset()


def end(number, **more):
    return dict(more, id=number, sck=1, ws=2, sd=3)


def configuration(host, user, station):
    """Return (configuration, board, pins) as station.start makes them."""
    document = {
        "accounts": [{"aor": "sip:%s@%s" % (user, host)}],
        "network": {"address": host, "sip_port": 5060, "tcp": "off"},
        "media": {"rtp_ports": [40000, 40019]},
        "station": station,
    }
    document = config.parse(document)
    settings.parse(document["station"])
    first = 0 if host == DOOR else 2
    sound = {"rate": RATE, "duplex": "full", "talk": None}
    sound["microphone"] = end(first, gain_db=0)
    sound["speaker"] = end(first + 1)
    board = {"led": 3, "memory_ms": 60000, "watchdog_s": None, "audio": sound}
    return document, board, Pins()


def tone(hz):
    period = [round((1 << 27) * sin(2 * pi * hz * i / RATE)) for i in range(RATE // 20)]
    return lambda n: period[n % len(period)]


def share(samples, hz):
    """Return how much of *samples* is the tone *hz*, 0 .. 1."""
    step = 2 * pi * hz / RATE
    a = sum([x * sin(step * i) for i, x in enumerate(samples)])
    b = sum([x * cos(step * i) for i, x in enumerate(samples)])
    energy = sum([float(x) * x for x in samples])
    return 2 * (a * a + b * b) / len(samples) / energy if energy else 0.0


async def until(condition, what, timeout_ms=20000):
    end_at = ticks.ticks_add(ticks.ticks_ms(), timeout_ms)
    while not condition():
        assert ticks.ticks_diff(end_at, ticks.ticks_ms()) > 0, "no " + what
        await agent.sleep_ms(10)


async def clock():
    """Move the ports with the time."""
    at = ticks.ticks_ms()
    while True:
        if IS_STEPPED:
            _now[0] += _STEP_MS
        await asyncio.sleep(0 if IS_STEPPED else 0.004)
        now = ticks.ticks_ms()
        ports.advance(ticks.ticks_diff(now, at) * RATE // 1000)
        at = now


async def heard(number, hz):
    """Wait until the loudspeaker at port *number* has said *hz* for 100 ms."""
    end_at = ticks.ticks_add(ticks.ticks_ms(), 20000)
    while True:
        ports.ports[number].played = array("h")
        await until(lambda: len(ports.ports[number].played) >= RATE // 10, "sound")
        if share(ports.ports[number].played[: RATE // 10], hz) > 0.7:
            return
        assert ticks.ticks_diff(end_at, ticks.ticks_ms()) > 0, "no tone of %d Hz" % hz


async def press(station, key):
    """Hold a key until the station has noticed, however slow the machine is."""
    before = station.said.count("button")
    station.pins.pressed.add(key)
    await until(lambda: station.said.count("button") > before, "key")
    station.pins.pressed.remove(key)


def run(coroutine_function):
    if hasattr(asyncio, "new_event_loop") and not hasattr(asyncio, "Runner"):
        asyncio.new_event_loop()
    asyncio.run(coroutine_function())
    gc.collect()


async def with_stations(scene):
    """Run *scene*(door, indoor) beside two stations."""
    targets = ["sip:indoor@" + INDOOR]
    door = configuration(
        DOOR,
        "door",
        {
            "role": "door",
            "buttons": [{"input": 0, "targets": targets}],
            "relays": [{"output": 0, "code": "5", "pulse_ms": 200}],
        },
    )
    keys = [
        {"input": 0, "action": "answer"},
        {"input": 1, "action": "open", "digits": "5"},
        {"input": 2, "action": "hang_up"},
    ]
    indoor = configuration(INDOOR, "indoor", {"role": "indoor", "buttons": keys})
    tasks = [asyncio.create_task(app.serve(*one)) for one in (door, indoor)]
    tasks.append(asyncio.create_task(clock()))
    try:
        await until(lambda: len(Watched.made) == 2, "stations")
        made = Watched.made
        if made[0].role != "door":
            made.reverse()
        ports.ports[0].heard = tone(1000)
        ports.ports[2].heard = tone(440)
        await scene(*made)
    finally:
        door[2].is_stopped = indoor[2].is_stopped = True
        for task in tasks[:2]:
            await task
        tasks[2].cancel()
        try:
            await tasks[2]
        except asyncio.CancelledError:
            pass


async def both_talk(door, indoor):
    """Ring, answer, and wait until both hear each other."""
    await press(door, 0)
    await until(lambda: "ringing" in indoor.said, "ringing")
    await press(indoor, 0)
    await heard(1, 440)
    await heard(3, 1000)


def test_the_door_calls_both_talk_the_door_opens():
    async def scene(door, indoor):
        await both_talk(door, indoor)
        await press(indoor, 1)
        await until(lambda: (0, 1) in door.pins.switched, "relay")
        await until(lambda: (0, 0) in door.pins.switched, "end of the pulse")
        await press(indoor, 2)
        await until(lambda: "ended" in door.said and "ended" in indoor.said, "end")
        assert not ports.ports[1].slots_differ
        assert lwip.waited_ms == 0

    with Models():
        run(lambda: with_stations(scene))


def test_what_the_network_does_to_a_board_ends_no_call():
    async def scene(door, indoor):
        await both_talk(door, indoor)
        call = door.call
        nobody = ("192.0.2.99", 9)
        here = (DOOR, call.local_address[1])
        lwip.deliver((DOOR, 5060), b"", nobody)  # deafens a socket
        lwip.deliver(here, b"", (INDOOR, indoor.call.local_address[1]))
        lwip.deliver((DOOR, 5060), bytes(2000), nobody)  # comes in fragments
        for _ in range(12):  # more than a mailbox holds
            lwip.deliver((DOOR, 5060), b"\r\n\r\n", nobody)
        lwip.failing = 7
        await until(lambda: lwip.failing == 0, "sends")
        await heard(1, 440)
        await heard(3, 1000)
        assert lwip.refused == 7 and lwip.dropped >= 6
        assert door.agent.transport._socket.empty == call.path.rtp.empty == 1
        await press(indoor, 1)
        await until(lambda: (0, 1) in door.pins.switched, "relay")
        await press(indoor, 2)
        await until(lambda: "ended" in door.said and "ended" in indoor.said, "end")

    with Models():
        run(lambda: with_stations(scene))


def test_the_chime_comes_from_the_boards_own_loudspeaker():
    async def scene(door, indoor):
        source, sink = door.agent.audio.open()
        assert source is sink and source.is_wide
        pcm = array("h", [0] * 160)
        for i in range(160):
            pcm[i] = round(8000 * sin(2 * pi * 600 * i / 8000))
        ports.ports[1].played = array("h")
        end_at = ticks.ticks_add(ticks.ticks_ms(), 300)
        while ticks.ticks_diff(end_at, ticks.ticks_ms()) > 0:
            sink.write(pcm)
            await agent.sleep_ms(20)
        sink.close()
        assert max(ports.ports[1].played) > 7000

    with Models():
        run(lambda: with_stations(scene))


def test_sleep_wakes_with_the_boards_clock():
    async def scene():
        for ms in (1, 5, 10, 14):
            at = ticks.ticks_ms()
            await lwip.sleep_ms(ms)
            assert ticks.ticks_diff(ticks.ticks_ms(), at) >= ms

    run(scene)


def test_timeouts_are_hundreds_of_milliseconds():
    lwip.reset()
    sock = lwip.socket(lwip.AF_INET, lwip.SOCK_DGRAM)
    sock.settimeout(0.02)
    try:
        sock.recvfrom(100)
        raise AssertionError("received")
    except OSError as e:
        assert e.args[0] == 11 and lwip.waited_ms == 100
    lwip.reset()
