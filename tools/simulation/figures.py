"""The figures of a run that have limits: how soon after its cause something happened.

    start to ready        from the start of the program to the event `ready` or `registered`
    key to INVITE         from the finger to the first INVITE on the wire
    digit to relay        from the arrival of a digit's first packet, or INFO, to the relay

With a virtual clock they are exact, and a limit that is passed fails the run; with a real one
they hold the host's scheduling too and are shown only.
"""

LIMITS_MS = {"start to ready": 3000, "key to INVITE": 100, "digit to relay": 60}


class Figure:
    """The longest of *count* spans: *name*, *ms*, at which *station*."""

    def __init__(self, name: str, station: str, spans: list) -> None:
        self.name = name
        self.station = station
        self.ms = 1000 * max(spans)
        self.count = len(spans)

    @property
    def is_within(self) -> bool:
        return self.ms <= LIMITS_MS[self.name]

    def __str__(self) -> str:
        text = "%s at %s: %.0f ms" % (self.name, self.station, self.ms)
        return text + " (limit %d ms)" % LIMITS_MS[self.name]


def figures(recording) -> list:
    """Return the Figures of a recording."""
    found = []
    for name, station in recording.stations.items():
        for title, spans in (
            ("start to ready", _starts(station)),
            ("key to INVITE", _presses(recording, station)),
            ("digit to relay", _digits(recording, station)),
        ):
            if spans:
                found.append(Figure(title, name, spans))
    return found


def _starts(station) -> list:
    """Until it is registered, where it registers."""
    events = station.all("registered") or station.all("ready")
    return [events[0]["at_s"] - station.started_s] if events else []


def _presses(recording, station) -> list:
    """Of keys that call: the last press before each event `button`."""
    spans = []
    for event in station.all("button"):
        if event["action"] != "call":
            continue
        pressed = [at_s for at_s, n in station.pressed if n == event["input"]]
        pressed = [at_s for at_s in pressed if at_s <= event["at_s"]]
        calls = [at_s for at_s in _invites(recording, station) if pressed and at_s >= pressed[-1]]
        if calls and not _is_in_call(station, pressed[-1]):
            spans.append(min(calls) - pressed[-1])
    return spans


def _invites(recording, station) -> list:
    return [
        datagram.at_s
        for datagram in recording.datagrams
        if datagram.source[0] == station.host and datagram.octets.startswith(b"INVITE ")
    ]


def _is_in_call(station, at_s: float) -> bool:
    """Whether a call of the station had begun and not ended at *at_s*: the key was deaf."""
    begun = [
        e for e in station.events if e["event"] in ("calling", "ringing") and e["at_s"] < at_s
    ]
    ended = [e for e in station.all("ended") if e["at_s"] < at_s]
    return len(begun) > len(ended)


def _digits(recording, station) -> list:
    """From what brought a digit to the closing of the relay after it."""
    arrivals = sorted(
        min(datagram.arrivals)
        for datagram in _first_packets(recording, station)
        if datagram.arrivals
    )
    spans = []
    for event in station.all("opened"):
        if event["by"] == "dtmf":
            before = [at_s for at_s in arrivals if at_s <= event["at_s"]]
            if before:
                spans.append(event["at_s"] - before[-1])
    return spans


def _first_packets(recording, station):
    """Yield the first packet that arrived of each digit, and INFO requests."""
    seen = set()
    for datagram in recording.datagrams:
        if datagram.destination[0] != station.host or not datagram.arrivals:
            continue
        octets = datagram.octets
        if octets.startswith(b"INFO "):
            yield datagram
        elif datagram.is_rtp and octets[1] & 0x7F >= 96 and len(octets) == 16:
            key = octets[4:12]  # timestamp and SSRC
            if key not in seen:
                seen.add(key)
                yield datagram
