"""The configuration file: one JSON document, the same on a device and on the host.

Theory of operation: `_SCHEMA` is the documentation and the program. One line a key: its path, its
kind and range, and behind `=` the value it has when it is absent (no `=`: the key is required;
`null` is accepted exactly where it is the value for absence; what is `absent` stays so, which
spares the heap of keys that few need). The document is walked once: what
the schema does not name, and every wrong type or range, is refused by path and reason
(`accounts[0].expires: 5 is below 30`); absent keys are filled in. Sections of kind `section`
belong to an application, which checks them with `check` and a schema of its own.

The module is needed only at start: `load_config` in usip forgets it again, with its heap.
"""

import json

from usip.errors import ConfigError

# text MIN MAX | uri SCHEMES | address (of record) | int MIN MAX [STEP] | bool | choice A|B
# hex DIGITS | host | server | uuid | ports | object | section | list MIN MAX KIND ...
_SCHEMA = """
accounts list 1 4 object
accounts.aor address = null
accounts.display_name text 0 64 = ""
accounts.auth_user text 1 64 = null
accounts.password text 0 64 = ""
accounts.registrar uri sip|sips = null
accounts.outbound_proxy uri sip|sips = null
accounts.transport choice auto|udp|tcp|tls = null
accounts.keep_alive choice off|crlf|options|stun = absent
accounts.keep_alive_s int 5 3600 = absent
accounts.learn_address bool = absent
accounts.outbound bool = absent
accounts.expires int 30 86400 = 300
accounts.dial_plan list 1 16 object = absent
accounts.dial_plan.prefix text 0 24 = ""
accounts.dial_plan.min int 1 24 = 1
accounts.dial_plan.max int 1 24 = 24
accounts.dial_plan.strip int 0 24 = 0
accounts.dial_plan.add text 0 24 = ""
accounts.tel choice sip|tel = absent
accounts.features list 1 8 text 1 64 = absent
accounts.q int 0 1000 = absent
accounts.contacts list 1 3 object = absent
accounts.contacts.uri uri sip|sips|tel
accounts.contacts.features list 1 8 text 1 64 = absent
accounts.contacts.q int 0 1000 = absent
accounts.ims object = null
accounts.ims.impi text 3 96 = null
accounts.ims.imsi text 6 15 = null
accounts.ims.mnc_digits int 0 3 = 0
accounts.ims.domain text 3 96 = null
accounts.ims.impus list 0 8 uri sip|sips|tel = []
accounts.ims.preferred uri sip|sips|tel = null
accounts.ims.k hex 32 = null
accounts.ims.opc hex 32 = null
accounts.ims.op hex 32 = null
accounts.ims.amf hex 4 = "8000"
accounts.ims.sqn_file text 1 250 = null
accounts.ims.pcscf text 1 255 = null
accounts.ims.expires int 30 600000 = 600000
accounts.ims.instance text 8 64 = null
accounts.ims.icsi text 8 96 = "urn:urn-7:3gpp-service.ims.icsi.mmtel"
accounts.ims.bssid hex 12 = null
accounts.ims.is_private bool = false
accounts.ims.sms bool = true
accounts.ims.service_centre uri sip|sips|tel = null
accounts.ims.preconditions choice off|ready|reserve = "ready"
media object = {}
media.codecs list 1 4 choice PCMU|PCMA|G722|L16 = ["PCMU", "PCMA"]
media.ptime int 10 60 10 = 20
media.rtp_ports ports = [40000, 40100]
media.srtp choice off|optional|required = "off"
media.dtmf choice auto|rfc4733|info|inband = "auto"
media.comfort_noise bool = absent
media.rtcp_mux bool = absent
media.statistics_s int 1 3600 = absent
media.rtp_stat bool = absent
media.report_to uri sip|sips = absent
media.report_notify bool = absent
network object = {}
network.address host = null
network.sip_port int 0 65535 = 5060
network.tcp choice auto|on|off = absent
network.dns list 1 3 server = absent
network.stun_server server = absent
network.instance_id uuid = absent
network.watch_s int 1 3600 = absent
incoming object = absent
incoming.realm text 1 64 = "usip"
incoming.users list 1 16 object = absent
incoming.users.user text 1 64
incoming.users.password text 0 64
incoming.auto_answer list 1 16 text 1 96 = absent
calls object = absent
calls.sessions int 1 4 = 2
calls.ring_s int 5 3600 = 180
calls.call_s int 0 259200 = 0
calls.session_expires_s int 0 86400 = 0
calls.min_se_s int 90 86400 = 90
audio object = {}
audio.play text 1 96 = null
audio.record text 1 96 = null
audio.microphone_db int -40 18 = absent
audio.speaker_db int -40 18 = absent
audio.high_pass_hz int 20 400 = absent
audio.gate_db int -80 -20 = absent
audio.echo choice off|switch|cancel = absent
audio.echo_tail_ms int 32 128 = absent
audio.echo_delay_ms int 0 200 = absent
audio.tones text 2 2 = absent
station section = null
mqtt section = null
web section = null
"""

_SECRETS = (
    "accounts.password",
    "incoming.users.password",
    "accounts.ims.k",
    "accounts.ims.opc",
    "accounts.ims.op",
)

_TYPES = ("object", "section", "list", "ports", "int", "bool")  # the others are JSON strings
_NAMES = ("an object", "an object", "a list", "a list", "a whole number", "true or false")


def load(path: str) -> dict:
    """Return the checked configuration in the file *path*, absent keys filled in.

    ConfigError names the key and the reason, or the file when it cannot be read.
    """
    try:
        with open(path) as file:
            text = file.read()
    except OSError as e:
        raise ConfigError(path, "cannot be read (%s)" % _os_reason(e))
    except ValueError:
        raise ConfigError(path, "is not UTF-8 text")
    try:
        document = json.loads(text)
    except ValueError:
        raise ConfigError(path, "is not valid JSON")
    return parse(document)


def parse(document) -> dict:
    """Return *document*, the parsed JSON, checked in place with absent keys filled in."""
    check(document, _SCHEMA)
    for i, account in enumerate(document["accounts"]):
        _complete(account, "accounts[%d]." % i)
        _check_transport(account, document["network"], "accounts[%d]." % i)
        for n, rule in enumerate(account.get("dial_plan", ())):
            if rule["max"] < rule["min"]:
                raise ConfigError("accounts[%d].dial_plan[%d].max" % (i, n), "is below min")
    if 0 < document.get("calls", {}).get("session_expires_s", 0) < 90:
        raise ConfigError("calls.session_expires_s", "is below 90")  # RFC 4028 4
    return document


def _complete(account, path):
    """Check and fill in what depends on other keys of an account."""
    ims = account["ims"]
    if ims is not None:
        _check_ims(account, ims, path)
    elif account["aor"] is None:
        raise ConfigError(path + "aor", "is missing")
    aor = account["aor"]
    if account["transport"] is None:
        # IMS messages are longer than what fits one datagram (RFC 3261 18.1.1).
        account["transport"] = "auto" if ims is None else "tcp"
    if ims is None and account["auth_user"] is None:
        account["auth_user"] = aor[aor.find(":") + 1 : aor.find("@")]
    if aor and account["transport"] != "tls" and aor.startswith("sips:"):
        raise ConfigError(path + "transport", "a sips: address needs tls")


def _check_ims(account, ims, path):
    """Refuse an `ims` section that does not say who we are or where the network is."""
    path += "ims."
    imsi = ims["imsi"]
    if ims["impi"] is None and imsi is None:
        raise ConfigError(path + "impi", "is missing, and so is imsi")
    if imsi is not None and not imsi.isdigit():
        raise ConfigError(path + "imsi", "has other characters than digits")
    if ims["mnc_digits"] == 1:
        raise ConfigError(path + "mnc_digits", "1 is not 0, 2 or 3")
    if imsi is None and ims["domain"] is None and "@" not in ims["impi"]:
        raise ConfigError(path + "domain", "is missing, and impi has none")
    if ims["k"] is not None and ims["opc"] is None and ims["op"] is None:
        raise ConfigError(path + "opc", "is missing")
    if ims["pcscf"] is None and account["outbound_proxy"] is None:
        raise ConfigError(path + "pcscf", "is missing")


def _check_transport(account, network, path):
    if account["transport"] == "tcp" and network.get("tcp") == "off" and account["ims"] is None:
        raise ConfigError(path + "transport", "tcp is switched off by network.tcp")
    if account.get("keep_alive") == "stun" and account["transport"] not in ("udp", "auto"):
        raise ConfigError(path + "keep_alive", "stun needs udp")
    if "keep_alive_s" in account and account.get("keep_alive", "off") == "off":
        raise ConfigError(path + "keep_alive_s", "there is no keep_alive")


def check(document, schema: str, path: str = "") -> None:
    """Check the object *document* against *schema* and fill in absent keys.

    *path* names the document in messages. ConfigError when it does not conform.
    """
    _check_object(document, schema, path, "")


def _os_reason(e):
    return "no such file" if e.errno == 2 else "error %s" % e.errno


def _rule(schema, pattern):
    """Return the line of *schema* for *pattern* as (kind and range, default text or None)."""
    at = schema.find("\n" + pattern + " ")
    if at < 0:
        return None, None
    line = schema[at + len(pattern) + 2 : schema.find("\n", at + 1)]
    kind, _, default = line.partition(" = ")
    return kind, default or None


def _show(value):
    return json.dumps(value)[:40]


def _join(path, key):
    return path + "." + key if path else key


def _check_object(value, schema, path, pattern):
    if not isinstance(value, dict):
        raise ConfigError(path or "configuration", "%s is not an object" % _show(value))
    for key in value:
        kind, default = _rule(schema, _join(pattern, key)) if _is_key(key) else (None, None)
        if kind is None:
            raise ConfigError(_join(path, key), "unknown key")
        if value[key] is None and default == "null":
            continue
        _check(value[key], kind, schema, _join(path, key), _join(pattern, key))
    _fill_in(value, schema, path, pattern)


def _is_key(key):
    return key and " " not in key and "." not in key and "\n" not in key


def _fill_in(value, schema, path, pattern):
    prefix = "\n" + pattern + "." if pattern else "\n"
    at = schema.find(prefix)
    while at >= 0:
        at += len(prefix)
        key = schema[at : schema.find(" ", at)]
        if key and "." not in key and "\n" not in key and key not in value:
            kind, default = _rule(schema, _join(pattern, key))
            if default is None:
                raise ConfigError(_join(path, key), "is missing")
            if default == "absent":
                at = schema.find(prefix, at)
                continue
            value[key] = json.loads(default)
            if kind == "object" and value[key] is not None:
                _fill_in(value[key], schema, _join(path, key), _join(pattern, key))
        at = schema.find(prefix, at)


def _check(value, kind, schema, path, pattern):
    words = kind.split()
    kind = words[0]
    shown = "it" if pattern in _SECRETS else _show(value)
    if not _has_type(value, kind):
        what = _NAMES[_TYPES.index(kind)] if kind in _TYPES else "a string"
        raise ConfigError(path, "%s is not %s" % (shown, what))
    if kind == "object":
        _check_object(value, schema, path, pattern)
    elif kind == "list":
        _check_list(value, words, schema, path, pattern)
    elif kind != "section" and kind != "bool":
        reason = _fault(value, kind, words)
        if reason:
            raise ConfigError(path, "%s %s" % (shown, reason))


def _has_type(value, kind):
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "list" or kind == "ports":
        return isinstance(value, list)
    return isinstance(value, dict if kind == "object" or kind == "section" else str)


def _check_list(value, words, schema, path, pattern):
    if not int(words[1]) <= len(value) <= int(words[2]):
        raise ConfigError(path, "%d entries, not %s to %s" % (len(value), words[1], words[2]))
    kind = " ".join(words[3:])
    for i, entry in enumerate(value):
        _check(entry, kind, schema, "%s[%d]" % (path, i), pattern)
        if not isinstance(entry, dict) and value.index(entry) != i:
            raise ConfigError("%s[%d]" % (path, i), "%s is there twice" % _show(entry))


def _fault(value, kind, words):
    """Return why *value*, of the right type, is out of the range of its kind, or None."""
    if kind == "int":
        return _fault_of_int(value, int(words[1]), int(words[2]), words[3:])
    if kind == "ports":
        return _fault_of_ports(value)
    if kind == "choice":
        names = words[1].split("|")
        return None if value in names else "is not one of " + ", ".join(names)
    if kind == "hex":
        return _fault_of_hex(value, int(words[1]))
    if kind == "text":
        return _fault_of_text(value, int(words[1]), int(words[2]))
    if kind == "host":
        return None if is_ipv4(value) or is_ipv6(value) else "is no IPv4 or IPv6 address"
    if kind == "server":
        return _fault_of_server(value)
    if kind == "uuid":
        return _fault_of_uuid(value)
    return _fault_of_uri(value, words[1] if kind == "uri" else "sip|sips", kind == "address")


def _fault_of_int(value, low, high, step):
    if value < low:
        return "is below %d" % low
    if value > high:
        return "is above %d" % high
    return "is no multiple of %s" % step[0] if step and value % int(step[0]) else None


def _fault_of_ports(value):
    """A range [first, last] with room for one even RTP port and the RTCP port above it."""
    if len(value) != 2 or not (_has_type(value[0], "int") and _has_type(value[1], "int")):
        return "is not [first port, last port]"
    if not 1024 <= value[0] <= value[1] <= 65535:
        return "is no range in 1024 to 65535"
    return None if (value[0] + 1 & ~1) + 1 <= value[1] else "has no even port with one above it"


def _fault_of_hex(value, digits):
    if len(value) != digits:
        return "has %d digits, not %d" % (len(value), digits)
    for c in value.lower().encode():
        if c not in b"0123456789abcdef":
            return "is not hexadecimal"


def _fault_of_server(value):
    """An IPv4 address, a port behind it if it is not the usual one."""
    host, colon, port = value.partition(":")
    if not is_ipv4(host):
        return "is not an IPv4 address"
    if colon and not (port.isdigit() and 0 < int(port) < 65536):
        return "has a wrong port"


def _fault_of_uuid(value):
    parts = value.split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12]:
        return "is not like 00000000-0000-1000-8000-000A95A0E128"
    return _fault_of_hex("".join(parts), 32)


def _fault_of_text(value, low, high):
    if not low <= len(value) <= high:
        return "has %d characters, not %d to %d" % (len(value), low, high)
    for c in value.encode():  # octets: a character of a str becomes a name, for good
        if c < 32 or c == 127:
            return "has a control character"


def _fault_of_uri(value, schemes, needs_user):
    scheme, _, rest = value.partition(":")
    if scheme not in schemes.split("|"):
        return "does not begin with " + schemes.replace("|", ": or ") + ":"
    if len(value) > 128:
        return "has over 128 characters"
    for c in value.encode():
        if not 33 <= c <= 126 or c in b'<>"':
            return "has a character no URI has"
    user, at, host = rest.rpartition("@")
    if needs_user and not user:
        return "has no user part"
    if at and not user or not host or host[0] in ":;?":
        return "has no host part" if user or not at else "has an empty user part"
    return _fault_of_port(host)


def _fault_of_port(host):
    """Check the port behind a host that may be an IPv6 reference."""
    for c in ";?":
        host = host.partition(c)[0]
    if "]" in host:
        host = host[host.find("]") :]
    _, colon, port = host.partition(":")
    if colon and not (port.isdigit() and 0 < int(port) < 65536):
        return "has a wrong port"


def is_ipv4(text: str) -> bool:
    """Return whether *text* is a dotted IPv4 address."""
    parts = text.split(".")
    if len(parts) != 4:
        return False
    for part in parts:
        if not part.isdigit() or len(part) > 3 or int(part) > 255:
            return False
    return True


def is_ipv6(text: str) -> bool:
    """Return whether *text* is an IPv6 address, without brackets and scope (RFC 4291 2.2)."""
    if ":" not in text:
        return False
    from usip.sip import address

    reference = b"[%s]" % text.encode()
    return address.is_ipv6_reference(reference, 0, len(reference))
