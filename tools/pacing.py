"""How exactly in time a phone sends: the departure of each packet beside the clock of its sound.

    python -m tools.pacing [--vm cpython|micropython] [--seconds S] [--load N] [--codec NAME]

A phone (tools.phone) calls this program, which answers and notes when the kernel received each of
its packets; --load keeps N processes busy meanwhile. Prints one JSON object: how many ms packets
departed after the earliest one's clock (median, 99th percentile, greatest), and how many are
missing. No limit is asserted: other programs share the machine.
"""

import argparse
import json
import multiprocessing
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = "127.0.0.1"
_TIMESTAMP_NS = 35  # SO_TIMESTAMPNS of Linux
_WARM = 25  # packets at the beginning that do not count
_TIMEOUT_S = 20


class PacingError(Exception):
    """The call did not come about."""


class Answerer:
    """Takes one call and hears it to its end; `arrivals` are (seconds, RTP timestamp, number)."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.sip = self._bound()
        self.rtp = self._bound()
        self.rtp.setsockopt(socket.SOL_SOCKET, _TIMESTAMP_NS, 1)
        self.arrivals = []
        self.is_over = False

    def _bound(self):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((HERE, 0))
        sock.settimeout(0.2)
        return sock

    @property
    def port(self) -> int:
        """Where it is called."""
        return self.sip.getsockname()[1]

    def start(self) -> None:
        """Serve in threads of its own."""
        for target in (self._serve, self._listen):
            threading.Thread(target=target, daemon=True).start()

    def _serve(self):
        while not self.is_over:
            try:
                data, source = self.sip.recvfrom(65535)
            except OSError:
                continue
            self._answer(data.decode(errors="replace"), source)

    def _answer(self, text, source):
        method = text.split(" ", 1)[0]
        if method not in ("INVITE", "BYE"):
            return
        kept = [
            line
            for line in text.split("\r\n\r\n")[0].split("\r\n")
            if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
        ]
        kept = [k + ";tag=p" if k[:3] == "To:" and ";tag=" not in k else k for k in kept]
        body = self._description(text) if method == "INVITE" else ""
        kept += ["Contact: <sip:%s:%d>" % (HERE, self.port), "Content-Length: %d" % len(body)]
        if body:
            kept.append("Content-Type: application/sdp")
        reply = "SIP/2.0 200 OK\r\n" + "\r\n".join(kept) + "\r\n\r\n" + body
        self.sip.sendto(reply.encode(), source)
        self.is_over = method == "BYE"

    def _description(self, offer):
        number = {"PCMU": 0, "PCMA": 8, "G722": 9}[self.codec]
        lines = ["v=0", "o=- 1 1 IN IP4 " + HERE, "s=-", "c=IN IP4 " + HERE, "t=0 0"]
        lines += ["m=audio %d RTP/AVP %d" % (self.rtp.getsockname()[1], number), "a=ptime:20", ""]
        return "\r\n".join(lines)

    def _listen(self):
        while not self.is_over:
            try:
                data, ancillary, _, _ = self.rtp.recvmsg(2048, 64)
            except OSError:
                continue
            seconds, ns = struct.unpack("qq", ancillary[0][2][:16])
            number, stamp = struct.unpack("!HI", data[2:8])
            self.arrivals.append((seconds + ns / 1e9, stamp, number))


def lateness_ms(arrivals: list) -> list:
    """Return how many ms after the earliest one's clock each packet left."""
    at, stamp, _ = arrivals[0]
    late = [(a - at) * 1000 - ((s - stamp) & 0xFFFFFFFF) / 8 for a, s, _ in arrivals]
    least = min(late)
    return [value - least for value in late]


def measure(vm: str, seconds: float, load: int, codec: str) -> dict:
    """Run one call and return its figures."""
    answerer = Answerer(codec)
    answerer.start()
    settings = {
        "accounts": [{"aor": "sip:pace@" + HERE}],
        "media": {"codecs": [codec]},
        "network": {"address": HERE, "sip_port": 0},
    }
    busy = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(load)]
    for process in busy:
        process.start()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        path.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "tools.phone", "--config", str(path), "--vm", vm]
        command += ["--call", "sip:peer@%s:%d" % (HERE, answerer.port)]
        command += ["--hangup-after", str(seconds)]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=seconds + _TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise PacingError("the phone did not end") from None
        finally:
            answerer.is_over = True
            for process in busy:
                process.terminate()
    arrivals = answerer.arrivals[_WARM:]
    if done.returncode or len(arrivals) < 10:
        raise PacingError(done.stderr.strip() or "the call carried no sound")
    late = sorted(lateness_ms(arrivals))
    span = ((arrivals[-1][2] - arrivals[0][2]) & 0xFFFF) + 1
    return {
        "vm": vm,
        "codec": codec,
        "load": load,
        "packets": len(arrivals),
        "missing": span - len(arrivals),
        "late_ms": {
            "median": round(statistics.median(late), 2),
            "p99": round(late[len(late) * 99 // 100], 2),
            "max": round(late[-1], 2),
        },
    }


def _burn():
    end = time.monotonic() + 600
    while time.monotonic() < end:
        pass


def main(argv=None) -> int:
    """Measure and print."""
    p = argparse.ArgumentParser(prog="tools.pacing", description=__doc__.split("\n")[0])
    p.add_argument("--vm", choices=("cpython", "micropython"), default="cpython")
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--load", type=int, default=0, help="processes that keep the machine busy")
    p.add_argument("--codec", choices=("PCMU", "PCMA", "G722"), default="PCMU")
    options = p.parse_args(argv)
    try:
        result = measure(options.vm, options.seconds, options.load, options.codec)
    except PacingError as error:
        print("tools.pacing: %s" % error, file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
