"""What a user dials in an IMS network becomes a URI; loaded for each call that is placed."""


def target(text: bytes, domain: bytes) -> bytes:
    """Return the URI to call for what a user dials (RFC 3966 5): a URI, or a number.

    A number of a private plan gets the home network *domain* as its phone-context. ValueError
    for what is neither.
    """
    scheme = text[: text.find(b":") + 1].lower()
    if scheme in (b"sip:", b"sips:"):
        return text
    number, semicolon, parameters = text[len(scheme) :].partition(b";")
    number = bytes(c for c in number if c not in b"-.() ")
    if not number or scheme not in (b"", b"tel:"):
        raise ValueError("no SIP or tel URI: %s" % text.decode())
    for c in number[1:] if number[:1] == b"+" else number:
        if c not in b"0123456789*#ABCDabcd":
            raise ValueError("no telephone number: %s" % number.decode())
    if number[:1] != b"+" and b"phone-context=" not in parameters:
        parameters = b"phone-context=" + domain + semicolon + parameters
        semicolon = b";"
    return b"tel:" + number + semicolon + parameters
