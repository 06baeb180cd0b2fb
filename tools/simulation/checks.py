"""What must be true of a run, from the scenario's `expect`; each check says what it saw.

    "relay": {"door": 1}                    how often each station's relay closed
    "dtmf": {"door": "5"}                   the digits it heard, in order
    "heard": {"indoor": "door"}             who must have heard whom; "similarity": 0.95 at least
    "silent": true                          nobody sent sound
    "ended": {"door": {"status": 200, "by": "remote"}}
                                            how its last call ended; null: it had none
    "said": {"indoor": {"ringing": 1}}      how often a station reported an event
    "repeated": 0                           at most so many messages sent again; absent: any number

With a virtual clock: no figure is above its limit (tools.simulation.figures). Always: the steps
came to their end, every station ended with status 0 and said nothing that is no event, no error
was reported, and its heap never had to be larger than the one it had.
"""

from tools import report_ladder
from tools.simulation import figures, hearing, speech

_GOOD_SHARE = 0.8  # a digit takes the place of sound for 200 ms


class Result:
    """One check: *name*, whether it *is_good*, and what was seen."""

    def __init__(self, name: str, is_good: bool, detail: str) -> None:
        self.name = name
        self.is_good = bool(is_good)
        self.detail = detail


def check(recording) -> list:
    """Return the Result of every check."""
    expect = recording.scenario.expect
    results = [Result("steps done", not recording.problem, recording.problem or "all")]
    for name, station in recording.stations.items():
        results.append(_check_station(name, station))
    for name, count in expect.get("relay", {}).items():
        results.append(_check_relay(name, recording.stations[name], count))
    for name, digits in expect.get("dtmf", {}).items():
        got = "".join(event["digit"] for event in recording.stations[name].all("dtmf"))
        results.append(Result("%s heard DTMF" % name, got == digits, got or "none"))
    for listener, speaker in expect.get("heard", {}).items():
        results.append(_check_heard(recording, listener, speaker))
    for name, how in expect.get("ended", {}).items():
        results.append(_check_ended(name, recording.stations[name], how))
    for name, counts in expect.get("said", {}).items():
        for event, count in counts.items():
            seen = len(recording.stations[name].all(event))
            text = "%d times" % seen
            results.append(Result("%s said %s" % (name, event), seen == count, text))
    if recording.scenario.clock == "virtual":
        for figure in figures.figures(recording):
            name = "%s at %s" % (figure.name, figure.station)
            results.append(Result(name, figure.is_within, "%.0f ms" % figure.ms))
    if expect.get("silent"):
        packets = sum(datagram.is_rtp for datagram in recording.datagrams)
        results.append(Result("no sound was sent", packets == 0, "%d packets" % packets))
    if "repeated" in expect:
        again = report_ladder.repeated(recording)
        good = again <= expect["repeated"]
        results.append(Result("messages sent again", good, "%d" % again))
    return results


def _check_station(name, station) -> Result:
    errors = station.errors[-1:] + [event["what"] for event in station.all("error")]
    if errors:
        return Result("%s ran without error" % name, False, errors[0])
    if station.exit_status not in (0, None):
        text = "exit status %s" % station.exit_status
        return Result("%s ran without error" % name, False, text)
    if not station.heap_bytes or not station.heap_peak():
        return Result("%s ran without error" % name, True, "")
    peak, limit = station.heap_peak(), station.heap_bytes
    text = "heap peak %d of %d bytes" % (peak, limit)
    return Result("%s ran in its heap" % name, peak <= limit, text)


def _check_relay(name, station, count) -> Result:
    closed = [event for event in station.all("relay") if event["on"]]
    opened = len(station.all("relay")) - len(closed)
    text = {0: "never", 1: "once"}.get(len(closed), "%d times" % len(closed))
    if closed and opened:
        last = [event for event in station.all("relay") if not event["on"]][-1]
        text += ", for %d ms" % round(1000 * (last["t"] - closed[-1]["t"]))
    good = len(closed) == count and opened == count
    return Result("%s's relay" % name, good, text)


def heard(recording, listener: str, speaker: str):
    """Return (what was said, what was heard, their comparison); Nones when there is no file."""
    try:
        said = speech.read_wav(recording.stations[speaker].said)
        got = speech.read_wav(recording.stations[listener].heard)
    except (OSError, ValueError):
        return None, None, None
    return said, got, hearing.compare(said, got)


def _check_heard(recording, listener, speaker) -> Result:
    name = "%s heard %s" % (listener, speaker)
    _, got, found = heard(recording, listener, speaker)
    if found is None:
        return Result(name, False, "no recording")
    wanted = recording.scenario.expect.get("similarity", 0.95)
    good = found.similarity >= wanted and found.good_share >= min(wanted, _GOOD_SHARE)
    text = "similarity %.3f over %.1f s, %d %% of it good"
    text %= (found.similarity, found.seconds, round(100 * found.good_share))
    return Result(name, good and found.seconds >= 1, text)


def _check_ended(name, station, how) -> Result:
    if how is None:
        calls = len(station.all("ended"))
        return Result("%s had no call" % name, calls == 0, "%d calls" % calls)
    last = station.last("ended")
    good = bool(last) and all(last.get(key) == value for key, value in how.items())
    text = "%s %s, by %s" % tuple(last.get(key) for key in ("status", "reason", "by"))
    return Result("%s's call ended" % name, good, text if last else "it did not end")
