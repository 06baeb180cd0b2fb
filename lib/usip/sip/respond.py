"""Answering requests: refusals (RFC 3261 8.2.1 to 8.2.3), responses, what we can do (11.2).

The half of the user-agent core that writes responses. One to the message in hand is begun from
that message; one to a request received earlier from what its transaction keeps of it.
"""

from micropython import const

from usip.errors import BufferFull
from usip.sip import compose

_M_INVITE = const(1)
_M_ACK = const(2)
_M_CANCEL = const(4)
_H_VIA = const(1)
_H_FROM = const(2)
_H_TO = const(3)
_H_CALL_ID = const(4)
_H_CSEQ = const(5)
_H_CONTENT_TYPE = const(9)
_H_ACCEPT = const(33)
_H_REQUIRE = const(17)
_H_CONTENT_ENCODING = const(49)

_ALLOW = b"ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"
_SERVED = (7, 8, 10)  # MESSAGE, SUBSCRIBE, PUBLISH: allowed while an application serves them
_USER_AGENT = b"\r\nUser-Agent: usip/0.1\r\n"


class Responder:
    """What UserAgentCore inherits to answer; *writer*, *transactions* ... are the core's."""

    content_type = b"application/sdp"
    put_closing = None  # called with session and writer: append to a BYE, and to its answer
    describe = None  # called with the writer: append what media we could take, for OPTIONS
    part_start = -1  # of the message in hand: where the part of its body begins that we read
    supported = (b"100rel", b"timer", b"replaces", b"norefersub")
    info_packages = ()  # names of the Info Packages that we take (RFC 6086)
    info_types = (b"application/dtmf-relay", b"application/dtmf")

    # -- refusals (8.2.1 to 8.2.3)

    def refuse_requirements(self, transaction, message, now_ms: int) -> bool:
        """Answer 420 to a Require that names what we do not know; whether that was done."""
        if message.method == _M_CANCEL or message.find(_H_REQUIRE) < 0:
            return False
        values = self.values
        values.begin(message, _H_REQUIRE)
        unknown = []
        while values.next():
            token = message.text(values.start, values.end).lower()
            if token not in self.supported:
                unknown.append(token)
        if not unknown:
            return False
        self.begin_response(transaction, message, 420)
        self.writer.put(b"Unsupported: ").put(b", ".join(unknown)).put(b"\r\n")
        self.finish_response(transaction, 420, now_ms)
        return True

    def refuse(self, transaction, message, status: int, now_ms: int, accepted=()) -> None:
        """Answer with *status* and with what it owes the peer: Allow, Accept, Retry-After ..."""
        from usip.sip import refusal

        refusal.send(self, transaction, message, status, now_ms, accepted)

    def refuse_method(self, transaction, message, now_ms: int) -> None:
        """Answer 405 to a method of SIP, 501 to one nobody knows; both say what is allowed."""
        self.refuse(transaction, message, 405 if message.method else 501, now_ms)

    def refuse_body(self, transaction, message, now_ms: int) -> bool:
        """Answer 415 to a body that is no session description; whether that was done."""
        if message.body_end == message.body_start:
            return False
        if self.is_media_body(message) and message.find(_H_CONTENT_ENCODING) < 0:
            return False
        self.refuse_content_type(transaction, message, (self.content_type,), now_ms)
        return True

    def refuse_content_type(self, transaction, message, accepted: tuple, now_ms: int) -> None:
        """Answer 415 with what would be accepted (21.4.13)."""
        self.refuse(transaction, message, 415, now_ms, accepted)

    def accepts_description(self, message) -> bool:
        """Whether the Accept of a request, if any, lets us answer with a session description."""
        if message.find(_H_ACCEPT) < 0:
            return True
        for name in (self.content_type, b"application/*", b"*/*"):
            if message.has_token(_H_ACCEPT, name):
                return True
        return False

    def is_media_body(self, message) -> bool:
        """Whether the body is a session description."""
        return self.content_type_of(message) == self.content_type

    def content_type_of(self, message) -> bytes:
        """Return the media type of the body in lower case without parameters; b"" if absent.

        Of a multipart body with a session description in it that part becomes the body.
        """
        i = message.find(_H_CONTENT_TYPE)
        if i < 0:
            return b""
        if message.body_start == self.part_start:
            return self.content_type
        value = message.text(message.value_start(i), message.value_end(i))
        value = value.split(b";", 1)[0].strip().lower()
        if value.startswith(b"multipart/"):
            from usip.sip import multipart

            boundary = multipart.boundary_of(message, i)
            if boundary is not None and multipart.narrow(message, boundary):
                self.part_start = message.body_start
                return self.content_type
        return value

    # -- responses

    def respond(self, transaction, message, status: int, now_ms: int) -> None:
        """Send a response without fields of its own or a body."""
        self.begin_response(transaction, message, status)
        self.finish_response(transaction, status, now_ms)

    def respond_later(self, transaction, message, now_ms: int) -> None:
        """Answer 500: the peer may try again in 0 to 10 s (14.2, RFC 3311 5.2)."""
        self.begin_response(transaction, message, 500)
        self.writer.put(b"Retry-After: ").put_uint(self.random(1)[0] % 11).put(b"\r\n")
        self.finish_response(transaction, 500, now_ms)

    def begin_response(self, transaction, message, status: int, to_tag: bytes = b"") -> None:
        """Begin a response to the message in hand; its To tag is the dialog's or a new one."""
        compose.put_response(
            self.writer.reset(), message, self.source, status, None, to_tag or self.new_tag()
        )
        self._put_profile_fields(message.method, self.source)

    def resume_response(self, transaction, status: int, reason=None):
        """Begin a response to a request received earlier; return the writer."""
        w = self.writer.reset()
        compose.put_status_line(w, status, reason)
        w.put(transaction.template)
        self._put_profile_fields(_M_INVITE, transaction.destination)
        return w

    def _put_profile_fields(self, method: int, destination) -> None:
        """Append what a response needs in the network that *destination* is the door of."""
        for account in self.accounts:
            if account.profile is not None and account.is_peer(destination):
                account.profile.put_fields(self.writer, method, False, True)
                return

    def finish_response(self, transaction, status: int, now_ms: int) -> None:
        """End the response in the writer without a body and send it."""
        compose.end_without_body(self.writer)
        self.transactions.respond(transaction, status, now_ms)

    def respond_statelessly(self, message, status: int) -> None:
        if message.method == _M_ACK:
            return
        w = self.writer.reset()
        compose.put_response(w, message, self.source, status, None, self.new_tag())
        if status == 503:
            w.put(b"Retry-After: 5\r\n")
        compose.end_without_body(w)
        self.transport.send(self.reply_to(message), w.buf, w.end)

    def refuse_incomplete(self, message) -> None:
        """Answer 400 to a request that lacks fields, or whose Via is no use, with what it has."""
        w = self.writer.reset()
        compose.put_status_line(w, 400, None)
        try:
            compose.put_all(w, message, _H_VIA, b"Via: ", None)
            compose.put_all(w, message, _H_FROM, b"From: ", None)
            compose.put_all(w, message, _H_TO, b"To: ", None)
            compose.put_all(w, message, _H_CALL_ID, b"Call-ID: ", None)
            compose.put_all(w, message, _H_CSEQ, b"CSeq: ", None)
            compose.end_without_body(w)
        except (BufferFull, MemoryError):
            return
        self.transport.send(self.source, w.buf, w.end)

    def reply_to(self, message) -> tuple:
        """Return where responses go: the source, at the port that Via asks for (18.2.2)."""
        protocol, host, port = self.source
        via = message.via
        if protocol == "udp" and not via.has_rport:
            port = via.port if via.port > 0 else 5060
        return (protocol, host, port)

    def answer_options(self, transaction, message, now_ms: int) -> None:
        """Answer with what we can do (11.2): 200, or 486 when no further call is possible."""
        status = 200
        if message.to.tag_start < 0 and len(self.sessions) >= self.limits.sessions:
            status = 486
        self.begin_response(transaction, message, status)
        w = self.writer
        self.put_capabilities(w)
        if not self.resolver.serves_calls_alone():
            from usip.sip import refusal

            refusal.put_options(self, w)
        else:
            w.put(b"Accept: application/sdp\r\n")
        if self.describe is None or not message.has_token(_H_ACCEPT, self.content_type):
            # Lax: an absent Accept means SDP too, but a PBX that asks every minute whether we
            # live wants no body, and one costs loading all that makes it.
            self.finish_response(transaction, status, now_ms)
            return
        mark = compose.begin_body(w, self.content_type)
        self.describe(w)
        compose.end_body(w, mark)
        self.transactions.respond(transaction, status, now_ms)

    def put_capabilities(self, w) -> None:
        """Append Allow, Supported and User-Agent."""
        self.put_allow(w)
        if self.info_packages:
            self.put_recv_info(w)
        w.put(b"Supported: ")
        for option in self.supported:
            w.put(option).put(_USER_AGENT if option is self.supported[-1] else b", ")

    def put_recv_info(self, w) -> None:
        """Append Recv-Info (RFC 6086 4.2.2)."""
        w.put(b"Recv-Info: ").put(b", ".join(self.info_packages)).put(b"\r\n")

    def put_allow(self, w) -> None:
        """Append Allow: the methods of calls, and those that our applications serve."""
        resolver = self.resolver
        w.put(b"Allow: ")
        if resolver.serves(_M_INVITE) or not resolver.applications:  # else INVITE is 405
            w.put(b"INVITE, ")
        w.put(_ALLOW)
        for method in _SERVED:
            if resolver.serves(method):
                w.put(b", ").put(compose.METHODS[method])
        w.put(b"\r\n")
