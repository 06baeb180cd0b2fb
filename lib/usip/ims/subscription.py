"""The subscription of a registration to its reg event (TS 24.229 5.1.1.3), while it is at work.

Between its messages only what `ims.watch` keeps of it stays: here it says when it may rest.
"""

from micropython import const

from usip import ticks
from usip.ims import profile
from usip.ims.regpackage import RegPackage
from usip.sip.subscription import Subscription

_E_REGISTERED = const(1)
_E_UNREGISTERED = const(2)
_E_REGISTRATION_FAILED = const(3)

_PENDING = const(1)  # as in sip.subscription
_ACTIVE = const(2)
_WAITING = const(4)

_UNREGISTERED = const(0)  # as in sip.registration
_REGISTERED = const(2)
_FAILED = const(4)

_CHANGED = const(1)  # what ims.reginfo wants done
_REGISTER = const(2)
_RETRY = const(3)
_ENDED = const(4)
_REFRESH = const(5)

_LONGEST_S = const(259200)  # three days: a deadline must lie within half the clock


class RegSubscription(Subscription):
    """The subscription of the registration of *watch*."""

    def __init__(self, watch) -> None:
        registration = watch.registration
        account = registration.account
        package = self.new_package(registration)
        super().__init__(
            registration.core, account, account.default_identity, package, package.expires_s
        )
        self.watch = watch

    def new_package(self, registration) -> RegPackage:
        """Return what reads the documents; it keeps nothing from one to the next."""
        account = registration.account
        return RegPackage(account.identities, registration.contact, account.instance)

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
        obey(self.watch.registration, self.package, now_ms)


def obey(registration, package, now_ms: int) -> None:
    """Do with a registration what the reg event wants (5.1.1.7)."""
    action = package.action
    core = registration.core
    if registration.state != _REGISTERED:
        return
    if action == _CHANGED:
        registration.account.use_identities()
        core.post(_E_REGISTERED, registration)
    elif action == _REFRESH:  # 5.1.1.5.2: the network wants to see our credentials
        registration.refresh_in(package.shortened_s // 2, now_ms)
    elif action in (_REGISTER, _RETRY, _ENDED):
        _end(registration)
    if action == _REGISTER:
        registration.register(now_ms)
    elif action == _RETRY:
        registration.state = _FAILED
        registration.status = 480
        registration.reason = b"Probation"
        registration.retry_in_s = min(max(1, package.retry_after_s), _LONGEST_S)
        registration.refresh_in(registration.retry_in_s, now_ms)
        core.post(_E_REGISTRATION_FAILED, registration)


def _end(registration) -> None:
    """The network ended the registration."""
    registration.deadline = ticks.NEVER
    registration.state = _UNREGISTERED
    registration.expires_s = 0
    registration.leave()
    registration.core.post(_E_UNREGISTERED, registration)
