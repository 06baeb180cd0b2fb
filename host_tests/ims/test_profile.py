"""Which header fields IMS requests carry, and the numbers of TS 24.229."""

from fakes.noalloc import NoAlloc

from usip.ims import profile
from usip.writer import Writer

INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE = range(1, 9)
UPDATE, PRACK = 11, 12
TAG = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel"'


def fields(one, method, is_initial=True):
    w = Writer(bytearray(900))
    one.put_fields(w, method, is_initial)
    return [line for line in w.take().decode().split("\r\n") if line]


def names(one, method, is_initial=True):
    return [line[: line.find(":")] for line in fields(one, method, is_initial)]


def wifi(**settings):
    one = profile.Profile(bssid=b"\x02\x00\x00\x00\x00\x01", **settings)
    one.prefer(b"tel:+15550100001")
    return one


def test_an_invite_names_its_service_identity_and_access():
    assert fields(wifi(), INVITE) == [
        "P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=020000000001",
        "P-Preferred-Identity: <tel:+15550100001>",
        "P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel",
        "Accept-Contact: *;" + TAG,
    ]


def test_access_network_info_is_in_all_but_ack_and_cancel():
    for method in range(1, 15):
        present = "P-Access-Network-Info" in names(wifi(), method)
        assert present == (method not in (ACK, CANCEL)), method
    assert fields(wifi(is_private=True, is_tls=True), ACK) == []
    assert fields(wifi(is_private=True, is_tls=True), CANCEL) == []
    w = Writer(bytearray(100))
    wifi(is_tls=True).put_fields(w, INVITE, True, is_response=True)
    assert w.take() == b"P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=020000000001\r\n"


def test_within_a_dialog_only_the_access_is_told():
    for method in (INVITE, UPDATE, PRACK, BYE):
        assert names(wifi(is_private=True), method, False) == ["P-Access-Network-Info"]


def test_identity_and_privacy_start_dialogs_and_transactions():
    one = wifi(is_private=True)
    for method in range(1, 15):
        present = "P-Preferred-Identity" in names(one, method)
        assert present == ("Privacy" in names(one, method))
        assert present == (method in (1, 5, 7, 8, 10, 13)), method
    one.prefer(b"")
    assert "P-Preferred-Identity" not in names(one, MESSAGE)


def test_what_only_the_network_sends_is_never_sent():
    one = wifi(is_private=True, is_tls=True)
    for method in range(15):
        for name in names(one, method):
            assert name not in ("P-Asserted-Identity", "P-Charging-Vector", "P-Visited-Network-ID")


def test_security_is_agreed_over_tls_only_and_verified_verbatim():
    plain = wifi()
    assert [name for name in names(plain, REGISTER) if "ec" in name] == []
    one = wifi(is_tls=True)
    assert names(one, REGISTER)[1:] == ["Security-Client", "Require", "Proxy-Require"]
    one.agree(b"tls;q=0.2, ipsec-3gpp;alg=hmac-sha-1-96;q=0.1")
    assert fields(one, REGISTER)[1:] == [
        "Security-Client: tls",
        "Require: sec-agree",
        "Proxy-Require: sec-agree",
        "Security-Verify: tls;q=0.2, ipsec-3gpp;alg=hmac-sha-1-96;q=0.1",
    ]
    assert "Security-Verify" in names(one, BYE, False)
    assert "Security-Client" not in names(one, INVITE)
    one.agree(b"")
    assert "Security-Verify" not in names(one, REGISTER)


def test_header_fields_use_no_heap():
    one = wifi(is_tls=True)
    w = Writer(bytearray(900))
    one.put_fields(w, INVITE, True)
    with NoAlloc():
        one.put_fields(w.reset(), INVITE, True)
    assert w.end > 100


def test_contact_carries_instance_service_and_sms():
    one = profile.Profile(b"urn:uuid:00000000-0000-1000-8000-000000000001")
    assert (
        one.contact_parameters.decode()
        == (';+sip.instance="<urn:uuid:00000000-0000-1000-8000-000000000001>";' + TAG)
        + ";+g.3gpp.smsip"
    )
    assert profile.Profile(has_sms=False).contact_parameters.decode() == ";" + TAG


def test_percent_encoding():
    assert profile.percent_encode(b"urn:urn-7:a_b.c~d") == b"urn%3Aurn-7%3Aa_b.c~d"
    assert profile.percent_encode(b'"\xff%') == b"%22%FF%25"


def test_access_without_wifi_is_ethernet():
    for bssid in (b"", b"\x01\x02"):
        one = profile.Profile(bssid=bssid)
        assert fields(one, BYE, False) == ["P-Access-Network-Info: IEEE-802.3"]


def test_registration_is_refreshed_600_s_before_its_end_or_half_way():
    for granted_s, after_s in (
        (600000, 599400),
        (3600, 3000),
        (3240, 2640),
        (1201, 601),
        (1200, 600),
        (60, 30),
        (1, 0),
    ):
        assert profile.refresh_after_s(granted_s) == after_s


def test_bandwidth_of_g711():
    w = Writer(bytearray(100))
    for octets, ptime_ms, is_ipv6, kbps in (
        (160, 20, False, 80),
        (160, 20, True, 88),
        (240, 30, False, 75),
        (80, 10, False, 96),
        (161, 20, False, 81),  # rounded up
    ):
        profile.put_bandwidth(w.reset(), octets, ptime_ms, is_ipv6)
        assert w.take() == b"b=AS:%d\r\nb=RS:800\r\nb=RR:2400\r\n" % kbps


def test_first_credentials_are_the_five_of_ts_24_229():
    w = Writer(bytearray(300))
    profile.put_empty_credentials(w, b"Authorization", b"1@h", b"h")
    assert w.take() == (
        b'Authorization: Digest username="1@h",realm="h",uri="sip:h",nonce="",response=""\r\n'
    )
    profile.put_empty_credentials(w.reset(), b"Authorization", b"1@h", b"h", b"bm9uY2U=")
    assert w.take() == (
        b'Authorization: Digest username="1@h",realm="h",uri="sip:h",nonce="bm9uY2U=",'
        b'response="",algorithm=AKAv1-MD5\r\n'
    )
