"""tools.pacing: when packets left, beside the clock of their sound."""

from tools import pacing


def test_lateness_is_counted_from_the_earliest_packet_s_clock():
    arrivals = [(5.000, 0xFFFFFF60, 1), (5.021, 0, 2), (5.037, 160, 3), (5.060, 320, 4)]
    late = [round(ms, 3) for ms in pacing.lateness_ms(arrivals)]
    assert late == [3.0, 4.0, 0.0, 3.0]


def test_a_phone_s_packets_are_measured():
    result = pacing.measure("cpython", 1.5, 0, "PCMA")
    assert result["codec"] == "PCMA" and result["packets"] >= 10
    assert 0 <= result["late_ms"]["median"] <= result["late_ms"]["p99"]
