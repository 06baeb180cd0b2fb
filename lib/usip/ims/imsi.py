"""Identities of a SIM without ISIM, from its IMSI (TS 23.003 13.2 to 13.4B).

Needed once, when an account starts: nothing else imports it.
"""

# Countries all of whose networks have three-digit MNCs (ITU-T E.212); 405 and 502 have both.
_THREE_DIGITS = (
    "302 310 311 312 313 314 315 316 334 338 342 344 346 348 352 354 356 358 360 365 366 376 "
    "708 722 732 750"
)


def is_digits(text: str) -> bool:
    """Return whether *text* is 1*DIGIT, in ASCII."""
    for c in text:
        if not "0" <= c <= "9":
            return False
    return text != ""


def home_domain(imsi: str, mnc_digits: int = 0) -> bytes:
    """Return the home network domain name of *imsi* (13.2).

    *mnc_digits* is 2 or 3, or 0 to go by the country code. ValueError when *imsi* is no IMSI.
    """
    if not (6 <= len(imsi) <= 15 and is_digits(imsi) and mnc_digits in (0, 2, 3)):
        raise ValueError("an IMSI has 6 to 15 digits, its MNC 2 or 3")
    mcc = imsi[:3]
    if not mnc_digits:
        mnc_digits = 3 if mcc in _THREE_DIGITS.split() else 2
    mnc = imsi[3 : 3 + mnc_digits]
    domain = "ims.mnc%s%s.mcc%s.3gppnetwork.org" % ("0" * (3 - mnc_digits), mnc, mcc)
    return domain.encode()


def identities(imsi: str, mnc_digits: int = 0):
    """Return IMPI, temporary IMPU and home domain, as bytes (13.3, 13.4B).

    ValueError when *imsi* is no IMSI.
    """
    domain = home_domain(imsi, mnc_digits)
    impi = imsi.encode() + b"@" + domain
    return impi, b"sip:" + impi, domain
