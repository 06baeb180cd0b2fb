"""What lies between a call and its sound: levels and echo control, as the configuration says.

    microphone -> high-pass -> echo control -> gate -> gain and limiter -> call
    call -> gain and limiter -> (what echo control has heard of) -> loudspeaker

Each part is imported when its key is in the section `audio`, the chain itself with the first of
them; no frame uses heap. All of it works at 8 kHz. With echo control a frame to be played waits
for the frame recorded beside it, some microseconds: the call asks for both in one turn.
"""

from array import array

from micropython import const

from usip.rtp import conceal

_FRAME = const(160)
_KEYS = "microphone_db speaker_db high_pass_hz gate_db echo"


def is_wanted(settings: dict) -> bool:
    """Return whether a section `audio` asks for any of this."""
    return any([name in settings for name in _KEYS.split()])


class Levels:
    """An audio (see Agent.call) whose ends go through a chain; *settings* is the section."""

    def __init__(self, audio, settings: dict) -> None:
        self.audio = audio
        self.settings = settings

    def open(self) -> tuple:
        """Return (source, sink), which are one object; errors as of the audio within."""
        source, sink = self.audio.open() if self.audio is not None else (None, None)
        chain = Chain(source, sink, self.settings)
        return chain, chain


class Chain:
    """Both directions of one call's sound. *source* and *sink* may be None."""

    def __init__(self, source, sink, settings: dict) -> None:
        self._source = source
        self._sink = sink
        self._recorded = []  # what treats a frame of the microphone, in order
        self._echo = None
        self._far = None  # the frame to be played that waits, with echo control
        self._waits = False
        self._played = None
        hz = settings.get("high_pass_hz")
        if hz:
            from usip.audio.level import HighPass

            self._recorded.append(HighPass(hz))
        self._add_echo(settings)
        if "gate_db" in settings:
            from usip.audio.level import Gate

            self._recorded.append(Gate(settings["gate_db"]))
        if "microphone_db" in settings:
            self._recorded.append(_limiter(settings["microphone_db"]))
        if "speaker_db" in settings:
            self._played = _limiter(settings["speaker_db"])

    def _add_echo(self, settings):
        kind = settings.get("echo", "off")
        if kind == "switch":
            from usip.audio.echo import VoiceSwitch

            self._echo = VoiceSwitch()
        elif kind == "cancel":
            from usip.audio.aec import EchoCanceller

            tail_ms = settings.get("echo_tail_ms", 32)
            self._echo = EchoCanceller(tail_ms, settings.get("echo_delay_ms", 0))
        if self._echo is not None:
            self._far = array("h", bytes(2 * _FRAME))
            self._recorded.append(self)

    @property
    def is_finished(self) -> bool:
        """Whether the source says so."""
        return getattr(self._source, "is_finished", False)

    def read(self, pcm) -> None:
        """Fill the array('h') pcm[0:160] with what is to be sent."""
        if self._source is not None:
            self._source.read(pcm)
        else:
            for i in range(_FRAME):
                pcm[i] = 0
        for part in self._recorded:
            part.apply(pcm)

    def apply(self, pcm) -> None:
        """Echo control: take the loudspeaker out of *pcm*, and let it speak."""
        far = self._far
        if not self._waits:  # nothing is heard
            for i in range(_FRAME):
                far[i] = 0
        self._echo.apply(pcm, far)
        if self._waits:
            self._play()

    def write(self, pcm) -> None:
        """Play the array('h') pcm[0:160], which is changed."""
        if self._played is not None:
            self._played.apply(pcm)
        if self._echo is None:
            if self._sink is not None:
                self._sink.write(pcm)
            return
        if self._waits:  # nothing is sent, so nothing was recorded meanwhile
            self._play()
        conceal.copy(self._far, 0, pcm, 0, _FRAME)
        self._waits = True

    def _play(self):
        self._waits = False
        if self._sink is not None:
            self._sink.write(self._far)

    def close(self) -> None:
        """Close source and sink; a second call changes nothing."""
        if self._waits:
            self._play()
        for end in (self._source, self._sink):
            if end is not None:
                end.close()
        self._source = self._sink = None


def _limiter(decibels):
    from usip.audio.level import Limiter, gain_of

    return Limiter(gain_of(decibels))
