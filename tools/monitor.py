"""Shows what a board says on its serial port, and comes back when it was unplugged.

    python -m tools.monitor --port /dev/ttyUSB0 [--log FILE]

A station's lines are JSON; they are shown as `12.345  relay output 0 on true`, all else as it
comes. The board is not touched: no reset, no interrupt. --log keeps the lines as they came.
"""

import argparse
import json
import sys
import time

from tools.device import DeviceError, check_port

_AGAIN_S = 1.0


def shown(line: str) -> str:
    """Return a station's line readable, any other as it is."""
    try:
        event = json.loads(line)
        t = event.pop("t")
        name = event.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError):
        return line
    words = [
        "%s %s" % (key, value if isinstance(value, str) else json.dumps(value))
        for key, value in event.items()
    ]
    return "%9.3f  %s" % (t, "  ".join([name] + words))


def lines(port: str):
    """Yield the lines a board says until its port goes away."""
    import serial

    try:
        link = serial.serial_for_url(port, baudrate=115200, timeout=0.2, do_not_open=True)
        link.dtr = link.rts = False  # both would reset a board
        link.open()
    except serial.SerialException:
        return
    rest = b""
    try:
        while True:
            rest += link.read(link.in_waiting or 1)
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line.decode(errors="replace").rstrip("\r")
    except (serial.SerialException, OSError):
        return
    finally:
        link.close()


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.monitor", description=__doc__.split("\n")[0])
    parser.add_argument("--port")
    parser.add_argument("--log", metavar="FILE")
    options = parser.parse_args(argv)
    try:
        check_port(options.port)
        log = open(options.log, "a") if options.log else None
    except (DeviceError, OSError) as error:
        print("tools.monitor: %s" % error, file=sys.stderr)
        return 1
    try:
        while True:
            for line in lines(options.port):
                print(shown(line), flush=True)
                if log is not None:
                    print(line, file=log, flush=True)
            time.sleep(_AGAIN_S)
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
