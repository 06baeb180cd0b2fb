"""The subscription of a registration to its reg event (TS 24.229 5.1.1.3), while it is at work.

Between its messages only what `ims.watch` keeps of it stays: here it says when it may rest.
"""

from micropython import const

from usip import ticks
from usip.ims import profile
from usip.ims.regpackage import RegPackage
from usip.sip.subscription import Subscription

_ACTIVE = const(2)
_WAITING = const(4)
_PENDING = const(1)


class RegSubscription(Subscription):
    """The subscription of the registration of *watch*."""

    def __init__(self, watch) -> None:
        registration = watch.registration
        account = registration.account
        package = RegPackage(account.identities, registration.contact, account.instance)
        super().__init__(
            registration.core, account, account.default_identity, package, package.expires_s
        )
        self.watch = watch

    def can_rest(self) -> bool:
        """Whether nothing is under way."""
        return self._transaction is None and self.state in (_PENDING, _ACTIVE, _WAITING)

    def drop(self) -> None:
        """The registration is gone: so is this."""
        self._end(-1)

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Take a NOTIFY."""
        super().receive_request(transaction, message, now_ms)
        self.watch.rest()

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """Take the answer to SUBSCRIBE."""
        super().receive_response(transaction, message, now_ms)
        self.watch.rest()

    def read(self, message) -> bool:
        """Give the body to the package, which may have read it as it came."""
        if message.body_sink is None:
            return super().read(message)
        return self.package.conclude(self)

    def _grant(self, seconds: int, now_ms: int) -> None:
        super()._grant(seconds, now_ms)
        if self.deadline >= 0:
            seconds = profile.refresh_after_s(self.expires_s)
            self.deadline = ticks.ticks_add(now_ms, 1000 * max(1, seconds))

    def _follow(self, message, field, now_ms: int) -> None:
        self.package.action = 0
        super()._follow(message, field, now_ms)
        self.watch.registration.obey(self.package, now_ms)
