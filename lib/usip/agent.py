"""The asyncio shell of one user-agent core: its sockets, its clock, its applications, its sound.

Theory of operation. One task does everything: it reads the SIP socket into the core, lets the
core do what is due, and runs the media pump of every call. It polls instead of waiting for a
socket, since an ESP32 does not wake for one: every 10 ms, and while there is sound every 5 ms and
when a frame is due, at absolute times 20 ms apart, so that nothing drifts. A turn of the task in
which nothing arrives, and one that carries sound, uses no heap. Modules for sound are imported
with the first call.

A program sees coroutines: `async with Agent(config)`, `@agent.application()`, `agent.call()`.
One that wants everything that happens, in its order, sets `observer`: called as
observer(event, subject, detail) with the events here and those of `usip.call`.
"""

import asyncio
import gc
import os

from micropython import const

import usip
from usip import core, ticks
from usip.errors import CallFailed
from usip.net.accounts import make_account, make_limits, require_available
from usip.net.transport import Transport
from usip.sip.compose import METHODS
from usip.sip.registration import REGISTERED as _BOUND
from usip.sip.registration import REGISTERING, UNREGISTERING

try:
    from asyncio import sleep_ms
except ImportError:

    async def sleep_ms(ms: int) -> None:
        """As MicroPython's."""
        await asyncio.sleep(ms / 1000)


INCOMING = 16  # subject: the Call
REGISTERED = 17  # subject: its Registration, as for the next two
UNREGISTERED = 18
REGISTRATION_FAILED = 19
OPTIONS_ANSWERED = 20  # subject: the request, with its status
NO_MEMORY = 21  # subject: what had no room, "receive", "signalling", "call", "sound" or "event"

_IDLE_MS = const(10)
_BUSY_MS = const(5)
_COLLECT_MS = const(5000)  # between collections while there is no call
_LEAVE_MS = const(2000)  # what BYE and the removal of bindings may take at the end
_USUAL_KEYS = const(5)  # of media; what the others ask for is in usip.quality
_COMPLAIN_MS = const(1000)  # between two reports of want of memory


class Agent:
    """A user agent that runs while the `async with` block does."""

    quality = None  # quality.Quality, where the configuration asks for statistics
    follows_transfers = True  # whether a peer may send us to somebody else (REFER, Replaces)

    def __init__(self, config: dict, limits=None, register: bool = True) -> None:
        """*config*: from `usip.load_config`. ConfigError where it asks for what is not there.

        *register* False: accounts are not registered at start.
        """
        require_available(config)
        self.config = config
        self.limits = limits or make_limits(config)
        network = config["network"]
        self.transport = Transport(network["address"] or "0.0.0.0", network["sip_port"], self)
        self.core = core.UserAgentCore(self.limits, self.transport, os.urandom)
        self.core.describe = self.describe
        self.calls = []
        self.audio = None  # what a program gives to answer() and call(); see `usip.Audio`
        self.observer = None
        self.dropped = 0  # how often something had no room
        self.arrays = None  # of an ended call, for the sound of the next: see switchboard
        self.next_pair = 0  # of ports for sound
        self._registers = register
        self.offered = None  # a call made for an INVITE that the core may still refuse
        self._deadline = ticks.NEVER
        self._complained_at = ticks.NEVER
        self._collect_at = 0
        self._task = None
        self.handlers = []  # tasks of applications

    # -- life

    async def __aenter__(self) -> "Agent":
        self.start()
        return self

    async def __aexit__(self, kind, error, trace) -> None:
        await self.close()

    def start(self) -> None:
        """Bind, register the accounts and begin to run; ConfigError when the port is taken."""
        self.transport.open()
        listens = self.config["network"].get("tcp") == "on"
        for i, settings in enumerate(self.config["accounts"]):
            path = "accounts[%d]." % i
            account = make_account(settings, self.core, path)
            self.core.add_account(account)
            listens = listens or account.protocol == "tcp"
        if listens:
            self.transport.load_streams().listen()
        if "incoming" in self.config or "calls" in self.config:
            from usip.net import preferences

            preferences.govern(self.core, self.config, self.now_ms())
        if "watch_s" in self.config["network"]:
            from usip.net import roam

            roam.Watcher(self, self.config["network"]["watch_s"])
        if len(self.config["media"]) > _USUAL_KEYS:
            from usip import quality

            self.quality = quality.start(self)
        self._task = asyncio.create_task(self._run())
        if self._registers:
            self.register()
        usip.rest()
        gc.collect()
        self._collect_at = ticks.ticks_add(self.now_ms(), _COLLECT_MS)

    async def close(self) -> None:
        """Hang up, remove the bindings, stop: at most 2 s. A second call changes nothing."""
        if self._task is None:
            return
        for call in tuple(self.calls):
            call.hang_up()
        self.unregister()
        give_up_at = ticks.ticks_add(self.now_ms(), _LEAVE_MS)
        while self._is_leaving() and ticks.ticks_diff(give_up_at, self.now_ms()) > 0:
            await sleep_ms(_IDLE_MS)
        for task in self.handlers:
            if not task.done():
                await _cancel(task)
        for call in tuple(self.calls):
            self.release(call)
        self.transport.close()
        task = self._task
        self._task = None
        await _cancel(task)

    @property
    def is_running(self) -> bool:
        """Whether its task goes on; what ended it comes out of the `async with` block."""
        return self._task is not None and not self._task.done()

    def _is_leaving(self):
        if not self.is_running:
            return False
        for account in self.core.accounts:
            if account.registration.state == UNREGISTERING:
                return True
        return bool(self.core.sessions)

    # -- accounts

    def register(self) -> None:
        """Register every account that has a registrar, or refresh its binding, now."""
        for account in self.core.accounts:
            if account.registrar:
                self.core.register(account, self.now_ms())
        self.flush()

    def unregister(self) -> None:
        """Remove the bindings of all accounts."""
        for account in self.core.accounts:
            if account.registration.state in (_BOUND, REGISTERING):
                self.core.unregister(account, self.now_ms())
        self.flush()

    def account(self, aor=None):
        """Return the account with this address-of-record, or None.

        *aor* None: the first that can be used, since it is bound or needs no registrar.
        """
        accounts = self.core.accounts
        for account in accounts:
            if aor is None:
                if not account.registrar or account.registration.state == _BOUND:
                    return account
            elif account.aor == aor.encode():
                return account
        return accounts[0] if aor is None and accounts else None

    def network_changed(self) -> None:
        """Say that the network is back or another one: bindings and calls move there at once."""
        from usip.net import roam

        roam.network_changed(self, self.now_ms())
        self.flush()

    # -- calls

    def application(self, methods=("INVITE",), media=("audio",), packages=(), **criteria):
        """Decorate a coroutine function to serve incoming requests of *methods*: handler(call).

        Of MESSAGE it is given the message; SUBSCRIBE is served by the event *packages* alone.
        *criteria*, and other media: which of these requests; see usip.applications. The best
        match is asked, of several the one added last. A call that its handler left without an
        answer or refusal is refused with 480.
        """

        def register(handler):
            ids = tuple([METHODS.index(name.encode()) for name in methods])
            application = _Application(self, ids, handler, packages)
            if criteria or media != ("audio",):
                from usip import applications

                applications.narrow(application, self, media, criteria)
            self.core.resolver.add(application)
            return handler

        return register

    def remove(self, handler) -> None:
        """Let an application serve no further requests; its calls go on."""
        for application in tuple(self.core.resolver.applications):
            if application.handler is handler:
                self.core.resolver.remove(application)

    async def call(self, target: str, audio=None, account=None, headers=()):
        """Place a call and return it when it is answered; CallFailed(status, reason) if not.

        *target* is a URI or a number (usip.sip.dialing). *audio* has open() -> (source,
        sink), either None: see usip.Audio; None sends silence. *account* is one of `account()`,
        None for those that work one after the other; *headers* further (name, value) bytes.
        """
        call = self.place(target, audio, account, headers)
        try:
            while not (call.is_answered or call.is_ended):
                await call.wait()
        finally:
            if not call.is_answered:
                call.hang_up()
        if call.is_ended:
            raise CallFailed(call.status, call.reason)
        return call

    def place(self, target: str, audio=None, account=None, headers=(), is_offerless: bool = False):
        """Place a call and return it at once; arguments as for `call`.

        *is_offerless*: the far side is to make the offer (RFC 3261 13.2.1). CallFailed when there
        is no room for another, ValueError when *target* is nobody's.
        """
        from usip import switchboard

        return switchboard.place(self, target, audio, account, headers, is_offerless)

    def options(self, target: str, account=None):
        """Ask a peer for its capabilities; OPTIONS_ANSWERED is observed with the answer."""
        self.core.options(account or self.account(), target.encode(), self.now_ms())
        self.flush()

    def message(self, target: str, body: str, content_type: str = "text/plain", account=None):
        """Send a text message; see `usip.services`, as for the next two."""
        from usip import services

        return services.message(self, target, body, content_type, account)

    def subscribe(self, target: str, package, expires_s: int = -1, account=None):
        """Subscribe to an event package of *target*; return the subscription."""
        from usip import services

        return services.subscribe(self, target, package, expires_s, account)

    def publish(self, event: str, body: str, content_type: str, expires_s=3600, account=None):
        """Publish a state of ours, change it, or take it back with *expires_s* 0."""
        from usip import services

        return services.publish(self, event, body, content_type, expires_s, account)

    def find_call(self, call_id: int):
        """Return the call with this id, or None."""
        for call in self.calls:
            if call.session is not None and call.session.id == call_id:
                return call
        return None

    def make_call(self):
        """Return a call with sockets, None without port or memory for its sound."""
        try:
            from usip import switchboard

            return switchboard.make_call(self)
        except MemoryError:
            self.complain("sound")
        return None

    def make_stream(self, call):
        """Return a stream for the sound of a call."""
        from usip import switchboard

        return switchboard.make_stream(self, call)

    def make_negotiator(self, call):
        """Return who reads and writes the descriptions of a call."""
        from usip import switchboard

        return switchboard.make_negotiator(self, call)

    def place_media(self, call):
        """Return the session of *call*, whose sound is received where the peer sees us."""
        from usip import switchboard

        return switchboard.place_media(self, call)

    def describe(self, w) -> None:
        """As the core's: append the media we could take."""
        from usip import switchboard

        switchboard.describe(self, w)

    def release(self, call) -> None:
        """Let go of an ended call."""
        from usip import switchboard

        switchboard.release_call(self, call)

    # -- the one task

    def now_ms(self) -> int:
        """Return the clock."""
        return ticks.ticks_ms()

    async def _run(self):
        while True:
            try:
                busy = self.turn(ticks.ticks_ms())
            except MemoryError:
                self.complain("receive")
                busy = True
            if usip.loaded:
                usip.rest()
            await sleep_ms(self._pause_ms() if busy else _IDLE_MS)

    def _pause_ms(self):
        """Return how long to sleep while there is sound: up to the next frame."""
        pause_ms = _BUSY_MS
        now_ms = ticks.ticks_ms()
        for call in self.calls:
            if call.has_media:
                left_ms = ticks.ticks_diff(call.path.due_at, now_ms)
                if left_ms < pause_ms:
                    pause_ms = left_ms if left_ms > 0 else 0
        return pause_ms

    def turn(self, now_ms: int) -> bool:
        """Do all there is to do at *now_ms*; return whether there is sound. Usually no heap."""
        transport = self.transport
        data = transport.receive()
        while data is not None:
            self.core.receive(data, len(data), transport.source, now_ms)
            self.flush()
            data = transport.receive()
        if transport.turn(now_ms):
            self.flush()
        if self._deadline >= 0 and ticks.ticks_diff(now_ms, self._deadline) >= 0:
            self.core.handle_timer(now_ms)
            self.flush()
        if not self.calls:
            if ticks.ticks_diff(now_ms, self._collect_at) >= 0:
                self._collect_at = ticks.ticks_add(now_ms, _COLLECT_MS)
                gc.collect()
            return False
        busy = False
        for call in self.calls:
            if call.has_media:
                self._pump(call, now_ms)
                busy = True
        return busy

    def _pump(self, call, now_ms):
        try:
            call.path.pump(call, now_ms)
        except OSError:  # a source or sink failed
            call.close_audio()
            call.hang_up()

    # -- events

    def complain(self, where: str) -> None:
        """Note that something had no room, and tell the observer, once a second at most."""
        self.dropped += 1
        gc.collect()
        now_ms = self.now_ms()
        if self._complained_at < 0 or ticks.is_due(self._complained_at, now_ms):
            self._complained_at = ticks.ticks_add(now_ms, _COMPLAIN_MS)
            try:
                self.observe(NO_MEMORY, where)
            except MemoryError:
                self.dropped += 1

    def flush(self) -> None:
        """Hand out what the core has to report, and note when it wants to be called again."""
        if self.core.is_starved:
            self.core.is_starved = False
            self.complain("signalling")
        event = self.core.next_event()
        while event:
            subject = self.core.subject
            try:
                self._handle(event, subject)
            except MemoryError:
                self.complain("event")
                if core.CALL_RECEIVED <= event <= core.INFO_RECEIVED:
                    self._handle_starved(event, subject)
            event = self.core.next_event()
        if self.offered is not None:
            from usip import switchboard

            switchboard.settle_offered(self)
        self._deadline = self.core.deadline()

    def make_tone(self, digit: str):
        """Return the sound of a DTMF digit; imported with the first."""
        from usip.audio.tone import dtmf_tone

        return dtmf_tone(digit)

    def observe(self, event: int, subject, detail=None) -> None:
        """Tell the observer."""
        if self.observer is not None:
            self.observer(event, subject, detail)

    def _handle(self, event, subject):
        if event == core.REGISTERED:
            self.observe(REGISTERED, subject)
        elif event == core.UNREGISTERED:
            self.observe(UNREGISTERED, subject)
        elif event == core.REGISTRATION_FAILED:
            self.observe(REGISTRATION_FAILED, subject)
        elif event == core.OPTIONS_ANSWERED:
            self.observe(OPTIONS_ANSWERED, subject)
        elif event > core.OPTIONS_ANSWERED:
            from usip import services

            services.handle(self, event, subject)
        else:
            from usip import switchboard

            switchboard.handle(self, event, subject)

    def _handle_starved(self, event, session):
        """There was no room for what a call's event asked for: the call ends, and that is told."""
        if event == core.CALL_ENDED:
            self._handle(event, session)
        else:
            session.abandon(self.now_ms())

    def serve(self, handler, subject) -> None:
        """Run an application for a call or a message."""
        self.handlers = [task for task in self.handlers if not task.done()]
        self.handlers.append(asyncio.create_task(_serve(handler, subject)))

    def follow(self, call) -> None:
        """Point the sockets where the media now goes, and start the pump with the first."""
        from usip import switchboard

        switchboard.follow(self, call)

    def create_media(self, session):
        """As the core's application: a call for an INVITE, None when there are no ports."""
        from usip import switchboard

        return switchboard.create_media(self, session)


class _Application:
    """What the core's resolver asks."""

    def __init__(self, agent, methods, handler, packages) -> None:
        self.methods = methods
        self.handler = handler
        self.packages = packages
        self.create_media = agent.create_media


async def _serve(handler, subject):
    """Run an application for one call or message."""
    try:
        done = handler(subject)
        if done is not None:
            await done
    finally:
        if hasattr(subject, "is_announced") and subject.allowed("reject"):
            subject.reject(480)


async def _cancel(task):
    if not task.done():
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
