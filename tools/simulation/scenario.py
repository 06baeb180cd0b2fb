"""Scenario files: JSON, checked by path and reason like the configuration file.

    {"title": "...", "clock": "real" or "virtual", "limit_s": 40,
     "stations": {"door": {"heap": "96k", "voice": "low", "station": {...}}, ...},
     "links": [{"from": "door", "to": "indoor", "loss": 0.1, "delay_ms": 20, "jitter_ms": 5,
                "duplicate": 0.01, "outages": [[2.0, 3.5]]}],
     "steps": [{"when": "door ready"}, {"wait": 0.5, "tell": "door", "do": "press 0"}, ...],
     "expect": {...}}

`registrar`, a name, adds a server where all stations register and find each other
(tools.simulation.registrar). `networks`, {"alpha": {"domain": "alpha.example"}, ...}, adds IMS
networks (tools.simulation.network); a station with `phone`, {"network": "alpha", "number":
"+15550100001"}, instead of `station` is a phone of its user there, and is told commands of
tools.phone: `call sip:bob@beta.example`, `answer`, `hold`. `columns` orders the ladder.
`date`, seconds since 1970, is what a virtual clock begins at.
`clock`: "real" runs each station in a MicroPython VM of its own, on loopback; "virtual" runs them
on CPython in virtual time. `station` is the section of that name in a station's config.json, where
`{indoor}` stands for the host of that station; `config` adds other sections. A link without `from`
or `to` is meant for all. A step waits for the *when*'s next event, then for *wait* seconds, then
tells a station what a finger does: `press N`, `release N`, `tap N`; or, where the clock is real,
sends it a signal: `signal INT`, `signal TERM`. What can be expected: see
`tools.simulation.checks`.
"""

import copy
import json
import re
from pathlib import Path

from tools.simulation import network, registrar

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"

_KINDS = {
    "title": str,
    "clock": str,
    "registrar": str,
    "networks": dict,
    "columns": list,
    "date": int,
    "limit_s": (int, float),
    "stations": dict,
    "links": list,
    "steps": list,
    "expect": dict,
}
_STATION = {"heap": str, "voice": str, "station": dict, "phone": dict, "config": dict}
_PHONE = {"network": str, "number": str}
_NETWORK = {"domain": str}
_LINK = {
    "from": str,
    "to": str,
    "loss": (int, float),
    "delay_ms": (int, float),
    "jitter_ms": (int, float),
    "duplicate": (int, float),
    "outages": list,
}
_STEP = {"when": str, "wait": (int, float), "tell": str, "do": str}
EXPECTATIONS = {
    "relay": dict,
    "dtmf": dict,
    "heard": dict,
    "similarity": (int, float),
    "ended": dict,
    "repeated": int,
    "silent": bool,
    "said": dict,
}
_DATE = 1767268800  # 2026-01-01 12:00 UTC, a Thursday
_VOICES = ("low", "high")
_HEAP = re.compile(r"\d+[kK]?$")


class ScenarioError(ValueError):
    """A scenario cannot be run; the text names the entry and says why."""


class Scenario:
    """One scenario: its `name` and, as attributes, the keys of its document."""

    def __init__(self, name: str, document: dict) -> None:
        """Check *document*; ScenarioError names the first wrong entry."""
        _check(document, _KINDS, "")
        document = copy.deepcopy(document)
        self.name = name
        self.title = document.get("title", name)
        self.clock = document.get("clock", "real")
        self.stations = document.get("stations", {})
        self.registrar = document.get("registrar", "")
        self.networks = document.get("networks", {})
        self.columns = document.get("columns") or self.names
        self.date = document.get("date", _DATE)
        self.limit_s = document.get("limit_s", 40)
        self.links = document.get("links", [])
        self.steps = document.get("steps", [])
        self.expect = document.get("expect", {})
        if self.clock not in ("real", "virtual"):
            raise ScenarioError("clock: %r is neither real nor virtual" % self.clock)
        if not 2 <= len(self.stations) <= 9:
            raise ScenarioError("stations: %d, not 2 to 9" % len(self.stations))
        if self.registrar in self.stations or not (self.registrar + "x").isidentifier():
            raise ScenarioError("registrar: no name of its own")
        self._check_networks()
        self._check_stations()
        self._check_links()
        self._check_steps()
        self._check_expectations()

    def _check_networks(self):
        for name, home in self.networks.items():
            path = "networks.%s" % name
            _check(home, _NETWORK, path)
            if name in self.stations or not name.isidentifier() or "domain" not in home:
                raise ScenarioError("%s: no name of its own, or no domain" % path)
        if sorted(self.columns) != sorted(self.names):
            raise ScenarioError("columns: not the names of all")

    def _check_phone(self, phone: dict, path: str):
        _check(phone, _PHONE, path)
        if phone.get("network") not in self.networks:
            raise ScenarioError("%s.network: there is no such network" % path)
        if self.clock != "real":
            raise ScenarioError("%s: needs the real clock" % path)

    def _check_stations(self):
        for name, station in self.stations.items():
            path = "stations.%s" % name
            if not name.isidentifier():
                raise ScenarioError("%s: a name has letters, digits and _ only" % path)
            _check(station, _STATION, path)
            if "phone" in station:
                self._check_phone(station["phone"], path + ".phone")
            elif "station" not in station:
                raise ScenarioError("%s.station: is missing" % path)
            if not _HEAP.match(station.get("heap", "96k")):
                raise ScenarioError("%s.heap: not bytes, nor bytes in units of k" % path)
            if station.get("voice") not in _VOICES + (None,):
                raise ScenarioError("%s.voice: not one of %s" % (path, ", ".join(_VOICES)))

    def _check_links(self):
        for i, link in enumerate(self.links):
            path = "links[%d]" % i
            _check(link, _LINK, path)
            for key in ("from", "to"):
                if key in link:
                    self._check_name(link[key], "%s.%s" % (path, key))
            for key in ("loss", "duplicate"):
                if not 0 <= link.get(key, 0) <= 1:
                    raise ScenarioError("%s.%s: not 0 to 1" % (path, key))
            for outage in link.get("outages", []):
                if not isinstance(outage, list) or len(outage) != 2 or outage[0] > outage[1]:
                    raise ScenarioError("%s.outages: not pairs of seconds" % path)

    def _check_steps(self):
        for i, step in enumerate(self.steps):
            path = "steps[%d]" % i
            _check(step, _STEP, path)
            if "when" in step:
                words = step["when"].split()
                if len(words) != 2:
                    raise ScenarioError("%s.when: not STATION EVENT" % path)
                self._check_name(words[0], path + ".when")
            if ("tell" in step) != ("do" in step):
                raise ScenarioError("%s: tell and do belong together" % path)
            if "tell" in step:
                self._check_name(step["tell"], path + ".tell")

    def _check_expectations(self):
        _check(self.expect, EXPECTATIONS, "expect")
        for key, value in self.expect.items():
            for name in value if isinstance(value, dict) else ():
                self._check_name(name, "expect.%s" % key)

    def _check_name(self, name, path):
        if name not in self.names:
            raise ScenarioError("%s: there is no station %s" % (path, name))

    @property
    def names(self) -> list:
        """The names of all that have an address."""
        servers = [self.registrar] if self.registrar else []
        return [*self.stations, *servers, *self.networks]

    def subscribers(self, name: str) -> list:
        """Return the subscribers of a network: the users of its phones."""
        domain = self.networks[name]["domain"]
        return [
            network.Subscriber(user, domain, station["phone"].get("number", ""))
            for user, station in self.stations.items()
            if station.get("phone", {}).get("network") == name
        ]

    def _account(self, name: str, hosts: dict) -> dict:
        """Return the account of a station."""
        phone = self.stations[name].get("phone")
        if phone is not None:
            home = phone["network"]
            for subscriber in self.subscribers(home):
                if subscriber.impi.startswith(name + "@"):
                    return dict(subscriber.account(hosts[home]), transport="udp")
        if self.registrar:
            home = hosts[self.registrar]
            aor = "sip:%s@%s" % (name, home)
            return {"aor": aor, "registrar": "sip:" + home, "password": registrar.PASSWORD}
        return {"aor": "sip:%s@%s" % (name, hosts[name])}

    def configuration(self, name: str, hosts: dict) -> dict:
        """Return the content of config.json of station *name*; *hosts*: name -> address."""
        station = self.stations[name]
        document = {
            "accounts": [self._account(name, hosts)],
            "media": {"rtp_ports": [40000, 40010]},
            "network": {"address": hosts[name], "sip_port": 5060},
            "audio": {"play": "said.wav", "record": "heard.wav"},
        }
        if "station" in station:
            text = json.dumps(station["station"])
            for other, host in hosts.items():
                text = text.replace("{%s}" % other, host)
            document["station"] = json.loads(text)
        for section, content in station.get("config", {}).items():
            document[section] = {**document.get(section, {}), **content}
        return document


def _check(document, kinds: dict, path: str) -> None:
    if not isinstance(document, dict):
        raise ScenarioError("%s: not an object" % (path or "scenario"))
    for key, value in document.items():
        where = "%s.%s" % (path, key) if path else key
        if key not in kinds:
            raise ScenarioError("%s: unknown key" % where)
        if not isinstance(value, kinds[key]):
            raise ScenarioError("%s: wrong type" % where)


def load(path: Path) -> Scenario:
    """Return the scenario in a file; ScenarioError says what is wrong with it."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError("%s: %s" % (path, error.strerror)) from None
    except ValueError as error:
        raise ScenarioError("%s: is not JSON: %s" % (path, error)) from None
    try:
        return Scenario(Path(path).stem, document)
    except ScenarioError as error:
        raise ScenarioError("%s: %s" % (path, error)) from None


def known() -> list:
    """Return the paths of the scenarios that come with usip."""
    return sorted(FOLDER.glob("*.json"))


def find(name: str) -> Path:
    """Return the path of a scenario given as a file or as the name of a known one."""
    path = Path(name)
    if path.suffix == ".json" or path.exists():
        return path
    return FOLDER / (name + ".json")
