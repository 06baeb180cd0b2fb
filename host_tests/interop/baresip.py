"""baresip as the far phone: one headless user agent, driven over its ctrl_tcp module.

It plays a WAV, records what it decodes, and reports its events (netstrings of JSON) as they
happen. Its configuration holds only what these tests use, and no sound card. Paths in it are
relative: baresip keeps names in short fixed buffers and cuts off the rest without a word.
"""

import glob
import json
import os
import signal
import socket
import time

from .install import find_program
from .kamailio import REALM, password
from .process import Child, PeerError, free_port, free_ports

_MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules",
                   "/usr/local/lib/baresip/modules")  # fmt: skip

_CONFIG = """\
poll_method epoll
net_interface 127.0.0.1
sip_listen 127.0.0.1:{sip_port}
call_local_timeout 60
call_max_calls 4
audio_player aubridge,speaker-{user}
audio_source aufile,{play}
audio_alert aubridge,alert-{user}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_level no
audio_buffer 20-160
rtp_ports {rtp_first}-{rtp_last}
rtcp_mux no
jitter_buffer_delay 1-5
module_path {modules}
module g711.so
module g722.so
module aubridge.so
module aufile.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app contact.so
module_app debug_cmd.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
menu_bell no
snd_path .
"""


def _module_folder() -> str:
    for pattern in _MODULE_FOLDERS:
        for folder in glob.glob(pattern):
            return folder
    raise PeerError("baresip is installed, but its modules are in none of " + str(_MODULE_FOLDERS))


class Baresip:
    """A baresip registered at *proxy* as *user*, playing the WAV *play*.

    answer: "auto" or "manual" (it then rings until told). codecs: its list of preference.
    proxy_port: where to reach the proxy when not directly.
    """

    def __init__(self, folder, proxy, user, play, answer="auto", codecs="pcmu,pcma"):
        self.user = user
        self.folder = folder
        self.sip_port = free_port()
        self.events = []  # all so far, dictionaries of baresip's own making
        self._control_port = free_port()
        self._control = None
        self._received = b""
        self._replies = []
        self._write_configuration(proxy, play, answer, codecs)
        command = [find_program("baresip"), "-f", ".", "-s", "-v"]
        self.child = Child(f"baresip {user}", command, folder / "baresip.log", cwd=folder,
                           last_signal=signal.SIGKILL)  # fmt: skip

    def _write_configuration(self, proxy, play, answer, codecs):
        rtp = free_ports(40)
        (self.folder / "config").write_text(
            _CONFIG.format(
                user=self.user,
                sip_port=self.sip_port,
                play=os.path.relpath(play, self.folder),
                rtp_first=rtp,
                rtp_last=rtp + 39,
                modules=_module_folder(),
                control_port=self._control_port,
            )
        )
        (self.folder / "accounts").write_text(
            f"<sip:{self.user}@{REALM};transport=udp>;auth_user={self.user}"
            f";auth_pass={password(self.user)};regint=60;answermode={answer}"
            f';outbound="sip:127.0.0.1:{proxy.port};transport=udp"'
            f";audio_codecs={codecs};ptime=20\n"
        )
        (self.folder / "contacts").write_text("")
        (self.folder / "uuid").write_text(f"00000000-0000-0000-0000-{self.sip_port:012d}")

    def wait_ready(self):
        """Return when its control connection stands."""
        self._control = self.child.wait_until(self._connect, 10, "no control connection")
        self._control.setblocking(False)

    def _connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self._control_port), 1)
        except OSError:
            return None

    def _receive(self):
        """Take in what the control connection has, as replies and events."""
        try:
            self._received += self._control.recv(65536)
        except BlockingIOError:
            return
        while b":" in self._received:
            length, rest = self._received.split(b":", 1)
            end = int(length)
            if len(rest) <= end:
                return
            message = json.loads(rest[:end].decode(errors="replace"))
            self._received = rest[end + 1 :]
            (self._replies if message.get("response") else self.events).append(message)

    def command(self, name: str, parameters: str = "") -> str:
        """Do one command of baresip's menu and return what it printed."""
        self._replies.clear()
        body = json.dumps({"command": name, "params": parameters, "token": "t"}).encode()
        self._control.sendall(b"%d:%s," % (len(body), body))

        def reply():
            self._receive()
            return self._replies

        answer = self.child.wait_until(reply, 5, f"no reply to {name}")[0]
        if not answer.get("ok"):
            raise PeerError(f"baresip refused {name} {parameters}: {answer.get('data')}")
        return answer.get("data", "")

    def find_events(self, kind: str) -> list:
        """Return the events of type *kind* seen so far, oldest first."""
        self._receive()
        return [event for event in self.events if event.get("type") == kind]

    def wait_event(self, kind: str, timeout_s: float = 10, count: int = 1):
        """Return the count-th event of type *kind*."""
        events = self.child.wait_until(
            lambda: self.find_events(kind)[count - 1 : count], timeout_s, f"no {kind}"
        )
        return events[0]

    def call(self, uri: str):
        """Start a call; events tell how it goes."""
        self.command("dial", uri)

    def hang_up(self):
        """End the call, or the attempt."""
        self.command("hangup")

    def send_digits(self, digits: str, pause_s: float = 0.25):
        """Send *digits* as RFC 4733 events, one after the other."""
        for digit in digits:
            self.command("sndcode", digit)
            time.sleep(pause_s)

    def digits(self) -> str:
        """Return the DTMF digits heard so far."""
        keys = (event.get("param", "") for event in self.find_events("CALL_DTMF_START"))
        return "".join(keys)

    def recording(self) -> str:
        """Return the path of what was heard in the last call; complete once it is closed."""
        files = sorted(glob.glob(os.path.join(self.folder, "dump-*-dec.wav")))
        if not files:
            raise PeerError(f"{self.child.name} recorded nothing")
        return files[-1]

    def stop(self):
        """End it."""
        if self._control:
            self._control.close()
        self.child.stop()
