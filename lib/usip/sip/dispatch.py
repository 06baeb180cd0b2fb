"""The client resolver: which of several applications serves a new request.

An application is any object with `methods`, a tuple of method ids, and
`create_media(session) -> media`, None when it cannot take another call. One that serves SUBSCRIBE
has its event packages in `packages`.
"""

from micropython import const

_M_SUBSCRIBE = const(8)


class Resolver:
    """The applications of a user agent, the latest first."""

    def __init__(self) -> None:
        self._applications = []

    def add(self, application) -> None:
        """Let *application* be asked before those added earlier."""
        self._applications.insert(0, application)

    def remove(self, application) -> None:
        """Take an application out; its calls go on."""
        self._applications.remove(application)

    def packages(self) -> list:
        """Return the event packages of the applications that serve SUBSCRIBE."""
        found = []
        for application in self._applications:
            if _M_SUBSCRIBE in application.methods:
                found.extend(application.packages)
        return found

    def find(self, message):
        """Return the application that serves this request, or None."""
        for application in self._applications:
            if message.method in application.methods:
                return application
        return None
