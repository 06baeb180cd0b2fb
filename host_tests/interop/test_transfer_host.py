"""Transfers among the phone and two baresips behind Kamailio, in both directions."""

import pytest


@pytest.fixture(params=["cpython", "micropython"])
def vm(request):
    """As the others' but with room for two calls at once beside the phone program."""
    words = ("--vm", request.param)
    return words + ("--heap", "128k") if request.param == "micropython" else words


def test_follows_the_transfer_of_baresip(phone, baresip, kamailio):
    bob = baresip("bob")
    carol = baresip("carol")
    door = phone()
    door.do("call", to=kamailio.uri("bob"))
    door.wait_event("answered")
    bob.wait_event("CALL_ESTABLISHED")
    bob.command("transfer", kamailio.uri("carol"))
    asked = door.wait_event("transfer")
    assert asked["to"] == kamailio.uri("carol"), asked
    second = door.wait_event("answered", count=2)["call"]
    carol.wait_event("CALL_ESTABLISHED")
    bob.wait_event("CALL_CLOSED")
    door.do("hangup", call=second)
    carol.wait_event("CALL_CLOSED")
    assert door.quit() == 0


def test_tells_baresip_that_its_target_is_nobody(phone, baresip, kamailio):
    bob = baresip("bob")
    door = phone()
    door.do("call", to=kamailio.uri("bob"))
    first = door.wait_event("answered")["call"]
    bob.wait_event("CALL_ESTABLISHED")
    bob.command("transfer", kamailio.uri("404"))
    door.wait_event("ended", status=404)
    bob.wait_event("TRANSFER_FAILED")
    door.wait_event("ended", call=first, by="remote")  # as baresip does then
    assert door.quit() == 0


def test_transfers_baresip_to_another(phone, baresip, kamailio):
    bob = baresip("bob")
    carol = baresip("carol")
    door = phone()
    door.do("call", to=kamailio.uri("bob"))
    call = door.wait_event("answered")["call"]
    bob.wait_event("CALL_ESTABLISHED")
    door.do("transfer", call=call, to=kamailio.uri("carol"))
    carol.wait_event("CALL_ESTABLISHED")
    door.wait_event("ended", call=call, by="local")
    assert door.wait_event("transfer", status=200)["to"] == kamailio.uri("carol")
    assert not carol.find_events("CALL_CLOSED")
    assert door.quit() == 0


def test_connects_two_baresips_it_talks_to(phone, baresip, kamailio):
    baresip("bob")
    carol = baresip("carol")
    door = phone()
    calls = []
    for far in ("bob", "carol"):
        door.do("call", to=kamailio.uri(far))
        calls.append(door.wait_event("answered", count=len(calls) + 1)["call"])
    door.do("hold", call=calls[0])
    door.wait_event("media", call=calls[0], direction="sendonly")
    door.do("transfer", call=calls[0], to_call=calls[1])
    # baresip knows no Replaces: the new call is one more to carol, who takes it all the same
    door.wait_event("transfer", status=200)
    carol.wait_event("CALL_ESTABLISHED", count=2)
    door.wait_event("ended", call=calls[0], by="local")
    assert door.quit() == 0
