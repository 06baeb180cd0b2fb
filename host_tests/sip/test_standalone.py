"""MESSAGE (RFC 3428) between two cores and against what peers send, over the virtual link."""

from host_tests.fakes.link import call, lossy, pair
from host_tests.fakes.registrar import Registrar
from host_tests.sip.test_core import SOURCE, answers, phone, request, status
from host_tests.sip.test_session import answering
from usip import core
from usip.limits import Limits
from usip.sip.registration import Account

TEXT = "Content-Type: text/plain\r\n"


class Proxy(Registrar):
    """Asks for credentials, then accepts whatever it is."""

    def decide(self, method, uri, fields):
        return self.check(method, uri, fields) or (200, [])


def readers(*endpoints):
    """Let endpoints serve MESSAGE; return the list of what they received."""
    found = []

    def on_event(event, subject):
        if event in (core.MESSAGE_RECEIVED, core.MESSAGE_SENT):
            found.append((event, subject))

    for endpoint in endpoints:
        endpoint.methods = (1, 7)
        endpoint.on_event = on_event
    return found


def send(link, endpoint, body=b"Watson, come here.", content_type=b"text/plain", **options):
    """Let an endpoint send a message to Bob; return the request."""
    account = endpoint.core.accounts[0]
    target = b"sip:bob@192.0.2.2"
    return endpoint.core.message(account, target, content_type, body, link.now_ms, **options)


def test_a_message_is_delivered_and_its_outcome_reported():
    link, alice, bob = pair()
    found = readers(alice, bob)
    sent = send(link, alice)
    link.run(1000)
    assert link.methods() == ["MESSAGE", "200"]
    assert b"Contact:" not in link.trace[0][3] and b"Contact:" not in link.trace[1][3]
    (first, received), (second, outcome) = found
    assert (first, second) == (core.MESSAGE_RECEIVED, core.MESSAGE_SENT)
    assert received.from_uri == b"sip:alice@192.0.2.1" and received.session is None
    assert received.content_type == b"text/plain" and received.body == b"Watson, come here."
    assert received.account is bob.core.accounts[0] and received.application is bob
    assert outcome is sent and sent.status == 200 and sent.reason == b"OK"
    link.run(40000)
    assert not alice.core.transactions.active and not bob.core.transactions.active


def test_a_repeated_message_is_delivered_once():
    link, alice, bob = pair(fate=lambda n, *rest: [] if n in (0, 2, 3) else [10, 15])
    found = readers(bob)
    sent = send(link, alice)
    link.run(20000)
    assert sent.status == 200 and len(found) == 1
    assert link.methods().count("MESSAGE") >= 2


def test_messages_get_through_ten_percent_loss_each_way():
    for seed in range(20):
        link, alice, bob = pair(fate=lossy(10, seed + 3))
        found = readers(bob)
        sent = send(link, alice)
        link.run(40000)
        assert sent.status == 200 and len(found) == 1, seed


def test_nobody_there_is_a_408():
    link, alice, bob = pair()
    bob.is_up = False
    sent = send(link, alice)
    link.run(33000)
    assert sent.status == 408 and alice.events == [core.MESSAGE_SENT]


def test_without_an_application_for_messages_they_are_refused():
    link, alice, bob = pair()
    sent = send(link, alice)
    link.run(1000)
    assert sent.status == 405 and bob.events == []


def test_a_type_nobody_reads_is_415_with_what_is_read():
    link, alice, bob = pair()
    found = readers(bob)
    sent = send(link, alice, b"<isComposing/>", b"application/im-iscomposing+xml")
    link.run(1000)
    assert sent.status == 415 and not found
    assert b"\r\nAccept: text/plain\r\n" in link.trace[1][3]
    bob.message_types = (b"text/plain", b"application/im-iscomposing+xml")
    sent = send(link, alice, b"<isComposing/>", b"application/im-iscomposing+xml")
    link.run(1000)
    assert sent.status == 200 and len(found) == 1


def test_a_body_too_long_to_keep_is_413_and_one_too_long_to_send_513():
    link, alice, bob = pair()
    bob.core.limits = Limits(text_bytes=20)
    found = readers(bob)
    sent = send(link, alice, b"x" * 21)
    link.run(1000)
    assert sent.status == 413 and not found
    sent = send(link, alice, b"x" * 1500)
    link.run(1000)
    assert sent.status == 513 and len(link.trace) == 2


def test_a_parameter_of_the_type_and_a_coded_body():
    link, endpoint = phone()
    readers(endpoint)
    typed = "Content-Type: Text/Plain;charset=UTF-8\r\n"
    assert status(link, endpoint, request("MESSAGE", extra=typed, body="x")) == 200
    coded = TEXT + "Content-Encoding: gzip\r\n"
    octets = request("MESSAGE", extra=coded, body="x", branch="z9hG4bKb")
    assert status(link, endpoint, octets) == 415
    octets = request("MESSAGE", branch="z9hG4bKc")
    assert status(link, endpoint, octets) == 200
    assert endpoint.core.next_event() == core.MESSAGE_RECEIVED
    assert endpoint.core.subject.content_type == b"text/plain"
    assert endpoint.core.next_event() == core.MESSAGE_RECEIVED
    assert endpoint.core.subject.body == b""


def test_a_message_of_an_unknown_dialog_is_481():
    link, endpoint = phone()
    readers(endpoint)
    tagged = "<sip:alice@192.0.2.1>;tag=x"
    assert status(link, endpoint, request("MESSAGE", to=tagged, extra=TEXT, body="x")) == 481


def test_messages_travel_in_the_dialog_of_a_call_both_ways():
    link, alice, bob = pair()
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    found = readers(alice, bob)
    send(link, alice, b"1", session=session)
    link.run(500)
    send(link, bob, b"2", session=sessions[0])
    link.run(500)
    received = [entry[1] for entry in found if entry[0] == core.MESSAGE_RECEIVED]
    assert [r.body for r in received] == [b"1", b"2"]
    assert received[0].session is sessions[0] and received[1].session is session
    assert b";tag=" + sessions[0].dialog.local_tag in link.trace[5][3]
    assert session.state == 6 and sessions[0].state == 6


def test_a_challenge_is_answered():
    link, alice, _ = pair()
    proxy = Proxy(link, "192.0.2.8", {"alice": "secret"})
    link.endpoints.append(proxy)
    account = Account(b"sip:alice@192.0.2.8", b"", b"alice", b"secret")
    alice.core.add_account(account)
    sent = alice.core.message(account, b"sip:bob@192.0.2.8", b"text/plain", b"x", link.now_ms)
    link.run(1000)
    assert proxy.log == [401, 200], proxy.log
    assert sent.status == 200
    proxy.users = {"alice": "other"}
    proxy.nonces.insert(0, "n2")
    sent = alice.core.message(account, b"sip:bob@192.0.2.8", b"text/plain", b"x", link.now_ms)
    link.run(1000)
    assert sent.status == 401


def test_what_serves_nothing_is_not_asked_for_its_answer():
    link, endpoint = phone()
    endpoint.methods = (1, 6)
    answer = answers(link, endpoint, request("REGISTER"), SOURCE)[0]
    assert answer.startswith("SIP/2.0 405 ")
