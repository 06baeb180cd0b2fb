"""Tests of IPv6 in net: addresses, sockets, and a call over [::1] where the machine has that."""

import usip
from host_tests.test_agent import Tone, run, until
from usip import config
from usip.errors import ConfigError
from usip.net import address, address6
from usip.net.udp import DatagramSocket

HERE = "::1"


def has_loopback() -> bool:
    """Say whether this machine has [::1], and print when it has not."""
    try:
        DatagramSocket(HERE, 47990).close()
        return True
    except OSError:
        print("[::1]: there is no IPv6 on this machine")
        return False


def test_a_socket_address_is_decoded():
    octets = bytearray(28)
    octets[0] = 10
    octets[2:4] = b"\x13\xc4"
    octets[8:24] = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x09"
    if address6.FAMILY:
        assert address.decode(octets) == ("2001:db8::9", 5060)
    assert address.decode((HERE, 5060, 0, 0)) == (HERE, 5060)


def test_a_machine_without_ipv6_says_so():
    kept = address6.FAMILY
    address6.FAMILY = 0
    try:
        address.native(HERE, 5060)
    except OSError:
        pass
    else:
        raise AssertionError
    finally:
        address6.FAMILY = kept


def test_our_own_address_towards_loopback():
    assert address.local_host(HERE) == HERE
    assert address.is_wildcard("::") and not address.is_wildcard(HERE)


def test_datagrams_tell_their_source():
    if not has_loopback():
        return
    one, other = DatagramSocket(HERE, 47991), DatagramSocket(HERE, 47992)
    assert one.send(b"ring", 4, address.native(HERE, 47992))
    data = None
    for _ in range(1000):
        data = data or other.receive(100)
    assert data == b"ring" and other.source == (HERE, 47991)
    one.close()
    other.close()


def settings(user: str, rtp: int, **more) -> dict:
    """Return the configuration of an agent at [::1]."""
    document = {
        "accounts": [{"aor": "sip:%s@[::1]" % user}],
        "media": {"rtp_ports": [rtp, rtp + 39]},
        "network": dict(more, address=HERE, sip_port=0),
    }
    return config.parse(document)


def test_addresses_in_the_configuration_are_checked():
    assert settings("a", 46000)["network"]["address"] == HERE
    for wrong in ("[::1]", ":::", "1::2::3", "fe80::1%eth0", "12345::"):
        try:
            config.parse({"accounts": [{"aor": "sip:a@h"}], "network": {"address": wrong}})
        except ConfigError as e:
            assert str(e).startswith("network.address: ")
        else:
            raise AssertionError(wrong)


def carry_a_call(parameters: str = "", **network) -> None:
    async def main():
        alice = usip.Agent(settings("alice", 46000, **network))
        bob = usip.Agent(settings("bob", 46040, **network))
        mine, theirs = Tone(1000), Tone(2000)

        @bob.application()
        async def serve(call):
            await call.answer(theirs)
            await call.ended()

        async with alice, bob:
            uri = "sip:bob@[::1]:%d%s" % (bob.transport.port, parameters)
            call = await alice.call(uri, mine)
            session = call.session
            assert call.local_address[0] == HERE and call.media.remote_address == b"::1"
            assert b"@[::1]:%d" % bob.transport.port in session.dialog.remote_target
            await until(lambda: mine.heard > 5 and theirs.heard > 5)
            bob.calls[0].hang_up()
            await call.ended()
            assert call.ended_by == "remote" and alice.core.counters.malformed == 0

    run(main)


def test_a_call_over_udp():
    if has_loopback():
        carry_a_call()


def test_a_call_over_tcp():
    if has_loopback():
        carry_a_call(";transport=tcp", tcp="on")
