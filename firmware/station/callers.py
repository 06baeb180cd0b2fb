"""Who may do something: a caller's URI against a list of patterns.

    user        that user part at any host      user@host   just that one
    @host       everybody there                 *           everybody

Only as good as the From header, which anybody can write: beside a registrar that checks it, or
with `incoming.users`, the list means something; alone it is a convenience.
"""


def matches(uri: str, patterns) -> bool:
    """Return whether *uri* is one of the callers that *patterns* mean."""
    rest = uri.partition(":")[2].partition(";")[0]
    user, at, host = rest.rpartition("@")
    if not at:
        user, host = "", rest
    host = host.partition(":")[0].lower()
    for pattern in patterns:
        name, at, domain = pattern.partition("@")
        if pattern == "*":
            return True
        if (not name or name == user) and (not at or domain.lower() == host):
            return bool(name or at)
    return False
