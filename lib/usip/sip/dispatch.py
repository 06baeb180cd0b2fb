"""The client resolver: which of several applications serves a new request.

An application is any object with `methods`, a tuple of method ids, and
`create_media(session) -> media`, None when it cannot take another call. What else it may have:

    packages         event packages, of one that serves SUBSCRIBE or PUBLISH
    message_types    media types, of one that serves MESSAGE
    criteria         a criteria.Criteria: which requests of its methods it serves

One without criteria serves whatever no other serves better. Applications come and go while calls
go on, and see nothing of each other.
"""

from micropython import const

_M_INVITE = const(1)
_M_SUBSCRIBE = const(8)

# The refusals of criteria, the one first that says least of the request.
_REFUSALS = (0, 404, 480, 489, 415, 488)


class Resolver:
    """The applications of a user agent, the latest first."""

    def __init__(self) -> None:
        self.applications = []
        self.status = 0  # why `find` found none; 0: the method is nobody's

    def add(self, application) -> None:
        """Let *application* be asked before those added earlier."""
        self.applications.insert(0, application)

    def remove(self, application) -> None:
        """Take an application out; its calls go on."""
        self.applications.remove(application)

    def packages(self) -> list:
        """Return the event packages of the applications that serve SUBSCRIBE."""
        found = []
        for application in self.applications:
            if _M_SUBSCRIBE in application.methods:
                found.extend(application.packages)
        return found

    def serves(self, method: int) -> bool:
        """Whether any application serves requests of a method."""
        for application in self.applications:
            if method in application.methods:
                return True
        return False

    def serves_calls_alone(self) -> bool:
        """Whether no application serves anything but INVITE."""
        for application in self.applications:
            if tuple(application.methods) != (_M_INVITE,):
                return False
        return True

    def find(self, message):
        """Return the application that serves this request best, or None and why in `status`."""
        best = None
        points = -1
        self.status = 0
        for application in self.applications:
            if message.method in application.methods:
                criteria = getattr(application, "criteria", None)
                found = 0 if criteria is None else criteria.rank(message)
                if found > points:
                    best = application
                    points = found
                elif found < 0 and _REFUSALS.index(-found) > _REFUSALS.index(self.status):
                    self.status = -found
        return best
