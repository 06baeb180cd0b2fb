"""The phone calls baresip through Kamailio and is called by it: sound, DTMF, endings."""

import time

import pytest

from . import sip, tone
from .tone import LOCAL_HZ, REMOTE_HZ

_TALK_S = 3.0


@pytest.fixture
def sounds(folder, tones):
    """The options that make the phone play its tone and record the far side."""
    return "--play", tones[LOCAL_HZ], "--record", folder / "heard.wav"


def assert_sound_both_ways(folder, bob, seconds=_TALK_S):
    """Assert that each side recorded the other's tone, pure, for most of *seconds*."""
    recordings = {"phone": folder / "heard.wav", "baresip": bob.recording()}
    for side, frequency in (("phone", REMOTE_HZ), ("baresip", LOCAL_HZ)):
        heard = tone.measure(recordings[side], frequency)
        assert heard.purity > 0.9, (side, heard)
        assert heard.heard_s > seconds - 1.0, (side, heard)
        assert heard.gaps == 0, (side, heard)
        assert heard.blemishes <= heard.heard_s, (side, heard)  # at most one block in ten


def assert_recording_lasts(folder, ended):
    """Assert that the recording holds a sample every 125 us of the call, neither more nor less."""
    seconds = len(tone.read(folder / "heard.wav")) / tone.RATE_HZ
    assert abs(seconds - ended["duration_s"]) < 0.3, (seconds, ended)


def assert_media_flowed(door, call, seconds=_TALK_S):
    """Assert that the phone's own figures tell of a sound call of at least *seconds*."""
    stats = door.wait_event("media_stats", call=call)
    packets = (seconds - 0.5) * 50
    assert stats["sent"] > packets, stats
    assert stats["received"] > packets, stats
    assert stats["lost"] == 0, stats


def test_calls_baresip_and_hangs_up(phone, baresip, kamailio, sounds, folder):
    bob = baresip("bob")
    door = phone(*sounds)
    door.do("call", to=kamailio.uri("bob"))
    answered = door.wait_event("answered")
    assert answered["codec"] == "PCMU"
    call = answered["call"]
    bob.wait_event("CALL_ESTABLISHED")
    time.sleep(_TALK_S)
    door.do("hangup", call=call)
    ended = door.wait_event("ended", call=call)
    assert ended["by"] == "local"
    assert _TALK_S - 0.5 < ended["duration_s"] < _TALK_S + 3
    bob.wait_event("CALL_CLOSED")
    assert_media_flowed(door, call)
    assert door.quit() == 0
    assert_sound_both_ways(folder, bob)
    assert_recording_lasts(folder, ended)


def test_is_called_by_baresip_which_hangs_up(phone, baresip, kamailio, sounds, folder):
    bob = baresip("bob")
    door = phone("--answer", "auto", *sounds)
    bob.call("sip:door@usip.test")
    incoming = door.wait_event("incoming")
    call = incoming["call"]
    assert "sip:bob@usip.test" in incoming["from"]
    assert incoming["offer"] is True
    bob.wait_event("CALL_ESTABLISHED")
    door.wait_event("answered", call=call)
    time.sleep(_TALK_S)
    bob.hang_up()
    ended = door.wait_event("ended", call=call)
    assert ended["by"] == "remote"
    assert_media_flowed(door, call)
    assert door.quit() == 0
    assert_sound_both_ways(folder, bob)
    assert_recording_lasts(folder, ended)


def test_digits_go_both_ways_and_options_are_answered_during_a_call(
    phone, baresip, kamailio, sounds
):
    bob = baresip("bob")
    door = phone(*sounds)
    door.do("call", to="sip:bob@usip.test")  # found by the account's outbound proxy
    call = door.wait_event("answered")["call"]
    bob.wait_event("CALL_ESTABLISHED")
    door.do("dtmf", call=call, digits="15*#")
    bob.send_digits("5#90")
    door.child.wait_until(lambda: len(door.digits()) >= 4, 5, "not all digits heard")
    bob.child.wait_until(lambda: len(bob.digits()) >= 4, 5, "not all digits heard")
    response = sip.ask("OPTIONS", f"sip:door@127.0.0.1:{door.port}")
    assert response.startswith(b"SIP/2.0 200 "), response
    assert b"INVITE" in response
    time.sleep(0.5)
    assert door.digits() == "5#90"
    assert {event["via"] for event in door.events("dtmf")} == {"rfc4733"}
    assert bob.digits() == "15*#"
    bob.hang_up()
    assert door.wait_event("ended", call=call)["by"] == "remote"


def test_rings_is_answered_by_command_and_hangs_up_twice(phone, baresip, sounds):
    bob = baresip("bob")
    door = phone("--answer", "ring", *sounds)
    for count in (1, 2):
        bob.call("sip:door@usip.test")
        call = door.wait_event("incoming", count=count)["call"]
        bob.wait_event("CALL_RINGING", count=count)
        door.do("answer", call=call)
        door.wait_event("answered", call=call)
        bob.wait_event("CALL_ESTABLISHED", count=count)
        time.sleep(0.5)
        door.do("hangup", call=call)
        bob.wait_event("CALL_CLOSED", count=count)
        assert door.wait_event("ended", call=call)["by"] == "local"


def test_speaks_a_law_when_the_far_side_wants_it(phone, baresip, kamailio, sounds, folder):
    bob = baresip("bob", codecs="pcma")
    door = phone(*sounds)
    door.do("call", to=kamailio.uri("bob"))
    answered = door.wait_event("answered")
    assert answered["codec"] == "PCMA"
    time.sleep(2.0)
    door.do("hangup", call=answered["call"])
    bob.wait_event("CALL_CLOSED")
    assert door.quit() == 0
    assert_sound_both_ways(folder, bob, seconds=2.0)


def test_cancels_a_ringing_call(phone, baresip, kamailio):
    bob = baresip("bob", answer="manual")
    door = phone()
    door.do("call", to=kamailio.uri("bob"))
    call = door.wait_event("progress", status=180)["call"]
    bob.wait_event("CALL_INCOMING")
    door.do("hangup", call=call)
    ended = door.wait_event("ended", call=call)
    assert ended["by"] == "local"
    assert ended["status"] == 487
    bob.wait_event("CALL_CLOSED")


def test_a_caller_that_gives_up_stops_the_ringing(phone, baresip):
    bob = baresip("bob")
    door = phone("--answer", "ring")
    bob.call("sip:door@usip.test")
    call = door.wait_event("incoming")["call"]
    bob.wait_event("CALL_RINGING")
    bob.hang_up()
    ended = door.wait_event("ended", call=call)
    assert ended["by"] == "remote"
    assert not door.events("answered")


def test_refuses_as_told(phone, baresip):
    bob = baresip("bob")
    door = phone("--answer", "486")
    bob.call("sip:door@usip.test")
    assert bob.wait_event("CALL_CLOSED")["param"].startswith("486")
    assert door.wait_event("ended")["status"] == 486


def test_refusals_end_the_call_with_their_status(phone, kamailio):
    door = phone()
    for count, (user, status) in enumerate(
        (("486", 486), ("404", 404), ("503", 503), ("603", 603), ("nobody", 404)), 1
    ):
        door.do("call", to=kamailio.uri(user))
        ended = door.wait_event("ended", count=count)
        assert (ended["status"], ended["by"]) == (status, "remote")
    assert not door.events("answered")
    # Each refusal was acknowledged: one INVITE a call, a second one where it was challenged.
    assert kamailio.count("INVITE", "door") == 6
