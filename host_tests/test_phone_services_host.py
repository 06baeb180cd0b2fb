"""Tests of tools.phone beside calls: messages, transfers, subscriptions, publications."""

import socket

import pytest

from host_tests.test_phone_host import VM, phone  # noqa: F401


@pytest.mark.parametrize("vm", [(), VM])
def test_messages_and_options(phone, vm):  # noqa: F811
    bob = phone("bob", *vm)
    bob.wait("ready")
    alice = phone("alice", *vm)
    alice.wait("ready")
    alice.do("message", to=bob.uri, body="Grüße")
    received = bob.wait("message")
    assert received["from"] == "sip:alice@127.0.0.1" and received["body"] == "Grüße"
    assert received["content_type"] == "text/plain"
    assert alice.wait("message_sent")["status"] == 200
    alice.do("message", to=bob.uri, body="{}", content_type="application/json")
    assert alice.wait("message_sent", 2)["status"] == 415
    alice.do("options", to=bob.uri)
    assert alice.wait("options")["status"] == 200
    alice.do("subscribe", to=bob.uri, event_package="presence", expires=600)
    assert alice.wait("unsubscribed")["status"] == 405
    assert alice.quit() == 0 and bob.quit() == 0
    assert alice.log() == "" and bob.log() == ""


@pytest.mark.parametrize("vm", [(), VM])
def test_a_blind_and_an_attended_transfer(phone, vm):  # noqa: F811
    bob = phone("bob", "--answer", "auto", *vm)
    bob.wait("ready")
    carol = phone("carol", "--answer", "auto")
    carol.wait("ready")
    alice = phone("alice", *vm)
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    alice.wait("answered")
    alice.do("transfer", to=carol.uri)
    assert alice.wait("ended")["by"] == "local"
    assert alice.events("transfer")[-1]["status"] == 200
    assert alice.events("transfer")[-1]["to"] == carol.uri
    assert bob.wait("transfer")["to"] == carol.uri
    assert bob.wait("answered", 2) and carol.wait("media")
    bob.do("hangup")
    carol.wait("ended")
    alice.do("call", to=bob.uri)
    first = alice.wait("answered", 2)["call"]
    alice.do("hold", call=first)
    bob.wait("held")
    alice.do("call", to=carol.uri)
    second = alice.wait("answered", 3)["call"]
    alice.do("transfer", call=first, to_call=second)
    alice.wait("ended", 3)
    assert alice.events("transfer")[-1]["status"] == 200
    carol.wait("ended", 2)
    assert bob.wait("answered", 4) and carol.wait("answered", 3)
    for side in (alice, bob, carol):
        assert side.quit() == 0 and side.log() == "", side.log()


def answer(server, status, extra=""):
    """Answer the next request at a socket; return it and its source."""
    octets, source = server.recvfrom(2000)
    text = octets.decode()
    lines = ["SIP/2.0 %s" % status]
    for line in text.split("\r\n"):
        if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq"):
            lines.append(line)
        elif line.startswith("To:"):
            lines.append(line if ";tag=" in line else line + ";tag=s")
    lines.append(extra + "Content-Length: 0\r\n\r\n")
    server.sendto("\r\n".join(lines).encode(), source)
    return text, source


def test_a_subscription_and_a_publication_at_a_server(phone):  # noqa: F811
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(5)
    port = server.getsockname()[1]
    alice = phone("alice", outbound_proxy="sip:127.0.0.1:%d" % port)
    alice.wait("ready")
    uri = "sip:box@127.0.0.1:%d" % port
    alice.do("subscribe", to=uri, event_package="message-summary", expires=600)
    text, source = answer(server, "200 OK", "Expires: 600\r\n")
    assert "\r\nEvent: message-summary\r\nExpires: 600\r\n" in text
    fields = dict(line.split(": ", 1) for line in text.split("\r\n")[1:] if ": " in line)
    body = "Messages-Waiting: yes\r\n"
    notify = (
        "NOTIFY sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bKn;rport"
        "\r\nMax-Forwards: 70\r\nFrom: %s;tag=s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: 1 NOTIFY\r\n"
        "Contact: <%s>\r\nEvent: message-summary\r\nSubscription-State: active;expires=600\r\n"
        "Content-Type: application/simple-message-summary\r\nContent-Length: %d\r\n\r\n%s"
    ) % (port, fields["To"], fields["From"], fields["Call-ID"], uri, len(body), body)
    server.sendto(notify.encode(), source)
    assert server.recv(2000).startswith(b"SIP/2.0 200 ")
    told = alice.wait("notify")
    assert (told["event_package"], told["state"]) == ("message-summary", "active")
    assert told["body"] == body and alice.wait("subscribed")["expires"] == 600
    alice.do("subscribe", to=uri, event_package="message-summary", expires=0)
    text, _ = answer(server, "481 Gone")
    assert "\r\nExpires: 0\r\n" in text and "To: <%s>;tag=s\r\n" % uri in text
    assert alice.wait("unsubscribed")["retry_in"] == -1
    alice.do("publish", event_package="presence", body="<presence/>", expires=600)
    text, _ = answer(server, "200 OK", "SIP-ETag: e1\r\nExpires: 300\r\n")
    assert text.startswith("PUBLISH sip:alice@127.0.0.1 ") and text.endswith("<presence/>")
    told = alice.wait("published")
    assert (told["event_package"], told["expires"], told["status"]) == ("presence", 300, 200)
    alice.do("publish", event_package="presence", expires=0)
    text, _ = answer(server, "200 OK", "SIP-ETag: e2\r\nExpires: 0\r\n")
    assert "\r\nSIP-If-Match: e1\r\n" in text
    assert alice.wait("unpublished")["status"] == 200
    server.close()
    assert alice.quit() == 0 and alice.log() == ""


@pytest.mark.parametrize("vm", [(), VM])
def test_a_state_is_told_to_who_subscribes(phone, vm):  # noqa: F811
    bob = phone("bob", *vm)
    bob.wait("ready")
    alice = phone("alice")
    alice.wait("ready")
    kind = "application/simple-message-summary"
    states = ["Messages-Waiting: no\r\n", "Messages-Waiting: yes\r\n"]
    bob.do("notify", event_package="message-summary", body=states[0], content_type=kind)
    alice.do("subscribe", to=bob.uri, event_package="message-summary", expires=600)
    assert alice.wait("notify")["body"] == states[0]
    told = bob.wait("subscriber")
    assert (told["event_package"], told["state"]) == ("message-summary", "active")
    bob.do("notify", event_package="message-summary", body=states[1], content_type=kind)
    assert alice.wait("notify", 2)["body"] == states[1]
    bob.do("notify", event_package="message-summary", terminate="noresource")
    assert alice.wait("unsubscribed")["event_package"] == "message-summary"
    assert bob.wait("subscriber", 2)["state"] == "terminated"
    alice.do("options", to=bob.uri)
    assert alice.wait("options")["status"] == 200
    for side in (alice, bob):
        assert side.quit() == 0 and side.log() == "", side.log()


def test_what_is_published_here_is_told_there(phone):  # noqa: F811
    server = phone("server")
    server.wait("ready")
    server.do("serve", event_package="presence", content_type="application/pidf+xml")
    server.do("serve", event_package="presence", content_type="application/pidf+xml")
    assert server.wait("error")["what"] == "it is served already"
    proxy = "sip:127.0.0.1:%d" % server.port
    bob = phone("bob", outbound_proxy=proxy)
    bob.wait("ready")
    bob.do("publish", event_package="presence", body="<presence/>", expires=600)
    assert bob.wait("published")["status"] == 200
    alice = phone("alice", outbound_proxy=proxy)
    alice.wait("ready")
    alice.do("subscribe", to="sip:bob@127.0.0.1", event_package="presence", expires=600)
    assert alice.wait("notify")["body"] == "<presence/>"
    bob.do("publish", event_package="presence", expires=0)
    assert alice.wait("notify", 2, 20)["body"] == ""


@pytest.mark.parametrize("vm", [(), VM])
def test_every_request_of_a_call_both_ways(phone, vm):  # noqa: F811
    bob = phone("bob", *vm)
    bob.wait("ready")
    alice = phone("alice", *vm)
    alice.wait("ready")
    alice.do("call", to=bob.uri, offerless=True)
    assert bob.wait("incoming")["offer"] is False
    bob.do("answer")
    alice.wait("media")
    bob.wait("media")
    for n, (one, other) in enumerate(((alice, bob), (bob, alice)), 1):
        one.do("update", method="UPDATE")
        one.do("info", content_type="application/dtmf-relay", body="Signal=%d\r\n" % n)
        assert other.wait("dtmf")["digit"] == str(n)
        one.do("message", in_call=1, body="in the call")
        assert other.wait("message")["body"] == "in the call"
        assert one.wait("message_sent")["status"] == 200
    bob.do("serve", info_package="door")
    bob.do("memory")
    bob.wait("memory")
    for package in ("door", "window"):
        alice.do("info", package=package, content_type="text/plain", body="is open")
    told = bob.wait("info")
    assert (told["package"], told["body"]) == ("door", "is open")
    alice.do("network_changed")
    alice.do("hangup")
    bob.wait("ended")
    alice.do("call", to=bob.uri)
    bob.wait("incoming", 2)
    bob.do("ring", status=183)
    ringing, early = alice.wait("progress", 2), alice.wait("progress", 3)
    assert (ringing["early_media"], ringing["reliable"]) == (False, False)
    assert (early["early_media"], early["reliable"]) == (True, True)
    bob.do("answer")
    alice.wait("answered", 2)
    bob.do("hangup")
    alice.wait("ended", 2)
    for side in (alice, bob):
        assert side.quit() == 0 and side.log() == "", side.log()


def test_a_call_is_redirected_and_a_phone_asked_to_call(phone):  # noqa: F811
    carol = phone("carol", "--answer", "auto")
    carol.wait("ready")
    bob = phone("bob")
    bob.wait("ready")
    alice = phone("alice")
    alice.wait("ready")
    alice.do("call", to=bob.uri)
    bob.wait("incoming")
    bob.do("reject", status=302, contact=carol.uri)
    alice.wait("answered")
    carol.wait("answered")
    alice.do("transfer", to=bob.uri, norefersub=True)
    bob.wait("incoming", 2)
    bob.do("answer")
    assert alice.wait("transfer")["status"] in (200, 202)
    carol.do("hangup")
    bob.wait("ended", 2)
