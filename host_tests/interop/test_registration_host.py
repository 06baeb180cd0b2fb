"""The phone registers at Kamailio: digest, refresh, refusal, removal."""

import time

from .kamailio import Kamailio
from .phone import Phone, account

AOR = "sip:door@usip.test"


def test_registers_with_digest_unregisters_and_registers_again(phone, kamailio):
    door = phone()
    registered = door.wait_event("registered")
    assert registered["aor"] == AOR
    assert registered["expires"] == 300
    assert f"127.0.0.1:{door.port}" in registered["contact"]
    assert f"127.0.0.1:{door.port}" in kamailio.wait_registered("door")["Address"]
    door.do("unregister")
    assert door.wait_event("unregistered")["aor"] == AOR
    kamailio.wait_unregistered("door")
    door.do("register")
    door.wait_event("registered", count=2)
    kamailio.wait_registered("door")
    assert kamailio.count("REGISTER", "door") <= 6  # each of the three challenged at most once


def test_quitting_removes_the_binding(phone, kamailio):
    door = phone()
    assert door.quit() == 0
    kamailio.wait_unregistered("door", timeout_s=1)


def test_a_terminated_phone_removes_its_binding(phone, kamailio):
    door = phone()
    door.terminate()
    kamailio.wait_unregistered("door", timeout_s=1)


def test_registers_with_a_challenge_without_qop_and_without_outbound_proxy(phone, kamailio):
    phone(
        user="plaindoor",
        aor=f"sip:plaindoor@127.0.0.1:{kamailio.port}",
        outbound_proxy=None,
    )
    kamailio.wait_registered("plaindoor")
    assert kamailio.count("REGISTER", "plaindoor") == 2


def test_refreshes_before_the_granted_expiry_and_with_stale_nonces(started, vm):
    # Granted are 6 s, not the 300 asked for; a nonce lives 3 s, so each refresh meets stale=true.
    registrar = started(Kamailio, "kamailio", max_expires=6, nonce_expire=3)
    door = started(Phone, "phone", vm, account("door", registrar.port))
    assert door.wait_event("registered")["expires"] == 6
    first = registrar.wait_registered("door")
    refreshed = first
    for _ in range(2):
        before = refreshed["CSeq"]
        deadline = time.monotonic() + 6
        while refreshed["CSeq"] == before:
            assert time.monotonic() < deadline, "no refresh within the granted expiry"
            time.sleep(0.1)
            refreshed = registrar.wait_registered("door", timeout_s=0)
    assert refreshed["Call-ID"] == first["Call-ID"]  # RFC 3261 10.2.4
    assert refreshed["Address"] == first["Address"]
    assert not door.events("registration_failed")


def test_asks_for_longer_when_the_interval_is_too_brief(started, vm):
    registrar = started(Kamailio, "kamailio", min_expires=120)
    door = started(Phone, "phone", vm, account("door", registrar.port, expires=60))
    assert door.wait_event("registered")["expires"] == 120
    registrar.wait_registered("door")


def test_a_wrong_password_fails_and_does_not_storm(started, kamailio, vm):
    settings = account("door", kamailio.port, password="wrong")
    door = started(Phone, "phone", vm, settings)
    failed = door.wait_event("registration_failed")
    assert failed["aor"] == AOR
    assert failed["status"] in (401, 403)
    assert failed["retry_in"] > 1
    time.sleep(1)
    assert kamailio.count("REGISTER", "door") <= 3
    assert not kamailio.contacts("door")
    assert door.quit() == 0
