"""Tests of usip.call: what signalling and sound do to a call, and what its commands do to them."""

from array import array

from fakes.noalloc import NoAlloc

from usip import call as calls
from usip.errors import StateError
from usip.rtp.digits import Digits
from usip.sip.info import parse_digit

FRAME = array("h", [1000] * 160)


class Waiter:
    """Counts what an asyncio.Event would wake."""

    def __init__(self):
        self.times = 0

    def set(self):
        self.times += 1

    def clear(self):
        pass


class Agent:
    """Remembers what it was told."""

    def __init__(self):
        self.time_ms = 1000
        self.seen = []
        self.flushes = 0
        self.tones = []

    def now_ms(self):
        return self.time_ms

    def flush(self):
        self.flushes += 1

    def make_tone(self, digit):
        self.tones.append(digit)
        return Beep()

    def observe(self, event, subject, detail):
        self.seen.append((event, detail))


class Beep:
    """A tone of three frames."""

    frames = 0
    is_finished = False

    def read(self, pcm):
        pcm[0] = 5
        self.frames += 1
        self.is_finished = self.frames == 3


class Session:
    """A session in the state that the test wants."""

    id = 7
    is_incoming = True
    remote_uri = b'"Front <door>" <sip:101@192.0.2.1;x=y>;tag=1'
    remote_display = b"Front \xff"
    local_uri = b"sip:102@192.0.2.2;tag=2"
    by = 2

    def __init__(self, *allowed):
        self.allowed_commands = allowed
        self.log = []
        self.status = 200
        self.reason = b"OK"
        self.info_body = self.info_package = b""

    def allowed(self, command):
        return command in self.allowed_commands

    def require(self, command):
        if not self.allowed(command):
            raise StateError(command)

    def ring(self, now_ms, status):
        self.log.append(("ring", status))

    def answer(self, now_ms):
        self.log.append(("answer",))

    def reject(self, now_ms, status, reason):
        self.log.append(("reject", status, reason))

    def hang_up(self, now_ms):
        self.log.append(("hang_up",))

    def modify(self, now_ms):
        self.log.append(("modify",))

    def info(self, now_ms, content_type, body):
        self.log.append(("info", content_type, body))


class Media:
    """What was negotiated, as the test says."""

    is_active = can_send = can_receive = changed = True
    is_held = False
    payload_type = receive_payload_type = 0
    codec = b"PCMU"
    telephone_event = receive_telephone_event = 101
    has_noise = False
    ptime = 20

    def __init__(self):
        self.log = []

    def rest(self):
        """As after an exchange."""

    def hold(self):
        self.log.append("hold")

    def resume(self):
        self.log.append("resume")


class Sender:
    """Of a G.711 stream."""

    coder = None


class Stream:
    """Frames in and out, counted."""

    sender = Sender()

    def __init__(self):
        self.digits = Digits()
        self.is_listening = False
        self.now_ms = 0
        self.packed = 0
        self.played = 0
        self.last = 0
        self.sent_digits = []
        self.is_full = False

    def configure(self, *values):
        self.values = values

    def play(self, pcm, now_ms):
        pcm[0] = 77
        self.played += 1

    def pack(self, pcm):
        self.packed += 1
        self.last = pcm[0]
        return 172

    def send_digit(self, digit, duration_ms):
        if self.is_full:
            return False
        self.sent_digits.append(chr(digit))
        return True

    def detect_tones(self):
        self.is_listening = True


class Sound:
    """A source and a sink."""

    def __init__(self):
        self.frames = 0
        self.first = 0
        self.closed = 0

    def open(self):
        return self, self

    def read(self, pcm):
        pcm[0] = 1234

    def write(self, pcm):
        self.frames += 1
        self.first = pcm[0]

    def close(self):
        self.closed += 1


def make(*allowed):
    call = calls.Call(Agent(), Waiter())
    call.session = Session(*allowed)
    call.media = Media()
    call.stream = Stream()
    return call


def events(call):
    return [event for event, _ in call._agent.seen]


def run(coroutine):
    """Run a coroutine that never has to wait; return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as e:
        return e.value
    raise AssertionError("it waits")


def test_uris_and_names_come_out_of_header_values():
    call = make()
    assert call.remote_uri == "sip:101@192.0.2.1;x=y"
    assert call.local_uri == "sip:102@192.0.2.2"
    assert call.remote_display_name == "Front ?"
    assert call.id == 7


def test_an_answer_configures_the_stream_and_is_reported_once():
    call = make()
    call.answered(5000)
    call.media.changed = False
    call.answered(6000)
    assert events(call) == [calls.ANSWERED, calls.MEDIA]
    assert call.stream.values == (0, 0, b"PCMU", 101, 101, 20, False)
    assert call.has_media and call.direction == "sendrecv"
    call._agent.time_ms = 8500
    assert call.duration_ms() == 3500


def test_events_are_iterated_with_what_belongs_to_them():
    call = make()
    call.session.status, call.session.reason = 183, b"Session Progress"
    call.media.changed = False
    call.progress()
    call.session.info_body = b"Signal=5\r\nDuration=250\r\n"
    call.receive_info(3000)
    assert run(call.__anext__()) == calls.PROGRESS
    assert (call.status, call.reason) == (183, "Session Progress")
    assert run(call.__anext__()) == calls.DTMF
    assert (call.digit, call.digit_via) == ("5", "info")
    assert run(call.__anext__()) == calls.DTMF_ENDED
    assert (call.digit, call.digit_via, call.digit_ms) == ("5", "info", 250)


def test_the_end_ends_the_iteration_and_closes_the_sound():
    call = make()
    sound = Sound()
    call.open_audio(sound)
    call.answered(5000)
    call.end(9000)
    call.end(9999)
    assert events(call) == [calls.ANSWERED, calls.MEDIA, calls.ENDED]
    assert sound.closed == 2  # as source and as sink
    assert not call.has_media
    assert call.duration_ms() == 4000
    assert call.ended_by == "remote"
    for event in (calls.ANSWERED, calls.MEDIA, calls.ENDED):
        assert run(call.__anext__()) == event
    try:
        run(call.__anext__())
    except StopAsyncIteration:
        return
    raise AssertionError


def test_hold_by_the_far_side_is_reported_when_it_changes():
    call = make()
    call.update_media()
    call.media.is_held = True
    call.update_media()
    call.update_media()
    call.media.is_held = False
    call.update_media()
    assert [e for e in events(call) if e != calls.MEDIA] == [calls.HELD, calls.RESUMED]


def test_commands_are_given_only_where_they_are_allowed():
    call = make("answer", "modify")
    call.accept(None)
    call.hold()
    call.resume()
    call.hang_up()  # not allowed: nothing happens
    assert call.session.log == [("answer",), ("modify",), ("modify",)]
    assert call.media.log == ["hold", "resume"]
    assert call._agent.flushes == 3
    call = make()
    for command in (call.accept, call.hold, call.resume, call.update):
        try:
            command()
        except StateError:
            continue
        raise AssertionError


def test_a_tick_plays_records_and_packs():
    call = make()
    sound = Sound()
    call.open_audio(sound)
    call.update_media()
    assert call.tick(20) == 172
    assert (sound.frames, sound.first, call.stream.last) == (1, 77, 1234)


def test_without_a_source_silence_is_sent_and_without_leave_nothing():
    call = make()
    call.update_media()
    assert call.tick(20) == 172
    assert call.stream.last == 0
    call.media.can_send = False
    assert call.tick(40) == 0
    assert (call.stream.played, call.stream.packed) == (2, 1)


def test_a_tick_uses_no_heap():
    call = make()
    call.open_audio(Sound())
    call.update_media()
    call.tick(20)
    with NoAlloc():
        for now_ms in range(40, 1000, 20):
            call.tick(now_ms)


def test_digits_are_sent_as_events_in_their_order():
    call = make()
    call.update_media()
    call.dtmf("1a#")
    call.tick(20)
    call.stream.is_full = True
    call.tick(40)
    call.stream.is_full = False
    call.tick(60)
    call.tick(80)
    call.tick(100)
    assert call.stream.sent_digits == ["1", "A", "#"]


def test_digits_go_in_info_requests_where_the_peer_takes_no_events():
    call = make("info")
    call.update_media()
    call.media.telephone_event = -1
    call.dtmf("5*")
    for now_ms in range(0, 1000, 20):
        call.tick(now_ms)
    assert call.session.log == [
        ("info", b"application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"),
        ("info", b"application/dtmf-relay", b"Signal=*\r\nDuration=160\r\n"),
    ]


def test_digits_that_do_not_exist_are_refused():
    call = make()
    for wrong in ("5x", "é", " "):
        try:
            call.dtmf(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
    assert call.stream.sent_digits == []


def digits_seen(call):
    """Return the digits pressed, and those that ended with their length."""
    seen = call._agent.seen
    pressed = [detail[:2] for event, detail in seen if event == calls.DTMF]
    return pressed, [detail for event, detail in seen if event == calls.DTMF_ENDED]


def test_digits_heard_are_reported_at_once_and_again_with_their_length():
    call = make()
    call.update_media()
    for code, way in ((5, 0), (11, 0), (16, 0), (15, 1)):
        call.stream.digits.press(code, way, 20)
        call.tick(20)
        assert len(digits_seen(call)[0]) == len(digits_seen(call)[1]) + 1
        call.stream.digits.end(code, way, 960, 20)
        call.tick(40)
    pressed = [("5", "rfc4733"), ("#", "rfc4733"), ("!", "rfc4733"), ("D", "inband")]
    assert digits_seen(call) == (pressed, [digit + (120,) for digit in pressed])


def test_a_digit_that_comes_in_two_ways_is_one():
    call = make()
    call.update_media()
    call.stream.digits.press(5, 0, 1000)
    call.session.info_body = b"Signal=5"
    call.receive_info(1100)
    call.stream.digits.end(5, 0, 960, 1120)
    call.tick(1120)
    assert digits_seen(call) == ([("5", "rfc4733")], [("5", "rfc4733", 120)])


def test_the_hook_flash_goes_as_event_or_in_an_info_request():
    call = make("info")
    call.update_media()
    for mode in ("rfc4733", "info", "inband"):
        call.dtmf("!", mode)
    for now_ms in range(0, 1000, 20):
        call.tick(now_ms)
    assert call.stream.sent_digits == ["!"]
    bodies = [entry[2] for entry in call.session.log if entry[0] == "info"]
    assert bodies == [b"Signal=16\r\nDuration=160\r\n"] * 2


def test_digits_may_be_sent_as_sound():
    call = make()
    call.open_audio(Sound())
    call.update_media()
    call.dtmf("58", "inband")
    loud = 0
    for now_ms in range(0, 600, 20):
        call.tick(now_ms)
        loud += call.stream.last != 1234
    assert call._agent.tones == ["5", "8"]
    assert loud == 6


def test_in_band_digits_are_listened_for_where_the_peer_sends_no_events():
    call = make()
    call.update_media()
    assert not call.stream.is_listening
    call.media.receive_telephone_event = -1
    call.update_media()
    assert call.stream.is_listening


def test_the_bodies_of_info_requests_of_many_kinds_name_a_digit():
    for body, digit, duration_ms in (
        (b"Signal=5\r\nDuration=160\r\n", "5", 160),
        (b"Signal= *\nDuration= 90", "*", 90),
        (b"signal=11\r\n", "#", 160),
        (b"Duration=100\r\nSignal=d", "D", 100),
        (b"7", "7", 160),
        (b"#\r\n", "#", 160),
        (b"Signal=16\r\nDuration=80", "!", 80),
        (b"Signal=12\r\n", "", 0),
        (b"Signal=\r\n", "", 0),
        (b"", "", 0),
        (b"hello", "", 0),
        (b"Signal=5\r\nDuration=99999999", "5", 160),
    ):
        assert parse_digit(body) == (digit, duration_ms), body
