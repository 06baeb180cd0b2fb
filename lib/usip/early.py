"""Sound before the answer, from the called side (RFC 3261 13.3.1, RFC 3960): an announcement, a
greeting, the view of who rings. Imported with the first `call.ring(status, audio)`.
"""


def ring(call, status: int, audio) -> None:
    """Send a provisional response with our description, reliably where the caller can (RFC 3262).

    *audio* as of Call.accept, which ends it and begins that of the answered call; False: silence.
    StateError when it is not the time to ring.
    """
    call.session.require("ring")
    if audio:
        call.open_audio(audio)
    agent = call._agent
    call.session.ring(agent.now_ms(), status, True)
    call.update_media()
    agent.follow(call)
    agent.flush()
