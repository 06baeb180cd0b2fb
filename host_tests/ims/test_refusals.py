"""What a broken or hostile network sends: each refused with an event that says why."""

from binascii import b2a_base64

from host_tests.fakes.cscf import HOST, REALM, ROUTE
from host_tests.ims.test_account import network, registers
from usip import core

MALLORY = "<sip:mallory@192.0.2.66>;expires=3600"


def refused(reason, **script):
    """Register at a network that does as scripted; return what REGISTERs came there."""
    link, phone, cscf, one = network(script)
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert phone.events == [core.REGISTRATION_FAILED], (phone.events, cscf.log)
    assert one.registration.reason == reason, one.registration.reason
    assert one.registration.retry_in_s > 0 and one.registration.associated == []
    count = len(cscf.requests)
    assert count <= 4
    link.run(20000)  # it does not hammer
    assert len(cscf.requests) == count
    return registers(cscf)


def challenges(nonce, realm=REALM):
    """Return what makes a network challenge with *nonce*, again and again."""
    line = 'WWW-Authenticate: Digest realm="%s",nonce="%s",algorithm=AKAv1-MD5,qop="auth"'
    return {"override": [(401, [line % (realm, nonce)])] * 5}


def encoded(octets):
    return b2a_base64(octets).rstrip().decode()


def test_a_truncated_autn():
    sent = refused(b"Challenged Too Often", **challenges(encoded(bytes(31))))
    assert len(sent) == 3 and 'response=""' in sent[1]["authorization"][0]
    assert "auts" not in sent[1]["authorization"][0]


def test_an_oversized_autn():
    refused(b"Challenged Too Often", **challenges(encoded(bytes(200))))


def test_a_nonce_longer_than_a_request_can_repeat():
    refused(b"Credentials Too Long", **challenges(encoded(bytes(380))))
    refused(b"Credentials Too Long", **challenges("A" * 1400))


def test_wrong_base64():
    for nonce in ("*" * 44, "A" * 43, "AAAA=" * 9, encoded(bytes(32))[:-1] + "!"):
        refused(b"Challenged Too Often", **challenges(nonce))


def test_a_foreign_realm():
    sent = refused(b"Foreign Realm", **challenges(encoded(bytes(32)), "ims.example"))
    assert len(sent) == 1


def test_a_sequence_number_out_of_range():
    """Too far ahead (TS 33.102 C.2.1): AUTS tells ours, and a network that ignores it is left."""
    link, phone, cscf, one = network()
    phone.core.register(one, link.now_ms)
    link.run(1000)
    cscf.challenge_at = None
    phone.core.unregister(one, link.now_ms)
    link.run(1000)
    phone.events.clear()
    cscf.requests.clear()
    original = cscf.is_right

    def ignores_auts(uri, given):
        was = cscf.sqn
        right = original(uri, given)
        cscf.sqn = was
        return right

    cscf.is_right = ignores_auts
    cscf.sqn = 1 << 46
    cscf.challenge_at = None
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert phone.events == [core.REGISTRATION_FAILED]
    assert one.registration.reason == b"Challenged Too Often"
    assert "auts=" in registers(cscf)[1]["authorization"][0] and len(registers(cscf)) == 3


def test_a_network_that_challenges_for_ever():
    sent = refused(b"Challenged Too Often", challenges_for_ever=True)
    assert len(sent) == 3


def test_a_wrong_mac():
    refused(b"Challenged Too Often", breaks_mac=True)


def test_a_200_with_other_peoples_contacts():
    refused(b"Our Contact Is Not Registered", contacts=MALLORY)


def test_a_200_that_grants_nothing():
    refused(b"Our Contact Is Not Registered", granted=0)


def test_a_service_route_that_loops():
    refused(b"Service-Route Loops", routes=[ROUTE, ROUTE])
    refused(b"Service-Route Loops", routes=["<sip:192.0.2.1;lr>", ROUTE, "<sip:192.0.2.1:5060>"])
    refused(b"Service-Route Loops", routes=["<sip:hop%d.example;lr>" % i for i in range(9)])


def test_a_challenge_of_no_algorithm_of_ours():
    line = 'WWW-Authenticate: Digest realm="%s",nonce="n",algorithm=SHA-512' % REALM
    refused(b"No Challenge We Can Answer", override=[(401, [line])] * 2)


def test_what_is_refused_leaves_the_next_attempt_free():
    link, phone, cscf, one = network({"routes": [ROUTE, ROUTE]})
    phone.core.register(one, link.now_ms)
    link.run(1000)
    cscf.routes = [ROUTE]
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert phone.events[-1] == core.REGISTERED or core.REGISTERED in phone.events
    assert one.route == b"<sip:%s:5060;lr>, %s" % (HOST.encode(), ROUTE.encode())
