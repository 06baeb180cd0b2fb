"""Milenage and AES: published vectors, and cases of our own that need none."""

from binascii import unhexlify

from host_tests.ims import published
from usip.ims import aes, milenage

# 3GPP TS 35.207 4.3, test set 1.
K = unhexlify("465b5ce8b199b49faa5f0a2ee238a6bc")
OP = unhexlify("cdc202d5123e20f62b6d676ac72cb318")
OPC = unhexlify("cd63cb71954a9f4e48a5994e37a02baf")
RAND = unhexlify("23553cbe9637a89d218ae64dae47bf35")
SQN = unhexlify("ff9bb4d0b607")
AMF = unhexlify("b9b9")


def encrypted(key, block):
    out = bytearray(16)
    aes.aes(key, 1).encrypt(block, out)
    return bytes(out)


def test_the_portable_block_cipher_agrees_with_fips_197():
    key = bytes(range(16))
    block = unhexlify("00112233445566778899aabbccddeeff")
    assert encrypted(key, block) == unhexlify("69c4e0d86a7b0430d8cdb78070b4c55a")


def test_the_portable_block_cipher_agrees_with_published_vectors():
    for vector in published.load("primitives.json", "aes128"):
        key = unhexlify(vector["key"])
        assert encrypted(key, unhexlify(vector["pt"])) == unhexlify(vector["ct"])


def test_a_block_may_be_encrypted_in_place():
    block = bytearray(unhexlify("00112233445566778899aabbccddeeff"))
    aes.aes(bytes(range(16)), 1).encrypt(block, block)
    assert bytes(block) == unhexlify("69c4e0d86a7b0430d8cdb78070b4c55a")


def test_the_functions_of_test_set_1():
    functions = milenage.Milenage(K, milenage.derive_opc(K, OP))
    mac = functions.f1(RAND, SQN, AMF)
    assert mac == unhexlify("4a9ffac354dfafb301cfaf9ec4e871e9")
    res, ck, ik = functions.f2_f3_f4(RAND)
    assert res == unhexlify("a54211d5e3ba50bf")
    assert ck == unhexlify("b40ba9a3c58b2a05bbf0d987b21bf8cb")
    assert ik == unhexlify("f769bcd751044604127672711c6d3441")
    assert functions.f5(RAND) == unhexlify("aa689c648370")
    assert functions.f5_star(RAND) == unhexlify("451e8beca43b")


def test_published_sets_in_any_order_of_calls():
    for vector in published.load("milenage.json", "sets"):
        get = lambda name: unhexlify(vector[name])  # noqa: B023, E731
        assert milenage.derive_opc(get("k"), get("op")) == get("opc")
        functions = milenage.Milenage(get("k"), get("opc"))
        rand = get("rand")
        for _ in range(2):
            assert functions.f5_star(rand) == get("f5s"), vector["set"]
            assert functions.f1(rand, get("sqn"), get("amf")) == get("f1") + get("f1s")
            assert functions.f2_f3_f4(rand) == (get("f2"), get("f3"), get("f4"))
            assert functions.f5(rand) == get("f5")


def test_keys_of_another_size_are_refused_without_being_repeated():
    for k, opc in ((K[:15], OPC), (K, OPC + b"\x00"), (b"", OPC), (K, b"")):
        try:
            milenage.Milenage(k, opc)
        except ValueError as error:
            assert "16 octets" in str(error)
        else:
            raise AssertionError("accepted")


def test_nothing_shows_the_key():
    text = repr(milenage.Milenage(K, OPC))
    assert "465b" not in text and "cd63" not in text
