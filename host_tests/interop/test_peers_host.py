"""The rig itself: the peers understand each other, so a failure elsewhere is the phone's."""

import time

from . import tone
from .baresip import Baresip
from .sipp import SIPp
from .tone import LOCAL_HZ, REMOTE_HZ


def test_two_baresips_hear_each_other_through_kamailio(baresip, kamailio, tones):
    alice = baresip("alice", play=tones[LOCAL_HZ])
    bob = baresip("bob")
    alice.call(kamailio.uri("bob"))
    alice.wait_event("CALL_ESTABLISHED")
    bob.wait_event("CALL_ESTABLISHED")
    time.sleep(1.0)
    alice.send_digits("5#")
    bob.send_digits("1")
    time.sleep(1.0)
    alice.hang_up()
    bob.wait_event("CALL_CLOSED")
    assert bob.digits() == "5#"
    assert alice.digits() == "1"
    for listener, frequency in ((alice, REMOTE_HZ), (bob, LOCAL_HZ)):
        heard = tone.measure(listener.recording(), frequency)
        assert heard.purity > 0.9, (listener.user, heard)
        assert heard.heard_s > 1.5, (listener.user, heard)


def test_sipp_calls_baresip_and_baresip_calls_sipp(baresip, started):
    bob = baresip("bob")
    started(SIPp, "uac_call", "uac_call", ("127.0.0.1", bob.sip_port), service="bob").finish()
    bob.wait_event("CALL_CLOSED")
    waiting = started(SIPp, "uas_call", "uas_call")
    bob.call(f"sip:callee@127.0.0.1:{waiting.port}")
    bob.wait_event("CALL_ESTABLISHED", count=2)
    bob.hang_up()
    waiting.finish()


def test_sipp_cancels_sipp(started):
    waiting = started(SIPp, "uas_cancel", "uas_cancel")
    calling = started(SIPp, "uac_cancel", "uac_cancel", ("127.0.0.1", waiting.port))
    calling.finish()
    waiting.finish()


def test_baresips_call_each_other_through_a_relay_that_loses_every_tenth_datagram(
    lossy_kamailio, started, tones
):
    proxy, relay = lossy_kamailio
    alice = started(Baresip, "alice", relay, "alice", tones[LOCAL_HZ])
    bob = started(Baresip, "bob", relay, "bob", tones[REMOTE_HZ])
    for phone in (alice, bob):
        proxy.wait_registered(phone.user, timeout_s=20)
    alice.call(f"sip:bob@127.0.0.1:{relay.port}")
    alice.wait_event("CALL_ESTABLISHED", timeout_s=30)
    bob.wait_event("CALL_ESTABLISHED", timeout_s=30)
    alice.hang_up()
    bob.wait_event("CALL_CLOSED", timeout_s=30)
    assert sum(relay.lost) > 0
