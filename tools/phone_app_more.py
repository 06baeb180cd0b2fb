"""The phone's rarer commands: states told and taken, requests of every kind.

Loaded by `phone_app` with the first of them, on CPython and on the VM:

    notify     event_package, body, content_type?   serve SUBSCRIBE for a package with this state,
                                                    or tell its subscribers a new one; `dialog`
                                                    without a body: our own calls
    notify     event_package, terminate: REASON     end its subscriptions
    serve      event_package, content_type          take PUBLISH, and tell the subscribers
    refer      to, refer_to                         ask somebody to call, outside of any call
    serve      info_package                         take INFO requests for an Info Package
    info       call?, content_type, body, package?  an INFO request
    ring       call?, status?                       183 with sound before the answer
    network_changed                                 as when the device got another address
    message    in_call, body, content_type?         a MESSAGE in the dialog of a call
    update     call?, method: "UPDATE"              an UPDATE in place of a re-INVITE
    transfer   call?, to, norefersub: true          a REFER without subscription (RFC 4488)
    call       to, offerless: true                  an INVITE without offer
    reject     call?, status 300 to 399, contact    a redirection

Events: `subscriber` (event_package, state, reason).
"""

import usip
from usip.sip.packages import Package


class Told(Package):
    """A package whose state is what the last command said."""

    body = b""

    def put(self, w, subscriber) -> None:
        """Append the state."""
        w.put(self.body)


def perform(phone, action: str, message: dict) -> None:
    """Do one command, or raise ValueError."""
    if action == "notify":
        notify(phone, message)
    elif action == "serve":
        serve(phone, message)
    elif action == "network_changed":
        phone.agent.network_changed()
    elif action == "call":
        phone.agent.place(message["to"], phone.agent.audio, is_offerless=True)
    elif action == "refer":
        refer(phone, message)
    else:
        perform_in_call(phone, action, message)
    phone.agent.flush()


def perform_in_call(phone, action: str, message: dict) -> None:
    """Do one command about a call."""
    agent = phone.agent
    now_ms = agent.now_ms()
    if action == "message":
        session = phone.call_of({"call": message["in_call"]}).session
        kind = message.get("content_type", "text/plain").encode()
        body = message["body"].encode()
        agent.core.message(session.account, b"", kind, body, now_ms, None, session)
        return
    call = phone.call_of(message)
    if action == "info":
        kind, body = message["content_type"].encode(), message["body"].encode()
        call.session.info(now_ms, kind, body, message.get("package", "").encode())
    elif action == "ring":
        call.ring(message.get("status", 183), agent.audio or False)
    elif action == "update":
        call.session.update(now_ms)
    elif action == "transfer":
        call.session.refer(now_ms, message["to"].encode(), False)
    elif action == "reject":
        contact = b"<%s>" % message["contact"].encode()
        call.session.reject(now_ms, message["status"], headers=((b"Contact", contact),))
    else:
        raise ValueError("no such command")


def find_package(agent, name: str):
    """Return the package that is served under a name, or None."""
    for package in agent.core.resolver.packages():
        if package.name == name.encode():
            return package
    return None


def notify(phone, message: dict) -> None:
    """Serve a package, change its state, or end its subscriptions."""
    agent = phone.agent
    name = message["event_package"]
    package = find_package(agent, name)
    if "terminate" in message:
        for usage in tuple(agent.core.usages):
            if usage.package is package and usage.is_notifier:
                usage.terminate(agent.now_ms(), message["terminate"].encode())
        return
    if package is None:
        package = make_package(name, message)
        agent.application(methods=("SUBSCRIBE",), packages=(package,))(None)
    if "body" in message:
        package.body = message["body"].encode()
    agent.core.notify(package, agent.now_ms())


def make_package(name: str, message: dict):
    """Return the package that a command describes."""
    if name == "dialog" and "body" not in message:
        from usip.sip.packages.dialog import DialogInfo

        return DialogInfo()
    kind = message.get("content_type", "application/pidf+xml")
    return Told(name.encode(), (kind.encode(),))


def serve(phone, message: dict) -> None:
    """Take publications of a package, or an Info Package."""
    if "info_package" in message:
        phone.agent.core.info_packages += (message["info_package"].encode(),)
        return
    from usip.sip.compositor import PublishedPackage

    if find_package(phone.agent, message["event_package"]) is not None:
        raise ValueError("it is served already")
    package = PublishedPackage(message["event_package"].encode(), message["content_type"].encode())
    phone.agent.application(methods=("SUBSCRIBE", "PUBLISH"), packages=(package,))(None)


def refer(phone, message: dict) -> None:
    """Ask somebody to call, outside of any dialog."""
    agent = phone.agent
    account = agent.account()
    target, refer_to = message["to"].encode(), message["refer_to"].encode()
    agent.core.refer(account, target, refer_to, agent.now_ms())


def print_subscriber(phone, event: int, subscriber) -> None:
    """Print that somebody subscribed to a state of ours, or left."""
    state = "active" if event == usip.SUBSCRIBER_ADDED else "terminated"
    names = "subscriber event_package state reason"
    phone.emit(names, subscriber.package.name, state, subscriber.reason)
