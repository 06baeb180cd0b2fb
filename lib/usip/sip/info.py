"""INFO within a call (RFC 6086): digits, its legacy usage, and Info Packages.

Imported with the first. The packages that `core.info_packages` names, a tuple, are told to peers
in Recv-Info and reported with their bodies, whatever these are; others are refused with 469.
"""

from micropython import const

from usip.sip import compose

_E_INFO_RECEIVED = const(10)
_M_INFO = const(14)
_H_INFO_PACKAGE = const(70)

_DIGITS = b"0123456789*#ABCD!"
_DIGIT_MS = const(160)


def send(session, now_ms: int, content_type: bytes, body: bytes, package: bytes) -> None:
    """Send an INFO request; *package* b"" is the legacy usage."""
    w = session.begin(_M_INFO)
    if package:
        w.put(b"Info-Package: ").put(package)
        w.put(b"\r\nContent-Disposition: Info-Package\r\n")
    compose.put_body(w, content_type, body)
    session.core.send_request(_M_INFO, session.dialog.destination, session, now_ms)


def receive(session, transaction, message, now_ms: int) -> None:
    """Answer an INFO request; report its body when it has one of a kind that we know."""
    core = session.core
    content_type = core.content_type_of(message)
    value = message.value(_H_INFO_PACKAGE)
    session.info_package = package = value.split(b";", 1)[0].strip() if value else b""
    if package:
        _receive_package(session, transaction, message, content_type, now_ms)
        return
    if content_type and content_type not in core.info_types:
        core.refuse_content_type(transaction, message, core.info_types, now_ms)
        return
    core.respond(transaction, message, 200, now_ms)
    if content_type:
        _report(session, message, content_type)


def _receive_package(session, transaction, message, content_type: bytes, now_ms: int) -> None:
    """Report what came for an Info Package of ours; 469 to another's (RFC 6086 4.2.2)."""
    core = session.core
    if session.info_package in core.info_packages:
        core.respond(transaction, message, 200, now_ms)
        _report(session, message, content_type)
        return
    core.begin_response(transaction, message, 469)
    core.put_recv_info(core.writer)
    core.finish_response(transaction, 469, now_ms)


def _report(session, message, content_type: bytes) -> None:
    session.info_type = content_type
    session.info_body = message.text(message.body_start, message.body_end)
    session.core.post(_E_INFO_RECEIVED, session)


def parse_digit(body: bytes) -> tuple:
    """Return (digit, milliseconds) of an INFO body, ("", 0) when it names no digit.

    dtmf-relay has lines `Signal=5` and `Duration=160`, dtmf has the digit alone.
    """
    digit = b""
    duration_ms = _DIGIT_MS
    for line in body.split(b"\n"):
        name, _, value = line.partition(b"=")
        name = name.strip().lower()
        value = value.strip()
        if name == b"signal":
            digit = value
        elif name == b"duration" and value.isdigit() and len(value) < 6:
            duration_ms = int(value)
        elif not digit and not value:
            digit = name.upper()
    digit = {b"10": b"*", b"11": b"#", b"16": b"!"}.get(digit, digit).upper()
    if len(digit) != 1 or digit not in _DIGITS:
        return "", 0
    return chr(digit[0]), duration_ms
