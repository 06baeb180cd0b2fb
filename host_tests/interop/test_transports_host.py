"""TCP, keep-alives and outages at Kamailio."""

import time

from .kamailio import Kamailio
from .phone import Phone, account


def over_tcp(user, port, **changes):
    """Return an account that reaches the proxy on 127.0.0.1:port by TCP."""
    return account(user, port, transport="tcp", **changes)


def test_registers_and_calls_by_tcp(started, vm, kamailio):
    door = started(Phone, "door", vm, over_tcp("door", kamailio.port), "--answer", "auto")
    flat = started(Phone, "flat", vm, over_tcp("flat", kamailio.port))
    for phone, user in ((door, "door"), (flat, "flat")):
        phone.wait_event("registered")
        assert "transport=tcp" in kamailio.wait_registered(user)["Address"]
    flat.do("call", to="sip:door@usip.test")
    flat.wait_event("answered")
    door.wait_event("answered")
    door.wait_event("media")
    door.do("hangup", call=1)
    assert flat.wait_event("ended")["by"] == "remote"
    assert flat.quit() == 0
    kamailio.wait_unregistered("flat")


def test_one_by_tcp_and_one_by_udp_talk(started, vm, kamailio):
    door = started(Phone, "door", vm, over_tcp("door", kamailio.port), "--answer", "auto")
    flat = started(Phone, "flat", vm, account("flat", kamailio.port))
    door.wait_event("registered")
    flat.wait_event("registered")
    flat.do("call", to="sip:door@usip.test")
    flat.wait_event("answered")
    flat.do("hangup", call=1)
    door.wait_event("ended")


def test_a_restarted_registrar_is_noticed_by_its_connection(started, vm, kamailio):
    settings = over_tcp("door", kamailio.port, keep_alive="crlf", keep_alive_s=5, outbound=True)
    door = started(Phone, "door", vm, settings)
    door.wait_event("registered")
    port = kamailio.port
    kamailio.stop()
    again = started(Kamailio, "kamailio-again", port=port)
    again.wait_registered("door", timeout_s=10)
    assert door.wait_event("registered", count=2)["expires"] == 300


def test_a_registrar_that_is_away_is_noticed_by_options(started, vm, kamailio):
    settings = account("door", kamailio.port, keep_alive="options", keep_alive_s=5)
    door = started(Phone, "door", vm, settings)
    door.wait_event("registered")
    port = kamailio.port
    kamailio.stop()
    time.sleep(17)  # an OPTIONS in 5 s, the 10 s in which it may be answered, a REGISTER
    again = started(Kamailio, "kamailio-again", port=port)
    again.wait_registered("door", timeout_s=10)
