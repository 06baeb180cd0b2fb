"""What a configuration becomes: the core's accounts, and refusals of what is not there yet."""

from usip.errors import ConfigError
from usip.sip.registration import Account
from usip.sip.uri import URI


def require_available(config: dict) -> None:
    """Refuse what the configuration may say but this version cannot do."""
    for i, account in enumerate(config["accounts"]):
        if account["transport"] != "udp":
            raise ConfigError("accounts[%d].transport" % i, "only udp is available")
        if account["ims"] is not None:
            raise ConfigError("accounts[%d].ims" % i, "is not available")
    if config["media"]["srtp"] != "off":
        raise ConfigError("media.srtp", "only off is available")


def make_account(settings: dict, core) -> Account:
    """Return the account that one entry of `accounts` describes, its destination located."""
    registrar = (settings["registrar"] or "").encode()
    proxy = (settings["outbound_proxy"] or "").encode()
    return Account(
        settings["aor"].encode(),
        without_user(registrar),
        settings["auth_user"].encode(),
        settings["password"].encode(),
        settings["display_name"].encode(),
        core.locate(proxy or registrar, None),
        loose_route(proxy) if proxy else b"",
        settings["expires"],
    )


def next_hop(account, target: bytes) -> bytes:
    """Return the URI that a request of *account* to *target* is sent to first."""
    route = account.route
    return route[route.find(b"<") + 1 : route.find(b">")] if route else target


def is_sip(target: bytes) -> bool:
    """Return whether *target* is a URI that a call can be placed to."""
    view = URI()
    return view.parse(target, 0, len(target)) and view.host_start >= 0


def without_user(uri: bytes) -> bytes:
    """Return a SIP URI without its user part: what REGISTER is sent to (RFC 3261 10.2)."""
    at = uri.find(b"@")
    return uri[: uri.find(b":") + 1] + uri[at + 1 :] if at >= 0 else uri


def loose_route(proxy: bytes) -> bytes:
    """Return the preset route set of an outbound proxy: loose (RFC 3261 16.12)."""
    return b"<" + proxy + (b"" if b";lr" in proxy else b";lr") + b">"
