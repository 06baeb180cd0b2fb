"""station.board: board.json is taken or refused by path and reason."""

import json
import os

from station import board

from usip.errors import ConfigError

BOARDS = ("esp32", "esp32s3", "esp32-poe", "wt32-eth01", "esp32c3")


def full(**more):
    """Return a board with a microphone and a loudspeaker."""
    document = {
        "name": "mine",
        "pins": "gpio",
        "inputs": [{"gpio": 13}, {"gpio": 14}],
        "outputs": [{"gpio": 23}, {"gpio": 2, "active": 0}],
        "audio": {
            "microphone": {"id": 0, "sck": 32, "ws": 33, "sd": 35},
            "speaker": {"id": 1, "sck": 26, "ws": 25, "sd": 22},
        },
    }
    document.update(more)
    return document


def fault(document):
    try:
        board.parse(document)
    except ConfigError as e:
        return "%s: %s" % (e.path, e.text)
    return ""


def audio(mcu="esp32", **more):
    document = full(mcu=mcu)
    for key, value in more.items():
        if value is None or not isinstance(value, dict):
            document["audio"][key] = value
        else:
            document["audio"][key].update(value)
    return document


def test_defaults_are_filled_in():
    document = board.parse(full())
    assert document["mcu"] == "esp32" and document["led"] is None
    assert document["inputs"][0]["active"] == 0 and document["outputs"][0]["active"] == 1
    assert document["audio"]["rate"] == 16000 and document["audio"]["duplex"] == "full"
    assert document["audio"]["microphone"]["gain_db"] == 20
    assert board.count(document["inputs"]) == 2 and board.count(3) == 3


def test_what_micropythons_catalogue_wants_is_dropped():
    document = board.parse(full(vendor="Espressif", features=["WiFi"], deploy_options={}))
    assert "vendor" not in document and "features" not in document


def test_every_wrong_entry_is_refused_by_path():
    for document, expected in (
        (7, "board: 7 is not an object"),
        (full(colour=1), "board.colour: unknown key"),
        (full(led=2), "board.led: 2, but the board has 2"),
        (full(mcu="esp8266"), "board.mcu: "),
        (full(inputs=[{"gpio": 13}, {"gpio": "14"}]), 'board.inputs[1].gpio: "14" is not'),
        (full(inputs=[{"gpio": 7}]), "board.inputs[0].gpio: the esp32 has no free pin 7"),
        (full(inputs=[{"gpio": 40}]), "board.inputs[0].gpio: the esp32 has no free pin 40"),
        (full(psram="quad", inputs=[{"gpio": 16}]), "board.inputs[0].gpio: the esp32 has no"),
        (full(outputs=[{"gpio": 34}]), "board.outputs[0].gpio: pin 34 of the esp32 is an input"),
        (
            full(outputs=[{"gpio": 13}]),
            "board.outputs[0].gpio: pin 13 is taken by board.inputs[0].gpio",
        ),
        (
            full(inputs=[{"gpio": 32}]),
            "board.inputs[0].gpio: pin 32 is taken by board.audio.microphone.sck",
        ),
        (audio(rate=8000), "board.audio.rate: 8000 is below 16000"),
        (audio(rate=24000), "board.audio.rate: 24000 is no multiple of 16000"),
        (audio(microphone={"gain_db": 60}), "board.audio.microphone.gain_db: 60 is above 36"),
        (audio(microphone=None, speaker=None), "board.audio: has neither"),
        (audio(speaker={"id": 0}), "board.audio.speaker.id: is the microphone's"),
        (audio(duplex="half", talk=1), "board.audio.duplex: half is for two ends at one port"),
        (audio(talk=1), "board.audio.talk: is for duplex half"),
        (audio(speaker={"sck": 34}), "board.audio.speaker.sck: pin 34 of the esp32 is an input"),
        (audio("esp32s3"), "board.audio.microphone.sck: the esp32s3 has no free pin 32"),
        (audio("esp32c3"), "board.audio.speaker.id: 1, but the esp32c3 has port 0 only"),
        (full(mcu="esp32s3", ethernet=ethernet(), audio=None), "board.audio: "),
    ):
        found = fault(document)
        assert found[: len(expected)] == expected, found


def ethernet(**more):
    found = {"phy": "LAN8720", "address": 0, "mdc": 23, "mdio": 18, "clock": 17}
    found["clock_mode"] = "out"
    found.update(more)
    return found


def test_ethernets_pins_are_taken():
    bare = {"name": "mine", "pins": "gpio", "inputs": [], "outputs": []}
    for more, expected in (
        ({}, ""),
        ({"outputs": [{"gpio": 19}]}, "board.outputs[0].gpio: pin 19 is taken by ethernet"),
        (
            {"outputs": [{"gpio": 23}]},
            "board.outputs[0].gpio: pin 23 is taken by board.ethernet.mdc",
        ),
        ({"mcu": "esp32c3"}, "board.ethernet: the esp32c3 has none"),
        ({"ethernet": ethernet(phy="W5500")}, "board.ethernet.phy: "),
    ):
        document = dict(bare, ethernet=ethernet())
        document.update(more)
        found = fault(document)
        assert found[: len(expected)] == expected and bool(found) == bool(expected), found


def half(**more):
    end = {"id": 0, "sck": 4, "ws": 5}
    found = {
        "duplex": "half",
        "talk": 0,
        "microphone": dict(end, sd=6),
        "speaker": dict(end, sd=7),
    }
    found.update(more)
    return {
        "name": "c3",
        "mcu": "esp32c3",
        "pins": "gpio",
        "inputs": [{"gpio": 3}],
        "outputs": [],
        "audio": found,
    }


def test_one_port_takes_turns_at_shared_clocks():
    assert fault(half()) == ""
    for more, expected in (
        ({"talk": None}, "board.audio.talk: is missing"),
        ({"talk": 1}, "board.audio.talk: 1, but the board has 1"),
        ({"duplex": "full", "talk": None}, "board.audio.speaker.id: is the microphone's"),
        (
            {"speaker": {"id": 0, "sck": 4, "ws": 5, "sd": 6}},
            "board.audio.speaker.sd: pin 6 is taken by board.audio.microphone.sd",
        ),
        (
            {"speaker": {"id": 0, "sck": 5, "ws": 4, "sd": 7}},
            "board.audio.speaker.sck: pin 5 is taken by board.audio.microphone.ws",
        ),
    ):
        found = fault(half(**more))
        assert found[: len(expected)] == expected, found


def test_the_simulated_board_has_numbers():
    sim = {"name": "sim", "pins": "simulated", "inputs": 8, "outputs": 4, "led": 3}
    assert fault(dict(sim)) == ""
    assert fault(dict(sim, led=4)) == "board.led: 4, but the board has 4"
    assert fault(dict(sim, audio={})) == "board.audio: unknown key"


def boards():
    """Return the folder of the boards, from the repository's root or from a test's."""
    for folder in ("boards", "../boards", "../../boards"):
        try:
            os.stat(folder)
            return folder
        except OSError:
            pass
    raise AssertionError("no boards here")


def test_every_board_of_ours_is_taken():
    for name in BOARDS + ("sim",):
        with open("%s/%s/board.json" % (boards(), name)) as file:
            document = json.load(file)
        assert document["name"] == name
        assert fault(document) == "", name


def test_a_file_that_cannot_be_read_is_named():
    for path, expected in (
        ("no/board.json", "no/board.json: cannot be read"),
        (boards() + "/esp32/README.md", boards() + "/esp32/README.md: is not valid JSON"),
    ):
        try:
            board.load(path)
            raise AssertionError(path)
        except ConfigError as e:
            assert "%s: %s" % (e.path, e.text) == expected
