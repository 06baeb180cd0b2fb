"""What a link does to datagrams: loss, delay, jitter, copies, outages; the same for one seed.

The dice of each direction are thrown once a datagram in the order they come, whatever the clock:
in virtual time a run repeats to the octet, in real time as far as the stations do.
"""

import random


class Link:
    """One direction between two stations."""

    def __init__(self, specification: dict, seed: int, direction: str) -> None:
        self.loss = specification.get("loss", 0)
        self.duplicate = specification.get("duplicate", 0)
        self.delay_s = specification.get("delay_ms", 0) / 1000
        self.jitter_s = specification.get("jitter_ms", 0) / 1000
        self.outages = specification.get("outages", [])
        self._dice = random.Random("%d %s" % (seed, direction))

    def fate(self, at_s: float) -> list:
        """Return the delays in seconds of the copies that arrive: [] when it is lost."""
        is_lost = self._dice.random() < self.loss
        is_doubled = self._dice.random() < self.duplicate
        delays = [self.delay_s + self._dice.random() * self.jitter_s for _ in range(2)]
        if is_lost or any(begin <= at_s < end for begin, end in self.outages):
            return []
        return delays if is_doubled else delays[:1]


def links(scenario, seed: int) -> dict:
    """Return (from, to) -> Link for every pair of stations; a later entry overrides."""
    found = {}
    for source in scenario.names:
        for destination in scenario.names:
            if source == destination:
                continue
            specification = {}
            for entry in scenario.links:
                if entry.get("from", source) == source and entry.get("to", destination) == (
                    destination
                ):
                    specification.update(entry)
            direction = "%s>%s" % (source, destination)
            found[source, destination] = Link(specification, seed, direction)
    return found
