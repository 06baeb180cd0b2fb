"""Refusing a request as its fault asks for (RFC 3261 8.2 and 21.4), and saying what would do.

What goes with a status comes from the applications that are there at the moment: 405 and 501 name
the methods, 415 the types of bodies, 489 the event packages. 480, 486 and 503 are those of our
limits: the peer may try again. Imported with the first refusal.
"""

from micropython import const

from usip.writer import Writer

_M_INVITE = const(1)
_M_MESSAGE = const(7)

_RETRY_AFTER_S = const(10)
_TEXT = (b"text/plain",)


def send(core, transaction, message, status: int, now_ms: int, accepted=()) -> None:
    """Answer *message* with *status*; *accepted*: the media types of a 415, () for all of ours."""
    core.begin_response(transaction, message, status)
    w = core.writer
    if status in (405, 501):
        core.put_allow(w)
    elif status == 415:
        put_list(w, b"Accept", accepted or content_types(core, message.method))
    elif status == 489:
        put_list(w, b"Allow-Events", [package.name for package in core.resolver.packages()])
    elif status in (480, 486, 503):
        w.put(b"Retry-After: ").put_uint(_RETRY_AFTER_S).put(b"\r\n")
    core.finish_response(transaction, status, now_ms)


def too_large(core, message) -> None:
    """Answer 513 to a request whose responses do not fit our buffer, in one made for this."""
    transaction = core.transactions.find_server(message, message.method)
    if transaction is None or transaction.status_code > 100:
        return
    core.transactions.forget(transaction)
    writer = core.writer
    core.writer = Writer(bytearray(message.end - message.start + 200))
    try:
        core.respond_statelessly(message, 513)
    finally:
        core.writer = writer


def put_list(w, name: bytes, values) -> None:
    """Append a field with a list of values; nothing when there are none."""
    if values:
        w.put(name).put(b": ").put(b", ".join(values)).put(b"\r\n")


def content_types(core, method: int) -> list:
    """Return the media types of bodies that our applications take with a method."""
    found = []
    if method == _M_INVITE:
        found.append(core.content_type)
    for application in core.resolver.applications:
        if method in application.methods:
            for name in types_of(application, method):
                if name not in found:
                    found.append(name)
    return found


def types_of(application, method: int) -> tuple:
    """Return the media types of bodies that one application says it takes with a method."""
    criteria = getattr(application, "criteria", None)
    if criteria is not None and criteria.content_types:
        return criteria.content_types
    if method != _M_MESSAGE:
        return ()
    return getattr(application, "message_types", _TEXT)


def put_options(core, w) -> None:
    """Append what an answer to OPTIONS says beside what we always do: Accept, Allow-Events."""
    types = content_types(core, _M_INVITE) if core.resolver.serves(_M_INVITE) else []
    for name in content_types(core, _M_MESSAGE):
        if name not in types:
            types.append(name)
    put_list(w, b"Accept", types)
    put_list(w, b"Allow-Events", [package.name for package in core.resolver.packages()])
