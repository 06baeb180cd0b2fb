"""Digest as a server: stations that call each other directly and know a common password."""

from host_tests.fakes.link import Link, call
from host_tests.fakes.registrar import hexdigest
from host_tests.sip.test_core import answers, request, status
from host_tests.sip.test_session import answering
from usip import ticks
from usip.sip.auth_server import Guard, is_same
from usip.sip.registration import Account


def stations(password=b"secret"):
    """Return (link, alice, bob): Bob wants credentials of those who call, Alice has some."""
    link = Link()
    alice = link.add("192.0.2.1")
    bob = link.add("192.0.2.2")
    alice.core.add_account(Account(b"sip:alice@192.0.2.1", b"", b"station", password))
    bob.core.add_account(Account(b"sip:bob@192.0.2.2"))
    bob.core.guard = Guard(b"house 7", {b"station": b"secret"}, bob.core.random)
    return link, alice, bob


def guarded():
    """Return (link, endpoint) of a phone that wants credentials."""
    link, _, bob = stations()
    return link, bob


def challenge_of(answer: str) -> dict:
    """Return the parameters of the last challenge, the MD5 one."""
    line = answer.split("WWW-Authenticate: Digest ")[-1].split("\r\n")[0]
    found = {}
    for part in line.split(", "):
        name, _, value = part.partition("=")
        found[name] = value.strip('"')
    return found


def credentials(nonce, count=1, method="MESSAGE", password="secret", algorithm="MD5", **change):
    """Return an Authorization line, made with hashlib."""
    uri = change.get("uri", "sip:alice@192.0.2.1")
    ha1 = hexdigest(algorithm, "station:house 7:" + password)
    ha2 = hexdigest(algorithm, method + ":" + uri)
    nc = "%08x" % count
    if change.get("qop", "auth"):
        digest = hexdigest(algorithm, ":".join((ha1, nonce, nc, "cn", "auth", ha2)))
        more = ', qop=auth, nc=%s, cnonce="cn"' % nc
    else:
        digest = hexdigest(algorithm, ":".join((ha1, nonce, ha2)))
        more = ""
    return (
        'Authorization: Digest username="station", realm="house 7", nonce="%s", uri="%s",'
        ' response="%s", algorithm=%s%s\r\n'
    ) % (nonce, uri, digest, algorithm, more)


_sent = [0]


def send(link, endpoint, extra="", method="MESSAGE"):
    """Return the answer to a request of its own transaction."""
    _sent[0] += 1
    wire = request(method, extra=extra, branch="z9hG4bKg%d" % _sent[0])
    return answers(link, endpoint, wire)[0]


def test_a_call_with_the_right_password_comes_through():
    link, alice, bob = stations()
    answering(link, bob)
    session = call(link, alice)
    link.run(500)
    assert link.methods()[:4] == ["INVITE", "401", "ACK", "INVITE"], link.methods()
    assert session.state == 6 and bob.core.guard.refused == 1
    invite = link.trace[3][3]
    assert b"algorithm=SHA-256" in invite and b"qop=auth, nc=00000001" in invite
    session.hang_up(link.now_ms)
    link.run(500)
    assert call(link, alice) is not None
    link.run(500)
    assert link.methods().count("401") == 1  # the nonce serves on, its count grows
    assert b"nc=0000000" in link.trace[-1][3] or link.methods()[-1] == "ACK"


def test_a_wrong_password_ends_in_401_after_one_try():
    link, alice, bob = stations(b"guess")
    answering(link, bob)
    session = call(link, alice)
    link.run(500)
    assert session.state == 8 and session.status == 401
    assert link.methods().count("INVITE") == 2 and not bob.core.sessions


def test_both_algorithms_are_offered_the_stronger_first():
    link, endpoint = guarded()
    answer = send(link, endpoint)
    assert answer.startswith("SIP/2.0 401 ")
    first, second = answer.split("WWW-Authenticate: ")[1:]
    assert "algorithm=SHA-256" in first and "algorithm=MD5" in second
    assert 'realm="house 7"' in first and 'qop="auth"' in first and "stale" not in first


def test_credentials_are_checked_to_the_last_digit():
    link, endpoint = guarded()
    endpoint.methods = (1, 7)
    nonce = challenge_of(send(link, endpoint))["nonce"]
    for extra in (
        credentials(nonce, password="Secret"),
        credentials(nonce, method="INVITE"),
        credentials(nonce, uri="sip:other@192.0.2.1"),
        credentials(nonce).replace("house 7", "house 8"),
        credentials(nonce).replace('"station"', '"nobody"'),
        credentials(nonce).replace("nc=00000001", "nc=00000002"),
        credentials(nonce).replace("nc=00000001", "nc=1"),
        credentials(nonce).replace("algorithm=MD5", "algorithm=MD4"),
        credentials(nonce).replace("Digest ", "Basic "),
        "Authorization: Digest\r\n",
    ):
        answer = send(link, endpoint, extra)
        assert answer.startswith("SIP/2.0 401 ") and "stale" not in answer, extra
    assert send(link, endpoint, credentials(nonce)).startswith("SIP/2.0 200 ")
    sha = credentials(nonce, 2, algorithm="SHA-256")
    assert send(link, endpoint, sha).startswith("SIP/2.0 200 ")


def test_a_replay_is_stale_and_a_higher_count_is_not():
    link, endpoint = guarded()
    endpoint.methods = (1, 7)
    nonce = challenge_of(send(link, endpoint))["nonce"]
    assert send(link, endpoint, credentials(nonce, 3)).startswith("SIP/2.0 200 ")
    for count in (3, 2, 1):
        answer = send(link, endpoint, credentials(nonce, count))
        assert answer.startswith("SIP/2.0 401 ") and "stale=true" in answer
    assert send(link, endpoint, credentials(nonce, 4)).startswith("SIP/2.0 200 ")


def test_a_nonce_that_is_old_or_of_somebody_else_is_stale():
    link, endpoint = guarded()
    endpoint.methods = (1, 7)
    nonce = challenge_of(send(link, endpoint))["nonce"]
    link.now_ms = ticks.ticks_add(link.now_ms, 59000)
    assert send(link, endpoint, credentials(nonce)).startswith("SIP/2.0 200 ")
    link.now_ms = ticks.ticks_add(link.now_ms, 600000)
    assert send(link, endpoint, credentials(nonce, 2)).startswith("SIP/2.0 200 ")
    nonce = challenge_of(send(link, endpoint))["nonce"]
    link.now_ms = ticks.ticks_add(link.now_ms, 61000)
    answer = send(link, endpoint, credentials(nonce))
    assert "stale=true" in answer
    nonce = challenge_of(answer)["nonce"]
    forged = ("0" if nonce[-1] != "0" else "1").join((nonce[:-1], ""))
    assert "stale=true" in send(link, endpoint, credentials(forged))
    assert "stale=true" in send(link, endpoint, credentials("abc"))
    assert send(link, endpoint, credentials(nonce)).startswith("SIP/2.0 200 ")


def test_a_nonce_whose_count_is_forgotten_is_not_good_again():
    link, endpoint = guarded()
    endpoint.methods = (1, 7)
    nonces = []
    for _ in range(12):
        nonces.append(challenge_of(send(link, endpoint))["nonce"])
        assert send(link, endpoint, credentials(nonces[-1])).startswith("SIP/2.0 200 ")
        link.now_ms = ticks.ticks_add(link.now_ms, 10)
    for nonce in nonces:
        assert "stale=true" in send(link, endpoint, credentials(nonce))


def test_a_peer_of_rfc_2069_may_use_a_nonce_once():
    link, endpoint = guarded()
    endpoint.methods = (1, 7)
    nonce = challenge_of(send(link, endpoint))["nonce"]
    assert send(link, endpoint, credentials(nonce, qop="")).startswith("SIP/2.0 200 ")
    assert "stale=true" in send(link, endpoint, credentials(nonce, qop=""))


def test_options_and_what_comes_from_the_registrar_need_none():
    link, endpoint = guarded()
    assert status(link, endpoint, request()) == 200
    account = endpoint.core.accounts[0]
    account.registration.destination = ("udp", "192.0.2.9", 5060)
    assert status(link, endpoint, request("INVITE", branch="z9hG4bKr")) == 100


def test_digests_are_compared_whole():
    assert is_same(b"abc", b"abc") and not is_same(b"abc", b"abd") and not is_same(b"", b"a")
