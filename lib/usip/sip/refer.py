"""Being asked to call somebody else (RFC 3515, RFC 5589): the transferee.

The application answers a Referral: `reject`, or `accept` with the media of the new call. That
call's progress goes back as NOTIFYs, in the dialog of the REFER, also when the call that it came
in is over. What nobody decides on is declined.
"""

from micropython import const

from usip import ticks
from usip.sip import compose, replaces, session, uac, uri
from usip.sip.notifier import ACTIVE, TERMINATED, Subscriber, dialog_of
from usip.sip.packages import Package

_E_TRANSFER_REQUESTED = const(22)
_H_REFER_TO = const(26)
_H_REFERRED_BY = const(27)
_H_REFER_SUB = const(53)

_DECIDE_MS = const(10000)
_EXPIRES_S = const(180)


class Fragments(Package):
    """The refer package as notifier: the state is a status line (RFC 3515 2.4.5)."""

    throttle_ms = 0

    def __init__(self) -> None:
        super().__init__(b"refer", (b"message/sipfrag;version=2.0",))

    def put(self, w, subscriber) -> None:
        """Append the status line of the new call."""
        compose.put_status_line(w, subscriber.status, subscriber.phrase)


class Referral(Subscriber):
    """A REFER received: whom to call (`target`), who asks (`referred_by`), in which `session`.

    `replaces` is the Replaces value of the call to place, b"" for none.
    """

    shows_end = True

    def __init__(self, core, account, dialog, from_session, transaction, message) -> None:
        super().__init__(core, account, Fragments(), dialog)
        self.session = from_session
        self.call = None  # the session placed for it
        self.target = b""
        self.replaces = b""
        self.referred_by = message.value(_H_REFERRED_BY) or b""
        for usage in core.usages:  # the first of several needs none (2.4.6)
            if usage.is_notifier and usage.dialog is dialog:
                self.id = b"%d" % message.cseq
        self.status = 100  # of the new call, or of our refusal
        self.phrase = b""
        self.is_decided = False
        self.with_subscription = not message.has_token(_H_REFER_SUB, b"false")
        w = core.writer.reset()
        compose.put_response_fields(w, message, core.source, dialog.local_tag, True)
        transaction.template = w.take()
        self._request = transaction

    # -- commands

    def accept(self, now_ms: int, media, destination=None, headers=()):
        """Answer 202, place the call and return its session."""
        self._answer(202, now_ms)
        if self.with_subscription:
            self.expires_at = ticks.ticks_add(now_ms, 1000 * _EXPIRES_S)
            self.notify(now_ms)
        else:
            self.state = TERMINATED
            self._leave()
        fields = list(headers)
        if self.replaces:
            fields.append((b"Replaces", self.replaces))
        if self.referred_by:
            fields.append((b"Referred-By", self.referred_by))
        self.call = ReferredSession(self, media, fields)
        self.core.start_session(self.call, now_ms, destination)
        return self.call

    def reject(self, now_ms: int, status: int = 603) -> None:
        """Refuse to call anybody."""
        self._answer(status, now_ms)
        self.state = TERMINATED
        self._leave()

    def _answer(self, status: int, now_ms: int) -> None:
        core = self.core
        self.is_decided = True
        self.status = 100 if status < 300 else status
        self.expires_at = ticks.NEVER
        w = core.resume_response(self._request, status)
        if status < 300:
            core.put_contact(w, self.account, self._request.destination)
            if not self.with_subscription:
                w.put(b"Refer-Sub: false\r\n")
        core.finish_response(self._request, status, now_ms)
        self._request.template = b""

    # -- what happens

    def follow(self, status: int, phrase: bytes, now_ms: int) -> None:
        """Tell how far the new call has come; a final status ends the subscription."""
        if self.state == TERMINATED or not self.with_subscription or status == self.status:
            return
        self.status = status
        self.phrase = phrase
        if status < 200:
            self.notify(now_ms)
        else:
            self.terminate(now_ms, b"noresource")

    def handle_timer(self, now_ms: int) -> None:
        """Decline what nobody decided on; end what lasted too long."""
        if self.is_decided:
            super().handle_timer(now_ms)
        elif self.expires_at >= 0 and ticks.ticks_diff(now_ms, self.expires_at) >= 0:
            self.reject(now_ms)

    def removed(self) -> None:
        """Nothing to report: the new call has events of its own."""


class ReferredSession(uac.ClientSession):
    """The call placed for a REFER: as any other, and its progress is told."""

    def __init__(self, referral, media, headers) -> None:
        super().__init__(referral.core, referral.account, referral.target, media, headers)
        self.referral = referral

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """React as any call does, then tell."""
        super().receive_response(transaction, message, now_ms)
        if self.state in (session.PROCEEDING, session.CONFIRMED) and self.status:
            self._tell(self.status, self.reason, now_ms)

    def end(self, now_ms: int, status: int = 0, reason: bytes = b"", by: int = 0) -> None:
        """End as any call does, and tell when it was never answered."""
        super().end(now_ms, status, reason, by)
        if self.status < 300:
            self._tell(487, compose.reason_phrase(487), now_ms)
        else:
            self._tell(self.status, self.reason, now_ms)

    def _tell(self, status: int, reason: bytes, now_ms: int) -> None:
        referral = self.referral
        if referral is not None:
            referral.follow(status, reason, now_ms)
            if referral.state == TERMINATED:
                self.referral = None  # or calls referred again and again would all be kept


def receive(core, transaction, message, now_ms: int, from_session) -> None:
    """Take a REFER in the dialog of a call, or outside of any with *from_session* None."""
    i = message.find(_H_REFER_TO)
    if i < 0 or message.find(_H_REFER_TO, i + 1) >= 0:
        core.respond(transaction, message, 400, now_ms)  # exactly one (2.4.1)
        return
    if len(core.usages) >= core.limits.usages:
        core.respond(transaction, message, 503, now_ms)
        return
    if from_session is None:
        account = core.account_of(message)
        dialog = dialog_of(core, transaction, message)
    else:
        account = from_session.account
        dialog = from_session.dialog
    referral = Referral(core, account, dialog, from_session, transaction, message)
    if not _read_target(referral, message.text(message.value_start(i), message.value_end(i))):
        referral.reject(now_ms, 400)
        return
    core.usages.append(referral)
    referral.state = ACTIVE
    referral.expires_at = ticks.ticks_add(now_ms, _DECIDE_MS)
    core.post(_E_TRANSFER_REQUESTED, referral)


def _read_target(referral, value: bytes) -> bool:
    """Take the URI of a Refer-To and what its headers part has to say; whether it can be called.

    Lax: no angle brackets (a "?" belongs to the URI all the same) and a bare number, as Asterisk
    sends it: it is somebody at the domain of the account.
    """
    start = value.rfind(b"<")
    if start >= 0:
        target = value[start + 1 : value.find(b">", start)]
    else:
        target = value.strip()
    target, _, fields = target.partition(b"?")
    view = uri.URI()
    if not view.parse(target, 0, len(target)):
        aor = referral.account.aor
        at = aor.find(b"@")
        target = b"sip:%s@%s" % (target.split(b";", 1)[0], aor[max(at, aor.find(b":")) + 1 :])
        if at < 0 or b" " in target or not view.parse(target, 0, len(target)):
            return False
    if view.scheme == uri.OTHER:
        return False
    if view.param(b"method"):
        if view.value().upper() != b"INVITE":
            return False
        start = view.value_start - 8
        target = target[:start] + target[view.value_end :]
    for field in fields.split(b"&"):
        name, _, text = field.partition(b"=")
        if name.lower() == b"replaces":
            referral.replaces = replaces.unescape(text)
            if b"\r" in referral.replaces or b"\n" in referral.replaces:
                return False
    referral.target = target
    return True
