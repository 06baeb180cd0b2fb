"""Plays an arrival trace through the device's own receive path, in virtual time.

    python -m tools.rtpplay TRACE.jsonl --out OUT.wav [--report] [--slots N] [--phase MS]
        [--wideband]

The trace: a first line {"codec": "PCMU", "ssrc": n, "frames": n}, then a line
{"at_ms": 12.5, "packet": "hex"} for each arrival. The codec may be PCMA, G722 or L16 (payload
type 96, or "payload_type": n); --wideband makes a WAV of 16 kHz of G722. The sound clock ticks
every 20 ms, --phase ms after the first arrival. The WAV starts at the first packet's nominal
playout and holds frames x 20 ms. --report prints the delay added and what became of the packets.
"""

import argparse
import json
import sys
from array import array

from usip.audio.wav import WAVSink
from usip.limits import Limits
from usip.rtp import coded
from usip.rtp.stream import Stream

_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9, "L16": 96}
_START_MS = (1 << 30) - 5000  # the clock's wrap is part of every run


class TraceError(Exception):
    """The trace is not what contracts.md says."""


def read_trace(path: str):
    """Return (header, [(at_ms, packet)]) of the trace, in order of arrival."""
    with open(path, encoding="utf-8") as lines:
        try:
            header = json.loads(lines.readline())
            codec, frames = header["codec"], header["frames"]
            if codec not in _PAYLOAD_TYPES or not isinstance(frames, int) or frames < 0:
                raise TraceError("%s: line 1: codec %s, frames %s" % (path, codec, frames))
            arrivals = []
            number = 1
            for line in lines:
                number += 1
                if line.strip():
                    entry = json.loads(line)
                    arrivals.append((float(entry["at_ms"]), bytes.fromhex(entry["packet"])))
        except (ValueError, KeyError, TypeError) as error:
            raise TraceError("%s: no arrival trace: %s" % (path, error))
    arrivals.sort(key=lambda arrival: arrival[0])
    return header, arrivals


def play(header, arrivals, sink, slots: int = 16, phase_ms: int = 10, is_wide=False) -> dict:
    """Play the trace into *sink*; return the report."""
    stream = Stream(Limits(jitter_slots=slots), bytes(10))
    payload_type = header.get("payload_type", _PAYLOAD_TYPES[header["codec"]])
    stream.configure(payload_type, payload_type, header["codec"])
    is_wide = is_wide and coded.set_wide(stream, True)
    pcm = array("h", bytes(640 if is_wide else 320))
    first_ms = arrivals[0][0] if arrivals else 0
    delays = []
    tick_ms = phase_ms
    next_arrival = 0
    frames = 0
    while frames < header["frames"]:
        while next_arrival < len(arrivals):
            at_ms, octets = arrivals[next_arrival]
            if at_ms - first_ms > tick_ms:
                break
            now_ms = (_START_MS + int(at_ms - first_ms)) & 0x3FFFFFFF
            stream.receive(octets, len(octets), now_ms)
            next_arrival += 1
        stream.play(pcm, (_START_MS + tick_ms) & 0x3FFFFFFF)
        tick_ms += 20
        if delays or not stream.playout.is_idle:
            delays.append(stream.delay_ms)
            sink.write(pcm)
            frames += 1
        elif not arrivals:
            sink.write(pcm)
            frames += 1
    return report(stream, delays)


def report(stream, delays) -> dict:
    """Return the statistics of a finished run."""
    return {
        "delay_ms": {
            "initial": delays[0] if delays else 0,
            "mean": round(sum(delays) / len(delays), 1) if delays else 0,
            "max": max(delays) if delays else 0,
        },
        "concealed_ms": stream.concealed_ms,
        "late": stream.late,
        "lost": stream.lost,
        "duplicates": stream.duplicates,
        "slips_samples": stream.playout.slips,
    }


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.rtpplay", description=__doc__.split("\n")[0])
    parser.add_argument("trace", metavar="TRACE.jsonl")
    parser.add_argument("--out", required=True, metavar="OUT.wav")
    parser.add_argument("--report", action="store_true", help="print the report as JSON")
    parser.add_argument("--slots", type=int, default=16, help="of the jitter buffer, 20 ms each")
    parser.add_argument(
        "--phase", type=int, default=10, help="ms from an arrival to the next tick"
    )
    parser.add_argument("--wideband", action="store_true", help="16 kHz, of G722 only")
    options = parser.parse_args(argv)
    try:
        header, arrivals = read_trace(options.trace)
        if options.wideband and header["codec"] != "G722":
            raise TraceError("%s: %s is no wideband codec" % (options.trace, header["codec"]))
        sink = WAVSink(options.out, 16000 if options.wideband else 8000)
    except (OSError, TraceError) as error:
        print("tools.rtpplay: %s" % error, file=sys.stderr)
        return 1
    try:
        result = play(header, arrivals, sink, options.slots, options.phase, options.wideband)
    finally:
        sink.close()
    if options.report:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
