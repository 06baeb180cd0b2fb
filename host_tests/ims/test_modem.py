"""A modem's card over a scripted UART."""

from binascii import b2a_base64, hexlify, unhexlify

from usip.ims import aka, modem

OK, SYNC_FAILURE, MAC_FAILURE, UNAVAILABLE, PENDING = range(5)

RAND = bytes(range(16))
AUTN = bytes(range(16, 32))
RES = unhexlify("0001020304050607")
CK = b"\xcc" * 16
IK = b"\x11" * 16
AUTS = bytes(range(14))
IMPI = b"001010000000001@ims.mnc001.mcc001.3gppnetwork.org"


class UART:
    """Answers each command line by what `reply` returns for it, a few octets a read."""

    def __init__(self, reply, step=7):
        self.reply = reply
        self.step = step
        self.commands = []
        self.out = b""

    def write(self, octets):
        assert octets[-1:] == b"\r"
        self.commands.append(bytes(octets[:-1]))
        self.out += self.reply(self.commands[-1])

    def read(self, count):
        count = min(count, self.step)
        octets, self.out = self.out[:count], self.out[count:]
        return octets or None


def data_object(text):
    return b"\x80" + bytes((len(text),)) + text


class Card:
    """A card in a modem: applications, files, and what AUTHENTICATE answers."""

    def __init__(self, has_isim=True, has_ccho=True, chained=False):
        self.has_isim = has_isim
        self.has_ccho = has_ccho
        self.chained = chained  # data comes by GET RESPONSE
        self.selected = b""
        self.pending = b""
        self.answer = b"\xdb\x08" + RES + b"\x10" + CK + b"\x10" + IK + b"\x90\x00"
        self.files = {
            b"6F02": data_object(IMPI),
            b"6F03": data_object(b"ims.mnc001.mcc001.3gppnetwork.org"),
            b"6F04": [data_object(b"sip:alice@h"), data_object(b"tel:+15550100001") + b"\xff"],
            b"6F07": unhexlify("080910100000000010"),
            b"6FAD": unhexlify("00000002"),
        }
        self.channel = b"1"

    def __call__(self, command):
        if command == b"ATE0":
            return b"ATE0\r\r\nOK\r\n"
        if command.startswith(b"AT+CCHO"):
            if not self.has_ccho or (not self.has_isim and b"1004" in command):
                return b"\r\n+CME ERROR: 22\r\n"
            return b"\r\n+CCHO: " + self.channel + b"\r\n\r\nOK\r\n"
        apdu = command[command.find(b'"') + 1 : -1]
        name = b"+CGLA" if command.startswith(b"AT+CGLA") else b"+CSIM"
        answer = hexlify(self.apdu(unhexlify(apdu))).upper()
        return b'\r\n%s: %d,"%s"\r\n\r\nOK\r\n' % (name, len(answer), answer)

    def apdu(self, apdu):
        instruction = apdu[1]
        if instruction == 0x70:
            return b"\x01\x90\x00" if apdu[2] == 0 else b"\x90\x00"
        assert apdu[0] == 1, apdu  # the logical channel
        if instruction == 0xC0:
            return self.pending[: apdu[4]] + b"\x90\x00"
        if instruction == 0xA4:
            return self.select(apdu)
        if instruction == 0x88:
            assert apdu == b"\x01\x88\x00\x81\x22\x10" + RAND + b"\x10" + AUTN
            return self.maybe_chained(self.answer)
        content = self.files.get(self.selected)
        if content is None:
            return b"\x6a\x82"
        if instruction == 0xB2:
            if apdu[2] > len(content):
                return b"\x6a\x83"
            content = content[apdu[2] - 1]
        if self.chained and apdu[4] != len(content):
            return bytes((0x6C, len(content)))
        return content + b"\x90\x00"

    def select(self, apdu):
        if apdu[2] == 4:
            return b"\x61\x10" if self.has_isim or apdu[-1:] == b"\x02" else b"\x6a\x82"
        self.selected = hexlify(apdu[5:7]).upper()
        return self.maybe_chained(b"\x62\x02\x83\x00\x90\x00")

    def maybe_chained(self, answer):
        if self.chained and len(answer) > 2:
            self.pending = answer[:-2]
            return bytes((0x61, len(self.pending)))
        return answer


def until_done(one, now_ms=0):
    for _ in range(3000):
        result = one.poll(now_ms)
        if result != PENDING:
            return result
        now_ms += 1
    return PENDING


def started(card, step=7):
    one = modem.ModemISIM(UART(card, step))
    assert one.start(0) == PENDING
    return one, until_done(one)


def test_identities_are_read_from_an_isim():
    for chained in (False, True):
        for step in (1, 7, 64):
            one, result = started(Card(chained=chained), step)
            assert result == OK and not one.is_usim
            assert one.impi == IMPI and one.domain == IMPI[16:]
            assert one.impus == (b"sip:alice@h", b"tel:+15550100001")


def test_a_usim_lends_its_imsi():
    one, result = started(Card(has_isim=False))
    assert result == OK and one.is_usim
    assert one.impi == IMPI and one.impus == (b"sip:" + IMPI,)


def test_a_modem_with_csim_alone_gets_its_channel_by_apdu():
    for has_isim in (True, False):
        one, result = started(Card(has_isim=has_isim, has_ccho=False))
        assert result == OK and one.impi == IMPI and one.is_usim != has_isim
        commands = one._uart.commands
        assert b'AT+CSIM=10,"0070000001"' in commands
        assert (b'AT+CSIM=8,"00708001"' in commands) == (not has_isim)  # closed again
        assert not any(command.startswith(b"AT+CGLA") for command in commands)


def test_an_application_is_spoken_to_on_its_channel():
    one, result = started(Card())
    commands = one._uart.commands
    assert commands[:3] == [b"ATE0", b'AT+CCHO="A0000000871004"', b'AT+CGLA=1,14,"01A40004026F02"']


def test_the_channel_may_come_without_a_name():
    class Bare(Card):
        def __call__(self, command):
            answer = Card.__call__(self, command)
            return answer.replace(b"+CCHO: ", b"")

    assert started(Bare())[1] == OK


def test_a_challenge_is_answered_by_the_card():
    for chained in (False, True):
        one, result = started(Card(chained=chained))
        assert one.authenticate(RAND, AUTN) == PENDING
        assert until_done(one) == OK
        assert (one.res, one.ck, one.ik) == (RES, CK, IK)
        one.forget()
        assert one.res == one.ck == one.ik == b""


def test_a_card_out_of_step_gives_auts():
    one, result = started(Card())
    one._uart.reply.answer = b"\xdc\x0e" + AUTS + b"\x90\x00"
    one.authenticate(RAND, AUTN)
    assert until_done(one) == SYNC_FAILURE and one.auts == AUTS and one.res == b""


def test_a_card_tells_a_wrong_mac():
    one, result = started(Card())
    one._uart.reply.answer = b"\x98\x62"
    one.authenticate(RAND, AUTN)
    assert until_done(one) == MAC_FAILURE


def test_answers_that_make_no_sense_are_unavailable():
    for answer in (
        b"",
        b"\x90",
        b"\x90\x00",
        b"\x6d\x00",
        b"\xdb\x90\x00",
        b"\xdb\x08" + RES + b"\x90\x00",
        b"\xdb\x08" + RES + b"\x10" + CK + b"\x10" + IK[1:] + b"\x90\x00",
        b"\xdb\x08" + RES + b"\x10" + CK + b"\x0f" + IK[1:] + b"\x90\x00",
        b"\xdb\x02ab\x10" + CK + b"\x10" + IK + b"\x90\x00",
        b"\xdc\x0d" + AUTS[1:] + b"\x90\x00",
        b"\xdc\x90\x00",
        b"\xff" * 300,
    ):
        one, result = started(Card())
        one._uart.reply.answer = answer
        one.authenticate(RAND, AUTN)
        assert until_done(one) == UNAVAILABLE, answer
        assert one.res == one.auts == b""
        assert one.authenticate(RAND, AUTN) == UNAVAILABLE  # start() is needed first


def test_a_modem_that_says_nothing_runs_into_the_time_out():
    one = modem.ModemISIM(UART(lambda command: b""), timeout_ms=500)
    assert one.start(1000) == PENDING
    assert one.poll(1499) == PENDING and one.poll(1500) == UNAVAILABLE
    assert one.poll(1501) == UNAVAILABLE
    one = modem.ModemISIM(UART(Card(), 64), timeout_ms=500)
    one.start(0)
    assert until_done(one) == OK
    one._uart.reply = lambda command: b"\r\nRING\r\n"
    one.authenticate(RAND, AUTN)
    assert one.poll(90000) == PENDING and one.poll(90499) == PENDING
    assert one.poll(90500) == UNAVAILABLE


def test_noise_is_survived():
    for noise in (
        b"\r\nERROR\r\n",
        b"\r\nOK\r\n",
        b"\xff" * 2000 + b"\r\nOK\r\n",
        b'\r\n+CGLA: 4,"90zz"\r\n\r\nOK\r\n',
        b"\r\n+CGLA:\r\n\r\nOK\r\n",
        b"\r\n+CCHO: -1\r\n\r\nOK\r\n",
        b"\r\n+CCHO: 99999999\r\n\r\nOK\r\n",
        b'\r\n+CSIM: 4,"9"\r\n\r\nOK\r\n',
        b'\r\n+CSIM: 4,"\xc3\xa9"\r\n\r\nOK\r\n',
        b'\r\n+CGLA: 4,"61FF"\r\n\r\nOK\r\n',
    ):
        one = modem.ModemISIM(UART(lambda command: noise, 64))  # noqa: B023
        one.start(0)
        assert until_done(one) == UNAVAILABLE, noise
        assert one.impi == b""


def test_files_that_make_no_sense_are_refused():
    for file, content in (
        (b"6F02", b""),
        (b"6F02", b"\x80"),
        (b"6F02", b"\x80\x00"),
        (b"6F02", b"\x80\x09abc"),
        (b"6F02", b"\x81\x03abc"),
        (b"6F02", b"\x80\x03a\xff\x00"),
        (b"6F03", b"\xff" * 40),
        (b"6F04", []),
    ):
        card = Card()
        card.files[file] = content
        assert started(card)[1] == UNAVAILABLE, content
    for content in (b"", b"\x00", b"\x09" + bytes(9), b"\xff" * 9, b"\x03\x09\x10\x10"):
        card = Card(has_isim=False)
        card.files[b"6F07"] = content
        assert started(card)[1] == UNAVAILABLE, content


def test_what_came_too_late_is_not_taken_for_an_answer():
    one, result = started(Card())
    one._uart.out = b'\r\n+CGLA: 4,"9862"\r\n\r\nOK\r\n' * 3
    one.authenticate(RAND, AUTN)
    assert until_done(one) == OK


def test_aka_waits_for_the_card():
    one, result = started(Card())
    authentication = aka.AKA(one)
    assert authentication.challenge(b2a_base64(RAND + AUTN).strip()) == PENDING
    for now_ms in range(1000):
        result = authentication.poll(now_ms)
        if result != PENDING:
            break
    assert result == OK and authentication.password == RES and one.res == b""


def test_nothing_shows_the_answer():
    one, result = started(Card())
    one.authenticate(RAND, AUTN)
    until_done(one)
    assert repr(one) == "<ModemISIM %s>" % IMPI.decode()
