"""A resolver that never waits (RFC 1035, 2782, 3403): questions go out, answers come when they do.

`Resolver.find` gives the records of a name from its cache, or None and sees to it that they will
be there later, whatever they then are: a question that nobody answers ends in an empty list too.
Of an answer nothing is believed that its question did not ask for: number, server, question and
the owner of every record must fit; a name may only be continued further ahead in the message, so
that no answer makes us go round in circles. No more than `_CACHED` names are kept.
"""

from micropython import const

from usip import ticks
from usip.net import address
from usip.net.udp import DatagramSocket

_A = const(1)
_CNAME = const(5)
_SRV = const(33)
_NAPTR = const(35)

_PORT = const(53)
_CACHED = const(16)
_ASKED = const(6)  # questions at the same time
_BYTES = const(1232)
_TRIES = const(4)  # of all servers together, in turn
_FIRST_WAIT_MS = const(1000)
_TTL_MIN_S = const(10)
_TTL_MAX_S = const(86400)
_TTL_NEGATIVE_S = const(30)
_TTL_SILENCE_S = const(2)
_MOST_RECORDS = const(16)
_MOST_ALIASES = const(8)


class Resolver:
    """Asks *servers*, (host, port) each, in turn; *random* is urandom-like."""

    def __init__(self, servers, random, make_socket=DatagramSocket) -> None:
        self.servers = servers
        self.dropped = 0  # datagrams that answered nothing we asked
        self._random = random
        self._make_socket = make_socket
        self._socket = None
        self._cache = {}  # (name, type) -> (records, expires at)
        self._asked = []

    def find(self, name: str, kind: int, now_ms: int):
        """Return the records of *name*, perhaps none; or None: they will come."""
        key = (name.lower(), kind)
        cached = self._cache.get(key)
        if cached is not None:
            if ticks.ticks_diff(cached[1], now_ms) > 0:
                return cached[0]
            del self._cache[key]
        for question in self._asked:
            if question.key == key:
                return None
        if not is_name(name) or not self.servers:
            return []
        if len(self._asked) < _ASKED:
            question = _Question(key, int.from_bytes(self._random(2), "big"))
            self._asked.append(question)
            self._send(question, now_ms)
        return None

    def expires_at(self, name: str, kind: int, now_ms: int) -> int:
        """Return until when what `find` gave is good."""
        cached = self._cache.get((name.lower(), kind))
        return cached[1] if cached else ticks.ticks_add(now_ms, 1000 * _TTL_SILENCE_S)

    def turn(self, now_ms: int) -> bool:
        """Take what came and ask again what was not answered; whether a question was settled."""
        settled = False
        while self._socket is not None:
            data = self._socket.receive(_BYTES)
            if data is None:
                break
            if self._receive(data, now_ms):
                settled = True
        for question in tuple(self._asked):
            if ticks.ticks_diff(now_ms, question.again_at) >= 0:
                settled = self._retry(question, now_ms) or settled
        if not self._asked:
            self.close()
        return settled

    def close(self) -> None:
        """Give the socket back; the cache stays."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def forget(self) -> None:
        """Forget all that is known and asked: this is another network."""
        self._cache.clear()
        self._asked.clear()
        self.close()

    def _send(self, question, now_ms):
        host, port = self.servers[question.tries % len(self.servers)]
        wait_ms = _FIRST_WAIT_MS << min(question.tries // len(self.servers), 2)
        question.again_at = ticks.ticks_add(now_ms, wait_ms)
        question.tries += 1
        question.server = (host, port)
        data = pack_question(question.id, question.key[0], question.key[1])
        try:
            if self._socket is None:
                self._socket = self._make_socket("0.0.0.0", 0)
            self._socket.send(data, len(data), address.native(host, port))
        except (OSError, ValueError):
            self.close()

    def _retry(self, question, now_ms):
        """Ask the next server, or give up; whether that was done."""
        if question.tries < max(_TRIES, len(self.servers)):
            self._send(question, now_ms)
            return False
        self._settle(question, [], _TTL_SILENCE_S, now_ms)
        return True

    def _receive(self, data, now_ms):
        for question in self._asked:
            if len(data) > 12 and (data[0] << 8 | data[1]) == question.id:
                break
        else:
            self.dropped += 1
            return False
        if self._socket.source != question.server:
            self.dropped += 1
            return False
        try:
            answer = parse_answer(data, question.key[0], question.key[1])
        except ValueError:
            answer = None
        if answer is None:
            self.dropped += 1
            return False
        records, ttl_s = answer
        if records is None:  # SERVFAIL, REFUSED ...: somebody else may know
            return self._retry(question, now_ms)
        self._settle(question, records, ttl_s, now_ms)
        return True

    def _settle(self, question, records, ttl_s, now_ms):
        self._asked.remove(question)
        if len(self._cache) >= _CACHED:
            self._drop_one()
        self._cache[question.key] = (records, ticks.ticks_add(now_ms, 1000 * ttl_s))

    def _drop_one(self):
        """Forget what expires first."""
        soonest = None
        for key in self._cache:
            if (
                soonest is None
                or ticks.ticks_diff(self._cache[key][1], self._cache[soonest][1]) < 0
            ):
                soonest = key
        del self._cache[soonest]


class _Question:
    def __init__(self, key, number) -> None:
        self.key = key
        self.id = number
        self.tries = 0
        self.server = None
        self.again_at = 0


def is_name(name: str) -> bool:
    """Return whether *name* can be asked for: labels of 1 to 63 octets, 253 in all."""
    if not 0 < len(name) <= 253:
        return False
    for label in name.split("."):
        if not 0 < len(label) <= 63:
            return False
    return True


def pack_question(number: int, name: str, kind: int) -> bytes:
    """Return the query for one name, recursion desired (RFC 1035 4.1)."""
    out = bytearray((number >> 8, number & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    for label in name.split("."):
        octets = label.encode()
        out.append(len(octets))
        out.extend(octets)
    out.extend(bytes((0, 0, kind, 0, 1)))
    return bytes(out)


def parse_answer(data: bytes, name: str, kind: int):
    """Return (records, seconds they are good for); records None when the server has failed.

    None, or ValueError, for what is no answer to that question.
    """
    if len(data) < 12 or data[2] & 0xF8 != 0x80 or _uint16(data, 4) != 1:
        return None
    asked, at = read_name(data, 12)
    if asked != name.lower() or _uint16(data, at) != kind or _uint16(data, at + 2) != 1:
        return None
    code = data[3] & 15
    if code == 3:
        return [], _TTL_NEGATIVE_S
    if code:
        return None, 0
    return _parse_records(data, at + 4, _uint16(data, 6), name.lower(), kind)


def _parse_records(data, at, count, owner, kind):
    """Walk the answers once for each alias (CNAME) followed; a cut message counts as it is."""
    start = at
    ttl_s = _TTL_MAX_S
    for _ in range(_MOST_ALIASES):
        records = []
        alias = None
        at = start
        for _ in range(min(count, 64)):
            if at >= len(data) and data[2] & 2:  # TC
                break
            name, at = read_name(data, at)
            found = _uint16(data, at)
            seconds = _seconds(data, at + 4)
            end = at + 10 + _uint16(data, at + 8)
            if end > len(data):
                raise ValueError("record beyond the end")
            if name == owner and found in (kind, _CNAME) and len(records) < _MOST_RECORDS:
                ttl_s = min(ttl_s, seconds)
                if found == kind:
                    records.append(_parse_record(data, at + 10, end, kind))
                else:
                    alias = read_name(data, at + 10)[0]
            at = end
        if records or alias is None:
            break
        owner = alias
    return records, max(_TTL_MIN_S, ttl_s) if records else _TTL_NEGATIVE_S


def _parse_record(data, at, end, kind):
    if kind == _A:
        if end - at != 4:
            raise ValueError("no address")
        return "%d.%d.%d.%d" % (data[at], data[at + 1], data[at + 2], data[at + 3])
    first, second = _uint16(data, at), _uint16(data, at + 2)
    if kind == _SRV:
        return first, second, _uint16(data, at + 4), read_name(data, at + 6)[0]
    flags, at = _read_string(data, at + 4, end)
    service, at = _read_string(data, at, end)
    _, at = _read_string(data, at, end)  # a regular expression has no part in RFC 3263
    return first, second, flags, service, read_name(data, at)[0]


def _uint16(data, at):
    if at + 2 > len(data):
        raise ValueError("cut")
    return data[at] << 8 | data[at + 1]


def _seconds(data, at):
    """Return a TTL, at most a day; one with the top bit set is 0 (RFC 2181 8)."""
    high = _uint16(data, at)
    if high >= 0x8000:
        return 0
    return _TTL_MAX_S if high > 1 else min(high << 16 | _uint16(data, at + 2), _TTL_MAX_S)


def _read_string(data, at, end):
    stop = at + 1 + data[at] if at < end else end + 1
    if stop > end:
        raise ValueError("cut")
    return _text(data, at + 1, stop), stop


def _text(data, start, end):
    for i in range(start, end):
        if not 32 < data[i] < 127:
            raise ValueError("no text")
    return str(data[start:end], "utf-8")


def read_name(data: bytes, at: int) -> tuple:
    """Return (name in lower case, offset behind it); ValueError when it is none (4.1.4)."""
    labels = []
    length = 0
    behind = 0
    limit = at  # a pointer must lead to before here
    while True:
        if at >= len(data):
            raise ValueError("cut")
        n = data[at]
        if n >= 0xC0:
            behind = behind or at + 2
            at = _uint16(data, at) & 0x3FFF
            if at >= limit:
                raise ValueError("a pointer ahead")
            limit = at
        elif n > 63:
            raise ValueError("no label")
        else:
            at += 1 + n
            if n == 0:
                return ".".join(labels), behind or at
            length += n + 1
            if at > len(data) or length > 254:
                raise ValueError("cut or too long")
            label = _text(data, at - n, at).lower()
            if "." in label:
                raise ValueError("a dot in a label")
            labels.append(label)
