"""Several applications and accounts of an agent, and who may call it: on loopback."""

import usip
from host_tests.test_agent import HERE, Tone, run, settings, until, uri
from usip import config
from usip.errors import CallFailed


def several(accounts, incoming=None, rtp=45000, **network):
    """Return the checked configuration of an agent with these accounts."""
    document = {
        "accounts": accounts,
        "media": {"rtp_ports": [rtp, rtp + 39]},
        "network": dict(network, address=HERE, sip_port=0),
    }
    if incoming is not None:
        document["incoming"] = incoming
    return config.parse(document)


def answering(agent):
    """Let an agent answer each call until the far side hangs up."""

    @agent.application()
    async def serve(call):
        await call.answer(Tone(1000))
        await call.ended()

    return serve


class Chat:
    """The media hook of a session of another kind than sound."""

    def receive_offer(self, buf, start, end):
        return 0

    def put_answer(self, w):
        w.put(b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n")
        w.put(b"m=message 7654 TCP/MSRP *\r\n")

    def reject_offer(self, is_postponed=False):
        """Nothing is kept."""


def test_a_second_application_beside_the_phone_takes_what_is_meant_for_it():
    async def main():
        alice = usip.Agent(settings("alice"))
        bob = usip.Agent(settings("bob", 45040))
        answering(bob)
        mailbox = []

        @bob.application(called=("mailbox",))
        async def record(call):
            mailbox.append(call.local_uri)
            call.reject(603)

        async with alice, bob:
            call = await alice.call(uri(bob, "bob"), Tone(1000))
            assert not mailbox
            call.hang_up()
            await call.ended()
            try:
                await alice.call(uri(bob, "mailbox"))
            except CallFailed as e:
                assert e.status == 603
            assert len(mailbox) == 1
            bob.remove(record)
            call = await alice.call(uri(bob, "mailbox"))
            call.hang_up()
            await call.ended()
            assert len(mailbox) == 1

    run(main)


def test_an_application_may_have_media_of_its_own():
    async def main():
        bob = usip.Agent(settings("bob", 45040))
        seen = []
        answering(bob)
        bob.application(media=("message",), create_media=lambda session: Chat())(seen.append)
        alice = usip.Agent(settings("alice"))
        async with alice, bob:
            chat = Offering()
            session = alice.core.invite(
                alice.account(), uri(bob, "bob").encode(), chat, alice.now_ms()
            )
            alice.flush()
            await until(lambda: seen)
            assert seen[0].is_incoming and not bob.calls
            seen[0].answer(bob.now_ms())
            bob.flush()
            await until(lambda: session.state == 6)
            call = await alice.call(uri(bob, "bob"), Tone(1000))
            assert len(seen) == 1 and call.is_answered
            session.hang_up(alice.now_ms())
            alice.flush()
            await until(lambda: seen[0].state == 8)

    run(main)


class Offering(Chat):
    def put_offer(self, w):
        self.put_answer(w)

    def receive_answer(self, buf, start, end):
        return 0


def test_a_call_goes_over_to_the_next_account_when_the_first_one_fails():
    async def main():
        broken = usip.Agent(settings("pbx", 45080))
        bob = usip.Agent(settings("bob", 45040))

        @broken.application()
        async def refuse(call):
            call.reject(503)

        answering(bob)
        async with broken, bob:
            aors = ["sip:1@%s:%d" % (HERE, agent.transport.port) for agent in (broken, bob)]
            alice = usip.Agent(several([{"aor": aor} for aor in aors]))
            seen = []
            alice.observer = lambda event, subject, detail: seen.append((event, subject))
            async with alice:
                assert alice.account().aor.decode() == aors[0]
                call = await alice.call("500")
                assert call.session.account.aor.decode() == aors[1]
                assert [event for event, _ in seen if event == usip.ENDED] == []
                number = call.id
                call.hang_up()
                await call.ended()
                assert number == 1 and not alice.calls
                try:
                    await alice.call("500", account=alice.account(aors[0]))
                except CallFailed as e:
                    assert e.status == 503
                else:
                    raise AssertionError

    run(main)


def test_what_the_called_person_answers_is_final():
    async def main():
        bob = usip.Agent(settings("bob", 45040))
        refusals = []

        @bob.application()
        async def refuse(call):
            refusals.append(call.local_uri)
            call.reject(486)

        async with bob:
            aor = "sip:%%s@%s:%d" % (HERE, bob.transport.port)
            alice = usip.Agent(several([{"aor": aor % "1"}, {"aor": aor % "2"}]))
            async with alice:
                try:
                    await alice.call("500")
                except CallFailed as e:
                    assert e.status == 486
                assert len(refusals) == 1

    run(main)


def test_the_first_account_that_is_bound_is_used():
    registrar = "sip:%s:9" % HERE
    agent = usip.Agent(
        several([{"aor": "sip:1@a.example", "registrar": registrar}, {"aor": "sip:2@b.example"}])
    )

    async def main():
        async with agent:
            assert agent.account().user == b"2"
            agent.core.accounts[0].registration.state = 2
            assert agent.account().user == b"1"
            agent.core.accounts[0].registration.state = 4

    run(main)


def test_callers_are_asked_for_the_password_of_the_configuration():
    async def main():
        incoming = {"realm": "house", "users": [{"user": "station", "password": "secret"}]}
        bob = usip.Agent(several([{"aor": "sip:bob@%s" % HERE}], incoming, 45040))
        answering(bob)
        station = {"auth_user": "station", "password": "secret"}
        alice = usip.Agent(settings("alice", **station))
        stranger = usip.Agent(settings("eve", 45080))
        async with alice, bob, stranger:
            call = await alice.call(uri(bob, "bob"))
            call.hang_up()
            await call.ended()
            try:
                await stranger.call(uri(bob, "bob"))
            except CallFailed as e:
                assert e.status == 401
            else:
                raise AssertionError

    run(main)


def test_a_caller_who_may_is_answered_at_once():
    async def main():
        bob = usip.Agent(
            several([{"aor": "sip:bob@%s" % HERE}], {"auto_answer": ["alice"]}, 45040)
        )
        asked = []

        @bob.application()
        async def serve(call):
            asked.append(call.auto_answer_s)
            call.reject(486)

        alice = usip.Agent(settings("alice"))
        eve = usip.Agent(settings("eve", 45080))
        header = ((b"Call-Info", b"<sip:x>;answer-after=2"),)
        async with alice, bob, eve:
            for agent in (alice, eve):
                try:
                    await agent.call(uri(bob, "bob"), headers=header)
                except CallFailed as e:
                    assert e.status == 486
            assert asked == [2, -1]

    run(main)


def test_contacts_have_the_features_of_the_configuration():
    uuid = "00000000-0000-1000-8000-000a95a0e128"
    account = {
        "aor": "sip:1@a.example",
        "features": ["audio", 'methods="INVITE,BYE"'],
        "q": 700,
        "contacts": [{"uri": "sip:texts@192.0.2.9", "features": ["text"], "q": 1000}],
        "tel": "tel",
        "dial_plan": [{"prefix": "0", "strip": 1, "add": "+49"}],
    }
    agent = usip.Agent(several([account], instance_id=uuid))

    async def main():
        async with agent:
            made = agent.core.accounts[0]
            assert made.capabilities == (
                b';audio;methods="INVITE,BYE";q=0.700;+sip.instance="<urn:uuid:%s>"'
                % uuid.encode()
            )
            assert made.contact_parameters == b';audio;methods="INVITE,BYE"'
            assert made.other_contacts == b"Contact: <sip:texts@192.0.2.9>;text;q=1.000\r\n"
            assert made.dial_plan == ((b"0", 1, 24, 1, b"+49"),) and made.calls_tel

    run(main)


def test_calls_have_the_limits_of_the_configuration():
    document = {
        "accounts": [{"aor": "sip:1@%s" % HERE}],
        "network": {"address": HERE, "sip_port": 0},
        "calls": {"ring_s": 30, "call_s": 600, "session_expires_s": 1800, "sessions": 1},
    }
    agent = usip.Agent(config.parse(document))

    async def main():
        async with agent:
            limits = agent.limits
            assert (limits.ring_s, limits.sessions, limits.min_se_s) == (30, 1, 90)
            assert limits.session_expires_s == 1800
            assert [usage.call_ms for usage in agent.core.usages] == [600000]

    run(main)
