"""The phone as a user equipment of a real IMS core, on both VMs."""

import itertools
import pathlib

import pytest

from tools import rom
from usip.ims import sms

from .cx_hss import REALM
from .ims import by_hand
from .ims.core import IMSCore
from .phone import Phone

# Of the phone on the VM, JSON and all, over TCP, in a call with preconditions; 96k is the aim.
HEAP = "160k"
SMS = "application/vnd.3gpp.sms"
TEL = ("tel:+15550100001", "tel:+15550100002")


@pytest.fixture(scope="module", autouse=True)
def image():
    """Build what the VM runs before anybody waits for a phone."""
    rom.build(program=rom.ROOT / "tools" / "phone_app.py")


@pytest.fixture
def core(started):
    return started(IMSCore, "core")


def account(core, number, transport="tcp", **ims) -> dict:
    """Return the account of a subscriber of the HSS, for a configuration."""
    subscriber = core.hss.subscribers[number]
    section = {
        "impi": subscriber.impi,
        "k": subscriber.k.hex(),
        "opc": subscriber.opc.hex(),
        "pcscf": f"127.0.0.1:{core.port}",
        "instance": f"urn:uuid:00000000-0000-4000-8000-00000000000{number}",
        "bssid": "020000000001",
    }
    section.update(ims)
    return {"transport": transport, "ims": section}


@pytest.fixture
def ims_phone(started, core, vm):
    """Call ims_phone(number, transport, *options, vm=..., **ims) for a phone of a subscriber."""

    count = itertools.count()
    if vm[-1] != "cpython":
        vm = (*vm[:-1], HEAP)

    def start(number, transport="tcp", *options, words=vm, **ims):
        settings = account(core, number, transport, **ims)
        return started(Phone, f"phone{next(count)}", words, settings, *options)

    yield start
    core.check_alive()


HERE = ("--vm", "cpython")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_it_registers_with_aka_and_is_three_identities(core, ims_phone, transport):
    subscriber = core.hss.subscribers[0]
    phone = ims_phone(0, transport)
    registered = phone.wait_event("registered")
    assert registered["associated"] == list(subscriber.impus)
    assert registered["aor"] == subscriber.impus[0]
    assert core.hss.commands(subscriber.impi) == ["UAR", "MAR", "SAR"]
    assert phone.quit() == 0
    assert len(phone.events("unregistered")) == 1
    assert not subscriber.is_registered


def test_the_reg_event_tells_of_the_registration(core, ims_phone):
    phone = ims_phone(0)
    phone.wait_event("subscribed", event_package="reg")
    notify = phone.wait_event("notify", event_package="reg")
    assert notify["state"] == "active"
    phone.do("unregister")
    phone.wait_event("unregistered")
    phone.wait_event("unsubscribed", event_package="reg")
    assert phone.quit() == 0


def test_a_sequence_number_already_used_is_resynchronised(core, ims_phone, folder):
    subscriber = core.hss.subscribers[0]
    phone = ims_phone(0, sqn_file=str(folder / "sqn.bin"))
    phone.wait_event("registered")
    assert phone.quit() == 0
    phone.stop()
    subscriber.sqn = 32
    again = ims_phone(0, sqn_file=str(folder / "sqn.bin"))
    again.wait_event("registered")
    assert subscriber.resynchronised == 1 and subscriber.refused_auts == 0
    assert again.quit() == 0


def test_a_foreign_key_ends_the_attempt(core, ims_phone):
    phone = ims_phone(0, k="0" * 32)
    failed = phone.wait_event("registration_failed")
    assert failed["reason"] == "Challenged Too Often" and failed["retry_in"] == 300
    assert not core.hss.subscribers[0].is_registered


def test_a_message_reaches_a_telephone_number(core, ims_phone):
    phone = ims_phone(0, words=HERE)
    phone.wait_event("registered")
    called = ims_phone(1)
    called.wait_event("registered")
    phone.do("message", to="+1-555-010-0002", body="hello")
    message = called.wait_event("message")
    assert phone.wait_event("message_sent")["status"] == 200
    assert message["body"] == "hello"
    assert message["asserted_identity"] == core.hss.subscribers[0].impus[0]
    assert message["called_identity"] == f"sip:+15550100002@{REALM};user=phone"


@pytest.mark.parametrize("preconditions", ["ready", "reserve"])
def test_a_call_between_two_phones_with_preconditions(core, ims_phone, preconditions):
    phone = ims_phone(0, words=HERE, preconditions=preconditions, preferred=TEL[0])
    called = ims_phone(1)
    for one in (phone, called):
        one.wait_event("registered")
        one.wait_event("notify", event_package="reg")
    phone.do("call", to=TEL[1])
    incoming = called.wait_event("incoming", timeout_s=15)
    assert incoming["asserted_identity"] == TEL[0]
    called.wait_event("incoming")
    if preconditions == "reserve":
        assert phone.wait_event("progress", status=183)["early_media"]
    phone.wait_event("progress", status=180)
    called.do("answer")
    phone.wait_event("answered")
    called.wait_event("answered")
    phone.do("dtmf", digits="5")
    called.wait_event("dtmf", digit="5")
    phone.do("hold")
    called.wait_event("held")
    phone.wait_event("media", direction="sendonly")
    phone.do("resume")
    called.wait_event("resumed")
    called.do("hangup")
    assert phone.wait_event("ended")["by"] == "remote"
    assert called.wait_event("ended")["status"] == 200
    for one in (phone, called):
        assert one.quit() == 0


def test_the_phone_on_the_vm_calls_too(core, ims_phone):
    phone = ims_phone(0, preconditions="reserve")
    called = ims_phone(1, "tcp", "--answer", "auto", words=HERE, preconditions="reserve")
    for one in (phone, called):
        one.wait_event("notify", event_package="reg")
    phone.do("call", to="+15550100002")
    phone.wait_event("answered", timeout_s=15)
    phone.do("hangup")
    assert called.wait_event("ended")["by"] == "remote"
    assert phone.quit() == 0


def test_short_messages_go_to_their_centre_and_come_from_it(core, ims_phone):
    """The second subscriber, by hand, is the service centre."""
    centre = by_hand.Phone(core, core.hss.subscribers[1], transport="tcp")
    centre.register()
    phone = ims_phone(0, service_centre=TEL[1])
    phone.wait_event("notify", event_package="reg")
    phone.do("message", to="+15550100009", body="hello", content_type=SMS)
    rp, submit = _relayed(centre.receive())
    assert (submit.address, submit.text) == ("+15550100009", "hello")
    acknowledgement = bytes((3, rp.reference)).decode("latin-1")
    assert centre.message(TEL[0], acknowledgement, TEL[1], SMS).startswith("SIP/2.0 200")
    assert phone.wait_event("message_sent")["status"] == 200
    centre.requests.clear()
    delivered = centre.message(TEL[0], DELIVER.decode("latin-1"), TEL[1], SMS)
    assert delivered.startswith("SIP/2.0 200")
    assert phone.wait_event("message")["body"] == "hellohello"
    while not centre.requests:
        centre.receive()
    assert _body(centre.requests[0])[:2] == bytes((2, 7))  # RP-ACK
    assert by_hand.fields(centre.requests[0], "In-Reply-To")
    centre.close()


# RP-DATA of the network with the DELIVER printed in tutorials of TS 23.040: "hellohello".
DELIVER = bytes.fromhex("010705915155109900") + bytes.fromhex(
    "1c040b915155100000f2000062012121430000" + "0ae8329bfd4697d9ec37"
)


def _body(message: str) -> bytes:
    return message.partition("\r\n\r\n")[2].encode("latin-1")


def _relayed(message: str) -> tuple:
    """Return the relay layer's message in a MESSAGE, and the short message in that."""
    assert by_hand.fields(message, "Content-Type") == [SMS]
    body = _body(message)
    rp = sms.parse_rp(body, 0, len(body))
    return rp, sms.parse_tpdu(body, rp.start, rp.end)


def test_no_secret_is_in_anything_a_run_writes(core, ims_phone, folder):
    subscriber = core.hss.subscribers[0]
    phone = ims_phone(0, sqn_file=str(folder / "sqn.bin"))
    phone.wait_event("registered")
    phone.do("memory")
    assert phone.quit() == 0
    secrets = [subscriber.k, subscriber.opc]
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "config.json":
            octets = path.read_bytes()
            for secret in secrets:
                forms = secret, secret.hex().encode(), secret.hex().upper().encode()
                found += [pathlib.Path(path).name for form in forms if form in octets]
    assert found == []
