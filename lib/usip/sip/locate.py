"""Where a request goes: the procedure of RFC 3263 section 4, without a resolver of its own.

`destinations` is a generator: it yields (name, type) for what it wants to know and is sent the
records, an empty list when there are none or nobody answered. A records are dotted addresses; SRV
records (priority, weight, port, target); NAPTR records (order, preference, flags, service,
replacement); names are text in lower case without the last dot. What it finds, best first, goes
into a list given to it: entries after the first are for when the one before does not work.
"""

from micropython import const

A = const(1)
SRV = const(33)
NAPTR = const(35)

_MOST = const(6)  # destinations of one name

_SERVICES = (("sip+d2u", "udp"), ("sip+d2t", "tcp"), ("sips+d2t", "tls"))


def default_port(protocol: str) -> int:
    """Return the port of a protocol where nothing else says one (RFC 3261 18.1.1)."""
    return 5061 if protocol == "tls" else 5060


def destinations(host: str, port: int, protocols: tuple, found: list, below):
    """Yield the questions about *host* and fill *found* with (protocol, address, port).

    *port* -1: none was given. *protocols* are those that may be used, one when the URI, its scheme
    or the configuration says which. below(n) is a random number from 0 to n - 1.
    """
    if port > 0:
        yield from _add_addresses(host, port, protocols[0], found)
        return
    seen = False
    if len(protocols) > 1:
        for protocol, name in _chosen((yield host, NAPTR), protocols):
            records = yield name, SRV
            seen = seen or bool(records)
            yield from _add_services(records, protocol, found, below)
    if not seen:
        for protocol in protocols:
            records = yield service_name(protocol, host), SRV
            seen = seen or bool(records)
            yield from _add_services(records, protocol, found, below)
    if not seen:
        yield from _add_addresses(host, default_port(protocols[0]), protocols[0], found)


def service_name(protocol: str, host: str) -> str:
    """Return the name at which a domain's SRV records are (4.1)."""
    return ("_sips._tcp." if protocol == "tls" else "_sip._%s." % protocol) + host


def _chosen(records, protocols) -> list:
    """Return (protocol, name) of the useful NAPTR records, in the order the domain likes best."""
    chosen = []
    for _, _, flags, service, replacement in sorted(records):
        for known, protocol in _SERVICES:
            if known == service.lower() and protocol in protocols and flags.lower() == "s":
                chosen.append((protocol, replacement))
    return chosen


def _add_services(records, protocol, found, below):
    for _, _, port, target in ordered(records, below):
        if target and len(found) < _MOST:  # RFC 2782: an empty target, there is no such service
            yield from _add_addresses(target, port, protocol, found)


def _add_addresses(host, port, protocol, found):
    for address in (yield host, A):
        destination = (protocol, address, port)
        if len(found) < _MOST and destination not in found:
            found.append(destination)


def ordered(records, below) -> list:
    """Return SRV records in the order to try: by priority, then by weighted lot (RFC 2782)."""
    waiting = sorted(records)
    out = []
    while waiting:
        equals = [record for record in waiting if record[0] == waiting[0][0]]
        draw = below(sum([record[1] for record in equals]) + 1)
        for record in equals:  # those without weight come first: they win a draw of 0
            draw -= record[1]
            if draw <= 0:
                break
        waiting.remove(record)
        out.append(record)
    return out
