"""Sending a request again elsewhere (RFC 3263 4.3, RFC 3261 18.1.1): what a transaction cannot.

The transaction keeps its user and starts anew with another destination and branch; all that
changes in the message is its topmost Via. After a 503 to an INVITE what remains of the old one,
the ACK and its repetition, goes on in a transaction of its own that belongs to nobody.
"""

from binascii import hexlify

from micropython import const

from usip import ticks
from usip.sip import compose
from usip.sip.transaction import TERMINATED, Transaction

_M_INVITE = const(1)
_CANCELLING = const(2)  # of a session
_UNREGISTERED = const(0)  # of a registration
_REGISTERED = const(2)
_UNREGISTERING = const(3)
_ACCEPTED = const(5)  # of a session
_CONFIRMED = const(6)
_REFUSAL = const(2)  # of a client transaction: columns of its table
_ERROR = const(5)


def may_move(transaction) -> bool:
    """Whether somebody still wants the answer."""
    user = transaction.user
    if not transaction.is_client or user is None:
        return False
    return transaction.method != _M_INVITE or getattr(user, "state", 0) != _CANCELLING


def restart(core, transaction, destination, message, now_ms: int) -> None:
    """Send the request of *transaction* to *destination*; *message* is the 503 or None."""
    transactions = core.transactions
    core.writer.reset()  # which keeps what is in it
    request = transaction.message
    if message is not None and transaction.method == _M_INVITE:
        _leave_behind(transactions, transaction, message, now_ms)
    host, port = core.transport.local_address(destination)
    transaction.branch = hexlify(core.random(8))
    w = core.writer.reset()
    put_with_via(w, request, (destination[0], host, port), transaction.branch)
    transaction.hold(w)
    transaction.destination = destination
    transaction.state = transaction.status_code = 0
    if transaction not in transactions.active:
        transactions.active.append(transaction)
    transaction.start_timers(now_ms)
    if not transactions._send(transaction):
        transaction.state = TERMINATED  # reported by the timer
        transaction.end_at = now_ms
        transaction.repeat_at = ticks.NEVER


def _leave_behind(transactions, transaction, message, now_ms):
    old = Transaction(
        transaction.machine, _M_INVITE, transaction.branch, transaction.destination, None
    )
    old.message = transaction.message  # to make the ACK from
    transactions.active.append(old)
    transactions._step(old, _REFUSAL, now_ms, message)


def put_with_via(w, request: bytes, via: tuple, branch: bytes) -> None:
    """Write one of our own requests with another topmost Via, its second line."""
    start = request.find(b"\r\n") + 2
    w.put_span(request, 0, start).put(b"Via: SIP/2.0/")
    compose.put_sent_by(w, via[0], via[1], via[2])
    w.put(b";branch=z9hG4bK").put(branch).put(b";rport")
    if via[0] != "udp":
        w.put(b";alias")  # RFC 5923 6
    w.put_span(request, request.find(b"\r\n", start), len(request))


def enlarge(transactions, destination):
    """Return where the large request in the writer goes in place of *destination* (18.1.1).

    To TCP if we have that and the peer has not refused it; the topmost Via says so.
    """
    load = getattr(transactions.transport, "load_streams", None)
    other = load().destination_for_large(destination) if load is not None else destination
    if other[0] != "udp":
        w = transactions.writer
        at = w.buf.find(b"\r\nVia: SIP/2.0/", 0, w.end) + 15
        for octet in b"TCP":
            w.buf[at] = octet
            at += 1
    return other


def connection_failed(core, destination, may_try_again: bool, now_ms: int) -> None:
    """Tell everybody that a connection has broken.

    Requests without any response yet are sent once more on a new one if *may_try_again*, else they
    have failed; the others wait for responses on a connection of the peer's (18.2.2). A binding
    whose flow it was is made again at once (RFC 5626 4.3).
    """
    transactions = core.transactions
    for transaction in tuple(transactions.active):
        if transaction.destination == destination and transaction.is_client:
            if transaction.state == 0 and not (may_try_again and transactions._send(transaction)):
                transactions._step(transaction, _ERROR, now_ms)
    flow_failed(core, destination, now_ms)


def flow_failed(core, destination, now_ms: int) -> None:
    """Make the bindings again that went through *destination*."""
    for account in core.accounts:
        registration = account.registration
        if registration.state == _REGISTERED and registration.destination == destination:
            registration.deadline = ticks.ticks_add(now_ms, core.jittered_ms(1000))


def network_changed(core, now_ms: int) -> None:
    """Register every binding again, at once, and tell the peers of all calls where we are now.

    A call whose peer does not answer that ends, as after any re-INVITE; one that is just being
    answered is told a little later.
    """
    for account in core.accounts:
        account.public = None
        if account.registration.state not in (_UNREGISTERED, _UNREGISTERING):
            account.registration.register(now_ms)
    for session in tuple(core.sessions):
        if session.allowed("modify"):
            session.modify(now_ms)
        elif session.state in (_ACCEPTED, _CONFIRMED):
            session.modify_at = ticks.ticks_add(now_ms, 1000)
