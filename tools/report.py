"""The report of a simulation: report.html in one file, ladder.svg, messages.pcap.

The page needs nothing else: drawings and sounds are inside. The WAVs lie beside it in a folder
for each station, the pcap is for Wireshark.
"""

import base64
from html import escape
from pathlib import Path

from tools import pcap, report_ladder, report_svg
from tools.simulation import checks

_STYLE = """
*{box-sizing:border-box} body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
font-family:ui-sans-serif,system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:15px}
main{max-width:940px;margin:0 auto;padding:36px 24px 80px} h1{font-size:25px;line-height:1.25;
margin:0 0 6px;letter-spacing:-.01em} h2{font-size:17px;margin:44px 0 12px} p{margin:0 0 10px}
.soft{color:var(--soft)} .verdict{display:inline-block;padding:2px 12px;border-radius:99px;
font-weight:600;font-size:13px;color:var(--paper);background:var(--good)} .verdict.bad{background:
var(--bad)} section.card{border:1px solid var(--line);border-radius:12px;padding:14px 16px;
overflow-x:auto} table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:right;font-weight:500;color:var(--soft);font-size:13px;padding:4px 10px}
td{text-align:right;padding:5px 10px;border-top:1px solid var(--line)} th:first-child,
td:first-child{text-align:left} ul.checks{list-style:none;margin:0;padding:0} ul.checks li{display:
flex;gap:12px;padding:6px 4px;border-top:1px solid var(--line)} ul.checks li:first-child{border:0}
.mark{font-weight:700;color:var(--good);width:1em} .mark.bad{color:var(--bad)} .what{flex:0 0 15em}
details{border-top:1px solid var(--line);padding:6px 0} summary{cursor:pointer;
font-variant-numeric:tabular-nums} pre{background:var(--panel);border-radius:8px;padding:12px;
overflow-x:auto;font-size:12.5px;margin:8px 0} audio{height:32px;vertical-align:middle;width:260px}
.players{display:flex;gap:26px;flex-wrap:wrap;margin-top:8px;font-size:13px} a{color:var(--s0)}
svg a{text-decoration:none} svg a:hover text{text-decoration:underline} .dot{display:inline-block;
width:9px;height:9px;border-radius:9px;margin-right:8px} details:target summary{font-weight:700}
"""
_MAX_SOUND = 3000000  # octets of WAV that are put inside the page


def write(recording, results: list, folder: Path) -> Path:
    """Write the files of a report to *folder* and return the path of its page."""
    folder.mkdir(parents=True, exist_ok=True)
    ladder = report_svg.ladder(recording)
    (folder / "ladder.svg").write_text(report_svg.alone(ladder), encoding="utf-8")
    datagrams = sorted(
        (arrival, d.source, d.destination, d.octets)
        for d in recording.datagrams
        for arrival in d.arrivals
    )
    pcap.write(folder / "messages.pcap", datagrams, recording.epoch_s)
    page = folder / "report.html"
    page.write_text(html(recording, results, ladder), encoding="utf-8")
    return page


def html(recording, results: list, ladder: str) -> str:
    """Return the page."""
    scenario = recording.scenario
    good = all(result.is_good for result in results)
    body = [
        '<p><span class="verdict%s">%s</span></p>'
        % ("" if good else " bad", "passed" if good else "failed"),
        "<h1>%s</h1>" % escape(scenario.title),
        '<p class="soft">%s</p>' % escape(_subtitle(recording)),
        "<h2>What had to be true</h2>",
        _checks(results),
        "<h2>Messages</h2>",
        '<p class="soft">Hover over a message to read it, click to go to its text. '
        'For Wireshark: <a href="messages.pcap">messages.pcap</a>.</p>',
        '<section class="card">%s</section>' % ladder,
        "<h2>Stations</h2>",
        '<section class="card">%s</section>' % _stations(recording),
        _sounds(recording),
    ]
    chart = report_svg.heap(recording)
    if chart:
        words = (
            "In use after a collection, four times a second; the VM has no more than the limit."
        )
        body += ["<h2>Heap</h2>", '<p class="soft">%s</p>' % words]
        body += ['<section class="card">%s</section>' % chart]
    body += ["<h2>Messages in full</h2>", _messages(recording)]
    body += ["<h2>What the stations said</h2>", _events(recording)]
    return _PAGE.format(
        title=escape(scenario.title),
        style=report_svg.COLOURS + report_svg.DRAWING + _STYLE,
        body="\n".join(body),
    )


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style>{style}</style></head>
<body><main>
{body}
</main></body></html>
"""


def _subtitle(recording) -> str:
    heaps = {station.heap_bytes for station in recording.stations.values() if station.heap_bytes}
    on = recording.machine
    if heaps:
        on += ", heap %s" % " and ".join("%d KB" % (heap // 1024) for heap in sorted(heaps))
    words = (recording.scenario.name, len(recording.stations), on)
    return "Scenario %s: %d stations on %s. %.1f s, seed %d." % (
        *words,
        recording.duration_s,
        recording.seed,
    )


def _checks(results) -> str:
    items = []
    for result in results:
        items.append(
            '<li><span class="mark%s">%s</span><span class="what">%s</span>'
            '<span class="soft">%s</span></li>'
            % (
                *(("", "✓") if result.is_good else (" bad", "✗")),
                escape(result.name),
                escape(result.detail),
            )
        )
    return '<section class="card"><ul class="checks">%s</ul></section>' % "".join(items)


_COLUMNS = (
    ("sent", "%s"),
    ("received", "%s"),
    ("lost", "%s"),
    ("late", "%s"),
    ("concealed_ms", "%s ms"),
    ("jitter_ms", "%s ms"),
)


def _stations(recording) -> str:
    head = ["station", "heap peak", "RTP sent", "received", "lost", "late", "concealed", "jitter"]
    lines = ["<tr>%s</tr>" % "".join("<th>%s</th>" % cell for cell in head)]
    for name, station in recording.stations.items():
        i = recording.columns.index(name)
        stats = station.last("media_stats")
        peak = station.heap_peak()
        dot = '<span class="dot" style="background:%s"></span>' % report_svg.colour(i)
        cells = [dot + escape(name)]
        cells.append("%.1f KB" % (peak / 1024) if peak else "–")
        cells += [form % stats[key] if key in stats else "–" for key, form in _COLUMNS]
        lines.append("<tr>%s</tr>" % "".join("<td>%s</td>" % cell for cell in cells))
    return "<table>%s</table>" % "".join(lines)


def _sounds(recording) -> str:
    names = recording.columns
    parts = []
    for listener, speaker in recording.scenario.expect.get("heard", {}).items():
        said, got, found = checks.heard(recording, listener, speaker)
        if found is None or not len(got):
            continue
        inks = report_svg.colour(names.index(speaker)), report_svg.colour(names.index(listener))
        labels = "%s said" % speaker, "%s heard" % listener
        words = "%.1f s compared, similarity %.3f; heard %d ms later than played."
        words %= (found.seconds, found.similarity, found.lag_ms)
        drawing = report_svg.sound(said.tolist(), got.tolist(), found.lag_samples, labels, inks)
        players = "".join(
            "<span>%s %s</span>" % (escape(label), _player(path))
            for label, path in zip(
                labels, (recording.stations[speaker].said, recording.stations[listener].heard)
            )
        )
        parts.append(
            '<section class="card"><p class="soft">%s</p>%s<div class="players">%s</div></section>'
            % (words, drawing, players)
        )
    if not parts:
        return ""
    return "<h2>Sound</h2>" + '<div style="height:14px"></div>'.join(parts)


def _player(path: Path) -> str:
    octets = path.read_bytes()
    link = '<a href="%s/%s">%s</a>' % (path.parent.name, path.name, path.name)
    if len(octets) > _MAX_SOUND:
        return link
    data = base64.b64encode(octets).decode()
    return '<audio controls src="data:audio/wav;base64,%s"></audio> %s' % (data, link)


def _messages(recording) -> str:
    parts = []
    for row in report_ladder.rows(recording):
        if not isinstance(row, report_ladder.MessageRow):
            continue
        mark = ", lost" if row.is_lost else ", sent again" if row.is_repeated else ""
        head = "%.3f s, %s → %s: %s%s" % (row.at_s, row.source, row.destination, row.label, mark)
        parts.append(
            '<details id="m%d"><summary>%s</summary><pre>%s</pre></details>'
            % (row.number, escape(head), escape(row.text))
        )
    return "".join(parts)


def _events(recording) -> str:
    parts = []
    for name, station in recording.stations.items():
        lines = []
        for event in station.events:
            if event["event"] != "memory":
                fields = ["%s %s" % item for item in event.items() if item[0] not in _OWN_FIELDS]
                line = "%8.3f  %-12s %s" % (event["at_s"], event["event"], ", ".join(fields))
                lines.append(line.rstrip())
        lines += station.errors
        text = escape("\n".join(lines))
        head = escape("%s: %d lines" % (name, len(lines)))
        parts.append("<details><summary>%s</summary><pre>%s</pre></details>" % (head, text))
    return "".join(parts)


_OWN_FIELDS = ("t", "at_s", "event")
