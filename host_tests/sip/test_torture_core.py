"""What the core does with the messages of RFC 4475 and RFC 5118: answers, drops, goes on.

The RFCs' own messages are read from the folder named by VECTORS, with the treatments that its
index allows; where it is absent this says so. Those below are ours, one a class of problem.
"""

import json

from host_tests.fakes.link import Link
from host_tests.sip.test_core import answers, request, status
from host_tests.sip.test_vectors import VECTORS, has, read
from usip.sip.registration import Account

_PROCESSED = (100, 180, 183, 200, 404, 481)  # what a user agent says to what is right
_WAIT_MS = 200000


def phone():
    """Return (link, endpoint) of a phone that serves calls and messages."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.methods = (1, 7)
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    return link, endpoint


def treatment(wire: bytes) -> list:
    """Return the statuses that a phone answers *wire* with; whatever it does, it lives on."""
    link, endpoint = phone()
    found = [int(text.split(" ")[1]) for text in answers(link, endpoint, wire)]
    for session in tuple(endpoint.core.sessions):
        session.reject(link.now_ms, 486)
    link.run(_WAIT_MS)
    core = endpoint.core
    assert not core.sessions and not core.transactions.active and not core.usages
    assert status(link, endpoint, request(branch="z9hG4bKafter")) == 200
    return found


def is_allowed(wire: bytes, statuses: list, outcomes: list) -> bool:
    """Whether what a phone answered is one of the treatments that the index allows."""
    for outcome in outcomes:
        if outcome in ("discard", "drop") and not statuses:
            return True
        if outcome == "process" and (statuses or wire.startswith(b"SIP/2.0 ")):
            if all([status in _PROCESSED for status in statuses]):
                return True
        if outcome.isdigit() and int(outcome) in statuses:
            return True
    return False


def check_set(folder: str) -> None:
    """Give every message of a set to a phone."""
    if not has("index.json"):
        return
    with open(VECTORS + "/index.json") as file:
        lines = entries(file, folder)
    wrong = []
    for path, outcomes in lines:
        wire = read(VECTORS + "/" + path)
        found = treatment(wire)
        if not is_allowed(wire, found, outcomes):
            wrong.append((path, found, outcomes))
    print("vectors/%s: %d messages treated" % (folder, len(lines)))
    assert lines and not wrong, wrong


def entries(file, folder: str) -> list:
    """Return (path, treatments) of a set; the index is far too large for json on a small heap."""
    found = []
    path = ""
    depth = []
    for line in file:
        text = line.strip()
        if text.startswith('"path": '):
            path = json.loads(text[8:].rstrip(","))
        elif text.startswith('"ua_outcomes": ['):
            depth = [text[15:]]
        elif depth:
            depth.append(text)
        if depth and "]" in depth[-1]:
            outcomes = json.loads("".join(depth).rstrip(","))
            depth = []
            if path.startswith(folder + "/"):
                found.append((path, [str(outcome) for outcome in outcomes]))
    return found


def test_messages_of_rfc_4475_at_the_core():
    check_set("rfc4475")


def test_messages_of_rfc_5118_at_the_core():
    check_set("rfc5118")


def refused(method: str, wire: bytes) -> str:
    """Return the one answer to a request."""
    link, endpoint = phone()
    found = answers(link, endpoint, wire)
    assert len(found) == 1, found
    return found[0]


def test_unkscm_and_novelsc_a_scheme_nobody_is_called_by_is_416():
    for scheme in (b"nobodyKnowsThisScheme:totallyopaquecontent", b"soap.beep://192.0.2.103:3002"):
        wire = request().replace(b"sip:alice@192.0.2.1 SIP", scheme + b" SIP")
        assert treatment(wire) == [416]


def test_a_sips_uri_is_416_where_there_is_no_tls():
    assert treatment(request().replace(b"sip:alice@192.0.2.1 SIP", b"sips:alice@x.org SIP")) == [
        416
    ]


def test_a_tel_uri_is_served():
    assert treatment(request().replace(b"sip:alice@192.0.2.1 SIP", b"tel:+49-30-123 SIP")) == [200]


def test_bext01_names_each_extension_that_is_not_supported():
    extra = (
        "Require: nothingSupportsThis, nothingSupportsThisEither\r\nProxy-Require: noProxies\r\n"
    )
    answer = refused("OPTIONS", request(extra=extra))
    assert answer.startswith("SIP/2.0 420 ")
    line = "\r\nUnsupported: nothingsupportsthis, nothingsupportsthiseither\r\n"
    assert line in answer.lower().replace("unsupported", "Unsupported"), answer


def test_invut_a_body_of_an_unknown_type_is_415():
    extra = "Content-Type: application/unknownformat\r\n"
    answer = refused("INVITE", request("INVITE", extra=extra, body="<audio></audio>"))
    assert answer.startswith("SIP/2.0 415 ") and "\r\nAccept: application/sdp\r\n" in answer


def test_sdp01_an_accept_without_descriptions_is_406():
    assert treatment(request("INVITE", extra="Accept: text/nobodyKnowsThis\r\n")) == [406]
    for accepted in ("*/*", "application/*;q=0.3", "text/x, Application/SDP"):
        found = treatment(request("INVITE", extra="Accept: %s\r\n" % accepted))
        assert found == [100], (accepted, found)


def test_multi01_fields_that_there_is_one_of_are_400_when_there_are_two():
    assert treatment(request("INVITE", extra="CSeq: 8 INVITE\r\n")) == [400]
    assert treatment(request("INVITE", extra="Call-ID: other\r\n")) == [400]


def test_mismatch01_and_02_a_cseq_of_another_method_is_400():
    assert treatment(request().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE")) == [400]
    found = treatment(request("NEWMETHOD").replace(b"CSeq: 1 NEWMETHOD", b"CSeq: 1 INVITE"))
    assert found in ([400], [501])


def test_zeromf_the_last_hop_may_be_us():
    assert treatment(request().replace(b"Max-Forwards: 70", b"Max-Forwards: 0")) == [200]


def test_regaut01_a_registration_is_not_for_a_phone():
    extra = "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n"
    answer = refused("REGISTER", request("REGISTER", extra=extra))
    assert answer.startswith("SIP/2.0 405 ") and "REGISTER" not in answer.split("Allow: ")[1]


def test_bcast_a_response_for_somebody_else_is_dropped():
    wire = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n"
        b"Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\nCall-ID: bcast.0384840201\r\n"
        b"CSeq: 35 INVITE\r\nFrom: sip:user@example.com;tag=11141343\r\n"
        b"To: sip:user@example.edu;tag=2229\r\nContent-Length: 0\r\n\r\n"
    )
    assert treatment(wire) == []


def test_longreq_many_vias_are_repeated_and_the_memory_for_it_is_given_back():
    link, endpoint = phone()
    vias = b"".join([b"Via: SIP/2.0/TCP sip%d.example.com\r\n" % n for n in range(33)])
    wire = request("INVITE").replace(b"Max-Forwards", vias + b"Max-Forwards")
    found = answers(link, endpoint, wire)
    assert found[0].startswith("SIP/2.0 100 ") and found[0].count("\r\nVia: ") == 35
    endpoint.core.sessions[0].answer(link.now_ms)
    assert link.trace[-1][3].count(b"\r\nVia: ") == 35
    assert endpoint.core.writer.capacity > 1500
    link.run(_WAIT_MS)
    assert not endpoint.core.transactions.active and endpoint.core.writer.capacity == 1500


def test_what_is_too_large_even_so_is_513_and_leaves_nothing():
    long = "tag=" + "1298" * 1000
    wire = request("INVITE").replace(b"tag=f", long.encode())
    assert treatment(wire) == [513]
