"""DNS servers that exist in a test only: a zone, or whatever octets a test wants to send."""

from usip.net import address

_TYPES = {"A": 1, "CNAME": 5, "SRV": 33, "NAPTR": 35}


class Servers:
    """All DNS servers of a test; `make_socket` is what a Resolver binds.

    *zone*: (name, "A") -> records as text, parts apart by blanks: "192.0.2.1", "10 60 5060 host".
    A name that is not in it does not exist; None in place of the records: no answer at all.
    """

    def __init__(self, zone) -> None:
        self.zone = zone
        self.asked = []  # (server's host, name, type)
        self.answer = self.answer_honestly  # of a test that is not honest: its own
        self.ttl_s = 300
        self.open = 0
        self._sockets = []

    def make_socket(self, host, port):
        """As usip.net.udp.DatagramSocket."""
        self.open += 1
        return _Socket(self)

    def answer_honestly(self, server, query) -> list:
        """Return the answers to one query, [(octets, source)]."""
        name, kind = question_of(query)
        text = [text for text in _TYPES if _TYPES[text] == kind][0]
        records = self.zone.get((name, text), ())
        if records is None:
            return []
        code = 0
        if not records:
            alias = self.zone.get((name, "CNAME"))
            if alias:
                return [(self._with_alias(query, name, alias[0], kind, text), server)]
            code = 3
        return [(reply(query, [record(name, text, r, self.ttl_s) for r in records], code), server)]

    def _with_alias(self, query, name, alias, kind, text):
        answers = [record(name, "CNAME", alias, self.ttl_s)]
        answers += [record(alias, text, r, self.ttl_s) for r in self.zone.get((alias, text), ())]
        return reply(query, answers)


class _Socket:
    def __init__(self, servers) -> None:
        self.servers = servers
        self.source = None
        self._mailbox = []

    def send(self, buf, end, native) -> bool:
        query = bytes(buf[:end])
        server = address.decode(native)
        self.servers.asked.append((server[0],) + question_of(query))
        self._mailbox += self.servers.answer(server, query)
        return True

    def receive(self, size):
        if not self._mailbox:
            return None
        data, self.source = self._mailbox.pop(0)
        return data

    def close(self) -> None:
        self.servers.open -= 1


def question_of(query) -> tuple:
    """Return (name, type) of a query."""
    labels = []
    at = 12
    while query[at]:
        labels.append(str(query[at + 1 : at + 1 + query[at]], "utf-8"))
        at += 1 + query[at]
    return ".".join(labels), query[at + 2]


def pack_name(name: str) -> bytes:
    """Return a name in labels."""
    out = b""
    for label in name.split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def record(name: str, kind: str, text: str, ttl_s: int = 300) -> bytes:
    """Return one resource record."""
    words = text.split(" ")
    if kind == "A":
        data = bytes([int(word) for word in text.split(".")])
    elif kind == "CNAME":
        data = pack_name(text)
    elif kind == "SRV":
        data = b"".join([_uint16(int(word)) for word in words[:3]]) + pack_name(words[3])
    else:
        data = _uint16(int(words[0])) + _uint16(int(words[1]))
        for word in (words[2], words[3], ""):
            data += bytes([len(word)]) + word.encode()
        data += pack_name(words[4])
    head = pack_name(name) + _uint16(_TYPES[kind]) + b"\0\1" + ttl_s.to_bytes(4, "big")
    return head + _uint16(len(data)) + data


def reply(query: bytes, answers: list, code: int = 0, flags: int = 0x81) -> bytes:
    """Return the answer to *query*."""
    head = query[:2] + bytes([flags, 0x80 | code]) + b"\0\1" + _uint16(len(answers)) + bytes(4)
    return head + query[12:] + b"".join(answers)


def _uint16(n: int) -> bytes:
    return bytes([n >> 8, n & 255])
