"""Identities made of an IMSI."""

from usip.ims import imsi as module


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
        assert module.home_domain(imsi, digits) == domain.encode()
        private = (imsi + "@" + domain).encode()
        assert module.identities(imsi, digits) == (private, b"sip:" + private, domain.encode())


def test_what_is_no_imsi_is_refused():
    for imsi, digits in (("", 0), ("00101", 0), ("0" * 16, 0), ("00101000000000x", 0), ("1", 2)):
        try:
            module.identities(imsi, digits)
        except ValueError:
            continue
        raise AssertionError(imsi)
    try:
        module.identities("001010000000001", 4)
    except ValueError:
        return
    raise AssertionError
