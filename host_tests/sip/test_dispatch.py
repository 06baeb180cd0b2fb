"""The client resolver: several applications on one core, which request goes to which of them."""

from host_tests.fakes.link import Link, Media, call, pair
from host_tests.sip.test_core import answers, request, status
from usip import core
from usip.sip.criteria import Criteria
from usip.sip.packages import Package
from usip.sip.registration import Account

SDP = "Content-Type: application/sdp\r\n"
AUDIO = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
AUDIO += "m=audio 4000 RTP/AVP 0\r\n"
VIDEO = AUDIO + "m=video 4002 RTP/AVP 31\r\n"
CHAT = AUDIO.replace("m=audio 4000 RTP/AVP 0", "m=message 7654 TCP/MSRP *")


class Application:
    """One that counts what it was asked for."""

    def __init__(self, methods=(1,), packages=(), criteria=None) -> None:
        self.methods = methods
        self.packages = packages
        self.criteria = criteria
        self.sessions = []

    def create_media(self, session):
        self.sessions.append(session)
        return Media("other")


def phone():
    """Return (link, endpoint) of a phone with two accounts; it serves calls itself."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    endpoint.core.add_account(Account(b"sip:door@192.0.2.1"))
    return link, endpoint


def add(endpoint, methods=(1,), packages=(), **criteria):
    """Add an application to a phone and return it."""
    application = Application(methods, packages)
    if criteria:
        application.criteria = Criteria(endpoint.core, **criteria)
    endpoint.core.resolver.add(application)
    return application


_branches = [0]


def offered_to(link, endpoint, body=AUDIO, extra="", uri=b"sip:alice@192.0.2.1"):
    """Send an INVITE; return the application that got it, or the status it was refused with."""
    _branches[0] += 1
    n = _branches[0]
    wire = request(
        "INVITE", extra=(SDP if body else "") + extra, body=body, branch="z9hG4bK%d" % n
    )
    wire = wire.replace(b" sip:alice@192.0.2.1 ", b" " + uri + b" ", 1)
    wire = wire.replace(b"Call-ID: c1", b"Call-ID: c%d" % n)
    found = answers(link, endpoint, wire)
    if not endpoint.core.sessions:
        return int(found[-1].split(" ")[1])
    session = endpoint.core.sessions[-1]
    session.reject(link.now_ms, 486)
    link.run(100)
    return session.application


def test_the_media_of_an_offer_choose_the_application():
    link, endpoint = phone()
    chat = add(endpoint, media=(b"message",))
    video = add(endpoint, media=(b"video", b"audio"))
    assert offered_to(link, endpoint, CHAT) is chat
    assert offered_to(link, endpoint, VIDEO) is video
    assert offered_to(link, endpoint, "") is video  # the latest: it makes the offer
    endpoint.core.resolver.remove(video)
    assert offered_to(link, endpoint, VIDEO) is endpoint
    assert offered_to(link, endpoint, VIDEO.replace("m=audio", "m=AUDIO")) is endpoint
    assert chat.sessions[0].application is chat


def test_media_that_nobody_takes_are_488():
    link, endpoint = phone()
    endpoint.core.resolver.remove(endpoint)
    add(endpoint, media=(b"message",))
    assert offered_to(link, endpoint, AUDIO) == 488
    assert offered_to(link, endpoint, CHAT.replace(" 7654 ", " 0 ")) == 488


def test_whom_a_call_is_for_chooses_the_application():
    link, endpoint = phone()
    mailbox = add(endpoint, called=(b"mailbox", b"sip:sales@example.com"))
    assert offered_to(link, endpoint, uri=b"sip:mailbox@192.0.2.1:5060;x=y") is mailbox
    assert offered_to(link, endpoint, uri=b"sip:sales@EXAMPLE.com") is mailbox
    assert offered_to(link, endpoint, uri=b"sip:sales@192.0.2.1") is endpoint
    called = "P-Called-Party-ID: <sip:sales@example.com>\r\n"
    assert offered_to(link, endpoint, extra=called) is mailbox
    endpoint.core.resolver.remove(endpoint)
    assert offered_to(link, endpoint) == 404


def test_the_account_a_call_came_to_chooses_the_application():
    link, endpoint = phone()
    door = add(endpoint, account=endpoint.core.accounts[1])
    assert offered_to(link, endpoint, uri=b"sip:door@192.0.2.1") is door
    assert offered_to(link, endpoint) is endpoint


def test_features_that_a_caller_prefers_or_requires_choose_the_application():
    link, endpoint = phone()
    fax = add(endpoint, features=(b"+sip.fax", b'mobility="fixed"'))
    assert offered_to(link, endpoint, extra="Accept-Contact: *;+sip.fax\r\n") is fax
    extra = 'Accept-Contact: *;mobility="fixed";require;explicit\r\n'
    assert offered_to(link, endpoint, extra=extra) is fax
    extra = 'a: *;mobility="mobile";require\r\n'
    assert offered_to(link, endpoint, extra=extra) is endpoint
    assert offered_to(link, endpoint, extra="Reject-Contact: *;+sip.fax\r\n") is endpoint
    endpoint.core.resolver.remove(endpoint)
    assert offered_to(link, endpoint, extra=extra) == 480
    assert offered_to(link, endpoint, extra="Reject-Contact: *;+sip.fax\r\n") == 480
    assert offered_to(link, endpoint) is fax


def test_a_method_nobody_serves_is_405_and_says_what_is():
    link, endpoint = phone()
    found = answers(link, endpoint, request("MESSAGE", branch="z9hG4bKx1"))[0]
    assert found.startswith("SIP/2.0 405 ") and "MESSAGE" not in found.split("Allow: ")[1]
    texts = add(endpoint, (7,))
    assert status(link, endpoint, request("MESSAGE", branch="z9hG4bKx2")) == 200
    found = answers(link, endpoint, request(branch="z9hG4bKx3"))[0]
    assert "NOTIFY, MESSAGE\r\n" in found and "Accept: application/sdp, text/plain\r\n" in found
    endpoint.core.resolver.remove(texts)
    found = answers(link, endpoint, request("MESSAGE", branch="z9hG4bKx4"))[0]
    assert found.startswith("SIP/2.0 405 ")
    endpoint.core.resolver.remove(endpoint)
    add(endpoint, (7,))
    assert offered_to(link, endpoint) == 405


def test_the_type_of_a_body_chooses_among_applications_for_messages():
    link, endpoint = phone()
    plain = add(endpoint, (7,))
    alarms = add(endpoint, (7,), content_types=(b"application/scaip+xml",))
    alarms.message_types = alarms.criteria.content_types
    scaip = "Content-Type: application/SCAIP+xml;v=1\r\n"
    wire = request("MESSAGE", extra=scaip, body="<mrq/>", branch="z9hG4bKx1")
    assert status(link, endpoint, wire) == 200
    wire = request("MESSAGE", extra="Content-Type: text/plain\r\n", body="hi", branch="z9hG4bKx2")
    assert status(link, endpoint, wire) == 200
    received = []
    while endpoint.core.next_event():
        received.append(endpoint.core.subject.application)
    assert received == [alarms, plain]
    wire = request("MESSAGE", extra="Content-Type: text/html\r\n", body="x", branch="z9hG4bKx3")
    found = answers(link, endpoint, wire)[0]
    assert found.startswith("SIP/2.0 415 ")
    endpoint.core.resolver.remove(plain)
    wire = request("MESSAGE", extra="Content-Type: text/html\r\n", body="x", branch="z9hG4bKx4")
    found = answers(link, endpoint, wire)[0]
    assert "\r\nAccept: application/scaip+xml\r\n" in found


def test_event_packages_choose_and_those_that_are_missing_are_489():
    link, endpoint = phone()
    first = Package(b"presence", (b"application/pidf+xml",))
    second = Package(b"dialog", (b"application/dialog-info+xml",))
    add(endpoint, (8,), (first,), events=(b"presence",))
    add(endpoint, (8,), (second,), events=(b"dialog",))
    for n, event in enumerate(("presence", "dialog")):
        extra = "Event: %s\r\nExpires: 600\r\n" % event
        wire = request("SUBSCRIBE", extra=extra, branch="z9hG4bKs%d" % n)
        assert "SIP/2.0 200 " in answers(link, endpoint, wire)[0]
    wire = request("SUBSCRIBE", extra="Event: weather\r\n", branch="z9hG4bKs3")
    found = answers(link, endpoint, wire)[0]
    assert found.startswith("SIP/2.0 489 ") and "\r\nAllow-Events: dialog, presence\r\n" in found
    found = answers(link, endpoint, request(branch="z9hG4bKs4"))[0]
    assert "\r\nAllow-Events: dialog, presence\r\n" in found and "NOTIFY, SUBSCRIBE\r\n" in found
    extra = "Event: weather\r\nSubscription-State: active\r\n"
    assert status(link, endpoint, request("NOTIFY", extra=extra, branch="z9hG4bKs5")) == 481
    add(endpoint, (9,), events=(b"message-summary",))
    assert status(link, endpoint, request("NOTIFY", extra=extra, branch="z9hG4bKs6")) == 489
    extra = extra.replace("weather", "message-summary")
    assert status(link, endpoint, request("NOTIFY", extra=extra, branch="z9hG4bKs7")) == 200


def test_an_application_leaves_during_its_call_and_the_other_sees_nothing_of_it():
    link, alice, bob = pair()
    second = add(bob, media=(b"message",))
    answered = []

    def on_event(event, subject):
        if event == core.CALL_RECEIVED:
            subject.answer(link.now_ms)
            answered.append(subject)

    bob.on_event = on_event
    session = call(link, alice)
    link.run(300)
    assert answered[0].application is bob and not second.sessions
    bob.core.resolver.remove(bob)
    session.modify(link.now_ms)
    link.run(300)
    assert link.methods()[-3:] == ["INVITE", "200", "ACK"]
    session.hang_up(link.now_ms)
    link.run(300)
    assert session.state == 8 and answered[0].state == 8
    assert status(link, bob, request("INVITE", branch="z9hG4bKlate")) == 100


def test_limits_are_answered_with_when_to_try_again():
    link, endpoint = phone()
    endpoint.core.limits.sessions = 1
    assert answers(link, endpoint, request("INVITE"))[0].startswith("SIP/2.0 100 ")
    wire = request("INVITE", branch="z9hG4bKb").replace(b"Call-ID: c1", b"Call-ID: c2")
    found = answers(link, endpoint, wire)[0]
    assert found.startswith("SIP/2.0 486 ") and "\r\nRetry-After: 10\r\n" in found
    endpoint.core.resolver.remove(endpoint)
    wire = request("INVITE", branch="z9hG4bKc").replace(b"Call-ID: c1", b"Call-ID: c3")
    found = answers(link, endpoint, wire)[0]
    assert found.startswith("SIP/2.0 480 ") and "\r\nRetry-After: 10\r\n" in found
    endpoint.core.transactions.limits.transactions = 1
    found = answers(link, endpoint, request("INVITE", branch="z9hG4bKd"))[0]
    assert found.startswith("SIP/2.0 503 ") and "\r\nRetry-After: 5\r\n" in found


def capabilities(link, endpoint) -> dict:
    """Return the header fields of the answer to OPTIONS."""
    _branches[0] += 1
    wire = request("OPTIONS", branch="z9hG4bKo%d" % _branches[0])
    lines = answers(link, endpoint, wire)[0].split("\r\n")[1:]
    return dict([line.split(": ", 1) for line in lines if ": " in line])


def test_options_and_allow_say_what_the_applications_of_the_moment_serve():
    link, endpoint = phone()
    found = capabilities(link, endpoint)
    assert found["Allow"].startswith("INVITE, ACK, ") and "MESSAGE" not in found["Allow"]
    assert found["Accept"] == "application/sdp" and "Allow-Events" not in found
    assert "100rel" in found["Supported"] and "timer" in found["Supported"]
    texts = add(endpoint, methods=(7,), content_types=(b"text/html",))
    states = add(endpoint, methods=(8, 10), packages=(Package(b"presence"), Package(b"dialog")))
    found = capabilities(link, endpoint)
    assert found["Allow"].endswith(", MESSAGE, SUBSCRIBE, PUBLISH")
    assert found["Accept"] == "application/sdp, text/html"
    assert found["Allow-Events"] == "presence, dialog"
    endpoint.core.resolver.remove(endpoint)
    found = capabilities(link, endpoint)
    assert "INVITE" not in found["Allow"] and found["Accept"] == "text/html"
    assert offered_to(link, endpoint) == 405
    endpoint.core.resolver.remove(texts)
    endpoint.core.resolver.remove(states)
    assert offered_to(link, endpoint) == 480
