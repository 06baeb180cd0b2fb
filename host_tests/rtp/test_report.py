"""report: RTCP compound packets and the quality estimate."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.limits import Limits
from usip.rtp.report import estimate_mos
from usip.rtp.stream import Stream

START_MS = (1 << 30) - 1000


def pair():
    a = Stream(Limits(), bytes(range(16)))
    b = Stream(Limits(), bytes(range(16, 32)))
    return a, b


def talk(a, b, frames, start_ms=START_MS, lose=()):
    """Send *frames* frames from a to b; return the clock afterwards."""
    pcm = array("h", [100] * 160)
    now_ms = start_ms
    for n in range(frames):
        length = a.pack(pcm)
        if n not in lose:
            b.receive(a.packet_view, length, now_ms)
        b.play(pcm, now_ms)
        now_ms = (now_ms + 20) & 0x3FFFFFFF
    return now_ms


def later(now_ms, ms):
    return (now_ms + ms) & 0x3FFFFFFF


def uint(buf, at, octets=4):
    return int.from_bytes(bytes(buf[at : at + octets]), "big")


def chunks(stream, length):
    """Return {packet type: offset} of the compound packet in stream.report[:length]."""
    found = {}
    at = 0
    while at < length:
        assert stream.report[at] >> 6 == 2
        found[stream.report[at + 1]] = at
        at += 4 + 4 * uint(stream.report, at + 2, 2)
    assert at == length
    return found


def test_a_sender_report_counts_what_was_sent():
    a, b = pair()
    now_ms = talk(a, b, 10)
    length = a.reporter.pack(a, now_ms)
    assert length == 28 + 24
    found = chunks(a, length)
    assert found[200] == 0 and found[202] == 28
    r = a.report
    assert r[0] == 0x80 and bytes(r[4:8]) == bytes(range(4))
    assert uint(r, 8) == 1  # seconds since just before the first report
    assert uint(r, 16) - uint(a.packet_view, 4) == 160  # the timestamp of now
    assert uint(r, 20) == 10 and uint(r, 24) == 1600
    assert r[28 + 8] == 1 and bytes(r[28 + 10 : 28 + 22]).isdigit() is False


def test_a_receiver_report_counts_what_was_lost():
    a, b = pair()
    now_ms = talk(a, b, 20, lose=(3, 4, 5, 6, 7))
    length = b.reporter.pack(b, now_ms)
    assert chunks(b, length)[201] == 0
    r = b.report
    assert r[0] == 0x81 and bytes(r[8:12]) == bytes(range(4))
    assert uint(r, 13, 3) == 5
    assert r[12] == 5 * 256 // 21
    assert uint(r, 18, 2) == uint(a.packet_view, 2, 2)
    talk(a, b, 20, now_ms)
    b.reporter.pack(b, now_ms)
    assert r[12] == 0 and uint(r, 13, 3) == 5  # nothing lost since


def test_the_round_trip_is_measured_without_the_time_in_between():
    a, b = pair()
    now_ms = talk(a, b, 5)
    length = a.reporter.pack(a, now_ms)
    b.receive_report(a.report, length, now_ms + 50)
    length = b.reporter.pack(b, later(now_ms, 3050))
    a.receive_report(b.report, length, later(now_ms, 3120))
    assert 118 <= a.rtt_ms <= 122
    assert a.remote_loss == 0


def test_the_peers_loss_is_read():
    a, b = pair()
    now_ms = talk(a, b, 20, lose=(3, 4, 5, 6, 7))
    length = b.reporter.pack(b, now_ms)
    a.receive_report(b.report, length, now_ms)
    assert a.remote_loss == 5 * 256 // 21 * 100 >> 8
    assert a.reporter.remote_lost == 5


def test_reports_of_other_sources_are_passed_over():
    a, b = pair()
    now_ms = talk(a, b, 20, lose=(3,))
    length = b.reporter.pack(b, now_ms)
    b.report[8] ^= 1
    a.receive_report(b.report, length, now_ms)
    assert a.remote_loss == 0


def test_bye_ends_the_compound_packet_and_is_heard():
    a, b = pair()
    now_ms = talk(a, b, 3)
    length = a.pack_bye(now_ms)
    assert 203 in chunks(a, length)
    b.receive_report(a.report, length, now_ms)
    assert b.reporter.is_bye_received


def test_reports_come_every_five_seconds_more_or_less():
    a, b = pair()
    pcm = array("h", [0] * 160)
    at = []
    for n in range(6000):
        now_ms = (START_MS + 20 * n) & 0x3FFFFFFF
        a.pack(pcm)
        if a.pack_report(now_ms):
            at.append(20 * n)
    gaps = [y - x for x, y in zip(at, at[1:])]
    assert 900 <= at[0] <= 3200
    assert all(2000 <= gap <= 6200 for gap in gaps), gaps
    assert 22 <= len(at) <= 34


def test_rtcp_on_the_media_port_is_taken_too():
    a, b = pair()
    now_ms = talk(a, b, 3)
    length = a.pack_bye(now_ms)
    b.receive(a.report, length, now_ms)
    assert b.reporter.is_bye_received and b.malformed == 0


def test_any_octets_are_harmless():
    a, b = pair()
    now_ms = talk(a, b, 5)
    length = a.reporter.pack(a, now_ms)
    whole = bytes(a.report[:length])
    for end in range(length):
        b.receive_report(whole[:end], end, now_ms)
    for at in range(length):
        for value in (0, 0x7F, 0xFF):
            changed = bytearray(whole)
            changed[at] = value
            b.receive_report(changed, length, now_ms)
    assert b.reporter.malformed > 0


def test_reporting_uses_no_heap():
    a, b = pair()
    now_ms = talk(a, b, 5)
    with NoAlloc():
        length = a.reporter.pack(a, now_ms)
        b.receive_report(a.report, length, now_ms)
        length = b.reporter.pack(b, now_ms)
        a.receive_report(b.report, length, now_ms)
        a.pack_report(now_ms)
        a.pack_bye(now_ms)


def test_the_quality_estimate_follows_loss_and_delay():
    assert estimate_mos(0, 0) == 440
    assert 430 <= estimate_mos(0, 150) <= 439
    assert 370 <= estimate_mos(50, 100) <= 390
    assert estimate_mos(1000, 2000) == 100
    scores = [estimate_mos(loss, 50) for loss in range(0, 1001, 50)]
    assert scores == sorted(scores, reverse=True)
