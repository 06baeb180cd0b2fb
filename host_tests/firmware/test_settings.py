"""Tests of station.settings and station.board: what is refused, by which path and reason."""

from station import board, settings

from usip.errors import ConfigError


def refusal(function, *arguments) -> str:
    try:
        function(*arguments)
    except ConfigError as e:
        return str(e)
    return ""


def door(**fields):
    section = {"role": "door", "buttons": [{"input": 0, "targets": ["sip:102@192.0.2.10"]}]}
    section.update(fields)
    return section


KITCHEN = "sip:kitchen@192.0.2.13"
NAMES = [{"name": "kitchen", "uri": KITCHEN}, {"name": "hall", "uri": "sip:hall@192.0.2.14"}]


def key(**fields):
    """Return a door with one button."""
    button = {"input": 0, "targets": ["kitchen"]}
    button.update(fields)
    return door(names=NAMES, buttons=[button])


def test_the_smallest_stations_get_every_default():
    section = settings.parse(door())
    assert section["answer"] == "never"
    assert section["buttons"][0]["action"] == "call"
    assert section["ring_s"] == 30
    assert section["relays"] == []
    for absent in ("sounds", "paging", "messages", "hook", "display", "names", "night"):
        assert absent not in section, absent
    assert settings.parse({"role": "indoor"})["answer"] == "key"
    assert settings.parse({"role": "pager"})["answer"] == "never"


def test_a_relay_needs_its_output_only():
    relay = settings.parse(door(relays=[{"output": 1}]))["relays"][0]
    assert relay == {"output": 1, "code": "5", "pulse_ms": 800}


def test_targets_become_steps_of_uris():
    targets = ["kitchen", "sip:1@192.0.2.9", "+49 30 1234"]
    uris = [KITCHEN, "sip:1@192.0.2.9", "+49 30 1234"]
    button = settings.parse(key(targets=targets))["buttons"][0]
    assert button["plan"] == [[uri] for uri in uris]
    assert "targets" not in button and "mode" not in button
    section = settings.parse(key(targets=targets, mode="all", fallback="hall"))
    assert section["buttons"][0]["plan"] == [uris, ["sip:hall@192.0.2.14"]]
    assert section["most"] == 3


def test_a_night_plan_needs_a_night():
    night = {"targets": ["hall", "kitchen"], "mode": "all"}
    assert refusal(settings.parse, key(night=night)).startswith("station.night: is missing")
    document = dict(key(night=night), night={"from": "21:30", "to": "06:05"})
    section = settings.parse(document)
    assert section["buttons"][0]["night_plan"] == [["sip:hall@192.0.2.14", KITCHEN]]
    assert (section["night"]["from"], section["night"]["to"]) == (1290, 365)


def test_bells_and_pages_bring_a_loudspeaker():
    group = {"address": "239.255.0.1", "port": 5004}
    section = settings.parse({"role": "pager", "paging": {"groups": [group]}})
    assert section["sounds"]["volume"] == 8
    assert section["paging"]["groups"][0]["priority"] == 5
    section = settings.parse({"role": "indoor", "bells": [{"callers": ["door"]}]})
    assert section["sounds"]["ring"] == "bell"


def test_what_is_wrong_is_refused_by_path_and_reason():
    assert refusal(settings.parse, None) == "station: is missing"
    assert refusal(settings.parse, {}) == "station.role: is missing"
    group = {"address": "239.255.0.1", "port": 5004}
    for section, text in (
        ({"role": "roof"}, 'station.role: "roof" is not one of door, indoor, pager'),
        (door(chime=1), "station.chime: unknown key"),
        (door(ring_s=2), "station.ring_s: 2 is below 5"),
        (door(buttons=[{"input": 0}]), "station.buttons[0].targets: is missing"),
        (
            key(targets=["attic"]),
            'station.buttons[0].targets[0]: "attic" is no URI, no number and not in station.names',
        ),
        (
            key(targets=["http://x"]),
            'station.buttons[0].targets[0]: "http://x" does not begin with sip: or sips: or tel:',
        ),
        (
            key(targets=["sip:@x"]),
            'station.buttons[0].targets[0]: "sip:@x" has an empty user part',
        ),
        (key(targets=["1"] * 7), "station.buttons[0].targets: 7 entries, not 1 to 6"),
        (
            key(action="answer"),
            "station.buttons[0].targets: only the actions call and message have any",
        ),
        (key(fallback="attic"), 'station.buttons[0].fallback: "attic" is no URI'),
        (
            dict(key(), night={"from": "22"}),
            "station.night.from: is not like 22:00",
        ),
        (dict(key(), night={"to": "24:00"}), "station.night.to: is no time of day"),
        (door(names=NAMES + NAMES[:1]), "station.names[2].name: kitchen is there twice"),
        (door(names=[{"name": "a", "uri": "b"}]), 'station.names[0].uri: "b" does not begin'),
        (
            door(buttons=[{"input": 0, "action": "open", "digits": "5x"}]),
            "station.buttons[0].digits: x is no DTMF digit",
        ),
        (
            door(buttons=[{"input": 0, "action": "open", "relay": 0}]),
            "station.buttons[0].relay: there are 0 relays",
        ),
        (
            door(buttons=[{"input": 0, "action": "page"}]),
            "station.buttons[0].group: there are 0 groups",
        ),
        (door(relays=[{"output": 0, "code": "?"}]), "station.relays[0].code: ? is no DTMF digit"),
        (door(relays=[{"output": 0, "pulse_ms": 1}]), "station.relays[0].pulse_ms: 1 is below 50"),
        (door(prolong="x"), "station.prolong: x is no DTMF digit"),
        (door(call_s=30, warn_s=30), "station.warn_s: is not below call_s"),
        (door(messages={}), "station.messages.senders: is missing"),
        (
            door(paging={"groups": [dict(group, address="192.0.2.1")]}),
            "station.paging.groups[0].address: is no multicast address",
        ),
        (
            door(paging={"groups": [dict(group, port=5005)]}),
            "station.paging.groups[0].port: is odd: RTP has even ports",
        ),
        (
            door(paging={"groups": [dict(group), dict(group, priority=1)]}),
            "station.paging.groups[1].address: is there twice",
        ),
        (door(sounds={"volume": 11}), "station.sounds.volume: 11 is above 10"),
        (door(sounds={"say": [{"event": "x"}]}), 'station.sounds.say[0].event: "x" is not one'),
    ):
        assert refusal(settings.parse, section).startswith(text), section


def test_a_pin_the_board_does_not_have_is_refused():
    section = settings.parse(door(relays=[{"output": 4}]))
    wanted = "station.relays[0].output: 4, but the board has 4"
    assert refusal(settings.check_pins, section, 1, 4) == wanted
    wanted = "station.buttons[0].input: 0, but the board has 0"
    assert refusal(settings.check_pins, section, 0, 5) == wanted
    assert refusal(settings.check_pins, section, 1, 5) == ""
    section = settings.parse(door(hook=3, relays=[{"output": 0, "feedback": 2}]))
    wanted = "station.relays[0].feedback: 2, but the board has 2"
    assert refusal(settings.check_pins, section, 2, 5) == wanted
    assert refusal(settings.check_pins, section, 3, 5) == "station.hook: 3, but the board has 3"
    assert refusal(settings.check_pins, section, 4, 5) == ""


def test_a_board_is_simulated_or_has_gpio():
    simulated = board.parse({"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4})
    assert (simulated["led"], board.count(simulated["inputs"])) == (None, 8)
    document = {"name": "mine", "pins": "gpio", "inputs": [{"gpio": 13}], "outputs": []}
    gpio = board.parse(document)
    assert gpio["inputs"] == [{"gpio": 13, "active": 0}]
    assert board.count(gpio["inputs"]) == 1


def test_a_wrong_board_is_refused_by_path_and_reason():
    document = {"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4, "led": 4}
    assert refusal(board.parse, document) == "board.led: 4, but the board has 4"
    document = {"name": "mine", "pins": "gpio", "inputs": 3, "outputs": []}
    assert refusal(board.parse, document) == "board.inputs: 3 is not a list"
    assert refusal(board.load, "no/such/board.json") == "no/such/board.json: cannot be read"
