"""The phone under test: python -m tools.phone, used only by its published contract.

Commands go to its standard input and events come from its standard output, one JSON object a
line each; the events are kept in events.jsonl in its folder, its diagnostics in phone.log.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

from .kamailio import REALM, password
from .process import Child, PeerError, free_port, free_ports

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def account(user, port, **changes) -> dict:
    """Return the account of *user* at the registrar on 127.0.0.1:port, for a configuration."""
    settings = {
        "aor": f"sip:{user}@{REALM}",
        "auth_user": user,
        "password": password(user),
        "registrar": f"sip:127.0.0.1:{port}",
        "outbound_proxy": f"sip:127.0.0.1:{port};lr",
        "transport": "udp",
        "expires": 300,
    }
    settings.update(changes)
    return settings


class Phone:
    """A running phone with one account.

    vm: its command line's words for the VM. options: further words, such as "--answer", "ring".
    """

    def __init__(self, folder, vm, settings, *options):
        self.folder = folder
        self.port = free_port()
        rtp = free_ports(20)
        configuration = {
            "accounts": [settings],
            "media": {"codecs": ["PCMU", "PCMA"], "rtp_ports": [rtp, rtp + 19]},
        }
        (folder / "config.json").write_text(json.dumps(configuration, indent=1))
        command = [sys.executable, "-m", "tools.phone", "--config", folder / "config.json",
                   "--bind", f"127.0.0.1:{self.port}", *vm, *options]  # fmt: skip
        self._events_path = folder / "events.jsonl"
        with open(self._events_path, "wb") as events:
            self.child = Child("phone", command, folder / "phone.log", cwd=_ROOT,
                               stdin=subprocess.PIPE, stdout=events)  # fmt: skip

    def wait_ready(self):
        """Return when it says that it is ready."""
        self.wait_event("ready", timeout_s=30)

    def events(self, kind=None, **fields) -> list:
        """Return the events so far, of type *kind* and with these *fields* when given."""
        with open(self._events_path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]  # what follows the last newline is not whole
        wanted = dict(fields, event=kind) if kind else fields
        return [
            event
            for event in map(json.loads, lines)
            if all(event.get(key) == value for key, value in wanted.items())
        ]

    def wait_event(self, kind, timeout_s: float = 10, count: int = 1, **fields) -> dict:
        """Return the count-th event of type *kind* with these *fields*."""
        found = self.child.wait_until(
            lambda: self.events(kind, **fields)[count - 1 : count],
            timeout_s,
            f"no event {kind} {fields or ''} in {self._events_path}",
        )
        return found[0]

    def do(self, command: str, **fields):
        """Give one command."""
        line = json.dumps(dict(fields, do=command)) + "\n"
        try:
            self.child.process.stdin.write(line.encode())
            self.child.process.stdin.flush()
        except BrokenPipeError:
            status = self.child.wait(5)
            raise PeerError(
                f"phone exited with {status} before {line}{self.child.tail()}"
            ) from None

    def digits(self) -> str:
        """Return the DTMF digits heard so far."""
        return "".join(event["digit"] for event in self.events("dtmf"))

    def quit(self) -> int:
        """Tell it to quit and return its exit status."""
        self.do("quit")
        return self.child.wait(10)

    def terminate(self) -> int:
        """Send it SIGTERM and return its exit status."""
        os.kill(self.child.process.pid, signal.SIGTERM)
        return self.child.wait(10)

    def stop(self):
        """End it, giving it time to take leave of its peers."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and a command was left over
            self.child.process.stdin.close()
        self.child.stop(timeout_s=5)
