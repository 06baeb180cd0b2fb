"""The steps of a scenario: what to do when which event has come; the same for both clocks."""


class Steps:
    """Walks through *steps*; `tell(station, line)` is called for what is to be done."""

    def __init__(self, steps: list, tell) -> None:
        self._steps = steps
        self._tell = tell
        self._at = 0
        self._seen = {}  # (station, event) -> not yet waited for
        self._due_s = None  # when the present step's wait is over, None before its event came
        self._releases = []  # (at_s, station, line): the other half of a tap

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self._at >= len(self._steps) and not self._releases

    def waiting_for(self) -> str:
        """Return the event that the present step needs, "" when it needs none."""
        if self._at >= len(self._steps) or self._due_s is not None:
            return ""
        return self._steps[self._at].get("when", "")

    def take(self, station: str, event: str) -> None:
        """Note an event of a station."""
        key = "%s %s" % (station, event)
        self._seen[key] = self._seen.get(key, 0) + 1

    def advance(self, now_s: float):
        """Do what can be done now; return when to call again, None to wait for an event."""
        while self._releases and self._releases[0][0] <= now_s:
            _, station, line = self._releases.pop(0)
            self._tell(station, line)
        while self._at < len(self._steps) and self._step(self._steps[self._at], now_s):
            self._at += 1
            self._due_s = None
        due = [release[0] for release in self._releases[:1]]
        if self._at < len(self._steps) and self._due_s is not None:
            due.append(self._due_s)
        return min(due, default=None)

    def _step(self, step, now_s) -> bool:
        if self._due_s is None:
            when = step.get("when")
            if when is not None:
                if not self._seen.get(when):
                    return False
                self._seen[when] -= 1
            self._due_s = now_s + step.get("wait", 0)
        if now_s < self._due_s:
            return False
        if "tell" in step:
            self._do(step["tell"], step["do"], now_s)
        return True

    def _do(self, station, line, now_s):
        if line.startswith("tap "):
            number = line[4:]
            self._releases.append((now_s + 0.25, station, "release " + number))
            line = "press " + number
        self._tell(station, line)
