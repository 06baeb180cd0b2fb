"""Drawings of a run as SVG: the ladder, sound that was said and heard, heap over time.

They stand in the report's page, whose style sheet has their colours, or alone with `alone`.
"""

from html import escape

from tools import report_ladder

COLOURS = """
:root{--paper:#ffffff;--panel:#f6f7f9;--ink:#1c2430;--soft:#667085;--line:#d5dae2;--s0:#2563eb;
--s1:#c2570c;--s2:#7c3aed;--s3:#0f766e;--good:#15803d;--bad:#c81e1e}
@media (prefers-color-scheme:dark){:root{--paper:#11151b;--panel:#181e26;--ink:#e6eaf0;
--soft:#94a0b2;--line:#2f3947;--s0:#6ea8fe;--s1:#f5a35c;--s2:#b79bff;--s3:#4fd1c1;--good:#4ade80;
--bad:#f87171}}
"""
DRAWING = """
svg{font-family:ui-sans-serif,system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
font-size:12.5px;display:block;max-width:100%;height:auto;margin:0 auto}
svg text{fill:var(--ink)} svg .soft{fill:var(--soft)} svg .time{fill:var(--soft);font-size:11px;
font-variant-numeric:tabular-nums} svg .mono{font-family:ui-monospace,SFMono-Regular,Menlo,
"DejaVu Sans Mono",monospace;font-size:12px} svg .name{font-weight:600;font-size:14px}
svg .life{stroke:var(--line);stroke-width:1.5} svg .grid{stroke:var(--line);stroke-width:1}
svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:5px;stroke-linejoin:round}
"""

_GUTTER = 66
_COLUMNS = {2: 470}  # between two life lines, by the number of stations
_COLUMN = 300
_EDGE = 110  # from the gutter to the first life line
_HEIGHTS = {
    report_ladder.MessageRow: 34,
    report_ladder.EventRow: 28,
    report_ladder.DigitRow: 34,
    report_ladder.MediaRow: 46,
}


def colour(i: int) -> str:
    """Return the colour of station number *i*."""
    return "var(--s%d)" % (i % 4)


def alone(svg: str) -> str:
    """Return a drawing that stands in a file of its own."""
    paper = '<rect width="100%" height="100%" rx="10" style="fill:var(--paper)"/>'
    at = svg.index(">") + 1
    return "%s<style>%s%s</style>%s%s" % (svg[:at], COLOURS, DRAWING, paper, svg[at:])


def _begin(width: float, height: float, title: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="%s" '
        'width="%d" height="%d" viewBox="0 0 %d %d">'
    ) % (escape(title, quote=True), width, height, width, height)


def text(
    x: float, y: float, words: str, classes: str = "", anchor: str = "start", style=""
) -> str:
    """Return a text element; (x, y) is on its base line."""
    return '<text x="%.1f" y="%.1f" class="%s" text-anchor="%s"%s>%s</text>' % (
        *(x, y, classes, anchor),
        ' style="%s"' % style if style else "",
        escape(words),
    )


# -- the ladder


class Ladder:
    """Draws the rows of a recording; `svg` is the drawing."""

    def __init__(self, recording) -> None:
        self._recording = recording
        self._names = recording.columns
        self._rows = report_ladder.rows(recording)
        self._parts = []
        self._y = 76.0
        self._column = _COLUMNS.get(len(self._names), _COLUMN)
        width = _GUTTER + 2 * _EDGE + self._column * (len(self._names) - 1)
        height = self._y + sum(_HEIGHTS[type(row)] for row in self._rows) + 26
        self._height = height
        self._parts.append(_begin(width, height, "Messages between the stations"))
        self._life_lines()
        for row in self._rows:
            self._draw(row)
        self._heads()
        self.svg = "".join(self._parts) + "</svg>"

    def _x(self, name: str) -> float:
        return _GUTTER + _EDGE + self._column * self._names.index(name)

    def _life_lines(self):
        for name in self._names:
            self._parts.append(
                '<line class="life" x1="%d" x2="%d" y1="58" y2="%d"/>'
                % (self._x(name), self._x(name), self._height - 12)
            )

    def _heads(self):
        for i, name in enumerate(self._names):
            x = self._x(name)
            self._parts.append(
                '<rect x="%.1f" y="12" width="150" height="46" rx="9" style="fill:var(--paper);'
                'stroke:%s;stroke-width:1.5"/>' % (x - 75, colour(i))
            )
            style = "fill:%s" % colour(i)
            self._parts.append(text(x, 32, name, "name", "middle", style))
            host = self._recording.host_of(name)
            self._parts.append(text(x, 49, host, "time", "middle"))

    def _draw(self, row):
        height = _HEIGHTS[type(row)]
        middle = self._y + height / 2
        self._y += height
        self._parts.append(text(10, middle + 8, "%.3f" % row.at_s, "time"))
        if isinstance(row, report_ladder.EventRow):
            self._event(row, middle)
        elif isinstance(row, report_ladder.MediaRow):
            self._media(row, middle)
        elif row.source in self._names and row.destination in self._names:
            self._message(row, middle)

    def _message(self, row, y):
        is_digit = isinstance(row, report_ladder.DigitRow)
        start, end = self._x(row.source), self._x(row.destination)
        sign = 1 if end > start else -1
        ink = colour(self._names.index(row.source))
        words = "DTMF %s in RTP, %d packets" % (row.digit, row.packets) if is_digit else row.label
        dashes = ""
        tip = end - 3 * sign
        if not is_digit and row.is_lost:
            ink, dashes, words = "var(--bad)", ";stroke-dasharray:5 4", words + ", lost"
            tip = start + 0.62 * (end - start)
        elif not is_digit and row.is_repeated:
            words += ", again"
        parts = [
            '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" style="stroke:%s;stroke-width:1.8%s"/>'
            % (start + 3 * sign, y + 6, tip, y + 6, ink, dashes),
            _head(tip, y + 6, sign, ink) if not dashes else _cross(tip, y + 6),
            text((start + end) / 2, y - 1, words, "mono halo", "middle"),
        ]
        body = "".join(parts)
        if not is_digit:
            body = '<a href="#m%d"><title>%s</title>%s</a>' % (row.number, escape(row.text), body)
        self._parts.append(body)

    def _event(self, row, y):
        i = self._names.index(row.station)
        x = self._x(row.station)
        is_door = row.kind == "relay"
        ink = "var(--good)" if is_door else colour(i)
        ink = "var(--bad)" if row.kind in ("error", "registration_failed") else ink
        self._parts.append(
            '<circle cx="%.1f" cy="%.1f" r="%s" style="fill:%s"/>'
            % (x, y + 4, 6 if is_door else 4, ink)
        )
        is_left = i == 0 and len(self._names) > 1
        x, anchor = (x + 13, "start") if is_left else (x - 13, "end")
        style = "fill:%s;font-weight:600" % ink if is_door else "fill:%s" % ink
        self._parts.append(text(x, y + 8, row.text, "halo", anchor, style))

    def _media(self, row, y):
        ends = sorted({name for pair in row.counts for name in pair}, key=self._names.index)
        low, high = self._x(ends[0]), self._x(ends[-1])
        self._parts.append(
            '<rect x="%.1f" y="%.1f" width="%.1f" height="34" rx="6" style="fill:var(--panel);'
            'stroke:var(--line)"/>' % (low + 5, y - 15, high - low - 10)
        )
        head = "%s sound, %.1f s" % (row.codec, row.end_s - row.at_s)
        self._parts.append(text((low + high) / 2, y - 1, head, "soft", "middle"))
        for (source, destination), (packets, lost) in row.counts.items():
            words = "%d packets" % packets + (", %d lost" % lost if lost else "")
            is_right = self._x(source) < self._x(destination)
            words = words + " →" if is_right else "← " + words
            x, anchor = (low + 16, "start") if is_right else (high - 16, "end")
            style = "fill:%s" % colour(self._names.index(source))
            self._parts.append(text(x, y + 12, words, "", anchor, style))


def _head(x, y, sign, ink) -> str:
    points = "%.1f,%.1f %.1f,%.1f %.1f,%.1f"
    points %= (x, y, x - 9 * sign, y - 4.5, x - 9 * sign, y + 4.5)
    return '<polygon points="%s" style="fill:%s"/>' % (points, ink)


def _cross(x, y) -> str:
    return (
        '<path d="M%.1f %.1fl10 10m0 -10l-10 10" style="stroke:var(--bad);stroke-width:2.2"/>'
    ) % (x - 5, y - 5)


def ladder(recording) -> str:
    """Return the ladder of a recording."""
    return Ladder(recording).svg


# -- sound

_SOUND_WIDTH = 840
_SOUND_HALF = 42


def sound(said, heard, lag_samples: int, names: tuple, inks: tuple, rate_hz: int = 8000) -> str:
    """Return what was said above what was heard, one under the other in time.

    *names* and *inks* are of the two traces; the axis is the listener's time.
    """
    length = max(len(heard), 1)
    seconds = length / rate_hz
    plot = _SOUND_WIDTH - 92
    height = 4 * _SOUND_HALF + 40
    parts = [_begin(_SOUND_WIDTH, height, "%s, and %s" % names)]
    step = 1 if seconds < 15 else 5 if seconds < 75 else 30
    for second in range(0, int(seconds) + 1, step):
        x = 86 + plot * second / seconds
        parts.append(
            '<line class="grid" x1="%.1f" x2="%.1f" y1="4" y2="%d"/>' % (x, x, height - 22)
        )
        parts.append(text(x, height - 7, "%d s" % second, "time", "middle"))
    for i, (samples, shift) in enumerate(((said, lag_samples), (heard, 0))):
        y = 8 + _SOUND_HALF + i * (2 * _SOUND_HALF + 8)
        path = _envelope(samples, shift, length, plot)
        parts.append(
            '<path transform="translate(86 %d) scale(1 %d)" d="%s" style="fill:%s;opacity:%s"/>'
            % (y, _SOUND_HALF, path, inks[0], 0.7 if i else 1)
        )
        head, _, tail = names[i].partition(" ")
        parts.append(text(4, y - 2, head, "", "start", "fill:%s;font-weight:600" % inks[i]))
        parts.append(text(4, y + 14, tail, "soft"))
    return "".join(parts) + "</svg>"


def _envelope(samples, shift: int, length: int, width: int) -> str:
    """Return the path around the extremes of each column; heights are -1 .. 1."""
    top, bottom = [], []
    for x in range(width):
        start = max(0, length * x // width - shift)
        end = max(0, length * (x + 1) // width - shift)
        piece = samples[start : max(end, start + 1)] if end else ()
        high = max(piece, default=0) / 32768 * 1.9
        low = min(piece, default=0) / 32768 * 1.9
        top.append("%d %.3f" % (x, max(-1, -high - 0.012)))
        bottom.append("%d %.3f" % (x, min(1, -low + 0.012)))
    return "M" + "L".join(top + bottom[::-1]) + "Z"


# -- heap

_HEAP_WIDTH = 840
_HEAP_HEIGHT = 236


def heap(recording) -> str:
    """Return the heap in use of each station over time, below its hard limit; "" without any."""
    stations = [s for s in recording.stations.values() if s.heap_bytes and s.heap_peak()]
    if not stations:
        return ""
    limit = max(station.heap_bytes for station in stations)
    top, bottom, left, right = 20, _HEAP_HEIGHT - 26, 66, _HEAP_WIDTH - 120
    seconds = max(recording.duration_s, 0.1)
    scale = (bottom - top) / (limit * 1.02)

    def place(at_s, octets):
        return left + (right - left) * at_s / seconds, bottom - octets * scale

    parts = [_begin(_HEAP_WIDTH, _HEAP_HEIGHT, "Heap in use over time")]
    for kilobytes in range(0, limit // 1024 + 1, 24):
        _, y = place(0, kilobytes * 1024)
        parts.append(
            '<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>' % (left, right, y, y)
        )
        parts.append(text(left - 8, y + 4, "%d KB" % kilobytes, "time", "end"))
    _, y = place(0, limit)
    parts.append(
        '<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" style="stroke:var(--bad);stroke-width:1.6;'
        'stroke-dasharray:7 4"/>' % (left, right, y, y)
    )
    words = "hard limit %d KB" % (limit // 1024)
    parts.append(text(right + 8, y + 4, words, "", "start", "fill:var(--bad)"))
    for second in range(0, int(seconds) + 1, 1 if seconds < 15 else 5 if seconds < 75 else 30):
        x, _ = place(second, 0)
        parts.append(text(x, _HEAP_HEIGHT - 7, "%d s" % second, "time", "middle"))
    labels = []
    for station in stations:
        i = recording.columns.index(station.name)
        samples = [(e["at_s"], e["mem_alloc"]) for e in station.all("memory")]
        path = "L".join("%.1f %.1f" % place(*sample) for sample in samples)
        parts.append(
            '<path d="M%s" style="fill:none;stroke:%s;stroke-width:2;stroke-linejoin:round"/>'
            % (path, colour(i))
        )
        labels.append([place(*samples[-1])[1], station, colour(i)])
    labels.sort(key=lambda entry: entry[0])
    for n, (y, station, ink) in enumerate(labels):
        y = max(y, labels[n - 1][0] + 32) if n else y
        labels[n][0] = y
        parts.append(
            text(right + 8, y, station.name, "", "start", "fill:%s;font-weight:600" % ink)
        )
        words = "peak %.1f KB" % (station.heap_peak() / 1024)
        parts.append(text(right + 8, y + 14, words, "soft"))
    return "".join(parts) + "</svg>"
