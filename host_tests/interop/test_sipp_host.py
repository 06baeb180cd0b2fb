"""SIPp's scenarios with the phone: register, call and cancel, each side in each part."""

from .phone import Phone, account
from .sipp import SIPp


def test_registers_at_sipp_and_takes_the_expiry_of_its_own_contact(started, vm):
    registrar = started(SIPp, "registrar", "registrar")
    door = started(Phone, "phone", vm, account("door", registrar.port))
    assert door.wait_event("registered")["expires"] == 120
    door.do("unregister")
    door.wait_event("unregistered")
    registrar.finish()


def unregistered_phone(started, vm, *options):
    """Return a phone that registers nowhere and is called by its address."""
    return started(Phone, "phone", vm, account("door", 9), "--no-register", *options)


def test_sipp_calls_the_phone_three_times(started, vm):
    door = unregistered_phone(started, vm, "--answer", "auto")
    started(SIPp, "caller", "uac_call", ("127.0.0.1", door.port), calls=3).finish()
    assert [ended["by"] for ended in door.events("ended")] == ["remote"] * 3


def test_sipp_cancels_a_call_to_the_phone(started, vm):
    door = unregistered_phone(started, vm, "--answer", "ring")
    started(SIPp, "caller", "uac_cancel", ("127.0.0.1", door.port)).finish()
    assert door.wait_event("ended")["by"] == "remote"


def test_the_phone_calls_sipp(started, vm):
    callee = started(SIPp, "callee", "uas_call")
    settings = account("door", callee.port)
    door = started(Phone, "phone", vm, settings, "--no-register")
    door.do("call", to=f"sip:callee@127.0.0.1:{callee.port}")
    call = door.wait_event("answered")["call"]
    door.do("hangup", call=call)
    door.wait_event("ended", call=call, by="local")
    callee.finish()


def test_the_phone_cancels_a_call_to_sipp(started, vm):
    callee = started(SIPp, "callee", "uas_cancel")
    settings = account("door", callee.port, outbound_proxy=None)
    door = started(Phone, "phone", vm, settings, "--no-register")
    door.do("call", to=f"sip:callee@127.0.0.1:{callee.port}")
    call = door.wait_event("progress", status=180)["call"]
    door.do("hangup", call=call)
    assert door.wait_event("ended", call=call)["status"] == 487
    callee.finish()
