"""The reg package (RFC 3680) as a subscription of ours: the registrar tells what became of us.

    package = RegPackage(identities, contact)
    core.subscribe(account, account.aor, package, now_ms)

and after each NOTIFY_RECEIVED `package.action` is what TS 24.229 wants done, a number of
`ims.reginfo`. A document that was missed is asked for by the subscription itself.
"""

from micropython import const

from usip.ims.reginfo import RegEvent
from usip.sip.packages import Package

_RESUBSCRIBE = const(6)
_TYPE = b"application/reginfo+xml"


class RegPackage(Package):
    """The reg event of one registration; arguments as for `reginfo.RegEvent`."""

    expires_s = 600000  # TS 24.229 5.1.1.3
    throttle_ms = 5000

    def __init__(self, identities, contact: bytes, instance: bytes = b"") -> None:
        super().__init__(b"reg", (_TYPE,))
        self.event = RegEvent(identities, contact, instance)
        self.action = 0  # NOTHING ... MALFORMED of the last document

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take a document; False when one before it is missing."""
        event = self.event
        event.begin(_TYPE, 0, len(_TYPE))
        event.feed(buf, start, end)
        return self.finish(subscription)

    def finish(self, subscription) -> bool:
        """Conclude from the document that `event` was fed; False when one before it is missing."""
        event = self.event
        if subscription.version < 0:
            event.version = -1  # a new subscription counts anew
        self.action = event.finish()
        subscription.version = event.version
        return self.action != _RESUBSCRIBE
