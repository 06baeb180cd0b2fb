"""Subscriptions and publications at a Kamailio that is a presence server."""

import pathlib
import shutil

import pytest

from .install import find_program
from .phone import Phone
from .process import Child, free_port

_CONFIG = pathlib.Path(__file__).with_name("presence.cfg")
_TABLES = pathlib.Path("/usr/share/kamailio/dbtext/kamailio")
_PIDF = (
    '<?xml version="1.0"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="%s">'
    '<tuple id="t1"><status><basic>%s</basic></status></tuple></presence>'
)


class Server:
    """A running presence server at .port on 127.0.0.1, UDP only."""

    def __init__(self, folder):
        self.port = free_port()
        tables = folder / "tables"
        shutil.copytree(_TABLES, tables)
        command = [find_program("kamailio"), "-f", _CONFIG, "-DD", "-E", "-m", "32", "-M", "4",
                   "-Y", folder, "-P", folder / "kamailio.pid", "-A", f'DB="text://{tables}"',
                   "-A", f'SERVER="sip:127.0.0.1:{self.port}"',
                   "-l", f"udp:127.0.0.1:{self.port}"]  # fmt: skip
        self.child = Child("kamailio", command, folder / "kamailio.log")

    def wait_ready(self):
        """Return when its processes have started."""
        self.child.wait_until(lambda: "probe_max_receive_buffer" in self.child.text(), 10, "down")

    def stop(self):
        """End it."""
        self.child.stop()


@pytest.fixture
def phones(started, vm):
    """(URI of Bob at the server, Alice's phone, Bob's phone)."""
    if not _TABLES.is_dir():
        pytest.fail("there are no db_text tables of Kamailio in %s" % _TABLES)
    server = started(Server, "kamailio")
    users = []
    for user in ("alice", "bob"):
        settings = {
            "aor": f"sip:{user}@127.0.0.1:{server.port}",
            "outbound_proxy": f"sip:127.0.0.1:{server.port}",
        }
        users.append(started(Phone, user, vm if user == "alice" else (), settings))
    return [f"sip:bob@127.0.0.1:{server.port}"] + users


def test_a_presence_is_watched_while_it_is_published_changed_and_removed(phones):
    uri, alice, bob = phones
    alice.do("subscribe", to=uri, event_package="presence", expires=120)
    assert alice.wait_event("subscribed")["expires"] == 120
    alice.wait_event("notify", state="active")
    for count, basic in enumerate(("open", "closed"), 1):
        bob.do("publish", event_package="presence", body=_PIDF % (uri, basic), expires=120)
        assert bob.wait_event("published", count=count)["status"] == 200
        told = alice.wait_event("notify", count=count + 1)
        assert f"<basic>{basic}</basic>" in told["body"]
        assert told["content_type"] == "application/pidf+xml"
    bob.do("publish", event_package="presence", expires=0)
    bob.wait_event("unpublished", status=200)
    alice.do("subscribe", to=uri, event_package="presence", expires=0)
    assert alice.wait_event("unsubscribed")["retry_in"] == -1
    assert alice.quit() == 0 and bob.quit() == 0


def test_an_interval_too_brief_a_second_package_and_an_unknown_one(phones):
    uri, alice, _ = phones
    alice.do("subscribe", to=uri, event_package="message-summary", expires=30)
    assert alice.wait_event("subscribed")["expires"] == 60
    alice.do("subscribe", to=uri, event_package="dialog", expires=600)
    assert alice.wait_event("subscribed", count=2)["expires"] == 600
    alice.do("subscribe", to=uri, event_package="weather", expires=600)
    assert alice.wait_event("unsubscribed", event_package="weather")["status"] == 489
    assert alice.quit() == 0
