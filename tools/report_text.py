"""The ladder and the summary of a run for a terminal."""

import os
import sys

from tools import report_ladder
from tools.simulation import figures

_WIDTH = 38  # columns between two stations


class Style:
    """Colours for a terminal, nothing for a file."""

    def __init__(self, stream=None) -> None:
        stream = stream or sys.stdout
        self.is_on = stream.isatty() and "NO_COLOR" not in os.environ

    def paint(self, text: str, code: str) -> str:
        """Return *text* in a colour: an SGR code."""
        return "\033[%sm%s\033[0m" % (code, text) if self.is_on else text

    def good(self, text: str) -> str:
        return self.paint(text, "32")

    def bad(self, text: str) -> str:
        return self.paint(text, "31;1")

    def dim(self, text: str) -> str:
        return self.paint(text, "2")


def ladder(recording, style: Style) -> str:
    """Return the ladder as lines of text."""
    names = recording.columns
    lines = [" " * 8 + "".join(name.center(_WIDTH) for name in names).rstrip()]
    for row in report_ladder.rows(recording):
        time = "%7.3f " % row.at_s
        lines.append(style.dim(time) + _row(row, names, style).rstrip())
    return "\n".join(lines)


def _bars(names) -> list:
    line = [" "] * (_WIDTH * len(names))
    for i in range(len(names)):
        line[_WIDTH * i + _WIDTH // 2] = "│"
    return line


def _row(row, names, style) -> str:
    line = _bars(names)
    if isinstance(row, report_ladder.EventRow):
        at = _WIDTH * names.index(row.station) + _WIDTH // 2
        text = "● " + row.text
        start = at if at + len(text) <= len(line) + 20 else max(0, at + 1 - len(text))
        line[start : start + len(text)] = text
        painted = "".join(line)
        if row.kind == "relay":
            return style.good(painted)
        return style.bad(painted) if row.kind == "error" else painted
    if isinstance(row, report_ladder.MediaRow):
        return style.dim(_media(row, names))
    if row.source not in names or row.destination not in names:
        return "%s > %s" % (row.source, row.destination)
    is_digit = isinstance(row, report_ladder.DigitRow)
    text = "DTMF %s in RTP" % row.digit if is_digit else row.label
    mark = ""
    if not is_digit and (row.is_lost or row.is_repeated):
        mark = " LOST" if row.is_lost else " again"
    _arrow(line, names.index(row.source), names.index(row.destination), text + mark)
    painted = "".join(line)
    return style.bad(painted) if mark == " LOST" else painted


def _arrow(line, source, destination, text):
    low, high = sorted((source, destination))
    start, end = _WIDTH * low + _WIDTH // 2 + 1, _WIDTH * high + _WIDTH // 2
    body = (" %s " % text[: end - start - 6]).center(end - start - 2, "─")
    line[start:end] = "─" + body + "▶" if source < destination else "◀" + body + "─"


def _media(row, names) -> str:
    parts = []
    for (source, destination), (packets, lost) in sorted(row.counts.items()):
        ends = "%s→%s " % (source, destination)
        if len(names) == 2:
            ends = "→ " if source == names[0] else "← "
        parts.append(ends + "%d" % packets + (" (%d lost)" % lost if lost else ""))
    text = " %s %.1f s  %s " % (row.codec, row.end_s - row.at_s, "  ".join(parts))
    width = _WIDTH * (len(names) - 1) - 1
    middle = text if len(text) > width else text.center(width, "═")
    return " " * (_WIDTH // 2) + "│" + middle + "│"


def summary(recording, results: list, style: Style) -> str:
    """Return the table of stations and the outcome of each check."""
    lines = ["", _table(recording, style), ""]
    if recording.scenario.clock == "real":
        lines += ["  %s" % figure for figure in figures.figures(recording)] + [""]
    for result in results:
        mark = style.good("ok  ") if result.is_good else style.bad("FAIL")
        lines.append("  %s %-32s %s" % (mark, result.name, style.dim(result.detail)))
    return "\n".join(lines)


def _table(recording, style) -> str:
    header = ("station", "heap peak", "of", "RTP sent", "received", "lost", "concealed", "jitter")
    table = [header]
    for name, station in recording.stations.items():
        stats = station.last("media_stats")
        peak = station.heap_peak()
        heap = ("%.1f KB" % (peak / 1024), "%d KB" % (station.heap_bytes // 1024))
        if not peak:
            heap = ("-", "-")
        figures = tuple(str(stats.get(key, "-")) for key in ("sent", "received", "lost"))
        rest = tuple("%s ms" % stats.get(key, "-") for key in ("concealed_ms", "jitter_ms"))
        table.append((name,) + heap + figures + rest)
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  " + "   ".join(cells))
    lines[0] = style.dim(lines[0])
    return "\n".join(lines)
