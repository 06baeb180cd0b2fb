"""The start of a station: its files are read and checked before the rest is loaded.

So what reading and checking takes for a moment lies where the rest finds its place afterwards.
What ends a station unforeseen is kept (station.crash), and a board starts again.
"""

import gc
import sys

import usip
from usip.errors import ConfigError

_WRONG_FILE = 2


def run(config_path: str, board_path: str) -> int:
    """Run until told to stop; return the exit status: 0, or 2 when a file is wrong."""
    files = None
    try:
        files = load(config_path, board_path)
        _serve(files, _count_crashes(files[1]))
    except ConfigError as e:
        from station import log

        log.say("error", "what", e.text, "where", e.path)
        return _WRONG_FILE
    except KeyboardInterrupt:
        return 0
    except Exception as e:  # whatever it was: the next start shall know it
        _note(e)
        if files is not None:
            _restart(files[1])
        raise
    _restart(files[1])
    return 0


def _count_crashes(machine) -> str:
    """Note in board.json's dictionary how often it crashed; return why when that is too much."""
    from station import crash

    crashes, reason = crash.read()
    if machine["pins"] == "gpio" and _was_watchdog():
        crashes += 1
        reason = "watchdog"
        crash.note(reason, crashes)
    machine["crashes"] = crashes
    return reason if crashes >= crash.MOST else ""


def _note(error) -> None:
    """Keep why the station ended, even where there is no memory for the whole of it."""
    if hasattr(gc, "mem_alloc"):
        import asyncio

        asyncio.new_event_loop()  # lets go of the tasks that were left, and what they hold
    gc.collect()
    from station import crash

    try:
        text = crash.text_of(error)
    except MemoryError:
        text = "MemoryError"
    crash.note(text, crash.read()[0] + 1)


def _serve(files, reason):
    import asyncio

    if reason:
        from station import crash

        asyncio.run(crash.wait_in_safe_mode(files[1], files[2], reason))
        return
    _forget("station.crash")
    from station import app

    asyncio.run(app.serve(*files))


def _was_watchdog() -> bool:
    import machine

    return machine.reset_cause() == machine.WDT_RESET


def _restart(board) -> None:
    """Start a board again; a simulated one just ends."""
    if board["pins"] == "gpio":
        import machine

        machine.reset()


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
