"""Tests of firmware/config.example.json and README.md: the example is valid, all keys are told."""

import json
import re
from pathlib import Path

from station import settings

from usip import config

FIRMWARE = Path(__file__).resolve().parent.parent.parent / "firmware"


def test_the_example_is_a_valid_configuration():
    document = json.loads((FIRMWARE / "config.example.json").read_text())
    section = settings.parse(config.parse(document)["station"])
    settings.check_pins(section, 6, 2)
    assert section["most"] == 2
    assert len(section["buttons"][0]["plan"]) == 2
    assert section["buttons"][0]["night_plan"][0] == ["sip:bedroom@192.0.2.14"]


def test_every_key_of_the_schema_is_described():
    text = (FIRMWARE / "README.md").read_text()
    described = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    lines = settings._SCHEMA.strip().split("\n")
    keys = {line.split()[0].split(".")[-1] for line in lines}
    assert keys - described == set()
