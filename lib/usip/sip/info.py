"""INFO within a call (RFC 6086 2, its legacy usage): digits above all. Imported with the first."""

from micropython import const

from usip.sip import compose

_E_INFO_RECEIVED = const(10)
_M_INFO = const(14)


def send(session, now_ms: int, content_type: bytes, body: bytes) -> None:
    """Send an INFO request."""
    compose.put_body(session.begin(_M_INFO), content_type, body)
    session.core.send_request(_M_INFO, session.dialog.destination, session, now_ms)


def receive(session, transaction, message, now_ms: int) -> None:
    """Answer an INFO request; report its body when it has one of a kind that we know."""
    core = session.core
    content_type = core.content_type_of(message)
    if content_type and content_type not in core.info_types:
        core.refuse_content_type(transaction, message, core.info_types, now_ms)
        return
    core.respond(transaction, message, 200, now_ms)
    if content_type:
        session.info_type = content_type
        session.info_body = message.text(message.body_start, message.body_end)
        core.post(_E_INFO_RECEIVED, session)
