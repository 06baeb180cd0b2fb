"""Session timers (RFC 4028): both ends know within the interval when the other is gone.

Whoever is the refresher sends UPDATE, or re-INVITE to a peer without it, at half of the interval;
the other side ends the call shortly before it runs out (section 10).
"""

from micropython import const

from usip import ticks
from usip.sip.fields import SessionExpires

_H_SUPPORTED = const(18)
_H_SESSION_EXPIRES = const(31)
_H_MIN_SE = const(32)
_MIN_SE_S = const(90)  # section 5: no smaller value is allowed

_UAS = const(2)


class SessionTimer:
    """The interval of one session and whose task it is to refresh."""

    def __init__(self, session, interval_s: int) -> None:
        self.session = session
        self.interval_s = interval_s
        self.min_se_s = _MIN_SE_S
        self.is_refresher = True
        self.peer_supports = True  # of a request in hand: its Supported has timer
        self.deadline = ticks.NEVER

    def put_request(self, w) -> None:
        """Append Session-Expires and Min-SE; whoever refreshes now goes on (7.4)."""
        w.put(b"Session-Expires: ").put_uint(self.interval_s)
        if self.deadline >= 0:
            w.put(b";refresher=uac" if self.is_refresher else b";refresher=uas")
        w.put(b"\r\n")
        if self.min_se_s > _MIN_SE_S:
            w.put(b"Min-SE: ").put_uint(self.min_se_s).put(b"\r\n")

    def put_response(self, w, now_ms: int) -> None:
        """Append the interval to a 2xx of ours, and start it."""
        if self.peer_supports:
            w.put(b"Require: timer\r\n")
        w.put(b"Session-Expires: ").put_uint(self.interval_s)
        w.put(b";refresher=uas\r\n" if self.is_refresher else b";refresher=uac\r\n")
        self.restart(now_ms)

    def restart(self, now_ms: int) -> None:
        """Begin the interval anew."""
        interval_s = self.interval_s
        if self.is_refresher:
            after_s = interval_s // 2
        else:
            after_s = interval_s - min(32, interval_s // 3)
        self.deadline = ticks.ticks_add(now_ms, 1000 * min(after_s, 259200))

    def handle_timer(self, now_ms: int) -> None:
        """Refresh, or end the call that nobody refreshed."""
        self.deadline = ticks.NEVER
        session = self.session
        if not self.is_refresher:
            session.fail(408, now_ms)
        elif session.allowed("update"):
            session.update(now_ms, False)
            self.restart(now_ms)
        elif session.allowed("modify"):
            session.modify(now_ms)
            self.restart(now_ms)
        else:
            self.deadline = ticks.ticks_add(now_ms, 1000)


def _parse(message):
    """Return the SessionExpires view of a message's field, None when absent or malformed."""
    i = message.find(_H_SESSION_EXPIRES)
    if i < 0:
        return None
    view = SessionExpires()
    if not view.parse(message.buf, message.value_start(i), message.value_end(i)):
        return None
    return view


def receive_request(session, transaction, message, now_ms: int) -> bool:
    """As UAS take the interval of INVITE or UPDATE; True when it was answered 422 (section 9)."""
    core = session.core
    view = _parse(message)
    supports = message.has_token(_H_SUPPORTED, b"timer")
    if view is None:
        if session.timer is not None:
            session.timer.peer_supports = supports
            session.timer.is_refresher = session.timer.is_refresher or not supports
        return False
    if view.uint() < core.limits.min_se_s:
        if supports:
            core.begin_response(transaction, message, 422)
            core.writer.put(b"Min-SE: ").put_uint(core.limits.min_se_s).put(b"\r\n")
            core.finish_response(transaction, 422, now_ms)
            return True
    timer = session.timer
    if timer is None:
        timer = session.timer = SessionTimer(session, view.uint())
    timer.interval_s = max(view.uint(), _MIN_SE_S)
    timer.peer_supports = supports
    # The peer refreshes when it asks for it, or has no wish but the means (section 9, table 2).
    timer.is_refresher = not supports or view.refresher() == _UAS
    return False


def receive_response(session, message, now_ms: int) -> None:
    """As UAC take the interval of a 2xx; without one there is none (7.2)."""
    view = _parse(message)
    if view is None:
        if session.timer is not None:
            if message.has_token(_H_SUPPORTED, b"timer") or session.timer.deadline >= 0:
                session.timer = None
            else:  # the peer knows no timers: we refresh for ourselves (7.2)
                session.timer.is_refresher = True
                session.timer.restart(now_ms)
        return
    timer = session.timer
    if timer is None:
        timer = session.timer = SessionTimer(session, view.uint())
    timer.interval_s = max(view.uint(), 4)
    timer.is_refresher = view.refresher() != _UAS
    timer.restart(now_ms)


def receive_too_small(session, message) -> bool:
    """Take the Min-SE of a 422; whether the request is worth sending again (section 7.4)."""
    min_se_s = message.uint(_H_MIN_SE)
    timer = session.timer
    if timer is None or min_se_s <= timer.interval_s:
        return False
    timer.interval_s = timer.min_se_s = min_se_s
    return True
