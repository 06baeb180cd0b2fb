"""Event packages (RFC 6665 7): what a subscription is about, and how its state is written.

A Package serves both roles. As subscriber its `receive` reads the body of a NOTIFY while that is
in its buffer; as notifier its `admit` decides on a subscriber and its `put` writes the state.
An application serves packages when it has SUBSCRIBE (8) among its `methods` and them in its tuple
`packages`. This one keeps the body as it came, for packages that nothing here knows.
"""

from micropython import const

from usip.octets import equals

_H_EVENT = const(24)


class Package:
    """The package *name* with bodies of the media types *accept*, the first of which we write."""

    expires_s = 3600
    allows_forks = False  # whether one SUBSCRIBE may bring several subscriptions (RFC 6665 4.4.1)
    throttle_ms = 1000  # the least between two NOTIFYs of a subscription

    def __init__(self, name: bytes, accept: tuple = ()) -> None:
        self.name = name
        self.accept = accept  # (): anything

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take the state in buf[start:end], of the type `subscription.content_type`.

        False when the full state is needed: a document was missed or could not be read.
        """
        subscription.body = bytes(memoryview(buf)[start:end])
        return True

    def admit(self, subscriber) -> int:
        """Return 200 for a subscriber to accept, 202 to decide later, or a status to refuse it."""
        return 200

    def put(self, w, subscriber) -> None:
        """Append the full state for a subscriber; nothing at all for a NOTIFY without a body."""


def is_event(message, field, name: bytes) -> bool:
    """Whether the Event of a message is the package *name*; *field*, a Field, is left at it."""
    i = message.find(_H_EVENT)
    if i < 0 or not field.parse(message.buf, message.value_start(i), message.value_end(i)):
        return False
    # case-sensitive (RFC 6665 8.2.1)
    return equals(message.buf, field.start, field.end, name, len(name)) == 1


def refuse_event(core, transaction, message, names, now_ms: int) -> None:
    """Answer 489 and say which packages are known (RFC 6665 8.3.2)."""
    core.begin_response(transaction, message, 489)
    if names:
        core.writer.put(b"Allow-Events: ").put(b", ".join(names)).put(b"\r\n")
    core.finish_response(transaction, 489, now_ms)
