"""The reg package (RFC 3680) as a subscription of ours: the registrar tells what became of us.

    package = RegPackage(identities, contact)
    core.subscribe(account, account.aor, package, now_ms)

and after each NOTIFY_RECEIVED `package.action` is what TS 24.229 wants done, a number of
`ims.reginfo`. A document that was missed is asked for by the subscription itself. What reads a
document is loaded for it and let go again.
"""

from micropython import const

import usip
from usip.sip.packages import Package

_RESUBSCRIBE = const(6)
_TYPE = b"application/reginfo+xml"


class RegPackage(Package):
    """The reg event of one registration; arguments as for `reginfo.RegEvent`."""

    expires_s = 600000  # TS 24.229 5.1.1.3
    throttle_ms = 5000

    def __init__(self, identities, contact: bytes, instance: bytes = b"") -> None:
        super().__init__(b"reg", (_TYPE,))
        self.action = 0  # NOTHING ... MALFORMED of the last document
        self.shortened_s = self.retry_after_s = -1  # with REFRESH, with RETRY
        self._of = identities, contact, instance
        self._event = None  # reads a document

    def receive(self, subscription, buf, start: int, end: int) -> bool:
        """Take a document; False when one before it is missing."""
        self.begin(_TYPE, 0, len(_TYPE))
        self.feed(buf, start, end)
        return self.conclude(subscription)

    # as the sink of a body that does not fit its buffer

    def begin(self, buf, start: int, end: int) -> bool:
        """Expect a document of the type buf[start:end]; False when that is another type."""
        from usip.ims.reginfo import RegEvent

        self._event = RegEvent(*self._of)
        return self._event.begin(buf, start, end)

    def feed(self, buf, start: int, end: int) -> None:
        """Read on."""
        self._event.feed(buf, start, end)

    def conclude(self, subscription) -> bool:
        """Conclude from the document that was fed; False when one before it is missing."""
        event = self._event
        event.version = subscription.version  # -1: a new subscription counts anew
        self.action = event.finish()
        subscription.version = event.version
        self.shortened_s = event.expires_s
        self.retry_after_s = event.retry_after_s
        self._event = None
        usip.unload("usip.ims.reginfo")
        return self.action != _RESUBSCRIBE
