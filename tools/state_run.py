"""Brings a phone on the VM into a state, with a peer on this machine, and reads its heap.

tools/states/NAME.py runs on the VM as a part of the linked image, so that its own code stays
outside of the heap as a board's main.py does, in a folder with the config.json that `_STATES`
gives it. Its last line of output is `state BYTES`.
"""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tools import rom, vm
from tools.simulation import network

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "tools" / "states"
_LIMIT_S = 30

_BUTTON = {"input": 0, "action": "call", "targets": ["sip:peer@127.0.0.1:{port}"]}
_ACCOUNT = {"aor": "sip:door@127.0.0.1:{port}", "display_name": "Front Door", "password": "secret"}
_REGISTERED = dict(_ACCOUNT, registrar="sip:127.0.0.1:{port}")
_CALLING = dict(_ACCOUNT, outbound_proxy="sip:127.0.0.1:{port}")
_STATION = {"role": "door", "buttons": [_BUTTON], "relays": [{"output": 0, "code": "5"}]}

_EQUIPMENT = dict(network.Subscriber("door", "alpha.example").account("127.0.0.1:{port}"))
_EQUIPMENT["transport"] = "udp"

# Name -> the peer it needs, its configuration with the peer's {port}, and what is typed into it.
_STATES = {
    "ims": ("network", {"accounts": [_EQUIPMENT]}, ""),
    "registered": ("registrar", {"accounts": [_REGISTERED]}, ""),
    "in_call": ("phone", {"accounts": [_CALLING]}, ""),
    "door": ("phone", {"accounts": [_CALLING], "station": _STATION}, "press 0\n"),
}


def run(name: str, where: str, heap: str):
    """Run a state from "rom" or loaded to "ram"; return bytes in use, or a str saying why not."""
    if name not in _STATES or not (PROGRAMS / (name + ".py")).exists():
        return "there is no tools/states/%s.py with a peer in tools/state_run.py" % name
    peer, configuration, typed = _STATES[name]
    folder = ROOT / "build" / "states" / name
    shutil.rmtree(folder, ignore_errors=True)  # a station that crashed before starts otherwise
    folder.mkdir(parents=True)
    image = rom.build("sim", program=PROGRAMS)
    place = {"rom": image} if where == "rom" else {"path": image.parent / "tree"}
    with _PEERS[peer](folder) as port:
        text = json.dumps(dict(configuration, network={"sip_port": 0}))
        (folder / "config.json").write_text(text.replace("{port}", str(port)))
        shutil.copy(ROOT / "boards" / "sim" / "board.json", folder)
        return _run(vm.vm_command(heap, **place) + [name + ".mpy"], folder, typed, heap)


def _run(command: list, folder: Path, typed: str, heap: str):
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    try:
        process.stdin.write(typed)
        process.stdin.flush()
        watchdog = threading.Timer(_LIMIT_S, process.kill)
        watchdog.start()
        lines = process.stdout.read().strip().splitlines() or ["no output"]
        watchdog.cancel()
        status = process.wait()
    finally:
        process.kill()
        process.wait()
    last = lines[-1].split()
    if status or len(last) != 2 or last[0] != "state":
        return "fails in a heap of %s: %s" % (heap, lines[-1])
    return int(last[1])


class _Registrar:
    """Answers every REGISTER: 401 to one without credentials, 200 to one with."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._end, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> int:
        self._socket.bind(("127.0.0.1", 0))
        self._thread.start()
        return self._socket.getsockname()[1]

    def __exit__(self, *error) -> None:
        os.write(self._stop, b"x")
        self._thread.join()
        self._socket.close()
        os.close(self._end)
        os.close(self._stop)

    def _serve(self) -> None:
        while self._end not in select.select([self._socket, self._end], [], [])[0]:
            data, source = self._socket.recvfrom(2048)
            self._socket.sendto(_registered(data.decode()), source)


def _registered(request: str) -> bytes:
    """Return the response to a REGISTER (RFC 3261 10.3, 22.2)."""
    lines = request.split("\r\n")
    kept = [line for line in lines if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    kept += [line + ";tag=registrar" for line in lines if line.startswith("To:")]
    if any(line.startswith("Authorization:") for line in lines):
        status = "200 OK"
        kept += [line + ";expires=300" for line in lines if line.startswith("Contact:")]
    else:
        status = "401 Unauthorized"
        nonce = 'nonce="5d41402abc4b2a76b9719d911017c592"'
        kept.append('WWW-Authenticate: Digest realm="here", qop="auth", algorithm=MD5, ' + nonce)
    kept.append("Content-Length: 0")
    return "\r\n".join(["SIP/2.0 " + status, *kept, "", ""]).encode()


class _Phone:
    """tools.phone, answering at once and sending silence."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "peer.json"

    def __enter__(self) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        account = {"aor": "sip:peer@127.0.0.1:%d" % port}
        self._config.write_text(json.dumps({"accounts": [account]}))
        command = [sys.executable, "-m", "tools.phone", "--config", str(self._config)]
        command += ["--bind", "127.0.0.1:%d" % port, "--answer", "auto", "--run-for", "60"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=ROOT
        )
        self._process.stdout.readline()  # it says when it is ready
        return port

    def __exit__(self, *error) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def _network(folder: Path):
    return network.Served("door", "alpha.example")


_PEERS = {"registrar": _Registrar, "phone": _Phone, "network": _network}


def measured(name: str, where: str, heap: str) -> str:
    """Return a line for a person: what a state takes, and how long that took to find out."""
    started = time.monotonic()
    value = run(name, where, heap)
    return "%-12s %-4s %5s  %s  (%.1f s)" % (name, where, heap, value, time.monotonic() - started)


def main(argv=None) -> int:
    words = (sys.argv[1:] if argv is None else argv) or sorted(_STATES)
    for name in words:
        for where, heap in (("rom", "128k"), ("ram", "160k")):
            print(measured(name, where, heap), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
