"""P-, I- and S-CSCF of Kamailio with the HSS beside them, on ports of their own."""

import os
import shutil
import socket
import uuid

from ..cx_hss import HSS, REALM, subscribers
from ..install import find_program
from ..process import Child, PeerError, free_ports, wait_until

_HERE = os.path.dirname(__file__)
_DBTEXT = "/usr/share/kamailio/dbtext/kamailio"
_TABLES = {
    "nds_trusted_domains": "id(int,auto) trusted_domain(string) \n",
    "s_cscf": "id(int,auto) name(string) s_cscf_uri(string) \n1:scscf:{scscf}\n",
    "s_cscf_capabilities": "id(int,auto) id_s_cscf(int) capability(int) \n1:1:0\n",
}


def _options(port: int) -> bool:
    """Return whether something answers OPTIONS on a UDP *port* of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect(("127.0.0.1", port))
        own = probe.getsockname()[1]
        probe.send(
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\n"
            f"Call-ID: {uuid.uuid4().hex}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        try:
            return probe.recv(4096).startswith(b"SIP/2.0 200")
        except OSError:
            return False


class IMSCore:
    """A running core; phones talk to .port of 127.0.0.1, UDP or TCP. .hss is the HSS."""

    def __init__(self, folder):
        self.folder = os.fspath(folder)
        self.realm = REALM
        self.port, icscf, scscf = (free_ports(6) + offset for offset in (0, 2, 4))
        self.ports = (self.port, icscf, scscf)
        uri = f"sip:127.0.0.1:{scscf}"
        self.hss = HSS(("127.0.0.1", 0), subscribers(), host="127.0.0.1", server=uri)
        self.hss.start()
        self._prepare(uri)
        defines = {"ICSCF": f"sip:127.0.0.1:{icscf}"}
        self.children = [
            self._start("scscf", scscf, URI=uri, **defines),
            self._start("icscf", icscf),
            self._start("pcscf", self.port, URI=f"sip:127.0.0.1:{self.port}", **defines),
        ]

    def _prepare(self, scscf: str):
        """Write the files the configurations name."""
        tables = os.path.join(self.folder, "dbtext")
        os.makedirs(tables)
        for name in ("presentity", "active_watchers", "watchers", "version", "xcap"):
            shutil.copy(os.path.join(_DBTEXT, name), tables)
        for name, text in _TABLES.items():
            with open(os.path.join(tables, name), "w") as file:
                file.write(text.format(scscf=scscf.replace(":", "\\:")))
        with open(os.path.join(_HERE, "diameter.xml.in")) as file:
            template = file.read().replace("@REALM@", self.realm)
        for name in ("icscf", "scscf"):
            text = template.replace("@NAME@", name)
            with open(os.path.join(self.folder, name + ".xml"), "w") as file:
                file.write(text.replace("@HSS_PORT@", str(self.hss.address[1])))

    def _start(self, name: str, port: int, **defines) -> Child:
        run = os.path.join(self.folder, name)
        os.makedirs(run)
        defines["REALM"] = self.realm
        defines["DBURL"] = "text://" + os.path.join(self.folder, "dbtext")
        defines["DIAMETER"] = os.path.join(self.folder, name + ".xml")
        command = [find_program("kamailio"), "-f", os.path.join(_HERE, name + ".cfg")]
        command += ["-DD", "-E", "-m", "48", "-M", "8", "-Y", run]
        command += ["-P", os.path.join(run, "kamailio.pid"), "-w", run]
        for key, value in defines.items():
            command += ["-A", f'{key}="{value}"']
        for transport in ("udp", "tcp"):
            command += ["-l", f"{transport}:127.0.0.1:{port}"]
        return Child(name, command, os.path.join(self.folder, name + ".log"))

    def wait_ready(self):
        """Return when all three answer and both Diameter connections are open.

        Kamailio opens them by two processes that race on a fast network, and starts again a
        second or two later when the wrong one wins: a watchdog shows that it came through.
        """
        for child, port in zip(self.children, (self.ports[2], self.ports[1], self.ports[0])):
            child.wait_until(lambda port=port: _options(port), 20, "no answer to OPTIONS")
        wait_until(lambda: len(self.hss.watched) == 2, 40, "the HSS: no watchdog of both CSCFs")

    def check_alive(self):
        """Raise PeerError, with the end of its log, when one of the three has ended."""
        for child in self.children:
            if child.exit_status is not None:
                raise PeerError(f"{child.name} exited with {child.exit_status}\n{child.tail()}")

    def stop(self):
        """End all of them."""
        for child in self.children:
            child.stop()
        self.hss.stop()
