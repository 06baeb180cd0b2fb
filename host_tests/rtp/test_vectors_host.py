"""stream against captured RTP of other people's devices (VECTORS=dir)."""

import json
import os
from array import array
from pathlib import Path

from usip.limits import Limits
from usip.rtp.digits import END
from usip.rtp.event import digit_of
from usip.rtp.stream import Stream

FOLDER = Path(os.environ["VECTORS"]) / "rtp"


def captures():
    found = sorted(FOLDER.glob("*.jsonl"))
    print("%d captures of RTP" % len(found) if found else "no vectors: %s" % FOLDER)
    return found


def played(path):
    """Feed a capture's packets of each source to a stream; return {(source, port): stream}."""
    streams = {}
    pcm = array("h", [0] * 160)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if "hex" not in record:
                continue
            packet = bytes.fromhex(record["hex"])
            way = (record.get("src"), record.get("dport"))
            if way not in streams:
                streams[way] = Stream(Limits(), bytes(16))
                kind = record.get("pt", 0) if "ev" not in record else 0
                streams[way].configure(receive_payload_type=kind, receive_telephone_event=101)
                streams[way].next_ms = 0
            stream = streams[way]
            now_ms = int(record.get("t", 0) * 1000)
            while stream.next_ms <= now_ms:
                stream.play(pcm, stream.next_ms)
                stream.next_ms += 20
            stream.receive(packet, len(packet), now_ms)
    for stream in streams.values():
        for _ in range(30):
            stream.play(pcm, stream.next_ms)
            stream.next_ms += 20
    return streams


def digits(stream):
    pressed = []
    ended = []
    while True:
        code = stream.digits.next_event()
        if code < 0:
            return pressed, ended
        (pressed if code < END else ended).append(chr(digit_of(code % END)))


def test_captured_packets_are_taken_without_a_fault():
    for path in captures():
        for stream in played(path).values():
            assert stream.lost >= 0 and stream.mos >= 1.0


def test_captured_digits_are_each_one_press():
    for path in captures():
        if path.name.startswith("dtmf_2833_"):
            name = path.stem[len("dtmf_2833_") :].replace("star", "*").replace("pound", "#")
            heard = [digits(stream) for stream in played(path).values()]
            heard = [pair for pair in heard if pair[0]]
            assert heard == [([name], [name])], path.name
