"""Pages (usip.paging): heard over the loudspeaker, spoken while a key with action `page` is held.

Of several pages the one of the group with the lowest `priority` is heard; a more urgent one takes
its place. During a call only those up to `in_call` are heard, and the call is then silent.
"""

from array import array

from micropython import const

from usip import paging
from usip.ticks import ticks_add, ticks_diff

_FRAME_MS = const(20)


class Pager:
    """The groups of *station*; a part of it."""

    def __init__(self, station, settings: dict) -> None:
        self._station = station
        self._settings = settings["paging"]
        self._keys = [b for b in settings["buttons"] if b["action"] == "page"]
        self._heard = None  # the entry of `groups` that is heard
        self._key = None  # the key that is held, and its page
        self._page = None
        self._due_at = 0
        self._pcm = array("h", bytes(320))
        agent = station.agent
        self._random = agent.core.random
        self._groups = []
        for entry in self._settings["groups"]:
            host, address, port = self._host(), entry["address"], entry["port"]
            self._groups.append(paging.Group(agent.limits, host, address, port, self._random))

    def _host(self):
        return self._station.agent.transport.host

    def tick(self, now_ms: int) -> None:
        """Carry packets and frames."""
        self._choose(now_ms)
        for key in self._keys:
            is_held = self._station.buttons.level(key["input"])
            if is_held and self._page is None:
                self._begin(key, now_ms)
            elif not is_held and key is self._key:
                self._end()
        if self._page is None and self._heard is None:
            return
        while ticks_diff(now_ms, self._due_at) >= 0:
            self._carry(self._due_at)
            self._due_at = ticks_add(self._due_at, _FRAME_MS)

    def _choose(self, now_ms):
        """Take packets, and decide which group is heard."""
        best = None
        call = self._station.call
        least = 10 if call is None or not call.is_answered else self._settings["in_call"]
        for i in range(len(self._groups)):
            group = self._groups[i]
            group.receive(now_ms)
            entry = self._settings["groups"][i]
            if group.is_active and entry["priority"] <= least:
                if best is None or entry["priority"] < best["priority"]:
                    best = entry
        if self._page is not None:
            best = None
        if best is not self._heard:
            self._change(best, now_ms)

    def _change(self, entry, now_ms):
        station = self._station
        if entry is None:
            station.say("page", "on", False)
        else:
            station.say("page", "on", True, "group", self._settings["groups"].index(entry))
            if self._heard is None:
                self._due_at = now_ms
        self._heard = entry
        station.sounds.is_paged = entry is not None

    def _carry(self, now_ms):
        sounds = self._station.sounds
        pcm = self._pcm
        if self._page is not None:
            sounds.listen(pcm)
            self._page.write(pcm)
        else:
            group = self._groups[self._settings["groups"].index(self._heard)]
            group.play(pcm, now_ms)
            sounds.page(pcm)

    def _begin(self, key, now_ms):
        """Speak to a group, unless a call has the microphone."""
        station = self._station
        if station.call is not None or not station.sounds.hold(True):
            return
        entry = self._settings["groups"][key["group"]]
        try:
            self._page = paging.Page(
                self._host(),
                entry["address"],
                entry["port"],
                self._settings["codec"],
                self._random,
            )
        except OSError as e:
            station.say("error", "what", str(e), "where", "paging")
            station.sounds.hold(False)
            return
        self._key = key
        self._due_at = now_ms
        station.say("paging", "on", True, "group", key["group"])

    def _end(self):
        self._page.close()
        self._page = self._key = None
        self._station.sounds.hold(False)
        self._station.say("paging", "on", False)

    def finish(self) -> None:
        """Leave the groups."""
        if self._page is not None:
            self._end()
        for group in self._groups:
            group.close()
