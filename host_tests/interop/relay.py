"""A UDP relay that loses datagrams, the same ones for the same seed and traffic.

It stands before a proxy like a NAT: each phone that sends to .port gets a socket of its own
towards the proxy, and what the proxy sends there goes back to that phone from .port.
"""

import random
import select
import socket
import threading

from .process import free_port


class Relay:
    """Relay to 127.0.0.1:target_port, losing *loss* (0..1) of the datagrams each way.

    .seen and .lost count datagrams: [towards the proxy, towards the phones].
    """

    def __init__(self, folder, target_port, loss=0.1, seed=1, port=None):
        self.port = port or free_port()
        self.seen = [0, 0]
        self.lost = [0, 0]
        self._target = ("127.0.0.1", target_port)
        self._loss = loss
        self._random = [random.Random(f"{seed} {way}") for way in ("there", "back")]
        self._front = self._open(("127.0.0.1", self.port))
        self._backs = {}  # source address of a phone -> its socket towards the proxy
        self._sources = {}  # and the other way round
        self._log = open(folder / "relay.log", "w", encoding="utf-8")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)

    @staticmethod
    def _open(address):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(address)
        return opened

    def wait_ready(self):
        """Start relaying; the port is bound since construction."""
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            for ready in select.select([self._front, *self._sources], [], [], 0.1)[0]:
                data, source = ready.recvfrom(65536)
                if ready is self._front:
                    self._forward(0, data, self._back(source), self._target)
                else:
                    self._forward(1, data, self._front, self._sources[ready])

    def _back(self, source):
        if source not in self._backs:
            back = self._open(("127.0.0.1", 0))
            self._backs[source] = back
            self._sources[back] = source
        return self._backs[source]

    def _forward(self, way, data, through, destination):
        self.seen[way] += 1
        is_lost = self._random[way].random() < self._loss
        self.lost[way] += is_lost
        first_line = data.split(b"\r\n", 1)[0].decode(errors="replace")
        self._log.write(f"{'><'[way]} {'LOST' if is_lost else 'sent'} {first_line}\n")
        self._log.flush()
        if not is_lost:
            through.sendto(data, destination)

    def stop(self):
        """Stop relaying and close every socket."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(5)
        for opened in (self._front, *self._sources):
            opened.close()
        self._log.close()
