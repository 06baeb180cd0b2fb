"""Tests of tools.simulate: scenarios that are refused, runs that fail, runs that repeat."""

import json

import pytest

from tools import report, report_ladder, report_text, simulate
from tools.simulation import checks, link, scenario
from tools.simulation.steps import Steps


def document(name="no-answer") -> dict:
    return json.loads(scenario.find(name).read_text())


def virtual(changes: dict, folder, seed: int = 1, name: str = "no-answer"):
    return simulate.run(scenario.Scenario(name, {**document(name), **changes}), seed, folder)


def failed(recording) -> list:
    return [result.name for result in checks.check(recording) if not result.is_good]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clock": "lunar"}, "clock: 'lunar' is neither real nor virtual"),
        ({"speed": 2}, "speed: unknown key"),
        ({"limit_s": "1"}, "limit_s: wrong type"),
        ({"stations": {}}, "stations: 0, not 2 to 9"),
        ({"links": [{"loss": 2}]}, "links[0].loss: not 0 to 1"),
        ({"links": [{"from": "roof"}]}, "links[0].from: there is no station roof"),
        ({"links": [{"outages": [[2, 1]]}]}, "links[0].outages: not pairs of seconds"),
        ({"steps": [{"when": "ready"}]}, "steps[0].when: not STATION EVENT"),
        ({"steps": [{"tell": "door"}]}, "steps[0]: tell and do belong together"),
        ({"expect": {"luck": 1}}, "expect.luck: unknown key"),
    ],
)
def test_a_wrong_scenario_is_refused_by_path_and_reason(changes, reason):
    with pytest.raises(scenario.ScenarioError) as refused:
        scenario.Scenario("wrong", {**document(), **changes})
    assert str(refused.value) == reason


def test_a_heap_that_is_no_size_is_refused():
    stations = document()["stations"]
    stations["door"]["heap"] = "much"
    with pytest.raises(scenario.ScenarioError, match="stations.door.heap"):
        scenario.Scenario("wrong", {**document(), "stations": stations})


def test_a_scenario_that_is_not_there_or_no_json_ends_with_status_2(tmp_path, capsys):
    assert simulate.main(["no/such.json"]) == 2
    (tmp_path / "broken.json").write_text("{")
    assert simulate.main([str(tmp_path / "broken.json")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == "tools.simulate: no/such.json: No such file or directory"


def test_the_known_scenarios_are_listed(capsys):
    assert simulate.main(["--list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"doorbell", "busy", "no-answer", "lossy"} <= set(names)


def test_a_run_in_virtual_time_repeats_to_the_octet(tmp_path):
    first, second, other = (virtual({}, tmp_path, seed) for seed in (1, 1, 2))
    octets = [[(d.at_s, d.octets) for d in run.datagrams] for run in (first, second, other)]
    assert octets[0] == octets[1] != octets[2]
    assert failed(first) == []


def test_what_did_not_happen_is_named(tmp_path):
    wrong = {
        "relay": {"door": 1},
        "dtmf": {"door": "5"},
        "heard": {"indoor": "door"},
        "ended": {"door": {"status": 200}, "indoor": None},
    }
    recording = virtual({"expect": wrong}, tmp_path)
    assert failed(recording) == [
        "door's relay",
        "door heard DTMF",
        "indoor heard door",
        "door's call ended",
        "indoor had no call",
    ]


def test_a_step_that_never_comes_ends_the_run_at_its_limit(tmp_path):
    steps = [{"when": "door answered"}]
    recording = virtual({"steps": steps, "limit_s": 5}, tmp_path)
    assert recording.problem == "5 s passed, waiting for: door answered"
    assert failed(recording)[0] == "steps done"
    assert recording.duration_s < 12


def test_a_station_with_a_wrong_configuration_says_so_and_ends(tmp_path):
    stations = document()["stations"]
    stations["door"]["station"]["ring_s"] = 1
    recording = virtual({"stations": stations}, tmp_path)
    assert recording.stations["door"].exit_status == 2
    assert recording.stations["door"].last("error")["where"] == "station.ring_s"
    assert recording.problem == "a station ended early"


def test_a_lost_invite_is_sent_again_and_shown(tmp_path):
    recording = virtual({"links": [{"from": "door", "outages": [[0.4, 0.9]]}]}, tmp_path)
    assert failed(recording) == ["messages sent again"]
    rows = report_ladder.rows(recording)
    messages = [row for row in rows if isinstance(row, report_ladder.MessageRow)]
    assert [row.label for row in messages[:2]] == ["INVITE", "INVITE"]
    assert (messages[0].is_lost, messages[1].is_repeated) == (True, True)
    assert round(messages[1].at_s - messages[0].at_s, 1) == 0.5
    text = report_text.ladder(recording, report_text.Style())
    assert "INVITE LOST" in text
    assert "INVITE again" in text


def test_a_report_holds_all_it_needs(tmp_path):
    recording = virtual({}, tmp_path)
    results = checks.check(recording)
    page = report.write(recording, results, tmp_path).read_text()
    assert '<span class="verdict">passed</span>' in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert page.count("<svg") == page.count("</svg>") == 1
    for name in ("ladder.svg", "messages.pcap", "door/config.json", "indoor/said.wav"):
        assert (tmp_path / name).stat().st_size > 100 or name.endswith(".json")


def test_links_lose_the_same_datagrams_for_the_same_seed():
    chosen = scenario.Scenario("lossy", document("lossy"))
    fates = []
    for seed in (3, 3, 4):
        one = link.links(chosen, seed)["door", "indoor"]
        fates.append([one.fate(0) for _ in range(500)])
    assert fates[0] == fates[1] != fates[2]
    assert 25 < sum(not fate for fate in fates[0]) < 80
    assert all(0.02 <= delay <= 0.03 for fate in fates[0] for delay in fate)


def test_a_tap_is_pressed_and_let_go_and_a_step_waits_for_its_event():
    told = []
    steps = Steps(
        [{"when": "door ready", "wait": 0.5, "tell": "door", "do": "tap 0"}],
        lambda station, line: told.append((station, line)),
    )
    assert steps.advance(0.0) is None
    assert steps.waiting_for() == "door ready"
    steps.take("door", "ready")
    assert steps.advance(1.0) == 1.5
    assert steps.advance(1.5) == 1.75
    assert told == [("door", "press 0")]
    assert not steps.is_done
    steps.advance(1.8)
    assert told[1:] == [("door", "release 0")]
    assert steps.is_done
