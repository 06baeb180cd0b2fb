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


def test_the_smallest_stations_get_every_default():
    section = settings.parse(door())
    assert section["answer"] == "never"
    assert section["buttons"][0]["action"] == "call"
    assert section["ring_s"] == 30
    assert section["relays"] == []
    assert settings.parse({"role": "indoor"})["answer"] == "key"


def test_a_relay_needs_its_output_only():
    relay = settings.parse(door(relays=[{"output": 1}]))["relays"][0]
    assert relay == {"output": 1, "code": "5", "pulse_ms": 800}


def test_what_is_wrong_is_refused_by_path_and_reason():
    assert refusal(settings.parse, None) == "station: is missing"
    assert refusal(settings.parse, {}) == "station.role: is missing"
    for section, text in (
        ({"role": "roof"}, 'station.role: "roof" is not one of door, indoor'),
        (door(chime=1), "station.chime: unknown key"),
        (door(ring_s=2), "station.ring_s: 2 is below 5"),
        (door(buttons=[{"input": 0}]), "station.buttons[0].targets: is missing"),
        (
            door(buttons=[{"input": 0, "targets": ["102"]}]),
            'station.buttons[0].targets[0]: "102" does not begin with sip: or sips:',
        ),
        (
            door(buttons=[{"input": 0, "action": "open", "digits": "5x"}]),
            "station.buttons[0].digits: x is no DTMF digit",
        ),
        (door(relays=[{"output": 0, "code": "?"}]), "station.relays[0].code: ? is no DTMF digit"),
        (door(relays=[{"output": 0, "pulse_ms": 1}]), "station.relays[0].pulse_ms: 1 is below 50"),
    ):
        assert refusal(settings.parse, section) == text, section


def test_a_pin_the_board_does_not_have_is_refused():
    section = settings.parse(door(relays=[{"output": 4}]))
    wanted = "station.relays[0].output: 4, but the board has 4"
    assert refusal(settings.check_pins, section, 1, 4) == wanted
    wanted = "station.buttons[0].input: 0, but the board has 0"
    assert refusal(settings.check_pins, section, 0, 5) == wanted
    assert refusal(settings.check_pins, section, 1, 5) == ""


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
