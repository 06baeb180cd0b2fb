"""Kamailio as registrar and proxy: kamailio.cfg on a free port, asked over its JSON-RPC."""

import json
import os
import re
import urllib.error
import urllib.request

from .install import find_program
from .process import Child, free_port

_CONFIG = os.path.join(os.path.dirname(__file__), "kamailio.cfg")
REALM = "usip.test"


def password(user: str) -> str:
    """Return the password kamailio.cfg expects of *user*."""
    return f"secret-{user}"


class Kamailio:
    """A running Kamailio; .port takes UDP and TCP on 127.0.0.1.

    advertised: the port Kamailio names in Via and Record-Route in place of its own, for a relay
    in front of it; it then also answers phones where their packets come from.
    """

    def __init__(self, folder, min_expires=5, max_expires=3600, nonce_expire=300, port=None,
                 advertised=None):  # fmt: skip
        self.port = port or free_port()
        listen = f"udp:127.0.0.1:{self.port}"
        command = [find_program("kamailio"), "-f", _CONFIG, "-DD", "-E", "-m", "32", "-M", "4",
                   "-Y", folder, "-P", folder / "kamailio.pid",
                   "-A", f"MIN_EXPIRES={min_expires}", "-A", f"MAX_EXPIRES={max_expires}",
                   "-A", f"NONCE_EXPIRE={nonce_expire}"]  # fmt: skip
        if advertised:
            listen += f"/127.0.0.1:{advertised}"
            command += ["-A", "BEHIND_NAT"]
        command += ["-l", listen, "-l", f"tcp:127.0.0.1:{self.port}"]
        self.child = Child("kamailio", command, folder / "kamailio.log")

    def wait_ready(self):
        """Return when it answers."""
        self.child.wait_until(lambda: self._rpc("core.version"), 10, "no answer on its RPC port")

    def uri(self, user: str) -> str:
        """Return the SIP URI of *user* with this proxy's address, needing no DNS."""
        return f"sip:{user}@127.0.0.1:{self.port}"

    def _rpc(self, method: str, *parameters):
        """Return the result of one JSON-RPC call, None when it fails."""
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": parameters, "id": 1})
        url = f"http://127.0.0.1:{self.port}/rpc"
        try:
            with urllib.request.urlopen(url, body.encode(), timeout=2) as response:
                return json.load(response).get("result")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None  # not up yet, or an error answer such as "AOR not found"

    def contacts(self, user: str) -> list:
        """Return the bindings of *user*: dictionaries with Address, Expires and so on."""
        found = self._rpc("ul.lookup", "location", user)
        return [entry["Contact"] for entry in found["Contacts"]] if found else []

    def wait_registered(self, user: str, timeout_s: float = 10):
        """Return the only binding of *user* as soon as there is one."""
        contacts = self.child.wait_until(
            lambda: self.contacts(user), timeout_s, f"{user} is not registered"
        )
        assert len(contacts) == 1, contacts
        return contacts[0]

    def wait_unregistered(self, user: str, timeout_s: float = 5):
        """Return when *user* has no binding."""
        self.child.wait_until(
            lambda: not self.contacts(user), timeout_s, f"{user} is still registered"
        )

    def count(self, method: str, user: str) -> int:
        """Return how many requests of *method* came from *user*, retransmissions included."""
        pattern = rf"request {method} \S+ from sips?:{re.escape(user)}@"
        return len(re.findall(pattern, self.child.text()))

    def stop(self):
        """End it."""
        self.child.stop()
