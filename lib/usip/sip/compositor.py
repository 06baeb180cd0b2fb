"""A compositor of event state (RFC 3903 6): what peers PUBLISH here, our subscribers are told.

For stations without a server: an application that serves PUBLISH and SUBSCRIBE with a
`PublishedPackage` lets the others publish at it and subscribe to each other. The state of a
resource is what was published for it last and still stands; nothing is merged.
"""

from binascii import hexlify

from micropython import const

from usip import ticks
from usip.sip import uri
from usip.sip.fields import Field
from usip.sip.notifier import find_package, take_expires
from usip.sip.packages import Package, refuse_event

_H_SIP_IF_MATCH = const(36)


class PublishedPackage(Package):
    """A package whose states come from publications."""

    def __init__(self, name: bytes, content_type: bytes) -> None:
        super().__init__(name, (content_type,))
        self.publications = []  # the latest last

    def put(self, w, subscriber) -> None:
        """Append what is published for the resource that was subscribed to."""
        for publication in reversed(self.publications):
            if _is_same(publication.resource, subscriber.resource):
                w.put(publication.body)
                return


class Published:
    """One publication, kept until it expires."""

    is_notifier = False

    def __init__(self, core, package, resource: bytes) -> None:
        self.core = core
        self.package = package
        self.resource = resource
        self.etag = b""
        self.body = b""
        self.deadline = ticks.NEVER

    def remove(self, now_ms: int) -> None:
        """Forget it, and tell the subscribers."""
        self.core.usages.remove(self)
        self.package.publications.remove(self)
        self.core.notify(self.package, now_ms)

    def matches(self, message) -> bool:
        """No request is in a dialog of it."""
        return False

    def next_deadline(self) -> int:
        """Return when `handle_timer` is due."""
        return self.deadline

    def handle_timer(self, now_ms: int) -> None:
        """Forget it when it was not refreshed."""
        if ticks.ticks_diff(now_ms, self.deadline) >= 0:
            self.remove(now_ms)


def receive(core, transaction, message, now_ms: int) -> None:
    """Serve a PUBLISH (6): 489, 412, 415, 400, 423, 503 or 200 with a new entity-tag."""
    package = find_package(core, message, Field())
    published = None
    etag = message.value(_H_SIP_IF_MATCH)
    has_body = message.body_end > message.body_start
    if not isinstance(package, PublishedPackage):
        names = [p.name for p in core.resolver.packages() if isinstance(p, PublishedPackage)]
        refuse_event(core, transaction, message, names, now_ms)
        return
    if etag is not None:
        for other in package.publications:
            if other.etag == etag:
                published = other
        if published is None:
            core.respond(transaction, message, 412, now_ms)
            return
    if has_body and core.content_type_of(message) != package.accept[0]:
        core.refuse_content_type(transaction, message, package.accept, now_ms)
    elif not has_body and published is None:
        core.respond(transaction, message, 400, now_ms)
    elif published is None and len(core.usages) >= core.limits.usages:
        core.begin_response(transaction, message, 503)
        core.writer.put(b"Retry-After: 60\r\n")
        core.finish_response(transaction, 503, now_ms)
    else:
        expires_s = take_expires(core, transaction, message, package.expires_s, now_ms)
        if expires_s >= 0:
            _take(core, transaction, message, package, published, expires_s, now_ms)


def _take(core, transaction, message, package, published, expires_s: int, now_ms: int) -> None:
    """Keep, refresh or remove a publication."""
    if published is None:
        resource = message.text(message.uri_start, message.uri_end)
        published = Published(core, package, resource)
        core.usages.append(published)
        package.publications.append(published)
    published.etag = hexlify(core.random(6))
    published.deadline = ticks.ticks_add(now_ms, 1000 * expires_s)
    core.begin_response(transaction, message, 200)
    core.writer.put(b"SIP-ETag: ").put(published.etag)
    core.writer.put(b"\r\nExpires: ").put_uint(expires_s).put(b"\r\n")
    core.finish_response(transaction, 200, now_ms)
    if expires_s == 0:
        published.remove(now_ms)
    elif message.body_end > message.body_start:
        published.body = message.text(message.body_start, message.body_end)
        package.publications.remove(published)
        package.publications.append(published)
        core.notify(package, now_ms)


def _is_same(a: bytes, b: bytes) -> bool:
    return uri.equal(a, 0, len(a), b, 0, len(b))
