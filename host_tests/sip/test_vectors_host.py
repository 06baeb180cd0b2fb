"""The vectors against their index, on both VMs, and the cases of PROTOS c07-sip."""

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from tools import sip_json, sipdump

ROOT = Path(__file__).resolve().parents[2]
VECTORS = Path(os.environ["VECTORS"])

# Accepted by whoever made the entry, refused here, with the reason.
_STRICTER = {
    "real/kamailio-config-tests--sipp-scenario-responder00/007": "an ACK with CSeq 1 SUBSCRIBE",
    "real/sofia-sip--msg/001": "CSeq without a method",
    "real/sofia-sip--test15/001": "RFC 4475 badinv01: empty parameters in Via",
    "real/sofia-sip--test20/001": "RFC 4475 trws: white space behind SIP/2.0",
    "real/sofia-sip--test35/001": "To, Call-ID and CSeq twice",
    "real/sofia-sip--torture-sip/001": "a BYE with CSeq 8 SUBSCRIBE",
    "real/sofia-sip--torture-sip/013": "a BYE with CSeq 8 SUBSCRIBE",
    "real/sofia-sip--torture-sip/014": "a BYE with CSeq 8 SUBSCRIBE",
    "real/sipsorcery--bufferutilsunittest/001": "a space in the Request-URI",
    "jsip/014": "RFC 4475 badaspec: spaces in an addr-spec",
    "jsip/364": "a status code followed by markup of the file's author",
    "jsip/392": "RFC 4475 multi01: From, To, Call-ID and CSeq twice",
}
# Rejected by whoever made the entry, well-formed by RFC 3261.
_LAXER = {"jsip/024": "an unknown method is the user agent's to refuse (501)"}


def absent(name: str) -> bool:
    if (VECTORS / name).exists():
        return False
    print("%s: absent (VECTORS=%s)" % (name, VECTORS))
    return True


def verdicts():
    """Yield each SIP message of the index with what sipdump says about it."""
    for entry in json.loads((VECTORS / "index.json").read_text())["entries"]:
        if entry["kind"] == "sip-message":
            found = sipdump.collect(sip_json.describe((VECTORS / entry["path"]).read_bytes()))
            yield entry, entry.get("expect") or {}, found


def test_every_message_is_treated_as_its_index_says():
    if absent("index.json"):
        return
    wrong = []
    counts = {}
    for entry, expect, found in verdicts():
        expected = expect.get("parse")
        answer = found.get("answer")
        # 416 and 420 are given to well-formed requests
        well_formed = found["ok"] or answer in (416, 420)
        key = (entry["set"], expected, "accepted" if well_formed else "refused")
        counts[key] = counts.get(key, 0) + 1
        if expected == "accept" and not well_formed and entry["id"] not in _STRICTER:
            wrong.append((entry["id"], found))
        if expected == "reject" and found["ok"] and entry["id"] not in _LAXER:
            wrong.append((entry["id"], found))
    for key in sorted(counts, key=str):
        print("%s, index says %s: %d %s" % (key[0], key[1], counts[key], key[2]))
    assert not wrong, wrong


def test_torture_messages_get_an_outcome_their_rfc_allows():
    if absent("index.json"):
        return
    count = 0
    for entry, expect, found in verdicts():
        if entry["set"] not in ("rfc4475", "rfc5118"):
            continue
        count += 1
        outcomes = [str(outcome) for outcome in expect["ua_outcomes"]]
        if not found["ok"]:
            answer = found["answer"]
            assert ("discard" if answer is None else str(answer)) in outcomes, entry["id"]
        else:
            # what is well-formed may still get another answer further up, never 400
            assert outcomes != ["400"] and outcomes != ["discard"], entry["id"]
    print("RFC 4475 and 5118: %d messages" % count)


def test_the_report_does_not_depend_on_chunks():
    if absent("rfc4475"):
        return
    for path in sorted((VECTORS / "rfc4475").iterdir()):
        wire = path.read_bytes()
        whole = sipdump.collect(sip_json.describe(wire))
        for step in (1, 7, 64):
            assert sipdump.collect(sip_json.describe(wire, step)) == whole, (path, step)


def digests(vectors: Path, on_vm: bool) -> list:
    """Return the lines test_vectors.py prints for the sets in *vectors*."""
    command = [sys.executable, "-m", "tools.run_on_vm", "host_tests/sip/test_vectors.py"]
    if not on_vm:
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
        command.append("host_tests/sip/test_vectors.py")
    environment = dict(os.environ, VECTORS=str(vectors))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(re.findall(r"vectors/\S+: \d+ .*", done.stdout))


def test_both_vms_give_the_same_results():
    if absent("index.json"):
        return
    on_cpython = digests(VECTORS, False)
    assert len(on_cpython) > 10 and on_cpython == digests(VECTORS, True)


def test_protos_cases_give_the_same_results_on_both_vms(tmp_path):
    if absent("protos.tar.xz"):
        return
    with tarfile.open(VECTORS / "protos.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    on_cpython = digests(tmp_path, False)
    print("\n".join(on_cpython))
    assert len(on_cpython) == 1 and on_cpython == digests(tmp_path, True)
