"""Another network, or the same one again: everything that had an address moves (RFC 5626 4.5)."""

from usip import ticks
from usip.net import address
from usip.sip import failover

_ELSEWHERE = "192.0.2.1"  # RFC 5737: nobody's, so by the default route


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


class Watcher:
    """Notices that this machine has another address, or one again, and lets everything move.

    Among the core's usages for the sake of its timer. It looks every *watch_s* seconds at our
    address towards the first registrar known: that is a question to the system, nothing is sent.
    """

    package = None
    is_notifier = False

    def __init__(self, agent, watch_s: int) -> None:
        self.agent = agent
        self.watch_ms = 1000 * watch_s
        self.deadline = agent.now_ms()
        self.host = ""  # ours as seen last; "" without a network
        self._has_looked = False
        agent.core.usages.append(self)

    def matches(self, message) -> bool:
        """No request belongs to it."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due."""
        return self.deadline

    def handle_timer(self, now_ms: int) -> None:
        """Look, and compare."""
        if ticks.ticks_diff(now_ms, self.deadline) < 0:
            return
        self.deadline = ticks.ticks_add(now_ms, self.watch_ms)
        before = self.host
        self.host = self._look()
        if self.host and self.host != before and self._has_looked:
            network_changed(self.agent, now_ms)
        self._has_looked = True

    def _look(self) -> str:
        remote = _ELSEWHERE
        for account in self.agent.core.accounts:
            destination = account.registration.destination
            if destination is not None:
                remote = destination[1]
                break
        host = address.local_host(remote)
        return "" if host.startswith("127.") and not remote.startswith("127.") else host
