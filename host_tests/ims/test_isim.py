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


def soft(path=None):
    return isim.SoftISIM(IMPI, K, OPC, path=path)


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


class Kept:
    """A file name that is free before and after."""

    def __enter__(self):
        remove(PATH)
        return PATH

    def __exit__(self, kind, error, trace):
        remove(PATH)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def test_defaults_follow_from_the_private_identity():
    card = soft()
    assert card.impus == (b"sip:" + IMPI,)
    assert card.domain == b"ims.mnc001.mcc001.3gppnetwork.org"
    given = isim.SoftISIM(b"a@b", K, OPC, impus=(b"sip:1@c", b"tel:+1"), domain=b"c")
    assert given.impus == (b"sip:1@c", b"tel:+1") and given.domain == b"c"


def test_op_serves_as_well_as_opc():
    op = unhexlify("ff53bade17df5d4e793073ce9d7579fa")
    assert isim.SoftISIM(IMPI, K, milenage.derive_opc(K, op)).authenticate(RAND, autn(32)) == _OK


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
    with Kept() as path:
        first = soft(path)
        assert not first.is_restored
        assert first.authenticate(RAND, autn(0x4000)) == _OK
        second = soft(path)
        assert second.is_restored
        assert second.authenticate(RAND, autn(0x4000)) == _SYNC_FAILURE
        assert sqn_ms(second) == 0x4000
        assert second.authenticate(RAND, autn(0x4020)) == _OK
        assert path + ".new" not in os.listdir(".")
        assert soft(path).authenticate(RAND, autn(0x4020)) == _SYNC_FAILURE


def test_the_file_holds_no_secret_and_is_written_for_accepted_challenges_only():
    with Kept() as path:
        card = soft(path)
        card.authenticate(RAND, autn(32))
        saved = contents(path)
        assert K not in saved and OPC not in saved and card.res not in saved
        remove(path)
        assert card.authenticate(RAND, autn(32)) == _SYNC_FAILURE
        assert card.authenticate(RAND, bytes(16)) == _MAC_FAILURE
        assert not soft(path).is_restored


def test_a_damaged_or_foreign_file_is_not_believed():
    with Kept() as path:
        soft(path).authenticate(RAND, autn(32))
        good = contents(path)
        assert soft(path).is_restored
        assert not isim.SoftISIM(IMPI, OPC, OPC, path=path).is_restored
        for bad in (b"", good[:-1], good + b"x", bytes(len(good)), good[:5] + b"\xff" + good[6:]):
            with open(path, "wb") as file:
                file.write(bad)
            card = soft(path)
            assert not card.is_restored
            assert card.authenticate(RAND, autn(32)) == _OK
            assert contents(path) == good


def test_a_file_that_cannot_be_written_does_not_stop_authentication():
    card = soft("no_such_folder_for_usip/sqn")
    assert not card.is_restored
    assert card.authenticate(RAND, autn(32)) == _OK
    assert card.write_failures == 1
    assert card.authenticate(RAND, autn(32)) == _SYNC_FAILURE


def test_nothing_shows_the_secret():
    card = soft()
    card.authenticate(RAND, autn(32))
    text = repr(card)
    assert "001010000000001" in text
    for secret in (K, OPC, card.res, card.ck, card.ik):
        assert hexlify(secret).decode() not in text and str(secret) not in text
