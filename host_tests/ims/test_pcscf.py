"""Where the P-CSCFs are."""

from usip.errors import ParseError
from usip.ims import pcscf


def test_proxies_from_the_configuration():
    assert pcscf.parse("192.0.2.1") == [("192.0.2.1", 0)]
    assert pcscf.parse("p1.example:5070, [2001:db8::1]:5061  [2001:db8::2]") == [
        ("p1.example", 5070),
        ("[2001:db8::1]", 5061),
        ("[2001:db8::2]", 0),
    ]


def test_proxies_from_a_dhcp_option():
    assert pcscf.parse("0x01c0000201c0000202") == [("192.0.2.1", 0), ("192.0.2.2", 0)]
    assert pcscf.parse("0x000570637363660765786d61706c650003666f6f00") == [
        ("pcscf.exmaple", 0),
        ("foo", 0),
    ]


def test_faulty_proxies_are_parse_errors():
    for text in (
        "",
        " , ",
        ":5060",
        "a:",
        "a:x",
        "a:65536",
        "a:-1",
        "a:\u00b2",
        "0x",
        "0x0",
        "0xzz",
        "0x00",
        "0x0000",
        "0x02c0000201",
        "0x01",
        "0x01c00002",
        "0x0003666f",
        "0x0003666f6f",
        "0x0003666f6f0000",
        "0x00c00c",
        "0x000366206f00",
        "0x00ff",
    ):
        try:
            pcscf.parse(text)
        except ParseError as error:
            assert error.text
            continue
        raise AssertionError(text)
