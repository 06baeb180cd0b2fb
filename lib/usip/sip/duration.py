"""A limit to how long a call may last: the nobody who left the receiver off pays no more for it.

Loaded when one is configured. It is among the core's usages for the sake of its timer: once a
second, while there are calls, it looks how long each has been answered.
"""

from micropython import const

from usip import ticks

_LOOK_MS = const(1000)
_CONFIRMED = const(6)  # of a session


class DurationLimit:
    """Ends the calls of *core* that were answered *call_s* seconds ago; at most three days."""

    package = None
    is_notifier = False

    def __init__(self, core, call_s: int, now_ms: int) -> None:
        self.core = core
        self.call_ms = 1000 * call_s
        self.deadline = now_ms
        self._ends = {}  # when a session is over, by its id
        core.usages.append(self)

    def matches(self, message) -> bool:
        """No request belongs to it."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due, NEVER while there is no call."""
        return self.deadline if self.core.sessions else ticks.NEVER

    def handle_timer(self, now_ms: int) -> None:
        """Note who was answered since, and hang up where it is time."""
        if ticks.ticks_diff(now_ms, self.deadline) < 0:
            return
        self.deadline = ticks.ticks_add(now_ms, _LOOK_MS)
        ends = {}
        for session in tuple(self.core.sessions):
            if session.state == _CONFIRMED:
                at = self._ends.get(session.id, -1)
                if at < 0:
                    at = ticks.ticks_add(now_ms, self.call_ms)
                ends[session.id] = at
                if ticks.ticks_diff(now_ms, at) >= 0:
                    session.hang_up(now_ms)
        self._ends = ends
