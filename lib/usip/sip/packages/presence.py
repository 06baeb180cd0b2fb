"""The presence package (RFC 3856) with PIDF documents (RFC 3863): who can be reached, where."""

from usip.sip.packages import Package
from usip.sip.packages.xml import END, START, Scanner, escape

_TYPE = b"application/pidf+xml"


class Presence(Package):
    """A presentity: `is_open` when one of its tuples is; its first note and open contact."""

    throttle_ms = 5000  # RFC 3856 6.10

    def __init__(self, entity: bytes = b"") -> None:
        super().__init__(b"presence", (_TYPE,))
        self.entity = entity  # its URI
        self.is_open = False
        self.note = b""
        self.contact = b""

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take a PIDF document, which is always the full state."""
        scanner = Scanner()
        scanner.begin(buf, start, end)
        is_open = is_presence = False
        entity = note = contact = waiting = b""
        tuple_is_open = False
        kind = scanner.next()
        while kind:
            if kind == START and scanner.is_at(b"presence"):
                is_presence = True
                entity = scanner.attribute(b"entity") or b""
            elif kind == START and scanner.is_at(b"tuple"):
                waiting = b""
                tuple_is_open = False
            elif kind == END and scanner.is_at(b"basic"):
                tuple_is_open = scanner.text().lower() == b"open"
                is_open = is_open or tuple_is_open
            elif kind == END and scanner.is_at(b"contact"):
                waiting = scanner.text()
            elif kind == END and scanner.is_at(b"tuple"):
                if tuple_is_open and not contact:
                    contact = waiting
            elif kind == END and scanner.is_at(b"note"):
                note = note or scanner.text()
            kind = scanner.next()
        if scanner.is_broken or not is_presence:
            return False
        self.entity = entity
        self.is_open = is_open
        self.note = note
        self.contact = contact
        return True

    def put(self, w, subscriber) -> None:
        """Append a PIDF document; without an entity that of the subscriber's account."""
        self.put_document(w, self.entity or subscriber.account.aor)

    def put_document(self, w, entity: bytes) -> None:
        """Append a PIDF document about *entity*: for a NOTIFY or to be published."""
        w.put(b'<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:')
        w.put(b'ns:pidf" entity="').put(escape(entity)).put(b'">\r\n<tuple id="t1"><status>')
        w.put(b"<basic>").put(b"open" if self.is_open else b"closed").put(b"</basic></status>")
        if self.contact:
            w.put(b"<contact>").put(escape(self.contact)).put(b"</contact>")
        if self.note:
            w.put(b"<note>").put(escape(self.note)).put(b"</note>")
        w.put(b"</tuple>\r\n</presence>\r\n")
