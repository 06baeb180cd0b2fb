"""The session description within a multipart body (RFC 2046 5.1, RFC 5621).

ISUP, a location or metadata travel beside it on SIP trunks. Imported when such a body comes.
"""

from usip.octets import equals_nocase, find_octet, skip_lws, trim_lws
from usip.sip.fields import Field

_SDP = b"application/sdp"
_CONTENT_TYPE = b"content-type"


def boundary_of(message, i: int):
    """Return the delimiter line of field *i*, a Content-Type; None when it is no multipart."""
    field = Field()
    buf = message.buf
    if not field.parse(buf, message.value_start(i), message.value_end(i)):
        return None
    if not equals_nocase(buf, field.start, min(field.end, field.start + 10), b"multipart/", 10):
        return None
    if not field.param(b"boundary"):
        return None
    return b"--" + field.value().strip(b'"')


def narrow(message, boundary: bytes) -> bool:
    """Let the message's body be its first part that is a session description; False if none."""
    buf = message.buf
    end = message.body_end
    at = buf.find(boundary, message.body_start, end)
    while at >= 0:
        at = find_octet(buf, at, end, 10) + 1  # behind the delimiter line
        following = buf.find(boundary, at, end)
        if not at or following < 0:
            return False
        body = _body_of_part(buf, at, following)
        if body >= 0:
            message.body_start = body
            message.body_end = _without_line_end(buf, body, following)
            return True
        at = following
    return False


def _body_of_part(buf, at: int, end: int) -> int:
    """Return where the body of a part begins if it is a session description, or -1."""
    is_sdp = False
    while at < end:
        line_end = find_octet(buf, at, end, 10)
        if line_end < 0:
            return -1
        text_end = trim_lws(buf, at, line_end)
        if text_end == at:
            return line_end + 1 if is_sdp else -1
        colon = find_octet(buf, at, text_end, 58)
        if colon >= 0 and equals_nocase(buf, at, trim_lws(buf, at, colon), _CONTENT_TYPE, 12):
            start = skip_lws(buf, colon + 1, text_end)
            semicolon = find_octet(buf, start, text_end, 59)
            stop = trim_lws(buf, start, text_end if semicolon < 0 else semicolon)
            is_sdp = equals_nocase(buf, start, stop, _SDP, len(_SDP)) == 1
        at = line_end + 1
    return -1


def _without_line_end(buf, start: int, end: int) -> int:
    """Return *end* less the line end in front of a delimiter, which belongs to that."""
    if end > start and buf[end - 1] == 10:
        end -= 1
        if end > start and buf[end - 1] == 13:
            end -= 1
    return end
