"""Registration and calls while every tenth datagram of the signalling is lost, each way."""

from .baresip import Baresip
from .phone import Phone, account
from .tone import REMOTE_HZ


def test_registers_calls_and_is_called_under_ten_percent_loss(lossy_kamailio, started, tones, vm):
    proxy, relay = lossy_kamailio
    bob = started(Baresip, "bob", relay, "bob", tones[REMOTE_HZ])
    door = started(Phone, "phone", vm, account("door", relay.port), "--answer", "auto")
    door.wait_event("registered", timeout_s=32)
    proxy.wait_registered("bob", timeout_s=20)

    door.do("call", to=f"sip:bob@127.0.0.1:{relay.port}")
    call = door.wait_event("answered", timeout_s=32)["call"]
    bob.wait_event("CALL_ESTABLISHED", timeout_s=32)
    door.do("hangup", call=call)
    door.wait_event("ended", timeout_s=32, call=call, by="local")
    bob.wait_event("CALL_CLOSED", timeout_s=32)

    bob.call("sip:door@usip.test")
    call = door.wait_event("incoming", timeout_s=32)["call"]
    bob.wait_event("CALL_ESTABLISHED", timeout_s=32, count=2)
    bob.hang_up()
    door.wait_event("ended", timeout_s=32, call=call, by="remote")
    assert sum(relay.lost) > 0
    assert door.quit() == 0
