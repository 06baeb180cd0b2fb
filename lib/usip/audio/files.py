"""Sound from and to WAV files: what an agent without a sound device has."""

from usip.audio.wav import WAVSink, WAVSource


class Files:
    """Where a call's sound comes from and goes to; a path is None for silence, or for nowhere.

    The same object serves one call after the other: each plays *play* from its beginning and
    writes *record* anew.
    """

    def __init__(self, play=None, record=None) -> None:
        self.play = play
        self.record = record

    def open(self) -> tuple:
        """Return (source, sink), either None; OSError or ValueError when a file will not do."""
        source = WAVSource(self.play) if self.play else None
        sink = WAVSink(self.record) if self.record else None
        return source, sink
