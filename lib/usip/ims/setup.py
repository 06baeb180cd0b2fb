"""What the configuration says of an IMS account becomes one; needed at start only."""

from binascii import unhexlify

from usip.errors import ConfigError, ParseError
from usip.ims import pcscf
from usip.ims.account import IMSAccount
from usip.ims.credentials import SoftCard
from usip.ims.profile import Profile

_PRECONDITIONS = ("off", "ready", "reserve")


def make_account(settings: dict, path: str, card=None) -> IMSAccount:
    """Return the account that an entry of `accounts` with an `ims` section describes.

    *card*: an ISIM to use instead of a secret in the configuration, its identities read; *path*
    is that of the entry, for ConfigError.
    """
    ims = settings["ims"]
    impi, domain, impus = _identities(settings, ims, path, card)
    open_card = None
    if card is not None:
        open_card = lambda: card  # noqa: E731
    elif ims["k"] is not None:
        open_card = _soft_isim(ims, impi, domain)
    protocol = settings["transport"]
    return IMSAccount(
        impus[0],
        impi,
        domain,
        _cscfs(settings, ims, path),
        _profile(ims, protocol),
        open_card,
        protocol,
        settings["password"].encode(),
        settings["display_name"].encode(),
        ims["expires"],
        tuple(impus[1:]),
        (ims["preferred"] or "").encode(),
        (ims["instance"] or "").encode(),
        _PRECONDITIONS.index(ims["preconditions"]),
        (ims["service_centre"] or "").encode(),
    )


def _identities(settings, ims, path, card):
    """Return IMPI, home domain and the IMPUs to register: as configured, on the card, derived."""
    impi = domain = b""
    impus = []
    if ims["imsi"] is not None:
        from usip.ims.imsi import identities

        try:
            impi, impu, domain = identities(ims["imsi"], ims["mnc_digits"])
        except ValueError as e:
            raise ConfigError(path + "ims.imsi", str(e))
        impus = [impu]
    if card is not None:
        impi, domain, impus = card.impi, card.domain, list(card.impus)
    if ims["impi"] is not None:
        impi = ims["impi"].encode()
        domain = domain or impi[impi.find(b"@") + 1 :]
    if ims["domain"] is not None:
        domain = ims["domain"].encode()
    if ims["impus"]:
        impus = [impu.encode() for impu in ims["impus"]]
    if settings["aor"] is not None:
        aor = settings["aor"].encode()
        impus = [aor] + [impu for impu in impus if impu != aor and ims["impus"]]
    return impi, domain, impus or [b"sip:" + impi]


def _soft_isim(ims, impi, domain):
    """Return what makes the ISIM of a configured secret."""
    k = unhexlify(ims["k"])
    if ims["opc"]:
        opc = unhexlify(ims["opc"])
    else:
        from usip.ims.milenage import derive_opc

        opc = derive_opc(k, unhexlify(ims["op"]))
    return SoftCard(impi, k, opc, domain, ims["sqn_file"])


def _cscfs(settings, ims, path):
    text = ims["pcscf"]
    if text is None:
        text = settings["outbound_proxy"].partition(":")[2].partition(";")[0]
    try:
        return pcscf.parse(text)
    except ParseError as e:
        raise ConfigError(path + "ims.pcscf", e.text)


def _bssid(ims) -> bytes:
    """Return the access point's as configured, else as the board says."""
    if ims["bssid"] is not None:
        return unhexlify(ims["bssid"])
    from usip.ims import access

    return access.find_bssid()


def _profile(ims, protocol):
    return Profile(
        (ims["instance"] or "").encode(),
        ims["icsi"].encode(),
        _bssid(ims),
        ims["sms"],
        ims["is_private"],
        protocol == "tls",
    )
