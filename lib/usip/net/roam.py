"""Another network, or the same one again: everything that had an address moves (RFC 5626 4.5)."""

from usip.sip import failover


def network_changed(agent, now_ms: int) -> None:
    """Let go of what belonged to the network before; register and tell the calls anew.

    A call whose peer cannot be told ends with an event, as after any re-INVITE without answer.
    """
    transport = agent.transport
    transport.routes.clear()
    for other in (transport.streams, transport.locator):
        if other is not None:
            other.forget()
    for call in agent.calls:
        if call.session.allowed("modify"):
            agent.place_media(call)
            call.media.local.address = call.local_address[0].encode()
    failover.network_changed(agent.core, now_ms)
