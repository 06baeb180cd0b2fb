"""Replaces (RFC 3891): naming a dialog that a new call takes the place of, and finding it.

As seen by who receives it, to-tag is the local tag of the dialog and from-tag the remote one.
"""

from micropython import const

from usip.sip import session
from usip.sip.dialog import is_span
from usip.sip.fields import Field

_H_REPLACES = const(28)
_H_JOIN = const(67)

_UNRESERVED = b"-_.!~*'()[]/?:+$"


def value_for(dialog) -> bytes:
    """Return the Replaces value that names *dialog*, ours, to its other end."""
    return b"%s;to-tag=%s;from-tag=%s" % (dialog.call_id, dialog.remote_tag, dialog.local_tag)


def receive(core, transaction, message, now_ms: int):
    """Return the session that an INVITE with Replaces names; None when it was refused (3)."""
    field = Field()
    i = message.find(_H_REPLACES)
    found = None
    if (
        message.find(_H_REPLACES, i + 1) >= 0
        or message.find(_H_JOIN) >= 0
        or not field.parse(message.buf, message.value_start(i), message.value_end(i))
        or not (field.param(b"to-tag") and field.param(b"from-tag"))
    ):
        core.respond(transaction, message, 400, now_ms)
        return None
    for other in core.sessions:
        if _is_named(other.dialog, message.buf, field):
            found = other
    status = _refusal(found, field)
    if status:
        core.respond(transaction, message, status, now_ms)
        return None
    return found


def _is_named(dialog, buf, field) -> bool:
    if not is_span(buf, field.start, field.end, dialog.call_id):
        return False
    field.param(b"to-tag")
    if not _is_tag(buf, field.value_start, field.value_end, dialog.local_tag):
        return False
    field.param(b"from-tag")
    return _is_tag(buf, field.value_start, field.value_end, dialog.remote_tag)


def _is_tag(buf, start: int, end: int, tag: bytes) -> bool:
    # A tag of "0" stands for none, as RFC 2543 peers send none (3)
    return is_span(buf, start, end, tag) or (not tag and is_span(buf, start, end, b"0"))


def _refusal(found, field) -> int:
    """Return the status to refuse with, 0 to accept."""
    if found is None:
        return 481
    if found.state >= session.TERMINATING or found.state == session.CANCELLING:
        return 603
    if found.state < session.ACCEPTED:  # early: only one that we began may be taken over
        return 481 if found.is_incoming else 0
    return 486 if field.param(b"early-only") else 0


def escape(value: bytes) -> bytes:
    """Return a header value as it may stand behind the "?" of a URI (RFC 3261 25.1)."""
    out = bytearray()
    for c in value:
        if 48 <= c <= 57 or 65 <= c | 32 and 97 <= c | 32 <= 122 or c in _UNRESERVED:
            out.append(c)
        else:
            out.extend(b"%%%02X" % c)
    return bytes(out)


def unescape(value: bytes) -> bytes:
    """Undo the %HH of a URI; what is none stays."""
    parts = value.split(b"%")
    out = [parts[0]]
    for part in parts[1:]:
        try:
            out.append(bytes((int(str(part[:2], "utf-8"), 16),)) + part[2:])
        except ValueError:
            out.append(b"%" + part)
    return b"".join(out)
