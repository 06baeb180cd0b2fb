"""One request by hand, for what no peer sends when a test wants it."""

import random
import socket
import time

from .process import PeerError

_REQUEST = """\
{method} {uri} SIP/2.0
Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{nonce};rport
Max-Forwards: 70
From: <sip:probe@{host}:{port}>;tag={nonce}
To: <{uri}>
Call-ID: {nonce}@{host}
CSeq: 1 {method}
Contact: <sip:probe@{host}:{port}>
Accept: application/sdp
Content-Length: 0

"""


def ask(method: str, uri: str, timeout_s: float = 4.0) -> bytes:
    """Send one request to the host and port in *uri* and return the final response.

    It is sent again every half second, as Timer E begins (RFC 3261 17.1.2.2).
    """
    host, port = uri.rsplit("@", 1)[1].split(":")
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, int(port)))
        probe.settimeout(0.5)
        own_host, own_port = probe.getsockname()
        nonce = f"{random.getrandbits(64):x}"
        text = _REQUEST.format(method=method, uri=uri, host=own_host, port=own_port, nonce=nonce)
        while time.monotonic() < deadline:
            probe.send(text.replace("\n", "\r\n").encode())
            try:
                response = probe.recv(65536)
            except TimeoutError:
                continue
            if not response.startswith(b"SIP/2.0 1"):
                return response
    raise PeerError(f"no answer to {method} {uri} within {timeout_s:g} s")
