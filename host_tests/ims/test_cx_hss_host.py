"""The home network of the interoperability tests: its keys by published vectors, its Diameter."""

import socket

from host_tests.ims import published
from host_tests.interop import cx_hss
from host_tests.interop.hss_keys import Keys, encrypt

IDS = b"\x00\x00\x00\x07\x00\x00\x00\x09"


def octets(vector, *names):
    return [bytes.fromhex(vector[name]) for name in names]


def test_its_block_cipher_agrees_with_published_vectors():
    for vector in published.load("primitives.json", "aes128"):
        key, block, expected = octets(vector, "key", "pt", "ct")
        assert encrypt(key, int.from_bytes(block, "big")).to_bytes(16, "big") == expected


def test_its_keys_agree_with_published_vectors():
    for vector in published.load("milenage.json", "sets"):
        keys = Keys(*octets(vector, "k", "opc", "rand"))
        macs = keys.macs(int(vector["sqn"], 16), bytes.fromhex(vector["amf"]))
        assert list(macs) == octets(vector, "f1", "f1s")
        assert [keys.xres, keys.ck, keys.ik] == octets(vector, "f2", "f3", "f4")
        assert (keys.ak, keys.ak_star) == (int(vector["f5"], 16), int(vector["f5s"], 16))


def asked(hss, command, *avps):
    """Return the AVPs of the answer to a Cx request."""
    request = cx_hss.message(command, True, cx_hss._CX, IDS, list(avps))
    answer = hss.answer(request)
    assert int.from_bytes(answer[1:4], "big") == len(answer) and answer[12:20] == IDS
    assert not answer[4] & 0x80 and int.from_bytes(answer[5:8], "big") == command
    return cx_hss.parse_avps(answer[20:])


def new():
    hss = cx_hss.HSS(("127.0.0.1", 0), server="sip:scscf")
    hss.start()
    hss.stop()
    return hss, hss.subscribers[0]


def test_a_wrong_mac_s_is_refused_and_a_right_one_moves_the_sequence_number():
    hss, subscriber = new()
    rand = bytes(16)
    keys = Keys(subscriber.k, subscriber.opc, rand)
    sqn_ms = 0x123460
    auts = (sqn_ms ^ keys.ak_star).to_bytes(6, "big") + keys.macs(sqn_ms, bytes(2))[1]
    for token, result in ((auts[:-1] + b"x", 4001), (auts[:-1], 4001), (auts, 2001)):
        found = asked(
            hss,
            cx_hss._MAR,
            cx_hss.avp(1, subscriber.impi),
            cx_hss.avp(601, subscriber.impus[0]),
            cx_hss.avp(612, [cx_hss.avp(610, rand + token)]),
        )
        assert int.from_bytes(found[268][0], "big") == result
    assert subscriber.refused_auts == 2 and subscriber.resynchronised == 1
    assert subscriber.sqn >> 5 == (sqn_ms >> 5) + 2  # one above, and one was used


def test_strangers_are_unknown():
    hss, subscriber = new()
    found = asked(hss, cx_hss._UAR, cx_hss.avp(1, "nobody@x"), cx_hss.avp(601, "sip:nobody@x"))
    assert b"\x00\x00\x13\x89" in found[297][0]  # 5001
    found = asked(hss, cx_hss._UAR, cx_hss.avp(1, subscriber.impi), cx_hss.avp(601, "sip:x@y"))
    assert b"\x00\x00\x13\x8a" in found[297][0]  # 5002
    assert asked(hss, cx_hss._LIR, cx_hss.avp(601, subscriber.impus[1]))[297]


def test_assignment_gives_the_profile_and_the_location():
    hss, subscriber = new()
    common = (cx_hss.avp(1, subscriber.impi), cx_hss.avp(601, subscriber.impus[0]))
    server = cx_hss.avp(602, "sip:s1")
    profile = asked(hss, cx_hss._SAR, *common, server, cx_hss.avp(614, 1))[606][0].decode()
    assert all(f"<Identity>{impu}</Identity>" in profile for impu in subscriber.impus)
    assert asked(hss, cx_hss._LIR, cx_hss.avp(601, subscriber.impus[1]))[602] == [b"sip:s1"]
    asked(hss, cx_hss._SAR, *common, server, cx_hss.avp(614, 5))
    assert not subscriber.is_registered and not subscriber.server


def test_it_serves_connections():
    hss = cx_hss.HSS(("127.0.0.1", 0))
    hss.start()
    try:
        with socket.create_connection(hss.address, timeout=5) as peer:
            for command in (cx_hss._CER, cx_hss._DWR, cx_hss._DPR):
                peer.sendall(cx_hss.message(command, True, 0, IDS, [cx_hss.avp(264, "p")]))
                found = cx_hss.parse_avps(cx_hss.read_message(peer)[20:])
                assert found[268] == [b"\x00\x00\x07\xd1"]
            peer.sendall(b"GET ")
            assert peer.recv(100) == b""
        assert hss.watched == {"p"}
    finally:
        hss.stop()
