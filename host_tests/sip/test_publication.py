"""PUBLISH (RFC 3903): a publisher and the compositor of another station over the virtual link."""

from host_tests.fakes.link import lossy, pair
from host_tests.sip.test_standalone import Proxy
from host_tests.sip.test_subscription import serving, subscribe
from usip import core
from usip.limits import Limits
from usip.sip import publication
from usip.sip.compositor import PublishedPackage
from usip.sip.packages.presence import Presence
from usip.sip.registration import Account
from usip.writer import Writer

PIDF = b"application/pidf+xml"


def pidf(is_open, note=b""):
    """Return the document of a presentity."""
    w = Writer(bytearray(700))
    presence = Presence()
    presence.is_open = is_open
    presence.note = note
    presence.put_document(w, b"sip:alice@192.0.2.2")
    return w.take()


def stations(fate=None, **limits):
    """Return (link, alice, bob, package): Bob takes what is published for Alice there."""
    link, alice, bob = pair(fate=fate)
    bob.core.limits = Limits(**limits)
    package = serving(bob, PublishedPackage(b"presence", PIDF))
    bob.methods = (1, 8, 10)
    account = Account(b"sip:alice@192.0.2.2", b"", b"alice", b"secret")
    alice.core.add_account(account)
    return link, alice, bob, package


def publishing(link, alice, expires_s=3600):
    """Return a publication of Alice's presence."""
    return alice.core.publish(alice.core.accounts[1], b"presence", PIDF, link.now_ms, expires_s)


def test_a_state_is_published_refreshed_changed_and_removed():
    link, alice, bob, package = stations()
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    link.run(500)
    assert link.methods() == ["PUBLISH", "200"] and alice.events == [core.PUBLISHED]
    assert b"SIP-If-Match" not in link.trace[0][3] and ours.etag and ours.expires_s == 3600
    etag = ours.etag
    link.run(3500000)
    assert link.methods()[2:] == ["PUBLISH", "200"]
    assert b"SIP-If-Match: " + etag in link.trace[2][3]
    assert b"\r\nContent-Length: 0\r\n" in link.trace[2][3] and ours.etag != etag
    ours.publish(pidf(False), link.now_ms)
    link.run(500)
    assert b"SIP-If-Match: " in link.trace[4][3] and b"closed" in link.trace[4][3]
    assert len(package.publications) == 1 and package.publications[0].body == pidf(False)
    ours.remove(link.now_ms)
    link.run(500)
    assert b"\r\nExpires: 0\r\n" in link.trace[6][3] and not package.publications
    assert alice.events[-1] == core.PUBLICATION_ENDED and ours.retry_in_s == -1
    assert not alice.core.usages and not bob.core.usages


def test_what_is_published_is_told_to_subscribers():
    link, alice, bob, package = stations()
    carol = link.add("192.0.2.3")
    carol.core.add_account(Account(b"sip:carol@192.0.2.3"))
    seen = Presence()
    account = carol.core.accounts[0]
    carol.core.subscribe(account, b"sip:alice@192.0.2.2", seen, link.now_ms)
    link.run(500)
    assert not seen.is_open
    ours = publishing(link, alice)
    ours.publish(pidf(True, b"in"), link.now_ms)
    link.run(2000)
    assert seen.is_open and seen.note == b"in" and seen.entity == b"sip:alice@192.0.2.2"
    ours.publish(pidf(False), link.now_ms)
    link.run(2000)
    assert not seen.is_open
    other = Presence()
    subscribe(link, carol, other)
    link.run(2000)
    assert other.entity == b""


def test_a_compositor_that_forgot_is_told_all_of_it_again():
    link, alice, bob, package = stations()
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    link.run(500)
    package.publications.clear()
    bob.core.usages.clear()
    link.run(3500000)
    assert link.methods()[2:] == ["PUBLISH", "412", "PUBLISH", "200"], link.methods()
    assert b"SIP-If-Match" not in link.trace[4][3] and b"<basic>open" in link.trace[4][3]
    assert ours.state == publication.PUBLISHED and len(package.publications) == 1


def test_an_interval_too_brief_is_raised():
    link, alice, bob, package = stations(min_expires_s=1000)
    ours = publishing(link, alice, 300)
    ours.publish(pidf(True), link.now_ms)
    link.run(500)
    assert link.methods() == ["PUBLISH", "423", "PUBLISH", "200"]
    assert ours.expires_s == 1000 and package.publications[0].body == pidf(True)


def test_an_unknown_package_and_another_type_are_refused():
    link, alice, bob, package = stations()
    account = alice.core.accounts[1]
    ours = alice.core.publish(account, b"weather", PIDF, link.now_ms)
    ours.publish(b"rain", link.now_ms)
    link.run(500)
    assert ours.status == 489 and b"Allow-Events: presence\r\n" in link.trace[1][3]
    assert ours.retry_in_s == -1 and not alice.core.usages
    ours = alice.core.publish(account, b"presence", b"text/plain", link.now_ms)
    ours.publish(b"rain", link.now_ms)
    link.run(500)
    assert ours.status == 415 and not package.publications


def test_only_the_latest_of_several_changes_follows_the_one_in_the_air():
    link, alice, bob, package = stations()
    ours = publishing(link, alice)
    for note in (b"1", b"2", b"3"):
        ours.publish(pidf(True, note), link.now_ms)
    link.run(500)
    assert link.methods() == ["PUBLISH", "200", "PUBLISH", "200"]
    assert alice.events == [core.PUBLISHED]
    assert package.publications[0].body == pidf(True, b"3")


def test_a_state_removed_while_it_is_published_is_removed_after_that():
    link, alice, bob, package = stations()
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    ours.remove(link.now_ms)
    link.run(500)
    assert link.methods() == ["PUBLISH", "200", "PUBLISH", "200"]
    assert not package.publications and alice.events == [core.PUBLICATION_ENDED]


def test_what_is_not_refreshed_expires():
    link, alice, bob, package = stations()
    publishing(link, alice, 100).publish(pidf(True), link.now_ms)
    link.run(500)
    alice.is_up = False
    link.run(101000)
    assert not package.publications and not bob.core.usages


def test_nobody_there_is_tried_again():
    link, alice, bob, package = stations()
    bob.is_up = False
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    link.run(33000)
    assert ours.status == 408 and ours.state == publication.WAITING and ours.retry_in_s > 0
    assert alice.events == [core.PUBLICATION_ENDED]
    bob.is_up = True
    link.run(10000)
    assert ours.state == publication.PUBLISHED and package.publications[0].body == pidf(True)


def test_states_are_published_through_ten_percent_loss_each_way():
    for seed in range(10):
        link, alice, bob, package = stations(fate=lossy(10, seed + 5))
        ours = publishing(link, alice)
        ours.publish(pidf(True), link.now_ms)
        link.run(60000)
        ours.publish(pidf(False), link.now_ms)
        link.run(60000)
        assert package.publications[0].body == pidf(False), seed
        ours.remove(link.now_ms)
        link.run(60000)
        assert not package.publications and not alice.core.usages, seed


def test_more_than_there_is_room_for_is_503():
    link, alice, bob, package = stations(usages=0)
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    link.run(500)
    assert ours.status == 503 and ours.state == publication.WAITING and ours.retry_in_s > 40


def test_a_challenge_is_answered_with_the_same_state():
    link, alice, bob, package = stations()
    proxy = Proxy(link, "192.0.2.2", {"alice": "secret"})
    link.endpoints.remove(bob)
    link.endpoints.append(proxy)
    ours = publishing(link, alice)
    ours.publish(pidf(True), link.now_ms)
    link.run(500)
    assert proxy.log == [401, 200] and ours.state == publication.PUBLISHED
    assert b"<basic>open" in link.trace[2][3]


def test_a_document_too_long_to_send_is_reported():
    link, alice, bob, package = stations()
    ours = publishing(link, alice)
    ours.publish(b"x" * 1500, link.now_ms)
    link.run(500)
    assert ours.status == 513 and alice.events == [core.PUBLICATION_ENDED]
