"""The network of simulations: who may register, where requests go, what is put into them."""

import re

import pytest

from tools.simulation import network, scenario
from usip.ims.aka import AKA
from usip.ims.isim import SoftISIM

ALICE = ("192.0.2.11", 5060)
BOB = ("192.0.2.12", 5060)
BETA = ("192.0.2.14", 5060)
KEPT = "From: <sip:alice@alpha.example>;tag=1\r\nCall-ID: c\r\nMax-Forwards: 70\r\n"


@pytest.fixture
def alpha():
    others = {"beta.example": BETA, "tel:+15550100002": BETA}
    alice = network.Subscriber("alice", "alpha.example", "+15550100001")
    return network.Network("alpha.example", "192.0.2.13", 5060, [alice], others)


def request(method, uri, to=None, more="", branch="z9hG4bK1"):
    return (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;rport;branch={branch}\r\n"
        f"{KEPT}To: <{to or uri}>\r\nCSeq: 1 {method}\r\n{more}Content-Length: 0\r\n\r\n"
    ).encode()


def answer(subscriber, nonce):
    """Return the credentials for a challenge, by other code than that which checks them."""
    realm, uri = "alpha.example", "sip:alpha.example"
    first = network._md5(subscriber.impi.encode(), realm.encode(), subscriber.res)
    second = network._md5(b"REGISTER", uri.encode())
    parts = (first, nonce, "00000001", "c", "auth", second)
    response = network._md5(*[part.encode() for part in parts])
    return (
        f'Authorization: Digest username="{subscriber.impi}", realm="{realm}", uri="{uri}", '
        f'nonce="{nonce}", nc=00000001, cnonce="c", qop=auth, response="{response}"\r\n'
    )


def register(alpha, more="", source=ALICE, impi="alice@alpha.example"):
    first = f'Authorization: Digest username="{impi}", nonce="", response=""\r\n'
    contact = "Contact: <sip:alice@192.0.2.11:5060>\r\n"
    octets = request("REGISTER", "sip:alpha.example", "sip:alice@alpha.example", contact + more)
    if not more:
        octets = octets.replace(b"Contact:", first.encode() + b"Contact:")
    ((response, destination),) = alpha.receive(octets, source)
    assert destination == source
    return response.decode()


def registered(alpha):
    challenge = register(alpha)
    nonce = re.search(r'nonce="([^"]+)"', challenge)[1]
    return register(alpha, answer(alpha.subscribers[0], nonce))


def test_it_registers_whoever_answers_its_challenge(alpha):
    response = registered(alpha)
    assert alpha.log == [401, 200]
    assert "P-Associated-URI: <tel:+15550100001>" in response
    assert "Service-Route: <sip:orig@192.0.2.13:5060;lr>" in response
    assert alpha.subscribers[0].contact == "sip:alice@192.0.2.11:5060"


def test_an_answer_is_good_for_once_and_a_stranger_is_refused(alpha):
    nonce = re.search(r'nonce="([^"]+)"', register(alpha))[1]
    credentials = answer(alpha.subscribers[0], nonce)
    register(alpha, credentials)
    register(alpha, credentials)
    register(alpha, impi="mallory@alpha.example")
    assert alpha.log == [401, 200, 401, 403]


def test_a_card_that_has_gone_further_is_followed(alpha):
    subscriber = alpha.subscribers[0]
    card = SoftISIM(subscriber.impi.encode(), subscriber.k, subscriber.opc)
    aka = AKA(card)
    subscriber.sqn = 1 << 20
    assert aka.challenge(re.search(r'nonce="([^"]+)"', register(alpha))[1].encode()) == 0
    subscriber.sqn = 0
    nonce = re.search(r'nonce="([^"]+)"', register(alpha))[1]
    assert aka.challenge(nonce.encode()) == 1
    given = answer(subscriber, nonce).replace("nc=", f'auts="{aka.auts.decode()}", nc=')
    nonce = re.search(r'nonce="([^"]+)"', register(alpha, given))[1]
    assert subscriber.resynchronised == 1 and aka.challenge(nonce.encode()) == 0
    assert aka.password == subscriber.res


def test_a_call_goes_to_the_network_of_the_called(alpha):
    registered(alpha)
    more = "P-Preferred-Identity: <tel:+15550100001>\r\nRoute: <sip:192.0.2.13;lr>\r\n"
    for uri in ("sip:bob@beta.example", "tel:+15550100002"):
        trying, forwarded = alpha.receive(request("INVITE", uri, more=more), ALICE)
        assert trying[0].startswith(b"SIP/2.0 100") and trying[1] == ALICE
        text = forwarded[0].decode()
        assert forwarded[1] == BETA and text.startswith(f"INVITE {uri} SIP/2.0\r\nVia: ")
        assert text.count("Via: ") == 2 and "received=192.0.2.11;rport=5060" in text
        assert "P-Asserted-Identity: <tel:+15550100001>" in text
        assert "Route:" not in text and "P-Preferred" not in text and "Forwards: 69" in text


def test_a_response_finds_its_way_back(alpha):
    registered(alpha)
    _, (octets, _) = alpha.receive(request("INVITE", "sip:bob@beta.example"), ALICE)
    head = octets.decode().partition("\r\n")[2]
    ((response, destination),) = alpha.receive(f"SIP/2.0 180 Ringing\r\n{head}".encode(), BETA)
    assert destination == ALICE and response.count(b"Via: ") == 1
    assert alpha.receive(f"SIP/2.0 100 Trying\r\n{head}".encode(), BETA) == []


def test_a_cancel_and_an_ack_take_the_branch_of_their_invite(alpha):
    registered(alpha)
    branches = set()
    for method in ("INVITE", "CANCEL", "ACK"):
        sent = alpha.receive(request(method, "sip:bob@beta.example"), ALICE)
        branches.add(re.search(rb"branch=(\w+)", sent[-1][0])[1])
    assert len(branches) == 1


def test_a_call_from_outside_reaches_the_contact(alpha):
    called = request("INVITE", "sip:alice@alpha.example")
    assert alpha.receive(called, BETA)[-1][0].startswith(b"SIP/2.0 480")
    registered(alpha)
    octets, destination = alpha.receive(called, BETA)[-1]
    assert destination == ALICE
    assert octets.startswith(b"INVITE sip:alice@192.0.2.11:5060 SIP/2.0\r\n")
    assert b"P-Called-Party-ID: <sip:alice@alpha.example>" in octets
    assert alpha.receive(request("MESSAGE", "sip:x@gamma.example"), BETA)[0][0][8:11] == b"404"
    assert alpha.receive(called, BOB)[-1][0].startswith(b"SIP/2.0 403")


def test_the_reg_event_lists_the_identities(alpha):
    registered(alpha)
    more = "Event: reg\r\nContact: <sip:alice@192.0.2.11>\r\n"
    octets = request("SUBSCRIBE", "sip:alice@alpha.example", more=more)
    accepted, notify = alpha.receive(octets, ALICE)
    assert accepted[0].startswith(b"SIP/2.0 200")
    assert b'aor="tel:+15550100001"' in notify[0] and b"Event: reg" in notify[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"networks": {"alice": {"domain": "a"}}}, "networks.alice: no name of its own"),
        ({"networks": {"alpha": {}}}, "networks.alpha: no name of its own, or no domain"),
        ({"columns": ["alice"]}, "columns: not the names of all"),
        ({"clock": "virtual"}, "stations.alice.phone: needs the real clock"),
    ],
)
def test_a_scenario_with_wrong_networks_is_refused(changes, reason):
    document = scenario.json.loads(scenario.find("ims").read_text())
    with pytest.raises(scenario.ScenarioError, match=re.escape(reason)):
        scenario.Scenario("wrong", {**document, **changes})
