"""Calls with preconditions (RFC 3312, TS 24.229 5.1.3 and 5.1.4): nobody rings before it can talk.

The caller says in its offer what is reserved on its side. The called side answers in a reliable
183; whoever reserved something since tells so in UPDATE; when all that is mandatory is there, the
called application hears of the call and rings. On Wi-Fi nothing has to be reserved: then both
sides are ready at once and the 183 and UPDATE are left out, unless the peer needs them.
"""

from micropython import const

from usip.sdp.precondition import MANDATORY, Preconditions

_E_CALL_RECEIVED = const(4)
_REMOTE = const(2)
_ALL = const(3)

_RTCP_SENDER_BPS = const(800)  # RFC 3556, as TS 26.114 6.2.5 has them
_RTCP_RECEIVER_BPS = const(2400)
_PAYLOAD_BPS = const(64000)  # G.711


def prepare_media(negotiator, media, how: int) -> None:
    """Give a Negotiator its bandwidth and the preconditions of its call.

    *how*: 0 none, 1 our resources are ready, 2 they are reserved later.
    """
    local = negotiator.local
    is_ipv6 = b":" in local.address
    octets = _PAYLOAD_BPS // 8000 * local.ptime + (60 if is_ipv6 else 40)
    kbps = (8 * octets + local.ptime - 1) // local.ptime
    local.bandwidth = (kbps, _RTCP_SENDER_BPS, _RTCP_RECEIVER_BPS)
    if how and getattr(media, "preconditions", None) is None:
        media.preconditions = Preconditions(0 if how == 2 else _ALL, MANDATORY)
    if how:
        local.extensions = (media.preconditions,)


class CallControl:
    """Drives the preconditions of one session."""

    def __init__(self, session) -> None:
        self._session = session
        self._is_held = False  # the application has not heard of it

    @property
    def _preconditions(self):
        return getattr(self._session.media, "preconditions", None)

    def holds(self, now_ms: int) -> bool:
        """Whether an incoming call may not ring yet; its answer is on the way then."""
        session = self._session
        status = self._preconditions
        if status is None or not status.is_used or session.offer != _REMOTE:
            return False
        if status.is_met or not session.knows_prack:
            return False
        self._is_held = True
        try:
            session.ring(now_ms, 183, True)
        except MemoryError:  # the caller hears of it; who hears nothing waits for a minute
            session.reject(now_ms, 503)
        return True

    def put_fields(self, w, with_description: bool) -> None:
        """Append what a reliable provisional response with a description says of it."""
        status = self._preconditions
        if with_description and status is not None and status.is_used:
            w.put(b"Require: precondition\r\n")

    def proceed(self, now_ms: int) -> None:
        """An exchange is complete: tell what is reserved since, and let it ring when all is."""
        status = self._preconditions
        session = self._session
        if status is None or not status.is_used:
            return
        status.reserve(_ALL)
        if status.has_news and session.allowed("update"):
            # The caller tells first: both at once would refuse each other (RFC 3311 5.2).
            if not session.is_incoming or status.is_ready_there:
                session.update(now_ms)
        if self._is_held and status.is_met:
            self._is_held = False
            session.core.post(_E_CALL_RECEIVED, session)
