"""The four transaction machines of RFC 3261 section 17 as amended by RFC 6026, as tables.

A transaction keeps the one message it may have to send again: a client its request (then the ACK
of a refused INVITE), a server its last response. Every machine has at most two timers running:
one that repeats the message (A, E, G) and one that ends the state (B, D, F, H, I, J, K, L, M).
The transaction user is None, or any object with

    receive_response(transaction, message, now_ms)    a response that is no retransmission
    transaction_failed(transaction, status, now_ms)   408: no answer came; 503: could not be sent

A message stays in the send buffer, owned by its transaction, until another one has to be written:
only then it is copied, if it may still be sent again, and mostly it need not be by then. The
copies are exact, limited in number and in their sum of octets by `Limits`.
"""

from micropython import const

from usip import ticks
from usip.errors import BufferFull
from usip.sip import compose
from usip.sip.dialog import is_span

_M_INVITE = const(1)
_M_ACK = const(2)

_LARGE = const(1300)  # octets, and more: no datagram may hold them (RFC 3261 18.1.1)
_COMPLETED = const(2)  # of all but the server of an INVITE, where it is Confirmed
_ACCEPTED = const(3)  # of an INVITE
TERMINATED = const(4)

_TIMER = const(3)  # client events: 1xx, 2xx, 3-6xx, repeat, end of state, transport error
_CLIENT_END = const(4)
_CLIENT_ERROR = const(5)
_REQUEST = const(0)  # server events: request again, ACK, 1xx, 2xx, 3-6xx, repeat, end, error
_SERVER_ACK = const(1)
_RESPONSE = const(1)  # + status class
_SERVER_TIMER = const(5)
_SERVER_END = const(6)
_SERVER_ERROR = const(7)

# What an entry of a table says to do beside its next state, which is the digit before it.
_SEND = const(115)  # s: send the kept message (again)
_PASS = const(112)  # p: to the transaction user
_ACK = const(97)  # a: answer with an ACK, kept from now on (17.1.1.3), and pass to the user
_FAIL = const(102)  # f: tell the user that no answer came or that sending failed

# Durations in the tables of timers: - none, 1 T1, 2 T2, 4 T4, 6 64*T1, and two that are no time.
_KEEP = const(107)  # k: the timer of the state before runs on
_AT_ONCE = const(33)  # !: the state ends as soon as it is entered


# A machine is one figure of the RFC: (columns, table, timers), text that stays in flash. The table
# has an entry of three octets (next state, action, blank) for each state and event; the timers
# four octets and a blank a state: first repetition, longest, end over UDP, end over a stream.

# RFC 3261 Figure 5, RFC 6026 8.4.  Timers A and B; C is the session's; D; M.
_INVITE_CLIENT = (
    6,
    # 1xx 2xx 36 A  BDM error
    b"1p 3p 2a 0s 4f 4f "  # 0 Calling
    b"1p 3p 2a 1- 1- 4f "  # 1 Proceeding
    b"2- 2- 2s 2- 4- 4- "  # 2 Completed
    b"3- 3p 3- 3- 4- 3- ",  # 3 Accepted
    b"1666 ---- --6! --66 ",
)
# RFC 3261 Figure 6.  Timers E and F, K.
_NON_INVITE_CLIENT = (
    6,
    # 1xx 2xx 36 E  FK error
    b"1p 2p 2p 0s 4f 4f "  # 0 Trying
    b"1p 2p 2p 1s 4f 4f "  # 1 Proceeding
    b"2- 2- 2- 2- 4- 4- ",  # 2 Completed
    b"1266 22kk --4! ",
)
# RFC 3261 Figure 7, RFC 6026 7.1 and 8.7.  Timers G and H, I, L.
_INVITE_SERVER = (
    8,
    # INV ACK 1xx 2xx 36 G HIL error
    b"0s 0- 0s 3s 1s 0- 0- 4f "  # 0 Proceeding
    b"1s 2- 1- 1- 1- 1s 4f 4f "  # 1 Completed
    b"2- 2- 2- 2- 2- 2- 4- 2- "  # 2 Confirmed
    b"3- 3- 3- 3s 3- 3- 4- 3- ",  # 3 Accepted: the user repeats its 2xx (13.3.1.4)
    b"---- 1266 --4! --66 ",
)
# RFC 3261 Figure 8.  Timer J. The end of Trying and Proceeding is ours: nothing stays for ever.
_NON_INVITE_SERVER = (
    8,
    # req ACK 1xx 2xx 36 -  J  error
    b"0- 0- 1s 2s 2s 0- 4- 4f "  # 0 Trying
    b"1s 1- 1s 2s 2s 1- 4- 4f "  # 1 Proceeding
    b"2s 2- 2- 2- 2- 2- 4- 4- ",  # 2 Completed
    b"--66 --kk --6! ",
)


def _duration_ms(code: int) -> int:
    """Return the duration that a digit of a table of timers stands for, 0 for a dash."""
    if code == 49:
        return 500
    if code == 50:
        return 4000
    if code == 52:
        return 5000
    return 32000 if code == 54 else 0


class Transaction:
    """One request and its responses, as seen by one side."""

    template = b""  # what a later response repeats of the request (compose)
    sent_by = None  # of a server transaction: the topmost Via's (17.2.3)

    def __init__(self, machine, method: int, branch: bytes, destination: tuple, user) -> None:
        self.machine = machine
        self.method = method
        self.branch = branch  # of a client what follows the magic cookie (8.1.1.7)
        self.destination = destination
        self.user = user
        self.state = 0
        self.status_code = 0  # of the last response passed or sent
        self.message = b""  # a copy of what may be sent again, once another one is in the buffer
        # There from the start, so that no step needs heap: timers must never fail.
        self.repeat_ms = 0
        self.repeat_at = self.end_at = ticks.NEVER

    @property
    def is_client(self) -> bool:
        """Whether this side sent the request."""
        return self.machine[0] == 6

    @property
    def is_reliable(self) -> bool:
        """Whether the transport repeats by itself what is lost."""
        return self.destination[0] != "udp"

    def start_timers(self, now_ms: int) -> None:
        """Set the timers of the state just entered."""
        timers = self.machine[2]
        at = 5 * self.state
        reliable = self.is_reliable
        repeat_ms = 0 if reliable else _duration_ms(timers[at])
        if repeat_ms:
            self.repeat_ms = repeat_ms
            self.repeat_at = ticks.ticks_add(now_ms, repeat_ms)
        elif self.repeat_at >= 0:
            self.repeat_at = ticks.NEVER
        end = timers[at + 3 if reliable else at + 2]
        if end == _AT_ONCE:
            self.end_at = now_ms
        elif end != _KEEP:
            end_ms = _duration_ms(end)
            self.end_at = ticks.ticks_add(now_ms, end_ms) if end_ms else ticks.NEVER

    def repeat_later(self, now_ms: int) -> None:
        """Double the interval up to the machine's longest and set the next repetition."""
        longest_ms = _duration_ms(self.machine[2][5 * self.state + 1])
        self.repeat_ms = min(2 * self.repeat_ms, longest_ms)
        self.repeat_at = ticks.ticks_add(now_ms, self.repeat_ms)

    def hold(self, w) -> None:
        """Have the message in the send buffer as the one to be sent again."""
        self.message = b""
        w.owner = self

    def keep(self, w) -> None:
        """Copy from the send buffer, which is about to be used, what may be sent again."""
        is_invite = self.method == _M_INVITE
        if self.is_client and is_invite and self.state == _ACCEPTED:
            self.message = compose.credentials(w.buf, w.end)
        elif self.state != _COMPLETED or is_invite == self.is_client:
            self.message = w.take()


class Transactions:
    """All transactions of a user agent; *transport* is the core's, *writer* its send buffer."""

    # Sends a request that failed (transaction, 503 or None, now_ms) elsewhere; whether it did.
    fail_over = None

    def __init__(self, limits, transport, writer) -> None:
        self.limits = limits
        self.transport = transport
        self.writer = writer
        self.active = []
        self.retransmissions = 0  # sent by us
        self.absorbed = 0  # received again
        self.refused = 0  # no room for another transaction

    # -- what the transaction user asks for

    def request(self, method: int, branch: bytes, destination, user, now_ms: int):
        """Send the request in the writer and return its client transaction.

        A transport error is reported to the user before this returns; None, with nothing sent,
        when there is no room.
        """
        if not self._make_room(self.writer.end):
            return None
        if self.writer.end > _LARGE and destination[0] == "udp":
            from usip.sip import failover

            destination = failover.enlarge(self, destination)
        machine = _INVITE_CLIENT if method == _M_INVITE else _NON_INVITE_CLIENT
        transaction = Transaction(machine, method, branch, destination, user)
        transaction.start_timers(now_ms)
        self.active.append(transaction)
        transaction.hold(self.writer)
        if not self._send(transaction):
            # Reported by the timer: the caller is not yet ready to hear of its own transaction.
            transaction.state = TERMINATED
            transaction.end_at = now_ms
            transaction.repeat_at = ticks.NEVER
        return transaction

    def accept(self, message, destination, now_ms: int):
        """Return a new server transaction for a request, or None when there is no room."""
        if not self._make_room(0):
            return None
        machine = _INVITE_SERVER if message.method == _M_INVITE else _NON_INVITE_SERVER
        via = message.via
        branch = b"" if via.branch_start < 0 else message.text(via.branch_start, via.branch_end)
        transaction = Transaction(machine, message.method, branch, destination, None)
        transaction.sent_by = message.text(via.sent_by_start, via.sent_by_end)
        transaction.start_timers(now_ms)
        self.active.append(transaction)
        return transaction

    def respond(self, transaction, status: int, now_ms: int) -> None:
        """Send the response in the writer; it replaces the one kept."""
        transaction.hold(self.writer)
        transaction.status_code = status
        self._step(transaction, _RESPONSE + min(status // 100, 3), now_ms)

    def forget(self, transaction) -> None:
        """End a transaction without a word to its user."""
        if transaction in self.active:
            transaction.state = TERMINATED
            self.active.remove(transaction)
            self._disown(transaction)

    def drop_message(self, transaction) -> None:
        """Forget what would be sent again."""
        transaction.message = b""
        self._disown(transaction)

    def repeat(self, transaction) -> bool:
        """Send the message of a transaction again, at its user's wish; False when that failed."""
        return self._send(transaction)

    # -- what the network brings

    def receive_response(self, message, now_ms: int) -> bool:
        """Hand a response to its transaction and user; False when it belongs to none (17.1.3)."""
        via = message.via
        transaction = self._find_client(message, via.branch_start, via.branch_end)
        if transaction is None:
            return False
        if message.status_code == 503 and self._goes_on(transaction, message, now_ms):
            return True
        action = self._step(transaction, min(message.status_code // 100, 3) - 1, now_ms, message)
        if action in (_PASS, _ACK):
            transaction.status_code = message.status_code
            user = transaction.user
            if transaction.state == _COMPLETED:
                transaction.user = None  # what remains is between the transactions
                if transaction.method != _M_INVITE:
                    self.drop_message(transaction)  # only an ACK would be sent again
            if user is not None:
                try:
                    user.receive_response(transaction, message, now_ms)
                except MemoryError:
                    if message.status_code >= 200:
                        self._tell(user, transaction, 500, now_ms)
                    raise
        else:
            self.absorbed += 1
        return True

    def receive_request(self, message, now_ms: int):
        """Return the server transaction that a request repeats or acknowledges, or None."""
        transaction = self.find_server(message, message.method)
        if transaction is None:
            return None
        self.absorbed += 1
        event = _SERVER_ACK if message.method == _M_ACK else _REQUEST
        self._step(transaction, event, now_ms)
        return transaction

    def find_server(self, message, method: int):
        """Return the server transaction of a request, or of the INVITE it cancels (17.2.3)."""
        via = message.via
        for transaction in self.active:
            if (
                not transaction.is_client
                and _is_method(transaction.method, method)
                and is_span(message.buf, via.branch_start, via.branch_end, transaction.branch)
                and is_span(message.buf, via.sent_by_start, via.sent_by_end, transaction.sent_by)
            ):
                return transaction
        return None

    def _find_client(self, message, start: int, end: int):
        start += 7  # the magic cookie
        for transaction in self.active:
            if (
                transaction.is_client
                and transaction.method == message.method
                and transaction.state != TERMINATED
                and is_span(message.buf, start, end, transaction.branch)
            ):
                return transaction
        return None

    # -- time

    def deadline(self) -> int:
        """Return when `handle_timer` is due, or NEVER."""
        at = ticks.NEVER
        for transaction in self.active:
            at = ticks.earliest(at, ticks.earliest(transaction.repeat_at, transaction.end_at))
        return at

    def handle_timer(self, now_ms: int) -> None:
        """Repeat and end what is due."""
        i = 0
        while i < len(self.active):
            transaction = self.active[i]
            self._handle_timer(transaction, now_ms)
            if i < len(self.active) and self.active[i] is transaction:
                i += 1

    def _handle_timer(self, transaction, now_ms: int) -> None:
        end_at = transaction.end_at
        if end_at >= 0 and ticks.ticks_diff(now_ms, end_at) >= 0:
            if transaction.state == TERMINATED:  # could not be sent
                self.active.remove(transaction)
                if transaction.user is not None and not self._goes_on(transaction, None, now_ms):
                    self._tell(transaction.user, transaction, 503, now_ms)
            else:
                transaction.end_at = ticks.NEVER
                self._step(
                    transaction, _CLIENT_END if transaction.is_client else _SERVER_END, now_ms
                )
        elif transaction.repeat_at >= 0 and ticks.ticks_diff(now_ms, transaction.repeat_at) >= 0:
            transaction.repeat_later(now_ms)
            self.retransmissions += 1
            self._step(transaction, _TIMER if transaction.is_client else _SERVER_TIMER, now_ms)

    # -- the engine

    def _step(self, transaction, event: int, now_ms: int, message=None) -> int:
        """Take one step of the machine and return what it said to do, 0 for a failure."""
        if transaction.state == TERMINATED:
            self._disown(transaction)
            return 0
        machine = transaction.machine
        at = 3 * (machine[0] * transaction.state + event)
        state = machine[1][at] - 48
        action = machine[1][at + 1]
        if state != transaction.state:
            transaction.state = state
            if state == TERMINATED:
                self.active.remove(transaction)
            else:
                transaction.start_timers(now_ms)
        if action == _ACK:
            self._acknowledge(transaction, message)
        elif action == _SEND and not self._send(transaction):
            self._step(
                transaction, _CLIENT_ERROR if transaction.is_client else _SERVER_ERROR, now_ms
            )
            return 0
        if (
            action == _FAIL
            and transaction.user is not None
            and not self._goes_on(transaction, None, now_ms)
        ):
            ended = event == (_CLIENT_END if transaction.is_client else _SERVER_END)
            self._tell(transaction.user, transaction, 408 if ended else 503, now_ms)
        if transaction.state == TERMINATED:
            self.drop_message(transaction)
        return action

    def _tell(self, user, transaction, status: int, now_ms: int) -> None:
        """Tell the user that a transaction failed; without room for that, by the timer."""
        try:
            user.transaction_failed(transaction, status, now_ms)
        except MemoryError:
            transaction.user = user
            transaction.state = TERMINATED
            transaction.end_at = now_ms
            if transaction not in self.active:
                self.active.append(transaction)
            raise

    def _goes_on(self, transaction, message, now_ms: int) -> bool:
        """Whether a request that failed was sent elsewhere."""
        return self.fail_over is not None and self.fail_over(transaction, message, now_ms)

    def _acknowledge(self, transaction, message) -> None:
        """Send the ACK of a refused INVITE, same branch, and keep it instead (17.1.1.3)."""
        w = self.writer
        if w.owner is not transaction or not self._acknowledge_in_place(w, message):
            compose.put_from_invite(w.reset(), transaction.message, b"ACK", message)
        transaction.hold(w)
        self._send(transaction)

    def _acknowledge_in_place(self, w, message) -> bool:
        """Write the ACK behind the INVITE in the send buffer, then over it; whether it fits."""
        end = w.end
        try:
            compose.put_from_invite(w, w.buf, b"ACK", message)
        except BufferFull:
            w.reset(end)
            return False
        w.move_to_front(end)
        return True

    def _send(self, transaction) -> bool:
        w = self.writer
        if w.owner is transaction:
            return self.transport.send(transaction.destination, w.buf, w.end)
        message = transaction.message
        return not message or self.transport.send(transaction.destination, message, len(message))

    def _disown(self, transaction) -> None:
        if self.writer.owner is transaction:
            self.writer.owner = None

    def _make_room(self, octets: int) -> bool:
        """Forget old answers, given or received, until one more transaction and *octets* fit."""
        limits = self.limits
        while True:
            total = octets
            oldest = refused = None
            for transaction in self.active:
                total += len(transaction.message) + len(transaction.template)
                if transaction.state == _COMPLETED:
                    # A request that is repeated is then new, a response that is repeated stray.
                    if transaction.machine in (_NON_INVITE_SERVER, _NON_INVITE_CLIENT):
                        oldest = oldest or transaction
                    else:  # of an INVITE that was refused: an ACK comes, or goes, once more
                        refused = refused or transaction
            if len(self.active) < limits.transactions and total <= limits.retransmit_bytes:
                return True
            oldest = oldest or refused
            if oldest is None:
                self.refused += 1
                return False
            self.active.remove(oldest)


def _is_method(kept: int, method: int) -> bool:
    return kept == method or (kept == _M_INVITE and method == _M_ACK)
