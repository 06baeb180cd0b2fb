"""Reliable provisional responses (RFC 3262): 100rel, RSeq, RAck and PRACK, both sides.

As UAS one response waits for its PRACK at a time; later ones wait in a queue behind it, and a
2xx waits for one that carried a session description (section 3). As UAC a response that is not
the next one of its dialog is not taken.
"""

from micropython import const

from usip import ticks
from usip.sip import compose
from usip.sip.fields import RAck

_E_CALL_MODIFIED = const(8)
_M_PRACK = const(12)
_H_RSEQ = const(29)
_H_RACK = const(30)
_H_REQUIRE = const(17)
_H_SUPPORTED = const(18)
_LOCAL = const(1)
_REMOTE = const(2)

_T1_MS = const(500)
_64T1_MS = const(32000)
_QUEUE = const(4)


def is_required(message) -> bool:
    """Whether a message's Require has 100rel."""
    return message.has_token(_H_REQUIRE, b"100rel")


def is_supported(message) -> bool:
    """Whether a message's Supported or Require has 100rel."""
    return message.has_token(_H_SUPPORTED, b"100rel") or is_required(message)


class ReliableResponses:
    """The provisional responses of one INVITE that we received."""

    def __init__(self, session, invite) -> None:
        self.session = session
        self.invite = invite  # the server transaction
        random = session.core.random(2)
        self.rseq = 1 + (random[0] << 8 | random[1])
        self.is_pending = False
        self.holds_description = False  # the pending one: a 2xx must wait
        self.answer_status = 0  # the 2xx that waits
        self._queue = []
        self._repeat_ms = 0
        self._repeat_at = ticks.NEVER
        self._give_up_at = ticks.NEVER

    def send(self, status: int, with_description: bool, now_ms: int) -> None:
        """Send a provisional response reliably, or queue it behind the pending one."""
        if self.is_pending:
            if len(self._queue) < _QUEUE:
                self._queue.append((status, with_description))
            return
        session = self.session
        core = session.core
        w = core.resume_response(self.invite, status)
        core.put_contact(w, session.account, self.invite.destination)
        core.put_capabilities(w)
        w.put(b"Require: 100rel\r\nRSeq: ").put_uint(self.rseq).put(b"\r\n")
        if session.extension is not None:
            session.extension.put_fields(w, with_description)
        before = session.offer
        if with_description:
            session.put_description(w, session.needs_offer)
            session.needs_offer = False
        else:
            compose.end_without_body(w)
        self.holds_description = before != session.offer
        core.transactions.respond(self.invite, status, now_ms)
        self.is_pending = True
        self._repeat_ms = _T1_MS
        self._repeat_at = ticks.ticks_add(now_ms, _T1_MS)
        self._give_up_at = ticks.ticks_add(now_ms, _64T1_MS)

    def receive_prack(self, transaction, message, now_ms: int) -> None:
        """Take a PRACK: 200, 481 when it acknowledges nothing that is pending (section 3)."""
        session = self.session
        core = session.core
        rack = RAck()
        i = message.find(_H_RACK)
        if i < 0 or not rack.parse(message.buf, message.value_start(i), message.value_end(i)):
            core.respond(transaction, message, 400, now_ms)
            return
        if not self.is_pending or rack.rseq != self.rseq:
            core.respond(transaction, message, 481, now_ms)
            return
        self._stop()
        self.rseq += 1
        if session.offer == _LOCAL:  # our offer was in the response: the answer is here
            session.take_answer(message)
            core.respond(transaction, message, 200, now_ms)
        elif core.refuse_body(transaction, message, now_ms):
            pass
        elif session.take_offer(transaction, message, now_ms):
            changed = session.offer == _REMOTE
            core.begin_response(transaction, message, 200)
            session.put_description(core.writer, False)
            core.transactions.respond(transaction, 200, now_ms)
            if changed:
                core.post(_E_CALL_MODIFIED, session)
        self._go_on(now_ms)
        session.proceed(now_ms)

    def _go_on(self, now_ms: int) -> None:
        if self._queue:
            status, with_description = self._queue.pop(0)
            self.send(status, with_description, now_ms)
        elif self.answer_status:
            self.session.answer(now_ms, self.answer_status)

    def _stop(self) -> None:
        self.is_pending = self.holds_description = False
        self._repeat_at = self._give_up_at = ticks.NEVER

    def deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        return ticks.earliest(self._repeat_at, self._give_up_at)

    def handle_timer(self, now_ms: int) -> None:
        """Repeat the pending response, doubling; after 64*T1 refuse the call (section 3)."""
        if self._give_up_at >= 0 and ticks.ticks_diff(now_ms, self._give_up_at) >= 0:
            self._stop()
            self.session.reject(now_ms, 500)
        elif self._repeat_at >= 0 and ticks.ticks_diff(now_ms, self._repeat_at) >= 0:
            self._repeat_ms *= 2
            self._repeat_at = ticks.ticks_add(now_ms, self._repeat_ms)
            self.session.core.transactions.repeat(self.invite)


def acknowledge(session, dialog, message, now_ms: int) -> bool:
    """Acknowledge a reliable provisional response; False when it is not the next (section 4).

    Their offer is answered in the PRACK; after their answer the media may have another offer
    (`wants_offer`), which the PRACK carries.
    """
    rseq = message.uint(_H_RSEQ)
    if rseq < 1 or (dialog.remote_rseq >= 0 and rseq != dialog.remote_rseq + 1):
        return False
    dialog.remote_rseq = rseq
    start, end = message.body_start, message.body_end
    if end > start and session.core.is_media_body(message):
        if session.offer == _LOCAL:
            session.take_answer(message)
        elif session.offer == 0 and session.is_offerless:
            if session.media.receive_offer(message.buf, start, end) == 0:
                session.offer = _REMOTE
    core = session.core
    w = session.begin(_M_PRACK, dialog)
    w.put(b"RAck: ").put_uint(rseq).put(b" ").put_uint(message.cseq).put(b" INVITE\r\n")
    session.put_description(w, session.offer == 0 and getattr(session.media, "wants_offer", False))
    core.send_request(_M_PRACK, dialog.destination, session, now_ms)
    return True


def receive_prack_response(session, transaction, message, now_ms: int) -> None:
    """React to a final response to our PRACK: the answer to an offer in it."""
    status = message.status_code
    if status in (401, 407) and session.retry(message):
        return  # the response comes again and is acknowledged with credentials
    if session.offer == _LOCAL:
        if status < 300 and session.take_answer(message):
            session.core.post(_E_CALL_MODIFIED, session)
        elif status >= 300:
            session.refuse_offer()
    if status < 300:
        session.proceed(now_ms)
