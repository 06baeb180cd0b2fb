"""Sound from and to WAV files: what an agent without a sound device has."""

from usip.audio.wav import WAVSink, WAVSource


def make(settings: dict, play=None, record=None, is_wide: bool = False):
    """Return the audio that a section `audio` describes, None for silence.

    *play* and *record* go before what it says. Levels and echo control come between: audio.chain.
    """
    play = play or settings["play"]
    record = record or settings["record"]
    audio = Files(play, record, is_wide) if play or record else None
    if audio is not None and len(settings) > 2:  # more than the two keys that are always there
        from usip.audio import chain

        if chain.is_wanted(settings):
            return chain.Levels(audio, settings)
    return audio


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
