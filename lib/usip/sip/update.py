"""UPDATE (RFC 3311): changing a session, or refreshing it, without a three-way handshake."""

from micropython import const

_E_CALL_MODIFIED = const(8)
_M_UPDATE = const(11)
_LOCAL = const(1)
_REMOTE = const(2)


def send(session, now_ms: int, with_offer: bool) -> None:
    """Send an UPDATE, with the media's new offer or only to refresh."""
    core = session.core
    w = session.begin(_M_UPDATE)
    core.put_contact(w, session.account, session.dialog.destination)
    core.put_capabilities(w)
    if session.timer is not None:
        session.timer.put_request(w)
    session.put_description(w, with_offer)
    session.modifying = core.send_request(_M_UPDATE, session.dialog.destination, session, now_ms)
    if session.modifying is None and session.offer == _LOCAL:
        session.refuse_offer()


def receive(session, transaction, message, now_ms: int) -> None:
    """Answer an UPDATE: 491 or 500 while an offer is in the air (5.2)."""
    core = session.core
    has_offer = message.body_end > message.body_start
    if has_offer and session.offer == _LOCAL:
        core.respond(transaction, message, 491, now_ms)
    elif has_offer and session.offer == _REMOTE:
        core.respond_later(transaction, message, now_ms)
    elif session.refuse_interval(transaction, message, now_ms):
        return
    elif not core.refuse_body(transaction, message, now_ms):
        if session.take_offer(transaction, message, now_ms):
            core.begin_response(transaction, message, 200)
            w = core.writer
            core.put_contact(w, session.account, transaction.destination)
            core.put_capabilities(w)
            if session.timer is not None:
                session.timer.put_response(w, now_ms)
            session.put_description(w, False)
            core.transactions.respond(transaction, 200, now_ms)
            if has_offer:
                core.post(_E_CALL_MODIFIED, session)
                session.proceed(now_ms)


def receive_response(session, transaction, message, now_ms: int) -> None:
    """React to a final response to our UPDATE."""
    status = message.status_code
    if transaction is not session.modifying:
        return
    session.modifying = None
    if status < 300:
        session.note_capabilities(message)
        session.dialog.refresh_target(message, session.core)
        session.take_interval(message, now_ms)
        if session.offer == _LOCAL:
            if session.take_answer(message):
                session.core.post(_E_CALL_MODIFIED, session)
            else:
                session.refuse_offer()
    elif status in (401, 407) and session.retry(message):
        had_offer = session.offer == _LOCAL
        session.offer = 0
        send(session, now_ms, had_offer)
    else:
        from usip.sip import reinvite

        reinvite.refused(session, message, now_ms)
