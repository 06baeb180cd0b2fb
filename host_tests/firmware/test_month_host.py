"""A month of two stations in virtual time: rings, outages, refreshes; nothing may be left of it.

The stations sleep 10 ms at a time; a month of that would take hours. Here they sleep to the next
deadline of any core or finger while nothing is going on, and 10 ms for a while after each.
"""

import asyncio
import gc
import types

from tools.simulation import link, scenario, virtual

DAY_S = 86400
DAYS = 30
AWAKE_S = 0.12  # after anything that happened
LONGEST_S = 600

_KEYS = [{"input": 0, "action": "answer"}, {"input": 1, "action": "open"}]
_KEYS.append({"input": 2, "action": "hang_up"})
_DOCUMENT = {
    "title": "A month",
    "clock": "virtual",
    "registrar": "pbx",
    "stations": {
        "door": {
            "voice": "high",
            "config": {"audio": {"play": None, "record": None}},
            "station": {
                "role": "door",
                "buttons": [{"input": 0, "targets": ["sip:indoor@{pbx}"]}],
                "relays": [{"output": 0}],
                "ring_s": 5,
            },
        },
        "indoor": {
            "config": {"audio": {"play": None, "record": None}},
            "station": {"role": "indoor", "buttons": _KEYS},
        },
    },
    "links": [{"delay_ms": 5, "loss": 0.02}],
    "expect": {},
}


class Home(scenario.Scenario):
    """Two stations that refresh their bindings every other hour."""

    def configuration(self, name: str, hosts: dict) -> dict:
        document = super().configuration(name, hosts)
        document["accounts"][0]["expires"] = 7200
        return document


class Month(virtual.VirtualRun):
    """The run; what it found is in the attributes."""

    def __init__(self, folder) -> None:
        super().__init__(Home("month", _DOCUMENT), 1, folder)
        self.agents = []
        self.counts = {}
        self.objects = []  # how many there were at the end of some days
        self._awake_until_s = 0.0
        self._finger_s = 0.0
        self._links = {}

    def _patch(self, patches):
        make = link.links

        def links(*arguments):
            self._links = make(*arguments)
            return self._links

        patches.set(link, "links", links)
        super()._patch(patches)
        from station import app

        from usip import agent

        patches.set(agent, "sleep_ms", self._sleep_ms)
        patches.set(app, "sleep_ms", self._sleep_ms)
        patches.set(agent, "gc", types.SimpleNamespace(collect=int))
        serve = app.Station.__init__

        def note(station, own_agent, *arguments):
            self.agents.append(own_agent)
            serve(station, own_agent, *arguments)

        patches.set(app.Station, "__init__", note)

    async def _sleep_ms(self, ms):
        now_s = self._loop.time()
        busy = now_s < self._awake_until_s or any(own.calls for own in self.agents)
        if busy or len(self.agents) < 2:
            await asyncio.sleep(ms / 1000)
            return
        await asyncio.sleep(max(0.01, self._next_s() - now_s))
        self._awake_until_s = self._loop.time() + AWAKE_S

    def _next_s(self):
        from usip import ticks

        now_s = self._loop.time()
        found = [now_s + LONGEST_S, self._finger_s]
        for own in self.agents:
            deadline = own.core.deadline()
            if deadline >= 0:
                found.append(now_s + ticks.ticks_diff(deadline, ticks.ticks_ms()) / 1000)
        return min(found)

    async def _direct(self, tasks):
        """Be the fingers of a month, in place of a scenario's steps."""
        await self._until(1)
        for day in range(DAYS):
            start_s = day * DAY_S
            await self._visit(start_s + 8 * 3600, "answered")
            await self._visit(start_s + 12 * 3600, "nobody")
            await self._outage(start_s + 15 * 3600)
            await self._visit(start_s + 18 * 3600, "refused")
            await self._until(start_s + 23 * 3600)
            assert not any(task.done() for task in tasks)
            self._forget()
            if day % 5 == 4:
                gc.collect()
                self.objects.append(len(gc.get_objects()))

    async def _until(self, at_s):
        self._finger_s = at_s
        await asyncio.sleep(max(0, at_s - self._loop.time()))
        self._finger_s = float("inf")
        self._awake_until_s = self._loop.time() + AWAKE_S

    async def _tap(self, name, number):
        self._tell(name, "press %d" % number)
        await asyncio.sleep(0.1)
        self._tell(name, "release %d" % number)

    async def _visit(self, at_s, how):
        await self._until(at_s)
        await self._tap("door", 0)
        await asyncio.sleep(2)
        if how == "answered":
            await self._tap("indoor", 0)
            await asyncio.sleep(1)
            await self._tap("indoor", 1)
            await asyncio.sleep(0.6)
        if how != "nobody":
            await self._tap("indoor", 2)
        await asyncio.sleep(5.5)

    async def _outage(self, at_s):
        """Half an hour without network, with a ring in it."""
        for carried in self._links.values():
            carried.outages = [(at_s, at_s + 1800)]
        await self._visit(at_s + 60, "nobody")

    def _forget(self):
        """Count the day's events, and keep nothing of it ourselves."""
        self.recording.datagrams.clear()
        for station in self.recording.stations.values():
            for event in station.events:
                key = (station.name, event["event"], event.get("status"))
                self.counts[key] = self.counts.get(key, 0) + 1
            station.events.clear()
            station.pressed.clear()
        self._steps._seen.clear()


def test_a_month_leaves_nothing_behind(tmp_path):
    month = Month(tmp_path)
    recording = month.run()
    assert recording.problem == ""
    assert [station.errors for station in recording.stations.values()] == [[], []]
    counts = month.counts
    assert counts["door", "opened", None] == DAYS
    assert counts["door", "answered", None] == counts["indoor", "answered", None] == DAYS
    assert counts["door", "unanswered", 603] == DAYS
    assert counts["door", "calling", None] == 4 * DAYS
    assert counts["door", "registration_failed", 408] >= 1
    assert ("door", "error", None) not in counts
    for own in month.agents:
        assert not own.calls and not own.core.sessions
    # A dictionary or a list more now and then is Python's own; a call or a binding is hundreds.
    assert max(month.objects[1:]) - min(month.objects[1:]) < 60, month.objects
