"""What an application asks of a request before it serves it (RFC 3840, RFC 3841, RFC 3261 8.2).

Imported with the first application that has any. `rank` is asked while the request is in its
buffer. A criterion left empty accepts everything; one that is met makes the application a better
match, and the more so the less often it is met: a kind of media, a body's type and an event
package, a feature that the caller prefers, whom the request is for.
"""

from micropython import const

from usip.octets import equals_nocase
from usip.sip import uri
from usip.sip.fields import Field
from usip.sip.headers import NameAddr, Values

_H_EVENT = const(24)
_H_P_CALLED_PARTY_ID = const(42)
_H_ACCEPT_CONTACT = const(51)
_H_REJECT_CONTACT = const(75)

_BODY = const(1)
_FEATURE = const(8)
_CALLED = const(16)


class Criteria:
    """Which requests an application serves; all text is bytes.

    *media*: kinds in the session description, `audio`, `video`, `message` ..., one of them.
    *content_types*: of a body, in lower case. *events*: names of event packages. *called*: whom
    it is for, each a URI or a user part, compared with the Request-URI and P-Called-Party-ID.
    *features*: what it is, as feature parameters of a Contact: `audio`, `+sip.message`,
    `mobility="fixed"`. *account*: the Account it came to.
    """

    def __init__(
        self,
        core,
        media=(),
        content_types=(),
        events=(),
        called=(),
        features=(),
        account=None,
    ) -> None:
        self._core = core
        self.media = media
        self.content_types = content_types
        self.events = events
        self.called = called
        self.features = features
        self.account = account
        self._values = Values()

    def rank(self, message) -> int:
        """Return how well a request is met, 0 or more; or minus the status to refuse it with."""
        points = 0
        if self.account is not None or self.called:
            if not self._is_called(message):
                return -404
            points += _CALLED
        found = self._rank_features(message)
        if found < 0:
            return -480
        points += found
        if self.events and message.find(_H_EVENT) >= 0:
            if not self._is_event(message):
                return -489
            points += _BODY
        found = self._rank_body(message)
        return found if found < 0 else points + found

    # -- whom it is for

    def _is_called(self, message) -> bool:
        if self.account is not None and self._core.account_of(message) is not self.account:
            return False
        if not self.called:
            return True
        if self._names(message.buf, message.uri_start, message.uri_end):
            return True
        i = message.find(_H_P_CALLED_PARTY_ID)
        if i < 0:
            return False
        called = NameAddr()
        if not called.parse(message.buf, message.value_start(i), message.value_end(i)):
            return False
        return self._names(message.buf, called.uri_start, called.uri_end)

    def _names(self, buf, start: int, end: int) -> bool:
        """Whether a URI is one of `called`, or has its user part."""
        view = uri.URI()
        if not view.parse(buf, start, end):
            return False
        for called in self.called:
            if b":" in called:
                if uri.equal(buf, start, end, called, 0, len(called)):
                    return True
            elif view.user_start >= 0 and buf[view.user_start : view.user_end] == called:
                return True
        return False

    # -- what the caller prefers (RFC 3841 7.2)

    def _rank_features(self, message) -> int:
        """Return points for features asked for; -1 when those required or rejected rule us out."""
        if self._lists(message, _H_REJECT_CONTACT, False) > 0:
            return -1
        return self._lists(message, _H_ACCEPT_CONTACT, True)

    def _lists(self, message, header_id: int, may_fail: bool) -> int:
        """Return points when one of the values of a field has our features only."""
        if message.find(header_id) < 0:
            return 0
        values = self._values
        values.begin(message, header_id)
        field = Field()
        points = 0
        while values.next():
            if not field.parse(message.buf, values.start, values.end):
                continue
            if self._has_features(field):
                points = _FEATURE
            elif may_fail and self.features and field.param(b"require"):
                return -1
        return points

    def _has_features(self, field) -> bool:
        """Whether every feature in a value is ours; one without any is nobody's."""
        count = 0
        field.begin()
        while field.next():
            name = bytes(field.buf[field.name_start : field.name_end]).lower()
            if name in (b"require", b"explicit", b"q"):
                continue
            if field.value_end > field.value_start:
                name += b"=" + bytes(field.buf[field.value_start : field.value_end]).strip(b'"')
            if not self._is_feature(name):
                return False
            count += 1
        return count > 0

    def _is_feature(self, wanted: bytes) -> bool:
        for feature in self.features:
            if feature.replace(b'"', b"").lower() == wanted.lower():
                return True
        return False

    # -- what is in it

    def _is_event(self, message) -> bool:
        from usip.sip.packages import is_event

        field = Field()
        return any([is_event(message, field, name) for name in self.events])

    def _rank_body(self, message) -> int:
        if message.body_end == message.body_start:
            return 0
        content_type = self._core.content_type_of(message)
        if content_type == self._core.content_type and self.media:
            count = self._count_media(message)
            return count if count else -488
        if not self.content_types:
            return 0
        return _BODY if content_type in self.content_types else -415

    def _count_media(self, message) -> int:
        """Return how many of our kinds of media the session description has, refused ones not."""
        count = 0
        for kind in self.media:
            count += has_media(message.buf, message.body_start, message.body_end, kind)
        return count


def has_media(buf, start: int, end: int, kind: bytes) -> bool:
    """Whether a session description has an m= line of a kind, with a port."""
    at = start
    while at < end:
        line_end = buf.find(b"\n", at, end)
        if line_end < 0:
            line_end = end
        behind = at + 2 + len(kind)
        if buf.startswith(b"m=", at) and buf.startswith(b" ", behind):
            if equals_nocase(buf, at + 2, behind, kind, len(kind)):
                if not buf.startswith(b" 0 ", behind):
                    return True
        at = line_end + 1
    return False
