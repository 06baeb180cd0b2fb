"""What a 200 to REGISTER brings, and what a refusal wants agreed on: read, and let go again.

A registration hears of this once an hour, so it is a module of its own that the card of
`ims.credentials` takes with it.
"""

from micropython import const

from usip.octets import equals
from usip.sip import uri

_H_CONTACT = const(6)
_H_EXPIRES = const(12)
_H_SERVICE_ROUTE = const(38)
_H_P_ASSOCIATED_URI = const(39)
_H_SECURITY_SERVER = const(52)

_UNREGISTERED = const(0)  # as in sip.registration
_FAILED = const(4)

_ROUTES = const(8)


def take(registration, message) -> bytes:
    """Take identities and route of a 200; return what is wrong with it, b"" for nothing."""
    if granted(registration, message) <= 0:
        return b"Our Contact Is Not Registered"
    routes = _values(registration, message, _H_SERVICE_ROUTE)
    if _loops(registration, routes):
        return b"Service-Route Loops"
    account = registration.account
    identities = account.identities
    identities.clear()
    i = message.find(_H_P_ASSOCIATED_URI)
    while i >= 0:
        identities.add(message.buf, message.value_start(i), message.value_end(i))
        i = message.find(_H_P_ASSOCIATED_URI, i + 1)
    account.use(routes)
    return b""


def agree(registration, message) -> bool:
    """Take Security-Server, to be sent back as it is (RFC 3329 2.3.1); whether there is."""
    account = registration.account
    if not account.profile.is_tls or message.find(_H_SECURITY_SERVER) < 0:
        return False
    account.profile.agree(b", ".join(_values(registration, message, _H_SECURITY_SERVER)))
    return True


def register_further(account, core, now_ms: int) -> None:
    """Register those of the further identities that the network did not give us anyway."""
    for aor in account.further:
        if account.identities.find(aor) < 0:
            sibling = _sibling(account, core, aor)
            if sibling.registration.state in (_UNREGISTERED, _FAILED):
                core.register(sibling, now_ms)


def _sibling(account, core, aor: bytes):
    for sibling in account.siblings:
        if sibling.aor == aor:
            return sibling
    sibling = account.copy(aor)
    account.siblings.append(sibling)
    core.add_account(sibling)
    return sibling


def _values(registration, message, header_id: int) -> list:
    found = []
    values = registration.core.values
    values.begin(message, header_id)
    while values.next():
        found.append(message.text(values.start, values.end))
    return found


def _loops(registration, routes: list) -> bool:
    """Whether a Service-Route goes somewhere twice, back to us, or on and on."""
    transport = registration.core.transport
    host, port = transport.local_address(registration.account.destination)
    own = b"@%s:%d" % (host.encode(), port)
    for i in range(len(routes)):
        hop = routes[i][routes[i].find(b"<") + 1 :]
        hop = hop[: hop.find(b">")]
        at = hop.find(b"@")
        where = hop[at:] if at >= 0 else b"@" + hop[hop.find(b":") + 1 :]
        if where.split(b";", 1)[0] == own or routes[i] in routes[:i]:
            return True
    return len(routes) > _ROUTES


def granted(registration, message) -> int:
    """Return the seconds granted to our own Contact, 0 when only others are listed."""
    values = registration.core.values
    contact = registration.core.name_addr
    buf = message.buf
    seconds = message.uint(_H_EXPIRES)
    if seconds < 0:
        seconds = registration.requested_s
    values.begin(message, _H_CONTACT)
    has_others = False
    while values.next():
        if not contact.parse(buf, values.start, values.end) or contact.is_wildcard:
            continue
        if is_ours(registration, buf, contact):
            granted_s = contact.param_uint(b"expires")
            return seconds if granted_s < 0 else granted_s
        has_others = True
    return 0 if has_others else seconds


def is_ours(registration, buf, contact) -> bool:
    """Whether a Contact of a 200 is the one we registered: by its URI, or by its instance."""
    own = registration.contact
    if uri.equal(buf, contact.uri_start, contact.uri_end, own, 0, len(own)):
        return True
    urn = registration.account.instance
    instance = b'"<' + urn + b'>"'
    if not urn or not contact.param(b"+sip.instance"):
        return False
    start, end = contact.value_start, contact.value_end
    return equals(buf, start, end, instance, len(instance)) == 1 or (
        equals(buf, start, end, instance[1:-1], len(instance) - 2) == 1
    )
