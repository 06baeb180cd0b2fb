"""Opening the door by MESSAGE (RFC 3428): `open`, `open 2`, from senders that are allowed.

The word is the configuration's and may serve as a code. What is not understood, or comes from
somebody else, is logged and changes nothing.
"""

from station import callers
from usip import text_of


class Messages:
    """Takes the messages of *station*; *settings*: senders, word, reply."""

    def __init__(self, station, settings: dict) -> None:
        self._station = station
        self._settings = settings
        station.agent.application(methods=("MESSAGE",))(self.receive)

    def receive(self, message) -> None:
        """Do what a message asks for."""
        sender = _text(message.from_uri)
        body = _text(message.body).strip()
        self._station.say("message", "from", sender, "body", body)
        if not callers.matches(sender, self._settings["senders"]):
            self._station.say("refused", "from", sender, "what", "message")
            return
        answer = self._obey(body)
        if self._settings["reply"]:
            self._station.agent.message(sender, answer)

    def _obey(self, body) -> str:
        """Return what to say to the sender."""
        word, _, number = body.partition(" ")
        if word.lower() != self._settings["word"].lower():
            return "?"
        number = number.strip() or "1"
        if not number.isdigit() or not 1 <= int(number) <= len(self._station.relays):
            return "no relay " + number
        self._station.open(int(number) - 1, "message")
        return "opened " + number


def _text(octets) -> str:
    return octets if isinstance(octets, str) else text_of(octets)
