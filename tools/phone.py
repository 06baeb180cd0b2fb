"""The host phone: the user agent of the device, headless and scriptable.

    python -m tools.phone --config FILE.json [--vm cpython|micropython] [--heap BYTES[k]] ...

Events are JSON lines on standard output, commands are JSON lines on standard input; what they
hold is in the list of commands and events of the project. The phone proper is `tools.phone_app`,
run here or on the MicroPython VM with the ROMFS image. Exit status: 0, 1 when it failed, 2 on
misuse. SIGINT and SIGTERM end it as the command `quit` does.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tools import phone_wav

ROOT = Path(__file__).resolve().parent.parent
_LEAVE_S = 5  # what the VM may take to end


def fail(text: str, status: int = 1):
    """End with one sentence."""
    print("phone: %s" % text, file=sys.stderr)
    sys.exit(status)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    p = argparse.ArgumentParser(prog="tools.phone", description="A headless SIP phone.")
    p.add_argument("--config", required=True, metavar="FILE.json")
    p.add_argument("--vm", choices=("cpython", "micropython"), default="cpython")
    p.add_argument("--heap", metavar="BYTES[k]", help="of the MicroPython VM, default 96k")
    p.add_argument("--bind", metavar="IP[:PORT]")
    p.add_argument("--call", metavar="URI")
    p.add_argument("--answer", metavar="auto|ring|CODE", default="ring", type=_answer)
    p.add_argument("--answer-after", metavar="S", type=_seconds, default=0)
    p.add_argument("--play", metavar="FILE.wav")
    p.add_argument("--record", metavar="FILE.wav")
    p.add_argument("--codecs", metavar="NAME[,NAME...]", type=_codecs)
    p.add_argument("--wideband", action="store_true", help="play and record at 16 kHz")
    p.add_argument("--dtmf", metavar="DIGITS", type=_digits)
    p.add_argument("--dtmf-mode", choices=("rfc4733", "info", "inband"))
    p.add_argument("--hangup-after", metavar="S", type=_seconds)
    p.add_argument("--run-for", metavar="S", type=_seconds)
    p.add_argument("--no-register", action="store_true")
    return p


def _answer(text):
    if text in ("auto", "ring") or text.isdigit() and 300 <= int(text) <= 699:
        return text
    raise argparse.ArgumentTypeError("%s is not auto, ring or 300 to 699" % text)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if 0 <= seconds < 1e6:
        return seconds
    raise argparse.ArgumentTypeError("%s is no time in seconds" % text)


def _codecs(text):
    names = text.split(",")
    for name in names:
        if name not in ("PCMU", "PCMA", "G722", "L16") or names.count(name) > 1:
            raise argparse.ArgumentTypeError("%s is no list of PCMU, PCMA, G722, L16" % text)
    return names


def _digits(text):
    if text and not text.strip("0123456789*#ABCDabcd"):
        return text
    raise argparse.ArgumentTypeError("%s has other characters than 0-9 * # A-D" % text)


def _check(options):
    """Refuse what is wrong before anything runs."""
    import usip
    from usip import config as rules

    try:
        settings = usip.load_config(options.config)
    except usip.ConfigError as e:
        fail(str(e), 2)
    if options.bind:
        host, port = _split(options.bind)
        if not (rules.is_ipv4(host) or rules.is_ipv6(host)):
            fail("--bind: %s is no IPv4 or IPv6 address" % host, 2)
        if port and not (port.isdigit() and int(port) < 65536):
            fail("--bind: %s is no port" % port, 2)
    if options.heap and options.vm != "micropython":
        fail("--heap: only with --vm micropython", 2)
    record = options.record or settings["audio"]["record"]
    if record and not Path(record).resolve().parent.is_dir():
        fail("--record: there is no folder %s" % Path(record).resolve().parent, 2)
    return settings


def _split(address):
    """Return (host, port as text) of IP, IP:PORT, [IPv6] or [IPv6]:PORT."""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        return host, port.removeprefix(":")
    if address.count(":") > 1:
        return address, ""
    host, _, port = address.partition(":")
    return host, port


def _app_options(options, settings, folder):
    """Return what `phone_app.run` takes."""
    rate_hz = 16000 if options.wideband else phone_wav.RATE_HZ
    play = options.play or settings["audio"]["play"]
    try:
        play = phone_wav.prepare(play, Path(folder), rate_hz) if play else None
    except phone_wav.WAVError as e:
        fail(str(e), 2)
    return {
        "config": str(Path(options.config).resolve()),
        "bind": options.bind and _split(options.bind),
        "call": options.call,
        "answer": options.answer,
        "answer_after": options.answer_after,
        "play": play and str(Path(play).resolve()),
        "record": options.record and str(Path(options.record).resolve()),
        "codecs": options.codecs,
        "is_wide": options.wideband,
        "dtmf": options.dtmf,
        "dtmf_mode": options.dtmf_mode,
        "hangup_after": options.hangup_after,
        "run_for": options.run_for,
        "no_register": options.no_register,
        "ends_with_input": options.vm == "micropython",  # our end of its input stays open
    }


def run_here(app_options: dict) -> int:
    """Run the phone in this process."""
    from tools import phone_app

    phone = phone_app.Phone(app_options)

    async def main():
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, phone.command, b'{"do": "quit"}')
        return await phone.run()

    return phone_app.guarded(main)


def run_on_vm(app_options: dict, heap: str, folder: str) -> int:
    """Run the phone on the MicroPython VM and return its exit status; *folder* is for us."""
    from tools import get_micropython, rom, vm

    path = Path(folder, "options.json")  # an argument of over 255 octets kills the VM
    path.write_text(json.dumps(app_options))
    try:
        program = ROOT / "tools" / "phone_app.py"
        command = vm.vm_command(heap, rom=rom.build(program=program))
        command += [str(vm.compiled(program, 3)), str(path)]
    except (rom.BuildError, get_micropython.NotFound) as e:
        fail(str(e))
    except subprocess.CalledProcessError as e:
        fail(e.stderr.strip())
    # A session of its own: a Ctrl-C of the terminal comes to us, who then say `quit`.
    child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    threading.Thread(target=_forward, args=(child,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: _quit(child))
    status = child.wait()
    return status if status >= 0 else 1


def _forward(child):
    """Copy our input to the VM's, and leave that open when ours ends."""
    while True:
        data = os.read(0, 4096)
        if not data:
            return
        try:
            os.write(child.stdin.fileno(), data)
        except OSError:
            return


def _quit(child):
    try:
        os.write(child.stdin.fileno(), b'\n{"do": "quit"}\n')
    except OSError:
        pass
    watchdog = threading.Timer(_LEAVE_S, child.kill)
    watchdog.daemon = True
    watchdog.start()


def main(argv=None) -> int:
    """Run the phone and return its exit status."""
    options = parser().parse_args(argv)
    settings = _check(options)
    with tempfile.TemporaryDirectory(prefix="phone-") as folder:
        app_options = _app_options(options, settings, folder)
        if options.vm == "micropython":
            return run_on_vm(app_options, options.heap or "96k", folder)
        return run_here(app_options)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "lib"))
    sys.exit(main())
