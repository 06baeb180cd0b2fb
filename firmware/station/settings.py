"""The section "station" of the configuration file: its schema and the defaults of each role.

A door station calls when a button is pressed and opens on a DTMF code. An indoor station rings
and is answered by a key; a pager answers whom it may, and plays pages. Everything but the role
may be left out; what each key means stands in firmware/README.md, the least is:

    "station": {"role": "door", "buttons": [{"input": 0, "targets": ["sip:indoor@192.0.2.12"]}],
                "relays": [{"output": 0}]}

What is checked here is also made ready: a button's targets, `mode`, `night` and `fallback` become
plans, lists of steps that are called one after the other, each step a list of URIs.
"""

from usip.config import check
from usip.errors import ConfigError

# Kinds and ranges: see usip.config.
_SCHEMA = """
role choice door|indoor|pager
names list 1 32 object = []
names.name text 1 24
names.uri uri sip|sips|tel
buttons list 1 16 object = []
buttons.input int 0 31
buttons.action choice call|answer|open|hang_up|mute|louder|softer|quiet|page|message = "call"
buttons.targets list 1 6 text 1 128 = null
buttons.mode choice turn|all = "turn"
buttons.ring_s int 5 180 = absent
buttons.night object = absent
buttons.night.targets list 1 6 text 1 128
buttons.night.mode choice turn|all = "turn"
buttons.fallback text 1 128 = absent
buttons.text text 1 128 = absent
buttons.digits text 1 8 = "5"
buttons.relay int 0 7 = absent
buttons.group int 0 7 = absent
night object = absent
night.from text 1 8 = "22:00"
night.to text 1 8 = "07:00"
night.utc_offset_min int -720 840 = 0
night.summer choice none|eu|us = "none"
relays list 1 8 object = []
relays.output int 0 31
relays.code text 1 8 = "5"
relays.pulse_ms int 50 60000 = 800
relays.feedback int 0 31 = absent
answer choice auto|key|never = null
answer_after_ms int 0 60000 = 0
callers list 1 16 text 1 96 = absent
ring_s int 5 180 = 30
call_s int 10 3600 = 180
warn_s int 1 60 = absent
prolong text 1 1 = absent
hang_up_after_open_s int 0 60 = null
second_call bool = absent
messages object = absent
messages.senders list 1 16 text 1 96
messages.word text 1 32 = "open"
messages.reply bool = true
sounds object = absent
sounds.country text 2 2 = "eu"
sounds.volume int 0 10 = 8
sounds.chime text 1 96 = "ding-dong"
sounds.ring text 1 96 = "bell"
sounds.ring_back bool = true
sounds.tones bool = true
sounds.say list 1 8 object = []
sounds.say.event choice calling|answered|opened|unanswered|night|quiet|tamper
sounds.say.file text 1 96
bells list 1 8 object = absent
bells.callers list 1 8 text 1 96
bells.sound text 1 96 = "bell"
bells.output int 0 31 = absent
paging object = absent
paging.groups list 1 8 object
paging.groups.address host
paging.groups.port int 1024 65534
paging.groups.priority int 1 10 = 5
paging.in_call int 0 10 = 0
paging.codec choice PCMU|PCMA = "PCMU"
hook int 0 31 = absent
tamper int 0 31 = absent
display bool = absent
log_bytes int 256 8192 = absent
"""

_DIGITS = "0123456789*#ABCD"
_NUMBER = "0123456789+*#-.() "


def parse(section) -> dict:
    """Return the section checked in place and made ready; ConfigError says what is wrong."""
    if section is None:
        raise ConfigError("station", "is missing")
    check(section, _SCHEMA, "station")
    if section["answer"] is None:
        role = section["role"]
        section["answer"] = "key" if role == "indoor" else "never"
    names = _names(section.pop("names"))
    for i, button in enumerate(section["buttons"]):
        _check_button(section, button, names, "station.buttons[%d]." % i)
    for i, relay in enumerate(section["relays"]):
        _check_digits(relay["code"], "station.relays[%d].code" % i)
    if "prolong" in section:
        _check_digits(section["prolong"], "station.prolong")
    _check_night(section)
    _check_paging(section.get("paging"))
    _add_sounds(section)
    section["most"] = _most(section["buttons"])
    if "warn_s" in section and section["warn_s"] >= section["call_s"]:
        raise ConfigError("station.warn_s", "is not below call_s")
    return section


def _names(entries) -> dict:
    found = {}
    for i, entry in enumerate(entries):
        if entry["name"] in found:
            raise ConfigError("station.names[%d].name" % i, "%s is there twice" % entry["name"])
        found[entry["name"]] = entry["uri"]
    return found


def _check_button(section, button, names, path):
    _check_digits(button["digits"], path + "digits")
    action = button["action"]
    if action == "call":
        _make_plans(section, button, names, path)
    elif action == "message":
        if not button["targets"]:
            raise ConfigError(path + "targets", "is missing")
        button["plan"] = _plan(button, names, path)
        button["text"] = button.get("text", "open")
    elif button["targets"] is not None:
        raise ConfigError(path + "targets", "only the actions call and message have any")
    for key in ("targets", "mode", "night", "fallback"):
        button.pop(key, None)
    if button.get("relay", 0) >= len(section["relays"]) and "relay" in button:
        raise ConfigError(path + "relay", "there are %d relays" % len(section["relays"]))
    if action == "page":
        groups = section.get("paging", {}).get("groups", ())
        button["group"] = button.get("group", 0)
        if button["group"] >= len(groups):
            raise ConfigError(path + "group", "there are %d groups" % len(groups))


def _make_plans(section, button, names, path):
    """Turn targets, modes and the fallback into steps."""
    if not button["targets"]:
        raise ConfigError(path + "targets", "is missing")
    button["plan"] = _plan(button, names, path)
    night = button.get("night")
    if night is not None:
        if "night" not in section:
            raise ConfigError("station.night", "is missing: when is it?")
        button["night_plan"] = _plan(night, names, path + "night.")
    if "fallback" in button:
        last = _target(button["fallback"], names, path + "fallback")
        for plan in ("plan", "night_plan"):
            if plan in button:
                button[plan].append([last])


def _plan(entry, names, path) -> list:
    uris = [
        _target(target, names, "%stargets[%d]" % (path, i))
        for i, target in enumerate(entry["targets"])
    ]
    return [uris] if entry["mode"] == "all" else [[uri] for uri in uris]


def _most(buttons) -> int:
    """Return how many are called at the same time at most."""
    most = 1
    for button in buttons:
        for step in button.get("plan", []) + button.get("night_plan", []):
            most = max(most, len(step))
    return most


def _target(text, names, path) -> str:
    """Return the URI or number that is called for *text*."""
    if text in names:
        return names[text]
    if all([c in _NUMBER for c in text]):
        return text
    parent, _, key = path.rpartition(".")
    if ":" not in text:
        raise ConfigError(path, '"%s" is no URI, no number and not in station.names' % text)
    check({key: text}, "\n%s uri sip|sips|tel\n" % key, parent)
    return text


def _check_night(section):
    night = section.get("night")
    if night is None:
        return
    for key in ("from", "to"):
        hour, colon, minute = night[key].partition(":")
        if not (colon and hour.isdigit() and minute.isdigit()):
            raise ConfigError("station.night." + key, "is not like 22:00")
        if int(hour) > 23 or int(minute) > 59:
            raise ConfigError("station.night." + key, "is no time of day")
        night[key] = 60 * int(hour) + int(minute)


def _check_paging(paging):
    if paging is None:
        return
    seen = []
    for i, group in enumerate(paging["groups"]):
        path = "station.paging.groups[%d]." % i
        if not 224 <= int(group["address"].partition(".")[0]) <= 239:
            raise ConfigError(path + "address", "is no multicast address")
        if group["port"] % 2:
            raise ConfigError(path + "port", "is odd: RTP has even ports")
        if (group["address"], group["port"]) in seen:
            raise ConfigError(path + "address", "is there twice")
        seen.append((group["address"], group["port"]))


def _add_sounds(section):
    """What needs a loudspeaker of the station's own gets one."""
    if "sounds" not in section and ("bells" in section or "paging" in section):
        section["sounds"] = {}
        lines = [line for line in _SCHEMA.split("\n") if line.startswith("sounds")]
        check({"sounds": section["sounds"]}, "\n" + "\n".join(lines) + "\n", "station")


def check_pins(section: dict, inputs: int, outputs: int) -> None:
    """Hold the section against what the board has; ConfigError names the entry."""
    for i, button in enumerate(section["buttons"]):
        _check_pin(button["input"], inputs, "station.buttons[%d].input" % i)
    for i, relay in enumerate(section["relays"]):
        _check_pin(relay["output"], outputs, "station.relays[%d].output" % i)
        _check_pin(relay.get("feedback", 0), inputs or 1, "station.relays[%d].feedback" % i)
    for i, bell in enumerate(section.get("bells", ())):
        _check_pin(bell.get("output", 0), outputs or 1, "station.bells[%d].output" % i)
    for key in ("hook", "tamper"):
        _check_pin(section.get(key, 0), inputs or 1, "station." + key)


def _check_pin(number, count, path):
    if number >= count:
        raise ConfigError(path, "%d, but the board has %d" % (number, count))


def _check_digits(text, path):
    for c in text:
        if c not in _DIGITS:
            raise ConfigError(path, "%s is no DTMF digit" % c)
