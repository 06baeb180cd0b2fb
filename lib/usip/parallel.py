"""Several targets called at once, of which the first to answer is talked to: a ring group.

Theory of operation. Each target gets a session of its own; they share one Call, its sockets and
its offer, as the branches of a forked INVITE do (RFC 3261 13.2.2.4). The first 2xx makes its
session the call's and cancels the others: what they still bring is nobody's, and one that answers
at the same moment is acknowledged and ended by its session. A refusal ends its own branch only,
but 6xx means nobody there wants the call and ends them all (16.7). When the last branch ends,
the Call does, with the status that says most about why.

The application gets the events of all branches: PROGRESS once for each that rings.
"""

from usip import core
from usip.call import OVER
from usip.errors import CallFailed
from usip.net.accounts import target_of
from usip.sip.session import LOCAL

# Refusals by how much they tell the caller, least first; all others lie between (16.7, step 6).
_SAY_LITTLE = (487, 408, 503, 480, 404)
_SAY_MUCH = (486, 600, 603)


class Branches:
    """What a Call that rings at several places has as its `attempt`."""

    def __init__(self, agent, call) -> None:
        self._agent = agent
        self._call = call
        self._sessions = []
        self._best = None  # (rank, session) of the refusal worth telling
        call.attempt = self
        call.answered = self.answered
        call.hang_up = self.hang_up

    def add(self, session) -> None:
        """Take one more session; all have the number of the first."""
        if self._sessions:
            session.id = self._sessions[0].id
        self._sessions.append(session)
        self._call.session = session

    def answered(self, now_ms: int) -> None:
        """In place of the call's method: the session that is now the call's was answered."""
        call = self._call
        self._let_go()
        self._leave(call.session, now_ms)
        call.answered(now_ms)

    def hang_up(self) -> None:
        """In place of the call's method: the Call ends at once, its sessions when they can."""
        self._leave(self._call.session, self._agent.now_ms())
        _abandon(self._agent, self._call)

    def next(self, agent, call) -> bool:
        """A session of the call has ended; return whether it goes on with another."""
        ended = call.session
        if call.is_answered:
            return False
        if ended in self._sessions:
            self._sessions.remove(ended)
        if ended.by == LOCAL or ended.status >= 600:
            self._leave(ended, agent.now_ms())
            self._let_go()
            return False
        rank = _rank(ended.status)
        if self._best is None or rank > self._best[0]:
            self._best = rank, ended
        if self._sessions:
            ended.media = OVER
            call.session = self._sessions[-1]
            return True
        call.session = self._best[1]
        self._let_go()
        return False

    def _let_go(self):
        """Give the call its own methods back, so that nothing here outlives the ringing."""
        call = self._call
        if call.attempt is not None:
            call.attempt = None
            del call.answered, call.hang_up

    def _leave(self, chosen, now_ms):
        """Cancel every session but one; what they bring from now on is not the call's."""
        for session in self._sessions:
            if session is not chosen:
                session.media = OVER
                if session.allowed("hang_up"):
                    session.hang_up(now_ms)
        self._sessions.clear()


def _rank(status: int) -> int:
    if status in _SAY_LITTLE:
        return _SAY_LITTLE.index(status) - len(_SAY_LITTLE)
    return _SAY_MUCH.index(status) + 1 if status in _SAY_MUCH else 0


def give_up(agent, call) -> None:
    """End a call of ours that nobody has answered, at once; its session ends when it can.

    CANCEL waits for a provisional response (9.1), which nobody sends who is switched off.
    """
    if isinstance(call.attempt, Branches):
        call.hang_up()
    else:
        _abandon(agent, call)


def _abandon(agent, call):
    session = call.session
    session.media = OVER
    if session.allowed("hang_up"):
        session.hang_up(agent.now_ms())
    session.status = 487
    session.reason = b"Request Terminated"
    session.by = LOCAL
    agent.core.post(core.CALL_ENDED, session)
    agent.flush()


def place(agent, targets, audio=None, account=None, headers=()):
    """Call all of *targets* and return the one Call; other arguments as for `Agent.place`.

    CallFailed when there is no room for it, ValueError when a target is nobody's, OSError of
    *audio*. Limits: a transaction and about 1 KB of `retransmit_bytes` for each target.
    """
    account = account or agent.account()
    uris = [target_of(account, target) for target in targets]
    if len(agent.calls) >= agent.limits.sessions:
        raise CallFailed(486, "Too Many Calls")
    call = agent.make_call()
    if call is None:
        raise CallFailed(503, "No Port or Memory for Sound")
    try:
        call.open_audio(audio)
    except OSError:
        call.path.close()
        raise
    branches = Branches(agent, call)
    agent.calls.append(call)
    for uri in uris:
        branches.add(agent.core.invite(account, uri, call.media, agent.now_ms(), None, headers))
    agent.flush()
    return call
