"""SIPp: one scenario of scenarios/ played against the phone, or waiting for it."""

import os

from .install import find_program
from .process import Child, free_port, free_ports

_SCENARIOS = os.path.join(os.path.dirname(__file__), "scenarios")


class SIPp:
    """SIPp playing scenarios/NAME.xml on 127.0.0.1:.port.

    remote: (host, port) for a scenario that starts, None for one that waits.
    service: the user part it calls. calls: how many, one after the other.
    """

    def __init__(self, folder, scenario, remote=None, service="door", calls=1, timeout_s=20):
        self.port = free_port()
        media = free_ports(4)
        command = [find_program("sipp")]
        if remote:
            command.append(f"{remote[0]}:{remote[1]}")
        command += ["-sf", os.path.join(_SCENARIOS, scenario + ".xml"), "-s", service,
                    "-i", "127.0.0.1", "-p", self.port, "-mp", media, "-m", calls, "-l", 1,
                    "-nostdin", "-timeout", timeout_s, "-timeout_error",
                    "-trace_err", "-error_file", folder / "errors.log",
                    "-trace_msg", "-message_file", folder / "messages.log"]  # fmt: skip
        self._errors = folder / "errors.log"
        self._waits = remote is None
        self._timeout_s = timeout_s
        self.child = Child(f"SIPp {scenario}", command, folder / "sipp.log", cwd=folder)

    def _is_listening(self) -> bool:
        """True when its UDP port is bound (proc(5), net/udp: local address in hexadecimal)."""
        with open("/proc/net/udp", encoding="ascii") as table:
            return f"0100007F:{self.port:04X} " in table.read()

    def wait_ready(self):
        """Return when a waiting scenario listens; a starting one has nothing to wait for."""
        if self._waits:
            self.child.wait_until(self._is_listening, 10, "does not listen")

    def finish(self):
        """Return when all its calls ended well; AssertionError with its errors otherwise."""
        status = self.child.wait(self._timeout_s + 5)
        errors = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        assert status == 0, f"{self.child.name} exited with {status}\n{errors}{self.child.tail()}"

    def stop(self):
        """End it."""
        self.child.stop()
