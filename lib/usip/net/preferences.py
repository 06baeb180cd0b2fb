"""What a configuration says about an account's callers and callees; imported where it says any.

`apply` makes dial plan, feature tags (RFC 3840) and further Contacts of an account; `govern` lets
a core ask callers for credentials, obey those who may have calls answered at once, and end calls
that last too long.
"""

from usip.sip.registration import Account


def apply(account: Account, settings: dict, network: dict) -> None:
    """Give an account what its entry of `accounts` prefers."""
    rules = settings.get("dial_plan", ())
    account.dial_plan = tuple(
        [
            (
                rule["prefix"].encode(),
                rule["min"],
                rule["max"],
                rule["strip"],
                rule["add"].encode(),
            )
            for rule in rules
        ]
    )
    account.calls_tel = settings.get("tel") == "tel"
    features = _features(settings)
    account.capabilities = features + _q(settings)
    if features:
        account.contact_parameters += features
    instance = network.get("instance_id")
    if instance and not settings.get("outbound"):
        account.capabilities += b';+sip.instance="<urn:uuid:%s>"' % instance.encode()
    lines = []
    for other in settings.get("contacts", ()):
        uri = other["uri"].encode()
        lines.append(b"Contact: <%s>%s%s\r\n" % (uri, _features(other), _q(other)))
    account.other_contacts = b"".join(lines)


def _features(settings: dict) -> bytes:
    """Return feature parameters, each behind a semicolon."""
    return b"".join([b";" + feature.encode() for feature in settings.get("features", ())])


def _q(settings: dict) -> bytes:
    """Return the preference among Contacts, thousandths in the configuration (20.10)."""
    if "q" not in settings:
        return b""
    return b";q=%d.%03d" % (settings["q"] // 1000, settings["q"] % 1000)


def govern(core, config: dict, now_ms: int) -> None:
    """Let *core* treat callers and calls as the sections `incoming` and `calls` say."""
    call_s = config.get("calls", {}).get("call_s")
    if call_s:
        from usip.sip.duration import DurationLimit

        DurationLimit(core, call_s, now_ms)
    incoming = config.get("incoming", {})
    users = incoming.get("users")
    if users:
        from usip.sip.auth_server import Guard

        passwords = {}
        for user in users:
            passwords[user["user"].encode()] = user["password"].encode()
        core.guard = Guard(incoming["realm"].encode(), passwords, core.random)
    callers = incoming.get("auto_answer")
    if callers:
        from usip.sip.auto_answer import AutoAnswer

        core.auto_answer = AutoAnswer([caller.encode() for caller in callers])
