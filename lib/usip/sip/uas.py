"""How a call of the peer begins (RFC 3261 sections 8.2, 9.2, 13.3): the called side of INVITE.

The INVITE itself is gone when the application answers, perhaps minutes later. What its responses
must repeat (Via, From, To, Call-ID, CSeq, Record-Route) stays with the server transaction.
`receive` is what the core gives an INVITE outside of dialogs to.
"""

from micropython import const

from usip import ticks
from usip.sip import compose, session
from usip.sip.dialog import CONFIRMED as DIALOG_CONFIRMED
from usip.sip.dialog import EARLY, Dialog, is_span

_E_CALL_RECEIVED = const(4)
_E_CALL_ANSWERED = const(6)
_M_BYE = const(3)
_H_FROM = const(2)
_H_TO = const(3)
_H_REQUIRE = const(17)
_H_SUPPORTED = const(18)
_H_REPLACES = const(28)


class ServerSession(session.Session):
    """A call that we received."""

    is_incoming = True

    def __init__(self, core, account, transaction, message, media) -> None:
        dialog = Dialog(
            message.text(message.call_id_start, message.call_id_end),
            without_tag(message, _H_TO),
            b"",
            without_tag(message, _H_FROM),
        )
        dialog.establish_from_request(message, core.new_tag(), core)
        dialog.destination = transaction.destination
        super().__init__(core, account, dialog, media)
        self.state = session.INCOMING
        self.request_uri = message.text(message.uri_start, message.uri_end)
        from_ = message.from_
        if from_.display_end > from_.display_start:
            self.remote_display = message.text(from_.display_start, from_.display_end)
        self.has_offer = message.body_end > message.body_start
        self.needs_offer = not self.has_offer  # the first description we send is the offer
        self._invite = transaction
        self._invite_cseq = message.cseq
        self._needs_prack = message.has_token(_H_REQUIRE, b"100rel")
        self.knows_prack = self._needs_prack or message.has_token(_H_SUPPORTED, b"100rel")
        self.note_capabilities(message)
        transaction.user = self

    def is_copy(self, message) -> bool:
        """Whether an INVITE is the one that began this session, come another way (8.2.2.2)."""
        dialog = self.dialog
        tag_start = message.from_.tag_start
        return (
            dialog.remote_cseq == message.cseq
            and tag_start >= 0
            and is_span(message.buf, message.call_id_start, message.call_id_end, dialog.call_id)
            and is_span(message.buf, tag_start, message.from_.tag_end, dialog.remote_tag)
        )

    def start(self, now_ms: int) -> None:
        """Begin to wait for the application."""
        self.deadline = ticks.ticks_add(now_ms, 1000 * self.core.limits.ring_s)

    # -- commands

    def ring(self, now_ms: int, status: int = 180, with_description: bool = False) -> None:
        """Send a provisional response that opens the early dialog (13.3.1.1).

        *with_description*: it carries our answer or offer (early media). It is sent reliably when
        the caller requires it, or supports it and there is a description to lose.
        """
        self.require("ring")
        core = self.core
        self.dialog.state = EARLY
        self.state = session.RINGING
        if (
            self._needs_prack
            or (with_description and self.knows_prack)
            # else this one would be repeated in place of the one that waits
            or (self.reliable is not None and self.reliable.is_pending)
        ):
            from usip.sip import reliable

            if self.reliable is None:
                self.reliable = reliable.ReliableResponses(self, self._invite)
            self.reliable.send(status, with_description, now_ms)
            return
        w = core.resume_response(self._invite, status)
        core.put_contact(w, self.account, self._invite.destination)
        if with_description and self.offer == session.REMOTE:
            mark = compose.begin_body(w, core.content_type)
            self.media.put_answer(w)  # and again in the 2xx, which settles it (13.3.1.1)
            compose.end_body(w, mark)
        else:
            compose.end_without_body(w)
        core.transactions.respond(self._invite, status, now_ms)

    def answer(self, now_ms: int, status: int = 200) -> None:
        """Accept the call (13.3.1.4); at once, or as soon as a pending description is PRACKed."""
        self.require("answer")
        if self.reliable is not None and self.reliable.holds_description:
            self.reliable.answer_status = status
            return
        self.deadline = ticks.NEVER
        self.reliable = None
        self.core.resume_response(self._invite, status)
        self.state = session.ACCEPTED
        self.status = status
        self.reason = compose.reason_phrase(status)
        self.dialog.state = DIALOG_CONFIRMED
        self.accept(self._invite, self._invite_cseq, now_ms, self.needs_offer)
        self._invite.template = b""
        self.core.post(_E_CALL_ANSWERED, self)
        replaced = self.replaced
        self.replaced = None
        if replaced is not None and replaced.allowed("hang_up"):
            replaced.hang_up(now_ms)  # RFC 3891 3: the call this one took the place of

    def reject(self, now_ms: int, status: int = 486, reason=None, headers=()) -> None:
        """Refuse the call with a final response of 300 to 699."""
        self.require("reject")
        self._refuse(status, reason, session.LOCAL, now_ms, headers)

    def hang_up(self, now_ms: int) -> None:
        """End the call: refuse it before the answer, BYE after it."""
        if self.allowed("reject"):
            self.reject(now_ms, 480)
        else:
            super().hang_up(now_ms)

    def allowed(self, command: str) -> bool:
        """Whether *command* may be given: UPDATE, once the caller has heard of the dialog."""
        if command == "update" and self.state == session.RINGING:
            if self.dialog.remote_cseq == self._invite_cseq:
                return False
        return super().allowed(command)

    def fail(self, status: int, now_ms: int) -> None:
        """End it because of an error, which before the answer is a refusal."""
        if self.allowed("reject"):
            self._refuse(500, None, session.ERROR, now_ms)
        else:
            super().fail(status, now_ms)

    def give_up(self, now_ms: int) -> None:
        """As part of `abandon`: 500, or BYE after the answer."""
        if self.allowed("reject"):
            self._refuse(500, None, session.ERROR, now_ms)
        else:
            super().give_up(now_ms)

    def cancel(self, now_ms: int) -> None:
        """The caller gave up: 487 to its INVITE (9.2). After our final response, nothing."""
        if self.allowed("reject"):
            self._refuse(487, None, session.REMOTE, now_ms)

    def _refuse(self, status: int, reason, by: int, now_ms: int, headers=()) -> None:
        core = self.core
        w = core.resume_response(self._invite, status, reason)
        for name, value in headers:
            w.put(name).put(b": ").put(value).put(b"\r\n")
        core.finish_response(self._invite, status, now_ms)
        self._invite.template = b""
        if self.offer == session.REMOTE:
            self.refuse_offer()
        self.end(now_ms, status, reason or compose.reason_phrase(status), by)

    # -- what happens

    def receive_request(self, transaction, message, now_ms: int) -> None:
        """Answer a request within the dialog; a BYE before our answer refuses the INVITE too."""
        if message.method == _M_BYE and self.allowed("reject"):
            self.core.respond(transaction, message, 200, now_ms)
            self._refuse(487, None, session.REMOTE, now_ms)
        else:
            super().receive_request(transaction, message, now_ms)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """A refusal that nobody acknowledged needs nothing more."""
        if transaction is self._invite:
            self.end(now_ms, status, compose.reason_phrase(status), session.ERROR)
        else:
            super().transaction_failed(transaction, status, now_ms)

    def handle_deadline(self, now_ms: int) -> None:
        """Nobody answered here for too long."""
        if self.allowed("reject"):
            self._refuse(480, None, session.ERROR, now_ms)
        else:
            super().handle_deadline(now_ms)


def receive(core, transaction, message, now_ms: int) -> None:
    """Take an INVITE outside of dialogs: refuse it, or begin a session and report it."""
    resolver = core.resolver
    application = resolver.find(message)
    if application is None:
        status = resolver.status or (405 if resolver.applications else 480)
        core.refuse(transaction, message, status, now_ms)
        return
    if core.refuse_body(transaction, message, now_ms):
        return
    if not core.accepts_description(message):
        core.respond(transaction, message, 406, now_ms)
        return
    replaced = None
    if message.find(_H_REPLACES) >= 0:
        from usip.sip import replaces

        replaced = replaces.receive(core, transaction, message, now_ms)
        if replaced is None:
            return
    elif len(core.sessions) >= core.limits.sessions:
        core.refuse(transaction, message, 486, now_ms)
        return
    account = core.account_of(message)
    if account is None:
        core.respond(transaction, message, 404, now_ms)
        return
    created = ServerSession(core, account, transaction, message, None)
    if replaced is not None:
        created.replaced = replaced
    if _take_media(created, application, transaction, message, now_ms):
        _begin(created, application, transaction, message, now_ms)


def _take_media(created, application, transaction, message, now_ms: int) -> bool:
    """Let the application have its media look at the offer; False when the INVITE is refused."""
    core = created.core
    created.media = media = application.create_media(created)
    if media is None:
        core.refuse(transaction, message, 486, now_ms)
        return False
    if core.auto_answer is not None:
        created.auto_answer_s = core.auto_answer.delay_s(message)
    if created.has_offer:
        status = media.receive_offer(message.buf, message.body_start, message.body_end)
        if status:
            core.respond(transaction, message, status, now_ms)
            return False
        created.offer = session.REMOTE
    return not created.refuse_interval(transaction, message, now_ms)


def _begin(created, application, transaction, message, now_ms: int) -> None:
    core = created.core
    created.application = application
    w = core.writer.reset()
    compose.put_response_fields(w, message, core.source, created.dialog.local_tag, True)
    transaction.template = w.take()
    compose.put_response(core.writer.reset(), message, core.source, 100, None, b"")
    core.finish_response(transaction, 100, now_ms)
    core.add_session(created)
    created.start(now_ms)
    account = created.account
    if account.profile is not None and account.begin_call(created).holds(now_ms):
        return  # CALL_RECEIVED follows when the call may ring
    core.post(_E_CALL_RECEIVED, created)


def without_tag(message, header_id: int) -> bytes:
    """Return the From or To value as it was sent, up to its parameters."""
    field = message.from_ if header_id == _H_FROM else message.to
    start = message.value_start(message.find(header_id))
    return message.text(start, field.params_start).rstrip()
