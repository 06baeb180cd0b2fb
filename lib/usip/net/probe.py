"""An OPTIONS request as a keep-alive: net.flow sends one at intervals when so configured."""

from micropython import const

from usip.sip.registration import REGISTERED
from usip.sip.standalone import Request

_M_OPTIONS = const(5)


class Probe(Request):
    """An OPTIONS request whose answer, whatever it says, shows that the way is open."""

    def __init__(self, flow, target: bytes) -> None:
        super().__init__(flow.core, flow.account, target, _M_OPTIONS, 0)
        self.flow = flow

    def receive_response(self, transaction, message, now_ms: int) -> None:
        """Look whether we are still seen at the same address."""
        if message.status_code >= 200:
            self.flow.receive_probe(self, now_ms)
            registration = self.account.registration
            if registration.learn_address(message) and registration.state == REGISTERED:
                registration.register(now_ms)

    def transaction_failed(self, transaction, status: int, now_ms: int) -> None:
        """Nobody answered."""
        self.flow.probe_failed(self, now_ms)

    def _finish(self, status, reason) -> None:
        """Without room to send there is nothing to learn."""
