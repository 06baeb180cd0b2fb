"""Digest responses against the published examples, and what is done with odd challenges."""

import json
import os

from usip.sip import auth


class Use:
    """The use of a nonce."""

    def __init__(self, qop=b"", nonce_count=1, cnonce=b"") -> None:
        self.qop = qop
        self.nonce_count = nonce_count
        self.cnonce = cnonce


def response(algorithm, user, realm, password, nonce, use, method, uri, body=b""):
    """Return the response of a request."""
    digest = auth.hash_of(algorithm)
    ha1 = digest(user + b":" + realm + b":", password)
    if algorithm.endswith(b"-sess"):
        ha1 = digest(ha1, b":", nonce, b":", use.cnonce)
    return auth.response(digest, ha1, nonce, use, method, uri, body)


def test_the_example_of_rfc_2617():
    assert (
        response(
            b"",
            b"Mufasa",
            b"testrealm@host.com",
            b"Circle Of Life",
            b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            Use(b"auth", 1, b"0a4f113b"),
            b"GET",
            b"/dir/index.html",
        )
        == b"6629fae49393a05397450978507c4ef1"
    )


def test_the_examples_of_rfc_7616():
    for algorithm, expected in (
        (b"MD5", b"8ca523f5e9506fed4657c9700eebdbec"),
        (b"SHA-256", b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        assert (
            response(
                algorithm,
                b"Mufasa",
                b"http-auth@example.org",
                b"Circle of Life",
                b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                Use(b"auth", 1, b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
                b"GET",
                b"/dir/index.html",
            )
            == expected
        )


def test_sha_512_256_of_abc():
    # FIPS 180-4 example of SHA-512/256
    expected = b"53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
    assert auth.sha512_256(b"a", b"bc") == expected


def test_an_unknown_algorithm_is_not_supported():
    assert auth.hash_of(b"SHA-1") is None and auth.hash_of(b"sha-256") is not None


def test_quoted_pairs_are_undone_before_hashing():
    assert auth.unescape(b'a\\"b\\\\c') == b'a"b\\c'
    assert auth.unescape(b"plain") == b"plain"


def test_the_vectors_of_others():
    path = os.getenv("VECTORS") + "/ims/digest.json"
    try:
        with open(path) as file:
            cases = json.load(file)
    except OSError:
        print("no vectors at", path)
        return
    ran = 0
    for case in cases["digest"]:
        if "password" not in case:  # only its HA1 is known
            continue
        use = Use(
            (case.get("qop") or "").encode(),
            int(case.get("nc") or "1", 16),
            (case.get("cnonce") or "").encode(),
        )
        assert (
            response(
                (case.get("algorithm") or "").encode(),
                case["username"].encode(),
                case["realm"].encode(),
                case["password"].encode(),
                case["nonce"].encode(),
                use,
                case["method"].encode(),
                case["uri"].encode(),
                (case.get("body") or "").encode(),
            ).decode()
            == case["response"]
        ), case
        ran += 1
    print("digest vectors:", ran)
    assert ran >= 10
