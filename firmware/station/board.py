"""The board: what board.json says the station is soldered to.

    {"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4, "led": 3}
    {"name": "mine", "mcu": "esp32", "pins": "gpio", "led": 1,
     "inputs": [{"gpio": 13, "active": 0}],
     "outputs": [{"gpio": 23, "active": 1}, {"gpio": 2, "active": 1}],
     "audio": {"microphone": {"id": 0, "sck": 32, "ws": 33, "sd": 35},
               "speaker": {"id": 1, "sck": 26, "ws": 25, "sd": 22}}}

*led* is the number of an output, null for none; *memory_ms* how often the heap is reported;
*watchdog_s* after how long a station that hangs is started again, null for never. *audio* is what
`usip.audio.i2s` wants; with one I2S port for both, *duplex* is `half` and *talk* the input of the
key that is held to talk. *ethernet* is for machine.network's LAN. The file is the one that
MicroPython's board folders have; what its catalogue wants besides is dropped.

A pin that the chip has not, needs for itself, cannot drive, or that two want, is refused.

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
mcu choice esp32|esp32s2|esp32s3|esp32c3|esp32c6 = "esp32"
pins choice simulated|gpio
psram choice none|quad|octal = "none"
inputs list 0 32 object
inputs.gpio int 0 48
inputs.active int 0 1 = 0
outputs list 0 32 object
outputs.gpio int 0 48
outputs.active int 0 1 = 1
led int 0 31 = null
memory_ms int 50 3600000 = 60000
watchdog_s int 2 120 = null
audio object = absent
audio.rate int 16000 32000 16000 = 16000
audio.duplex choice full|half = "full"
audio.talk int 0 31 = null
audio.microphone object = null
audio.microphone.id int 0 1
audio.microphone.sck int 0 48
audio.microphone.ws int 0 48
audio.microphone.sd int 0 48
audio.microphone.gain_db int -12 36 = 20
audio.speaker object = null
audio.speaker.id int 0 1
audio.speaker.sck int 0 48
audio.speaker.ws int 0 48
audio.speaker.sd int 0 48
ethernet object = absent
ethernet.phy choice LAN8720|LAN8710|IP101|RTL8201|DP83848|KSZ8041|KSZ8081
ethernet.address int 0 31
ethernet.mdc int 0 48
ethernet.mdio int 0 48
ethernet.power int 0 48 = null
ethernet.clock int 0 48
ethernet.clock_mode choice in|out
"""
_CATALOGUE = "deploy deploy_options docs features images product thumbnail url variants vendor"

# I2S ports; pins that are not there or belong to the flash; the last pin, the last output.
_CHIPS = {
    "esp32": (2, (6, 7, 8, 9, 10, 11, 20, 24, 28, 29, 30, 31), 39, 33),
    "esp32s2": (1, (22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32), 46, 45),
    "esp32s3": (2, (22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32), 48, 48),
    "esp32c3": (1, (11, 12, 13, 14, 15, 16, 17), 21, 21),
    "esp32c6": (1, (24, 25, 26, 27, 28, 29, 30), 30, 30),
}
# What more a chip's PSRAM takes (esp32s2: none outside the package's own).
_PSRAM = {"esp32": (16, 17), "esp32s3 octal": (33, 34, 35, 36, 37)}
_RMII = (19, 21, 22, 25, 26, 27)  # of the ESP32's Ethernet, fixed


def parse(document) -> dict:
    """Return the content of board.json checked in place; ConfigError says what is wrong.

    With GPIO, `inputs` and `outputs` are lists; else how many there are.
    """
    is_gpio = isinstance(document, dict) and document.get("pins") == "gpio"
    if is_gpio:
        for key in _CATALOGUE.split():
            document.pop(key, None)
    check(document, _GPIO_SCHEMA if is_gpio else _SCHEMA, "board")
    led = document["led"]
    outputs = count(document["outputs"])
    if led is not None and led >= outputs:
        raise ConfigError("board.led", "%d, but the board has %d" % (led, outputs))
    if is_gpio:
        if "audio" in document:
            _check_audio(document["audio"], document)
        _check_pins(document)
    return document


def _check_audio(audio, document):
    """Hold the I2S ports against what the chip has."""
    mcu = document["mcu"]
    ports = _CHIPS[mcu][0]
    ends = [(name, audio[name]) for name in ("microphone", "speaker") if audio[name] is not None]
    if not ends:
        raise ConfigError("board.audio", "has neither microphone nor speaker")
    for name, end in ends:
        if end["id"] >= ports:
            raise ConfigError("board.audio.%s.id" % name, "1, but the %s has port 0 only" % mcu)
    same = len(ends) == 2 and ends[0][1]["id"] == ends[1][1]["id"]
    if audio["duplex"] == "half":
        if not same:
            raise ConfigError("board.audio.duplex", "half is for two ends at one port")
        inputs = len(document["inputs"])
        if audio["talk"] is None:
            raise ConfigError("board.audio.talk", "is missing")
        if audio["talk"] >= inputs:
            text = "%d, but the board has %d" % (audio["talk"], inputs)
            raise ConfigError("board.audio.talk", text)
    elif same:
        raise ConfigError("board.audio.speaker.id", "is the microphone's; duplex must be half")
    elif audio["talk"] is not None:
        raise ConfigError("board.audio.talk", "is for duplex half")


def _check_pins(document):
    """Refuse a pin the chip cannot give, or gives twice."""
    mcu = document["mcu"]
    _, missing, last, last_output = _CHIPS[mcu]
    psram = document["psram"]
    if psram != "none":
        missing += _PSRAM.get(mcu, ()) + _PSRAM.get(mcu + " " + psram, ())
    used = {}
    if "ethernet" in document:
        if mcu != "esp32":
            raise ConfigError("board.ethernet", "the %s has none" % mcu)
        for gpio in _RMII:
            used[gpio] = "ethernet"
    for path, gpio, is_driven, shared in _pins(document):
        path = "board." + path
        if gpio > last or gpio in missing:
            raise ConfigError(path, "the %s has no free pin %d" % (mcu, gpio))
        if is_driven and gpio > last_output:
            raise ConfigError(path, "pin %d of the %s is an input only" % (gpio, mcu))
        if gpio in used and used[gpio] != shared:
            raise ConfigError(path, "pin %d is taken by %s" % (gpio, used[gpio]))
        used[gpio] = path


def _pins(document):
    """Return (path, pin, whether we drive it, the path of one it may be) of each pin."""
    found = []
    ethernet = document.get("ethernet", {})
    for key in ("mdc", "mdio", "power", "clock"):
        if ethernet.get(key) is not None:
            found.append(("ethernet." + key, ethernet[key], key != "clock", ""))
    audio = document.get("audio", {})
    is_half = audio.get("duplex") == "half"
    for name in ("microphone", "speaker"):
        end = audio.get(name)
        for key in ("sck", "ws", "sd") if end is not None else ():
            path = "audio.%s.%s" % (name, key)
            shared = "board.audio.microphone." + key if is_half and key != "sd" else ""
            found.append((path, end[key], path != "audio.microphone.sd", shared))
    for name in ("inputs", "outputs"):
        for i, entry in enumerate(document[name]):
            found.append(("%s[%d].gpio" % (name, i), entry["gpio"], name == "outputs", ""))
    return found


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
