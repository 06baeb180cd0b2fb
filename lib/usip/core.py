"""The user-agent core (RFC 3261 sections 8 to 15): sans I/O, one message at a time.

Octets, the clock and commands go in; octets (through *transport*), events and the next deadline
come out. Nothing here opens a socket, reads a clock or waits:

    core.receive(buf, end, source, now_ms)      a datagram; never raises
    core.handle_timer(now_ms)                   when core.deadline() has come
    while core.next_event(): ... core.subject   after each of these and after every command

A source or destination is (protocol, host, port), protocol "udp", "tcp" or "tls". The transport is

    send(destination, buf, end) -> bool                 False when it could not be sent
    local_address(destination) -> (host, port)          ours, as that peer should see it
    locate(host, port, protocol, user) -> destination   optional; None: no such name, False: not
                                                        yet, user.located(now_ms) follows

Received octets belong to the core only until `receive` returns.
"""

import gc

from micropython import const

from usip import ticks
from usip.errors import BufferFull, ParseError
from usip.sip import uri
from usip.sip.dispatch import Resolver
from usip.sip.headers import Challenge, NameAddr, Values
from usip.sip.message import Message
from usip.sip.parser import index
from usip.sip.request import Requester
from usip.sip.respond import Responder
from usip.sip.transaction import Transactions
from usip.writer import Writer

_M_INVITE = const(1)
_M_ACK = const(2)
_M_BYE = const(3)
_M_CANCEL = const(4)
_M_OPTIONS = const(5)
_M_MESSAGE = const(7)
_M_NOTIFY = const(9)
_H_AUTHENTICATION_INFO = const(56)

_REPEATED = b"\x01\x02\x03\x04\x05\x0b"  # Via, From, To, Call-ID, CSeq, Record-Route
_RESPONSE_BYTES = const(800)  # what else a response holds: capabilities, a description

# Events. Modules below declare their own copies, `_E_REGISTERED = const(1)` ...
REGISTERED = const(1)
UNREGISTERED = const(2)
REGISTRATION_FAILED = const(3)
CALL_RECEIVED = const(4)
CALL_PROGRESS = const(5)
CALL_ANSWERED = const(6)
CALL_CONFIRMED = const(7)
CALL_MODIFIED = const(8)
CALL_ENDED = const(9)
INFO_RECEIVED = const(10)
OPTIONS_RECEIVED = const(11)
OPTIONS_ANSWERED = const(12)
MESSAGE_RECEIVED = const(13)  # subject: a standalone.ReceivedMessage
MESSAGE_SENT = const(14)  # subject: the Request, with its status
NOTIFY_RECEIVED = const(15)  # subject: our Subscription, as for the next two
SUBSCRIPTION_STARTED = const(16)
SUBSCRIPTION_ENDED = const(17)
SUBSCRIBER_ADDED = const(18)  # subject: a notifier.Subscriber
SUBSCRIBER_REMOVED = const(19)
PUBLISHED = const(20)  # subject: our Publication
PUBLICATION_ENDED = const(21)
TRANSFER_REQUESTED = const(22)  # subject: a refer.Referral to accept or reject
TRANSFER_PROGRESS = const(23)  # subject: our transfer.Transfer
TRANSFER_ENDED = const(24)


class Counters:
    """What was dropped or refused, for whoever asks."""

    def __init__(self) -> None:
        self.received = 0
        self.malformed = 0  # dropped: no message, or one that cannot be answered
        self.refused = 0  # answered with a fault's status
        self.stray = 0  # responses and ACKs that belong to nothing
        self.too_large = 0  # our message did not fit the send buffer
        self.no_memory = 0


class UserAgentCore(Requester, Responder):
    """One user agent: its accounts, sessions, transactions and the one send buffer."""

    guard = None  # an auth_server.Guard: who must show credentials, and which
    auto_answer = None  # an auto_answer.AutoAnswer: who may have calls answered at once

    def __init__(self, limits, transport, random) -> None:
        self.limits = limits
        self.transport = transport
        self.random = random
        self.counters = Counters()
        self.writer = Writer(bytearray(limits.message_bytes))
        self.transactions = Transactions(limits, transport, self.writer)
        self.resolver = Resolver()
        self.accounts = []
        self.sessions = []
        self.usages = []  # of dialogs and of ours that are no calls: subscriptions, transfers ...
        self.values = Values()
        self.name_addr = NameAddr()
        self.subject = None
        self.event_text = b""  # OPTIONS_ANSWERED: the reason phrase
        self._events = []
        self._message = Message(limits.headers)
        self._challenge = Challenge()
        self._uri = uri.URI()
        self.source = None
        self.is_starved = False  # something had no room in the heap since somebody cleared this
        self.body_sink = None  # of a stream's bodies too long for its buffer
        self._sessions_made = 0

    # -- accounts

    def add_account(self, account) -> None:
        """Take an account; `account.registration` serves it from now on."""
        self.accounts.append(account)
        account.attach(self)

    def register(self, account, now_ms: int) -> None:
        """Register an account or refresh its binding now."""
        account.registration.register(now_ms)

    def unregister(self, account, now_ms: int) -> None:
        """Remove an account's binding; UNREGISTERED follows in any case."""
        account.registration.unregister(now_ms)

    # -- calls

    def invite(
        self,
        account,
        target: bytes,
        media,
        now_ms: int,
        destination=None,
        headers=(),
        is_offerless: bool = False,
    ):
        """Place a call and return its session; whether it goes out is an event.

        MemoryError when there is no room for the session itself; nothing has begun then.

        *destination* None: where the account's route, proxy or the target's host says.
        """
        from usip.sip.uac import ClientSession

        session = ClientSession(self, account, target, media, headers, is_offerless)
        self.start_session(session, now_ms, destination)
        return session

    def start_session(self, session, now_ms: int, destination=None) -> None:
        """Place the call of a new ClientSession."""
        self.add_session(session)
        try:
            if session.account.profile is not None:
                session.account.begin_call(session)
            if destination is None:
                session.located(now_ms)
            else:
                session.start(destination, now_ms)
        except MemoryError:
            self.starve()
            session.abandon(now_ms)

    def options(self, account, target: bytes, now_ms: int, destination=None):
        """Ask a peer for its capabilities (section 11); OPTIONS_ANSWERED brings the status."""
        from usip.sip.standalone import Request

        return Request(self, account, target, _M_OPTIONS, OPTIONS_ANSWERED).start(
            now_ms, destination
        )

    def message(
        self,
        account,
        target: bytes,
        content_type: bytes,
        body: bytes,
        now_ms: int,
        destination=None,
        session=None,
    ):
        """Send a page-mode MESSAGE (RFC 3428), in the dialog of *session* when that is given.

        MESSAGE_SENT brings the outcome.
        """
        from usip.sip.standalone import Request

        request = Request(self, account, target, _M_MESSAGE, MESSAGE_SENT, session)
        request.content_type = content_type
        request.body = body
        return request.start(now_ms, destination)

    def subscribe(
        self, account, target: bytes, package, now_ms: int, expires_s: int = -1, destination=None
    ):
        """Subscribe to an event package of *target* (RFC 6665); see sip.packages.Package.

        *expires_s* -1: the package's own; 0: fetch the state once.
        """
        from usip.sip.subscription import Subscription

        if expires_s < 0:
            expires_s = package.expires_s
        subscription = Subscription(self, account, target, package, expires_s)
        subscription.start(now_ms, destination)
        return subscription

    def notify(self, package, now_ms: int) -> None:
        """Tell the subscribers of a package of ours that its state has changed."""
        for usage in tuple(self.usages):
            if usage.package is package and usage.is_notifier:
                usage.notify(now_ms)

    def publish(self, account, event: bytes, content_type: bytes, now_ms: int, expires_s=3600):
        """Return a Publication of an account's state (RFC 3903): give it bodies to publish."""
        from usip.sip.publication import Publication

        return Publication(self, account, event, content_type, expires_s)

    def refer(self, account, target: bytes, refer_to: bytes, now_ms: int, destination=None):
        """Ask *target* outside of any dialog to call *refer_to* (RFC 3515)."""
        from usip.sip import transfer

        return transfer.start(self, account, target, refer_to, now_ms, destination)

    def add_session(self, session) -> None:
        """Number a new session, and hand it what is for it from now on."""
        self._sessions_made += 1
        session.id = self._sessions_made
        self.sessions.append(session)

    def remove_session(self, session) -> None:
        """Forget an ended session and report it."""
        if session in self.sessions:
            self.post(CALL_ENDED, session)
            self.sessions.remove(session)

    # -- events and time

    def post(self, event: int, subject) -> None:
        """Queue an event about *subject*."""
        self._events.extend((event, subject))

    def starve(self) -> None:
        """Count that something had no room, and make some."""
        self.counters.no_memory += 1
        self.is_starved = True
        gc.collect()

    def next_event(self) -> int:
        """Return the next event with its subject in `subject`, or 0."""
        if not self._events:
            self.subject = None
            return 0
        event = self._events.pop(0)
        self.subject = self._events.pop(0)
        return event

    def deadline(self) -> int:
        """Return the clock value at which `handle_timer` is due, or NEVER."""
        at = self.transactions.deadline()
        for session in self.sessions:
            at = ticks.earliest(at, session.next_deadline())
        for usage in self.usages:
            at = ticks.earliest(at, usage.next_deadline())
        for account in self.accounts:
            at = ticks.earliest(at, account.registration.deadline)
        return at

    def handle_timer(self, now_ms: int) -> None:
        """Do what is due; what has no room is due again a little later."""
        try:
            self._handle_due(now_ms)
        except MemoryError:
            self.starve()

    def _handle_due(self, now_ms: int) -> None:
        self.transactions.handle_timer(now_ms)
        if self.writer.capacity > self.limits.message_bytes and not self.transactions.active:
            self.writer.resize(self.limits.message_bytes)
        for session in tuple(self.sessions):
            session.handle_timer(now_ms)
        for usage in tuple(self.usages):
            usage.handle_timer(now_ms)
        for account in self.accounts:
            account.registration.handle_timer(now_ms)

    # -- what the network brings

    def receive(self, buf, end: int, source: tuple, now_ms: int) -> None:
        """Take one datagram, buf[:end]; whatever it holds, this returns."""
        self.counters.received += 1
        try:
            index(self._message, buf, 0, end)
            self.receive_message(self._message, source, now_ms)
        except ParseError as error:
            self.counters.malformed += 1
            if error.status == 400:
                self.source = source
                self.refuse_incomplete(self._message)
        except MemoryError:  # for the ParseError, or for the end of what had no room
            self.starve()
        self._let_go(self._message)

    def _let_go(self, message) -> None:
        """Drop the datagram: each view of it would keep it in the heap until the next one."""
        message.buf = message.via.buf = message.from_.buf = message.to.buf = b""
        self.name_addr.buf = self._challenge.buf = b""

    def receive_message(self, message, source: tuple, now_ms: int) -> None:
        """Take one indexed message; the limits of memory and buffer end here, counted."""
        self.source = source
        self.part_start = -1
        try:
            if message.is_request:
                self._receive_request(message, source, now_ms)
            else:
                self._receive_response(message, now_ms)
        except BufferFull:
            self.counters.too_large += 1
            if message.is_request:
                from usip.sip import refusal

                refusal.too_large(self, message)
        except MemoryError:
            self.starve()
            if message.is_request:
                self._refuse_starved(message, now_ms)

    def _refuse_starved(self, message, now_ms: int) -> None:
        """Answer a request that there was no room for, and end what it had begun.

        503 is for what is new, 500 for what was half done. When there is no room even for that,
        nothing is remembered: the peer sends it again.
        """
        transaction = self.transactions.find_server(message, message.method)
        try:
            if transaction is None:
                self.respond_statelessly(message, 503)
                return
            if transaction.status_code < 200:
                is_new = message.to.tag_start < 0 and transaction.user is None
                status = 503 if is_new else 500
                self.begin_response(transaction, message, status)
                self.writer.put(b"Retry-After: 5\r\n")
                self.finish_response(transaction, status, now_ms)
        except (MemoryError, BufferFull):
            if transaction is not None:
                self.transactions.forget(transaction)
        session = transaction and transaction.user
        if session is None and message.method == _M_BYE:
            session = self._find_session(message)
        if session is not None:
            session.end(now_ms, 500, b"", 2 if message.method == _M_BYE else 3)

    def _receive_response(self, message, now_ms: int) -> None:
        i = message.find(_H_AUTHENTICATION_INFO)
        if i >= 0 and not message.fault:
            info = self._challenge
            info.parse_parameters(message.buf, message.value_start(i), message.value_end(i))
            for account in self.accounts:
                account.authentication.take_next_nonce(info)
        if message.fault or not self.transactions.receive_response(message, now_ms):
            self.counters.stray += 1

    def _receive_request(self, message, source, now_ms: int) -> None:
        if self.transactions.receive_request(message, now_ms) is not None:
            return
        if message.fault:
            self.counters.refused += 1
            self.respond_statelessly(message, message.fault)
        elif message.method == _M_ACK:
            session = self._find_session(message)
            if session is None:
                self.counters.stray += 1
            else:
                session.receive_ack(message, now_ms)
        else:
            if message.end - message.start + _RESPONSE_BYTES > self.writer.capacity:
                self._make_room(message)
            transaction = self.transactions.accept(message, self.reply_to(message), now_ms)
            if transaction is None:
                self.respond_statelessly(message, 503)
            else:
                self._serve(transaction, message, now_ms)

    def _make_room(self, message) -> None:
        """Let the send buffer hold what responses repeat of a request, as far as limits allow."""
        needed = _RESPONSE_BYTES
        for i in range(message.count):
            if message.header_id(i) in _REPEATED:
                needed += message.value_end(i) - message.name_start(i) + 6
        if needed > self.writer.capacity:
            self.writer.resize(max(min(needed, self.limits.response_bytes), self.writer.capacity))

    def _serve(self, transaction, message, now_ms: int) -> None:
        """Hand a new request to its dialog, or outside of one to who serves it (8.2, 12.2.2)."""
        if message.method == _M_CANCEL:
            self._receive_cancel(transaction, message, now_ms)
        elif message.to.tag_start >= 0:
            usage = self._find_usage(message)
            if usage is None:
                self.respond(transaction, message, 481, now_ms)
            else:
                usage.receive_request(transaction, message, now_ms)
        elif message.method == _M_INVITE and self._is_merged(message):
            self.respond(transaction, message, 482, now_ms)
        elif self.refuse_requirements(transaction, message, now_ms):
            return
        elif not self._is_ours(message):
            is_uri = self._uri.parse(message.buf, message.uri_start, message.uri_end)
            self.respond(transaction, message, 416 if is_uri else 400, now_ms)
        elif self.guard is not None and self.guard.refuses(self, transaction, message, now_ms):
            return
        elif message.method == _M_INVITE:
            from usip.sip import uas

            uas.receive(self, transaction, message, now_ms)
        elif message.method == _M_OPTIONS:
            self.answer_options(transaction, message, now_ms)
        elif self.resolver.find(message) is not None:
            self.receive_standalone(transaction, message, now_ms)
        elif self.resolver.status:
            self.refuse(transaction, message, self.resolver.status, now_ms)
        elif message.method == _M_NOTIFY:
            self.respond(transaction, message, 481, now_ms)
        else:
            self.refuse_method(transaction, message, now_ms)

    def _is_ours(self, message) -> bool:
        """Whether the Request-URI has a scheme we are called by; sips: asks for TLS (RFC 5630)."""
        view = self._uri
        if not view.parse(message.buf, message.uri_start, message.uri_end):
            return False
        if view.scheme == uri.SIPS:
            return self.source[0] == "tls"
        return view.scheme != uri.OTHER

    def receive_standalone(self, transaction, message, now_ms: int, session=None) -> None:
        """Serve MESSAGE, and what begins a usage that is no call."""
        from usip.sip import standalone

        standalone.receive(self, transaction, message, now_ms, session)

    def _find_usage(self, message):
        """Return whose dialog a request is in; usages that share the dialog of a call first."""
        for usage in self.usages:
            if usage.matches(message):
                return usage
        return self._find_session(message)

    def _find_session(self, message):
        for session in self.sessions:
            if session.matches(message):
                return session
        return None

    def _is_merged(self, message) -> bool:
        """Whether the same INVITE came another way (8.2.2.2)."""
        for session in self.sessions:
            if session.is_incoming and session.is_copy(message):
                return True
        return False

    def _receive_cancel(self, transaction, message, now_ms: int) -> None:
        invite = self.transactions.find_server(message, _M_INVITE)
        if invite is None:
            self.respond(transaction, message, 481, now_ms)
            return
        self.respond(transaction, message, 200, now_ms)
        if invite.user is not None:
            invite.user.cancel(now_ms)

    def account_of(self, message):
        """Return the account whose user the Request-URI or To names, else the first."""
        view = self._uri
        for start, end in (
            (message.uri_start, message.uri_end),
            (message.to.uri_start, message.to.uri_end),
        ):
            if view.parse(message.buf, start, end) and view.user_start >= 0:
                user = message.text(view.user_start, view.user_end)
                if view.scheme == uri.TEL or user[:1] == b"+":
                    from usip.sip import dialing

                    user = dialing.number_of(user) or user
                for account in self.accounts:
                    if account.user == user:
                        return account
                    if account.identities is not None:
                        if account.identities.find(message.text(start, end)) >= 0:
                            return account
        return self.accounts[0] if self.accounts else None
