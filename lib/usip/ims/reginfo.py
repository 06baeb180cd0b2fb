"""Registration information, application/reginfo+xml, read as it arrives (RFC 3680 5).

`Reader` is a body sink: begin(), feed() with any pieces, finish(). It walks the XML octet by
octet, keeps nothing but the text of the element at hand, and calls its handler

    handler.registration(reader)    <registration aor="" state=""> was opened
    handler.contact(reader)         <contact> with its <uri> was closed

who looks at the attributes of the reader then, and copies what is to last: the aor is
text[:aor_end], uri and instance (of the parameter +sip.instance) are spans of `text` too. No heap
is used, whatever the size of the document. States and events are numbers, -1 when not given:

    registration_state, contact_state    13 init  14 active  15 terminated
    event    16 registered  17 created  18 refreshed  19 shortened  20 expired
             21 deactivated  22 probation  23 unregistered  24 rejected

Lax: other elements and attributes are passed over, because networks send those of RFC 5628 and
of 3GPP here. Refused: a document type (no entities but the five of XML and characters by number),
more than 16 levels, names over 24 octets are never one of ours, texts that do not fit are empty.
"""

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
_STATE = const(6)
_AOR = const(7)
_EVENT = const(8)
_EXPIRES = const(9)
_RETRY_AFTER = const(10)
_NAME = const(11)
_FULL = const(12)
_INIT = const(13)
_TERMINATED = const(15)
_REGISTERED = const(16)
_REJECTED = const(24)

# Where the next octet stands.
_IN_TEXT = const(0)
_IN_OPENING = const(1)  # behind <
_IN_START = const(2)  # in the name of a start-tag
_IN_END = const(3)  # in an end-tag
_IN_TAG = const(4)  # between attributes
_IN_ATTRIBUTE = const(5)  # in the name of an attribute
_IN_EQUALS = const(6)  # behind that name or its =
_IN_VALUE = const(7)
_IN_EMPTY = const(8)  # behind the / of <x/>
_IN_SKIPPED = const(9)  # in <?...?> or <!--...-->, to be left by what _ending says
_IN_BANG = const(10)  # behind <!

_DEPTH_MAX = const(16)
_TOKEN_MAX = const(24)
_ENTITY_MAX = const(8)
_INSTANCE = b"+sip.instance"
_ENTITIES = b"amp lt gt quot apos "
_ENTITY_OCTETS = b"&<>\"'"


def _same(words: bytes, at: int, buf: bytearray, start: int, end: int) -> bool:
    for i in range(start, end):
        if buf[i] != words[at]:
            return False
        at += 1
    return True


def _find_word(words: bytes, buf: bytearray, start: int, end: int) -> int:
    """Return the place of the word buf[start:end] among *words*, a space behind each, or -1."""
    at = place = 0
    while at < len(words):
        space = find_octet(words, at, len(words), 0x20)
        if space - at == end - start and _same(words, at, buf, start, end):
            return place
        at = space + 1
        place += 1
    return -1


class Reader:
    """Reads one document after the other; *text_bytes* bounds an aor and a contact together."""

    def __init__(self, handler, text_bytes: int = 384) -> None:
        self.handler = handler
        self.text = bytearray(text_bytes)
        self._token = bytearray(_TOKEN_MAX)
        self._reset()

    def _reset(self) -> None:
        self.version = -1  # of the document, -1 as long as it is not known
        self.is_full = False
        self.is_broken = False  # not XML as we know it: what is still to come is passed over
        self.overlong = 0  # texts that did not fit
        self.aor_end = 0  # text[0:aor_end]
        self.registration_state = -1
        self._clear_contact()
        self._state = _IN_TEXT
        self._depth = 0
        self._is_seen = False  # the root element
        self._element = -1
        self._attribute = -1
        self._quote = 0
        self._token_end = 0
        self._in_entity = False  # behind an ampersand
        self._capturing = False
        self._start = self._end = 0  # the text being captured
        self._ending = b""
        self._matched = 0

    def _clear_contact(self) -> None:
        self.contact_state = -1
        self.event = -1
        self.expires_s = -1
        self.retry_after_s = -1
        self.uri_start = self.uri_end = self.aor_end
        self.instance_start = self.instance_end = self.aor_end
        self._in_contact = False
        self._is_instance = False
        self._free = self.aor_end

    def begin(self, buf: bytes, start: int, end: int) -> bool:
        """Start a document; buf[start:end] is the Content-Type. False when it is another type."""
        self._reset()
        semicolon = find_octet(buf, start, end, 0x3B)
        end = semicolon if semicolon >= 0 else end
        while end > start and buf[end - 1] in b" \t":
            end -= 1
        return equals_nocase(buf, start, end, b"application/reginfo+xml", 23) == 1

    def finish(self) -> bool:
        """Return whether the document was complete and well-formed as far as it was looked at."""
        return self._is_seen and not (self.is_broken or self._depth or self._state)

    def feed(self, buf: bytes, start: int, end: int) -> None:
        """Read on in buf[start:end]; never raises."""
        while start < end and not self.is_broken:
            state = self._state
            if state == _IN_TEXT and not self._capturing:
                start = find_octet(buf, start, end, 0x3C)
                if start < 0:
                    return
            self._step(state, buf[start])
            start += 1

    # -- one octet in each place

    def _step(self, state: int, c: int) -> None:
        if state == _IN_TEXT:
            self._read_text(c)
        elif state == _IN_VALUE:
            self._read_value(c)
        elif state == _IN_SKIPPED:
            self._skip(c)
        elif state in (_IN_START, _IN_ATTRIBUTE, _IN_END):
            self._read_name(state, c)
        elif state == _IN_TAG:
            self._read_tag(c)
        elif state == _IN_EQUALS:
            self._read_equals(c)
        elif state == _IN_OPENING:
            self._open(c)
        elif state == _IN_BANG:
            self._read_bang(c)
        elif c == 0x3E:  # behind /
            self._state = _IN_TEXT
            self._start_element()
            self._end_element(self._element)
        else:
            self.is_broken = True

    def _open(self, c: int) -> None:
        self._token_end = 0
        if c == 0x2F:
            self._state = _IN_END
        elif c == 0x3F:
            self._skip_to(b"?>")
        elif c == 0x21:
            self._state = _IN_BANG
        elif c <= 0x20 or c in b"<>&='\"":
            self.is_broken = True
        else:
            self._state = _IN_START
            self._put_token(c)

    def _read_bang(self, c: int) -> None:
        """Take only <!-- behind <!: no document type, no CDATA."""
        if c != 0x2D:
            self.is_broken = True
        elif self._token_end:
            self._skip_to(b"-->")
        else:
            self._put_token(c)

    def _skip_to(self, ending: bytes) -> None:
        self._state = _IN_SKIPPED
        self._ending = ending
        self._matched = 0

    def _skip(self, c: int) -> None:
        ending = self._ending
        if c == ending[self._matched]:
            self._matched += 1
            if self._matched == len(ending):
                self._state = _IN_TEXT
        elif not (self._matched and c == ending[0] and c == ending[self._matched - 1]):
            self._matched = 1 if c == ending[0] else 0

    def _put_token(self, c: int) -> None:
        """Add to the name; one that is too long becomes one that is nobody's."""
        if self._token_end < _TOKEN_MAX:
            self._token[self._token_end] = c
            self._token_end += 1

    def _read_name(self, state: int, c: int) -> None:
        if c > 0x3E or 0x2D <= c <= 0x2E or 0x30 <= c <= 0x39:
            self._put_token(c)
        elif c == 0x3A:  # a namespace prefix: the local name tells
            self._token_end = 0
        elif state == _IN_ATTRIBUTE:
            self._attribute = _find_word(_WORDS, self._token, 0, self._token_end)
            self._state = _IN_EQUALS
            self._read_equals(c)
        elif state == _IN_END:
            if c == 0x3E:
                self._state = _IN_TEXT
                self._end_element(_find_word(_WORDS, self._token, 0, self._token_end))
            elif c not in b" \t\r\n":
                self.is_broken = True
        else:
            self._element = _find_word(_WORDS, self._token, 0, self._token_end)
            self._begin_element()
            self._state = _IN_TAG
            self._read_tag(c)

    def _read_tag(self, c: int) -> None:
        if c == 0x3E:
            self._state = _IN_TEXT
            self._start_element()
        elif c == 0x2F:
            self._state = _IN_EMPTY
        elif c in b"<='\"&":
            self.is_broken = True
        elif c not in b" \t\r\n":
            self._state = _IN_ATTRIBUTE
            self._token_end = 0
            self._put_token(c)

    def _read_equals(self, c: int) -> None:
        if c == 0x22 or c == 0x27:
            self._quote = c
            self._state = _IN_VALUE
            self._begin_capture()
        elif c not in b"= \t\r\n":
            self.is_broken = True

    def _read_value(self, c: int) -> None:
        if c == self._quote:
            self._state = _IN_TAG
            self._end_capture()
            self._take_attribute()
        elif c == 0x3C:
            self.is_broken = True
        else:
            self._capture(c)

    def _read_text(self, c: int) -> None:
        if c == 0x3C:
            self._state = _IN_OPENING
        else:
            self._capture(c)

    # -- text and entities

    def _begin_capture(self) -> None:
        self._capturing = True
        self._in_entity = False
        self._start = self._end = self._free

    def _end_capture(self) -> None:
        self._capturing = False
        if self._in_entity:
            self.is_broken = True
        if self._end > len(self.text):  # did not fit
            self.overlong += 1
            self._end = self._start

    def _capture(self, c: int) -> None:
        if self._in_entity:
            self._read_entity(c)
        elif c == 0x26:
            self._in_entity = True
            self._token_end = 0
        else:
            self._put(c)

    def _put(self, c: int) -> None:
        at = self._end
        if at < len(self.text):
            self.text[at] = c
            self._end = at + 1
        else:
            self._end = len(self.text) + 1

    def _read_entity(self, c: int) -> None:
        """Take one octet of &...; and put what it stands for."""
        token = self._token
        if c != 0x3B:
            if self._token_end == _ENTITY_MAX:
                self.is_broken = True
            else:
                self._put_token(c)
            return
        self._in_entity = False
        end = self._token_end
        place = _find_word(_ENTITIES, token, 0, end)
        code = _ENTITY_OCTETS[place] if place >= 0 else _character(token, end)
        if code < 0x20 or code > 0x7E:  # nothing else stands in a URI
            self.is_broken = True
        else:
            self._put(code)

    # -- elements

    def _begin_element(self) -> None:
        """React to the name of a start-tag."""
        self._is_seen = True
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            self.is_broken = True
        if self._element == _REGISTRATION:
            self.aor_end = 0
            self.registration_state = -1
            self._clear_contact()
        elif self._element == _CONTACT:
            self._clear_contact()
            self._in_contact = True
        self._is_instance = False

    def _take_attribute(self) -> None:
        element = self._element
        attribute = self._attribute
        start = self._start
        end = self._end
        if element == _REGINFO:
            if attribute == _VERSION:
                self.version = parse_uint(self.text, start, end)
            elif attribute == _STATE:
                self.is_full = _find_word(_WORDS, self.text, start, end) == _FULL
        elif element == _REGISTRATION:
            if attribute == _AOR:
                self._keep_aor(start, end)
            elif attribute == _STATE:
                self.registration_state = self._value(_INIT, _TERMINATED)
        elif element == _CONTACT:
            self._take_contact_attribute(attribute)
        elif element == _UNKNOWN_PARAM and attribute == _NAME:
            self._is_instance = equals(self.text, start, end, _INSTANCE, 13) == 1

    def _keep_aor(self, start: int, end: int) -> None:
        if self.aor_end:
            self.is_broken = True  # an attribute given twice
            return
        self.aor_end = end - start  # it is the first text of all: start is 0
        self._free = self.aor_end
        self.uri_start = self.uri_end = self.instance_start = self.instance_end = self._free

    def _take_contact_attribute(self, attribute: int) -> None:
        if attribute == _STATE:
            self.contact_state = self._value(_INIT, _TERMINATED)
        elif attribute == _EVENT:
            self.event = self._value(_REGISTERED, _REJECTED)
        elif attribute == _EXPIRES:
            self.expires_s = parse_uint(self.text, self._start, self._end)
        elif attribute == _RETRY_AFTER:
            self.retry_after_s = parse_uint(self.text, self._start, self._end)

    def _value(self, first: int, last: int) -> int:
        """Return the word captured when it is one of *first* to *last*, else -1."""
        word = _find_word(_WORDS, self.text, self._start, self._end)
        return word if first <= word <= last else -1

    def _start_element(self) -> None:
        """React to the end of a start-tag."""
        if self._element == _REGISTRATION:
            self.handler.registration(self)
        elif self._in_contact and (self._element == _URI or self._is_instance):
            self._begin_capture()

    def _end_element(self, element: int) -> None:
        self._depth -= 1
        if self._depth < 0:
            self.is_broken = True
        elif element == _CONTACT and self._in_contact:
            self.handler.contact(self)
            self._clear_contact()
        elif self._capturing:
            self._end_capture()
            self._keep_text(element)

    def _keep_text(self, element: int) -> None:
        """Keep the text of <uri> or <unknown-param name="+sip.instance">, without white space."""
        start = self._start
        end = self._end
        while start < end and self.text[start] in b' \t\r\n"<':
            start += 1
        while end > start and self.text[end - 1] in b' \t\r\n">':
            end -= 1
        if element == _URI:
            self.uri_start = start
            self.uri_end = end
        elif element == _UNKNOWN_PARAM:
            self.instance_start = start
            self.instance_end = end
        self._free = end


def _character(word: bytearray, end: int) -> int:
    """Return the code of a character reference, word[:end] being #nn or #xhh; else -1."""
    if end < 2 or word[0] != 0x23:
        return -1
    if word[1] != 0x78:
        return parse_uint(word, 1, end)
    code = 0
    for i in range(2, end):
        digit = b"0123456789abcdef".find(bytes((word[i] | 0x20,)))
        if digit < 0:
            return -1
        code = code << 4 | digit
    return code
