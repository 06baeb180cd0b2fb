"""An IMS account on the virtual link: registration, what its requests carry, who finds it."""

from host_tests.fakes.cscf import CSCF, HOST, IMPI, IMPU, OPC, REALM, ROUTE, SIP_NUMBER, TEL, K
from host_tests.fakes.link import Link, Media
from usip import core
from usip.ims import milenage
from usip.ims.account import IMSAccount
from usip.ims.isim import SoftISIM
from usip.ims.profile import Profile
from usip.sip.registration import Account

INSTANCE = b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
OWN = b"192.0.2.1"
FAILED = 4


class Later:
    """A card that answers when it is asked for the third time."""

    def __init__(self, card):
        self.card = card
        self.impi = card.impi
        self.asked = 0

    def authenticate(self, rand, autn):
        self.result = self.card.authenticate(rand, autn)
        self.asked = 0
        return 4

    def poll(self, now_ms):
        self.asked += 1
        return 4 if self.asked < 3 else self.result

    def __getattr__(self, name):
        return getattr(self.card, name)


def opener(card):
    return lambda: card


def account(**changes):
    is_tls = changes.get("protocol") == "tls"
    settings = {
        "aor": IMPU.encode(),
        "impi": IMPI.encode(),
        "domain": REALM.encode(),
        "cscfs": [(HOST, 5060)],
        "profile": Profile(INSTANCE, bssid=b"\x02\x00\x00\x00\x00\x01", is_tls=is_tls),
        "open_card": opener(SoftISIM(IMPI.encode(), K, OPC)),
        "instance": INSTANCE,
    }
    settings.update(changes)
    return IMSAccount(**settings)


def network(script=None, **changes):
    """Return (link, phone, network, account) with the network as *script* sets it."""
    link = Link()
    phone = link.add("192.0.2.1")
    cscf = CSCF(link)
    for name in script or {}:
        setattr(cscf, name, script[name])
    link.endpoints.append(cscf)
    one = account(**changes)
    phone.core.add_account(one)
    return link, phone, cscf, one


def registered(script=None, **changes):
    link, phone, cscf, one = network(script, **changes)
    phone.core.register(one, link.now_ms)
    link.run(1000)
    return link, phone, cscf, one


def registers(cscf):
    return [fields for start, fields in cscf.requests if start.startswith("REGISTER")]


def only(cscf, method):
    return [fields for start, fields in cscf.requests if start.startswith(method + " ")]


# -- registration


def test_the_first_register_names_us_and_proves_nothing():
    link, phone, cscf, one = registered()
    start, fields = cscf.requests[0]
    assert start == "REGISTER sip:%s SIP/2.0" % REALM
    assert fields["authorization"] == [
        'Digest username="%s",realm="%s",uri="sip:%s",nonce="",response=""' % (IMPI, REALM, REALM)
    ]
    assert fields["to"] == ["<%s>" % IMPU] and fields["from"][0].startswith("<%s>;tag=" % IMPU)
    assert fields["expires"] == ["600000"] and "route" not in fields
    assert "path" in fields["supported"]
    contact = fields["contact"][0]
    assert ';+sip.instance="<%s>"' % INSTANCE.decode() in contact
    assert '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"' in contact
    assert fields["p-access-network-info"] == ["IEEE-802.11;i-wlan-node-id=020000000001"]
    assert "p-preferred-identity" not in fields and "security-client" not in fields


def test_akav1_and_akav2_challenges_are_answered():
    for algorithm in ("AKAv1-MD5", "AKAv2-MD5"):
        link, phone, cscf, one = registered({"algorithm": algorithm})
        assert cscf.log[:2] == [401, 200], (algorithm, cscf.log)
        assert phone.events[0] == core.REGISTERED
        assert one.registration.expires_s == 3600


def test_digest_with_a_password_is_the_fallback():
    for algorithm in ("SHA-256", "MD5"):
        script = {"algorithm": algorithm}
        link, phone, cscf, one = registered(script, open_card=None, password=b"secret")
        assert cscf.log[:2] == [401, 200], (algorithm, cscf.log)


def test_without_card_and_password_the_network_knows_our_address():
    link, phone, cscf, one = registered({"asks_nobody": True}, open_card=None)
    assert cscf.log[0] == 200 and "authorization" not in registers(cscf)[0]
    assert phone.events[0] == core.REGISTERED


def test_a_sequence_number_used_before_is_resynchronised():
    link, phone, cscf, one = registered()
    cscf.sqn = 0
    cscf.challenge_at = None
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert cscf.log[3:] == [401, 401, 200], cscf.log
    assert cscf.resynchronised == 1 and phone.count(core.REGISTRATION_FAILED) == 0
    calls = [fields["call-id"][0] for fields in registers(cscf)]
    assert calls == calls[:1] * len(calls)


def test_two_wrong_macs_are_answered_and_no_third():
    link, phone, cscf, one = registered({"breaks_mac": True})
    assert cscf.log == [401, 401, 401]
    for fields in registers(cscf)[1:]:
        value = fields["authorization"][0]
        assert 'response=""' in value and "auts" not in value and 'nonce=""' not in value
    assert phone.events == [core.REGISTRATION_FAILED]
    assert one.registration.reason == b"Challenged Too Often"
    assert one.registration.retry_in_s == 300


def test_a_network_that_challenges_for_ever_is_left():
    link, phone, cscf, one = registered({"challenges_for_ever": True})
    assert cscf.log == [401, 401, 401]
    assert one.registration.reason == b"Challenged Too Often"


def test_a_foreign_realm_is_not_answered():
    link, phone, cscf, one = registered({"realm": "other.example"})
    assert cscf.log == [401] and one.registration.reason == b"Foreign Realm"


def test_a_nonce_that_is_none_is_a_wrong_mac():
    link, phone, cscf, one = network()
    for nonce in ("short", "!" * 44, "A" * 600):
        lines = [
            'WWW-Authenticate: Digest realm="%s",nonce="%s",algorithm=AKAv1-MD5' % (REALM, nonce)
        ]
        cscf.override += [(401, lines)] * 3
        cscf.requests.clear()
        phone.core.register(one, link.now_ms)
        link.run(1000)
        if len(nonce) < 512:
            assert 'nonce="%s",response=""' % nonce in cscf.requests[1][1]["authorization"][0]
        assert one.registration.state == FAILED
        cscf.override.clear()
        phone.core.unregister(one, link.now_ms)


def test_403_is_final_for_a_while():
    link, phone, cscf, one = registered({"override": [(403, [])]})
    assert one.registration.status == 403 and one.registration.retry_in_s == 300
    link.run(200000)
    assert len(registers(cscf)) == 1


def test_a_card_in_a_modem_may_take_its_time():
    card = Later(SoftISIM(IMPI.encode(), K, OPC))
    link, phone, cscf, one = registered(open_card=opener(card))
    assert cscf.log[:2] == [401, 200] and card.asked == 3


def test_the_time_of_the_next_register_is_that_of_ts_24_229():
    for granted, after in ((3600, 3000), (1201, 601), (1200, 600), (61, 30)):
        link, phone, cscf, one = registered({"granted": granted})
        count = len(registers(cscf))
        link.run(after * 1000 - 2500)
        assert len(registers(cscf)) == count, granted
        link.run(2500)
        assert len(registers(cscf)) > count, granted


def test_our_own_contact_is_known_by_its_instance():
    ours = '<sip:elsewhere@192.0.2.1>;expires=50;+sip.instance="<%s>"' % INSTANCE.decode()
    link, phone, cscf, one = registered({"contacts": "<sip:x@192.0.2.7>;expires=9, " + ours})
    assert one.registration.expires_s == 50


def test_a_200_with_other_peoples_contacts_alone_is_no_registration():
    link, phone, cscf, one = registered({"contacts": "<sip:mallory@192.0.2.66>;expires=3600"})
    assert phone.events == [core.REGISTRATION_FAILED]
    assert one.registration.reason == b"Our Contact Is Not Registered"
    assert one.registration.associated == []


def test_a_service_route_that_loops_is_refused():
    for routes in (
        [ROUTE, ROUTE],
        ["<sip:x@192.0.2.1:5060;lr>"],
        ["<sip:192.0.2.1:5060;lr>"],
        ["<sip:r%d;lr>" % i for i in range(9)],
    ):
        link, phone, cscf, one = registered({"routes": routes})
        assert phone.events == [core.REGISTRATION_FAILED], routes
        assert one.registration.reason == b"Service-Route Loops"


def test_the_implicit_set_is_ours_with_its_default_identity_first():
    link, phone, cscf, one = registered()
    assert one.registration.associated == [IMPU.encode(), TEL.encode(), SIP_NUMBER.encode()]
    assert one.identity == IMPU.encode()
    link, phone, cscf, one = registered({"associated": ["<%s>, <%s>" % (TEL, IMPU)]})
    assert one.identity == TEL.encode()
    link, phone, cscf, one = registered(preferred=b"tel:+1-555-010-0001")
    assert one.identity == TEL.encode()


def test_deregistration_is_challenged_too():
    link, phone, cscf, one = registered()
    cscf.challenge_at = None
    phone.core.unregister(one, link.now_ms)
    link.run(1000)
    assert cscf.log[-2:] == [401, 200]
    assert registers(cscf)[-1]["expires"] == ["0"]
    assert phone.count(core.UNREGISTERED) == 1
    assert one.registration.associated == [] and phone.core.usages == []


def test_another_p_cscf_is_tried_when_the_first_does_not_answer():
    link, phone, cscf, one = network(cscfs=[("192.0.2.9", 0), (HOST, 5060)])
    phone.core.register(one, link.now_ms)
    link.run(40000)
    assert cscf.log[:2] == [401, 200]
    assert one.route.startswith(b"<sip:192.0.2.10:5060;lr>, ")


def test_further_identities_are_registered_unless_they_are_ours_already():
    other = b"sip:other@" + REALM.encode()
    link, phone, cscf, one = registered(further=(TEL.encode(), other))
    assert [a.aor for a in phone.core.accounts] == [IMPU.encode(), other]
    assert phone.count(core.REGISTERED) == 2
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert len(phone.core.accounts) == 2


# -- security agreement


def test_over_tls_the_security_agreement_is_echoed_as_it_came():
    server = "tls;q=0.2, ipsec-3gpp;alg=hmac-sha-1-96 ;q=0.1"
    link, phone, cscf, one = network(protocol="tls")
    cscf.extra = [
        "Security-Server: tls;q=0.2",
        "Security-Server: ipsec-3gpp;alg=hmac-sha-1-96 ;q=0.1",
    ]
    phone.core.register(one, link.now_ms)
    link.run(1000)
    first, second = registers(cscf)
    assert first["security-client"] == ["tls"] and "security-verify" not in first
    assert "sec-agree" in first["require"] and "sec-agree" in first["proxy-require"]
    assert second["security-verify"] == [server]
    phone.core.invite(one, TEL.encode(), Media("alice"), link.now_ms)
    link.run(100)
    assert only(cscf, "INVITE")[0]["security-verify"] == [server]


def test_421_and_494_bring_the_agreement_once():
    for status in (421, 494):
        link, phone, cscf, one = network(protocol="tls")
        cscf.override = [(status, ["Require: sec-agree", "Security-Server: tls;q=0.3"])]
        phone.core.register(one, link.now_ms)
        link.run(1000)
        assert cscf.log[:3] == [status, 401, 200]
        assert registers(cscf)[1]["security-verify"] == ["tls;q=0.3"]
        link, phone, cscf, one = network(protocol="tls")
        cscf.override = [(status, ["Security-Server: tls"])] * 3
        phone.core.register(one, link.now_ms)
        link.run(1000)
        assert cscf.log == [status, status] and one.registration.status == status


def test_without_tls_nothing_can_be_agreed():
    link, phone, cscf, one = registered({"override": [(421, ["Security-Server: ipsec-3gpp"])]})
    assert cscf.log == [421] and one.registration.status == 421


# -- the reg event

DOCUMENT = b'<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="%d" state="%s">%s</reginfo>'
ENTRY = (
    b'<registration aor="%s" id="a" state="%s"><contact id="c" state="%s" event="%s"%s>'
    b"<uri>sip:001010000000001@192.0.2.1:5060</uri></contact></registration>"
)


def reginfo(version, state, event, more=b"", uris=(IMPU, TEL, SIP_NUMBER)):
    entries = b"".join([ENTRY % (uri.encode(), state, state, event, more) for uri in uris])
    return DOCUMENT % (version, b"full", entries)


def watched(**changes):
    script = {"document": reginfo(0, b"active", b"registered")}
    return registered(script, **changes)


def test_the_reg_event_is_subscribed_to_by_the_service_route():
    link, phone, cscf, one = watched()
    start, fields = [r for r in cscf.requests if r[0].startswith("SUBSCRIBE")][0]
    assert start == "SUBSCRIBE %s SIP/2.0" % IMPU
    assert fields["route"] == ["<sip:%s:5060;lr>, %s" % (HOST, ROUTE)]
    assert fields["event"] == ["reg"] and fields["expires"] == ["600000"]
    assert fields["accept"] == ["application/reginfo+xml"]
    assert fields["p-preferred-identity"] == ["<%s>" % IMPU]
    assert cscf.responses[-1][0] == "SIP/2.0 200 OK"
    assert cscf.responses[-1][1]["p-access-network-info"]
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert len(only(cscf, "SUBSCRIBE")) == 1


def test_the_network_may_end_a_registration():
    link, phone, cscf, one = watched()
    cscf.notify(reginfo(1, b"terminated", b"rejected"), "terminated;reason=rejected")
    link.run(600000)
    assert phone.count(core.UNREGISTERED) == 1 and one.registration.state == 0
    assert one.registration.associated == [] and len(registers(cscf)) == 2
    assert phone.core.usages == []


def test_the_network_may_want_a_new_registration():
    link, phone, cscf, one = watched()
    cscf.challenge_at = None
    cscf.notify(reginfo(1, b"terminated", b"deactivated"))
    cscf.document = reginfo(0, b"active", b"registered")
    link.run(1000)
    assert phone.count(core.UNREGISTERED) == 1 and phone.count(core.REGISTERED) == 2
    assert 'nonce=""' in registers(cscf)[2]["authorization"][0]
    assert len(only(cscf, "SUBSCRIBE")) == 2


def test_the_network_may_want_one_later():
    link, phone, cscf, one = watched()
    cscf.notify(reginfo(1, b"terminated", b"probation", b' retry-after="90"'))
    link.run(1000)
    assert one.registration.retry_in_s == 90 and one.registration.state == FAILED
    link.run(80000)
    assert len(registers(cscf)) == 2
    link.run(10000)
    assert len(registers(cscf)) > 2


def test_the_network_may_want_to_see_our_credentials_soon():
    link, phone, cscf, one = watched()
    cscf.notify(reginfo(1, b"active", b"shortened", b' expires="60"'))
    link.run(25000)
    assert len(registers(cscf)) == 2
    link.run(6000)
    assert len(registers(cscf)) == 3


def test_a_single_identity_may_end():
    link, phone, cscf, one = watched()
    cscf.notify(reginfo(1, b"terminated", b"rejected", uris=(IMPU,)))
    link.run(1000)
    assert one.registration.associated == [TEL.encode(), SIP_NUMBER.encode()]
    assert one.identity == TEL.encode() and phone.count(core.REGISTERED) == 2


def test_a_network_without_reg_event_is_not_asked_again():
    link, phone, cscf, one = network()
    cscf.override = []
    phone.core.register(one, link.now_ms)
    link.run(25)
    cscf.algorithm = "AKAv1-MD5"
    link.run(15)
    cscf.override = [(489, [])]
    link.run(1000)
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert len(only(cscf, "SUBSCRIBE")) == 1


# -- requests


def test_a_request_says_who_wants_what_from_where():
    link, phone, cscf, one = registered()
    phone.core.invite(one, b"tel:+15550100002", Media("alice"), link.now_ms)
    link.run(100)
    start, fields = [r for r in cscf.requests if r[0].startswith("INVITE")][0]
    assert start == "INVITE tel:+15550100002 SIP/2.0"
    assert fields["route"] == ["<sip:%s:5060;lr>, %s" % (HOST, ROUTE)]
    assert fields["p-preferred-identity"] == ["<%s>" % IMPU]
    assert fields["p-preferred-service"] == ["urn:urn-7:3gpp-service.ims.icsi.mmtel"]
    assert fields["accept-contact"][0].startswith('*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A')
    assert fields["p-access-network-info"] == ["IEEE-802.11;i-wlan-node-id=020000000001"]
    assert "precondition" in fields["supported"][0]
    assert "authorization" not in fields and "p-asserted-identity" not in fields
    assert "+g.3gpp.icsi-ref=" in fields["contact"][0]
    ack = only(cscf, "ACK")[0]
    assert "p-access-network-info" not in ack and "p-preferred-identity" not in ack
    session = phone.core.sessions[0] if phone.core.sessions else None
    assert session is None or "p-preferred-identity" not in only(cscf, "BYE")[0]


def test_privacy_is_asked_for():
    profile = Profile(INSTANCE, is_private=True)
    link, phone, cscf, one = registered(profile=profile)
    phone.core.message(one, TEL.encode(), b"text/plain", b"hello", link.now_ms)
    link.run(100)
    fields = only(cscf, "MESSAGE")[0]
    assert fields["privacy"] == ["id"] and "p-preferred-service" not in fields


def test_what_is_dialled_becomes_a_uri():
    one = account()
    context = REALM.encode()
    assert one.target(b"+1 (555) 010-0002") == b"tel:+15550100002"
    assert one.target(b"tel:+1-555-010-0002") == b"tel:+15550100002"
    assert one.target(b"1234") == b"tel:1234;phone-context=" + context
    assert one.target(b"tel:12-34") == b"tel:1234;phone-context=" + context
    assert one.target(b"tel:1;phone-context=a.b") == b"tel:1;phone-context=a.b"
    assert one.target(b"tel:*21#;isub=2") == b"tel:*21#;phone-context=%s;isub=2" % context
    assert one.target(b"sip:bob@example.com") == b"sip:bob@example.com"
    for wrong in (b"", b"bob", b"mailto:a@b", b"tel:", b"+1555x"):
        try:
            one.target(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)


def test_a_call_to_any_identity_finds_the_account():
    link, phone, cscf, one = registered()
    phone.core.add_account(Account(b"sip:first@192.0.2.1"))
    phone.core.accounts.reverse()
    for uri in (TEL, SIP_NUMBER + ";user=phone", "tel:+1-555-010-0001", IMPU):
        link.carry(cscf, ("udp", "192.0.2.1", 5060), invite(uri))
        link.run(100)
        session = phone.core.sessions[-1]
        assert session.account is one, uri
        assert session.asserted_identity == b"tel:+15550100002"
        assert session.called_identity == TEL.encode()
        session.reject(link.now_ms)
        link.run(100)


def test_only_our_own_network_vouches_for_anybody():
    link, phone, cscf, one = registered()
    stranger = CSCF(link, "192.0.2.99")
    link.endpoints.append(stranger)
    link.carry(stranger, ("udp", "192.0.2.1", 5060), invite(TEL, "192.0.2.99"))
    link.run(100)
    assert phone.core.sessions[0].asserted_identity == b""
    phone.core.sessions[0].reject(link.now_ms)
    link.run(100)
    assert "p-access-network-info" not in stranger.responses[-1][1]


_invites = []


def invite(uri, host=HOST):
    _invites.append(uri)
    number = str(len(_invites))
    return (
        "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bKi%s\r\nMax-Forwards: 70\r\n"
        "From: <tel:+15550100002>;tag=f%s\r\nTo: <%s>\r\nCall-ID: i%s\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:%s>\r\nP-Asserted-Identity: <tel:+15550100002>, <sip:x@h>\r\n"
        "P-Called-Party-ID: <tel:+15550100001>\r\nP-Charging-Vector: icid-value=1\r\n"
        "Content-Length: 0\r\n\r\n" % (uri, host, number, number, uri, number, host)
    ).encode()


def test_secrets_are_in_no_representation():
    link, phone, cscf, one = registered({"breaks_mac": True})
    subjects = (
        one,
        one.authentication,
        SoftISIM(IMPI.encode(), K, OPC),
        milenage.Milenage(K, OPC),
    )
    for subject in subjects + (one.authentication.aka,):
        text = repr(subject)
        assert "0396eb" not in text and "53c156" not in text and repr(K)[2:-1] not in text


def test_the_card_is_let_go_while_nobody_asks_for_it():
    opened = []

    def open_card():
        opened.append(SoftISIM(IMPI.encode(), K, OPC))
        return opened[-1]

    link, phone, cscf, one = registered(open_card=open_card)
    assert len(opened) == 1 and one.authentication.aka is None
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert cscf.log[-1] == 200 and len(opened) == 1
    cscf.challenge_at = None
    phone.core.register(one, link.now_ms)
    link.run(1000)
    assert cscf.log[-2:] == [401, 200] and len(opened) == 2
