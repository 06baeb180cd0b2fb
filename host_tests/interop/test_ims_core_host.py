"""The IMS core itself, by hand: whatever fails here is not the phone's fault."""

import threading

import pytest

from .ims.by_hand import Phone, fields
from .ims.core import IMSCore


@pytest.fixture
def core(started):
    return started(IMSCore, "core")


@pytest.fixture(params=["udp", "tcp"])
def phone(core, request):
    one = Phone(core, core.hss.subscribers[0], transport=request.param)
    yield one
    one.close()
    core.check_alive()


def test_aka_registration_with_an_implicit_set_and_reg_event(core, phone):
    subscriber = core.hss.subscribers[0]
    response = phone.register()
    assert phone.log == [401, 200]
    assert fields(response, "P-Associated-URI") == [
        ", ".join(f"<{impu}>" for impu in subscriber.impus)
    ]
    assert len(phone.service_route) == 1 and "sip:orig@" in phone.service_route[0]
    assert core.hss.commands(phone.impi) == ["UAR", "MAR", "SAR"]
    notify = phone.subscribe()
    assert fields(notify, "Content-Type") == ["application/reginfo+xml"]
    for impu in subscriber.impus:
        assert f'aor="{impu}"' in notify
    assert "ck=" not in response


def test_a_sequence_number_already_used_is_resynchronised(core, phone):
    subscriber = core.hss.subscribers[0]
    phone.register()
    subscriber.sqn = 32
    phone.log.clear()
    phone.register()
    assert phone.log == [401, 401, 200]
    assert subscriber.resynchronised == 1 and subscriber.refused_auts == 0


def test_a_foreign_key_ends_after_two_refusals(core):
    subscriber = core.hss.subscribers[0]
    phone = Phone(core, subscriber, k=core.hss.subscribers[1].k)
    response = phone.register()
    assert response.startswith("SIP/2.0 401")
    assert phone.log == [401, 401, 401]
    assert not subscriber.is_registered
    phone.close()
    core.check_alive()


def test_registration_ends(core, phone):
    phone.register()
    phone.log.clear()
    assert phone.register(expires=0).startswith("SIP/2.0 200")
    assert phone.log == [401, 200]


@pytest.fixture(params=["udp", "tcp"])
def called(core, request):
    """A second phone, registered."""
    one = Phone(core, core.hss.subscribers[1], transport=request.param)
    one.register()
    yield one
    one.close()


class Receiving(threading.Thread):
    """Lets *phone* receive and answer *count* requests meanwhile."""

    def __init__(self, phone, count):
        super().__init__()
        self.phone = phone
        self.count = count
        self.received = []

    def run(self):
        for _ in range(self.count):
            self.received.append(self.phone.receive())


def test_a_message_reaches_a_telephone_number(core, phone, called):
    phone.register()
    receiving = Receiving(called, 1)
    receiving.start()
    response = phone.message("tel:+15550100002", "hello", "tel:+15550100001")
    receiving.join(6)
    assert response.startswith("SIP/2.0 200"), response
    (message,) = receiving.received
    assert message.endswith("hello")
    assert fields(message, "P-Asserted-Identity") == ["<tel:+15550100001>"]
    assert fields(message, "P-Called-Party-ID") == [f"<sip:+15550100002@{core.realm};user=phone>"]
    assert not fields(message, "P-Preferred-Identity")


def test_a_call_keeps_to_its_route(core, phone, called):
    phone.register()
    receiving = Receiving(called, 3)
    receiving.start()
    response = phone.call_and_hang_up("tel:+15550100002", "tel:+15550100001")
    receiving.join(6)
    assert response.startswith("SIP/2.0 200"), response
    methods = [message.split(" ", 1)[0] for message in receiving.received]
    assert methods[0] == "INVITE"
    assert sorted(methods[1:]) == ["ACK", "BYE"]  # of two datagrams either may come first
    assert len(",".join(fields(receiving.received[0], "Record-Route")).split(",")) >= 3
