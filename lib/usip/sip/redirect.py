"""Following 3xx responses (RFC 3261 8.1.3.4): Contacts by q, each tried once, a bounded number."""

from micropython import const

from usip.sip import uri

_H_CONTACT = const(6)
_TARGETS = const(8)


class Redirection:
    """The targets of one call: those tried and those still to try, as [q in thousandths, URI]."""

    def __init__(self, first: bytes) -> None:
        self.tried = [first]
        self.waiting = []

    def add(self, q: int, target: bytes) -> None:
        """Remember a target unless it is known; higher q first, the listed order among equals."""
        known = self.tried + [entry[1] for entry in self.waiting]
        if len(known) >= _TARGETS:
            return
        for other in known:
            if uri.equal(target, 0, len(target), other, 0, len(other)):
                return
        at = 0
        while at < len(self.waiting) and self.waiting[at][0] >= q:
            at += 1
        self.waiting.insert(at, [q, target])

    def next(self):
        """Return the next target, None when all were tried."""
        if not self.waiting:
            return None
        target = self.waiting.pop(0)[1]
        self.tried.append(target)
        return target


def follow(session, message, now_ms: int) -> bool:
    """Send the INVITE to the next target after a 3xx, or a failure after one; whether it was.

    A 6xx ends the search: nobody will answer anywhere (21.6).
    """
    if session.redirection is None:
        session.redirection = Redirection(session.request_uri)
    redirection = session.redirection
    if message.status_code // 100 == 3:
        _collect(session.core, redirection, message)
    if message.status_code >= 600:
        return False
    return go_on(session, now_ms)


def go_on(session, now_ms: int) -> bool:
    """Send the INVITE to the first of the targets left whose place is known, or is looked up."""
    while True:
        target = session.redirection.next()
        if target is None:
            return False
        if session.redirect(target, now_ms):
            return True


def _collect(core, redirection, message) -> None:
    values = core.values
    contact = core.name_addr
    values.begin(message, _H_CONTACT)
    while values.next():
        if contact.parse(message.buf, values.start, values.end) and not contact.is_wildcard:
            q = 1000
            if contact.param(b"q"):
                q = _thousandths(contact.value())
            target = contact.uri()
            at = target.find(b"?")
            redirection.add(q, target if at < 0 else target[:at])


def _thousandths(text: bytes) -> int:
    """Return a qvalue in thousandths; 1000 for what is none (25.1)."""
    whole, _, fraction = text.partition(b".")
    if whole not in (b"0", b"1") or (fraction and not fraction.isdigit()):
        return 1000
    return int(whole) * 1000 + int((fraction + b"000")[:3])
