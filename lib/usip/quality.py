"""What becomes known of a call's sound: events while it lasts, a header field, reports at its end.

Loaded when `media` has a key that few need, such as these:

    rtcp_mux        RTCP comes and goes by the RTP port where the peer can (RFC 5761)
    statistics_s    the event STATISTICS of a call every so many seconds, and before ENDED
    rtp_stat        X-RTP-Stat in BYE and in the answer to one, as several vendors write it
    report_to       a collector's URI: voice quality reports of RFC 6035 by PUBLISH, an interval
                    report with each event and a session report at the end
    report_notify   true: the same to whoever subscribes to the event package vq-rtcpxr

Nothing here runs per frame; a report takes about 2 KB of heap for a moment.
"""

import time

import usip
from usip.agent import sleep_ms
from usip.call import STATISTICS

_TICK_MS = 500


def start(agent) -> "Quality":
    """Return the Quality of an agent that begins to run."""
    media = agent.config["media"]
    made = Quality(agent, media)
    if media.get("report_notify"):
        from usip.sip.quality import Reports

        made.package = Reports()
        agent.application(methods=("SUBSCRIBE",), packages=(made.package,))(None)
    if made.period_s:
        agent.serve(made.run, None)
    return made


class Quality:
    """The statistics of an agent's calls as the section `media` of its configuration says."""

    def __init__(self, agent, media: dict) -> None:
        self.agent = agent
        self.period_s = media.get("statistics_s", 0)
        self.has_rtcp_mux = media.get("rtcp_mux", False)
        self.has_header = media.get("rtp_stat", False)
        self.collector = media.get("report_to", "").encode()
        self.package = None  # usip.sip.quality.Reports, for subscribers
        self.reports = []  # sent, whose answer is awaited; the latest ones
        if self.has_header:
            agent.core.put_closing = self.put_closing

    def prepare(self, negotiator) -> None:
        """Let a new call offer what is configured."""
        negotiator.local.has_rtcp_mux = self.has_rtcp_mux

    async def run(self, _) -> None:
        """Report on calls while they last."""
        due = {}
        while True:
            await sleep_ms(_TICK_MS)
            ids = [call.id for call in self.agent.calls if call.is_answered]
            for call_id in tuple(due):
                if call_id not in ids:
                    del due[call_id]
            for call_id in ids:
                due[call_id] = due.get(call_id, 1000 * self.period_s) - _TICK_MS
                if due[call_id] <= 0:
                    due[call_id] += 1000 * self.period_s
                    self._tell(self.agent.find_call(call_id), False)
                    self.agent.flush()

    def end(self, call) -> None:
        """A call is over."""
        if not (self.period_s or self.collector or self.package):
            return
        if call.is_answered and call.stream is not None:
            self._tell(call, True)

    def _tell(self, call, is_last: bool) -> None:
        call.post(STATISTICS)
        agent = self.agent
        if self.package is not None:
            self.package.body = report(call, is_last)
            agent.core.notify(self.package, agent.now_ms())
        if self.collector:
            from usip.sip import quality

            account = call.session.account
            body = report(call, is_last)
            sent = quality.publish(agent.core, account, self.collector, body, agent.now_ms())
            self.reports = self.reports[-3:] + [sent]
            if self.package is None:
                usip.unload("usip.sip.quality")

    def put_closing(self, session, w) -> None:
        """Append to a BYE, or to the answer to one, what was heard."""
        for call in self.agent.calls:
            if call.session is session and call.stream is not None and call.is_answered:
                w.put(b"X-RTP-Stat: ").put(rtp_stat(call.stream, call.codec)).put(b"\r\n")


def rtp_stat(stream, codec: str) -> bytes:
    """Return the value of X-RTP-Stat.

    Packets and octets sent and received, packets lost, jitter and round trip in ms, codecs.
    """
    text = "PS=%d,OS=%d,PR=%d,OR=%d,PL=%d,JI=%d,LA=%d,EN=%s,DE=%s"
    sender = stream.sender
    values = (sender.packets, sender.octets, stream.received, stream.received_octets, stream.lost)
    values += (stream.jitter_ms, max(0, stream.rtt_ms), codec, codec)
    return (text % values).encode()


def report(call, is_last: bool) -> bytes:
    """Return the body of a report on *call* (RFC 6035 4.6)."""
    session = call.session
    stream = call.stream
    lines = ["VQSessionReport: CallTerm" if is_last else "VQIntervalReport"]
    lines.append("CallID: " + usip.text_of(session.call_id))
    lines.append("LocalID: <%s>" % call.local_uri)
    lines.append("RemoteID: <%s>" % call.remote_uri)
    lines.append("OrigID: <%s>" % (call.remote_uri if call.is_incoming else call.local_uri))
    ssrc = stream.sender.ssrc
    lines.append("LocalAddr: IP=%s PORT=%d SSRC=0x%s" % (call.local_address + (_hex(ssrc),)))
    remote = usip.text_of(call.media.remote_address), call.media.remote_port
    lines.append("RemoteAddr: IP=%s PORT=%d SSRC=0x%s" % (remote + (_hex(stream.remote_ssrc),)))
    lines.append("LocalMetrics:")
    _add_metrics(lines, call, stream)
    lines.append("DialogID: %s" % usip.text_of(_dialog_id(session)))
    return "\r\n".join(lines).encode() + b"\r\n"


def _dialog_id(session):
    dialog = session.dialog
    return b"%s;to-tag=%s;from-tag=%s" % (
        session.call_id,
        dialog.remote_tag or b"",
        dialog.local_tag,
    )


def _add_metrics(lines, call, stream):
    """Append the lines of RFC 6035 4.6.2 that this user agent knows something about."""
    now_s = int(time.time())
    start_s = now_s - call.duration_ms() // 1000
    lines.append("Timestamps: START=%s STOP=%s" % (_utc(start_s), _utc(now_s)))
    media = call.media
    ptime = media.ptime
    shape = (media.payload_type, call.codec, ptime, ptime * 8, 1000 // ptime)
    lines.append(
        "SessionDesc: PT=%d PD=%s SR=8000 FD=%d FO=%d FPP=1 PPS=%d PLC=3 SSUP=off" % shape
    )
    playout = stream.playout
    most_ms = playout.buffer.size // 8
    wait_ms = playout.wait_ms()
    lines.append("JitterBuffer: JBA=3 JBR=2 JBN=%d JBM=%d JBX=%d" % (wait_ms, most_ms, most_ms))
    lost = _tenths(stream.lost, stream.expected)
    late = _tenths(stream.late, stream.expected)
    lines.append("PacketLoss: NLR=%s JDR=%s" % (lost, late))
    delay = "Delay: ESD=%d IAJ=%d" % (stream.delay_ms + ptime, stream.jitter_ms)
    if stream.rtt_ms >= 0:
        delay = "Delay: RTD=%d ESD=%d IAJ=%d"
        delay %= (stream.rtt_ms, stream.delay_ms + ptime, stream.jitter_ms)
    lines.append(delay)
    lines.append("QualityEst: MOSCQ=%.1f" % stream.mos)


def _tenths(part: int, whole: int) -> str:
    """Return a percentage with one decimal."""
    permille = min(1000, 1000 * part // whole) if whole else 0
    return "%d.%d" % (permille // 10, permille % 10)


def _utc(seconds: int) -> str:
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % tuple(time.gmtime(seconds)[:6])


def _hex(octets) -> str:
    return "".join(["%02x" % octet for octet in octets])
