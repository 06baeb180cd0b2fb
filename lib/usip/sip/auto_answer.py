"""Callers that ask for an answer without anybody's hand: intercoms, paging, door stations.

There are four ways to ask, by maker, and RFC 5373:

    Alert-Info: <http://x>;info=alert-autoanswer;delay=0    Snom, Yealink, Grandstream, Asterisk
    Alert-Info: Ring Answer    or    Auto Answer            Polycom, Asterisk's recipes
    Call-Info: <sip:x>;answer-after=5                       Snom, Cisco SPA, Aastra, Grandstream
    INVITE sip:101@host;intercom=true                       Aastra, Panasonic
    Answer-Mode: Auto    Priv-Answer-Mode: Auto             RFC 5373

Whoever asks could listen into the room, so only callers that are listed are obeyed, and the
application still decides. A From can be forged: beside a registrar that checks it, or the digest
of `auth_server`, the list is worth something, alone it is a convenience.
"""

from micropython import const

from usip.octets import equals_nocase, parse_uint
from usip.sip import uri

_H_ALERT_INFO = const(43)
_H_CALL_INFO = const(44)
_H_ANSWER_MODE = const(54)
_H_PRIV_ANSWER_MODE = const(55)

_LONGEST_S = const(30)
_WORDS = (b"alert-autoanswer", b"auto answer", b"ring answer", b"autoanswer", b"auto-answer")


class AutoAnswer:
    """Obeys *callers*: `user`, `user@host`, `@host`, or `*` for everybody; bytes."""

    def __init__(self, callers) -> None:
        self.callers = callers
        self._uri = uri.URI()

    def delay_s(self, message) -> int:
        """Return the seconds after which an INVITE wants to be answered; -1: it does not, or may
        not.
        """
        delay_s = asked_s(message, self._uri)
        return delay_s if delay_s < 0 or self._may(message) else -1

    def _may(self, message) -> bool:
        from_ = message.from_
        view = self._uri
        if not view.parse(message.buf, from_.uri_start, from_.uri_end) or view.user_start < 0:
            user = host = b""
        else:
            user = message.text(view.user_start, view.user_end)
            host = message.text(max(0, view.host_start), max(0, view.host_end)).lower()
        for caller in self.callers:
            name, at, domain = caller.partition(b"@")
            if caller == b"*":
                return True
            if (not name or name == user) and (not at or domain.lower() == host):
                return bool(user)
        return False


def asked_s(message, view) -> int:
    """Return the seconds after which an INVITE wants to be answered, -1 when it does not."""
    for header_id in (_H_PRIV_ANSWER_MODE, _H_ANSWER_MODE):
        i = message.find(header_id)
        if i >= 0:
            start = message.value_start(i)
            return 0 if equals_nocase(message.buf, start, start + 4, b"auto", 4) else -1
    delay_s = _call_info_s(message)
    if delay_s < 0:
        delay_s = _alert_info_s(message)
    if delay_s < 0 and _is_intercom(message, view):
        delay_s = 0
    return min(delay_s, _LONGEST_S)


def _call_info_s(message) -> int:
    i = message.find(_H_CALL_INFO)
    while i >= 0:
        value = message.text(message.value_start(i), message.value_end(i)).lower()
        delay_s = _number(value, b"answer-after=")
        if delay_s >= 0:
            return delay_s
        i = message.find(_H_CALL_INFO, i + 1)
    return -1


def _alert_info_s(message) -> int:
    i = message.find(_H_ALERT_INFO)
    while i >= 0:
        value = message.text(message.value_start(i), message.value_end(i)).lower()
        if any([word in value for word in _WORDS]):
            return max(0, _number(value, b"delay="))
        i = message.find(_H_ALERT_INFO, i + 1)
    return -1


def _is_intercom(message, view) -> bool:
    if not view.parse(message.buf, message.uri_start, message.uri_end):
        return False
    return view.param(b"intercom") and view.value().lower() == b"true"


def _number(value: bytes, name: bytes) -> int:
    """Return the number behind *name* in a value, -1 when there is none."""
    at = value.find(name)
    if at < 0:
        return -1
    at += len(name)
    end = at
    while end < len(value) and value[end : end + 1].isdigit():
        end += 1
    return parse_uint(value, at, end)
