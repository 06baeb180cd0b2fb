"""Preconditions: the segmented status table of RFC 3312 as two phones build it up."""

import json

from host_tests.sdp import corpus, vectors
from usip.limits import Limits
from usip.sdp.negotiate import INACTIVE, SENDRECV, Negotiator
from usip.sdp.precondition import MANDATORY, NONE, Preconditions
from usip.sdp.write import Builder
from usip.writer import Writer

LIMITS = Limits()
HEAD = (
    "v=0\no=- 5 5 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 5000 RTP/AVP 0\n"
    "a=sendrecv\n"
)


def phone(reserved=SENDRECV, strength=MANDATORY):
    negotiator = Negotiator(LIMITS, b"192.0.2.1", 40000)
    status = Preconditions(reserved, strength)
    negotiator.local.extensions = (status,)
    return negotiator, status


def written(put):
    """Return (octets, precondition lines) of what a put_ method writes."""
    writer = Writer(bytearray(1500))
    put(writer)
    octets = writer.take()
    found = []
    for line in octets.decode().split("\r\n"):
        if line[:7] in ("a=curr:", "a=conf:") or line[:6] == "a=des:":
            found.append(line[2:])
    return octets, found


def receive(method, octets):
    return method(octets, 0, len(octets))


def offered(lines):
    """Return (negotiator, status, answer's lines or the refusal) for an offer with *lines*."""
    negotiator, status = phone()
    octets = corpus.wire(HEAD + lines)
    refusal = receive(negotiator.receive_offer, octets)
    return negotiator, status, refusal or written(negotiator.put_answer)[1]


def test_an_offer_of_ours():
    negotiator, status = phone(INACTIVE)
    assert written(negotiator.put_offer)[1] == [
        "curr:qos local none",
        "curr:qos remote none",
        "des:qos mandatory local sendrecv",
        "des:qos optional remote sendrecv",
    ]


def test_a_phone_that_wants_nothing_and_is_offered_nothing_says_nothing():
    negotiator, status = phone(strength=NONE)
    assert written(negotiator.put_offer)[1] == []
    negotiator, status, lines = offered("")
    assert lines == [] and status.is_met and not status.is_used and not status.needs_update


def test_two_phones_until_both_have_their_resources():
    caller, caller_status = phone(INACTIVE)
    callee, callee_status = phone(INACTIVE)
    octets, _ = written(caller.put_offer)
    assert receive(callee.receive_offer, octets) == 0  # INVITE
    octets, lines = written(callee.put_answer)  # 183
    assert lines == [
        "curr:qos local none",
        "curr:qos remote none",
        "des:qos mandatory local sendrecv",
        "des:qos mandatory remote sendrecv",
        "conf:qos remote sendrecv",
    ]
    assert not callee_status.is_met
    assert receive(caller.receive_answer, octets) == 0
    assert not caller_status.is_met and not caller_status.needs_update
    callee_status.reserve(SENDRECV)
    assert not callee_status.is_met  # the caller's side is missing
    caller_status.reserve(SENDRECV)
    assert caller_status.needs_update
    octets, lines = written(caller.put_offer)  # UPDATE
    assert lines[:2] == ["curr:qos local sendrecv", "curr:qos remote none"]
    assert not caller_status.needs_update
    assert receive(callee.receive_offer, octets) == 0
    assert callee_status.is_met  # the phone rings
    octets, lines = written(callee.put_answer)
    assert lines[:2] == ["curr:qos local sendrecv", "curr:qos remote sendrecv"]
    assert "conf:qos remote sendrecv" not in lines
    assert receive(caller.receive_answer, octets) == 0
    assert caller_status.is_met


def test_directions_are_seen_from_the_other_side():
    _, status, lines = offered(
        "a=curr:qos local send\na=curr:qos remote none\n"
        "a=des:qos mandatory local recv\na=des:qos optional remote send"
    )
    assert lines == [
        "curr:qos local sendrecv",
        "curr:qos remote recv",
        "des:qos mandatory local sendrecv",
        "des:qos mandatory remote send",
        "des:qos optional remote recv",
        "conf:qos remote send",
    ]
    assert not status.is_met


def test_what_is_optional_does_not_hold_up_the_call():
    _, status, _ = offered("a=curr:qos local none\na=des:qos optional local sendrecv")
    assert status.is_used and status.is_met


def test_strengths_are_raised_and_never_lowered():
    _, status, lines = offered("a=des:qos none remote sendrecv\na=des:qos mandatory local send")
    assert "des:qos mandatory local sendrecv" in lines
    assert "des:qos mandatory remote recv" in lines and "des:qos optional remote send" in lines


def test_confirmation_that_is_due_at_once_is_in_the_answer():
    _, status, _ = offered("a=curr:qos remote none\na=conf:qos remote sendrecv")
    assert not status.needs_update


def test_what_no_phone_can_do_is_refused_with_580():
    for line in (
        "des:qos mandatory e2e sendrecv",
        "des:foo mandatory local sendrecv",
        "des:qos failure e2e send",
        "des:foo unknown e2e send",
        "des:foo mandatory strange sendrecv",
    ):
        assert offered("a=" + line)[2] == 580, line
    for line in (
        "des:qos optional e2e sendrecv",
        "des:foo optional local send",
        "curr:foo e2e send",
    ):
        assert offered("a=" + line)[2] != 580, line
    out = Builder().start(Writer(bytearray(200)))
    for kind in "vostm":
        out.line(ord(kind), b"x")
    Preconditions().put_failure(out)
    assert out.writer.take().endswith(b"a=des:qos failure e2e sendrecv\r\n")


def test_malformed_lines_are_passed_over():
    for line in (
        "curr",
        "curr:",
        "curr:qos",
        "des:qos mandatory",
        "des:qos x local send",
        "conf:qos",
    ):
        assert isinstance(offered("a=" + line)[2], list), line


def test_a_refused_offer_leaves_the_table_as_it_was():
    negotiator, status, _ = offered(
        "a=curr:qos local sendrecv\na=des:qos mandatory local sendrecv"
    )
    assert status.is_met
    octets = corpus.wire(HEAD + "a=curr:qos local none\na=des:qos mandatory local sendrecv")
    assert receive(negotiator.receive_offer, octets) == 0
    assert not status.is_met
    negotiator.reject_offer()
    assert status.is_met
    octets = corpus.wire(HEAD + "a=des:qos mandatory e2e sendrecv")
    assert receive(negotiator.receive_offer, octets) == 580
    assert status.is_met


def test_only_the_stream_that_is_taken_counts():
    octets = corpus.wire(
        HEAD + "m=video 6000 RTP/AVP 31\na=curr:qos local none\na=des:qos mandatory local sendrecv"
    )
    negotiator, status = phone()
    assert receive(negotiator.receive_offer, octets) == 0
    assert status.is_met and not status.is_used


def test_the_offer_of_an_ims_phone():
    negotiator, status = phone()
    assert receive(negotiator.receive_offer, corpus.IMS) == 0
    assert written(negotiator.put_answer)[1] == [
        "curr:qos local sendrecv",
        "curr:qos remote none",
        "des:qos mandatory local sendrecv",
        "des:qos mandatory remote sendrecv",
        "conf:qos remote sendrecv",
    ]
    assert not status.is_met


def test_the_fragments_of_rfc_3312():
    octets = vectors.load("rfcsdp/fragments_rfc3312.json")
    fragments = [] if octets is None else json.loads(octets)
    print("%d fragments of RFC 3312 ran" % len(fragments))
    for fragment in fragments:
        negotiator, status = phone()
        text = "\n".join(fragment["sdp_lines"])
        if "m=" not in text:
            continue
        octets = corpus.wire(
            "v=0\no=- 5 5 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n" + text
        )
        beyond = text[: text.find("m=", 3)] if text.find("m=", 3) > 0 else text
        hard = "mandatory e2e" in beyond or "failure" in beyond or "unknown" in beyond
        assert receive(negotiator.receive_offer, octets) == (580 if hard else 0), text
