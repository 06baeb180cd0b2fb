"""Our own requests (RFC 3261 8.1): what begins them, credentials, our Contact, where they go.

The half of the user-agent core that writes requests, as `respond` is the one that answers them.
Everything is written straight into the send buffer: of a request sent nothing is copied unless
another message has to be written before its answer has come (see `transaction`).
"""

from binascii import hexlify

from micropython import const

from usip.sip import compose, uri
from usip.sip.auth import sign

_M_ACK = const(2)


class Requester:
    """What UserAgentCore inherits to ask; *writer*, *transport*, *random* ... are the core's."""

    _branch = b""
    _unsigned = None  # credentials whose response protects the body not yet written
    _is_initial = True  # the request begun is outside of dialogs

    def begin_request(self, dialog, method: int, destination, cseq: int = 0):
        """Begin our next request in *dialog* and return the writer."""
        self._unsigned = None
        self._is_initial = not dialog.remote_tag
        self._branch = branch = hexlify(self.random(8))
        host, port = self.transport.local_address(destination)
        w = self.writer.reset()
        compose.put_request(
            w, dialog, method, cseq or dialog.next_cseq(), branch, destination[0], host, port
        )
        return w

    def begin_ack(self, dialog, cseq: int):
        """Begin the ACK of a 2xx to the INVITE numbered *cseq*."""
        return self.begin_request(dialog, _M_ACK, dialog.destination, cseq)

    def put_credentials(self, w, account, method: int, request_uri: bytes) -> None:
        """Append what an account adds to the request begun: its network's fields, credentials."""
        if account.profile is not None:
            account.put_fields(w, method, self._is_initial)
        if account.authentication is not None:
            self._unsigned = account.authentication.put(w, compose.METHODS[method], request_uri)

    def send_request(self, method: int, destination, user, now_ms: int):
        """Send the request in the writer in a transaction of its own; None when no room."""
        if self._unsigned is not None:
            sign(self.writer, self._unsigned)
            self._unsigned = None
        return self.transactions.request(method, self._branch, destination, user, now_ms)

    def accept_challenge(self, account, message, answered: dict) -> bool:
        """Take a 401 or 407 for an account; whether to send the request again."""
        if account.authentication is None:
            return False
        return account.authentication.receive_challenge(
            message, self.values, self._challenge, answered
        )

    def put_contact(self, w, account, destination) -> None:
        """Append our Contact for a dialog towards *destination*."""
        self.put_contact_uri(w.put(b"Contact: <"), account, destination)
        if account is None:
            w.put(b">\r\n")
        else:
            w.put(account.uri_parameters).put(b">").put(account.contact_parameters).put(b"\r\n")

    def put_contact_uri(self, w, account, destination) -> None:
        """Append the URI at which this account can be reached from *destination*."""
        host, port = self.transport.local_address(destination)
        if account is not None and account.public and account.destination == destination:
            host, port = account.public
        w.put(b"sip:")
        if account is not None and account.user:
            w.put(account.user).put(b"@")
        compose.put_host_port(w, host, port)
        if destination[0] != "udp":
            w.put(b";transport=").put_text(destination[0])

    def locate(self, target: bytes, default, user=None):
        """Return the destination of a URI, *default* when its name leads nowhere.

        With a *user*, who has an account, False when the name is not resolved yet: see `core`.
        """
        view = self._uri
        if default is not None and not target:
            return default
        if not view.parse(target, 0, len(target)) or view.host_start < 0:
            return default
        protocol = "tls" if view.scheme == uri.SIPS else view.transport()
        if not protocol:
            protocol = user.account.protocol if user else default[0] if default else "udp"
        if protocol == "?":
            return default
        host = str(target[view.host_start : view.host_end], "utf-8").strip("[]")
        if uri.is_ipv4(target, view.host_start, view.host_end) or ":" in host:
            port = view.port if view.port > 0 else _default_port(protocol)
            if default and default[2] == port and default[1] == host:
                if default[0] == (protocol or "udp"):
                    return default  # no second copy of what is kept
            return (protocol or "udp", host, port)
        locate = getattr(self.transport, "locate", None)
        found = locate(host, view.port, protocol, user) if locate is not None else None
        return found if found is False and user else found or default

    def new_call_id(self) -> bytes:
        """Return a Call-ID unique over space and time (8.1.1.4)."""
        return hexlify(self.random(12))

    def new_tag(self) -> bytes:
        """Return a tag with 32 random bits (19.3)."""
        return hexlify(self.random(4))

    def jittered_ms(self, ms: int) -> int:
        """Return 80 to 100 % of a delay, so that devices do not retry in step."""
        return ms - ms // 1280 * (self.random(1)[0])


def _default_port(protocol: str) -> int:
    return 5061 if protocol == "tls" else 5060
