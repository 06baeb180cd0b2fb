"""tools.sipdump as others call it."""

import json
import subprocess
import sys
from pathlib import Path

from fakes.wire import INVITE, OK, replaced, request

ROOT = Path(__file__).resolve().parents[2]


def dump(wire: bytes, *arguments: str) -> dict:
    command = [sys.executable, "-m", "tools.sipdump", "-"] + list(arguments)
    done = subprocess.run(command, cwd=ROOT, input=wire, capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_request_is_printed_with_all_its_parts():
    wire = request(
        more=b'm: "A \\"B\\"" <sip:a@b>;q=0.5;flag, *\r\nX-y:  a\r\n  b\r\nc: x/y\r\nl: 2\r\n'
    )
    found = dump(wire + b"ok")
    assert found["ok"] and found["kind"] == "request" and found["method"] == "INVITE"
    assert found["request_uri"] == "sip:102@192.0.2.10" and found["version"] == "SIP/2.0"
    assert found["status"] is None and found["reason"] is None and found["error"] is None
    assert found["headers"][5:] == [
        ["CSeq", "21 INVITE"],
        ["Contact", '"A \\"B\\"" <sip:a@b>;q=0.5;flag, *'],
        ["X-y", "a b"],
        ["Content-Type", "x/y"],
        ["Content-Length", "2"],
    ]
    params = {"branch": "z9hG4bK8c2d94f1", "rport": None}
    via = {"transport": "UDP", "host": "192.0.2.41", "port": 5060, "params": params}
    assert found["via"] == [via]
    assert found["from"] == {
        "display_name": "Front door",
        "uri": "sip:101@192.0.2.10",
        "tag": "7c1f4e02",
        "params": {"tag": "7c1f4e02"},
    }
    assert found["to"]["display_name"] is None and found["to"]["tag"] is None
    assert found["contact"] == [
        {"display_name": 'A "B"', "uri": "sip:a@b", "params": {"q": "0.5", "flag": None}},
        {"display_name": None, "uri": "*", "params": {}},
    ]
    assert found["cseq"] == {"number": 21, "method": "INVITE"}
    assert found["call_id"] == "9b0f2c66d1e84f3a@192.0.2.41"
    assert (found["max_forwards"], found["content_length"], found["body_bytes"]) == (70, 2, 2)


def test_a_response_is_printed():
    found = dump(OK)
    assert found["kind"] == "response" and found["status"] == 200 and found["reason"] == "OK"
    assert found["method"] is None and found["request_uri"] is None


def test_refusals_name_the_answer():
    for wire, answer in (
        (replaced(b"SIP/2.0\r\n", b"SIP/3.0\r\n"), 505),
        (replaced(b"Length: 4", b"Length: 5"), 400),
        (request(b"INVITE foo:bar SIP/2.0\r\n"), 416),
        (request(more=b"Require: nobodyKnowsThis\r\n"), 420),
        (request(more=b"Route: <sip:a>\r\n" * 60), 513),
        (replaced(b"CSeq: 21", b"CSeq: x", OK), None),
        (request(b"ACK sip:h SIP/3.0\r\n", b"21 ACK"), None),
        (b"", None),
    ):
        found = dump(wire)
        assert found["ok"] is False and found["answer"] == answer, found
        assert isinstance(found["error"], str) and isinstance(found["offset"], int)


def test_the_vm_and_pieces_change_nothing():
    wire = request(more=b"".join(b"X-%d: %s\r\n" % (i, b"v" * 40) for i in range(40)))
    for octets in (INVITE, OK, wire, replaced(b": 21", b": x"), b"\xff\x00"):
        expected = dump(octets)
        assert dump(octets, "--chunks", "3") == expected
        assert dump(octets, "--vm", "micropython", "--heap", "48k") == expected
        assert dump(octets, "--vm", "micropython", "--chunks", "5") == expected


def test_misuse_is_said_in_a_sentence():
    for arguments, status in ((["no-such-file"], 1), (["-", "--chunks", "-1"], 2), ([], 2)):
        command = [sys.executable, "-m", "tools.sipdump"] + arguments
        done = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True)
        assert done.returncode == status and "Traceback" not in done.stderr
