"""The calls of an agent: how one is made, what the core reports of it, how it is let go.

Imported with the first call, or the first OPTIONS that asks for a description. What needs room in
one piece, the arrays of the sound received, is found before anything else and goes from an ended
call to the next one. The code that reads and writes descriptions and the code that makes sound
come one after the other (usip.exchange), so that a heap never has to hold both.
"""

import asyncio
import gc
import os
from array import array

from micropython import const

import usip
from usip import call as calls
from usip import core
from usip.errors import CallFailed
from usip.exchange import MediaExchange, release
from usip.net.accounts import target_of
from usip.net.media import free_path

_INCOMING = const(16)  # usip.agent.INCOMING
_SLOT_BYTES = const(160)  # of the jitter buffer, as in rtp.jitter
_WORK_BYTES = const(1760)  # what playout works in, as there

_SOUND = "rtp.packet rtp.event rtp.playout rtp.report"
_DESCRIPTIONS = "sdp.octets sdp.read sdp.remote sdp.local"


def place(agent, target: str, audio, account, headers, is_offerless: bool):
    """Place a call; see Agent.place."""
    attempt = None
    if account is None:
        account = agent.account()
        if len(agent.core.accounts) > 1:
            from usip.fallback import Attempt

            attempt = Attempt(agent, account, target, headers)
    target = target_of(account, target)
    if len(agent.calls) >= agent.limits.sessions:
        raise CallFailed(486, "Too Many Calls")
    call = agent.make_call()
    if call is None:
        raise CallFailed(503, "No Port or Memory for Sound")
    try:
        call.open_audio(audio)
        call.attempt = attempt
        now_ms = agent.now_ms()
        call.session = agent.core.invite(
            account, target, call.media, now_ms, None, headers, is_offerless
        )
        agent.calls.append(call)
    except OSError:
        close_path(agent, call)
        raise
    except MemoryError:
        call.close_audio()
        close_path(agent, call)
        agent.complain("call")
        raise CallFailed(503, "No Memory for a Call")
    agent.flush()
    return call


def make_call(agent):
    """Return a call with sockets, None without a port for it; MemoryError."""
    # A finished task keeps its locals, the last call and its buffers, from being collected.
    agent.handlers = [task for task in agent.handlers if not task.done()]
    usip.rest()
    gc.collect()
    path = free_path(agent.transport.host, agent.config["media"]["rtp_ports"], agent.next_pair)
    if path is None:
        return None
    agent.next_pair += 1
    try:
        call = calls.Call(agent, asyncio.Event())
        call.path = path
        call.arrays = agent.arrays or make_arrays(agent.limits)
        agent.arrays = None
        call.dtmf_mode = agent.config["media"]["dtmf"]
        call.media = MediaExchange(call.make_negotiator)
        return call
    except MemoryError:
        path.close()
        raise


def make_arrays(limits) -> tuple:
    """Return the large arrays of a stream, 4.4 KB with 16 slots; see rtp.playout."""
    return bytearray(_SLOT_BYTES * limits.jitter_slots), array("h", bytes(_WORK_BYTES))


def make_stream(agent, call):
    """Return a call's stream, in its arrays."""
    usip.rest()
    gc.collect()
    usip.preload(_SOUND)
    from usip.rtp.stream import Stream

    return Stream(agent.limits, os.urandom(16), call.arrays)


def make_negotiator(agent, call):
    """Return who reads and writes the descriptions of a call."""
    usip.rest()
    gc.collect()
    usip.preload(_DESCRIPTIONS)
    from usip.sdp.negotiate import Negotiator

    session = place_media(agent, call)
    media = agent.config["media"]
    negotiator = Negotiator(
        agent.limits,
        call.local_address[0].encode(),
        call.path.port,
        media["codecs"],
        101,
        media["ptime"],
        int.from_bytes(os.urandom(3), "big"),
        False,
        3,
        media.get("comfort_noise", False),
    )
    if agent.quality is not None:
        agent.quality.prepare(negotiator)
    if session.account.profile is not None:
        session.account.prepare_media(negotiator, call.media)
    return negotiator


def place_media(agent, call):
    """Return the session of *call*, whose sound is received where the peer sees us."""
    session = call.session
    for other in agent.core.sessions:
        if other.media is call.media:
            session = other
    host = agent.transport.local_address(session.dialog.destination)[0]
    call.local_address = host, call.path.port
    return session


def describe(agent, w) -> None:
    """Append the media we could take, for a peer whose OPTIONS accepts that (RFC 3264 9)."""
    usip.preload(_DESCRIPTIONS)
    from usip.sdp.local import LocalDescription, make_formats

    types = agent.config["media"]["codecs"]
    host = agent.transport.local_address(agent.core.source)[0]
    LocalDescription(make_formats(types, 101), host.encode(), 0, 1).put_capabilities(w)
    release()


def close_path(agent, call) -> None:
    """Let go of a call's sockets; its arrays are for the next one."""
    if call.path is not None:
        call.path.leave(call.stream, agent.now_ms())
        if agent.arrays is None and call.arrays is not None:
            calls.silence(call.arrays[1])
            agent.arrays = call.arrays


def release_call(agent, call) -> None:
    """Let go of an ended call."""
    if call in agent.calls:
        agent.calls.remove(call)
    if call.is_announced:
        if agent.quality is not None:
            agent.quality.end(call)
        call.end(agent.now_ms())
    close_path(agent, call)
    call.media.close()
    call.session.media = calls.OVER
    gc.collect()


# -- what the core reports


def create_media(agent, session):
    """Return the media of a new call for an INVITE, None when there is no room or port for it."""
    call = agent.make_call()
    if call is None:
        return None
    call.session = session
    agent.offered = call
    return call.media


def settle_offered(agent) -> None:
    """See what became of the call made for an INVITE that was not reported."""
    offered = agent.offered
    agent.offered = None
    if offered.session in agent.core.sessions:  # it may not ring yet
        offered.is_announced = False
        agent.calls.append(offered)
    else:  # its INVITE was refused before anybody heard of it
        offered.media.close()
        close_path(agent, offered)


def handle(agent, event: int, session) -> None:
    """Take an event of the core about a call."""
    if event == core.CALL_RECEIVED:
        _handle_received(agent, session)
        return
    call = find(agent, session)
    if call is None:
        return
    if event == core.CALL_ENDED:
        if call.attempt is None or not call.attempt.next(agent, call):
            release_call(agent, call)
        return
    if not call.is_announced:
        return
    try:
        if event == core.CALL_PROGRESS:
            call.progress()
        elif event == core.CALL_ANSWERED:
            call.answered(agent.now_ms())
        elif event == core.INFO_RECEIVED:
            call.receive_info(agent.now_ms())
        else:
            call.update_media()
    except MemoryError:
        agent.complain("sound")
        session.abandon(agent.now_ms())
        return
    follow(agent, call)


def _handle_received(agent, session):
    call = find(agent, session)
    if call is None and agent.offered is None:  # an application with media of its own
        agent.serve(session.application.handler, session)
        return
    if call is None:
        call = agent.offered
        agent.calls.append(call)
        agent.offered = None
    call.is_announced = True
    agent.observe(_INCOMING, call)
    if session.replaced is not None:
        from usip import services

        if services.take_over(agent, call):
            return
    agent.serve(session.application.handler, call)


def find(agent, session):
    """Return the call of a session, None for one that is nobody's."""
    for call in agent.calls:
        if call.session is session or call.media is session.media:
            call.session = session
            return call
    return None


def follow(agent, call) -> None:
    """Point the sockets where the media now goes, and start the pump with the first."""
    if call.has_media:
        try:
            call.path.follow(call.media, agent.now_ms())
        except (OSError, ValueError):
            call.hang_up()
