"""What a display is to show: each event that concerns a person, as a line of text.

A line of the log, `{"event": "display", "text": "Calling"}`, is what a screen on a serial line or
a program reads; a driver in this process puts its own function in the place of `show`.
"""

from station import log

# Event, the field whose value makes a line of its own, the text; %s is another field's value.
_TEXTS = """
button call Calling
ringing - Ringing
waiting - Second call
answered - In a call
opened - Door open
warning - Call ends soon
unanswered - Nobody answers
quiet True Do not disturb
quiet False Ready
mute True Microphone off
mute False Microphone on
page True Announcement
page False Ready
ended - Ready
tamper True Tamper alarm
registration_failed - No connection
registered - Ready
"""


def show(text: str) -> None:
    """Show a line; a display's driver takes this one's place."""
    log.say("display", "text", text)


class Display:
    """Shows the texts of what happens, each only when it is not shown already."""

    def __init__(self) -> None:
        self._shown = ""

    def take(self, event: str, fields: tuple) -> None:
        """Take an event of the station."""
        at = _TEXTS.find("\n" + event + " ")
        while at >= 0:
            value, _, text = _TEXTS[at + len(event) + 2 : _TEXTS.find("\n", at + 1)].partition(" ")
            if value == "-" or value in [str(field) for field in fields]:
                if text != self._shown:
                    self._shown = text
                    show(text)
                return
            at = _TEXTS.find("\n" + event + " ", at + 1)
