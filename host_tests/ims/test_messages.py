"""SMS over IP on the virtual link: sent in parts, delivered in parts, each acknowledged."""

from binascii import unhexlify

from host_tests.fakes.cscf import HOST, TEL
from host_tests.ims.test_account import only, registered
from usip import core
from usip.ims import messages, sms

SMS = "application/vnd.3gpp.sms"
CENTRE = b"tel:+15550199"


class Centre:
    """The service centre: acknowledges, refuses or keeps silent about what comes."""

    def __init__(self, cscf):
        self.cscf = cscf
        self.received = []
        self.answer = "ack"
        self.receive = cscf.receive
        cscf.receive = self.take

    def take(self, octets, end, source, now_ms):
        self.receive(octets, end, source, now_ms)
        if octets.startswith(b"MESSAGE"):
            body = octets[octets.find(b"\r\n\r\n") + 4 :]
            self.received.append(body)
            rp = sms.parse_rp(body, 0, len(body))
            if rp.kind == 0 and self.answer == "ack":
                self.deliver(bytes((3, rp.reference)))
            elif rp.kind == 0 and self.answer == "error":
                self.deliver(bytes((5, rp.reference, 1, 21)))

    def deliver(self, body, host=HOST):
        number = len(self.cscf.requests) + 100 * len(self.received)
        head = (
            "MESSAGE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bKm%d%d\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:gateway@h>;tag=g\r\nTo: <%s>\r\nCall-ID: m%d\r\n"
            "CSeq: 1 MESSAGE\r\nP-Asserted-Identity: <sip:smsgw@%s>\r\nContent-Type: %s\r\n"
            "Content-Length: %d\r\n\r\n"
            % (TEL, host, number, self.cscf.link.now_ms, TEL, number, HOST, SMS, len(body))
        )
        link = self.cscf.link
        link.carry(self.cscf, ("udp", "192.0.2.1", 5060), head.encode() + body)


def messaging():
    """Return (link, phone, account, centre, its network, messages reported)."""
    link, phone, cscf, one = registered(service_centre=CENTRE)
    phone.methods = (1, 7)
    reported = []

    def note(event, subject):
        if event in (core.MESSAGE_RECEIVED, core.MESSAGE_SENT):
            reported.append(subject)

    phone.on_event = note
    return link, phone, one, Centre(cscf), cscf, reported


def send(phone, one, text, link):
    return messages.of(one, phone.core).send("+15550100002", text, link.now_ms)


def deliver_tpdu(text, reference=7, header=b""):
    """Return RP-DATA from the network with a DELIVER of GSM text from +15550100002."""
    from usip.ims import gsm7

    septets = gsm7.encode(text)
    lead = (8 * len(header) + 6) // 7
    packed = header + gsm7.pack(septets, 7 * lead - 8 * len(header))
    tpdu = bytes((4 if not header else 0x44, 11, 0x91)) + unhexlify("5155100000f2")
    tpdu += b"\x00\x00" + unhexlify("62012121430000") + bytes((lead + len(septets),)) + packed
    return bytes((1, reference, 5, 0x91)) + unhexlify("51551099") + bytes((0, len(tpdu))) + tpdu


def test_a_text_is_sent_to_the_centre_and_acknowledged():
    link, phone, one, centre, cscf, reported = messaging()
    message = send(phone, one, "Hello, Bob", link)
    link.run(1000)
    fields = only(cscf, "MESSAGE")[0]
    assert fields["content-type"] == [SMS]
    assert [start for start, _ in cscf.requests][-1] == "MESSAGE tel:+15550199 SIP/2.0"
    rp = sms.parse_rp(centre.received[0], 0, len(centre.received[0]))
    text = sms.parse_tpdu(centre.received[0], rp.start, rp.end)
    assert (text.address, text.text) == ("+15550100002", "Hello, Bob")
    assert reported == [message] and message.status == 200
    assert messages.of(one, phone.core) not in phone.core.usages


def test_a_long_text_goes_in_parts_one_after_the_other():
    link, phone, one, centre, cscf, reported = messaging()
    message = send(phone, one, "x" * 400, link)
    link.run(1000)
    parts = []
    for body in centre.received:
        rp = sms.parse_rp(body, 0, len(body))
        parts.append(sms.parse_tpdu(body, rp.start, rp.end))
    assert "".join([part.text for part in parts]) == "x" * 400
    assert [part.part[1:] for part in parts] == [(3, 1), (3, 2), (3, 3)]
    assert len({part.part[0] for part in parts}) == 1
    assert reported == [message] and message.status == 200


def test_a_centre_that_refuses_or_keeps_silent_is_reported():
    link, phone, one, centre, cscf, reported = messaging()
    centre.answer = "error"
    message = send(phone, one, "a", link)
    link.run(1000)
    assert (message.status, message.reason) == (480, b"Short Message Refused, Cause 21")
    centre.answer = "nothing"
    message = send(phone, one, "b", link)
    link.run(39000)
    assert message.status == 0
    link.run(3000)
    assert message.status == 408
    cscf.override = [(404, [])]
    message = send(phone, one, "c", link)
    link.run(1000)
    assert message.status == 404 and len(reported) == 3
    assert messages.of(one, phone.core) not in phone.core.usages


def test_a_delivered_text_is_reported_and_acknowledged_in_a_message_of_its_own():
    link, phone, one, centre, cscf, reported = messaging()
    centre.deliver(deliver_tpdu("Hi Alice"))
    link.run(1000)
    (text,) = reported
    assert (text.from_uri, text.body) == (b"tel:+15550100002", b"Hi Alice")
    assert text.content_type == b"text/plain" and text.account is one
    start, fields = cscf.requests[-1]
    assert start == "MESSAGE sip:smsgw@%s SIP/2.0" % HOST
    assert fields["in-reply-to"][0].startswith("m") and fields["content-type"] == [SMS]
    assert centre.received[-1][:2] == bytes((2, 7))


def test_the_parts_of_a_text_become_one_in_any_order():
    link, phone, one, centre, cscf, reported = messaging()
    for number, text in ((2, "world"), (1, "hello ")):
        header = b"\x05\x00\x03\x2a\x02" + bytes((number,))
        centre.deliver(deliver_tpdu(text, number, header))
        link.run(500)
    assert [message.body for message in reported] == [b"hello world"]
    assert [body[:2] for body in centre.received] == [b"\x02\x02", b"\x02\x01"]


def test_a_broken_short_message_is_refused_with_a_cause():
    link, phone, one, centre, cscf, reported = messaging()
    rp = deliver_tpdu("Hi Alice")[:9]
    centre.deliver(rp + b"\x03\x04\x0b\x91")
    link.run(1000)
    assert not reported and centre.received[-1] == b"\x04\x07\x01\x60"
    centre.deliver(b"\x01")
    link.run(1000)
    assert len(centre.received) == 1


def test_a_text_needs_a_number_and_a_centre():
    link, phone, one, centre, cscf, reported = messaging()
    for number in ("bob", "", "+" + "1" * 21):
        try:
            messages.of(one, phone.core).send(number, "x", link.now_ms)
        except ValueError:
            continue
        raise AssertionError(number)
    assert not only(cscf, "MESSAGE") and not phone.core.usages[1:]
