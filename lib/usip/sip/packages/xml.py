"""Walking the tags of an XML document in place, for the small documents of event packages.

No document type, so no entities but the five of XML and characters by number; of a name only the
part behind its prefix counts. Nothing is copied but the values asked for.
"""

from micropython import const

from usip.octets import find_octet, skip_lws, trim_lws

START = const(1)  # of an element; `is_empty` when that is its end too
END = const(2)

_ENTITIES = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&apos;", b"'"))


class Scanner:
    """A cursor that stands at one tag after the other; `is_broken` once the document is none."""

    def __init__(self) -> None:
        self.buf = b""
        self.name_start = self.name_end = 0
        self.is_empty = False
        self.is_broken = False
        self._at = self._end = 0
        self._text_start = self._text_end = 0  # what lies before the tag
        self._tag_end = 0
        self._depth = 0

    def begin(self, buf, start: int, end: int) -> None:
        """Start in front of the document buf[start:end]."""
        self.buf = buf
        self._at = start
        self._end = end
        self.is_broken = False
        self._depth = 0

    def next(self) -> int:
        """Step to the next tag: START, END, or 0 behind the last."""
        buf = self.buf
        while True:
            self._text_start = self._at
            start = find_octet(buf, self._at, self._end, 60)
            if start < 0:
                return self._break() if self._depth else 0
            self._text_end = start
            if buf.startswith(b"<!--", start):
                self._at = self._behind(b"-->", start)
            elif buf.startswith(b"<?", start):
                self._at = self._behind(b"?>", start)
            else:
                return self._enter(start + 1)
            if self._at < 0:
                return self._break()

    def _behind(self, ending: bytes, at: int) -> int:
        at = self.buf.find(ending, at, self._end)
        return at if at < 0 else at + len(ending)

    def _break(self) -> int:
        self.is_broken = True
        self._at = self._end
        return 0

    def _enter(self, at: int) -> int:
        """Take the tag whose name starts at *at*."""
        buf = self.buf
        kind = START
        end = self._find_close(at)
        if end <= at or buf[at] == 33:  # "<!" of a document type or CDATA section
            return self._break()
        self.is_empty = buf[end - 1] == 47
        if buf[at] == 47:
            kind = END
            at += 1
            self._depth -= 1
        elif not self.is_empty:
            self._depth += 1
        if self._depth < 0:
            return self._break()
        self._at = end + 1
        self._tag_end = end - 1 if self.is_empty else end
        self.name_start = at
        while at < self._tag_end and buf[at] > 32:
            if buf[at] == 58:
                self.name_start = at + 1
            at += 1
        self.name_end = at
        return kind

    def _find_close(self, at: int) -> int:
        """Return the offset of the ">" of a tag, which may hold others within quotes, or -1."""
        buf = self.buf
        quote = 0
        while at < self._end:
            c = buf[at]
            if quote:
                if c == quote:
                    quote = 0
            elif c == 62:
                return at
            elif c == 34 or c == 39:
                quote = c
            at += 1
        return -1

    def is_at(self, name: bytes) -> bool:
        """Whether the tag is that of an element called *name*."""
        start = self.name_start
        return self.name_end - start == len(name) and self.buf.startswith(name, start)

    def attribute(self, name: bytes):
        """Return the value of an attribute of the start tag, None when it has none."""
        buf = self.buf
        at = self.name_end
        while True:
            equals = find_octet(buf, at, self._tag_end, 61)
            start = skip_lws(buf, equals + 1, self._tag_end)
            if equals < 0 or start >= self._tag_end:
                return None
            end = find_octet(buf, start + 1, self._tag_end, buf[start])
            if end < 0:
                return None
            first = skip_lws(buf, at, equals)
            last = trim_lws(buf, first, equals)
            if last - first == len(name) and buf.startswith(name, first):
                return unescape(bytes(memoryview(buf)[start + 1 : end]))
            at = end + 1

    def text(self) -> bytes:
        """Return the text in front of the tag, without surrounding white space."""
        buf = self.buf
        start = skip_lws(buf, self._text_start, self._text_end)
        end = trim_lws(buf, start, self._text_end)
        return unescape(bytes(memoryview(buf)[start:end]))


def unescape(text: bytes) -> bytes:
    """Return text with its entities replaced; characters by number stay as they are written."""
    if b"&" in text:
        for entity, octet in _ENTITIES:
            text = text.replace(entity, octet)
        text = text.replace(b"&amp;", b"&")
    return text


def escape(text: bytes) -> bytes:
    """Return text as it may stand in an element or within double quotes."""
    text = text.replace(b"&", b"&amp;")
    for entity, octet in _ENTITIES[:3]:
        if octet in text:
            text = text.replace(octet, entity)
    return text
