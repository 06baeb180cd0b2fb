"""What was seen of a run: datagrams on the links, events of the stations, their heap.

Times are seconds since the run began; in a recording a station has its documentation address
(192.0.2.11 ...), whatever it had on this machine.
"""

import json
from pathlib import Path


class Datagram:
    """One datagram: *arrivals* is when its copies were handed over, [] when it was lost."""

    def __init__(self, at_s, source, destination, octets, arrivals) -> None:
        self.at_s = at_s
        self.source = source  # (host, port)
        self.destination = destination
        self.octets = octets
        self.arrivals = arrivals

    @property
    def is_lost(self) -> bool:
        return not self.arrivals

    @property
    def is_sip(self) -> bool:
        """Whether it is a SIP message; RTP and RTCP begin with an octet of 0x80 to 0xbf."""
        return bool(self.octets) and self.octets[0] < 0x80 and b"SIP/2.0" in self.octets[:512]

    @property
    def is_rtcp(self) -> bool:
        octets = self.octets
        return len(octets) >= 8 and octets[0] >> 6 == 2 and 192 <= octets[1] <= 223

    @property
    def is_rtp(self) -> bool:
        octets = self.octets
        return len(octets) >= 12 and octets[0] >> 6 == 2 and not self.is_rtcp


class Station:
    """One station of a recording: where it was, what it reported, how it ended."""

    def __init__(self, name: str, host: str, folder: Path) -> None:
        self.name = name
        self.host = host
        self.folder = folder
        self.events = []  # dicts with "at_s" and "event"
        self.errors = []  # lines that are no events: a traceback, a broken line
        self.pressed = []  # (at_s, input) of each finger
        self.started_s = 0.0
        self.exit_status = None
        self.heap_bytes = 0  # the hard limit, 0 unknown

    @property
    def said(self) -> Path:
        return self.folder / "said.wav"

    @property
    def heard(self) -> Path:
        return self.folder / "heard.wav"

    def take_line(self, at_s: float, line: str):
        """Take a line of its output; return the event in it, or None."""
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict) or "event" not in event:
            if line.strip():
                self.errors.append(line.rstrip())
            return None
        event["at_s"] = at_s
        self.events.append(event)
        return event

    def all(self, name: str) -> list:
        """Return the events called *name*."""
        return [event for event in self.events if event["event"] == name]

    def last(self, name: str) -> dict:
        """Return the last event called *name*, {} when there was none."""
        return (self.all(name) or [{}])[-1]

    def heap_peak(self) -> int:
        """Return the most bytes of heap in use at a collection; 0 unknown."""
        return max((event["mem_alloc"] for event in self.all("memory")), default=0)


class Recording:
    """A run: *stations* by name, *datagrams* in the order sent."""

    def __init__(self, scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.stations = {}
        self.datagrams = []
        self.duration_s = 0.0
        self.epoch_s = 0.0
        self.problem = ""  # why the run did not come to its end
        self.registrar_host = ""
        self.network_hosts = {}  # name -> address
        self.machine = ""  # what the stations ran on

    def name_of(self, host: str) -> str:
        """Return the name of the station at *host*, or the host itself."""
        for station in self.stations.values():
            if station.host == host:
                return station.name
        if self.scenario.registrar and host == self.registrar_host:
            return self.scenario.registrar
        for name in self.network_hosts:
            if self.network_hosts[name] == host:
                return name
        return host

    @property
    def columns(self) -> list:
        """The names of all that have a column in a ladder."""
        return self.scenario.columns

    def host_of(self, name: str) -> str:
        """Return the address of a station, of a network, or of the registrar."""
        if name in self.stations:
            return self.stations[name].host
        return self.network_hosts.get(name, self.registrar_host)

    def events(self) -> list:
        """Return (at_s, station name, event) of all stations in order of time."""
        found = [
            (event["at_s"], station.name, event)
            for station in self.stations.values()
            for event in station.events
        ]
        return sorted(found, key=lambda entry: entry[0])

    def packets(self, source: str, destination: str) -> dict:
        """Return the counts of RTP from one station to another: sent, lost, arrived."""
        counts = {"sent": 0, "lost": 0, "arrived": 0}
        for datagram in self.datagrams:
            if not datagram.is_rtp:
                continue
            ends = (self.name_of(datagram.source[0]), self.name_of(datagram.destination[0]))
            if ends == (source, destination):
                counts["sent"] += 1
                counts["lost"] += datagram.is_lost
                counts["arrived"] += len(datagram.arrivals)
        return counts
