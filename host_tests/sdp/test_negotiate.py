"""Offer and answer: RFC 3264's rules, one test each."""

from host_tests.fakes.noalloc import NoAlloc
from host_tests.sdp import corpus
from usip.errors import BufferFull, StateError
from usip.limits import Limits
from usip.sdp import negotiate
from usip.sdp.negotiate import Negotiator
from usip.writer import Writer

LIMITS = Limits()
SIMPLE = "v=0\no=- 5 5 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n"


def phone(**options):
    return Negotiator(LIMITS, b"192.0.2.1", 40000, session_id=7, **options)


def text(put):
    """Return what a put_ method writes, as lines."""
    writer = Writer(bytearray(1500))
    put(writer)
    octets = writer.take()
    assert octets[-2:] == b"\r\n"
    return octets[:-2].decode().split("\r\n")


def offer_to(negotiator, lines, head=SIMPLE):
    octets = corpus.wire(head + lines)
    return negotiator.receive_offer(octets, 0, len(octets))


def answer_to(negotiator, lines, head=SIMPLE):
    octets = corpus.wire(head + lines)
    return negotiator.receive_answer(octets, 0, len(octets))


def answered(lines, head=SIMPLE, **options):
    """Return (negotiator, lines of the answer) after an acceptable offer."""
    negotiator = phone(**options)
    assert offer_to(negotiator, lines, head) == 0
    return negotiator, text(negotiator.put_answer)


def called(answer, head=SIMPLE, **options):
    """Return the negotiator whose offer was answered with the lines *answer*."""
    negotiator = phone(**options)
    text(negotiator.put_offer)
    assert answer_to(negotiator, answer, head) == 0
    return negotiator


def direction(negotiator):
    return (negotiator.can_send, negotiator.can_receive)


def test_the_offer_of_a_plain_phone():
    assert text(phone().put_offer) == [
        "v=0",
        "o=- 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 40000 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
    ]


def test_the_answer_has_one_codec_and_its_events():
    negotiator, lines = answered(
        "m=audio 5000 RTP/AVP 9 8 0 96\na=rtpmap:96 telephone-event/8000\na=ptime:20"
    )
    assert lines[5:] == [
        "m=audio 40000 RTP/AVP 8 96",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:96 telephone-event/8000",
        "a=fmtp:96 0-16",
        "a=ptime:20",
        "a=sendrecv",
    ]
    assert negotiator.is_active and negotiator.codec == b"PCMA" and negotiator.clock_rate == 8000
    assert negotiator.payload_type == negotiator.receive_payload_type == 8
    assert negotiator.telephone_event == negotiator.receive_telephone_event == 96
    assert (negotiator.remote_address, negotiator.remote_port) == (b"192.0.2.9", 5000)
    assert negotiator.remote_rtcp_port == 5001
    assert direction(negotiator) == (True, True)
    assert negotiator.receive_payload_types == b"\x08\x60"
    assert negotiator.changed and not negotiator.changed


def test_their_order_of_codecs_decides_or_ours():
    offer = "m=audio 5000 RTP/AVP 8 0"
    assert answered(offer)[0].codec == b"PCMA"
    assert answered(offer, prefers_ours=True)[0].codec == b"PCMU"


def test_other_streams_are_refused_in_their_place():
    _, lines = answered(
        """m=video 6000 RTP/AVP 31 34
        a=rtpmap:34 H263/90000
        m=audio 5000 RTP/AVP 0
        m=audio 5002 RTP/AVP 0
        m=image 0 udptl t38
        m=application 9 UDP/TLS/BFCP *
        m=text 7 unknown/proto x y"""
    )
    assert [line for line in lines if line[0] == "m"] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 40000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=application 0 UDP/TLS/BFCP *",
        "m=text 0 unknown/proto x",
    ]


def test_an_offer_without_a_stream_for_us_is_refused_with_488():
    for lines in (
        "m=video 5000 RTP/AVP 31",
        "m=audio 5000 RTP/AVP 18 3",
        "m=audio 5000 RTP/SAVP 0",
        "m=audio 5000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000",
        "m=audio 0 RTP/AVP 0\nm=video 6000 RTP/AVP 31",
    ):
        assert offer_to(phone(), lines) == 488, lines
    no_address = "v=0\no=- 5 5 IN IP4 192.0.2.9\ns=-\nt=0 0\n"
    assert offer_to(phone(), "m=audio 5000 RTP/AVP 0", no_address) == 488


def test_a_malformed_offer_is_refused_with_400():
    for lines in (
        "m=audio",
        "m=audio x RTP/AVP 0",
        "m=audio 70000 RTP/AVP 0",
        "m=audio 5 RTP/AVP",
    ):
        assert offer_to(phone(), lines) == 400, lines
    assert phone().receive_offer(b"", 0, 0) == 400


def test_an_offer_of_nothing_is_answered_with_nothing():
    negotiator, lines = answered("")
    assert lines[-1] == "t=0 0" and not negotiator.is_active
    negotiator, lines = answered("m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 31")
    assert lines[5:] == ["m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 31"]
    assert not negotiator.is_active and direction(negotiator) == (False, False)


def test_lax_a_refused_line_without_formats_as_phones_on_pjsip_write_it():
    negotiator, lines = answered("m=audio 5000 RTP/AVP 0\nm=video 0 RTP/AVP")
    assert lines[-1] == "m=video 0 RTP/AVP 0"


def test_lax_words_behind_the_address_as_a_phone_in_kamailios_captures_has_them():
    negotiator, _ = answered("m=audio 5000 RTP/AVP 0\nc=IN IP4 192.0.2.77 UNHOLD UNHOLD")
    assert negotiator.remote_address == b"192.0.2.77"


def test_dynamic_payload_types_are_mapped_both_ways():
    negotiator = called(
        "m=audio 5000 RTP/AVP 97 110\na=rtpmap:97 l16/8000\na=rtpmap:110 telephone-event/8000",
        codecs=(0, (96, b"L16", 8000)),
    )
    assert negotiator.codec == b"L16"
    assert (negotiator.payload_type, negotiator.receive_payload_type) == (97, 96)
    assert (negotiator.telephone_event, negotiator.receive_telephone_event) == (110, 101)
    assert negotiator.receive_payload_types == b"\x60\x65"


def test_an_answer_takes_over_their_numbers_and_later_offers_keep_them():
    negotiator, lines = answered(
        "m=audio 5000 RTP/AVP 101 96\na=rtpmap:101 L16/8000\na=rtpmap:96 telephone-event/8000",
        codecs=(0, (96, b"L16", 8000)),
    )
    assert lines[5] == "m=audio 40000 RTP/AVP 101 96"
    assert text(negotiator.put_offer)[5] == "m=audio 40000 RTP/AVP 0 101 96"


def test_a_number_of_ours_that_theirs_displaces_moves_on():
    negotiator, _ = answered(
        "m=audio 5000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000",
        codecs=(0, (96, b"L16", 8000)),
    )
    assert text(negotiator.put_offer)[5] == "m=audio 40000 RTP/AVP 0 101 96"


def test_a_static_number_used_for_something_else_is_not_taken_for_the_codec():
    assert offer_to(phone(), "m=audio 5000 RTP/AVP 8\na=rtpmap:8 G729/8000") == 488


def test_stereo_and_other_clock_rates_are_other_codecs():
    for encoding in ("L16/8000/2", "L16/16000", "L16"):
        lines = "m=audio 5000 RTP/AVP 96\na=rtpmap:96 " + encoding
        assert offer_to(phone(codecs=((98, b"L16", 8000),)), lines) == 488, encoding
    assert offer_to(phone(), "m=audio 5000 RTP/AVP 96\na=rtpmap:96 PCMU/8000/1") == 0


def test_telephone_event_has_the_clock_rate_of_the_codec():
    rates = (
        "\na=rtpmap:120 telephone-event/16000\na=rtpmap:121 telephone-event/8000"
        "\na=rtpmap:122 telephone-event/48000"
    )
    negotiator, lines = answered("m=audio 5000 RTP/AVP 0 120 121 122" + rates)
    assert negotiator.telephone_event == 121
    wide = (0, (97, b"L16", 16000))
    negotiator, lines = answered(
        "m=audio 5000 RTP/AVP 97 120 121\na=rtpmap:97 L16/16000" + rates, codecs=wide
    )
    assert negotiator.clock_rate == 16000 and negotiator.telephone_event == 120
    assert text(phone(codecs=wide).put_offer)[5] == "m=audio 40000 RTP/AVP 0 97 101 102"
    negotiator, lines = answered("m=audio 5000 RTP/AVP 0 120" + rates)
    assert negotiator.telephone_event == negotiator.receive_telephone_event == -1


def test_telephone_event_may_be_off():
    lines = text(phone(telephone_event=0).put_offer)
    assert lines[5] == "m=audio 40000 RTP/AVP 0 8"


def test_ptime_and_maxptime_are_obeyed():
    for attributes, ptime in (
        ("", 20),
        ("a=ptime:30", 30),
        ("a=ptime:40\na=maxptime:20", 20),
        ("a=maxptime:10", 10),
        ("a=maxptime:5", 10),
        ("a=ptime:200", 60),
        ("a=ptime:25", 20),
        ("a=ptime:nonsense", 20),
    ):
        assert answered("m=audio 5000 RTP/AVP 0\n" + attributes)[0].ptime == ptime, attributes
    negotiator = phone(ptime=30)
    negotiator.local.maxptime = 60
    assert text(negotiator.put_offer)[-3:] == ["a=ptime:30", "a=maxptime:60", "a=sendrecv"]


def test_directions_of_an_answer():
    for theirs, wanted, ours, send, receive, is_held in (
        ("sendrecv", negotiate.SENDRECV, "sendrecv", True, True, False),
        ("sendonly", negotiate.SENDRECV, "recvonly", False, True, True),
        ("recvonly", negotiate.SENDRECV, "sendonly", True, False, False),
        ("inactive", negotiate.SENDRECV, "inactive", False, False, True),
        ("sendrecv", negotiate.SENDONLY, "sendonly", True, False, False),
        ("sendonly", negotiate.SENDONLY, "inactive", False, False, True),
        ("recvonly", negotiate.SENDONLY, "sendonly", True, False, False),
        ("sendrecv", negotiate.RECVONLY, "recvonly", False, True, False),
        ("recvonly", negotiate.RECVONLY, "inactive", False, False, False),
        ("sendrecv", negotiate.INACTIVE, "inactive", False, False, False),
    ):
        negotiator = phone()
        negotiator.set_direction(wanted)
        assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0\na=" + theirs) == 0
        assert text(negotiator.put_answer)[-1] == "a=" + ours, (theirs, wanted)
        assert direction(negotiator) == (send, receive), (theirs, wanted)
        assert negotiator.is_held == is_held, (theirs, wanted)


def test_a_direction_of_the_session_counts_for_streams_without_their_own():
    head = SIMPLE + "a=sendonly\n"
    assert direction(answered("m=audio 5000 RTP/AVP 0", head)[0]) == (False, True)
    assert direction(answered("m=audio 5000 RTP/AVP 0\na=sendrecv", head)[0]) == (True, True)


def test_hold_and_resume():
    negotiator = called("m=audio 5000 RTP/AVP 0")
    assert negotiator.changed
    negotiator.hold()
    assert text(negotiator.put_offer)[-1] == "a=sendonly"
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0\na=recvonly") == 0
    assert direction(negotiator) == (True, False) and not negotiator.is_held
    assert negotiator.changed
    negotiator.resume()
    assert text(negotiator.put_offer)[-1] == "a=sendrecv"
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert direction(negotiator) == (True, True) and negotiator.changed


def test_hold_where_we_may_not_send_is_inactive():
    negotiator, _ = answered("m=audio 5000 RTP/AVP 0\na=sendonly")
    negotiator.hold()
    assert text(negotiator.put_offer)[-1] == "a=inactive"


def test_hold_of_the_old_style():
    negotiator = called("m=audio 5000 RTP/AVP 0")
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0\nc=IN IP4 0.0.0.0") == 0
    assert text(negotiator.put_answer)[-1] == "a=recvonly"
    assert negotiator.is_held and direction(negotiator) == (False, True)
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    text(negotiator.put_answer)
    assert not negotiator.is_held and direction(negotiator) == (True, True)
    assert negotiator.remote_address == b"192.0.2.9"
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0\nc=IN IP6 ::") == 0
    text(negotiator.put_answer)
    assert negotiator.is_held


def test_the_version_is_one_more_for_each_change_only():
    negotiator = phone()
    assert text(negotiator.put_offer)[1] == "o=- 7 1 IN IP4 192.0.2.1"
    assert text(negotiator.put_offer)[1] == "o=- 7 1 IN IP4 192.0.2.1"
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert text(negotiator.put_offer)[1] == "o=- 7 1 IN IP4 192.0.2.1"
    negotiator.reject_offer()
    negotiator.hold()
    assert text(negotiator.put_offer)[1] == "o=- 7 2 IN IP4 192.0.2.1"
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0\na=recvonly") == 0
    negotiator.local.address = b"192.0.2.2"
    assert text(negotiator.put_offer)[1] == "o=- 7 3 IN IP4 192.0.2.2"


def test_the_address_of_a_stream_is_its_own_or_the_sessions():
    assert answered("m=audio 5000 RTP/AVP 0")[0].remote_address == b"192.0.2.9"
    lines = "m=audio 5000 RTP/AVP 0\nc=IN IP4 192.0.2.10\nc=IN IP4 192.0.2.11"
    assert answered(lines)[0].remote_address == b"192.0.2.10"
    lines = "m=audio 5000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127/2"
    assert answered(lines)[0].remote_address == b"224.2.1.1"
    lines = "m=video 5002 RTP/AVP 31\nc=IN IP4 192.0.2.10\nm=audio 5000 RTP/AVP 0"
    assert answered(lines)[0].remote_address == b"192.0.2.9"
    lines = "m=audio 5000 RTP/AVP 0\nc=IN IP4 phone.example.com"
    assert answered(lines)[0].remote_address == b"phone.example.com"


def test_the_rtcp_port_of_rfc_3605():
    assert answered("m=audio 5000 RTP/AVP 0\na=rtcp:6001")[0].remote_rtcp_port == 6001
    lines = "m=audio 5000 RTP/AVP 0\na=rtcp:6001 IN IP4 192.0.2.9"
    assert answered(lines)[0].remote_rtcp_port == 6001
    negotiator = phone()
    negotiator.local.rtcp_port = 40003
    assert text(negotiator.put_offer)[-1] == "a=rtcp:40003"
    negotiator.local.rtcp_port = 40001
    assert "a=rtcp:40001" not in text(negotiator.put_offer)


def test_rtcp_on_the_port_of_rtp_only_when_both_want_it():
    lines = "m=audio 5000 RTP/AVP 0\na=rtcp-mux"
    negotiator, answer = answered(lines)
    assert not negotiator.is_mux and negotiator.remote_rtcp_port == 5001
    assert "a=rtcp-mux" not in answer
    negotiator = phone()
    negotiator.local.has_rtcp_mux = True
    assert offer_to(negotiator, lines) == 0
    assert text(negotiator.put_answer)[-1] == "a=rtcp-mux"
    assert negotiator.is_mux and negotiator.remote_rtcp_port == 5000
    assert text(negotiator.put_offer)[-1] == "a=rtcp-mux"
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert not negotiator.is_mux and negotiator.remote_rtcp_port == 5001


def test_bandwidth_lines():
    negotiator = phone()
    negotiator.local.bandwidth = (80, 800, 2400)
    lines = text(negotiator.put_offer)
    assert lines[5:9] == ["m=audio 40000 RTP/AVP 0 8 101", "b=AS:80", "b=RS:800", "b=RR:2400"]
    answer = "m=audio 5000 RTP/AVP 0\nb=AS:64\nb=TIAS:64000\nb=RS:0\nb=X-Y:1\nb=RR:0"
    assert answer_to(negotiator, answer, SIMPLE.replace("t=", "b=AS:999\nt=")) == 0
    assert list(negotiator.remote_bandwidth) == [64, 64000, 0, 0]
    assert list(called("m=audio 5000 RTP/AVP 0").remote_bandwidth) == [-1, -1, -1, -1]


def test_a_rejected_offer_of_ours_keeps_the_session():
    negotiator = called("m=audio 5000 RTP/AVP 8 0")
    negotiator.hold()
    assert text(negotiator.put_offer)[-1] == "a=sendonly"
    negotiator.reject_offer()
    assert direction(negotiator) == (True, True) and negotiator.codec == b"PCMA"
    assert text(negotiator.put_offer)[-1] == "a=sendrecv"
    negotiator.reject_offer()
    negotiator.reject_offer()
    assert negotiator.is_active


def test_a_rejected_offer_of_theirs_keeps_the_session():
    negotiator = called("m=audio 5000 RTP/AVP 8\nm=video 0 RTP/AVP 31")
    assert offer_to(negotiator, "m=audio 6000 RTP/AVP 0\na=inactive") == 0
    negotiator.reject_offer()
    assert (negotiator.codec, negotiator.remote_port) == (b"PCMA", 5000)
    assert direction(negotiator) == (True, True)
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 18") == 488
    assert offer_to(negotiator, "garbage") == 400
    assert (negotiator.codec, negotiator.remote_port) == (b"PCMA", 5000)
    assert text(negotiator.put_offer)[5].startswith("m=audio 40000")
    assert answer_to(negotiator, "m=audio 7000 RTP/AVP 0") == 0
    assert negotiator.remote_port == 7000


def test_an_initial_offer_that_was_rejected_leaves_nothing():
    negotiator = phone()
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    negotiator.reject_offer()
    assert not negotiator.is_active
    try:
        text(negotiator.put_answer)
        raise AssertionError("no exception")
    except StateError:
        pass
    assert text(negotiator.put_offer)[5] == "m=audio 40000 RTP/AVP 0 8 101"


def test_offers_that_cross():
    negotiator = phone()
    text(negotiator.put_offer)
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 491
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 500
    try:
        text(negotiator.put_offer)
        raise AssertionError("no exception")
    except StateError:
        pass
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 488
    text(negotiator.put_answer)


def test_an_answer_nobody_asked_for():
    assert answer_to(phone(), "m=audio 5000 RTP/AVP 0") == 488
    negotiator, _ = answered("m=audio 5000 RTP/AVP 0")
    assert answer_to(negotiator, "m=audio 6000 RTP/AVP 0") == 0
    assert negotiator.remote_port == 5000


def test_the_answer_again_in_a_200_after_a_183():
    negotiator, first = answered("m=audio 5000 RTP/AVP 0")
    negotiator.set_direction(negotiate.INACTIVE)
    assert text(negotiator.put_answer) == first


def test_another_answer_in_a_200_after_a_183_or_of_a_fork_replaces_the_first():
    negotiator = called("m=audio 5000 RTP/AVP 0")
    assert negotiator.changed
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert not negotiator.changed
    assert answer_to(negotiator, "m=audio 6000 RTP/AVP 8") == 0
    assert negotiator.changed
    assert (negotiator.remote_port, negotiator.codec) == (6000, b"PCMA")


def test_offer_in_200_and_answer_in_ack():
    negotiator = phone()
    text(negotiator.put_offer)  # in the 200 to an INVITE without a body
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0  # in the ACK
    assert negotiator.is_active and not negotiator.is_answered_by_us


def test_port_zero_in_a_183_and_a_new_offer_in_prack_or_update():
    negotiator = called("m=audio 0 RTP/AVP 0")
    assert not negotiator.is_active
    assert (
        offer_to(negotiator, "m=audio 5000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000") == 0
    )
    lines = text(negotiator.put_answer)
    assert lines[5] == "m=audio 40000 RTP/AVP 8 101"
    assert negotiator.is_active and negotiator.changed
    negotiator = called("m=audio 0 RTP/AVP 0")
    assert text(negotiator.put_offer)[5:6] == ["m=audio 40000 RTP/AVP 0 8 101"]
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    assert negotiator.is_active


def test_a_stream_that_is_switched_off_and_on_again():
    negotiator = called("m=audio 5000 RTP/AVP 0")
    assert offer_to(negotiator, "m=audio 0 RTP/AVP 0") == 0
    assert text(negotiator.put_answer)[5:] == ["m=audio 0 RTP/AVP 0"]
    assert not negotiator.is_active and negotiator.changed
    assert offer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0
    text(negotiator.put_answer)
    assert negotiator.is_active


def test_an_answer_in_another_place_is_none():
    negotiator = phone()
    text(negotiator.put_offer)
    assert answer_to(negotiator, "m=video 0 RTP/AVP 31\nm=audio 5000 RTP/AVP 0") == 488
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 18") == 488
    assert answer_to(negotiator, "m=audio 5000 RTP/AVP 0") == 0


def test_our_offers_keep_every_line_of_the_session():
    negotiator, _ = answered(
        "m=video 6000 RTP/AVP 31\nm=audio 5000 RTP/AVP 0\nm=image 1 udptl t38"
    )
    assert [line for line in text(negotiator.put_offer) if line[0] == "m"] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 40000 RTP/AVP 0 8 101",
        "m=image 0 udptl t38",
    ]


def test_the_profile_of_an_offer_is_kept():
    _, lines = answered("m=audio 5000 RTP/AVPF 0")
    assert lines[5] == "m=audio 40000 RTP/AVPF 0"
    assert offer_to(phone(profiles=1), "m=audio 5000 RTP/AVPF 0") == 488


def test_too_many_lines_are_refused_with_488():
    lines = "m=audio 5000 RTP/AVP 0\n" + "m=video 6000 RTP/AVP 31\n" * 20
    assert offer_to(phone(), lines) == 488


def test_capabilities_for_options():
    assert text(phone().local.put_capabilities)[4:] == [
        "t=0 0",
        "m=audio 0 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
    ]


def test_ipv6_addresses():
    negotiator = Negotiator(LIMITS, b"2001:db8::1", 40000)
    lines = text(negotiator.put_offer)
    assert lines[1] == "o=- 1 1 IN IP6 2001:db8::1" and lines[3] == "c=IN IP6 2001:db8::1"


def test_a_full_buffer_is_left_as_it_was():
    for put in ("put_offer", "put_answer"):
        whole = phone()
        assert put != "put_answer" or offer_to(whole, "m=audio 5000 RTP/AVP 0 8") == 0
        length = len("\r\n".join(text(getattr(whole, put)))) + 2
        for capacity in range(0, length, 7):
            negotiator = phone()
            assert put != "put_answer" or offer_to(negotiator, "m=audio 5000 RTP/AVP 0 8") == 0
            writer = Writer(bytearray(10 + capacity), 10)
            try:
                getattr(negotiator, put)(writer)
                raise AssertionError("no exception")
            except BufferFull:
                assert writer.end == 10
            assert not negotiator.is_active
            assert text(getattr(negotiator, put)) is not None


def test_an_unknown_codec_number_is_a_mistake_of_the_caller():
    try:
        phone(codecs=(77,))
        raise AssertionError("no exception")
    except ValueError:
        pass


def test_a_description_that_arrives_in_pieces():
    octets = corpus.FRITZBOX
    for step in (1, 10, 100):
        negotiator = phone()
        assert not negotiator.begin(b"text/plain", 0, 10)
        kind = b"xapplication/SDP ;charset=utf-8"
        assert negotiator.begin(kind, 1, len(kind))
        for at in range(0, len(octets), step):
            negotiator.feed(octets, at, min(len(octets), at + step))
        negotiator.finish()
        assert negotiator.receive_offer(None, 0, 0) == 0
        text(negotiator.put_answer)
        assert negotiator.codec == b"PCMA" and negotiator.remote_port == 7082
    assert negotiator.receive_offer(None, 0, 0) == 400  # used already
    assert negotiator.begin(kind, 1, len(kind))
    negotiator.feed(b"v=1\r\nnonsense\r\n", 0, 15)
    negotiator.finish()
    assert negotiator.receive_offer(None, 0, 0) == 400


def test_reading_an_offer_and_writing_an_answer_use_no_heap():
    negotiator = phone()
    octets = corpus.FRITZBOX
    writer = Writer(bytearray(1500))
    for _ in range(2):
        assert negotiator.receive_offer(octets, 0, len(octets)) == 0
        negotiator.put_answer(writer.reset())
    with NoAlloc():
        negotiator.receive_offer(octets, 0, len(octets))
        negotiator.put_answer(writer.reset())
        negotiator.put_offer(writer.reset())
        negotiator.reject_offer()
        negotiator.local.put_capabilities(writer.reset())


def test_an_offer_of_4_kb_in_pieces_takes_the_line_buffer_only():
    head = corpus.wire(SIMPLE + "m=audio 5000 RTP/AVP 8 0")
    candidate = b"a=candidate:1467250027 1 udp 2122260223 192.0.2.196 46243 typ host\r\n"
    negotiator = phone()
    with NoAlloc(LIMITS.sdp_line_bytes + 64):
        negotiator.begin(b"application/sdp", 0, 15)
        negotiator.feed(head, 0, len(head))
        for _ in range(4096 // len(candidate) + 1):
            negotiator.feed(candidate, 0, 40)
            negotiator.feed(candidate, 40, len(candidate))
        negotiator.finish()
        status = negotiator.receive_offer(None, 0, 0)
    assert status == 0
    text(negotiator.put_answer)
    assert negotiator.codec == b"PCMA"


def test_comfort_noise_is_agreed_on_when_both_have_it():
    offer = text(phone(has_noise=True).put_offer)
    assert offer[5] == "m=audio 40000 RTP/AVP 0 8 101 13"
    assert "a=rtpmap:13 CN/8000" in offer
    for lines, agreed in (
        ("m=audio 5000 RTP/AVP 0 13", True),  # a static payload type needs no rtpmap
        ("m=audio 5000 RTP/AVP 0 13\na=rtpmap:13 CN/8000", True),
        ("m=audio 5000 RTP/AVP 0 13\na=rtpmap:13 VDVI/8000", False),
        ("m=audio 5000 RTP/AVP 0", False),
    ):
        negotiator, answer = answered(lines, has_noise=True)
        assert negotiator.has_noise is agreed, lines
        assert answer[5] == "m=audio 40000 RTP/AVP 0" + (" 13" if agreed else "")
        assert called(lines, has_noise=True).has_noise is agreed
    negotiator, answer = answered("m=audio 5000 RTP/AVP 0 13")
    assert not negotiator.has_noise and answer[5] == "m=audio 40000 RTP/AVP 0"


def test_wideband_has_the_clock_that_its_rfc_says():
    codecs = (9, (96, b"L16", 8000), 0)
    lines = text(phone(codecs=codecs).put_offer)
    assert lines[5] == "m=audio 40000 RTP/AVP 9 96 0 101"
    assert "a=rtpmap:9 G722/8000" in lines and "a=rtpmap:96 L16/8000" in lines
    negotiator, answer = answered("m=audio 5000 RTP/AVP 0 9", codecs=codecs)
    assert negotiator.codec == b"PCMU"
    negotiator, answer = answered("m=audio 5000 RTP/AVP 0 9", codecs=codecs, prefers_ours=True)
    assert negotiator.codec == b"G722" and negotiator.clock_rate == 8000
    assert answer[5] == "m=audio 40000 RTP/AVP 9"
