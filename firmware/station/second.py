"""A second call: it waits with a tone in the ear, is answered by key, and the first one is held.

The sound goes over from call to call. When the one that is talked to ends, by its far side or by
the key that hangs up, the other one has the station again: what waited rings, what was held goes
on.
"""


class Second:
    """The call beside the one of *station*."""

    def __init__(self, station) -> None:
        self._station = station
        self._waiting = None
        self._held = None

    async def take(self, call) -> bool:
        """Let *call* wait beside the one that is talked to; False: there is no room for it."""
        station = self._station
        first = station.call
        if first is None or not first.is_answered or len(station.agent.calls) > 2:
            return False
        self._waiting = call
        call.ring()
        station.say("waiting", "call", call.id, "from", call.remote_uri)
        await station.follow(call, True)
        if self._waiting is call:
            self._waiting = None
            station.say("waited", "call", call.id)
        return True

    def answer(self) -> bool:
        """Hold the first call and answer the one that waits; False: none does."""
        call = self._waiting
        if call is None or not call.allowed("answer"):
            return False
        station = self._station
        first = station.call
        self._waiting = None
        self._held = first
        if first.allowed("modify"):
            first.hold()
            station.say("held", "call", first.id)
        call.accept(None)
        call.take_audio(first)
        station.call = call
        return True

    def call_over(self) -> None:
        """No call is talked to any more."""
        station = self._station
        call = self._waiting
        if call is not None:
            self._waiting = None
            station.call = call
            station.say("ringing", "call", call.id, "from", call.remote_uri, "after_ms", -1)
            return
        call = self._held
        self._held = None
        if call is not None and not call.is_ended:
            station.call = call
            station.begin_limits()
            if call.allowed("modify"):
                call.resume()
            station.say("resumed", "call", call.id)
