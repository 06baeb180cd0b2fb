"""The message-summary package (RFC 3842): is there a message waiting?"""

from usip.sip.packages import Package

_TYPE = b"application/simple-message-summary"


class MessageSummary(Package):
    """What waits in a mailbox: as subscriber read, as notifier told.

    `counts` has for each class (b"voice-message", b"fax-message" ...) the tuple (new, old,
    urgent new, urgent old).
    """

    allows_forks = False

    def __init__(self, account: bytes = b"") -> None:
        super().__init__(b"message-summary", (_TYPE,))
        self.is_waiting = False
        self.account = account  # the URI to call in order to listen
        self.counts = {}

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take a summary (5.2); lines that are none are passed over."""
        self.is_waiting = False
        self.counts.clear()
        for line in bytes(memoryview(buf)[start:end]).split(b"\n"):
            name, _, value = line.partition(b":")
            name = name.strip().lower()
            value = value.strip()
            if name == b"messages-waiting":
                self.is_waiting = value.lower() == b"yes"
            elif name == b"message-account":
                self.account = value
            elif name.endswith(b"-message"):
                self.counts[name] = _parse_counts(value)
        return True

    def put(self, w, subscriber) -> None:
        """Append a summary."""
        w.put(b"Messages-Waiting: ").put(b"yes\r\n" if self.is_waiting else b"no\r\n")
        if self.account:
            w.put(b"Message-Account: ").put(self.account).put(b"\r\n")
        for name in sorted(self.counts):
            w.put(name).put(b": %d/%d (%d/%d)\r\n" % self.counts[name])


def _parse_counts(value: bytes) -> tuple:
    """Return the numbers of `new/old (urgent new/urgent old)`; 0 for what is missing."""
    found = []
    for part in value.replace(b"(", b"/").replace(b")", b"").split(b"/"):
        part = part.strip()
        found.append(int(part) if part.isdigit() and len(part) < 9 else 0)
    return tuple((found + [0, 0, 0, 0])[:4])
