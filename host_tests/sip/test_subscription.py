"""Subscriptions (RFC 6665) of both roles over the virtual link, and their event packages."""

from host_tests.fakes.link import Link, call, lossy, pair
from host_tests.sip.test_core import answers, phone, request
from host_tests.sip.test_session import answering
from usip import core
from usip.limits import Limits
from usip.sip import notifier, subscription
from usip.sip.packages import Package
from usip.sip.packages.dialog import DialogInfo
from usip.sip.packages.mwi import MessageSummary
from usip.sip.packages.presence import Presence
from usip.sip.registration import Account
from usip.writer import Writer

NAMES = {
    core.NOTIFY_RECEIVED: "notify",
    core.SUBSCRIPTION_STARTED: "started",
    core.SUBSCRIPTION_ENDED: "ended",
    core.SUBSCRIBER_ADDED: "added",
    core.SUBSCRIBER_REMOVED: "removed",
}


def named(endpoint):
    """Return the endpoint's events about subscriptions by name."""
    return [NAMES[event] for event in endpoint.events if event in NAMES]


def serving(endpoint, package):
    """Let an endpoint serve a package; return the package."""
    endpoint.methods = (1, 8)
    endpoint.packages = (package,)
    return package


def mailbox():
    """Return a mailbox with one new message."""
    package = MessageSummary(b"sip:vm@192.0.2.2")
    package.is_waiting = True
    package.counts[b"voice-message"] = (1, 2, 0, 0)
    return package


def subscribe(link, endpoint, package, expires_s=-1):
    """Let an endpoint subscribe at Bob; return the subscription."""
    account = endpoint.core.accounts[0]
    target = b"sip:bob@192.0.2.2"
    return endpoint.core.subscribe(account, target, package, link.now_ms, expires_s)


def test_a_subscription_is_told_the_state_and_its_changes():
    link, alice, bob = pair()
    box = serving(bob, mailbox())
    seen = MessageSummary()
    ours = subscribe(link, alice, seen)
    link.run(500)
    assert link.methods() == ["SUBSCRIBE", "200", "NOTIFY", "200"], link.methods()
    assert ours.state == subscription.ACTIVE and ours.expires_s == 3600
    assert seen.is_waiting and seen.counts == {b"voice-message": (1, 2, 0, 0)}
    assert seen.account == b"sip:vm@192.0.2.2"
    assert named(alice) == ["started", "notify"] and named(bob) == ["added"]
    box.is_waiting = False
    bob.core.notify(box, link.now_ms)
    link.run(2000)
    assert not seen.is_waiting and named(alice)[2:] == ["notify"]


def test_a_subscription_is_refreshed_for_days_and_ended():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary())
    for _ in range(48):
        link.run(3600000)
    assert ours.state == subscription.ACTIVE
    assert 40 < link.methods().count("SUBSCRIBE") < 60
    assert len(bob.core.usages) == 1 and named(bob) == ["added"]
    ours.unsubscribe(link.now_ms)
    link.run(1000)
    assert link.methods()[-4:] == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert b"terminated;reason=timeout" in link.trace[-2][3]
    assert ours.state == subscription.TERMINATED and ours.retry_in_s == -1
    assert named(alice)[-1] == "ended" and named(bob)[-1] == "removed"
    link.run(40000)
    assert not alice.core.usages and not bob.core.usages
    assert not alice.core.transactions.active and not bob.core.transactions.active


def test_a_fetch_brings_the_state_once():
    link, alice, bob = pair()
    serving(bob, mailbox())
    seen = MessageSummary()
    ours = subscribe(link, alice, seen, 0)
    link.run(40000)
    assert link.methods() == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert seen.is_waiting and ours.state == subscription.TERMINATED
    assert named(alice) == ["notify", "ended"] and not alice.core.usages and not bob.core.usages


def test_subscriptions_stand_ten_percent_loss_each_way():
    for seed in range(15):
        link, alice, bob = pair(fate=lossy(10, seed + 11))
        box = serving(bob, mailbox())
        seen = MessageSummary()
        ours = subscribe(link, alice, seen)
        link.run(60000)
        assert ours.state == subscription.ACTIVE and seen.is_waiting, seed
        box.is_waiting = False
        bob.core.notify(box, link.now_ms)
        link.run(40000)
        assert not seen.is_waiting, seed
        ours.unsubscribe(link.now_ms)
        link.run(80000)
        assert not alice.core.usages and not bob.core.usages, seed


def test_a_notify_that_overtakes_the_answer_makes_the_dialog():
    fate = lambda n, *rest: [500] if n == 1 else [10]  # noqa: E731
    link, alice, bob = pair(fate=fate)
    serving(bob, mailbox())
    seen = MessageSummary()
    ours = subscribe(link, alice, seen)
    link.run(100)
    assert seen.is_waiting and ours.state == subscription.ACTIVE
    link.run(5000)
    assert ours.state == subscription.ACTIVE and ours.expires_s == 3600


def test_an_interval_too_brief_is_raised():
    link, alice, bob = pair(limits=Limits(min_expires_s=600))
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary(), 100)
    link.run(500)
    assert link.methods()[:4] == ["SUBSCRIBE", "423", "SUBSCRIBE", "200"], link.methods()
    assert b"Min-Expires: 600\r\n" in link.trace[1][3]
    assert ours.expires_s == 600 and ours.state == subscription.ACTIVE


def test_an_unknown_package_is_489_with_those_that_are_known():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, Package(b"weather"))
    link.run(500)
    assert link.methods() == ["SUBSCRIBE", "489"]
    assert b"\r\nAllow-Events: message-summary\r\n" in link.trace[1][3]
    assert ours.state == subscription.TERMINATED and ours.status == 489 and ours.retry_in_s == -1
    assert named(alice) == ["ended"]


def test_a_body_that_nobody_here_writes_is_406():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, Package(b"message-summary", (b"text/x",)))
    link.run(500)
    assert ours.status == 406


def test_without_an_application_for_subscriptions_they_are_refused():
    link, alice, bob = pair()
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    assert ours.status == 405 and ours.retry_in_s == -1


class Asking(MessageSummary):
    """A mailbox whose owner decides on subscribers."""

    def __init__(self, status):
        super().__init__()
        self.status = status
        self.subscribers = []

    def admit(self, subscriber):
        self.subscribers.append(subscriber)
        return self.status


def test_a_pending_subscriber_is_told_nothing_until_it_is_accepted():
    link, alice, bob = pair()
    box = serving(bob, Asking(202))
    box.is_waiting = True
    seen = MessageSummary()
    ours = subscribe(link, alice, seen)
    link.run(500)
    assert ours.state == subscription.PENDING and not seen.is_waiting
    assert link.trace[2][3].endswith(b"Content-Length: 0\r\n\r\n")
    box.subscribers[0].accept(link.now_ms)
    link.run(2000)
    assert ours.state == subscription.ACTIVE and seen.is_waiting


def test_a_subscriber_that_is_rejected_does_not_come_back():
    link, alice, bob = pair()
    box = serving(bob, Asking(202))
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    box.subscribers[0].terminate(link.now_ms, b"rejected")
    link.run(100000)
    assert ours.reason == b"rejected" and ours.retry_in_s == -1
    assert link.methods().count("SUBSCRIBE") == 1
    box.status = 603
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    assert ours.status == 603 and ours.state == subscription.TERMINATED


def test_what_is_deactivated_begins_anew_at_once_and_probation_after_its_time():
    link, alice, bob = pair()
    box = serving(bob, Asking(200))
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    first = ours.dialog.call_id
    box.subscribers[0].terminate(link.now_ms, b"deactivated")
    link.run(500)
    assert ours.state == subscription.ACTIVE and ours.dialog.call_id != first
    box.subscribers[1].terminate(link.now_ms, b"probation", 100)
    link.run(1000)
    assert ours.state == subscription.WAITING and ours.retry_in_s == 100
    link.run(100000)
    assert ours.state == subscription.ACTIVE
    assert named(alice).count("ended") == 2 and named(alice).count("started") == 3


def test_a_notifier_that_is_gone_is_looked_for_and_found_again():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary(), 600)
    link.run(500)
    bob.is_up = False
    link.run(800000)
    assert ours.state in (subscription.WAITING, subscription.SUBSCRIBING)
    bob.core.usages.clear()
    bob.is_up = True
    link.run(700000)
    assert ours.state == subscription.ACTIVE


def test_a_restarted_notifier_answers_481_and_gets_a_new_subscription():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary(), 600)
    link.run(500)
    bob.core.usages.clear()
    link.run(700000)
    assert link.methods().count("481") == 1
    assert ours.state == subscription.ACTIVE and len(bob.core.usages) == 1


def test_a_subscriber_that_is_gone_is_forgotten():
    link, alice, bob = pair()
    box = serving(bob, mailbox())
    subscribe(link, alice, MessageSummary())
    link.run(500)
    alice.is_up = False
    bob.core.notify(box, link.now_ms)
    link.run(40000)
    assert not bob.core.usages and named(bob) == ["added", "removed"]
    subscribe(link, alice, MessageSummary(), 100)
    alice.is_up = True
    link.run(500)
    subscribe(link, alice, MessageSummary(), 100)
    link.run(500)
    alice.is_up = False
    link.run(200000)
    assert not bob.core.usages


def test_no_notify_at_all_is_no_subscription():
    def fate(n, source, destination, octets):
        return [] if octets.startswith(b"NOTIFY") else [10]

    link, alice, bob = pair(fate=fate)
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary())
    link.run(33000)
    assert ours.status == 408 and ours.state == subscription.WAITING
    assert named(alice) == ["ended"]


def test_unsubscribing_before_the_first_notify_waits_for_it():
    link, alice, bob = pair()
    serving(bob, mailbox())
    ours = subscribe(link, alice, MessageSummary())
    ours.unsubscribe(link.now_ms)
    link.run(2000)
    assert ours.state == subscription.TERMINATED and not bob.core.usages
    assert link.methods().count("SUBSCRIBE") == 2


def test_notifies_are_held_back_by_the_throttle_and_tell_the_latest():
    link, alice, bob = pair()
    box = serving(bob, mailbox())
    box.throttle_ms = 5000
    seen = MessageSummary()
    subscribe(link, alice, seen)
    link.run(500)
    for n in range(10):
        box.counts[b"voice-message"] = (n, 0, 0, 0)
        bob.core.notify(box, link.now_ms)
        link.run(100)
    link.run(5000)
    assert link.methods().count("NOTIFY") == 2
    assert seen.counts[b"voice-message"] == (9, 0, 0, 0)


def test_more_subscribers_than_there_is_room_for_are_503():
    link, alice, bob = pair()
    bob.core.limits = Limits(usages=2)
    serving(bob, mailbox())
    ours = []
    for _ in range(3):
        ours.append(subscribe(link, alice, MessageSummary()))
        link.run(500)
    assert ours[2].status == 503 and ours[2].state == subscription.WAITING
    assert 40 <= ours[2].retry_in_s <= 60
    assert b"\r\nRetry-After: 60\r\n" in link.trace[-1][3]


def test_a_document_too_long_for_the_buffer_is_left_out():
    link, alice, bob = pair()
    box = serving(bob, mailbox())
    box.account = b"x" * 1400
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    assert ours.state == subscription.ACTIVE and bob.core.counters.too_large == 1
    assert link.trace[2][3].endswith(b"Content-Length: 0\r\n\r\n")


def test_a_last_notify_without_room_follows_a_little_later():
    link, alice, bob = pair()
    box = serving(bob, Asking(200))
    ours = subscribe(link, alice, MessageSummary())
    link.run(500)
    full = bob.core.limits
    bob.core.transactions.limits = Limits(transactions=0)
    box.subscribers[0].terminate(link.now_ms, b"rejected")
    link.run(3500)
    assert ours.state == subscription.ACTIVE and named(bob)[-1] == "removed"
    bob.core.transactions.limits = full
    link.run(2000)
    assert ours.state == subscription.TERMINATED and ours.reason == b"rejected"
    assert not bob.core.usages and named(bob).count("removed") == 1


def notify(subscribed, extra, tag=b"n", body=b"", cseq=1, kind=b"message-summary"):
    """Return a NOTIFY that answers the SUBSCRIBE in *subscribed* (octets)."""
    lines = subscribed.split(b"\r\n")
    values = {}
    for line in lines[1:]:
        name, _, value = line.partition(b": ")
        values[name] = value
    head = (
        b"NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK%d%s%d\r\n"
        b"Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d NOTIFY\r\n"
        b"Contact: <sip:server@192.0.2.9>\r\nEvent: %s\r\n%sContent-Length: %d\r\n\r\n"
    )
    return (
        head
        % (
            cseq,
            tag,
            len(body),
            values[b"To"],
            tag,
            values[b"From"],
            values[b"Call-ID"],
            cseq,
            kind,
            extra,
            len(body),
        )
    ) + body


def accepted(subscribed):
    """Return the 200 to the SUBSCRIBE in *subscribed*."""
    lines = [b"SIP/2.0 200 OK"]
    for line in subscribed.split(b"\r\n"):
        if line.split(b":")[0] in (b"Via", b"From", b"Call-ID", b"CSeq"):
            lines.append(line)
        elif line.startswith(b"To:"):
            lines.append(line + b";tag=n")
    return b"\r\n".join(lines) + b"\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n"


def waiting_subscriber(package):
    """Return (link, alice, subscription, octets of its SUBSCRIBE), nobody being there."""
    link = Link()
    alice = link.add("192.0.2.1")
    alice.core.add_account(Account(b"sip:alice@192.0.2.1"))
    ours = subscribe(link, alice, package)
    link.run(10)
    return link, alice, ours, link.trace[0][3]


ACTIVE = b"Subscription-State: active;expires=600\r\n"
SUMMARY = b"Content-Type: application/simple-message-summary\r\n"


def first(found):
    """Return the status of the first answer."""
    return int(found[0].split(" ")[1])


def test_a_second_branch_is_refused_unless_the_package_wants_it():
    link, alice, ours, octets = waiting_subscriber(MessageSummary())
    assert first(answers(link, alice, notify(octets, ACTIVE))) == 200
    assert first(answers(link, alice, notify(octets, ACTIVE, b"m"))) == 481
    link, alice, ours, octets = waiting_subscriber(DialogInfo())
    assert first(answers(link, alice, notify(octets, ACTIVE, kind=b"dialog"))) == 200
    assert first(answers(link, alice, notify(octets, ACTIVE, b"m", kind=b"dialog"))) == 200
    assert len(alice.core.usages) == 2
    again = notify(octets, ACTIVE, b"m", cseq=2, kind=b"dialog")
    assert first(answers(link, alice, again)) == 200
    assert len(alice.core.usages) == 2
    link.run(40000)
    assert first(answers(link, alice, notify(octets, ACTIVE, b"o", kind=b"dialog"))) == 481
    for usage in tuple(alice.core.usages):
        usage.unsubscribe(link.now_ms)
    targets = [entry[3].split(b" ")[1] for entry in link.trace if entry[3][:9] == b"SUBSCRIBE"]
    assert targets[-2:] == [b"sip:server@192.0.2.9", b"sip:server@192.0.2.9"]


def test_what_a_notify_may_have_wrong():
    link, alice, ours, octets = waiting_subscriber(MessageSummary())
    assert first(answers(link, alice, notify(octets, ACTIVE, kind=b"presence"))) == 489
    assert ours.state == subscription.SUBSCRIBING
    typed = ACTIVE + b"Content-Type: text/html\r\n"
    found = answers(link, alice, notify(octets, typed, body=b"<p>", cseq=2))
    assert first(found) == 415 and "Accept: application/simple-message-summary" in found[0]
    body = b"Messages-Waiting: yes\r\n"
    assert first(answers(link, alice, notify(octets, SUMMARY, body=body, cseq=3))) == 200
    assert ours.package.is_waiting and ours.state == subscription.ACTIVE
    assert first(answers(link, alice, notify(octets, ACTIVE, cseq=2))) == 500


def test_a_notify_may_shorten_the_subscription():
    link, alice, ours, octets = waiting_subscriber(MessageSummary())
    answers(link, alice, notify(octets, ACTIVE))
    assert ours.expires_s == 600
    link.run(600000)
    assert len([e for e in link.trace if e[3][:9] == b"SUBSCRIBE"]) > 1


def test_asterisk_tells_mailboxes_without_being_asked():
    link, endpoint = phone()
    extra = "Event: message-summary\r\nSubscription-State: terminated\r\n"
    extra += "Content-Type: application/simple-message-summary\r\n"
    octets = request("NOTIFY", extra=extra, body="Messages-Waiting: yes\r\n")
    assert first(answers(link, endpoint, octets)) == 481
    endpoint.methods = (1, 9)
    octets = request("NOTIFY", extra=extra, body="Messages-Waiting: yes\r\n", branch="z9hG4bK2")
    assert first(answers(link, endpoint, octets)) == 200
    assert endpoint.core.next_event() == core.NOTIFY_RECEIVED
    assert endpoint.core.subject.event == b"message-summary"
    assert endpoint.core.subject.body == b"Messages-Waiting: yes\r\n"


def test_a_subscribe_in_the_dialog_of_a_call_is_refused_and_the_call_stands():
    link, alice, bob = pair()
    serving(bob, mailbox())
    sessions = answering(link, bob)
    session = call(link, alice)
    link.run(500)
    w = session.begin(8)
    w.put(b"Event: message-summary\r\nContent-Length: 0\r\n\r\n")
    alice.core.send_request(8, session.dialog.destination, None, link.now_ms)
    link.run(500)
    assert link.methods()[-1] == "403" and sessions[0].state == 6


# -- packages


def parse(package, body):
    """Give a document to a package; return what it says."""
    link, alice, ours, octets = waiting_subscriber(package)
    return ours.package.receive(ours, b"..." + body + b"...", 3, 3 + len(body)), ours


def written(package, subscriber):
    """Return the document of a package."""
    w = Writer(bytearray(1500))
    package.put(w, subscriber)
    return w.take()


def test_message_summaries_of_other_makes():
    seen = MessageSummary()
    body = b"Messages-Waiting: no\r\nMessage-Account: sip:asterisk@10.0.0.1\r\n"
    assert parse(seen, body + b"Voice-Message: 0/0 (0/0)\r\n")[0]
    assert not seen.is_waiting and seen.counts == {b"voice-message": (0, 0, 0, 0)}
    assert parse(seen, b"messages-waiting:YES\nvoice-message:2/8(1/2)\n")[0]
    assert seen.is_waiting and seen.counts == {b"voice-message": (2, 8, 1, 2)}
    parse(seen, b"Messages-Waiting: yes\r\nVoice-Message: 4\r\nnonsense\r\nFax-Message: x/y\r\n")
    assert seen.counts == {b"voice-message": (4, 0, 0, 0), b"fax-message": (0, 0, 0, 0)}


PIDF = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- > -->\n'
    b'<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.com">\n'
    b'<p:tuple id="a"><p:status><p:basic>closed</p:basic></p:status></p:tuple>\n'
    b"<p:tuple id='b'><p:status><p:basic> open </p:basic></p:status>"
    b'<p:contact priority="0.8">sip:bob@h?a=1&amp;b=2</p:contact></p:tuple>\n'
    b"<p:note>At &quot;home&quot;</p:note></p:presence>"
)


def test_a_pidf_document_is_read():
    seen = Presence()
    assert parse(seen, PIDF)[0]
    assert seen.entity == b"pres:bob@example.com" and seen.is_open
    assert seen.contact == b"sip:bob@h?a=1&b=2" and seen.note == b'At "home"'
    for broken in (
        b"",
        b"<a></a>",
        b"<!DOCTYPE x><presence/>",
        b"<presence",
        b"<",
        b"</presence>",
    ):
        assert not parse(seen, broken)[0] and seen.is_open
    for end in range(20, len(PIDF)):
        assert not parse(seen, PIDF[:end])[0] and seen.is_open


def test_a_pidf_document_is_written_as_it_is_read():
    ours = Presence(b"sip:a&b@example.com")
    ours.is_open = True
    ours.contact = b"sip:x@h?a=1&b=2"
    ours.note = b"<busy>"
    seen = Presence()
    assert parse(seen, written(ours, None))[0]
    assert (seen.entity, seen.is_open) == (ours.entity, True)
    assert (seen.contact, seen.note) == (ours.contact, ours.note)


DIALOGS = (
    b'<?xml version="1.0"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"'
    b' version="%d" state="%s" entity="sip:bob@example.com">%s</dialog-info>'
)
EARLY = (
    b'<dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774"'
    b' direction="recipient"><state event="1xx">early</state><remote><identity display="Al">'
    b"sip:al@h</identity><target uri='sip:al@10.0.0.1'/></remote></dialog>"
)


def test_dialogs_are_followed_through_full_and_partial_documents():
    seen = DialogInfo()
    link, alice, ours, octets = waiting_subscriber(seen)

    def take(body):
        return seen.receive(ours, body, 0, len(body))

    assert seen.state == b"terminated"
    assert take(DIALOGS % (0, b"full", EARLY))
    assert seen.state == b"early" and seen.entity == b"sip:bob@example.com"
    dialog = seen.dialogs[0]
    assert (dialog.direction, dialog.call_id) == (b"recipient", b"a84b4c76e66710")
    assert (dialog.remote_uri, dialog.remote_display) == (b"sip:al@h", b"Al")
    assert take(
        DIALOGS % (1, b"partial", b'<dialog id="as7d900as8"><state>confirmed</state></dialog>')
    )
    assert seen.state == b"confirmed" and len(seen.dialogs) == 1
    assert dialog.call_id == b"a84b4c76e66710"
    missed = b'<dialog id="2"><state>trying</state></dialog>'
    assert not take(DIALOGS % (3, b"partial", missed)) and len(seen.dialogs) == 1
    assert take(DIALOGS % (1, b"partial", missed)) and len(seen.dialogs) == 1
    assert take(
        DIALOGS % (2, b"partial", b'<dialog id="as7d900as8"><state>terminated</state></dialog>')
    )
    assert seen.state == b"terminated" and not seen.dialogs
    assert not take(b"<html>") and not take(b"no document")


def test_a_missed_document_is_asked_for():
    link, alice, ours, octets = waiting_subscriber(DialogInfo())
    assert answers(link, alice, accepted(octets)) == []
    typed = ACTIVE + b"Content-Type: application/dialog-info+xml\r\n"
    body = DIALOGS % (0, b"full", EARLY)
    answers(link, alice, notify(octets, typed, body=body, kind=b"dialog"))
    assert ours.package.state == b"early"
    before = len(link.trace)
    body = DIALOGS % (2, b"partial", EARLY)
    answers(link, alice, notify(octets, typed, body=body, kind=b"dialog", cseq=2))
    link.run(35000)
    sent = [e[3] for e in link.trace[before:] if b" sip:server@192.0.2.9 " in e[3][:40]]
    assert sent and sent[0].startswith(b"SUBSCRIBE ")


def test_a_lamp_shows_the_calls_of_another_phone():
    link, alice, bob = pair()
    carol = link.add("192.0.2.3")
    carol.core.add_account(Account(b"sip:carol@192.0.2.3"))
    calls = serving(bob, DialogInfo())
    lamp = DialogInfo()
    subscribe(link, alice, lamp)
    link.run(1500)
    assert lamp.state == b"terminated"
    states = []
    sessions = answering(link, bob, after=1)
    session = call(link, carol)
    link.run(100)

    def look():
        bob.core.notify(calls, link.now_ms)
        link.run(1500)
        states.append(lamp.state)

    look()
    assert lamp.dialogs[0].remote_uri == b"sip:carol@192.0.2.3"
    assert lamp.dialogs[0].direction == b"recipient"
    sessions[0].answer(link.now_ms)
    look()
    session.hang_up(link.now_ms)
    link.run(100)
    look()
    assert states == [b"early", b"confirmed", b"terminated"]


def test_documents_of_any_kind_are_read_or_refused():
    from host_tests.fakes.link import Random

    random = Random(9)
    for valid, seen in ((PIDF, Presence()), (DIALOGS % (0, b"full", EARLY), DialogInfo())):
        link, alice, ours, octets = waiting_subscriber(seen)
        for _ in range(300):
            body = bytearray(valid)
            for _ in range(1 + random.below(6)):
                body[random.below(len(body))] = random.below(256)
            seen.receive(ours, bytes(body), 0, len(body) - random.below(50))


def test_states_of_a_subscriber_are_those_of_the_subscription():
    assert (notifier.PENDING, notifier.ACTIVE) == (subscription.PENDING, subscription.ACTIVE)
    assert notifier.TERMINATED == subscription.TERMINATED
