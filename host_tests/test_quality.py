"""quality: statistics as events, in BYE and as reports; two agents and a collector on loopback."""

import asyncio
import gc

import usip
from usip import agent as agents
from usip import config, quality, ticks
from usip.limits import Limits
from usip.rtp.stream import Stream
from usip.sip.packages import Package

HERE = "127.0.0.1"


def settings(user, rtp, **media):
    media["rtp_ports"] = [rtp, rtp + 19]
    return config.parse(
        {
            "accounts": [{"aor": "sip:%s@%s" % (user, HERE)}],
            "media": media,
            "network": {"address": HERE, "sip_port": 0},
        }
    )


async def until(condition, timeout_ms=20000):
    end = ticks.ticks_add(ticks.ticks_ms(), timeout_ms)
    while not condition():
        assert ticks.ticks_diff(end, ticks.ticks_ms()) > 0, "timed out"
        await agents.sleep_ms(5)


def run(coroutine_function):
    if hasattr(asyncio, "new_event_loop") and not hasattr(asyncio, "Runner"):
        asyncio.new_event_loop()
    asyncio.run(coroutine_function())
    gc.collect()


def uri(agent, user):
    return "sip:%s@%s:%d" % (user, HERE, agent.transport.port)


def wiretap(agent):
    """Return the list that every message the agent sends is added to."""
    sent = []
    send = agent.transport.send

    def tapped(destination, buf, end):
        sent.append(bytes(memoryview(buf)[:end]))
        return send(destination, buf, end)

    agent.transport.send = tapped
    return sent


def find(messages, start):
    return [m for m in messages if m.startswith(start)]


def answering(agent):
    @agent.application()
    async def answer(call):
        await call.answer()
        await call.ended()


def test_statistics_are_told_during_the_call_and_before_its_end():
    async def main():
        alice = usip.Agent(settings("alice", 45440, statistics_s=1))
        bob = usip.Agent(settings("bob", 45460))
        answering(bob)
        async with alice, bob:
            call = await alice.call(uri(bob, "bob"))
            seen = []

            async def follow():
                async for event in call:
                    seen.append(event)
                    if event == usip.STATISTICS:
                        assert call.stream.received > 0 and 1 <= call.stream.mos <= 4.5
                        if seen.count(event) == 2:
                            call.hang_up()

            await follow()
            assert seen.count(usip.STATISTICS) == 3
            assert seen[-2:] == [usip.STATISTICS, usip.ENDED]

    run(main)


def test_bye_and_its_answer_say_what_was_heard():
    async def main():
        alice = usip.Agent(settings("alice", 45480, rtp_stat=True))
        bob = usip.Agent(settings("bob", 45500, rtp_stat=True))
        answering(bob)
        async with alice, bob:
            mine, theirs = wiretap(alice), wiretap(bob)
            call = await alice.call(uri(bob, "bob"))
            await until(lambda: call.stream.received > 5)
            call.hang_up()
            await until(lambda: not alice.calls and not bob.calls)
            bye = find(mine, b"BYE")[0]
            assert b"\r\nX-RTP-Stat: PS=" in bye and b",EN=PCMU,DE=PCMU\r\n" in bye
            answer = [m for m in theirs if b" BYE\r\n" in m][-1]
            assert answer.startswith(b"SIP/2.0 200") and b"\r\nX-RTP-Stat: PS=" in answer

    run(main)


def test_a_report_goes_to_the_collector():
    async def main():
        collector = usip.Agent(settings("collector", 45520))
        bob = usip.Agent(settings("bob", 45540))
        answering(bob)
        async with collector, bob:
            where = uri(collector, "collector")
            alice = usip.Agent(settings("alice", 45560, report_to=where, statistics_s=1))
            async with alice:
                mine = wiretap(alice)
                call = await alice.call(uri(bob, "bob"))
                await until(lambda: len(alice.quality.reports) == 1)
                call.hang_up()
                await until(lambda: not alice.calls)
                reports = alice.quality.reports
                await until(lambda: len(reports) == 2 and all([r.status for r in reports]))
                first, last = find(mine, b"PUBLISH")
                assert first.startswith(b"PUBLISH " + where.encode())
                assert b"\r\nEvent: vq-rtcpxr\r\nExpires: 0\r\n" in first
                assert b"\r\nContent-Type: application/vq-rtcpxr\r\n" in first
                assert b"\r\n\r\nVQIntervalReport\r\nCallID: " in first
                assert b"\r\n\r\nVQSessionReport: CallTerm\r\nCallID: " in last

    run(main)


def test_a_subscriber_is_notified_of_reports():
    async def main():
        collector = usip.Agent(settings("collector", 45700))
        bob = usip.Agent(settings("bob", 45720))
        alice = usip.Agent(settings("alice", 45740, report_notify=True))
        answering(bob)
        bodies = []

        def observe(event, subject, detail):
            if event == usip.NOTIFY_RECEIVED:
                bodies.append(subject.body)

        collector.observer = observe
        async with collector, bob, alice:
            package = Package(b"vq-rtcpxr", (b"application/vq-rtcpxr",))
            collector.subscribe(uri(alice, "alice"), package)
            await until(lambda: len(bodies) == 1)
            call = await alice.call(uri(bob, "bob"))
            await until(lambda: call.stream.received > 5)
            call.hang_up()
            await until(lambda: len(bodies) == 2)
            assert bodies[0] == b"" and bodies[1].startswith(b"VQSessionReport: CallTerm\r\n")

    run(main)


def test_rtcp_goes_by_the_port_of_rtp_when_both_want_that():
    async def main():
        alice = usip.Agent(settings("alice", 45600, rtcp_mux=True))
        bob = usip.Agent(settings("bob", 45620, rtcp_mux=True, comfort_noise=True))
        carol = usip.Agent(settings("carol", 45640))
        answering(bob)
        answering(carol)
        async with alice, bob, carol:
            for other, name, is_mux in ((bob, "bob", True), (carol, "carol", False)):
                call = await alice.call(uri(other, name))
                await until(lambda: call.stream.received > 5)  # noqa: B023  (called at once)
                assert (call.path.reports is call.path.rtp) is is_mux
                call.hang_up()
                await call.ended()
                await until(lambda: not alice.calls)

    run(main)


def test_comfort_noise_takes_the_place_of_silence_when_both_want_that():
    async def main():
        alice = usip.Agent(settings("alice", 45660, comfort_noise=True))
        bob = usip.Agent(settings("bob", 45680, comfort_noise=True))
        answering(bob)
        async with alice, bob:
            call = await alice.call(uri(bob, "bob"))
            await until(lambda: call.stream.playout.comfort_level >= 0)
            before = call.stream.received
            await agents.sleep_ms(400)
            assert call.stream.received - before < 10
            call.hang_up()
            await call.ended()

    run(main)


def test_nothing_of_it_is_there_unless_it_is_asked_for():
    async def main():
        alice = usip.Agent(settings("alice", 45580))
        async with alice:
            assert alice.quality is None and alice.core.put_closing is None

    run(main)


class Call:
    """An answered call of three seconds, as a report sees it."""

    is_incoming = True
    local_uri = "sip:101@192.0.2.1"
    remote_uri = "sip:102@192.0.2.2"
    local_address = ("192.0.2.1", 40000)
    codec = "PCMA"

    class session:
        call_id = b"abc@192.0.2.2"

        class dialog:
            local_tag = b"mine"
            remote_tag = b"theirs"

    class media:
        remote_address = b"192.0.2.2"
        remote_port = 4000
        payload_type = 8
        ptime = 20

    def __init__(self):
        self.stream = Stream(Limits(), bytes(range(16)))

    def duration_ms(self):
        return 3000


def test_a_report_has_the_lines_of_rfc_6035():
    call = Call()
    call.stream.expected, call.stream.received, call.stream.late = 200, 195, 1
    call.stream.remote_ssrc[:] = b"\x01\x02\x03\x04"
    lines = quality.report(call, True).decode().split("\r\n")
    assert lines[:7] == [
        "VQSessionReport: CallTerm",
        "CallID: abc@192.0.2.2",
        "LocalID: <sip:101@192.0.2.1>",
        "RemoteID: <sip:102@192.0.2.2>",
        "OrigID: <sip:102@192.0.2.2>",
        "LocalAddr: IP=192.0.2.1 PORT=40000 SSRC=0x00010203",
        "RemoteAddr: IP=192.0.2.2 PORT=4000 SSRC=0x01020304",
    ]
    assert lines[7] == "LocalMetrics:" and lines[8].startswith("Timestamps: START=20")
    assert lines[9] == "SessionDesc: PT=8 PD=PCMA SR=8000 FD=20 FO=160 FPP=1 PPS=50 PLC=3 SSUP=off"
    assert lines[10] == "JitterBuffer: JBA=3 JBR=2 JBN=20 JBM=320 JBX=320"
    assert lines[11] == "PacketLoss: NLR=2.5 JDR=0.5"
    assert lines[12] == "Delay: ESD=20 IAJ=0"
    assert lines[13] == "QualityEst: MOSCQ=4.4"
    assert lines[14] == "DialogID: abc@192.0.2.2;to-tag=theirs;from-tag=mine"
    call.stream.reporter.rtt_ms = 80
    assert b"\r\nDelay: RTD=80 ESD=20 IAJ=0\r\n" in quality.report(call, False)


def test_the_header_field_counts_both_directions():
    call = Call()
    call.stream.expected, call.stream.received, call.stream.received_octets = 20, 18, 2880
    value = quality.rtp_stat(call.stream, "PCMU")
    assert value == b"PS=0,OS=0,PR=18,OR=2880,PL=2,JI=0,LA=0,EN=PCMU,DE=PCMU"
