"""The soft ISIM: identities, freshness of sequence numbers, and the file that keeps them."""

import os
from binascii import hexlify, unhexlify

from usip.ims import isim, milenage

_OK = 0
_SYNC_FAILURE = 1
_MAC_FAILURE = 2
_UNAVAILABLE = 3

K = unhexlify("0396eb317b6d1c36f19c1c84cd6ffd16")
OPC = unhexlify("53c15671c60a4b731c55b4a441c0bde2")
IMPI = b"001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
RAND = unhexlify("c00d603103dcee52c4478119494202e8")
PATH = "usip_test_sqn.bin"
NETWORK = milenage.Milenage(K, OPC)


def autn(sqn, rand=RAND, amf=b"\x80\x00"):
    """Return what a home network with SQN *sqn* (an int) sends beside *rand*."""
    octets = sqn.to_bytes(6, "big")
    hidden = bytes(a ^ b for a, b in zip(octets, NETWORK.f5(rand)))
    return hidden + amf + NETWORK.f1(rand, octets, amf)[:8]


def soft(store=None):
    return isim.SoftISIM(IMPI, K, OPC, store=store)


def sqn_ms(card):
    """Return the SQN in the AUTS of *card*, after checking its MAC-S."""
    sqn = bytes(a ^ b for a, b in zip(card.auts, NETWORK.f5_star(RAND)))
    assert card.auts[6:] == NETWORK.f1(RAND, sqn, b"\x00\x00")[8:]
    return int.from_bytes(sqn, "big")


def remove(path):
    try:
        os.remove(path)
    except OSError:
        pass


class Store:
    """Keeps octets in memory, or breaks."""

    def __init__(self, octets=b"", works=True):
        self.octets = octets
        self.works = works
        self.saved = 0

    def load(self):
        return self.octets

    def save(self, octets):
        self.saved += 1
        if self.works:
            self.octets = bytes(octets)
        return self.works


def test_identities_of_two_and_three_digit_networks():
    for imsi, digits, mnc in (
        ("001010000000001", 0, "001"),
        ("262021234567890", 0, "002"),
        ("310260123456789", 0, "260"),
        ("302720123456789", 0, "720"),
        ("405840123456789", 3, "840"),
        ("405840123456789", 2, "084"),
        ("310260123456789", 2, "026"),
        ("732101123456789", 0, "101"),
    ):
        domain = "ims.mnc%s.mcc%s.3gppnetwork.org" % (mnc, imsi[:3])
        assert isim.home_domain(imsi, digits) == domain.encode()
        private = (imsi + "@" + domain).encode()
        assert isim.identities(imsi, digits) == (private, b"sip:" + private, domain.encode())


def test_what_is_no_imsi_is_refused():
    for imsi, digits in (("", 0), ("00101", 0), ("0" * 16, 0), ("00101000000000x", 0), ("1", 2)):
        try:
            isim.identities(imsi, digits)
        except ValueError:
            continue
        raise AssertionError(imsi)
    try:
        isim.identities("001010000000001", 4)
    except ValueError:
        return
    raise AssertionError


def test_keys_are_read_from_hexadecimal_and_never_repeated():
    assert isim.parse_key(hexlify(K).decode()) == K
    assert isim.parse_key("8000", 2) == b"\x80\x00"
    for text in ("", "12", "zz" * 16, "+1" * 16, " 1" * 16, "12" * 17, "\u00e9" * 32):
        try:
            isim.parse_key(text)
        except ValueError as error:
            assert not text or text not in str(error)
            continue
        raise AssertionError(text)


def test_defaults_follow_from_the_private_identity():
    card = soft()
    assert card.impus == (b"sip:" + IMPI,)
    assert card.domain == b"ims.mnc001.mcc001.3gppnetwork.org"
    given = isim.SoftISIM(b"a@b", K, OPC, impus=(b"sip:1@c", b"tel:+1"), domain=b"c")
    assert given.impus == (b"sip:1@c", b"tel:+1") and given.domain == b"c"


def test_op_serves_as_well_as_opc():
    op = unhexlify("ff53bade17df5d4e793073ce9d7579fa")
    assert isim.SoftISIM(IMPI, K, op=op).authenticate(RAND, autn(32)) == _OK


def test_a_fresh_challenge_gives_res_and_keys():
    card = soft()
    assert card.authenticate(RAND, autn(32)) == _OK
    assert (card.res, card.ck, card.ik) == NETWORK.f2_f3_f4(RAND)
    card.forget()
    assert card.res == card.ck == card.ik == card.auts == b""


def test_a_challenge_used_twice_is_answered_with_the_highest_number():
    card = soft()
    assert card.authenticate(RAND, autn(0x4000)) == _OK
    assert card.authenticate(RAND, autn(0x4020)) == _OK
    assert card.authenticate(RAND, autn(0x4020)) == _SYNC_FAILURE
    assert card.res == b"" and len(card.auts) == 14
    assert sqn_ms(card) == 0x4020
    assert card.authenticate(RAND, autn(sqn_ms(card) + 32)) == _OK


def test_a_card_never_used_takes_any_number_even_zero():
    for sqn in (0, 1, 32, 0xFFFFFFFFFFFF, 0x7FFFFFFFFFE0):
        card = soft()
        assert card.authenticate(RAND, autn(sqn)) == _OK, sqn
        assert card.authenticate(RAND, autn(sqn)) == _SYNC_FAILURE, sqn


def test_numbers_out_of_order_are_fresh_within_another_index():
    card = soft()
    assert card.authenticate(RAND, autn(10 << 5 | 3)) == _OK
    assert card.authenticate(RAND, autn(9 << 5 | 4)) == _OK  # overtaken on its way
    assert card.authenticate(RAND, autn(9 << 5 | 3)) == _SYNC_FAILURE
    assert card.authenticate(RAND, autn(11 << 5 | 3)) == _OK


def test_a_network_that_counts_by_one_is_never_out_of_step():
    card = soft()
    for sqn in range(1, 130):
        assert card.authenticate(RAND, autn(sqn)) == _OK, sqn


def test_a_number_too_far_ahead_is_refused():
    card = soft()
    assert card.authenticate(RAND, autn(64)) == _OK
    far = (2 + (1 << 28)) << 5
    assert card.authenticate(RAND, autn(far + 32)) == _SYNC_FAILURE
    assert sqn_ms(card) == 64
    assert card.authenticate(RAND, autn(far)) == _OK


def test_any_octet_changed_is_a_mac_failure():
    card = soft()
    good = autn(32)
    for at in range(16):
        bad = bytearray(good)
        bad[at] ^= 1
        assert card.authenticate(RAND, bytes(bad)) == _MAC_FAILURE, at
        assert card.res == card.auts == b""
    assert card.authenticate(RAND[:15] + b"\x00", good) == _MAC_FAILURE
    assert card.authenticate(RAND, good) == _OK


def test_challenges_of_another_size_are_refused():
    card = soft()
    for rand, token in (
        (b"", b""),
        (RAND, autn(32)[:15]),
        (RAND, autn(32) + b"0"),
        (RAND[1:], b""),
    ):
        assert card.authenticate(rand, token) == _MAC_FAILURE
    assert card.poll(0) == _UNAVAILABLE


def test_numbers_are_kept_across_restarts_in_a_file():
    remove(PATH)
    try:
        first = soft(isim.SQNFile(PATH))
        assert not first.is_restored
        assert first.authenticate(RAND, autn(0x4000)) == _OK
        second = soft(isim.SQNFile(PATH))
        assert second.is_restored
        assert second.authenticate(RAND, autn(0x4000)) == _SYNC_FAILURE
        assert sqn_ms(second) == 0x4000
        assert second.authenticate(RAND, autn(0x4020)) == _OK
        assert PATH + ".new" not in os.listdir(".")
    finally:
        remove(PATH)


def test_what_was_saved_holds_no_secret_and_is_written_before_the_answer():
    store = Store()
    card = soft(store)
    card.authenticate(RAND, autn(32))
    assert store.saved == 1 and K not in store.octets and OPC not in store.octets
    card.authenticate(RAND, autn(32))
    assert store.saved == 1  # nothing changed


def test_a_damaged_or_foreign_file_is_not_believed():
    store = Store()
    soft(store).authenticate(RAND, autn(32))
    good = store.octets
    assert soft(Store(good)).is_restored
    for bad in (b"", good[:-1], good + b"x", bytes(len(good)), good[:5] + b"\xff" + good[6:]):
        card = soft(Store(bad))
        assert not card.is_restored
        assert card.authenticate(RAND, autn(32)) == _OK
    other = isim.SoftISIM(IMPI, OPC, OPC, store=Store(good))
    assert not other.is_restored


def test_a_store_that_fails_does_not_stop_authentication():
    card = soft(Store(works=False))
    assert card.authenticate(RAND, autn(32)) == _OK
    file = isim.SQNFile("no_such_folder_for_usip/sqn")
    assert file.load() == b""
    assert not file.save(b"x") and file.failures == 1


def test_nothing_shows_the_secret():
    card = soft()
    card.authenticate(RAND, autn(32))
    text = repr(card)
    assert "001010000000001" in text
    for secret in (K, OPC, card.res, card.ck, card.ik):
        assert hexlify(secret).decode() not in text and str(secret) not in text
