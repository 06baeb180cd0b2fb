"""Writing SIP messages straight into the one send buffer (RFC 3261 sections 7, 8 and 12).

A request of ours always begins with the same lines in the same order, one field a line:
request line, Via, Max-Forwards, Route, From, To, Call-ID, CSeq. That is why the ACK of a refused
INVITE and the CANCEL can be made from the INVITE that was kept, without parsing it.
"""

from micropython import const

from usip.octets import equals_nocase

_H_VIA = const(1)
_H_FROM = const(2)
_H_TO = const(3)
_H_RECORD_ROUTE = const(11)
_CONTENT_LENGTH_DIGITS = const(5)

_BRANCH = b";branch=z9hG4bK"  # and what is random of it (8.1.1.7)

# By method id.
METHODS = (
    b"",
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"OPTIONS",
    b"REGISTER",
    b"MESSAGE",
    b"SUBSCRIBE",
    b"NOTIFY",
    b"PUBLISH",
    b"UPDATE",
    b"PRACK",
    b"REFER",
    b"INFO",
)

# RFC 3261 section 21 and the extensions that define more; one bytes object, so it stays in flash.
_REASONS = (
    b"\n100 Trying\n180 Ringing\n181 Call Is Being Forwarded\n182 Queued\n183 Session Progress"
    b"\n200 OK\n202 Accepted\n204 No Notification\n300 Multiple Choices\n301 Moved Permanently"
    b"\n302 Moved Temporarily\n305 Use Proxy\n380 Alternative Service\n400 Bad Request"
    b"\n401 Unauthorized\n403 Forbidden\n404 Not Found\n405 Method Not Allowed"
    b"\n406 Not Acceptable\n407 Proxy Authentication Required\n408 Request Timeout\n410 Gone"
    b"\n412 Conditional Request Failed\n413 Request Entity Too Large\n414 Request-URI Too Long"
    b"\n415 Unsupported Media Type\n416 Unsupported URI Scheme\n420 Bad Extension"
    b"\n421 Extension Required\n422 Session Interval Too Small\n423 Interval Too Brief"
    b"\n469 Bad Info Package\n480 Temporarily Unavailable"
    b"\n481 Call/Transaction Does Not Exist\n482 Loop Detected\n483 Too Many Hops"
    b"\n484 Address Incomplete\n485 Ambiguous\n486 Busy Here\n487 Request Terminated"
    b"\n488 Not Acceptable Here\n489 Bad Event\n491 Request Pending\n493 Undecipherable"
    b"\n494 Security Agreement Required\n500 Server Internal Error\n501 Not Implemented"
    b"\n502 Bad Gateway\n503 Service Unavailable\n504 Server Time-out\n505 Version Not Supported"
    b"\n513 Message Too Large\n580 Precondition Failure\n600 Busy Everywhere\n603 Decline"
    b"\n604 Does Not Exist Anywhere\n606 Not Acceptable\n"
)


def reason_phrase(status: int) -> bytes:
    """Return the RFC's reason phrase, or that of the class (RFC 3261 8.1.3.2)."""
    for code in (status, status // 100 * 100):
        at = _REASONS.find(b"\n%d " % code)
        if at >= 0:
            return _REASONS[at + 5 : _REASONS.find(b"\n", at + 1)]
    return b"Unknown"


def put_request(
    w, dialog, method: int, cseq: int, branch: bytes, protocol: str, host: str, port: int
) -> None:
    """Begin a request within *dialog* (12.2.1.1); *branch* is what follows the magic cookie.

    The caller appends its own fields, then `put_body` or `end_without_body`.
    """
    name = METHODS[method]
    w.put(name).put(b" ").put(dialog.request_uri()).put(b" SIP/2.0\r\nVia: SIP/2.0/")
    put_sent_by(w, protocol, host, port)
    w.put(_BRANCH).put(branch)
    w.put(b";rport" if protocol == "udp" else b";rport;alias")  # RFC 5923 6
    w.put(b"\r\nMax-Forwards: 70\r\n")
    route = dialog.route()
    if route:
        w.put(b"Route: ").put(route).put(b"\r\n")
    w.put(b"From: ").put(dialog.local_uri).put(b";tag=").put(dialog.local_tag)
    w.put(b"\r\nTo: ").put(dialog.remote_uri)
    if dialog.remote_tag:
        w.put(b";tag=").put(dialog.remote_tag)
    w.put(b"\r\nCall-ID: ").put(dialog.call_id).put(b"\r\nCSeq: ").put_uint(cseq)
    w.put(b" ").put(name).put(b"\r\n")


def put_sent_by(w, protocol: str, host: str, port: int) -> None:
    """Append `UDP host:port`."""
    if protocol == "udp":
        w.put(b"UDP ")
    else:
        w.put_text(protocol.upper()).put(b" ")
    put_host_port(w, host, port)


def put_host_port(w, host: str, port: int) -> None:
    """Append `host:port`, an IPv6 address in brackets."""
    if ":" in host:
        w.put(b"[").put_text(host).put(b"]:")
    else:
        w.put_text(host).put(b":")
    w.put_uint(port)


def put_from_invite(w, invite: bytes, method: bytes, response) -> None:
    """Write the ACK (17.1.1.3) or CANCEL (9.1) of one of our own INVITEs.

    The ACK has the To field of the *response* it acknowledges; for a CANCEL that is None.
    """
    start = invite.find(b" ")
    w.put(method)
    while True:
        end = invite.find(b"\r\n", start)
        if invite.startswith(b"CSeq:", start):
            w.put_span(invite, start, invite.find(b" ", start + 6) + 1)
            w.put(method).put(b"\r\n")
            break
        if response is not None and invite.startswith(b"To:", start):
            put_field(w.put(b"To: "), response, _H_TO).put(b"\r\n")
        else:
            w.put_span(invite, start, end + 2)
        start = end + 2
    put_lines(w, invite, start, b"Authorization:")
    put_lines(w, invite, start, b"Proxy-Authorization:")
    end_without_body(w)


def put_lines(w, message: bytes, start: int, name: bytes) -> None:
    """Copy the header lines of one of our own messages that begin with *name* (22.1)."""
    while True:
        end = message.find(b"\r\n", start)
        if end <= start:
            return
        if message.startswith(name, start):
            w.put_span(message, start, end + 2)
        start = end + 2


def credentials(request, end: int) -> bytes:
    """Return the lines of request[:end], one of ours, from its first credentials to its last."""
    first = end
    last = 0
    for name in (b"\r\nAuthorization:", b"\r\nProxy-Authorization:"):
        at = request.find(name, 0, end)
        if at >= 0:
            first = min(first, at + 2)
            last = max(last, request.find(b"\r\n", request.rfind(name, 0, end) + 2, end) + 2)
    return bytes(memoryview(request)[first:last]) if first < last else b""


def put_response(w, message, source: tuple, status: int, reason, to_tag: bytes) -> None:
    """Begin the response to *message*, received from *source* (8.2.6.2, 18.2.1, RFC 3581 4).

    Copies every Via, From, To, Call-ID, CSeq and every Record-Route; *to_tag* is added to a To
    that has none (pass b"" for 100). The caller appends its own fields and the end.
    """
    put_status_line(w, status, reason)
    put_response_fields(w, message, source, to_tag, status > 100 and status < 300)


def put_status_line(w, status: int, reason) -> None:
    """Begin a response; *reason* None or b"" is the RFC's phrase."""
    w.put(b"SIP/2.0 ").put_uint(status).put(b" ").put(reason or reason_phrase(status))
    w.put(b"\r\n")


def put_response_fields(w, message, source: tuple, to_tag: bytes, with_routes: bool) -> None:
    """Append what every response repeats of its request, in a form that may be kept."""
    put_all(w, message, _H_VIA, b"Via: ", source)
    buf = message.buf
    put_field(w.put(b"From: "), message, _H_FROM)
    put_field(w.put(b"\r\nTo: "), message, _H_TO)
    if to_tag and message.to.tag_start < 0:
        w.put(b";tag=").put(to_tag)
    w.put(b"\r\nCall-ID: ").put_span(buf, message.call_id_start, message.call_id_end)
    w.put(b"\r\nCSeq: ").put_uint(message.cseq).put(b" ")
    w.put_span(buf, message.method_start, message.method_end).put(b"\r\n")
    if with_routes:
        put_all(w, message, _H_RECORD_ROUTE, b"Record-Route: ", None)


def put_field(w, message, header_id: int):
    """Copy the value of the first field of one name, which must be there; return the writer."""
    i = message.find(header_id)
    return w.put_span(message.buf, message.value_start(i), message.value_end(i))


def put_all(w, message, header_id: int, name: bytes, source) -> None:
    """Copy every field of one name; with *source*, the topmost Via gets received and rport."""
    i = message.find(header_id)
    while i >= 0:
        w.put(name)
        if source is None:
            w.put_span(message.buf, message.value_start(i), message.value_end(i))
        else:
            _put_top_via(w, message, i, source)
            source = None
        w.put(b"\r\n")
        i = message.find(header_id, i + 1)


def _put_top_via(w, message, i: int, source: tuple) -> None:
    buf = message.buf
    via = message.via
    at = message.value_start(i)
    via.begin()
    while via.next():
        if equals_nocase(buf, via.name_start, via.name_end, b"rport", 5):
            # The value, if any, is replaced.
            w.put_span(buf, at, via.name_start).put(b"rport=").put_uint(source[2])
            at = max(via.name_end, via.value_end)
            break
    w.put_span(buf, at, via.params_end).put(b";received=").put_text(source[1])
    w.put_span(buf, via.params_end, message.value_end(i))


def end_without_body(w) -> None:
    """Append the end of a message that has no body."""
    w.put(b"Content-Length: 0\r\n\r\n")


def begin_body(w, content_type: bytes) -> int:
    """Append the fields of a body of unknown length; return the mark for `end_body`."""
    w.put(b"Content-Type: ").put(content_type).put(b"\r\nContent-Length:      \r\n\r\n")
    return w.end


def end_body(w, mark: int) -> None:
    """Fill in the length of the body written since *mark*; the blanks before it are legal LWS."""
    end = w.end
    w.reset(mark - 4 - _digits(end - mark)).put_uint(end - mark).reset(end)


def put_body(w, content_type: bytes, body: bytes) -> None:
    """Append a whole body."""
    mark = begin_body(w, content_type)
    w.put(body)
    end_body(w, mark)


def _digits(n: int) -> int:
    digits = 1
    while n > 9:
        n //= 10
        digits += 1
    return digits
