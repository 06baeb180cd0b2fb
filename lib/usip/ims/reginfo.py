"""The reg event: application/reginfo+xml read as it arrives, and what a phone concludes from it.

`Reader` walks the XML of RFC 3680 5 octet by octet, in any pieces, and keeps nothing but the text
of the element at hand; no heap is used, whatever the size of the document. It calls its own

    registration()    <registration aor="" state=""> was opened: text[:at[0]] is the aor
    contact()         <contact> with its <uri> was closed

`RegEvent` overrides these; it is the body sink of the NOTIFYs of one subscription, and finish()
says what TS 24.229 5.1.1.7 wants done. The identities are changed only by a whole document:

    0 NOTHING       all as it was
    1 CHANGED       an identity of ours ended, others stand
    2 REGISTER      the network wants a new registration from the start (deactivated)
    3 RETRY         the same, but after retry_after_s seconds (probation)
    4 ENDED         we are no longer registered and are not to try again by ourselves
    5 REFRESH       the time was cut to expires_s: register again half-way (5.1.1.5.2)
    6 RESUBSCRIBE   a document is missing: ask for the full state (RFC 3680 5.1)
    7 MALFORMED     no document we can read, or of a version already seen: nothing was changed

Lax: other elements and attributes are passed over, because networks send those of RFC 5628 and
of 3GPP here; our contact is known by its +sip.instance or by its URI up to the parameters, since
registrars add and reorder these. Refused: a document type (no entities but the five of XML and
characters by number) and more than 16 levels. A text that does not fit is empty.
"""

from array import array

from micropython import const

from usip.octets import equals, equals_nocase, find_octet, parse_uint

# The words of RFC 3680 5.3 that mean something here; each has its place as its number.
_WORDS = (
    b"reginfo registration contact uri unknown-param version state aor event expires "
    b"retry-after name full init active terminated registered created refreshed shortened "
    b"expired deactivated probation unregistered rejected "
)
_REGINFO = const(0)
_REGISTRATION = const(1)
_CONTACT = const(2)
_URI = const(3)
_UNKNOWN_PARAM = const(4)
_VERSION = const(5)
_RETRY_AFTER = const(10)
_AOR = const(7)
_NAME = const(11)
_FULL = const(12)
_TERMINATED = const(15)
_SHORTENED = const(19)
_DEACTIVATED = const(21)
_PROBATION = const(22)

# Reader.at: what was read, -1 for what was not given, and where the reader stands.
_AOR_END = const(0)
_URI_START = const(1)
_URI_END = const(2)
_INSTANCE_START = const(3)
_INSTANCE_END = const(4)
_OF_VERSION = const(5)  # _OF_x is the value of the attribute that has this number as a word
_OF_STATE = const(6)  # of the registration or the contact, whichever was opened last
_OF_EVENT = const(8)
_OF_EXPIRES = const(9)
_OF_RETRY_AFTER = const(10)
_IS_FULL = const(11)
_BROKEN = const(12)  # 1: not XML as we know it, the rest is passed over
_PLACE = const(13)
_DEPTH = const(14)
_ELEMENT = const(15)
_ATTRIBUTE = const(16)
_QUOTE = const(17)
_TOKEN_END = const(18)
_IN_ENTITY = const(19)
_CAPTURING = const(20)
_START = const(21)  # the text being captured
_END = const(22)
_FREE = const(23)  # where the next one goes
_MATCHED = const(24)
_IN_CONTACT = const(25)
_IS_INSTANCE = const(26)
_FIELDS = const(27)

# Places, where the next octet stands.
_IN_TEXT = const(0)
_IN_VALUE = const(1)
_IN_START = const(2)  # in the name of a start-tag
_IN_END = const(3)  # in an end-tag
_IN_ATTRIBUTE = const(4)  # in the name of an attribute
_IN_PI = const(5)  # behind <?
_IN_COMMENT = const(6)  # behind <!--
_IN_OPENING = const(7)  # behind <
_IN_BANG = const(8)  # behind <!
_IN_TAG = const(9)  # between attributes
_IN_EQUALS = const(10)  # behind the name of an attribute or its =
_IN_EMPTY = const(11)  # behind the / of <x/>

_DEPTH_MAX = const(16)
_TOKEN_MAX = const(24)  # longer names are none of ours
_ENTITIES = b"amp lt gt quot apos "
_ENTITY_OCTETS = b"&<>\"'"


def _find_word(words: bytes, buf: bytearray, start: int, end: int) -> int:
    """Return the place of the word buf[start:end] among *words*, a space behind each, or -1."""
    at = place = 0
    while at < len(words):
        i = start
        while i < end and words[at] == buf[i] != 0x20:
            i += 1
            at += 1
        if i == end and words[at] == 0x20:
            return place
        at = find_octet(words, at, len(words), 0x20) + 1
        place += 1
    return -1


class Reader:
    """Reads one document after the other; *text_bytes* bounds an aor and a contact together."""

    def __init__(self, text_bytes: int = 256) -> None:
        self.text = bytearray(text_bytes)
        self.at = array("i", bytes(4 * _FIELDS))
        self._token = bytearray(_TOKEN_MAX)
        self.overlong = 0  # texts that did not fit

    def begin(self, buf: bytes, start: int, end: int) -> bool:
        """Start a document; buf[start:end] is the Content-Type. False when it is another type."""
        at = self.at
        for i in range(_FIELDS):
            at[i] = 0
        at[_OF_VERSION] = at[_OF_STATE] = at[_ELEMENT] = -1
        semicolon = find_octet(buf, start, end, 0x3B)
        end = semicolon if semicolon >= 0 else end
        while end > start and buf[end - 1] in b" \t":
            end -= 1
        return equals_nocase(buf, start, end, b"application/reginfo+xml", 23) == 1

    def finish(self) -> bool:
        """Return whether the document was complete and well-formed as far as it was looked at."""
        at = self.at
        return at[_ELEMENT] != -1 and not (at[_BROKEN] or at[_DEPTH] or at[_PLACE])

    def registration(self) -> None:
        """A registration begins."""

    def contact(self) -> None:
        """A contact was read."""

    def feed(self, buf: bytes, start: int, end: int) -> None:
        """Read on in buf[start:end]; never raises."""
        at = self.at
        while start < end and not at[_BROKEN]:
            place = at[_PLACE]
            if place == _IN_TEXT and not at[_CAPTURING]:
                start = find_octet(buf, start, end, 0x3C)
                if start < 0:
                    return
            c = buf[start]
            start += 1
            if place <= _IN_VALUE:
                self._read_text(place, c)
            elif place <= _IN_ATTRIBUTE:
                self._read_name(place, c)
            elif place <= _IN_COMMENT:
                self._skip(b"?>" if place == _IN_PI else b"-->", c)
            else:
                self._read_markup(place, c)

    def _read_text(self, place: int, c: int) -> None:
        """Take an octet of text or of a value."""
        at = self.at
        if c == 0x3C:
            at[_BROKEN] = place == _IN_VALUE
            at[_PLACE] = _IN_OPENING
        elif place == _IN_VALUE and c == at[_QUOTE]:
            at[_PLACE] = _IN_TAG
            self._end_capture()
            self._take_attribute()
        elif at[_IN_ENTITY]:
            self._read_entity(c)
        elif c == 0x26:
            at[_IN_ENTITY] = 1
            at[_TOKEN_END] = 0
        else:
            self._put(c)

    def _put(self, c: int) -> None:
        end = self.at[_END]
        if end < len(self.text):
            self.text[end] = c
        self.at[_END] = min(end, len(self.text)) + 1

    def _put_token(self, c: int) -> None:
        end = self.at[_TOKEN_END]
        if end < _TOKEN_MAX:
            self._token[end] = c
            self.at[_TOKEN_END] = end + 1

    def _read_entity(self, c: int) -> None:
        """Take one octet of &...; and put what it stands for."""
        at = self.at
        if c != 0x3B:
            self._put_token(c)
            return
        at[_IN_ENTITY] = 0
        place = _find_word(_ENTITIES, self._token, 0, at[_TOKEN_END])
        code = _ENTITY_OCTETS[place] if place >= 0 else _character(self._token, at[_TOKEN_END])
        if 0x20 <= code <= 0x7E:  # nothing else stands in a URI
            self._put(code)
        else:
            at[_BROKEN] = 1

    def _end_capture(self) -> None:
        at = self.at
        at[_CAPTURING] = 0
        if at[_IN_ENTITY]:
            at[_BROKEN] = 1
        if at[_END] > len(self.text):
            self.overlong += 1
            at[_END] = at[_START]

    def _begin_capture(self) -> None:
        at = self.at
        at[_CAPTURING] = 1
        at[_IN_ENTITY] = 0
        at[_START] = at[_END] = at[_FREE]

    def _skip(self, ending: bytes, c: int) -> None:
        """Pass over a processing instruction or comment, until *ending*."""
        matched = self.at[_MATCHED]
        if c == ending[matched]:
            matched += 1
        elif not (matched and c == ending[0] == ending[matched - 1]):
            matched = 1 if c == ending[0] else 0
        if matched == len(ending):
            self.at[_PLACE] = matched = 0
        self.at[_MATCHED] = matched

    def _read_name(self, place: int, c: int) -> None:
        """Take an octet of a name, or the one behind it."""
        at = self.at
        if c > 0x3E or 0x2D <= c <= 0x2E or 0x30 <= c <= 0x39:
            self._put_token(c)
            return
        if c == 0x3A:  # a namespace prefix: the local name tells
            at[_TOKEN_END] = 0
            return
        word = _find_word(_WORDS, self._token, 0, at[_TOKEN_END])
        if place == _IN_END:
            if c == 0x3E:
                at[_PLACE] = _IN_TEXT
                self._end_element(word)
            elif c > 0x20:
                at[_BROKEN] = 1
            return
        if place == _IN_ATTRIBUTE:
            at[_ATTRIBUTE] = word
            at[_PLACE] = _IN_EQUALS
        else:
            at[_PLACE] = _IN_TAG
            self._begin_element(word)
        self._read_markup(at[_PLACE], c)

    def _read_markup(self, place: int, c: int) -> None:
        """Take an octet of a tag, outside names and values."""
        at = self.at
        is_space = c == 0x20 or 9 <= c <= 13
        at[_TOKEN_END] = 0
        if c == 0x3E and (place == _IN_TAG or place == _IN_EMPTY):
            at[_PLACE] = _IN_TEXT
            self._start_element()
            if place == _IN_EMPTY:
                self._end_element(at[_ELEMENT])
        elif place == _IN_EQUALS and (c == 0x22 or c == 0x27):
            at[_QUOTE] = c
            at[_PLACE] = _IN_VALUE
            self._begin_capture()
        elif place == _IN_OPENING and c == 0x3F:
            at[_PLACE] = _IN_PI
        elif place == _IN_OPENING and (c == 0x21 or c == 0x2F):
            at[_PLACE] = _IN_BANG if c == 0x21 else _IN_END
        elif place == _IN_BANG and c == 0x2D:  # <!-- only: no document type, no CDATA
            at[_MATCHED] += 1
            if at[_MATCHED] == 2:
                at[_PLACE] = _IN_COMMENT
                at[_MATCHED] = 0
        elif place == _IN_TAG and c == 0x2F:
            at[_PLACE] = _IN_EMPTY
        elif (place == _IN_OPENING or place == _IN_TAG) and c > 0x20 and c not in b"<>&='\"/":
            at[_PLACE] = _IN_START if place == _IN_OPENING else _IN_ATTRIBUTE
            self._put_token(c)
        elif not (is_space and place in b"\x09\x0a" or c == 0x3D and place == _IN_EQUALS):
            at[_BROKEN] = 1  # white space is allowed between attributes and around their =

    # -- elements

    def _begin_element(self, word: int) -> None:
        """React to the name of a start-tag."""
        at = self.at
        at[_ELEMENT] = word if word >= 0 else _NAME  # anything but -1: an element was seen
        at[_DEPTH] += 1
        if at[_DEPTH] > _DEPTH_MAX:
            at[_BROKEN] = 1
        at[_IS_INSTANCE] = 0
        if word == _REGISTRATION:
            at[_AOR_END] = 0
        if word == _REGISTRATION or word == _CONTACT:
            self._clear_contact()
            at[_IN_CONTACT] = word == _CONTACT

    def _clear_contact(self) -> None:
        at = self.at
        at[_FREE] = at[_AOR_END]
        at[_IN_CONTACT] = 0
        for i in range(_URI_START, _INSTANCE_END + 1):
            at[i] = 0
        for i in range(_OF_STATE, _OF_RETRY_AFTER + 1):
            at[i] = -1

    def _take_attribute(self) -> None:
        """React to an attribute with its value."""
        at = self.at
        text = self.text
        element = at[_ELEMENT]
        attribute = at[_ATTRIBUTE]
        start = at[_START]
        end = at[_END]
        if element == _UNKNOWN_PARAM:
            if attribute == _NAME:
                at[_IS_INSTANCE] = equals(text, start, end, b"+sip.instance", 13)
        elif attribute == _AOR:
            if element == _REGISTRATION:
                if at[_AOR_END]:
                    at[_BROKEN] = 1  # given twice
                at[_FREE] = at[_AOR_END] = end
        elif element <= _CONTACT and _VERSION <= attribute <= _RETRY_AFTER:
            number = parse_uint(text, start, end)
            word = _find_word(_WORDS, text, start, end)
            if element == _REGINFO:
                if attribute == _VERSION:
                    at[_OF_VERSION] = number
                elif word == _FULL:
                    at[_IS_FULL] = 1
            elif attribute != _VERSION:
                at[attribute] = number if attribute >= _OF_EXPIRES else word

    def _start_element(self) -> None:
        """React to the end of a start-tag."""
        at = self.at
        if at[_ELEMENT] == _REGISTRATION:
            self.registration()
        elif at[_IN_CONTACT] and (at[_ELEMENT] == _URI or at[_IS_INSTANCE]):
            self._begin_capture()

    def _end_element(self, word: int) -> None:
        """React to an end-tag."""
        at = self.at
        at[_DEPTH] -= 1
        if at[_DEPTH] < 0:
            at[_BROKEN] = 1
        elif word == _CONTACT and at[_IN_CONTACT]:
            self.contact()
            self._clear_contact()
        elif at[_CAPTURING]:
            self._end_capture()
            self._keep_text(_URI_START if word == _URI else _INSTANCE_START)

    def _keep_text(self, i: int) -> None:
        """Keep the text captured as the span at[i:i + 2], without white space, quotes and <>."""
        at = self.at
        start = at[_START]
        end = at[_END]
        while start < end and self.text[start] in b' \t\r\n"<':
            start += 1
        while end > start and self.text[end - 1] in b' \t\r\n">':
            end -= 1
        at[i] = start
        at[i + 1] = at[_FREE] = end


def _character(token: bytearray, end: int) -> int:
    """Return the code of a character reference, token[:end] being #nn or #xhh; else -1."""
    if end < 2 or end > 8 or token[0] != 0x23:
        return -1
    if token[1] != 0x78:
        return parse_uint(token, 1, end)
    code = 0
    for i in range(2, end):
        digit = b"0123456789abcdef".find(bytes((token[i] | 0x20,)))
        if digit < 0:
            return -1
        code = code << 4 | digit
    return code


class RegEvent(Reader):
    """The reg event of one registration, *identities* being its ImplicitSet.

    *contact* is the URI of our Contact, *instance* our URN, both without <>.
    """

    def __init__(self, identities, contact: bytes, instance: bytes = b"") -> None:
        Reader.__init__(self)
        self.identities = identities
        semicolon = contact.find(b";")
        self._contact = contact if semicolon < 0 else contact[:semicolon]
        self._instance = instance
        self.version = -1  # of the last document taken; set it to -1 for a new subscription
        self.expires_s = -1
        self.retry_after_s = -1

    def begin(self, buf: bytes, start: int, end: int) -> bool:
        """Start a document of the Content-Type buf[start:end]; False when it is another type."""
        self._ended = 0  # bit i: identity i ended
        self._event = -1  # why
        self._index = -1  # of the registration at hand, -1 when it is not ours
        self.expires_s = self.retry_after_s = -1
        return Reader.begin(self, buf, start, end)

    def finish(self) -> int:
        """Return what to do; see the module."""
        version = self.at[_OF_VERSION]
        if not Reader.finish(self) or version <= self.version:
            return 7
        if not self.at[_IS_FULL] and (self.version < 0 or version != self.version + 1):
            return 6
        self.version = version
        if not self._ended:
            return 5 if self.expires_s >= 0 else 0
        uris = self.identities.uris
        for i in range(len(uris) - 1, -1, -1):
            if self._ended >> i & 1:
                uris.pop(i)
        if uris:
            return 1
        return 2 if self._event == _DEACTIVATED else 3 if self._event == _PROBATION else 4

    def registration(self) -> None:
        """Take the state of one identity."""
        self._index = self.identities.find(bytes(memoryview(self.text)[: self.at[_AOR_END]]))
        if self._index >= 0 and self.at[_OF_STATE] == _TERMINATED:
            self._ended |= 1 << self._index

    def contact(self) -> None:
        """Take the state of one contact: for an identity of ours, and when it is our own."""
        at = self.at
        if self._index < 0 or not self._is_ours():
            return
        if at[_OF_STATE] == _TERMINATED:
            self._ended |= 1 << self._index
            self._event = at[_OF_EVENT]
            self.retry_after_s = at[_OF_RETRY_AFTER]
        elif at[_OF_EVENT] == _SHORTENED:
            self.expires_s = at[_OF_EXPIRES]

    def _is_ours(self) -> bool:
        at = self.at
        text = self.text
        own = self._instance
        if own and equals(text, at[_INSTANCE_START], at[_INSTANCE_END], own, len(own)):
            return True
        own = self._contact
        end = find_octet(text, at[_URI_START], at[_URI_END], 0x3B)
        end = at[_URI_END] if end < 0 else end
        return own != b"" and equals(text, at[_URI_START], end, own, len(own)) == 1
