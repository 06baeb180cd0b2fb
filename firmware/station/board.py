"""The board: what board.json says the station is soldered to.

    {"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4, "led": 3}
    {"name": "mine", "pins": "gpio", "inputs": [{"gpio": 13, "active": 0}],
     "outputs": [{"gpio": 26, "active": 1}, {"gpio": 2, "active": 1}], "led": 1}

*led* is the number of an output, null for none; *memory_ms* how often the heap is reported.
"""

from usip.config import check
from usip.errors import ConfigError

_SCHEMA = """
name text 1 32
pins choice simulated|gpio
inputs int 0 32
outputs int 0 32
led int 0 31 = null
memory_ms int 50 3600000 = 60000
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
"""


class Board:
    """`pins` to read and write; `inputs` and `outputs`, how many there are; `led` or None."""

    def __init__(self, document: dict) -> None:
        """Open what *document*, the content of board.json, names; ConfigError when it is wrong."""
        is_gpio = isinstance(document, dict) and document.get("pins") == "gpio"
        check(document, _GPIO_SCHEMA if is_gpio else _SCHEMA, "board")
        self.led = document["led"]
        self.memory_ms = document["memory_ms"]
        inputs, outputs = document["inputs"], document["outputs"]
        self.inputs = len(inputs) if is_gpio else inputs
        self.outputs = len(outputs) if is_gpio else outputs
        if self.led is not None and self.led >= self.outputs:
            raise ConfigError("board.led", "%d, but the board has %d" % (self.led, self.outputs))
        if is_gpio:
            from station.pins import Pins
        else:
            from station.simpins import Pins
        self.pins = Pins(inputs, outputs)


def load(path: str) -> Board:
    """Return the board that the file *path* describes; ConfigError says what is wrong."""
    import json

    try:
        with open(path) as file:
            return Board(json.load(file))
    except OSError:
        raise ConfigError(path, "cannot be read")
    except ValueError as e:
        if isinstance(e, ConfigError):
            raise
        raise ConfigError(path, "is not valid JSON")
