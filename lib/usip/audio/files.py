"""Sound from and to WAV files: what an agent without a sound device has."""

from usip.audio.wav import WAVSink, WAVSource


class Files:
    """Where a call's sound comes from and goes to; a path is None for silence, or for nowhere.

    The same object serves one call after the other: each plays *play* from its beginning and
    writes *record* anew. With *is_wide* both are at 16 kHz.
    """

    def __init__(self, play=None, record=None, is_wide: bool = False) -> None:
        self.play = play
        self.record = record
        self.is_wide = is_wide

    def open(self) -> tuple:
        """Return (source, sink), either None; OSError or ValueError when a file will not do."""
        make_source, make_sink = WAVSource, WAVSink
        if self.is_wide:
            from usip.audio.wideband import WideSink, WideSource

            make_source, make_sink = WideSource, WideSink
        source = make_source(self.play) if self.play else None
        sink = make_sink(self.record) if self.record else None
        return source, sink
