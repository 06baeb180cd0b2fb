"""The watchdog: fed only while the agent runs, finds memory, and a call's sound moves.

The station's own loop feeds it, so that one counts too. Whatever hangs, the board starts again
after the watchdog's time; the cause is kept as that of a crash (station.crash).
"""

from micropython import const

from usip.ticks import ticks_add, ticks_diff, ticks_ms

_CHECK_MS = const(1000)
_MOST_DROPPED = const(50)  # turns without memory in one second; a turn takes 5 ms


class Watchdog:
    """Feeds *timer*, which has feed(), for *agent*; a part of the station."""

    def __init__(self, agent, timer) -> None:
        self._agent = agent
        self._timer = timer
        self._check_at = ticks_ms()
        self._dropped = 0
        self._call = None  # the one that was looked at, and how many frames it had played
        self._frames = 0

    def tick(self, now_ms: int) -> None:
        """Look and feed, once a second. No heap."""
        if ticks_diff(now_ms, self._check_at) >= 0:
            self._check_at = ticks_add(now_ms, _CHECK_MS)
            if self.is_alive():
                self._timer.feed()

    def is_alive(self) -> bool:
        """Whether agent and media have gone on since this was last asked."""
        agent = self._agent
        dropped = agent.dropped - self._dropped
        self._dropped = agent.dropped
        return agent.is_running and dropped < _MOST_DROPPED and self._has_moved()

    def _has_moved(self):
        for call in self._agent.calls:
            if call.has_media:
                frames = call.stream.frames_played
                moved = call is not self._call or frames != self._frames
                self._call = call
                self._frames = frames
                return moved
        self._call = None
        return True

    def finish(self) -> None:
        """A watchdog cannot be stopped."""
