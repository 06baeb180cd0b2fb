"""The board: what board.json says the station is soldered to.

    {"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4, "led": 3}
    {"name": "mine", "pins": "gpio", "inputs": [{"gpio": 13, "active": 0}],
     "outputs": [{"gpio": 26, "active": 1}, {"gpio": 2, "active": 1}], "led": 1}

*led* is the number of an output, null for none; *memory_ms* how often the heap is reported;
*watchdog_s* after how long a station that hangs is started again, null for never.

Needed at start only: nothing here must be kept, or its heap and that of `usip.config` stays.
"""

import json

from usip.config import check
from usip.errors import ConfigError

_SCHEMA = """
name text 1 32
pins choice simulated|gpio
inputs int 0 32
outputs int 0 32
led int 0 31 = null
memory_ms int 50 3600000 = 60000
watchdog_s int 2 120 = null
"""
_GPIO_SCHEMA = """
name text 1 32
pins choice simulated|gpio
inputs list 0 32 object
inputs.gpio int 0 64
inputs.active int 0 1 = 0
outputs list 0 32 object
outputs.gpio int 0 64
outputs.active int 0 1 = 1
led int 0 31 = null
memory_ms int 50 3600000 = 60000
watchdog_s int 2 120 = null
"""


def parse(document) -> dict:
    """Return the content of board.json checked in place; ConfigError says what is wrong.

    With GPIO, `inputs` and `outputs` are lists; else how many there are.
    """
    is_gpio = isinstance(document, dict) and document.get("pins") == "gpio"
    check(document, _GPIO_SCHEMA if is_gpio else _SCHEMA, "board")
    led = document["led"]
    outputs = count(document["outputs"])
    if led is not None and led >= outputs:
        raise ConfigError("board.led", "%d, but the board has %d" % (led, outputs))
    return document


def count(pins) -> int:
    """Return how many pins an entry of board.json names."""
    return pins if isinstance(pins, int) else len(pins)


def load(path: str) -> dict:
    """Return what the file *path* says about the board; ConfigError says what is wrong."""
    try:
        with open(path) as file:
            document = json.load(file)
    except OSError:
        raise ConfigError(path, "cannot be read")
    except ValueError:
        raise ConfigError(path, "is not valid JSON")
    return parse(document)
