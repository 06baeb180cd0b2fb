"""What an agent does beside calls: messages, subscriptions, publications, transfers.

Imported when the first of these is used or comes in; the core's events about them reach the
observer with the numbers here. Text given by a program is str, what came from the wire is bytes.

A peer that asks to be left for somebody else (REFER) or brings a call that takes the place of
another (Replaces) is obeyed when `agent.follows_transfers`: sound goes over to the new call,
which is in `agent.calls` and in no application's hands. Otherwise it is declined.
"""

import gc

from usip import core
from usip.net.accounts import target_of

MESSAGE_RECEIVED = 33  # subject: from_uri, from_display, content_type, body, account, session
MESSAGE_SENT = 34  # subject: the request, with status and reason
NOTIFY_RECEIVED = 35  # subject: the subscription, with content_type, body, state, package
SUBSCRIPTION_STARTED = 36
SUBSCRIPTION_ENDED = 37  # status, reason, retry_in_s (-1: for good)
SUBSCRIBER_ADDED = 38
SUBSCRIBER_REMOVED = 39
PUBLISHED = 40  # subject: the publication, with etag, expires_s, status, reason
PUBLICATION_ENDED = 41
TRANSFER_REQUESTED = 42  # subject: the referral, with target; detail: the call it came in
TRANSFER_PROGRESS = 43  # subject: the transfer, with target, status, reason; detail: its call
TRANSFER_ENDED = 44

_OFFSET = MESSAGE_RECEIVED - core.MESSAGE_RECEIVED

_SMS = "application/vnd.3gpp.sms"
_TYPES = {
    "dialog": "application/dialog-info+xml",
    "message-summary": "application/simple-message-summary",
    "presence": "application/pidf+xml",
    "reg": "application/reginfo+xml",
}


def handle(agent, event: int, subject) -> None:
    """Take an event of the core that is not about a call of ours."""
    detail = None
    if event == core.TRANSFER_REQUESTED:
        detail = _call_of(agent, subject.session)
        _follow(agent, subject, detail)
    elif event >= core.TRANSFER_PROGRESS:
        detail = _call_of(agent, subject.session)
    agent.observe(event + _OFFSET, subject, detail)
    if event == core.MESSAGE_RECEIVED and subject.session is None:
        agent.serve(subject.application.handler, subject)


def _call_of(agent, session):
    for call in agent.calls:
        if call.session is session:
            return call
    return None


def _follow(agent, referral, old) -> None:
    """Place the call that a peer asks for in the call *old*, or decline."""
    if old is None or not agent.follows_transfers:
        referral.reject(agent.now_ms())
        return
    try:
        call = agent.make_call()
    except MemoryError:
        call = None
    if call is None:
        referral.reject(agent.now_ms(), 486)
        return
    agent.calls.append(call)
    call.take_audio(old)
    try:
        call.session = referral.accept(agent.now_ms(), call.media)
    except MemoryError:
        _give_up(agent, referral, call, old)


def _give_up(agent, referral, call, old) -> None:
    """There is no memory for the call that was asked for: say so, and go on with the old one."""
    from usip import switchboard

    old.take_audio(call)
    agent.calls.remove(call)
    switchboard.close_path(agent, call)
    call.media.close()
    call.stream = None
    gc.collect()
    agent.dropped += 1
    referral.follow(503, b"Service Unavailable", agent.now_ms())


def take_over(agent, call) -> bool:
    """Answer a call that takes the place of another, with the sound of that; whether it was."""
    old = _call_of(agent, call.session.replaced)
    if old is None:
        return False
    if not agent.follows_transfers:
        call.session.reject(agent.now_ms(), 603)
        return True
    call.take_audio(old)
    call.session.answer(agent.now_ms())
    return True


def message(agent, target: str, body: str, content_type: str = "text/plain", account=None):
    """Send a page-mode message; MESSAGE_SENT is observed with its outcome.

    Of an IMS account a text of the type application/vnd.3gpp.sms goes as a short message.
    """
    account = account or agent.account()
    uri = target_of(account, target)
    now_ms = agent.now_ms()
    if content_type == _SMS and account.profile is not None:
        from usip.ims import messages

        number = str(uri, "utf-8").partition(":")[2].partition(";")[0].partition("@")[0]
        request = messages.of(account, agent.core).send(number, body, now_ms)
    else:
        request = agent.core.message(account, uri, content_type.encode(), body.encode(), now_ms)
    agent.flush()
    return request


def subscribe(agent, target: str, package, expires_s: int = -1, account=None):
    """Subscribe to an event package of *target*; SUBSCRIPTION_STARTED ... are observed.

    *package* is a sip.packages.Package, or the name of one whose bodies are to be kept as they
    are. Return the subscription.
    """
    account = account or agent.account()
    if isinstance(package, str):
        from usip.sip.packages import Package

        accept = _TYPES.get(package)
        package = Package(package.encode(), (accept.encode(),) if accept else ())
    subscription = agent.core.subscribe(
        account, target_of(account, target), package, agent.now_ms(), expires_s
    )
    agent.flush()
    return subscription


def publish(agent, event: str, body: str, content_type: str, expires_s: int = 3600, account=None):
    """Publish a state of an account, or what it has changed to; return the publication.

    *expires_s* 0 takes it back. There is one publication an account and event package.
    """
    account = account or agent.account()
    event = event.encode()
    found = None
    for usage in agent.core.usages:
        if getattr(usage, "event", None) == event and usage.account is account:
            found = usage
    if found is None:
        if expires_s == 0:
            raise ValueError("nothing is published")
        found = agent.core.publish(
            account, event, content_type.encode(), agent.now_ms(), expires_s
        )
    if expires_s:
        found.content_type = content_type.encode()
        found.requested_s = expires_s
        found.publish(body.encode(), agent.now_ms())
    else:
        found.remove(agent.now_ms())
    agent.flush()
    return found
