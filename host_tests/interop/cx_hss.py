"""A home subscriber server on Diameter Cx (RFC 6733, TS 29.228, TS 29.229) for one small network.

    python -m host_tests.interop.cx_hss [--bind 127.0.0.1:3868]

Answers CER, DWR and DPR, and of Cx UAR, MAR, SAR and LIR; each subscriber has a private identity
and an implicit registration set. What was asked is kept in `log` for tests to look at, and a test
may change a Subscriber at any time: its key, its sequence number, its identities.
"""

import argparse
import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from .hss_keys import Keys

REALM = "ims.mnc001.mcc001.3gppnetwork.org"
_3GPP = 10415
_CX = 16777216

# Commands (RFC 6733 3.1, TS 29.229 6.1).
_CER, _DWR, _DPR = 257, 280, 282
_UAR, _SAR, _LIR, _MAR = 300, 301, 302, 303
_NAMES = {_UAR: "UAR", _SAR: "SAR", _LIR: "LIR", _MAR: "MAR"}

# AVPs; those of 3GPP are 600 and above (TS 29.229 6.3).
_USER_NAME, _HOST_IP, _AUTH_APPLICATION, _VENDOR_APPLICATION = 1, 257, 258, 260
_SESSION_ID, _ORIGIN_HOST, _SUPPORTED_VENDOR, _VENDOR_ID = 263, 264, 265, 266
_RESULT_CODE, _PRODUCT_NAME, _AUTH_SESSION_STATE, _ORIGIN_REALM = 268, 269, 277, 296
_EXPERIMENTAL_RESULT, _EXPERIMENTAL_CODE = 297, 298
_PUBLIC_IDENTITY, _SERVER_NAME, _USER_DATA, _NUMBER_OF_ITEMS = 601, 602, 606, 607
_SCHEME, _AUTHENTICATE, _AUTHORIZATION, _AUTH_ITEM, _ITEM_NUMBER = 608, 609, 610, 612, 613
_ASSIGNMENT_TYPE, _CK, _IK = 614, 625, 626
_GROUPED = {_AUTH_ITEM}

# Results (RFC 6733 7.1, TS 29.229 6.2).
_SUCCESS, _UNSUPPORTED, _REJECTED = 2001, 3001, 4001
_FIRST_REGISTRATION, _SUBSEQUENT_REGISTRATION = 2001, 2002
_USER_UNKNOWN, _IDENTITIES_DONT_MATCH, _NOT_REGISTERED = 5001, 5002, 5003

# Server-Assignment-Type: what ends a registration (TS 29.229 6.3.15).
_DEREGISTERING = (4, 5, 6, 7, 8, 11)

_SCHEME_AKA = b"Digest-AKAv1-MD5"
_REQUEST, _PROXIABLE = 0x80, 0x40


@dataclass
class Subscriber:
    """One private identity: its secret, its sequence number, its implicit set."""

    impi: str
    k: bytes
    opc: bytes
    impus: tuple  # the first is the default one
    amf: bytes = b"\x80\x00"
    sqn: int = 32
    server: str = ""  # of the S-CSCF it is assigned to
    is_registered: bool = False
    resynchronised: int = 0
    refused_auts: int = 0

    def vector(self) -> tuple:
        """Return RAND, AUTN, XRES, CK, IK, and count on."""
        rand = os.urandom(16)
        keys = Keys(self.k, self.opc, rand)
        autn = (self.sqn ^ keys.ak).to_bytes(6, "big") + self.amf
        autn += keys.macs(self.sqn, self.amf)[0]
        # SEQ and IND both go on by one (TS 33.102 C.1.2 and C.2.1).
        self.sqn = (((self.sqn >> 5) + 1) << 5 | (self.sqn + 1) & 31) & 0xFFFFFFFFFFFF
        return rand, autn, keys.xres, keys.ck, keys.ik

    def resynchronise(self, octets: bytes) -> bool:
        """Take RAND and AUTS, 30 octets; False when MAC-S is wrong (TS 33.102 6.3.5)."""
        rand, auts = octets[:16], octets[16:]
        keys = Keys(self.k, self.opc, rand)
        if len(auts) != 14:
            self.refused_auts += 1
            return False
        sqn_ms = int.from_bytes(auts[:6], "big") ^ keys.ak_star
        if keys.macs(sqn_ms, b"\x00\x00")[1] != auts[6:]:
            self.refused_auts += 1
            return False
        self.sqn = ((sqn_ms >> 5) + 1) << 5
        self.resynchronised += 1
        return True

    def profile(self) -> bytes:
        """Return the user profile (TS 29.228 annex B and E)."""
        identities = "".join(
            "<PublicIdentity><BarringIndication>0</BarringIndication>"
            f"<Identity>{escape(impu)}</Identity></PublicIdentity>"
            for impu in self.impus
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?><IMSSubscription>'
            f"<PrivateID>{escape(self.impi)}</PrivateID>"
            f"<ServiceProfile>{identities}</ServiceProfile></IMSSubscription>"
        ).encode()


def subscribers(realm: str = REALM) -> list:
    """Return two subscribers with implicit sets of three, keys of TS 35.207 sets 2 and 3."""
    keys = (
        ("0396eb317b6d1c36f19c1c84cd6ffd16", "53c15671c60a4b731c55b4a441c0bde2"),
        ("fec86ba6eb707ed08905757b1bb44b8f", "1006020f0a478bf6b699f15c062e42b3"),
    )
    found = []
    for number, (k, opc) in enumerate(keys, 1):
        user = f"00101000000000{number}"
        phone = f"+1555010000{number}"
        impus = (f"sip:{user}@{realm}", f"tel:{phone}", f"sip:{phone}@{realm}")
        found.append(Subscriber(f"{user}@{realm}", bytes.fromhex(k), bytes.fromhex(opc), impus))
    return found


# -- Diameter messages


def avp(code: int, value) -> bytes:
    """Return an AVP of bytes, str, int (32 bits) or a list of AVPs (RFC 6733 4.1)."""
    if isinstance(value, int):
        value = struct.pack("!I", value)
    elif isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = b"".join(value)
    vendor = struct.pack("!I", _3GPP) if code >= 600 else b""
    flags = 0xC0 if vendor else 0x40
    length = 8 + len(vendor) + len(value)
    head = struct.pack("!IB", code, flags) + length.to_bytes(3, "big")
    return head + vendor + value + bytes(-length % 4)


def parse_avps(octets: bytes) -> dict:
    """Return {code: [value, ...]}, the values of grouped ones as such dicts."""
    found = {}
    while len(octets) >= 8:
        code, flags = struct.unpack_from("!IB", octets)
        length = int.from_bytes(octets[5:8], "big")
        start = 12 if flags & 0x80 else 8
        if not start <= length <= len(octets):
            raise ValueError(f"AVP {code} of {length} octets")
        value = octets[start:length]
        found.setdefault(code, []).append(parse_avps(value) if code in _GROUPED else value)
        octets = octets[length + -length % 4 :]
    return found


def message(command: int, is_request: bool, application: int, ids: bytes, avps: list) -> bytes:
    """Return a message; *ids* are its hop-by-hop and end-to-end identifiers."""
    body = b"".join(avps)
    flags = (_REQUEST if is_request else 0) | (_PROXIABLE if application else 0)
    head = b"\x01" + (20 + len(body)).to_bytes(3, "big")
    head += bytes((flags,)) + command.to_bytes(3, "big") + struct.pack("!I", application)
    return head + ids + body


def read_message(connection) -> bytes:
    """Return the next whole message of a TCP connection, b"" at its end."""
    octets = b""
    wanted = 4
    while len(octets) < wanted:
        piece = connection.recv(wanted - len(octets))
        if not piece:
            return b""
        octets += piece
        if len(octets) == 4:
            wanted = int.from_bytes(octets[1:], "big")
            if octets[0] != 1 or not 20 <= wanted <= 65536:
                return b""
    return octets


# -- the server


@dataclass
class HSS:
    """Serves *subscribers* on *address* until stop()."""

    address: tuple
    subscribers: list = field(default_factory=subscribers)
    realm: str = REALM
    host: str = "hss." + REALM
    server: str = ""  # the S-CSCF offered to who has none
    log: list = field(default_factory=list)  # (command, user, detail) in order
    watched: set = field(default_factory=set)  # peers that sent DWR: their connection is open

    def start(self):
        """Listen; connections are served by threads that end with the process."""
        self._lock = threading.Lock()
        self._connections = []
        self._listener = socket.create_server(self.address)
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        """Close every connection."""
        for connection in (self._listener, *self._connections):
            connection.close()

    def commands(self, impi: str) -> list:
        """Return the commands about *impi*, in order."""
        with self._lock:
            return [entry[0] for entry in self.log if entry[1] == impi]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while request := read_message(connection):
                if request[4] & _REQUEST:
                    with self._lock:
                        answer = self.answer(request)
                    connection.sendall(answer)
        except (OSError, ValueError) as error:
            self.log.append(("closed", "", str(error)))
        finally:
            connection.close()

    def answer(self, request: bytes) -> bytes:
        """Return the answer to one request."""
        command = int.from_bytes(request[5:8], "big")
        application = int.from_bytes(request[8:12], "big")
        asked = parse_avps(request[20:])
        origin = [avp(_ORIGIN_HOST, self.host), avp(_ORIGIN_REALM, self.realm)]
        if application == _CX and command in _NAMES:
            avps = [avp(_SESSION_ID, asked.get(_SESSION_ID, [b""])[0]), _cx_application()]
            avps += [avp(_AUTH_SESSION_STATE, 1), *origin, *self._cx(command, asked)]
        elif command == _CER:
            avps = [avp(_RESULT_CODE, _SUCCESS), *origin, *self._capabilities()]
        elif command in (_DWR, _DPR):
            if command == _DWR:
                self.watched.add(asked.get(_ORIGIN_HOST, [b""])[0].decode())
            avps = [avp(_RESULT_CODE, _SUCCESS), *origin]
        else:
            avps = [avp(_RESULT_CODE, _UNSUPPORTED), *origin]
        return message(command, False, application, request[12:20], avps)

    def _capabilities(self) -> list:
        address = b"\x00\x01" + socket.inet_aton(self.address[0])
        return [
            avp(_HOST_IP, address),
            avp(_VENDOR_ID, _3GPP),
            avp(_PRODUCT_NAME, "usip test HSS"),
            avp(_SUPPORTED_VENDOR, _3GPP),
            _cx_application(),
        ]

    def _cx(self, command: int, asked: dict) -> list:
        user = asked.get(_USER_NAME, [b""])[0].decode()
        impu = asked.get(_PUBLIC_IDENTITY, [b""])[0].decode()
        subscriber = self._find(user, impu)
        self.log.append((_NAMES[command], subscriber.impi if subscriber else user, impu))
        if subscriber is None:
            return _experimental(_USER_UNKNOWN)
        if impu and impu not in subscriber.impus:
            return _experimental(_IDENTITIES_DONT_MATCH)
        handler = {_UAR: self._uar, _MAR: self._mar, _SAR: self._sar, _LIR: self._lir}[command]
        return handler(subscriber, asked)

    def _find(self, user: str, impu: str):
        for subscriber in self.subscribers:
            if subscriber.impi == user or (not user and impu in subscriber.impus):
                return subscriber
        return None

    def _uar(self, subscriber, asked) -> list:
        """User authorisation: may it register, and where."""
        known = bool(subscriber.server)
        code = _SUBSEQUENT_REGISTRATION if known else _FIRST_REGISTRATION
        return [*_experimental(code), avp(_SERVER_NAME, subscriber.server or self.server)]

    def _mar(self, subscriber, asked) -> list:
        """Multimedia authentication: one vector, after a resynchronisation when asked for."""
        subscriber.server = asked.get(_SERVER_NAME, [b""])[0].decode() or self.server
        item = asked.get(_AUTH_ITEM, [{}])[0]
        if _AUTHORIZATION in item and not subscriber.resynchronise(item[_AUTHORIZATION][0]):
            return [avp(_RESULT_CODE, _REJECTED)]
        rand, autn, xres, ck, ik = subscriber.vector()
        return [
            avp(_RESULT_CODE, _SUCCESS),
            avp(_USER_NAME, subscriber.impi),
            avp(_PUBLIC_IDENTITY, asked.get(_PUBLIC_IDENTITY, [b""])[0]),
            avp(_NUMBER_OF_ITEMS, 1),
            avp(
                _AUTH_ITEM,
                [
                    avp(_ITEM_NUMBER, 1),
                    avp(_SCHEME, _SCHEME_AKA),
                    avp(_AUTHENTICATE, rand + autn),
                    avp(_AUTHORIZATION, xres),
                    avp(_CK, ck),
                    avp(_IK, ik),
                ],
            ),
        ]

    def _sar(self, subscriber, asked) -> list:
        """Server assignment: the S-CSCF took or left the subscriber."""
        kind = int.from_bytes(asked.get(_ASSIGNMENT_TYPE, [b""])[0], "big")
        subscriber.is_registered = kind not in _DEREGISTERING
        subscriber.server = asked.get(_SERVER_NAME, [b""])[0].decode()
        if not subscriber.is_registered:
            subscriber.server = ""
        avps = [avp(_RESULT_CODE, _SUCCESS), avp(_USER_NAME, subscriber.impi)]
        if subscriber.is_registered:
            avps.append(avp(_USER_DATA, subscriber.profile()))
        return avps

    def _lir(self, subscriber, asked) -> list:
        """Location: where calls to it go."""
        if not subscriber.server:
            return _experimental(_NOT_REGISTERED)
        return [avp(_RESULT_CODE, _SUCCESS), avp(_SERVER_NAME, subscriber.server)]


def _cx_application() -> bytes:
    return avp(_VENDOR_APPLICATION, [avp(_VENDOR_ID, _3GPP), avp(_AUTH_APPLICATION, _CX)])


def _experimental(code: int) -> list:
    return [avp(_EXPERIMENTAL_RESULT, [avp(_VENDOR_ID, _3GPP), avp(_EXPERIMENTAL_CODE, code)])]


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="cx_hss", description=__doc__.split("\n")[0])
    parser.add_argument("--bind", default="127.0.0.1:3868", metavar="IP:PORT")
    parser.add_argument("--server", default="sip:127.0.0.1:6060", help="URI of the S-CSCF")
    options = parser.parse_args()
    host, port = options.bind.rsplit(":", 1)
    hss = HSS((host, int(port)), server=options.server)
    hss.start()
    print(f"listening on {host}:{port}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        hss.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
