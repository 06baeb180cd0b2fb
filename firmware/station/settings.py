"""The section "station" of the configuration file: its schema and the defaults of each role.

A door station calls when a button is pressed and opens on a DTMF code. An indoor station rings
and is answered by a key. Everything but the role may be left out:

    "station": {
        "role": "door",
        "buttons": [{"input": 0, "action": "call", "targets": ["sip:indoor@192.0.2.12"]}],
        "relays": [{"output": 0, "code": "5", "pulse_ms": 800}],
        "ring_s": 30, "call_s": 180, "hang_up_after_open_s": 3}

*targets* are called in turn, each for at most `ring_s`, until one answers. Actions: `call`,
`answer`, `open` (sends *digits* as DTMF in the running call), `hang_up` (also refuses a call that
rings).
"""

from usip.config import check
from usip.errors import ConfigError

# Kinds and ranges: see usip.config.
_SCHEMA = """
role choice door|indoor
buttons list 1 8 object = []
buttons.input int 0 31
buttons.action choice call|answer|open|hang_up = "call"
buttons.targets list 1 6 uri sip|sips = null
buttons.digits text 1 8 = "5"
relays list 1 4 object = []
relays.output int 0 31
relays.code text 1 8 = "5"
relays.pulse_ms int 50 60000 = 800
answer choice auto|key|never = null
answer_after_ms int 0 60000 = 0
ring_s int 5 180 = 30
call_s int 10 3600 = 180
hang_up_after_open_s int 0 60 = null
"""

_DIGITS = "0123456789*#ABCD"


def parse(section) -> dict:
    """Return the section checked in place, absent keys filled in; ConfigError says why not."""
    if section is None:
        raise ConfigError("station", "is missing")
    check(section, _SCHEMA, "station")
    if section["answer"] is None:
        section["answer"] = "key" if section["role"] == "indoor" else "never"
    for i, button in enumerate(section["buttons"]):
        path = "station.buttons[%d]." % i
        if button["action"] == "call" and not button["targets"]:
            raise ConfigError(path + "targets", "is missing")
        _check_digits(button["digits"], path + "digits")
    for i, relay in enumerate(section["relays"]):
        _check_digits(relay["code"], "station.relays[%d].code" % i)
    return section


def check_pins(section: dict, inputs: int, outputs: int) -> None:
    """Hold the section against what the board has; ConfigError names the entry."""
    for i, button in enumerate(section["buttons"]):
        if button["input"] >= inputs:
            path = "station.buttons[%d].input" % i
            raise ConfigError(path, "%d, but the board has %d" % (button["input"], inputs))
    for i, relay in enumerate(section["relays"]):
        if relay["output"] >= outputs:
            path = "station.relays[%d].output" % i
            raise ConfigError(path, "%d, but the board has %d" % (relay["output"], outputs))


def _check_digits(text, path):
    for c in text:
        if c not in _DIGITS:
            raise ConfigError(path, "%s is no DTMF digit" % c)
