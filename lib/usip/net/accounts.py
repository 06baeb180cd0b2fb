"""What a configuration becomes: the core's accounts, and refusals of what is not there yet."""

from micropython import const

import usip
from usip.errors import ConfigError
from usip.limits import Limits
from usip.sip.registration import Account
from usip.sip.uri import URI

_PREFERENCES = "dial_plan tel features q contacts"
_IMS_MESSAGE_BYTES = const(2200)  # an INVITE that passed six proxies 1930, our 183 to it 2100


def require_available(config: dict) -> None:
    """Refuse what the configuration may say but this version cannot do."""
    for i, account in enumerate(config["accounts"]):
        if account["transport"] == "tls":
            raise ConfigError("accounts[%d].transport" % i, "tls is not available")
    if config["media"]["srtp"] != "off":
        raise ConfigError("media.srtp", "only off is available")


def make_account(settings: dict, core, path: str = "") -> Account:
    """Return the account that one entry of `accounts` describes; *path* is that of the entry.

    A registrar that is a name is located when the account registers.
    """
    if settings["ims"] is not None:
        from usip.ims import setup

        account = setup.make_account(settings, path)
        usip.unload("usip.ims.setup", "usip.ims.pcscf", "usip.ims.imsi", "usip.ims.access")
        return account
    registrar = (settings["registrar"] or "").encode()
    proxy = (settings["outbound_proxy"] or "").encode()
    kind = Account
    keeps = settings.get("keep_alive") or settings.get("outbound")
    if keeps:
        from usip.net import flow

        kind = flow.FlowAccount
    account = kind(
        settings["aor"].encode(),
        without_user(registrar),
        settings["auth_user"].encode(),
        settings["password"].encode(),
        settings["display_name"].encode(),
        None,
        loose_route(proxy) if proxy else b"",
        settings["expires"],
    )
    if settings["transport"] != "auto":
        account.protocol = settings["transport"]
    if not settings.get("learn_address", True):
        account.learns_address = False
    network = core.transport.owner.config["network"]
    if keeps:
        flow.configure(account, settings, network)
    if _has_preferences(settings, network):
        from usip.net import preferences

        preferences.apply(account, settings, network)
    return account


def _has_preferences(settings: dict, network: dict) -> bool:
    if "instance_id" in network:
        return True
    return any([key in settings for key in _PREFERENCES.split()])


def make_limits(config: dict) -> Limits:
    """Return the capacities for a configuration: an IMS network has longer messages."""
    overrides = dict(config.get("calls", ()))
    overrides.pop("call_s", None)
    for account in config["accounts"]:
        if account["ims"] is not None:
            overrides["message_bytes"] = overrides["stream_bytes"] = _IMS_MESSAGE_BYTES
    return Limits(**overrides)


def target_of(account, target: str) -> bytes:
    """Return the URI that *target* stands for; ValueError when that is nobody's."""
    uri = target.encode()
    if account.profile is not None:
        return account.target(uri)
    if not is_sip(uri):
        from usip.sip import dialing

        return dialing.target(account, uri)
    return uri


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
