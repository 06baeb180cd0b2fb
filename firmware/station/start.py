"""The start of a station: its files are read and checked before the rest is loaded.

So what reading and checking takes for a moment lies where the rest finds its place afterwards.
"""

import gc
import sys

import usip
from usip.errors import ConfigError


def run(config_path: str, board_path: str) -> int:
    """Run until told to stop; return the exit status: 0, or 2 when a file is wrong."""
    try:
        files = load(config_path, board_path)
        import asyncio

        from station import app

        asyncio.run(app.serve(*files))
    except ConfigError as e:
        from station import log

        log.say("error", "what", e.text, "where", e.path)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _forget(*names):
    """Drop modules that are needed at start only, and with them their heap."""
    for name in names:
        sys.modules.pop(name, None)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules and hasattr(sys.modules[parent], child):
            delattr(sys.modules[parent], child)
    gc.collect()


def load(config_path: str, board_path: str) -> tuple:
    """Return (configuration, board, pins), all checked; ConfigError says what is wrong.

    The modules that did it leave the heap again.
    """
    from station import board, settings

    config = usip.load_config(config_path)
    section = settings.parse(config["station"])
    machine = board.load(board_path)
    inputs, outputs = machine["inputs"], machine["outputs"]
    settings.check_pins(section, board.count(inputs), board.count(outputs))
    play = config["audio"]["play"]
    if play is not None:
        try:
            open(play).close()
        except OSError:
            raise ConfigError("audio.play", "%s cannot be read" % play)
    del board, settings
    _forget("station.settings", "station.board", "usip.config")
    if machine["pins"] == "gpio":
        from station import pins
    else:
        from station import simpins as pins
    return config, machine, pins.Pins(inputs, outputs)
