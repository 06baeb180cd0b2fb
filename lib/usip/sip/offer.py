"""Offers and answers of a session (RFC 3264 section 4, RFC 6337): which message carries what.

Bodies are opaque here; the *media* object given to the session reads and writes them, while the
message is still in its buffer:

    put_offer(writer)   put_answer(writer)   reject_offer(is_postponed)
    receive_offer(buf, start, end) -> 0 or the status to refuse with
    receive_answer(buf, start, end) -> 0, or anything else when it cannot be used

`offer` says whose offer awaits its answer: 0 for nobody's, LOCAL or REMOTE.
"""

from micropython import const

from usip.sip import compose

LOCAL = const(1)
REMOTE = const(2)


class OfferAnswer:
    """What Session inherits; *core*, *dialog*, *media* and *offer* are the session's."""

    def refuse_offer(self, is_postponed: bool = False) -> None:
        """The offer in the air came to nothing: the session before it stands.

        *is_postponed*: ours is made again later, with what it asked for (491).
        """
        self.offer = 0
        self.media.reject_offer(is_postponed)

    def take_offer(self, transaction, message, now_ms: int) -> bool:
        """Take target and offer of a request; False when the offer was refused (488 ...)."""
        core = self.core
        self.note_capabilities(message)
        if message.body_end > message.body_start:
            status = self.media.receive_offer(message.buf, message.body_start, message.body_end)
            if status:
                self.refuse_offer()
                core.respond(transaction, message, status, now_ms)
                return False
            self.offer = REMOTE
        if self.dialog.refresh_target(message, core):
            self.dialog.destination = core.locate(self.dialog.next_hop(), self.dialog.destination)
        return True

    def put_description(self, w, with_offer: bool = True) -> None:
        """End the message in *w* with what the exchange needs: our answer, our offer, nothing."""
        if self.offer == REMOTE:
            mark = compose.begin_body(w, self.core.content_type)
            self.media.put_answer(w)
            self.offer = 0
        elif with_offer and self.offer == 0:
            mark = compose.begin_body(w, self.core.content_type)
            self.media.put_offer(w)
            self.offer = LOCAL
        else:
            compose.end_without_body(w)
            return
        compose.end_body(w, mark)

    def take_answer(self, message) -> bool:
        """Give the media the answer in a message; False when there is none it can use."""
        start, end = message.body_start, message.body_end
        if end == start or not self.core.is_media_body(message):
            return False
        self.offer = 0
        return self.media.receive_answer(message.buf, start, end) == 0
