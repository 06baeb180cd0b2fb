"""AKA challenges: passwords, AUTS, MAC failures, and networks that challenge for ever."""

from binascii import b2a_base64, hexlify, unhexlify
from hashlib import md5

from host_tests.ims import published
from usip.ims import aka, akav2, isim, milenage

_OK = 0
_SYNC_FAILURE = 1
_MAC_FAILURE = 2
_UNAVAILABLE = 3
_PENDING = 4
_GIVE_UP = 5

K = unhexlify("0396eb317b6d1c36f19c1c84cd6ffd16")
OPC = unhexlify("53c15671c60a4b731c55b4a441c0bde2")
IMPI = b"001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
NETWORK = milenage.Milenage(K, OPC)


def base64(octets):
    return b2a_base64(octets).rstrip()


def nonce(sqn, rand=bytes(range(16)), data=b""):
    octets = sqn.to_bytes(6, "big")
    hidden = bytes(a ^ b for a, b in zip(octets, NETWORK.f5(rand)))
    mac = NETWORK.f1(rand, octets, b"\x80\x00")[:8]
    return base64(rand + hidden + b"\x80\x00" + mac + data)


def bad_nonce(number):
    return base64(bytes((number,)) * 32)


def new():
    return aka.AKA(isim.SoftISIM(IMPI, K, OPC))


def response(vector, password):
    """Return the request-digest of RFC 2617 3.2.2, written down independently of sip/auth."""
    hash_of = lambda text: hexlify(md5(text).digest())  # noqa: E731
    get = lambda name: vector[name].encode()  # noqa: E731
    a1 = hash_of(get("username") + b":" + get("realm") + b":" + password)
    a2 = hash_of(get("method") + b":" + get("uri"))
    parts = (a1, get("nonce"), get("nc"), get("cnonce"), get("qop"), a2)
    return hash_of(b":".join(parts)).decode()


class Card:
    """An ISIM that answers later, as one in a modem does."""

    def __init__(self, results):
        self.impi = IMPI
        self.results = results
        self.res = b"\x00" * 8
        self.ck = self.ik = bytes(16)
        self.auts = bytes(14)

    def authenticate(self, rand, autn):
        return _PENDING

    def poll(self, now_ms):
        return self.results.pop(0)

    def forget(self):
        self.res = b""


def test_published_challenges_give_the_published_responses():
    for vector in published.load("aka_vectors.json", "vectors"):
        get = lambda name: unhexlify(vector[name])  # noqa: B023, E731
        for version in (1, 2):
            card = isim.SoftISIM(vector["username"].encode(), get("k"), get("opc"))
            one = aka.AKA(card)
            assert one.challenge(vector["nonce"].encode(), version) == _OK
            if version == 1:
                assert one.password == get("res")
            else:
                assert one.password == vector["akav2_password"].encode()
            expected = vector["response_v%d" % version]
            assert response(vector, one.password) == expected, vector["id"]


def test_published_resynchronisation_tokens():
    for vector in published.load("aka_vectors.json", "vectors"):
        get = lambda name: unhexlify(vector[name])  # noqa: B023, E731
        card = isim.SoftISIM(IMPI, get("k"), get("opc"))
        functions = milenage.Milenage(get("k"), get("opc"))
        rand = bytes(16)
        hidden = bytes(a ^ b for a, b in zip(get("sqn_ms"), functions.f5(rand)))
        first = hidden + bytes(2) + functions.f1(rand, get("sqn_ms"), bytes(2))[:8]
        assert card.authenticate(rand, first) == _OK
        one = aka.AKA(card)
        assert one.challenge(vector["nonce"].encode()) == _SYNC_FAILURE
        assert one.auts == base64(get("auts")), vector["id"]
        assert one.password == b""


def test_password_of_version_1_is_the_octets_of_res():
    one = new()
    assert one.challenge(nonce(32)) == _OK
    assert one.password == NETWORK.f2_f3_f4(bytes(range(16)))[0] and len(one.password) == 8
    assert one.isim.res == one.isim.ck == one.isim.ik == b""  # nothing is left behind


def test_a_res_with_a_nul_octet_is_not_cut():
    for number in range(256):
        rand = bytes((number,)) * 16
        res = NETWORK.f2_f3_f4(rand)[0]
        if 0 in res[:7]:
            one = new()
            assert one.challenge(nonce(32, rand)) == _OK
            assert one.password == res
            return
    raise AssertionError("no RES with NUL found")


def test_hmac_md5_of_rfc_2202():
    digest = akav2.hmac_md5(b"\x0b" * 16, b"Hi There")
    assert hexlify(digest) == b"9294727a3638bb1c13f48ef8158bfc9d"
    assert hexlify(akav2.hmac_md5(b"Jefe", b"what do ya want for nothing?")) == (
        b"750c783e6ab0b503eaa86e310a5db738"
    )


def test_algorithms_are_known_whatever_their_case():
    assert aka.version(b"AKAv1-MD5") == aka.version(b"akav1-md5") == 1
    assert aka.version(b"AKAv2-MD5") == aka.version(memoryview(b"AKAV2-md5")) == 2
    for other in (b"", b"MD5", b"AKAv3-MD5", b"AKAv1-MD5 ", b"AKAv1-SHA-256"):
        assert aka.version(other) == 0


def test_server_data_behind_autn_is_passed_over():
    one = new()
    assert one.challenge(nonce(32, data=b"opaque to us")) == _OK
    assert aka.parse_nonce(nonce(32, data=b"x")) == aka.parse_nonce(nonce(32))


def test_what_is_no_nonce_is_a_mac_failure():
    good = nonce(32)
    for text in (
        b"",
        b"=",
        b"====",
        good[:-4],
        good[:-1],
        good[:20],
        good[:-1] + b"!",
        b"\xff" * 44,
        good[:10] + b" " + good[11:],
        good[:10] + b"\n" + good[11:],
        good[:10] + b"=" + good[11:],
        good[:42] + b"==",
        good + b"A",
        base64(bytes(31)),
        b"A" * 516,
        b"A" * 100000,
        b"\x00" * 44,
        b"-_" * 22,
    ):
        one = new()
        assert aka.parse_nonce(text) == b"", text[:60]
        assert one.challenge(text) == _MAC_FAILURE
        assert one.password == one.auts == b""


def test_every_truncation_of_a_nonce_is_refused():
    good = nonce(32)
    for end in range(len(good)):
        assert aka.parse_nonce(good[:end]) == b"", end
    assert len(aka.parse_nonce(good)) == 32


def test_two_invalid_challenges_are_answered_and_no_third():
    one = new()
    assert [one.challenge(bad_nonce(i)) for i in range(5)] == [
        _MAC_FAILURE,
        _MAC_FAILURE,
        _GIVE_UP,
        _GIVE_UP,
        _GIVE_UP,
    ]
    one.succeeded()
    assert one.challenge(nonce(32)) == _OK


def test_a_valid_challenge_ends_the_count_of_invalid_ones():
    one = new()
    assert one.challenge(bad_nonce(1)) == _MAC_FAILURE
    assert one.challenge(nonce(32)) == _OK
    one.succeeded()
    assert one.challenge(bad_nonce(2)) == _MAC_FAILURE
    assert one.challenge(bad_nonce(3)) == _MAC_FAILURE
    assert one.challenge(bad_nonce(4)) == _GIVE_UP


def test_a_network_that_ignores_auts_is_left():
    one = new()
    assert one.challenge(nonce(0x4000)) == _OK
    one.succeeded()
    rand = b"\x01" * 16
    assert one.challenge(nonce(0x4000, rand)) == _SYNC_FAILURE
    assert one.challenge(nonce(0x3FE0, rand)) == _SYNC_FAILURE
    assert one.challenge(nonce(0x3FC0, rand)) == _GIVE_UP


def test_a_network_that_accepts_no_answer_is_left():
    one = new()
    assert one.challenge(nonce(32)) == _OK
    assert one.challenge(nonce(64)) == _OK
    assert one.challenge(nonce(96)) == _GIVE_UP


def test_resynchronisation_then_success():
    one = new()
    assert one.challenge(nonce(0x4000)) == _OK
    one.succeeded()
    assert one.challenge(nonce(0x20, b"\x01" * 16)) == _SYNC_FAILURE
    assert len(one.auts) == 20
    assert one.challenge(nonce(0x4020, b"\x02" * 16)) == _OK
    assert one.auts == b""


def test_the_same_challenge_again_is_answered_from_memory():
    one = new()
    assert one.challenge(nonce(32)) == _OK
    password = one.password
    one.succeeded()
    assert one.challenge(nonce(32)) == _OK  # a proxy's, or stale: the SQN is spent, not the RES
    assert one.password == password
    one.succeeded()
    assert one.challenge(nonce(32), 2) == _SYNC_FAILURE  # another algorithm needs the keys anew


def test_a_card_that_answers_later_is_waited_for():
    one = aka.AKA(Card([_PENDING, _OK]))
    assert one.challenge(nonce(32)) == _PENDING
    assert one.poll(10) == _PENDING and one.password == b""
    assert one.poll(20) == _OK and one.password == bytes(8)
    one = aka.AKA(Card([_SYNC_FAILURE]))
    one.challenge(nonce(32))
    assert one.poll(10) == _SYNC_FAILURE and one.auts == base64(bytes(14))
    one = aka.AKA(Card([_UNAVAILABLE]))
    one.challenge(nonce(32))
    assert one.poll(10) == _UNAVAILABLE and one.password == one.auts == b""


def test_nothing_shows_the_secret():
    one = new()
    one.challenge(nonce(32))
    text = repr(one) + repr(one.isim)
    assert "001010000000001" in text
    assert hexlify(one.password).decode() not in text and str(one.password) not in text
