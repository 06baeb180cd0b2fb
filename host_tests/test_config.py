"""Tests of usip.config: what is refused, by which path and reason; what is filled in."""

import json

from usip import config
from usip.errors import ConfigError

AOR = {"aor": "sip:101@192.0.2.10"}


def refusal(document) -> str:
    try:
        config.parse(json.loads(json.dumps(document)))
    except ConfigError as e:
        return str(e)
    return ""


def account(**fields):
    fields["aor"] = fields.get("aor", AOR["aor"])
    return {"accounts": [fields]}


def media(**fields):
    return {"accounts": [dict(AOR)], "media": fields}


def test_the_smallest_configuration_gets_every_default():
    document = config.parse({"accounts": [dict(AOR)]})
    first = document["accounts"][0]
    assert first["auth_user"] == "101"
    assert first["expires"] == 300
    assert first["registrar"] is None
    assert first["transport"] == "auto"
    assert document["media"]["codecs"] == ["PCMU", "PCMA"]
    assert document["media"]["rtp_ports"] == [40000, 40100]
    assert document["network"]["sip_port"] == 5060
    assert document["station"] is None


def test_the_documented_example_is_accepted():
    document = config.parse(
        {
            "accounts": [
                {
                    "aor": "sip:101@192.0.2.10",
                    "display_name": "Front door",
                    "auth_user": "101",
                    "password": "secret",
                    "registrar": "sip:192.0.2.10",
                    "outbound_proxy": None,
                    "transport": "udp",
                    "expires": 300,
                    "ims": {
                        "impi": "001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
                        "k": "465b5ce8b199b49faa5f0a2ee238a6bc",
                        "opc": "cd63cb71954a9f4e48a5994e37a02baf",
                        "pcscf": "192.0.2.20:5060",
                    },
                }
            ],
            "media": {"codecs": ["PCMA"], "ptime": 20, "rtp_ports": [40000, 40001]},
            "station": {"anything": [1, 2]},
        }
    )
    assert document["accounts"][0]["ims"]["amf"] == "8000"
    assert document["media"]["codecs"] == ["PCMA"]


def incoming(**fields):
    return {"accounts": [dict(AOR)], "incoming": fields}


def test_keys_that_few_need_stay_absent():
    document = config.parse({"accounts": [dict(AOR)]})
    assert "incoming" not in document and "dial_plan" not in document["accounts"][0]


def test_a_dial_plan_and_contacts_are_filled_in_and_checked():
    document = account(dial_plan=[{"prefix": "0", "add": "+49", "strip": 1}], q=500)
    rule = config.parse(document)["accounts"][0]["dial_plan"][0]
    assert rule == {"prefix": "0", "add": "+49", "strip": 1, "min": 1, "max": 24}
    for fields, expected in (
        ({"dial_plan": [{"min": 0}]}, "accounts[0].dial_plan[0].min: 0 is below 1"),
        ({"dial_plan": [{}, {"min": 9, "max": 8}]}, "accounts[0].dial_plan[1].max: is below min"),
        ({"dial_plan": [{"replace": "x"}]}, "accounts[0].dial_plan[0].replace: unknown key"),
        ({"dial_plan": []}, "accounts[0].dial_plan: 0 entries, not 1 to 16"),
        ({"tel": "maybe"}, 'accounts[0].tel: "maybe" is not one of sip, tel'),
        ({"q": 1001}, "accounts[0].q: 1001 is above 1000"),
        ({"features": ["audio", 1]}, "accounts[0].features[1]: 1 is not a string"),
        ({"contacts": [{"features": ["text"]}]}, "accounts[0].contacts[0].uri: is missing"),
    ):
        assert refusal(account(**fields)) == expected, refusal(account(**fields))


def test_what_is_said_of_callers_is_checked():
    user = {"user": "station", "password": "secret"}
    document = config.parse(incoming(users=[user], auto_answer=["101", "@192.0.2.10"]))
    assert document["incoming"]["realm"] == "usip"
    for fields, expected in (
        ({"users": [{"user": "x"}]}, "incoming.users[0].password: is missing"),
        ({"users": [{"user": "x", "password": 5}]}, "incoming.users[0].password: it is not a"),
        ({"auto_answer": "101"}, 'incoming.auto_answer: "101" is not a list'),
        ({"auto_answer": ["101", "101"]}, 'incoming.auto_answer[1]: "101" is there twice'),
        ({"realm": ""}, "incoming.realm: "),
    ):
        assert refusal(incoming(**fields)).startswith(expected), refusal(incoming(**fields))


def test_the_range_of_a_number_is_named():
    assert refusal(account(expires=5)) == "accounts[0].expires: 5 is below 30"
    assert refusal(account(expires=86401)) == "accounts[0].expires: 86401 is above 86400"


def test_packets_hold_whole_frames_of_ten_milliseconds():
    assert refusal(media(ptime=25)) == "media.ptime: 25 is no multiple of 10"
    assert refusal(media(ptime=30)) == ""
    assert refusal(media(ptime=70)) == "media.ptime: 70 is above 60"


def test_unknown_keys_are_refused_by_path():
    assert refusal(account(colour=1)) == "accounts[0].colour: unknown key"
    assert refusal({"accounts": [AOR], "x": {}}) == "x: unknown key"
    assert refusal(media(**{"codecs.x": 1})) == "media.codecs.x: unknown key"
    assert refusal({"accounts": [AOR], "media.codecs": []}) == "media.codecs: unknown key"
    assert refusal({"accounts": [AOR], "": 1}) == ": unknown key"


def test_wrong_types_are_refused_by_path():
    assert refusal([]) == "configuration: [] is not an object"
    assert refusal({"accounts": AOR}).endswith("is not a list")
    assert refusal({"accounts": ["a"]}) == 'accounts[0]: "a" is not an object'
    assert refusal(account(expires="300")).endswith('"300" is not a whole number')
    assert refusal(account(expires=True)).endswith("true is not a whole number")
    assert refusal(account(expires=300.5)).endswith("is not a whole number")
    assert refusal(account(expires=None)) == "accounts[0].expires: null is not a whole number"
    assert refusal(account(password=7)) == "accounts[0].password: it is not a string"
    assert refusal(media(codecs="PCMU")) == 'media.codecs: "PCMU" is not a list'
    assert refusal({"accounts": [AOR], "station": 3}) == "station: 3 is not an object"


def test_missing_keys_are_named():
    assert refusal({}) == "accounts: is missing"
    assert refusal({"accounts": [{}]}) == "accounts[0].aor: is missing"
    ims = {"impi": "a@b", "k": "0" * 32}
    assert refusal(account(ims=ims)) == "accounts[0].ims.opc: is missing"


def test_lists_have_bounds_and_no_entry_twice():
    assert refusal({"accounts": []}) == "accounts: 0 entries, not 1 to 4"
    assert refusal(media(codecs=[])) == "media.codecs: 0 entries, not 1 to 4"
    assert refusal(media(codecs=["PCMU", "PCMU"])) == 'media.codecs[1]: "PCMU" is there twice'
    assert refusal(media(codecs=["G729"])).startswith('media.codecs[0]: "G729" is not one of')


def test_addresses_and_uris_are_checked():
    assert "has no user part" in refusal(account(aor="sip:192.0.2.10"))
    assert "has no host part" in refusal(account(aor="sip:101@"))
    assert "does not begin with sip: or sips:" in refusal(account(aor="101@192.0.2.10"))
    assert "has a character no URI has" in refusal(account(aor="sip:1 01@192.0.2.10"))
    assert "has a wrong port" in refusal(account(registrar="sip:192.0.2.10:0"))
    assert "has a wrong port" in refusal(account(registrar="sip:192.0.2.10:x"))
    assert "needs tls" in refusal(account(aor="sips:101@192.0.2.10"))
    assert refusal(account(registrar="sip:[2001:db8::1]:5062;transport=udp")) == ""
    assert refusal(account(registrar="sip:pbx.example.com")) == ""


def network(**settings):
    """Return a document with these network settings."""
    return {"accounts": [AOR], "network": settings}


def test_transports_and_servers_are_checked():
    assert refusal(account(transport="tcp")) == ""
    assert "auto, udp, tcp, tls" in refusal(account(transport="sctp"))
    tcp = {"accounts": [dict(AOR, transport="tcp")], "network": {"tcp": "off"}}
    assert refusal(tcp) == "accounts[0].transport: tcp is switched off by network.tcp"
    assert refusal(network(dns=["192.0.2.1", "192.0.2.2:5353"], tcp="on")) == ""
    assert "is not an IPv4 address" in refusal(network(dns=["dns.example.com"]))
    assert "network.dns[0]" in refusal(network(dns=["192.0.2.1:0"]))
    assert refusal(network(dns=[])) == "network.dns: 0 entries, not 1 to 3"
    assert "has a wrong port" in refusal(network(stun_server="192.0.2.1:x"))


def test_keep_alives_are_checked():
    assert refusal(account(keep_alive="options", keep_alive_s=20, learn_address=False)) == ""
    assert "is below 5" in refusal(account(keep_alive="crlf", keep_alive_s=1))
    assert refusal(account(keep_alive_s=20)) == "accounts[0].keep_alive_s: there is no keep_alive"
    stun = account(keep_alive="stun", transport="tcp")
    assert refusal(stun) == "accounts[0].keep_alive: stun needs udp"


def test_an_instance_is_a_uuid():
    assert refusal(network(instance_id="00000000-0000-1000-8000-000A95A0E128")) == ""
    for wrong in (
        "x",
        "00000000-0000-1000-8000-000A95A0E12",
        "0000000g-0000-1000-8000-000A95A0E128",
    ):
        assert "network.instance_id" in refusal(network(instance_id=wrong)), wrong


def test_limits_of_calls_are_checked():
    document = {"accounts": [{"aor": "sip:1@h"}], "calls": {"session_expires_s": 89}}
    try:
        config.parse(document)
    except ConfigError as e:
        assert str(e) == "calls.session_expires_s: is below 90"
    else:
        raise AssertionError
    document["calls"] = {}
    assert config.parse(document)["calls"]["ring_s"] == 180


def test_what_few_need_stays_absent():
    document = config.parse(account())
    assert "keep_alive" not in document["accounts"][0] and "dns" not in document["network"]


def test_port_ranges_hold_an_rtp_and_an_rtcp_port():
    assert "[first port, last port]" in refusal(media(rtp_ports=[40000]))
    assert "[first port, last port]" in refusal(media(rtp_ports=[40000, "x"]))
    assert "no range" in refusal(media(rtp_ports=[40100, 40000]))
    assert "no range" in refusal(media(rtp_ports=[80, 40000]))
    assert "no even port" in refusal(media(rtp_ports=[40001, 40002]))
    assert refusal(media(rtp_ports=[40001, 40003])) == ""


def test_secrets_are_hexadecimal_of_the_right_length():
    ims = {"impi": "a@b", "k": "0" * 31, "opc": "0" * 32}
    assert "has 31 digits, not 32" in refusal(account(ims=ims))
    ims["k"] = "g" * 32
    assert "is not hexadecimal" in refusal(account(ims=ims))


def ims(**fields):
    section = {"impi": "1@h.example", "k": "0" * 32, "opc": "0" * 32, "pcscf": "192.0.2.20"}
    section.update(fields)
    return {"accounts": [{"ims": {key: section[key] for key in section if section[key]}}]}


def test_an_ims_account_says_who_it_is_and_where_its_network_is():
    document = config.parse(ims())
    account = document["accounts"][0]
    assert account["aor"] is None and account["transport"] == "tcp"
    assert account["ims"]["expires"] == 600000 and account["ims"]["impus"] == []
    assert refusal(ims(impi=None)) == "accounts[0].ims.impi: is missing, and so is imsi"
    assert refusal(ims(impi=None, imsi="001010000000001", mnc_digits=2)) == ""
    assert "has other characters than digits" in refusal(ims(imsi="00101x"))
    assert "1 is not 0, 2 or 3" in refusal(ims(mnc_digits=1))
    assert refusal(ims(impi="alice")) == "accounts[0].ims.domain: is missing, and impi has none"
    assert refusal(ims(pcscf=None)) == "accounts[0].ims.pcscf: is missing"
    assert "does not begin with" in refusal(ims(impus=["+1555"]))
    assert refusal(ims(impus=["tel:+1555", "sip:alice@h"])) == ""


def test_no_refusal_shows_a_secret():
    for key in ("k", "opc", "op"):
        assert "5ecre7" not in refusal(ims(**{key: "5ecre7"}))
        assert refusal(ims(**{key: "5ecre7"})).startswith("accounts[0].ims." + key)


def test_control_characters_never_reach_a_header():
    assert "control character" in refusal(account(display_name="a\r\nVia: x"))


def test_an_application_checks_its_own_section():
    schema = "\nrelay_pin int 0 48\nopen_ms int 100 60000 = 800\n"
    section = {"relay_pin": 5}
    config.check(section, schema, "station")
    assert section["open_ms"] == 800
    try:
        config.check({"relay_pin": 99}, schema, "station")
    except ConfigError as e:
        assert str(e) == "station.relay_pin: 99 is above 48"
        return
    raise AssertionError


def test_a_file_that_cannot_be_read_is_named():
    try:
        config.load("no/such/file.json")
    except ConfigError as e:
        assert str(e) == "no/such/file.json: cannot be read (no such file)"
        return
    raise AssertionError
