"""What happened in a recording, as rows: messages, runs of sound, events of the stations.

The terminal, the SVG and the HTML all draw these rows.
"""

# Events worth a row: name -> text, {} filled from the event's fields.
_TEXTS = {
    "button": "button {input} pressed: {action}",
    "ringing": "rings",
    "answered": "in a call",
    "dtmf": "hears the digit {digit}",
    "unanswered": "nobody answers",
    "message": "message: {body}",
    "refused": "who may not: {from}",
    "warning": "the call ends in {seconds} s",
    "waiting": "a second call waits",
    "held": "holds the first call",
    "resumed": "goes on with the first call",
    "stuck": "the door did not open",
    "ended": "call over: {status} {reason}, by {by}",
    "error": "{where}: {what}",
    "registered": "registered",
    "registration_failed": "registration failed: {status}",
}


class Row:
    """One row of the ladder at *at_s*."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s


class MessageRow(Row):
    """A SIP message: *source* and *destination* are station names."""

    def __init__(self, datagram, source: str, destination: str, is_repeated: bool) -> None:
        super().__init__(datagram.at_s)
        self.datagram = datagram
        self.source = source
        self.destination = destination
        self.is_repeated = is_repeated
        self.is_lost = datagram.is_lost
        self.label = label(datagram.octets)
        self.text = datagram.octets.decode("utf-8", errors="replace")
        self.number = 0


class EventRow(Row):
    """Something a station reported; *kind* is the event's name."""

    def __init__(self, at_s: float, station: str, kind: str, text: str) -> None:
        super().__init__(at_s)
        self.station = station
        self.kind = kind
        self.text = text


class DigitRow(Row):
    """A digit on its way as telephone-event packets (RFC 4733)."""

    def __init__(self, at_s: float, source: str, destination: str, digit: str) -> None:
        super().__init__(at_s)
        self.source = source
        self.destination = destination
        self.digit = digit
        self.packets = 0


class MediaRow(Row):
    """Sound between two rows: *counts* (source, destination) -> [packets, lost]."""

    def __init__(self, at_s: float) -> None:
        super().__init__(at_s)
        self.end_s = at_s
        self.counts = {}
        self.codec = ""

    def add(self, other: "MediaRow") -> None:
        """Count the packets of *other* here."""
        for ends, (packets, lost) in other.counts.items():
            counts = self.counts.setdefault(ends, [0, 0])
            counts[0] += packets
            counts[1] += lost

    def packets(self) -> int:
        """Return how many there are, both ways."""
        return sum(packets for packets, _ in self.counts.values())


_CODECS = {0: "PCMU", 8: "PCMA"}
_DIGITS = "0123456789*#ABCD"
_FEW = 12


def label(octets: bytes) -> str:
    """Return a message in short: `INVITE`, `200 OK (BYE)`."""
    start_line, _, rest = octets.partition(b"\r\n")
    words = start_line.decode("utf-8", errors="replace").split(" ", 2)
    if words[0] != "SIP/2.0":
        return words[0]
    text = " ".join(words[1:])
    for line in rest.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"cseq":
            return "%s (%s)" % (text, value.split()[-1].decode(errors="replace"))
    return text


def event_text(event: dict) -> str:
    """Return the words for an event, "" for one that gets no row."""
    if event["event"] == "relay":
        return "door relay closes" if event["on"] else "door relay opens again"
    if event["event"] in ("page", "paging"):
        word = "begins" if event["on"] else "is over"
        return ("page %s" if event["event"] == "page" else "speaking %s") % word
    if event["event"] == "ended" and not event.get("status"):
        return "call over, by %s" % event.get("by")
    try:
        return _TEXTS.get(event["event"], "").format(**event)
    except KeyError:
        return event["event"]


def rows(recording) -> list:
    """Return the rows of a recording in order of time."""
    return _Builder(recording).build()


def repeated(recording) -> int:
    """Return how many messages were sent more than once."""
    return sum(isinstance(row, MessageRow) and row.is_repeated for row in rows(recording))


class _Builder:
    def __init__(self, recording) -> None:
        self._recording = recording
        self._rows = []
        self._media = None
        self._digits = {}  # (source, timestamp) -> row
        self._seen = set()
        self._messages = 0

    def build(self) -> list:
        # At the same millisecond: the finger, the message it caused, what that led to.
        timeline = [(datagram.at_s, 1, datagram) for datagram in self._recording.datagrams]
        for at_s, station, event in self._recording.events():
            timeline.append((at_s, 0 if event["event"] == "button" else 2, (station, event)))
        timeline.sort(key=lambda entry: (round(entry[0], 3), entry[1]))
        for at_s, kind, subject in timeline:
            if kind != 1:
                self._take_event(at_s, *subject)
            elif subject.is_sip:
                self._take_message(subject)
            elif subject.is_rtp:
                self._take_packet(subject)
        self._end_media(True)
        return self._rows

    def _ends(self, datagram):
        name_of = self._recording.name_of
        return name_of(datagram.source[0]), name_of(datagram.destination[0])

    def _take_event(self, at_s, station, event):
        text = event_text(event)
        if text:
            self._end_media()
            self._rows.append(EventRow(at_s, station, event["event"], text))

    def _take_message(self, datagram):
        self._end_media()
        key = (datagram.source, datagram.destination, datagram.octets)
        row = MessageRow(datagram, *self._ends(datagram), key in self._seen)
        self._seen.add(key)
        self._messages += 1
        row.number = self._messages
        self._rows.append(row)

    def _take_packet(self, datagram):
        octets = datagram.octets
        payload_type = octets[1] & 0x7F
        ends = self._ends(datagram)
        if payload_type >= 96 and len(octets) == 16:
            self._take_digit(datagram, ends)
            return
        if self._media is None:
            self._media = MediaRow(datagram.at_s)
        self._media.end_s = datagram.at_s
        self._media.codec = _CODECS.get(payload_type, "payload type %d" % payload_type)
        counts = self._media.counts.setdefault(ends, [0, 0])
        counts[0] += 1
        counts[1] += datagram.is_lost

    def _take_digit(self, datagram, ends):
        key = (datagram.source, datagram.octets[4:8])
        if key not in self._digits:
            self._end_media()
            code = datagram.octets[12]
            digit = _DIGITS[code] if code < 16 else "event %d" % code
            self._digits[key] = DigitRow(datagram.at_s, *ends, digit)
            self._rows.append(self._digits[key])
        self._digits[key].packets += 1

    def _end_media(self, is_last=False):
        """Close the row of sound that is open; a few packets wait for those behind the row."""
        media = self._media
        if media is None or not (is_last or media.packets() >= _FEW):
            return
        before = [row for row in self._rows if isinstance(row, MediaRow)]
        if before and media.packets() < _FEW:
            before[-1].add(media)
        else:
            media.at_s = max([media.at_s] + [row.at_s for row in self._rows[-1:]])
            self._rows.append(media)
        self._media = None
