"""An account of the configuration: TCP, the access point, P-CSCFs, and nothing for others."""

import sys

import usip  # noqa: F401  (the innermost modules first: a VM's stack is short)
from host_tests.fakes.cscf import IMPI
from usip import config, core  # noqa: F401
from usip.ims import access, setup

SECRETS = {"k": "0396eb317b6d1c36f19c1c84cd6ffd16", "opc": "53c15671c60a4b731c55b4a441c0bde2"}
BSSID = b"\x02\x00\x00\x00\x00\x07"


class Station:
    """As much of a WLAN as is asked; *port* "new" tells the BSSID, "old" has to scan."""

    def __init__(self, port, is_connected=True):
        self.port = port
        self.isconnected = lambda: is_connected

    def config(self, key):
        if key == "ssid":
            return "home"
        if self.port == "new":
            return BSSID
        raise ValueError("unknown config param")

    def scan(self):
        if self.port == "deaf":
            raise OSError(116)
        other = b"\x02\x00\x00\x00\x00\x01"
        return [
            (b"home", other, 1, -80, 3, False),
            (b"home", BSSID, 6, -50, 3, False),
            (b"next door", other, 6, -30, 3, False),
        ]


class Board:
    """The module `network` of a board."""

    STA_IF = 0

    def __init__(self, station):
        self.WLAN = lambda interface: station


def with_board(board, function):
    """Call function() where `import network` gives *board*."""
    kept = sys.modules.get("network")
    sys.modules["network"] = board
    try:
        return function()
    finally:
        del sys.modules["network"]
        if kept is not None:
            sys.modules["network"] = kept


def account(transport=None, board=None, **ims):
    """Return the account of a configuration."""
    section = dict(SECRETS, impi=IMPI, pcscf="192.0.2.10")
    section.update(ims)
    settings = {"ims": section}
    if transport:
        settings["transport"] = transport
    parsed = config.parse({"accounts": [settings]})["accounts"][0]
    return with_board(board, lambda: setup.make_account(parsed, "accounts[0]."))


def test_it_is_reached_over_tcp_unless_udp_is_wanted():
    assert account().protocol == "tcp"
    assert account()._cscf_uri() == b"sip:192.0.2.10;transport=tcp"
    assert account("udp").protocol == "udp"


def test_p_cscfs_come_from_a_list_a_name_or_a_dhcp_option():
    assert account(pcscf="192.0.2.10, p.example:5070").cscfs == [
        ("192.0.2.10", 0),
        ("p.example", 5070),
    ]
    assert account(pcscf="0x01c0000201c0000202").cscfs == [("192.0.2.1", 0), ("192.0.2.2", 0)]
    assert account(pcscf="0x000170076578616d706c6500").cscfs == [("p.example", 0)]


def test_the_access_point_is_the_one_the_board_is_at():
    for port in ("new", "old"):
        board = Board(Station(port))
        assert with_board(board, access.find_bssid) == BSSID, port
        info = account(board=board).profile._values[0]
        assert info == b"IEEE-802.11;i-wlan-node-id=020000000007"
    one = account(board=Board(Station("new")), bssid="020000000009")
    assert one.profile._values[0].endswith(b"020000000009")


def test_without_wifi_it_is_ethernet():
    for board in (Board(Station("new", False)), Board(Station("deaf")), object()):
        assert account(board=board).profile._values[0] == b"IEEE-802.3"


def test_the_sequence_numbers_go_from_one_card_to_the_next():
    open_card = account()._open_card
    first = open_card()
    first.records[0] = 1
    assert open_card().records is first.records
    text = repr(open_card)
    assert "0396eb" not in text and "53c156" not in text


def test_imsi_and_op_serve_as_well():
    one = account(impi=None, imsi="001010000000001", mnc_digits=2, opc=None, op="0" * 32)
    assert one.auth_user == IMPI.encode() and one.aor == b"sip:" + IMPI.encode()
    assert one._open_card().impi == IMPI.encode()
