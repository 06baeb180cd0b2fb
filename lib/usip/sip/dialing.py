"""What people dial, as URIs (RFC 3966, RFC 3261 19.1.6): numbers, tel: URIs, dial plans.

An account may have

    dial_plan   a tuple of rules (prefix, least digits, most digits, digits to strip, what to put
                in front), all of it bytes and numbers; the first that fits a number changes it
    calls_tel   True: numbers are called as tel: URIs; else as sip: at the account's domain

Imported with the first target that is no SIP URI. Letters as on a keypad are not translated.
"""

from usip.sip.uri import URI

_SEPARATORS = b"-.() "  # RFC 3966 3: visual, no part of the number
_DIGITS = b"0123456789*#"


def target(account, text: bytes) -> bytes:
    """Return the URI that *text* is called at by an account; ValueError when it is nobody's.

    A number, as it is or in a tel: URI, is called at the account's domain, `user@host` at that
    host.
    """
    if text[:4].lower() == b"tel:":
        number, _, parameters = text[4:].partition(b";")
        return _number_uri(account, number_of(number), parameters, True)
    number = number_of(text)
    if number:
        return _number_uri(account, _planned(account, number), b"", False)
    if b"@" not in text or b":" in text.partition(b"@")[0]:
        raise ValueError("no SIP URI: %s" % str(text, "utf-8"))
    return _checked(b"sip:" + text)


def number_of(text: bytes) -> bytes:
    """Return the digits of a number without visual separators, b"" when it is none."""
    number = bytes([octet for octet in text if octet not in _SEPARATORS])
    digits = number[1:] if number[:1] == b"+" else number
    if not digits or not all([octet in _DIGITS for octet in digits]):
        return b""
    return number


def domain(account) -> bytes:
    """Return host and port of an account's address-of-record."""
    aor = account.aor
    at = aor.find(b"@")
    host = aor[at + 1 :] if at >= 0 else aor[aor.find(b":") + 1 :]
    return host.split(b";", 1)[0]


def _planned(account, number: bytes) -> bytes:
    for prefix, least, most, strip, add in account.dial_plan:
        if number.startswith(prefix) and least <= len(number) <= most:
            if prefix or number[:1] != b"+":
                return add + number[strip:]
    return number


def _number_uri(account, number: bytes, parameters: bytes, is_phone: bool) -> bytes:
    """Return the URI of a number; one that is global or came as tel: is told to be a number."""
    if not number:
        raise ValueError("no number")
    is_global = number[:1] == b"+"
    host = domain(account)
    if account.calls_tel:
        if not is_global and not parameters:
            parameters = b"phone-context=" + host.split(b":", 1)[0]
        return _checked(b"tel:" + number + (b";" + parameters if parameters else b""))
    user = number.replace(b"#", b"%23") + (b";" + parameters if parameters else b"")
    end = b";user=phone" if is_phone or is_global else b""
    scheme = account.aor[: account.aor.find(b":") + 1]
    return _checked(b"%s%s@%s%s" % (scheme, user, host, end))


def _checked(target: bytes) -> bytes:
    view = URI()
    if not view.parse(target, 0, len(target)) or view.user_start < 0:
        raise ValueError("nobody's address: %s" % str(target, "utf-8"))
    return target
