"""tools.sdpdump: every field as JSON, the same from both VMs and at every chunk size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from host_tests.sdp import corpus
from tools import sdpdump

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, octets=b""):
    command = [sys.executable, "-m", "tools.sdpdump", *map(str, arguments)]
    return subprocess.run(command, input=octets, cwd=ROOT, capture_output=True)


def test_every_field_is_there():
    octets = corpus.wire(
        """
        v=0
        o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
        s=A call
        i=Information
        u=http://www.example.com/
        e=jane@example.com
        p=+1 617 555-6011
        c=IN IP4 233.252.0.1/127/2
        b=AS:128
        t=3034423619 3042462419
        r=7d 1h 0 25h
        z=2882844526 -1h 2898848070 0
        k=prompt
        a=recvonly
        m=audio 49170 RTP/AVP 0
        i=Part
        c=IN IP4 192.0.2.1
        b=TIAS:64000
        k=clear:x
        a=rtpmap:0 PCMU/8000
        a=X-unknown:\xe9
        a=ptime:x
        """
    )
    found = sdpdump.describe(octets)
    assert found["ok"] is True and found["error"] is None and found["version"] == 0
    assert found["origin"]["username"] == "jdoe"
    assert found["session_name"] == "A call" and found["information"] == "Information"
    assert found["emails"] == ["jane@example.com"] and found["phones"] == ["+1 617 555-6011"]
    assert found["connection"]["ttl"] == 127 and found["connection"]["count"] == 2
    assert found["bandwidths"] == [{"type": "AS", "value": 128}]
    assert found["times"][0]["repeats"][0]["offsets_s"] == [0, 90000]
    assert found["time_zones"][0] == {"time": 2882844526, "offset_s": -3600}
    assert found["key"] == {"method": "prompt", "value": None}
    assert found["attributes"] == [{"name": "recvonly", "value": None, "typed": True}]
    (part,) = found["media"]
    assert (part["media"], part["port"], part["formats"]) == ("audio", 49170, ["0"])
    assert part["key"]["value"] == "x" and part["connections"][0]["address"] == "192.0.2.1"
    assert part["attributes"][0]["typed"]["encoding_name"] == "PCMU"
    assert "typed" not in part["attributes"][1] and part["attributes"][1]["value"] == "\xe9"
    assert part["attributes"][2]["typed"] is None


def test_a_description_to_refuse():
    found = sdpdump.describe(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nm=audio x RTP/AVP 0\r\n")
    assert (found["ok"], found["offset"], found["answer"]) == (False, 36, 400)
    assert "m=" in found["error"]


def test_the_output_does_not_depend_on_the_chunks():
    for name, octets, _ in corpus.OFFERS:
        expected = sdpdump.describe(octets)
        assert expected["ok"], name
        for step in (1, 13, 100):
            assert sdpdump.describe(octets, step) == expected, name


def test_the_command(tmp_path):
    file = tmp_path / "offer.sdp"
    file.write_bytes(corpus.FRITZBOX)
    done = run(file)
    assert done.returncode == 0 and not done.stderr
    assert list(json.loads(done.stdout))[:4] == ["ok", "error", "version", "origin"]
    assert run("-", "--chunks", 7, octets=corpus.FRITZBOX).stdout == done.stdout
    assert run(tmp_path / "absent").returncode == 1
    assert run("--chunks", -1, file).returncode == 2


def test_the_command_on_the_vm(tmp_path):
    from tools import get_micropython

    try:
        get_micropython.find()
    except get_micropython.NotFound:
        pytest.fail("no MicroPython VM")
    file = tmp_path / "offer.sdp"
    for octets in (corpus.CISCO, corpus.BROWSER, b"v=0\r\nnonsense"):
        file.write_bytes(octets)
        done = run(file, "--vm", "micropython", "--chunks", 100)
        assert done.stdout == run(file).stdout, done.stderr
