"""Calls that go over to another account when the first one's network fails them.

For agents with several accounts: a call whose account the program did not choose begins with the
first that can be used; when that is refused the call or hears nothing, before anybody rang, the
next one places it. The Call stays the same, with its number and its sound.
"""

from micropython import const

from usip.call import OVER
from usip.net.accounts import target_of

_REMOTE = const(2)
_ERROR = const(3)

# Whose answer it is: the account's or its network's, not that of the person called.
_FAULTS = (401, 403, 407, 408, 500, 502, 503, 504)


class Attempt:
    """What is left to try of a call: *accounts*, to be called with *target* and *headers*."""

    def __init__(self, agent, account, target: str, headers) -> None:
        accounts = agent.core.accounts
        self.accounts = [other for other in accounts if other is not account]
        self.target = target
        self.headers = headers

    def next(self, agent, call) -> bool:
        """Place an ended call with the next account; False when it is over for good."""
        old = call.session
        if call.is_answered or old.by not in (_REMOTE, _ERROR) or old.status not in _FAULTS:
            return False
        while self.accounts:
            account = self.accounts.pop(0)
            try:
                target = target_of(account, self.target)
            except ValueError:
                continue
            old.media = OVER
            session = agent.core.invite(
                account, target, call.media, agent.now_ms(), None, self.headers
            )
            session.id = old.id
            call.session = session
            return True
        return False
