"""Numbers, tel: URIs and dial plans; tel: URIs received."""

from host_tests.fakes.link import Link
from host_tests.sip.test_core import answers, request
from usip.sip import dialing
from usip.sip.registration import Account

PLAN = (
    (b"112", 3, 3, 0, b""),
    (b"00", 6, 24, 2, b"+"),
    (b"0", 5, 24, 1, b"+49"),
    (b"**", 3, 6, 0, b""),
    (b"", 6, 12, 0, b"+4930"),
)


def account(plan=(), calls_tel=False):
    made = Account(b"sip:101@pbx.example.com")
    made.dial_plan = plan
    made.calls_tel = calls_tel
    return made


def refused(text: bytes) -> bool:
    try:
        dialing.target(account(), text)
    except ValueError:
        return True
    return False


def test_numbers_are_called_at_the_domain_of_the_account():
    for text, target in (
        (b"102", b"sip:102@pbx.example.com"),
        (b"**701", b"sip:**701@pbx.example.com"),
        (b"#31#0301234", b"sip:%2331%230301234@pbx.example.com"),
        (b"+49 (30) 1234-56", b"sip:+4930123456@pbx.example.com;user=phone"),
        (b"030 123.456", b"sip:030123456@pbx.example.com"),
    ):
        assert dialing.target(account(), text) == target, text


def test_an_address_may_lack_the_scheme_and_a_name_alone_is_none():
    assert dialing.target(account(), b"anna@192.0.2.9:5070") == b"sip:anna@192.0.2.9:5070"
    assert (
        refused(b"anna")
        and refused(b"anna bell")
        and refused(b"")
        and refused(b"a@")
        and refused(b"tel:")
    )
    assert refused(b"tel:abc") and refused(b"a@b\r\nX: y")


def test_tel_uris_are_called_at_the_domain_or_as_they_are():
    target = dialing.target(account(), b"tel:+49-30-123456;ext=7")
    assert target == b"sip:+4930123456;ext=7@pbx.example.com;user=phone"
    assert dialing.target(account(), b"TEL:110") == b"sip:110@pbx.example.com;user=phone"
    tel = account(calls_tel=True)
    assert dialing.target(tel, b"tel:+49-30-123456;ext=7") == b"tel:+4930123456;ext=7"
    assert dialing.target(tel, b"102") == b"tel:102;phone-context=pbx.example.com"
    assert dialing.target(tel, b"+4930") == b"tel:+4930"


def test_the_first_rule_of_a_dial_plan_that_fits_changes_a_number():
    planned = account(PLAN)
    for text, user in (
        (b"112", b"112"),
        (b"0041 44 1234", b"+41441234"),
        (b"0170 1234567", b"+491701234567"),
        (b"**1", b"**1"),
        (b"1234567", b"+49301234567"),
        (b"102", b"102"),
        (b"+331234", b"+331234"),
    ):
        found = dialing.target(planned, text)
        end = b";user=phone" if user[:1] == b"+" else b""
        assert found == b"sip:" + user + b"@pbx.example.com" + end, found
    assert dialing.target(planned, b"tel:1234567;phone-context=+1").startswith(b"sip:1234567;ph")


def test_a_tel_uri_goes_to_the_account_with_that_number():
    link = Link()
    endpoint = link.add("192.0.2.1")
    for aor in (b"sip:alice@example.com", b"sip:+4930123@example.com", b"sip:door@example.com"):
        endpoint.core.add_account(Account(aor))
    for n, uri, aor in (
        (1, b"tel:+49-30-123", b"sip:+4930123@example.com"),
        (2, b"sip:+49-30-123@192.0.2.1;user=phone", b"sip:+4930123@example.com"),
        (3, b"tel:+49-30-124", b"sip:alice@example.com"),
        (4, b"sip:door@192.0.2.1", b"sip:door@example.com"),
    ):
        wire = request("INVITE", branch="z9hG4bKt%d" % n, to="<sip:nobody@example.com>")
        wire = wire.replace(b"sip:alice@192.0.2.1 SIP", uri + b" SIP")
        wire = wire.replace(b"Call-ID: c1", b"Call-ID: c%d" % n)
        assert answers(link, endpoint, wire)[0].startswith("SIP/2.0 100 "), n
        session = endpoint.core.sessions[-1]
        assert session.account.aor == aor and session.request_uri == uri
        session.reject(link.now_ms, 486)
        link.run(100)
