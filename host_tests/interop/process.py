"""Child processes, ports and bounded waiting, shared by every peer.

A Child logs to a file, belongs to a process group of its own and dies with us: stop() ends the
whole group, and on Linux the kernel ends it should the test runner itself be killed.
"""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

_PR_SET_PDEATHSIG = 1  # prctl(2)


class PeerError(Exception):
    """A peer did not start, or did not do in time what a test waits for."""


def wait_until(condition, timeout_s: float, what: str, poll_s: float = 0.02):
    """Return the first true value of condition(); PeerError naming *what* after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise PeerError(f"{what}: not within {timeout_s:g} s")
        time.sleep(poll_s)


def _is_free(port: int) -> bool:
    """True when *port* of 127.0.0.1 can be bound for UDP and for TCP."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


_given = set()  # not bound yet, perhaps


def free_ports(count: int = 1) -> int:
    """Return the first, even, of *count* adjacent ports nobody holds.

    Below 32768, where the kernel takes no ephemeral ports, and at random, so that two runs on
    one machine seldom look at the same place.
    """
    for _ in range(1000):
        first = random.randrange(20000, 32000 - count, 2)
        ports = range(first, first + count)
        if _given.isdisjoint(ports) and all(map(_is_free, ports)):
            _given.update(ports)
            return first
    raise PeerError(f"no {count} adjacent free ports between 20000 and 32000")


def free_port() -> int:
    """Return a port nobody holds, for UDP and TCP."""
    return free_ports(1)


def _die_with_parent(number):
    with contextlib.suppress(OSError, AttributeError):  # not Linux: stop() alone must do
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


class Child:
    """One running program. Its output goes to *log* (a path) unless stdout is given.

    last_signal: what it gets should we be killed ourselves. SIGTERM lets it end its own
    children; for a program that takes its time over that, SIGKILL.
    """

    def __init__(self, name, command, log, cwd=None, stdin=subprocess.DEVNULL, stdout=None,
                 last_signal=signal.SIGTERM):  # fmt: skip
        self.name = name
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                stdin=stdin,
                stdout=stdout if stdout is not None else file,
                stderr=file,
                start_new_session=True,
                preexec_fn=lambda: _die_with_parent(last_signal),
            )

    @property
    def exit_status(self):
        """None while it runs, else its exit status."""
        return self.process.poll()

    def wait_until(self, condition, timeout_s: float, what: str):
        """As wait_until; also fails, with the end of the log, as soon as the program ends."""

        def check():
            value = condition()
            if not value and self.exit_status is not None:
                raise PeerError(f"{self.name} exited with {self.exit_status} before: {what}")
            return value

        try:
            return wait_until(check, timeout_s, f"{self.name}: {what}")
        except PeerError as error:
            raise PeerError(f"{error}\n{self.tail()}") from None

    def wait(self, timeout_s: float) -> int:
        """Return the exit status; PeerError when it still runs after timeout_s."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise PeerError(
                f"{self.name} still runs after {timeout_s:g} s: {self.tail()}"
            ) from None

    def stop(self, timeout_s: float = 3.0):
        """End the program and its group: SIGTERM, and SIGKILL for what is left."""
        if self.exit_status is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)

    def text(self) -> str:
        """Return all that was logged so far."""
        with open(self.log, "rb") as file:
            return file.read().decode(errors="replace")

    def tail(self, lines: int = 25) -> str:
        """Return the last lines of the log."""
        return "\n".join([f"[{self.log}]", *self.text().splitlines()[-lines:]])
