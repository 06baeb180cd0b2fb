"""Registrations against a registrar that shares no code with the library."""

from host_tests.fakes.link import Link
from host_tests.fakes.registrar import Registrar
from usip import core
from usip.sip.registration import Account, refresh_after_s


def registered(**settings):
    """Return (link, phone, registrar, account) after a first REGISTER."""
    password = settings.pop("password", b"secret")
    expires_s = settings.pop("expires_s", 300)
    link = Link()
    phone = link.add("192.0.2.1")
    registrar = Registrar(link, "192.0.2.10", {"alice": "secret"})
    for name in settings:
        setattr(registrar, name, settings[name])
    link.endpoints.append(registrar)
    account = Account(
        b"sip:alice@usip.test",
        b"sip:usip.test",
        password=password,
        destination=("udp", "192.0.2.10", 5060),
        expires_s=expires_s,
    )
    phone.core.add_account(account)
    phone.core.register(account, link.now_ms)
    link.run(1000)
    return link, phone, registrar, account


def test_a_challenge_is_answered_with_and_without_qop():
    for qop in ("auth", "auth-int", "auth,auth-int", ""):
        for algorithms in (("MD5",), ("",), ("SHA-256", "MD5"), ("X", "MD5")):
            link, phone, registrar, account = registered(qop=qop, algorithms=algorithms)
            assert registrar.log == [401, 200], (qop, algorithms, registrar.log)
            assert phone.events == [core.REGISTERED]
            assert account.registration.expires_s == 300


def test_session_keys_are_used_when_asked_for():
    link, phone, registrar, account = registered(algorithms=("MD5-sess",))
    assert registrar.log == [401, 200]


def test_the_next_nonce_is_used_without_another_challenge():
    link, phone, registrar, account = registered(next_nonce="n9")
    link.run(300000)
    assert registrar.log == [401, 200, 200], registrar.log
    assert 'nonce="n9"' in registrar.requests[2][1]["authorization"][0]
    assert "nc=00000001" in registrar.requests[2][1]["authorization"][0]


def test_a_proxy_may_challenge_too():
    link, phone, registrar, account = registered(proxy=True)
    assert registrar.log == [407, 200]


def test_the_refresh_keeps_call_id_and_nonce_and_counts():
    link, phone, registrar, account = registered()
    link.run(300000)
    assert registrar.log == [401, 200, 200], registrar.log
    calls = [fields["call-id"][0] for _, fields in registrar.requests]
    assert calls[0] == calls[1] == calls[2]
    assert [fields["cseq"][0] for _, fields in registrar.requests] == [
        "1 REGISTER",
        "2 REGISTER",
        "3 REGISTER",
    ]
    assert "nc=00000002" in registrar.requests[2][1]["authorization"][0]


def test_fritzbox_changes_the_nonce_without_stale():
    link, phone, registrar, account = registered(say_stale=False)
    registrar.nonces = ["n2"]
    link.run(300000)
    assert registrar.log == [401, 200, 401, 200], registrar.log
    assert "nc=00000001" in registrar.requests[3][1]["authorization"][0]


def test_a_wrong_password_fails_once_and_backs_off():
    link, phone, registrar, account = registered(password=b"wrong")
    assert registrar.log == [401, 401]
    assert phone.events == [core.REGISTRATION_FAILED]
    assert account.registration.status == 401
    assert account.registration.retry_in_s == 5
    link.run(60000)
    assert len(registrar.log) <= 10


def test_the_expiry_granted_to_our_own_contact_counts():
    others = "<sip:alice@192.0.2.77:5060>;expires=7, <sip:bob@192.0.2.1:5060>;expires=9, "
    link, phone, registrar, account = registered(other_contacts=others, granted=120)
    assert account.registration.expires_s == 120
    link.run(81000)
    assert len(registrar.log) == 3


def test_an_interval_too_brief_is_lengthened():
    link, phone, registrar, account = registered(expires_s=60, min_expires=600)
    assert registrar.log == [401, 423, 200]
    assert account.registration.expires_s == 600


def test_unregistering_removes_the_binding():
    link, phone, registrar, account = registered()
    assert len(registrar.bindings) == 1
    phone.core.unregister(account, link.now_ms)
    link.run(1000)
    assert not registrar.bindings
    assert phone.events == [core.REGISTERED, core.UNREGISTERED]
    link.run(900000)
    assert len(registrar.log) == 3


def test_a_silent_registrar_is_tried_again_and_found_soon_after_its_return():
    link, phone, registrar, account = registered()
    registrar.is_up = False
    link.run(600000)
    assert account.registration.state != 2
    registrar.is_up = True
    link.run(10000)
    assert account.registration.state == 2


def test_retry_after_is_obeyed():
    link, phone, registrar, account = registered(override=(503, ["Retry-After: 90 (busy)"]))
    assert account.registration.retry_in_s == 90
    link.run(60000)
    assert registrar.log == [503]
    registrar.override = None
    link.run(40000)
    assert account.registration.state == 2


def test_refreshes_come_well_before_the_expiry():
    for expires_s in (1, 20, 60, 90, 300, 3600, 600000, 1 << 29):
        after_s = refresh_after_s(expires_s)
        assert 1 <= after_s <= max(1, expires_s - 40, expires_s // 2)
        assert after_s * 1000 < 1 << 29
