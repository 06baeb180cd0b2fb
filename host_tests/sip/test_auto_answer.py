"""Auto answer: the ways that makers ask for it, and who is obeyed."""

from host_tests.fakes.link import Link
from host_tests.sip.test_core import answers, request
from usip.sip.auto_answer import AutoAnswer
from usip.sip.registration import Account


def asked(extra="", callers=(b"bob",), parameter=b""):
    """Return what the session of an INVITE from sip:bob@192.0.2.9 has as auto_answer_s."""
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    if callers is not None:
        endpoint.core.auto_answer = AutoAnswer(callers)
    wire = request("INVITE", extra=extra)
    wire = wire.replace(b"INVITE sip:alice@192.0.2.1", b"INVITE sip:alice@192.0.2.1" + parameter)
    assert answers(link, endpoint, wire)[0].startswith("SIP/2.0 100 ")
    return endpoint.core.sessions[0].auto_answer_s


def test_each_makers_way_to_ask():
    for extra, delay_s in (
        ("", -1),
        ("Alert-Info: <http://www.notused.com>;info=alert-autoanswer;delay=0\r\n", 0),
        ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer;delay=3\r\n", 3),
        ("Alert-Info: info=alert-autoanswer\r\n", 0),
        ("Alert-Info: Ring Answer\r\n", 0),
        ("Alert-Info: Auto Answer\r\n", 0),
        ("Alert-Info: <http://127.0.0.1/bellcore-dr2>\r\n", -1),
        ("Call-Info: <sip:192.0.2.9>;answer-after=0\r\n", 0),
        ("Call-Info: <http://x/y.jpg>;purpose=icon, <sip:x>; Answer-After=12\r\n", 12),
        ("Call-Info: sip:127.0.0.1;answer-after=2\r\n", 2),
        ("Call-Info: <sip:x>;answer-after=\r\n", -1),
        ("Call-Info: <sip:x>;answer-after=99999\r\n", 30),
        ("Call-Info: <http://x/y.jpg>;purpose=icon\r\n", -1),
        ("Answer-Mode: Auto\r\n", 0),
        ("Answer-Mode: Auto;require\r\n", 0),
        ("Answer-Mode: Manual\r\nCall-Info: <sip:x>;answer-after=0\r\n", -1),
        ("Priv-Answer-Mode: Auto\r\nAnswer-Mode: Manual\r\n", 0),
    ):
        assert asked(extra) == delay_s, (extra, asked(extra))


def test_an_intercom_parameter_of_the_request_uri():
    assert asked(parameter=b";intercom=true") == 0
    assert asked(parameter=b";intercom=false") == -1
    assert asked(parameter=b";line=1") == -1


def test_only_callers_that_are_listed_are_obeyed():
    extra = "Alert-Info: Auto Answer\r\n"
    for callers, delay_s in (
        (None, -1),
        ((), -1),
        ((b"carol",), -1),
        ((b"carol", b"bob"), 0),
        ((b"bob@192.0.2.9",), 0),
        ((b"bob@192.0.2.8",), -1),
        ((b"@192.0.2.9",), 0),
        ((b"@example.com",), -1),
        ((b"*",), 0),
    ):
        assert asked(extra, callers) == delay_s, callers


def test_a_caller_without_a_user_part_is_obeyed_by_star_only():
    assert AutoAnswer((b"*",)).callers == (b"*",)
    extra = "Alert-Info: Auto Answer\r\n"
    link = Link()
    endpoint = link.add("192.0.2.1")
    endpoint.core.add_account(Account(b"sip:alice@192.0.2.1"))
    endpoint.core.auto_answer = AutoAnswer((b"@192.0.2.9", b"bob"))
    wire = request("INVITE", extra=extra).replace(b"<sip:bob@192.0.2.9>", b"<sip:192.0.2.9>")
    answers(link, endpoint, wire)
    assert endpoint.core.sessions[0].auto_answer_s == -1
