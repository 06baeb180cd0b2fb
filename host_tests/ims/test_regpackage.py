"""The reg event as a subscription: a notifier on the virtual link tells what became of us."""

from host_tests.fakes.link import pair
from host_tests.sip.test_subscription import serving, subscribe
from usip.ims.identities import ImplicitSet
from usip.ims.regpackage import RegPackage
from usip.sip.packages import Package

OURS = b"sip:alice@192.0.2.1:5060"
DOCUMENT = (
    b'<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="%d" state="%s">'
    b'<registration aor="sip:alice@h" id="a" state="%s"><contact id="c" state="%s" event="%s">'
    b"<uri>sip:alice@192.0.2.1:5060</uri></contact></registration></reginfo>"
)
NOTHING, REGISTER, RESUBSCRIBE, MALFORMED = 0, 2, 6, 7


class Registrar(Package):
    """Tells what the test says; the version counts as the subscriber's documents do."""

    throttle_ms = 0

    def __init__(self):
        super().__init__(b"reg", (b"application/reginfo+xml",))
        self.told = (b"full", b"active", b"active", b"registered")
        self.skipped = 0

    def put(self, w, subscriber):
        version = subscriber.version + self.skipped
        w.put(DOCUMENT % ((version,) + self.told))


def subscribed():
    """Return (link, bob, Bob's package, ours, identities)."""
    link, alice, bob = pair()
    theirs = serving(bob, Registrar())
    identities = ImplicitSet()
    identities.add(b"<sip:alice@h>", 0, 13)
    ours = RegPackage(identities, OURS)
    subscribe(link, alice, ours, 3600)
    link.run(500)
    return link, bob, theirs, ours, identities


def test_an_active_registration_asks_for_nothing():
    link, bob, theirs, ours, identities = subscribed()
    assert link.methods() == ["SUBSCRIBE", "200", "NOTIFY", "200"]
    assert b"\r\nAccept: application/reginfo+xml\r\n" in link.trace[0][3]
    assert ours.action == NOTHING and identities.uris


def test_a_deactivated_contact_registers_anew():
    link, bob, theirs, ours, identities = subscribed()
    theirs.told = (b"partial", b"terminated", b"terminated", b"deactivated")
    bob.core.notify(theirs, link.now_ms)
    link.run(500)
    assert ours.action == REGISTER and not identities.uris


def test_a_missing_document_is_asked_for():
    link, bob, theirs, ours, identities = subscribed()
    theirs.told = (b"partial", b"active", b"active", b"registered")
    theirs.skipped = 1
    bob.core.notify(theirs, link.now_ms)
    link.run(500)
    assert ours.action == RESUBSCRIBE and identities.uris
    theirs.told = (b"full", b"active", b"active", b"registered")
    link.run(5000)
    assert link.methods().count("SUBSCRIBE") == 2 and ours.action == NOTHING
