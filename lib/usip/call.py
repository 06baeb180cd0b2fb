"""One call, where signalling and sound meet: its session, its negotiation, its audio stream.

Theory of operation. The core drives the session and gives the bodies of its messages to the
negotiator; whoever owns the sockets (the agent) calls `update_media` after each event of the
session, `receive_` for each packet and `tick` once in 20 ms, and sends the packet that `tick`
made. A call holds no socket and reads no clock, and a packet or a tick uses no heap.

To an application a Call is the events it iterates over and the commands it gives:

    async for event in call:
        if event == usip.DTMF: ... call.digit

Digits go as RFC 4733 events where the peer takes them, else in INFO requests; a digit that comes
in two ways is reported once.
"""

from array import array

from micropython import const

from usip import ticks

PROGRESS = 1  # a provisional response: call.status, call.reason
ANSWERED = 2
MEDIA = 3  # what is sent and heard was agreed, or has changed
HELD = 4  # by the far side
RESUMED = 5
DTMF = 6  # a key was pressed: call.digit ("!" is the hook flash), call.digit_via
ENDED = 7  # call.status, call.reason, call.ended_by
DTMF_ENDED = 8  # and let go: call.digit, call.digit_via, call.digit_ms
INFO = 10  # for an Info Package; detail (package, content type, body), octets
STATISTICS = 9  # call.stream has new figures; only where usip.quality is wanted

_DIGITS = "0123456789*#ABCD!"  # by event code (RFC 4733 3.2)
_DIGIT_MS = const(160)
_INFO_GAP_TICKS = const(15)  # between two digits in INFO requests
_INFO = const(2)  # as in rtp.digits
_END = const(32)
_WAYS = ("rfc4733", "inband", "info")
_FRAME_SAMPLES = const(160)
_ENDED_BY = ("", "local", "remote", "error")


class Call:
    """A call; made by the agent, given to an application."""

    attempt = None  # fallback.Attempt: what else may be tried when it fails

    def __init__(self, agent, waiter) -> None:
        self._agent = agent  # now_ms(), flush(): what a command needs
        self._waiter = waiter  # set() when there is an event, wait(), clear()
        self._events = []
        self.session = None
        self.media = None  # an exchange.MediaExchange, the session's too
        self.stream = None  # an rtp.stream.Stream, once sound was agreed on
        self.arrays = None  # in which it plays
        self._lender = None  # the call whose sound this one took
        self.source = None  # read(pcm): sound to send; None is silence
        self.sink = None  # write(pcm): takes what is heard
        self.dtmf_mode = "auto"
        self.local_address = ("", 0)  # where we receive, as the far side is told
        self.pcm = array("h", bytes(2 * _FRAME_SAMPLES))
        self.is_answered = False
        self.is_held = False  # by the far side
        self.is_ended = False
        self.has_media = False
        self.answered_at = self.ended_at = ticks.NEVER
        self.status = 0
        self.reason = ""
        self.digit = ""
        self.digit_via = ""  # "rfc4733", "info" or "inband"
        self.digit_ms = 0
        self.path = None  # the agent's: its sockets
        self.is_announced = True  # the application may know of it
        self._outgoing = []  # digits to send, (character, mode)
        self._wait_ticks = 0
        self._tone = None  # of a digit that is being sent as sound

    # -- what it is

    @property
    def id(self) -> int:
        """A small number, unique in this agent."""
        return self.session.id

    @property
    def is_incoming(self) -> bool:
        """Whether the far side placed it."""
        return self.session.is_incoming

    @property
    def remote_uri(self) -> str:
        """The far side's URI."""
        return bare_uri(self.session.remote_uri)

    @property
    def remote_display_name(self) -> str:
        """The far side's display name as it came, possibly empty."""
        return text_of(self.session.remote_display)

    @property
    def local_uri(self) -> str:
        """Our URI in this call."""
        return bare_uri(self.session.local_uri)

    @property
    def auto_answer_s(self) -> int:
        """After how many seconds a caller who may wants to be answered; -1: as usual."""
        return self.session.auto_answer_s

    @property
    def ended_by(self) -> str:
        """Who ended it: "local", "remote" or "error"."""
        return _ENDED_BY[self.session.by]

    @property
    def codec(self) -> str:
        """The codec's name, "" before it is agreed."""
        return text_of(self.media.codec)

    @property
    def direction(self) -> str:
        """`sendrecv`, `sendonly`, `recvonly` or `inactive`, from our side."""
        if self.media.can_send:
            return "sendrecv" if self.media.can_receive else "sendonly"
        return "recvonly" if self.media.can_receive else "inactive"

    def duration_ms(self) -> int:
        """Return the milliseconds since the answer, up to the end; 0 when there was none."""
        if not self.is_answered:
            return 0
        end = self.ended_at if self.is_ended else self._agent.now_ms()
        return ticks.ticks_diff(end, self.answered_at)

    def allowed(self, command: str) -> bool:
        """Whether a command (`answer`, `reject`, `hang_up`, `modify` ...) may be given now."""
        session = self.session
        return not self.is_ended and session is not None and session.allowed(command)

    # -- commands

    def ring(self, status: int = 180, audio=None) -> None:
        """Tell the caller that we ring; StateError when that is not possible.

        With *audio*, or False for silence, there is sound before the answer: usip.early.
        """
        if audio is not None:
            from usip import early

            early.ring(self, status, audio)
            return
        self._ask(self.session.ring, status)

    async def answer(self, audio=None) -> None:
        """Accept the call and wait until its sound can flow; see `accept`."""
        self.accept(audio)
        while not (self.has_media or self.is_ended):
            await self.wait()

    def accept(self, audio=None) -> None:
        """Accept the call; *audio*: see Agent.call. StateError when that is not possible."""
        self.session.require("answer")
        try:
            self.open_audio(audio)
            self.session.answer(self._agent.now_ms())
            self._agent.flush()
        except MemoryError:
            self._starve()

    def reject(self, status: int = 486, reason=None) -> None:
        """Refuse the call; StateError when it is answered already."""
        self.session.require("reject")
        try:
            self.session.reject(self._agent.now_ms(), status, reason and reason.encode())
            self._agent.flush()
        except MemoryError:
            self._starve()

    def hang_up(self) -> None:
        """End the call, whatever its state; one that is ending or ended stays as it is."""
        if not self.allowed("hang_up"):
            return
        try:
            self.session.hang_up(self._agent.now_ms())
            self._agent.flush()
        except MemoryError:
            self._starve()

    def _starve(self):
        """There was no room for a step without which the call cannot be: it ends."""
        agent = self._agent
        agent.complain("call")
        self.session.abandon(agent.now_ms())
        agent.flush()

    def _ask(self, command, *details):
        """Give the session a command; without room for it there is only the agent's event."""
        agent = self._agent
        try:
            command(agent.now_ms(), *details)
            agent.flush()
        except MemoryError:
            agent.complain("call")

    def hold(self) -> None:
        """Ask the far side to stop sending; StateError outside of an established call."""
        self.session.require("modify")
        self._ask(self._modify, self.media.hold)

    def resume(self) -> None:
        """Take the far side from hold."""
        self.session.require("modify")
        self._ask(self._modify, self.media.resume)

    def update(self) -> None:
        """Offer the media as they are once more (re-INVITE)."""
        self.session.require("modify")
        self._ask(self.session.modify)

    def transfer(self, target) -> None:
        """Ask the far side to call *target*, a URI or another Call's far side, instead of us.

        The call ends when that has worked; StateError outside of an established call.
        """
        session = self.session
        if isinstance(target, str):
            self._ask(session.refer, target.encode())
        else:
            self._ask(session.refer_to, target.session)

    def _modify(self, now_ms, change):
        change()
        self.session.modify(now_ms)

    def dtmf(self, digits: str, mode: str = "") -> None:
        """Send digits one after the other; ValueError for any but 0-9 * # A-D and "!".

        *mode*: "rfc4733", "info", "inband", or "auto" for what the peer takes.
        """
        digits = digits.upper()
        for digit in digits:
            if digit not in _DIGITS:
                raise ValueError("no DTMF digit: %s" % digit)
        for digit in digits:
            self._outgoing.append((digit, mode or self.dtmf_mode))

    async def ended(self) -> int:
        """Wait for the end and return its status."""
        while not self.is_ended:
            self._events.clear()
            await self.wait()
        return self.status

    # -- events

    def __aiter__(self):
        return self

    async def __anext__(self) -> int:
        while not self._events:
            if self.is_ended:
                raise StopAsyncIteration
            await self.wait()
        event, detail = self._events.pop(0)
        if event == PROGRESS:
            self.status, self.reason = detail
        elif event == DTMF or event == DTMF_ENDED:
            self.digit, self.digit_via, self.digit_ms = detail
        return event

    async def wait(self) -> None:
        """Wait until something has happened."""
        self._waiter.clear()
        await self._waiter.wait()

    def post(self, event: int, detail=None) -> None:
        """Queue an event for the application, and tell the agent's observer."""
        self._events.append((event, detail))
        self._waiter.set()
        self._agent.observe(event, self, detail)

    # -- for the agent: what signalling brings

    def progress(self) -> None:
        """A provisional response came."""
        session = self.session
        self.status = session.status
        self.reason = text_of(session.reason)
        self.update_media()
        self.post(PROGRESS, (self.status, self.reason))

    def answered(self, now_ms: int) -> None:
        """The call is accepted by either side."""
        if not self.is_answered:
            self.is_answered = True
            self.answered_at = now_ms
            self.status = self.session.status
            self.reason = text_of(self.session.reason)
            self.post(ANSWERED)
        self.update_media()

    def end(self, now_ms: int) -> None:
        """The session ended: stop the sound and report it, once."""
        if self.is_ended:
            return
        self.is_ended = True
        self.ended_at = now_ms
        self.status = self.session.status
        self.reason = text_of(self.session.reason)
        self.has_media = False
        lender = self._lender
        self._lender = None
        if lender is not None and not lender.is_ended:
            lender.take_audio(self)
        self.close_audio()
        self.post(ENDED)

    def receive_info(self, now_ms: int) -> None:
        """A digit came in an INFO request (application/dtmf-relay, application/dtmf)."""
        session = self.session
        if session.info_package:
            self.post(INFO, (session.info_package, session.info_type, session.info_body))
            return
        if self.stream is None:
            return
        from usip.sip.info import parse_digit

        digit, duration_ms = parse_digit(session.info_body)
        digits = self.stream.digits
        if digit and digits.press(_DIGITS.index(digit), _INFO, now_ms):
            digits.end(_DIGITS.index(digit), _INFO, 8 * duration_ms, now_ms)
            self._take_digits()

    def update_media(self) -> None:
        """Take over what offer and answer agreed on, when it has changed."""
        media = self.media
        media.rest()
        if not media.changed:
            return
        if media.is_active:
            if self.stream is None:
                self.stream = self._agent.make_stream(self)
            self.stream.configure(
                media.payload_type,
                media.receive_payload_type,
                media.codec,
                media.telephone_event,
                media.receive_telephone_event,
                media.ptime,
                media.has_noise,
            )
            if media.receive_telephone_event < 0 and self.dtmf_mode in ("auto", "inband"):
                self.stream.detect_tones()
            self.fit()
        self.has_media = media.is_active
        self.post(MEDIA)
        if media.is_held != self.is_held:
            self.is_held = media.is_held
            self.post(HELD if media.is_held else RESUMED)

    def make_negotiator(self):
        """As its MediaExchange asks for it: return who reads and writes descriptions."""
        return self._agent.make_negotiator(self)

    # -- for the agent: sound

    def open_audio(self, audio) -> None:
        """Take where sound comes from and goes to; None: silence, and nowhere."""
        self.close_audio()
        if audio is not None:
            self.source, self.sink = audio.open()
            self.fit()

    def take_audio(self, other: "Call") -> None:
        """Take over the sound of another call; it gets it back when this one ends before it."""
        self.close_audio()
        self.source, self.sink = other.source, other.sink
        other.source = other.sink = None
        self._lender = other
        self.fit()

    def fit(self) -> None:
        """Let frames be as long as codec and ends agree on, where that may not be 160 samples."""
        stream = self.stream
        if len(self.pcm) != _FRAME_SAMPLES or stream is not None and stream.sender.coder:
            from usip.rtp import coded

            coded.fit(self)

    def close_audio(self) -> None:
        """Close the source and the sink, which completes a recording."""
        for end in (self.source, self.sink):
            if end is not None:
                end.close()
        self.source = self.sink = None

    def tick(self, now_ms: int) -> int:
        """Play and pack the next 20 ms; return the length of the packet in stream.packet.

        0 when nothing is to be sent. No heap, but for digits that begin or end.
        """
        pcm = self.pcm
        stream = self.stream
        stream.play(pcm, now_ms)
        if self.sink is not None:
            self.sink.write(pcm)
        if self._outgoing:
            self._send_digit(now_ms)
        self._take_digits()
        if not self.media.can_send:
            return 0
        if self._tone is not None:
            self._tone.read(pcm)
            if self._tone.is_finished:
                self._tone = None
        elif self.source is not None:
            self.source.read(pcm)
        else:
            silence(pcm)
        return stream.pack(pcm)

    def _take_digits(self):
        """Report presses at their first sign, and again when they have ended."""
        digits = self.stream.digits
        code = digits.next_event()
        while code >= 0:
            event = DTMF if code < _END else DTMF_ENDED
            self.post(event, (_DIGITS[code % _END], _WAYS[digits.way], digits.duration_ms))
            code = digits.next_event()

    def _send_digit(self, now_ms):
        if self._wait_ticks or self._tone is not None:
            self._wait_ticks -= 1 if self._wait_ticks else 0
            return
        digit, mode = self._outgoing[0]
        if mode == "auto":
            mode = "rfc4733" if self.media.telephone_event >= 0 else "info"
        if mode == "rfc4733":
            if not self.stream.send_digit(ord(digit), _DIGIT_MS):
                return  # its queue is full
        elif mode == "inband" and digit != "!":
            self._tone = self._agent.make_tone(digit)
        else:
            if not self.allowed("info"):
                return
            signal = b"16" if digit == "!" else digit.encode()
            body = b"Signal=%s\r\nDuration=%d\r\n" % (signal, _DIGIT_MS)
            self.session.info(now_ms, b"application/dtmf-relay", body)
            self._wait_ticks = _INFO_GAP_TICKS
        self._outgoing.pop(0)


class Over:
    """The media of an ended session, of which something may still come for half a minute."""

    def put_offer(self, w) -> None:
        """Append nothing."""

    put_answer = put_offer

    def receive_offer(self, buf, start: int, end: int) -> int:
        """Refuse it."""
        return 488

    receive_answer = receive_offer

    def reject_offer(self, is_postponed: bool = False) -> None:
        """There is none."""


OVER = Over()


def silence(pcm) -> None:
    """Set a frame to zero."""
    for i in range(len(pcm)):
        pcm[i] = 0


def text_of(octets: bytes) -> str:
    """Return wire octets as text; what is not UTF-8 becomes "?"."""
    try:
        return str(octets, "utf-8")
    except ValueError:
        return "".join(chr(c) if c < 128 else "?" for c in octets)


def bare_uri(name_addr: bytes) -> str:
    """Return the URI within a From or To value."""
    start = name_addr.rfind(b"<")
    if start >= 0:
        return text_of(name_addr[start + 1 : name_addr.find(b">", start)])
    return text_of(name_addr.split(b";", 1)[0].strip())
