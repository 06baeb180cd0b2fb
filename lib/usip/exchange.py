"""The media of a session between exchanges of offer and answer: what is agreed, without the code.

To read and write session descriptions takes 8 KB of heap, for code where that is loaded and for
scratch, and a call needs it for moments: when it begins and at each change. So a MediaExchange
makes its Negotiator when an exchange begins; `rest`, once one is complete, keeps plain values of
it and lets the package `usip.sdp` go until the next.
"""

import gc

import usip

# usip.describe is what a linked image makes of the others. Not usip.sdp.octets: see there.
_MODULES = "usip.describe usip.sdp.negotiate usip.sdp.local usip.sdp.remote usip.sdp.write"
_MODULES += " usip.sdp.read"

_open = 0  # negotiators at work, of all calls


class MediaExchange:
    """The media hook of a session; *make* returns a new Negotiator.

    The attributes are those of the Negotiator, as of the last complete exchange.
    """

    def __init__(self, make) -> None:
        self._make = make
        self._negotiator = None
        self._state = None
        self._has_changed = False
        self.is_active = self.can_send = self.can_receive = self.is_held = False
        self.is_answered_by_us = False
        self.remote_address = b""
        self.remote_port = self.remote_rtcp_port = 0
        self.codec = b""
        self.clock_rate = 0
        self.payload_type = self.receive_payload_type = -1
        self.telephone_event = self.receive_telephone_event = -1
        self.has_noise = False
        self.ptime = 20

    @property
    def changed(self) -> bool:
        """Whether an agreed value is another than when this was last asked."""
        changed = self._has_changed
        self._has_changed = False
        return changed

    @property
    def local(self):
        """What we say of ourselves: a LocalDescription."""
        return self._wake().local

    def hold(self) -> None:
        """Ask the far side to stop sending, with the next offer."""
        self._wake().hold()

    def resume(self) -> None:
        """Take the far side from hold, with the next offer."""
        self._wake().resume()

    def set_direction(self, direction: int) -> None:
        """Ask for INACTIVE ... SENDRECV with the next offer or answer."""
        self._wake().set_direction(direction)

    # -- the session's hook

    def put_offer(self, w) -> None:
        """Append an offer."""
        self._wake().put_offer(w)

    def receive_offer(self, buf, start: int, end: int) -> int:
        """Read an offer; return 0 or the status to refuse it with."""
        return self._wake().receive_offer(buf, start, end)

    def put_answer(self, w) -> None:
        """Append the answer."""
        self._wake().put_answer(w)
        self._take_results()

    def receive_answer(self, buf, start: int, end: int) -> int:
        """Read an answer; return 0, or a status when it is of no use."""
        status = self._wake().receive_answer(buf, start, end)
        self._take_results()
        return status

    def reject_offer(self, is_postponed: bool = False) -> None:
        """The offer came to nothing; *is_postponed*: ours will be made again."""
        self._wake().reject_offer(is_postponed)
        self._take_results()

    # -- waking and resting

    def _wake(self):
        global _open
        negotiator = self._negotiator
        if negotiator is None:
            gc.collect()
            negotiator = self._make()
            if self._state is not None:
                negotiator.resume_from(self._state)
                self._state = None
            self._negotiator = negotiator
            _open += 1
        return negotiator

    def rest(self) -> None:
        """Let go of what only an exchange needs, unless one is under way."""
        negotiator = self._negotiator
        if negotiator is None or not negotiator.is_settled:
            return
        self._state = negotiator.suspend()
        self.close()

    def close(self) -> None:
        """Let go of the negotiator at the end of the call."""
        global _open
        if self._negotiator is not None:
            self._negotiator = None
            _open -= 1
            release()

    def _take_results(self):
        negotiator = self._negotiator
        if not negotiator.changed:
            return
        self._has_changed = True
        self.is_active = negotiator.is_active
        self.can_send = negotiator.can_send
        self.can_receive = negotiator.can_receive
        self.is_held = negotiator.is_held
        self.is_answered_by_us = negotiator.is_answered_by_us
        self.remote_address = negotiator.remote_address
        self.remote_port = negotiator.remote_port
        self.remote_rtcp_port = negotiator.remote_rtcp_port
        self.codec = negotiator.codec
        self.clock_rate = negotiator.clock_rate
        self.payload_type = negotiator.payload_type
        self.receive_payload_type = negotiator.receive_payload_type
        self.telephone_event = negotiator.telephone_event
        self.receive_telephone_event = negotiator.receive_telephone_event
        self.has_noise = negotiator.has_noise
        self.ptime = negotiator.ptime


def release() -> None:
    """Let go of the modules that read and write descriptions, unless a negotiator is at work."""
    if not _open:
        usip.unload(*_MODULES.split())
