"""The dialog package (RFC 4235): the calls of somebody else, as lamps of a switchboard show them.

As subscriber it keeps the dialogs of a full document and what partial ones change in them. As
notifier it tells the calls of one account of ours, always in full; a call that ended is told once
more as terminated by being left out.
"""

from micropython import const

from usip.sip.packages import Package
from usip.sip.packages.xml import END, START, Scanner, escape

_TYPE = b"application/dialog-info+xml"
_DIALOGS = const(16)  # kept at most
# Of our own calls, by session state: the word of RFC 4235 3.7.1.
_STATES = (
    b"trying",
    b"early",
    b"early",
    b"early",
    b"early",
    b"confirmed",
    b"confirmed",
    b"terminated",
    b"terminated",
)


class DialogState:
    """One dialog as told: everything is bytes, b"" when it was not."""

    def __init__(self, id: bytes, subscription) -> None:
        self.id = id
        self.subscription = subscription  # which of several branches told it
        self.state = b""  # trying, proceeding, early, confirmed, terminated
        self.direction = b""  # initiator or recipient
        self.call_id = b""
        self.local_tag = b""
        self.remote_tag = b""
        self.remote_uri = b""
        self.remote_display = b""


class DialogInfo(Package):
    """The dialogs of `entity`; `state` is that of the busiest, b"terminated" without any."""

    allows_forks = True  # 3.9
    throttle_ms = 1000  # 3.10

    def __init__(self, account=None) -> None:
        """*account*: as notifier, whose calls are told; None: of all accounts."""
        super().__init__(b"dialog", (_TYPE,))
        self.account = account
        self.entity = b""
        self.dialogs = []

    @property
    def state(self) -> bytes:
        """The state of the dialog that has come furthest."""
        found = b"terminated"
        for word in (b"trying", b"proceeding", b"early", b"confirmed"):
            for dialog in self.dialogs:
                if dialog.state == word:
                    found = word
        return found

    # -- as subscriber

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take a document (4.1); False when a partial one does not follow the last."""
        scanner = Scanner()
        scanner.begin(buf, start, end)
        if scanner.next() != START or not scanner.is_at(b"dialog-info"):
            return False
        version = scanner.attribute(b"version") or b""
        version = int(version) if version.isdigit() and len(version) < 9 else 0
        known = subscription.version
        if scanner.attribute(b"state") != b"partial":
            self.dialogs = [d for d in self.dialogs if d.subscription is not subscription]
        elif version != known + 1:
            return known >= version  # one seen before says nothing new
        subscription.version = version
        self.entity = scanner.attribute(b"entity") or b""
        self._take(scanner, subscription)
        return not scanner.is_broken

    def _take(self, scanner, subscription) -> None:
        dialog = None
        is_remote = False
        kind = scanner.next()
        while kind:
            if kind == START and scanner.is_at(b"dialog"):
                dialog = self._begin(scanner, subscription)
                if scanner.is_empty:
                    dialog = None
            elif dialog is None:
                pass
            elif kind == START and (scanner.is_at(b"remote") or scanner.is_at(b"local")):
                is_remote = scanner.is_at(b"remote")
            elif kind == START and is_remote and scanner.is_at(b"identity"):
                dialog.remote_display = scanner.attribute(b"display") or dialog.remote_display
            elif kind == END and is_remote and scanner.is_at(b"identity"):
                dialog.remote_uri = scanner.text()
            elif kind == END and scanner.is_at(b"state"):
                dialog.state = scanner.text().lower()
            elif kind == END and scanner.is_at(b"dialog"):
                if dialog.state == b"terminated" or len(self.dialogs) > _DIALOGS:
                    self.dialogs.remove(dialog)
                dialog = None
            kind = scanner.next()

    def _begin(self, scanner, subscription):
        """Return the dialog that a `<dialog>` is about, a new one when its id is not known."""
        id = scanner.attribute(b"id") or b""
        for dialog in self.dialogs:
            if dialog.id == id and dialog.subscription is subscription:
                break
        else:
            dialog = DialogState(id, subscription)
            self.dialogs.append(dialog)
        dialog.direction = scanner.attribute(b"direction") or dialog.direction
        dialog.call_id = scanner.attribute(b"call-id") or dialog.call_id
        dialog.local_tag = scanner.attribute(b"local-tag") or dialog.local_tag
        dialog.remote_tag = scanner.attribute(b"remote-tag") or dialog.remote_tag
        return dialog

    # -- as notifier

    def put(self, w, subscriber) -> None:
        """Append our calls in full."""
        w.put(b'<?xml version="1.0"?>\r\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"')
        w.put(b' version="').put_uint(subscriber.version).put(b'" state="full" entity="')
        w.put(escape(subscriber.account.aor)).put(b'">\r\n')
        for session in subscriber.core.sessions:
            if self.account is None or session.account is self.account:
                _put_session(w, session)
        w.put(b"</dialog-info>\r\n")


def _put_session(w, session) -> None:
    dialog = session.dialog
    w.put(b'<dialog id="').put_uint(session.id).put(b'" call-id="').put(escape(dialog.call_id))
    w.put(b'" local-tag="').put(escape(dialog.local_tag))
    if dialog.remote_tag:
        w.put(b'" remote-tag="').put(escape(dialog.remote_tag))
    w.put(b'" direction="').put(b"recipient" if session.is_incoming else b"initiator")
    w.put(b'"><state>').put(_STATES[session.state]).put(b"</state><remote><identity>")
    w.put(escape(_uri_of(dialog.remote_uri))).put(b"</identity></remote></dialog>\r\n")


def _uri_of(name_addr: bytes) -> bytes:
    """Return the URI of a From or To value."""
    start = name_addr.rfind(b"<")
    if start < 0:
        return name_addr.split(b";", 1)[0].strip()
    return name_addr[start + 1 : name_addr.find(b">", start)]
