"""Dialogs (RFC 3261 section 12): what both ends remember of each other.

A Dialog is also the carrier of a request outside of one: Call-ID, CSeq, From and To with an empty
remote tag, and the preset route (8.1.2). It becomes early or confirmed when a tagged response or
request fills in the other side. All it keeps are exact copies, dropped with it.
"""

from micropython import const

_H_CONTACT = const(6)
_H_RECORD_ROUTE = const(11)

PENDING = const(0)  # a request outside a dialog, or before the first tagged response
EARLY = const(1)
CONFIRMED = const(2)
TERMINATED = const(3)


class Dialog:
    """One dialog; *local_uri* and *remote_uri* are From/To values without the tag parameter."""

    def __init__(self, call_id: bytes, local_uri: bytes, local_tag: bytes, remote_uri: bytes):
        self.state = PENDING
        self.call_id = call_id
        self.local_uri = local_uri
        self.local_tag = local_tag
        self.remote_uri = remote_uri
        self.remote_tag = b""
        self.remote_target = b""
        self.route_set = b""  # the values of Route, joined by commas
        self.local_cseq = 0
        self.remote_cseq = -1
        self.remote_rseq = -1  # of the last reliable provisional response (RFC 3262)
        self.destination = None  # where the next request goes

    def matches(self, message) -> bool:
        """Whether a request or response belongs to this dialog (12.2.2)."""
        buf = message.buf
        if message.is_request:
            local, remote = message.to, message.from_
        else:
            local, remote = message.from_, message.to
        return (
            is_span(buf, message.call_id_start, message.call_id_end, self.call_id)
            and is_span(buf, local.tag_start, local.tag_end, self.local_tag)
            and is_span(buf, remote.tag_start, remote.tag_end, self.remote_tag)
        )

    def fork(self):
        """Return another pending dialog of the same request, for a second branch (13.2.2.4)."""
        other = Dialog(self.call_id, self.local_uri, self.local_tag, self.remote_uri)
        other.local_cseq = self.local_cseq
        other.destination = self.destination
        return other

    def establish_from_response(self, message, scratch) -> None:
        """Fill in the UAC's side from a response with a To tag (12.1.2).

        *scratch* lends its views `values` and `name_addr`. The route set is the Record-Route
        reversed; a response without Contact leaves the remote target as it was.
        """
        to = message.to
        if not is_span(message.buf, to.tag_start, to.tag_end, self.remote_tag):
            self.remote_tag = message.text(to.tag_start, to.tag_end)
        self.route_set = _route_set(message, scratch, True)
        self.refresh_target(message, scratch)

    def establish_from_request(self, message, local_tag: bytes, scratch) -> None:
        """Fill in the UAS's side from a request (12.1.1)."""
        from_ = message.from_
        self.local_tag = local_tag
        self.remote_tag = (
            b"" if from_.tag_start < 0 else message.text(from_.tag_start, from_.tag_end)
        )
        self.remote_cseq = message.cseq
        self.route_set = _route_set(message, scratch, False)
        self.refresh_target(message, scratch)

    def refresh_target(self, message, scratch) -> bool:
        """Take the remote target from the message's Contact (12.2); False when it has none."""
        values = scratch.values
        values.begin(message, _H_CONTACT)
        contact = scratch.name_addr
        if not values.next() or not contact.parse(message.buf, values.start, values.end):
            return False
        if contact.is_wildcard:
            return False
        start, end = contact.uri_start, contact.uri_end
        if not is_span(message.buf, start, end, self.remote_target):
            self.remote_target = message.text(start, end)
        return True

    def accept_cseq(self, cseq: int) -> bool:
        """Take the number of a request from the peer; False when it is not above the last."""
        if cseq <= self.remote_cseq:
            return False
        self.remote_cseq = cseq
        return True

    def next_cseq(self) -> int:
        """Return the number of our next request."""
        self.local_cseq += 1
        return self.local_cseq

    # -- routing (12.2.1.1): a first route without lr is a strict router

    def request_uri(self) -> bytes:
        """Return the Request-URI of a request in this dialog."""
        if self._strict():
            return _without_method(first_route_uri(self.route_set))
        return self.remote_target

    def route(self) -> bytes:
        """Return the value of the Route field, empty when there is none."""
        if self._strict():
            at = _first_comma(self.route_set)
            rest = self.route_set[at + 1 :].lstrip() + b", " if at >= 0 else b""
            return rest + b"<" + self.remote_target + b">"
        return self.route_set

    def next_hop(self) -> bytes:
        """Return the URI that says where the request goes (8.1.2)."""
        return first_route_uri(self.route_set) or self.remote_target

    def _strict(self) -> bool:
        if not self.route_set:
            return False
        uri = first_route_uri(self.route_set)
        return b";lr" not in uri


def is_span(buf, start: int, end: int, octets: bytes) -> bool:
    """Whether buf[start:end] is exactly *octets*; an absent span (start < 0) is the empty one."""
    if start < 0:
        return not octets
    return end - start == len(octets) and buf.startswith(octets, start)


def first_route_uri(route_set: bytes) -> bytes:
    """Return the URI of the first `<uri>` of a route set, empty when there is none."""
    start = route_set.find(b"<") + 1
    end = route_set.find(b">", start)
    return route_set[start:end] if start and end > 0 else b""


def _first_comma(route_set: bytes) -> int:
    return route_set.find(b",", route_set.find(b">"))


def _without_method(uri: bytes) -> bytes:
    """Drop what a Request-URI may not have: a headers part (19.1.1)."""
    at = uri.find(b"?")
    return uri if at < 0 else uri[:at]


def _route_set(message, scratch, is_reversed: bool) -> bytes:
    """Return what the Record-Route of a message makes the route set, b"" without any."""
    if message.find(_H_RECORD_ROUTE) < 0:
        return b""
    values = scratch.values
    values.begin(message, _H_RECORD_ROUTE)
    routes = []
    while values.next():
        routes.append(message.text(values.start, values.end))
    if is_reversed:
        routes.reverse()
    return b", ".join(routes)
