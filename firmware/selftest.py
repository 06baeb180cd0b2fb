"""The self test a maker runs on a board, and sends in what it prints.

    >>> import selftest; selftest.main()

at the REPL (`mpremote connect PORT`), with board.json on the board and the microphone a hand's
breadth from the loudspeaker. It takes ten seconds and changes nothing. Each line is a finding;
those that begin with `!!` should not be so.
"""

import gc
import os
import socket
import sys
import time

FRAMES = 50
CHECKSUM = 16056028  # of what `viper` makes


class Report:
    """The lines, printed as they come; *faults* counts the bad ones."""

    def __init__(self) -> None:
        self.faults = 0

    def say(self, name: str, *words) -> None:
        """A finding."""
        print("   %-14s %s" % (name, " ".join([str(word) for word in words])))

    def fault(self, name: str, *words) -> None:
        """One that should not be so."""
        self.faults += 1
        print("!! %-14s %s" % (name, " ".join([str(word) for word in words])))

    def check(self, is_good: bool, name: str, *words) -> None:
        """A finding that is good or bad."""
        (self.say if is_good else self.fault)(name, *words)


def machine_lines(report) -> None:
    """Say what this is."""
    report.say("firmware", *sys.version.split(";")[-1].split())
    implementation = sys.implementation
    report.say("machine", getattr(implementation, "_machine", "?"), sys.platform)
    mpy = getattr(implementation, "_mpy", 0)
    report.check(mpy >> 10 & 15, "emitter", mpy >> 10 & 15, "(0: none), mpy", mpy & 255)
    try:
        import machine

        report.say("clock", machine.freq(), "Hz; reset cause", machine.reset_cause())
    except (ImportError, AttributeError):
        report.say("clock", "unknown: no machine.freq here")


def memory(report) -> None:
    """Say what memory there is, and how long a collection takes."""
    gc.collect()
    at = ticks()
    gc.collect()
    report.say("collection", elapsed(at), "us")
    report.check(gc.mem_free() > 60000, "heap", gc.mem_free(), "free,", gc.mem_alloc(), "used")
    size = 65536
    while size > 512:
        try:
            bytearray(size)
            break
        except MemoryError:
            size = size * 3 // 4
    report.say("largest piece", size)
    try:
        import esp32

        regions = esp32.idf_heap_info(esp32.HEAP_DATA)
        report.say("ESP-IDF heap", sum([r[1] for r in regions]), "free in", len(regions))
    except (ImportError, AttributeError):
        report.say("ESP-IDF heap", "none: not an ESP32")
    try:
        stat = os.statvfs("/")
        report.say("file system", stat[0] * stat[3], "bytes free")
    except (OSError, AttributeError):
        report.say("file system", "unknown")


def ticks() -> int:
    """Return the microsecond clock."""
    return time.ticks_us()


def elapsed(at: int) -> int:
    """Return the microseconds since."""
    return time.ticks_diff(time.ticks_us(), at)


def clocks(report) -> None:
    """Hold a second against itself, and say how late a sleep of 20 ms is."""
    at = ticks()
    time.sleep_ms(500)
    report.check(abs(elapsed(at) - 500000) < 60000, "sleep of 500 ms", elapsed(at), "us")
    import asyncio

    late = []

    async def sleep():
        for _ in range(25):
            at = ticks()
            await asyncio.sleep_ms(20)
            late.append(elapsed(at) - 20000)

    asyncio.run(sleep())
    late.sort()
    report.say("asyncio late by", late[12], "us in the middle,", late[-1], "us at most")
    report.say("date", *time.localtime()[:6])


def viper(report) -> None:
    """Time the inner loops of sound and hold what they make against what it must be."""
    from array import array

    from usip.audio.resample import Decimator, Interpolator

    pcm = array("h", [((i * 1103) & 8191) - 4096 for i in range(160)])
    wide = array("h", bytes(640))
    interpolator, decimator = Interpolator(), Decimator()
    at = ticks()
    for _ in range(FRAMES):
        interpolator.apply(pcm, wide)
        decimator.apply(wide, pcm)
    used = elapsed(at) // FRAMES
    report.check(used < 5000, "viper", used, "us of the 20000 of a frame, to 16 kHz and back")
    total = 0
    for sample in pcm:
        total = (total * 31 + sample) & 0xFFFFFF
    report.check(total == CHECKSUM, "checksum", total)


def _pair():
    """Return (two UDP sockets of ours, the address of the second)."""
    made = []
    for port in (41998, 41999):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        to = socket.getaddrinfo("127.0.0.1", port)[0][-1]
        sock.bind(to)
        sock.setblocking(False)
        made.append(sock)
    return made[0], made[1], to


def _arrived(sock, wait_ms: int = 200) -> int:
    """Return how many datagrams are read within a time; those without octets do not count."""
    count = 0
    end = time.ticks_add(time.ticks_ms(), wait_ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        try:
            count += 1 if sock.recvfrom(2100)[0] else 0
        except OSError:
            time.sleep_ms(2)
    return count


def sockets(report) -> None:
    """Send datagrams to ourselves: too many, too large, one without octets."""
    try:
        first, second, to = _pair()
    except OSError as e:
        report.fault("sockets", "cannot be made:", e)
        return
    failures = 0
    for name, count, length in (("datagram", 1, 172), ("mailbox", 40, 172)):
        for _ in range(count):
            try:
                first.sendto(bytes(length), to)
            except OSError:
                failures += 1
        found = _arrived(second)
        report.check(found > 0, name, count, "sent at once,", found, "read,", failures, "failed")
    try:
        first.sendto(bytes(2000), to)
        report.say("2000 octets", _arrived(second), "read")
    except OSError as e:
        report.say("2000 octets", "not sent:", e)
    first.sendto(b"", to)
    _arrived(second, 50)
    first.sendto(b"1", to)
    found = _arrived(second)
    report.say("after an empty", found, "of 1 read (0: deaf, as is known of the ESP32)")
    second.connect(socket.getaddrinfo("127.0.0.1", 41998)[0][-1])
    first.sendto(b"1", to)
    report.check(_arrived(second) >= 1, "connected", "hears again")
    first.close()
    second.close()


def sound(report, board: dict) -> None:
    """Let the microphone hear the loudspeaker."""
    if "audio" not in board:
        report.say("sound", "none in board.json")
        return
    from usip.audio import i2s, loopback

    try:
        device = i2s.Device(board["audio"])
    except (OSError, ValueError) as e:
        report.fault("I2S", "cannot be opened:", e)
        return
    if device.is_half_duplex or device.microphone is None or device.speaker is None:
        report.say("I2S", "opens; one direction at a time, so no loop")
        device.close()
        return
    source, sink = device.open()
    test = loopback.Loopback(source, sink)
    due = time.ticks_ms()
    at = ticks()
    busy = 0
    while True:
        began = ticks()
        more = test.step()
        busy += elapsed(began)
        if not more:
            break
        due = time.ticks_add(due, 20)
        time.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))
    report.say("I2S", elapsed(at) // 1000, "ms,", busy // 1000, "ms of them busy")
    decibels = loopback.decibels
    report.check(test.quiet < 2000, "quiet", decibels(test.quiet), "dB")
    report.check(test.tone > 50, "loop-back", decibels(test.loud), "dB,", test.tone, "% the tone")
    report.check(test.peak < 32000, "peak", decibels(test.peak), "dB")
    report.check(
        0 <= test.delay_ms <= 300, "delay", test.delay_ms, "ms, reckoned", device.delay_ms
    )
    lost = (device.microphone.overruns, device.microphone.underruns)
    lost += (device.speaker.overruns, device.speaker.underruns)
    report.check(sum(lost) <= 2, "lost", "microphone %d, %d; loudspeaker %d, %d" % lost)
    sink.close()
    device.close()


def load_board(report, path: str) -> dict:
    """Return the board's description, {} when there is none that is right."""
    from station import board

    from usip.errors import ConfigError

    try:
        found = board.load(path)
    except ConfigError as e:
        report.fault("board", "%s: %s" % (e.path, e.text))
        return {}
    report.say("board", found["name"])
    return found


def main(board_path: str = "board.json") -> int:
    """Run everything; return how many findings should not be so."""
    report = Report()
    print("usip self test; please send in all lines up to the end")
    machine_lines(report)
    board = load_board(report, board_path)
    memory(report)
    clocks(report)
    viper(report)
    sockets(report)
    memory(report)
    sound(report, board)
    print("end of the self test: %d findings are not as they should be" % report.faults)
    return report.faults
