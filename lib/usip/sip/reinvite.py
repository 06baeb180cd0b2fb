"""Changing a session with re-INVITE (RFC 3261 section 14), from either side.

Imported with the first one, as `update` is for UPDATE; what becomes of a refused change is the
same for both.
"""

from micropython import const

from usip import ticks
from usip.sip import compose

_E_CALL_MODIFIED = const(8)
_M_INVITE = const(1)
_CONFIRMED = const(6)
_LOCAL = const(1)


def send(session, now_ms: int) -> None:
    """Send a re-INVITE with the media's new offer."""
    core = session.core
    w = session.begin(_M_INVITE)
    core.put_contact(w, session.account, session.dialog.destination)
    core.put_capabilities(w)
    if session.timer is not None:
        session.timer.put_request(w)
    try:
        mark = compose.begin_body(w, core.content_type)
        session.media.put_offer(w)
        compose.end_body(w, mark)
        destination = session.dialog.destination
        session.modifying = core.send_request(_M_INVITE, destination, session, now_ms)
    except MemoryError:
        session.refuse_offer()
        raise
    if session.modifying is None:
        session.refuse_offer()
    else:
        session.offer = _LOCAL


def receive(session, transaction, message, now_ms: int) -> None:
    """Accept a re-INVITE, or refuse it and let the session stand (14.2)."""
    core = session.core
    if session.modifying is not None or session.offer == _LOCAL:
        core.respond(transaction, message, 491, now_ms)
    elif session.state != _CONFIRMED or session.awaits_ack or session.offer:
        core.respond_later(transaction, message, now_ms)
    elif session.refuse_interval(transaction, message, now_ms):
        return
    elif not core.refuse_body(transaction, message, now_ms):
        if session.take_offer(transaction, message, now_ms):
            core.begin_response(transaction, message, 200)
            session.accept(transaction, message.cseq, now_ms)
            core.post(_E_CALL_MODIFIED, session)


def receive_response(session, transaction, message, now_ms: int) -> None:
    """React to a final response to our re-INVITE (14.1)."""
    status = message.status_code
    if transaction is not session.modifying:
        if status < 300:
            session.repeat_ack(transaction, message.cseq)
        return
    session.modifying = None
    if status < 300:
        try:
            _receive_success(session, transaction, message, now_ms)
        except MemoryError:
            session.abandon(now_ms)
            raise
    elif status in (401, 407) and session.retry(message):
        send(session, now_ms)
    else:
        refused(session, message, now_ms)


def _receive_success(session, transaction, message, now_ms: int) -> None:
    session.note_capabilities(message)
    session.dialog.refresh_target(message, session.core)
    session.take_interval(message, now_ms)
    failed = not session.take_answer(message)
    session.send_ack(transaction, message.cseq)
    if failed:
        session.fail(488, now_ms)
    else:
        session.core.post(_E_CALL_MODIFIED, session)


def refused(session, message, now_ms: int) -> None:
    """A re-INVITE or UPDATE of ours was refused: the session stands, but for 408 and 481."""
    status = message.status_code
    if status == 422 and session.state == _CONFIRMED:
        from usip.sip import session_timer

        if session_timer.receive_too_small(session, message):
            session.offer = 0  # the same offer goes out again
            send(session, now_ms)
            return
    if session.offer == _LOCAL:
        session.refuse_offer(status == 491)
    if status == 491:
        # 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s.
        wait_ms = 10 * (session.core.random(1)[0] % 191)
        if not session.is_incoming:
            wait_ms += 2100
        session.modify_at = ticks.ticks_add(now_ms, wait_ms)
    elif status in (408, 481):
        session.fail(status, now_ms)
    else:
        session.status = status
        session.reason = message.text(message.reason_start, message.reason_end)
        session.core.post(_E_CALL_MODIFIED, session)
