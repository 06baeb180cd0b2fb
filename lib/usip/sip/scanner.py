"""The one function that looks at every octet of a header, and the tables it looks names up in.

`scan` stops behind any octet and goes on there: all it knows lies in an array, all it finds in the
index of fields (RFC 3261 7, 25.1). It knows lines, folds and colons. A field enters the index at
its colon, and the end of its value moves with every line that belongs to it, so there is nothing
to finish when the octets end early. `identify` then looks up all new names at once. What is
inside of a value stays unread.

Both are kept under 2 KB of Xtensa code: mpy-cross has no longer conditional branches there.
"""

import micropython
from micropython import const

_IDS = const(82)  # header ids are 0 .. 81
_H_CONTACT = const(6)
_H_CONTENT_LENGTH = const(8)

# states of the scanner
_START = const(0)  # in front of the message: empty lines are skipped
_LINE = const(1)  # at the first octet of a line behind the start line
_NAME = const(2)
_COLON = const(3)  # in white space in front of the colon
_VALUE = const(4)  # of a field, or in the start line
_CR = const(5)  # behind the CR that should end a line
_LAST_CR = const(6)  # behind the CR of the empty line
_FULL = const(7)  # at the colon of a field for which the index has no room: call `make_room`
_DONE = const(8)

# elements of the scanner's array; parser.py has copies
_STATE = const(0)
_SLOT = const(1)  # of the field being read: offset of its entry, or one of the two below
_NAME_START = const(2)
_NAME_LENGTH = const(3)
_LINE_START = const(4)  # of the start line
_LINE_END = const(5)
_COUNT = const(6)  # of fields indexed
_CAPACITY = const(7)  # of the index
_OVERFLOW = const(8)  # 1: fields left the index for which there is a use; 2: and none can enter
_REPEATED = const(9)  # id of a field that may be there only once and is not, or 0
_IDENTIFIED = const(10)  # offset of the first entry whose name was not looked up
_STATE_SIZE = const(11)

_NO_FIELD = const(-1)  # in a line that is ignored
_IN_START_LINE = const(-2)

_UNIDENTIFIED = const(256)  # plus the length of the name: in the place of an id


# Header names by length: length, how many, then id and name in lower case for each; ends with 0.
_NAMES = (
    b"\x02\x01\x03to"
    b"\x03\x01\x01via"
    b"\x04\x07\x02from\x05cseq\x1drseq\x1erack\x25path\x3ddate\x43join"
    b"\x05\x03\x0aroute\x13allow\x18event"
    b"\x06\x04\x20min-se\x21accept\x2dreason\x30server"
    b"\x07\x07\x04call-id\x06contact\x0cexpires\x11require\x2ewarning\x39privacy\x3esubject"
    b"\x08\x05\x1arefer-to\x1creplaces\x23sip-etag\x42reply-to\x49priority"
    b"\x09\x06\x12supported\x2ccall-info\x35refer-sub\x3bdiversion\x40timestamp\x47recv-info"
    b"\x0a\x04\x2balert-info\x2fuser-agent\x45flow-timer\x4ferror-info"
    b"\x0b\x06\x15unsupported\x16min-expires\x17retry-after\x1breferred-by\x36answer-mode"
    b"\x3fin-reply-to"
    b"\x0c\x09\x07max-forwards\x09content-type\x0brecord-route\x22allow-events"
    b"\x24sip-if-match\x3ahistory-info\x41mime-version\x46info-package\x48organization"
    b"\x0d\x04\x0dauthorization\x14proxy-require\x26service-route\x44target-dialog"
    b"\x0e\x03\x08content-length\x33accept-contact\x4breject-contact"
    b"\x0f\x07\x1fsession-expires\x34security-server\x3cremote-party-id\x4caccept-encoding"
    b"\x4daccept-language\x50security-client\x51security-verify"
    b"\x10\x05\x0fwww-authenticate\x27p-associated-uri\x31content-encoding"
    b"\x37priv-answer-mode\x4econtent-language"
    b"\x11\x01\x2ap-called-party-id"
    b"\x12\x02\x10proxy-authenticate\x19subscription-state"
    b"\x13\x05\x0eproxy-authorization\x28p-asserted-identity\x32content-disposition"
    b"\x38authentication-info\x4arequest-disposition"
    b"\x14\x01\x29p-preferred-identity"
    b"\x00"
)

# Compact forms a .. z (7.3.3 and the IANA registry): the header id, 0 for none that we know.
_COMPACT = (
    b"\x33\x1b\x09\x4a\x31\x02\x00\x00\x04\x4b\x12\x08\x06"
    b"\x00\x18\x00\x00\x1a\x3e\x03\x22\x01\x00\x1f\x00\x00"
)

# Methods: id, length, name; ends with 0.
_METHODS = (
    b"\x01\x06INVITE\x02\x03ACK\x03\x03BYE\x04\x06CANCEL\x05\x07OPTIONS\x06\x08REGISTER"
    b"\x07\x07MESSAGE\x08\x09SUBSCRIBE\x09\x06NOTIFY\x0a\x07PUBLISH\x0b\x06UPDATE\x0c\x05PRACK"
    b"\x0d\x05REFER\x0e\x04INFO\x00"
)


@micropython.viper
def begin(st: ptr32, capacity: int):
    """Forget the last message; the index holds *capacity* fields."""
    st = ptr32(st)
    i = 0
    while i < _STATE_SIZE:
        st[i] = 0
        i += 1
    st[_SLOT] = _IN_START_LINE
    st[_CAPACITY] = capacity


@micropython.viper
def scan(buf: ptr8, at: int, end: int, st: ptr32, fields: ptr16) -> int:  # noqa: C901, PLR0915
    """Go on scanning at buf[at:end]; return the offset of the first octet not looked at.

    st[_STATE] is _DONE behind the empty line. *fields* is the index of a `message.Message`. Uses
    no heap. Long, because a call costs more than the octets of a field.
    """
    buf = ptr8(buf)
    st = ptr32(st)
    fields = ptr16(fields)
    state = int(st[_STATE])
    while at < end and state < _FULL:
        c = int(buf[at])
        if state == _VALUE:
            while c > 13 or (c != 13 and c != 10):
                at += 1
                if at >= end:
                    break
                c = int(buf[at])
            if at < end:
                slot = int(st[_SLOT])
                if slot >= 0:
                    i = at
                    while int(buf[i - 1]) <= 32:  # at the latest the colon is more
                        i -= 1
                    fields[slot + 3] = i
                    start = int(fields[slot + 2])
                    while start < i and int(buf[start]) <= 32:
                        start += 1
                    fields[slot + 2] = start
                elif slot == _IN_START_LINE:
                    st[_LINE_END] = at
                at += 1
                state = _LINE  # Lax: LF alone, because sipsak and hand-written scripts send it
                if c == 13:
                    state = _CR
        elif state == _LINE:
            if int(st[_SLOT]) == _IN_START_LINE:
                st[_SLOT] = _NO_FIELD
            if c == 32 or c == 9:
                state = _VALUE  # a fold
            elif c == 13:
                at += 1
                state = _LAST_CR
            elif c == 10:
                at += 1
                state = _DONE
            else:
                st[_NAME_START] = at
                state = _NAME
        elif state == _NAME:
            while c > 32 and c != 58:
                at += 1
                if at >= end:
                    break
                c = int(buf[at])
            if at < end:
                st[_NAME_LENGTH] = at - int(st[_NAME_START])
                state = _COLON
        elif state == _COLON:
            count = int(st[_COUNT])
            slot = count << 2
            i = int(st[_NAME_LENGTH])
            if c == 32 or c == 9:
                at += 1
            elif c != 58 or i == 0 or int(st[_OVERFLOW]) == 2:
                st[_SLOT] = _NO_FIELD
                state = _VALUE
            elif count == int(st[_CAPACITY]):
                state = _FULL
            else:
                at += 1
                if i > 255:
                    i = 255
                fields[slot] = _UNIDENTIFIED + i
                fields[slot + 1] = int(st[_NAME_START])
                fields[slot + 2] = at
                fields[slot + 3] = at
                st[_SLOT] = slot
                st[_COUNT] = count + 1
                state = _VALUE
        elif state == _START:
            if c == 10 or c == 13:
                at += 1
            else:
                st[_LINE_START] = at
                state = _VALUE
        elif c == 10:  # _CR or _LAST_CR, as it should be
            at += 1
            if state == _CR:
                state = _LINE
            else:
                state = _DONE
        else:  # a CR on its own is an octet of the line
            if state == _LAST_CR:
                st[_SLOT] = _NO_FIELD
            state = _VALUE
    st[_STATE] = state
    return at


@micropython.viper
def identify(buf: ptr8, st: ptr32, fields: ptr16, first: ptr8):  # noqa: PLR0915
    """Look up the names of the fields indexed since the last call; note the first of each id."""
    buf = ptr8(buf)
    st = ptr32(st)
    fields = ptr16(fields)
    first = ptr8(first)
    names = ptr8(_NAMES)
    compact = ptr8(_COMPACT)
    slot = int(st[_IDENTIFIED])
    if slot == 0:
        i = 0
        while i < _IDS:
            first[i] = 0
            i += 1
    end = int(st[_COUNT]) << 2
    while slot < end:
        length = int(fields[slot]) & 255
        start = int(fields[slot + 1])
        field = 0
        if length == 1:
            i = (int(buf[start]) | 32) - 97
            if i >= 0 and i < 26:
                field = int(compact[i])
            length = 255
        i = 0
        while int(names[i]) < length and int(names[i]):
            i += 2 + int(names[i + 1]) * (int(names[i]) + 1)
        left = 0
        if int(names[i]) == length:
            left = int(names[i + 1])
            i += 2
        while left:
            j = 0
            while j < length:
                c = int(buf[start + j])
                if c < 97:
                    c |= (c & 64) >> 1
                j += 1
                if c != int(names[i + j]):
                    j = 99
            if j == length:
                field = int(names[i])
                left = 1
            i += length + 1
            left -= 1
        fields[slot] = field
        slot += 4
        if int(first[field]) == 0:
            first[field] = slot >> 2
        # Lax: not Content-Type, because an IMS application server repeats it
        elif field >= 2 and field <= _H_CONTENT_LENGTH and field != _H_CONTACT:
            st[_REPEATED] = field
    st[_IDENTIFIED] = slot


def make_room(buf: bytes, st, fields, first) -> None:
    """Take fields out of a full index, so that scanning can go on; uses no heap.

    Extension fields go first: nobody misses them. Then all go that no response repeats, and the
    message is to be refused.
    """
    identify(buf, st, fields, first)
    _keep(st, fields, first, 255)
    if st[_COUNT] == st[_CAPACITY]:
        st[_OVERFLOW] = 1
        _keep(st, fields, first, _H_CONTENT_LENGTH)
    if st[_COUNT] == st[_CAPACITY]:
        st[_OVERFLOW] = 2
    st[_STATE] = _COLON


def _keep(st, fields, first, highest: int) -> None:
    """Keep the fields with an id of 1 to *highest*."""
    for i in range(_IDS):
        first[i] = 0
    to = 0
    for slot in range(0, 4 * st[_COUNT], 4):
        field = fields[slot]
        if 1 <= field <= highest:
            for i in range(4):
                fields[to + i] = fields[slot + i]
            to += 4
            if not first[field]:
                first[field] = to >> 2
    st[_COUNT] = to >> 2
    st[_IDENTIFIED] = to


@micropython.viper
def method_id(buf: ptr8, start: int, end: int) -> int:
    """Return the id of the method buf[start:end] (case-sensitive, 7.1), 0 when it is not ours."""
    buf = ptr8(buf)
    methods = ptr8(_METHODS)
    length = end - start
    i = 0
    while int(methods[i]):
        if int(methods[i + 1]) == length:
            j = 0
            while j < length and int(buf[start + j]) == int(methods[i + 2 + j]):
                j += 1
            if j == length:
                return int(methods[i])
        i += 2 + int(methods[i + 1])
    return 0


@micropython.viper
def scan_start_line(buf: ptr8, at: int, end: int, out: ptr32) -> int:
    """Split the start line buf[at:end]: 1 a request, 2 a response, 0 neither.

    Leaves in *out* two spans (method and Request-URI, or status code and reason phrase), the span
    of the version, whether that is SIP/2.0, and the status code, 0 when it is none. Looks into
    none of the words.
    """
    buf = ptr8(buf)
    out = ptr32(out)
    version = ptr8(b"SIP/2.0")
    stop = at
    while stop < end and int(buf[stop]) > 32:
        stop += 1
    if stop - at > 3 and int(buf[at + 3]) == 47:
        kind = 2
        out[4] = at
        out[5] = stop
        at = stop + 1
        stop = at
        code = 0
        while stop < end and int(buf[stop]) >= 48 and int(buf[stop]) <= 57 and stop - at < 4:
            code = code * 10 + int(buf[stop]) - 48
            stop += 1
        # Lax: no SP behind the code, because several gateways leave it out with the reason
        if stop - at != 3 or (stop < end and int(buf[stop]) != 32):
            code = 0
        out[7] = code
        out[3] = end
    else:
        kind = 1
        code = end  # the version is the last word
        while code > stop and int(buf[code - 1]) > 32:
            code -= 1
        if code - stop < 2 or stop == at:
            return 0
        out[3] = code - 1
        out[4] = code
        out[5] = end
    out[0] = at
    out[1] = stop
    out[2] = stop
    if stop < end:
        out[2] = stop + 1
    at = int(out[4])
    stop = 0
    if int(out[5]) - at == 7:
        while stop < 7 and int(buf[at + stop]) & 223 == int(version[stop]) & 223:
            stop += 1
    out[6] = stop == 7
    return kind
