"""What stays of a subscription to the reg event between its messages.

A phone hears of its registration once an hour. So the code that subscribes and reads NOTIFYs is
loaded when one comes or the time for a refresh has, and let go again; the values of the
subscription are kept here meanwhile.
"""

from micropython import const

import usip
from usip import ticks
from usip.sip.dialog import is_span

_M_NOTIFY = const(9)
_TERMINATED = const(5)  # as in sip.subscription

# usip.watching and usip.events are what a linked image makes of the others.
_MODULES = "usip.watching usip.ims.subscription usip.ims.regpackage usip.sip.packages"
_MODULES += " usip.events usip.sip.subscription usip.sip.fields"


class Watch:
    """The subscription of an IMSRegistration; a usage of the core while it rests."""

    is_notifier = False
    package = None
    event = b"reg"

    def __init__(self, registration) -> None:
        self.registration = registration
        self.account = registration.account
        self._core = registration.core
        self._subscription = None
        self._values = None  # of the subscription at rest
        self._deadline = ticks.NEVER

    def start(self, now_ms: int) -> None:
        """Subscribe."""
        from usip.ims.subscription import RegSubscription

        self._subscription = RegSubscription(self)
        self._subscription.start(now_ms)

    @property
    def is_worth_another(self) -> bool:
        """Whether it ended, and not because the network knows nothing of the reg event."""
        subscription = self._subscription
        if subscription is None or subscription.state != _TERMINATED:
            return False
        return subscription.status < 400

    def drop(self) -> None:
        """The registration is gone: so is this."""
        self.wake().drop()

    def wake(self):
        """Return the subscription at work."""
        subscription = self._subscription
        if subscription is None:
            from usip.ims.subscription import RegSubscription

            subscription = self._subscription = object.__new__(RegSubscription)
            for name in self._values:
                setattr(subscription, name, self._values[name])
            subscription.package = subscription.new_package(self.registration)
            self._values = None
            usages = self._core.usages
            usages[usages.index(self)] = subscription
        return subscription

    def rest(self) -> None:
        """Keep the values alone, unless something is under way."""
        subscription = self._subscription
        if subscription is None or not subscription.can_rest():
            return
        self._subscription = None
        package = subscription.package  # its class goes, so it must not be kept
        kept = subscription.__dict__
        self._values = {name: kept[name] for name in kept if kept[name] is not package}
        self._deadline = subscription.next_deadline()
        usages = self._core.usages
        usages[usages.index(subscription)] = self
        if len(usages) == 1:
            usip.unload(*_MODULES.split())

    # -- as a usage

    def matches(self, message) -> bool:
        """Whether a request may be a NOTIFY of the subscription."""
        return message.method == _M_NOTIFY and is_span(
            message.buf,
            message.call_id_start,
            message.call_id_end,
            self._values["dialog"].call_id,
        )

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Take it, if it is one."""
        subscription = self.wake()
        if subscription.matches(message):
            subscription.receive_request(transaction, message, now_ms)
        else:
            self._core.respond(transaction, message, 481, now_ms)
            self.rest()

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        return self._deadline

    def handle_timer(self, now_ms: int) -> None:
        """Refresh, or begin anew."""
        if self._deadline >= 0 and ticks.ticks_diff(now_ms, self._deadline) >= 0:
            self.wake().handle_timer(now_ms)
            self.rest()


class ReginfoSink:
    """Takes the documents too long for a stream's buffer: every reg event reads along.

    Which of them it is for shows when the NOTIFY is complete; the others forget it.
    """

    def __init__(self, core) -> None:
        self._core = core
        self._packages = ()

    def begin(self, buf, start: int, end: int) -> bool:
        """Return whether a body of the type buf[start:end] is wanted."""
        watches = [
            account.registration.watch for account in self._core.accounts if account.profile
        ]
        self._packages = [watch.wake().package for watch in watches if watch is not None]
        wanted = False
        for package in self._packages:
            wanted = package.begin(buf, start, end) or wanted
        return wanted

    def feed(self, buf, start: int, end: int) -> None:
        """Take the next octets."""
        for package in self._packages:
            package.feed(buf, start, end)

    def finish(self) -> None:
        """The body is complete."""
