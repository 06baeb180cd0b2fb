"""Ends of sound at 16 kHz: in a G.722 call as they are, in any other by resampling.

An end that says `is_wide` takes or gives frames of 320 samples at 16 kHz, and of 160 at 8 kHz as
every end does; the frame's length says which. A call is wide when its codec is and all its ends
are (rtp.coded.fit); then all its frames have 320 samples. Loaded only for such ends.
"""

from array import array

from micropython import const

from usip.audio.resample import Decimator, Interpolator
from usip.audio.wav import WAVSink, WAVSource

_FRAME = const(160)
_WIDE_HZ = const(16000)


class WideSource:
    """Plays the 16 kHz WAV file at *path*; errors as of WAVSource."""

    is_wide = True

    def __init__(self, path: str) -> None:
        self._source = WAVSource(path, _WIDE_HZ)
        self._frame = array("h", bytes(4 * _FRAME))
        self._decimator = Decimator()

    @property
    def is_finished(self) -> bool:
        """Whether the end of the file was reached."""
        return self._source.is_finished

    def read(self, pcm) -> None:
        """Fill the array('h') *pcm* of 160 or 320 samples; no heap."""
        if len(pcm) > _FRAME:
            self._source.read(pcm)
        else:
            self._source.read(self._frame)
            self._decimator.apply(self._frame, pcm)

    def close(self) -> None:
        """Close the file."""
        self._source.close()


class WideSink:
    """Records to a new 16 kHz WAV file at *path*."""

    is_wide = True

    def __init__(self, path: str) -> None:
        self._sink = WAVSink(path, _WIDE_HZ)
        self._frame = array("h", bytes(4 * _FRAME))
        self._interpolator = Interpolator()

    def write(self, pcm) -> None:
        """Append the array('h') *pcm* of 160 or 320 samples; no heap."""
        if len(pcm) > _FRAME:
            self._sink.write(pcm)
        else:
            self._interpolator.apply(pcm, self._frame)
            self._sink.write(self._frame)

    def close(self) -> None:
        """Complete the file."""
        self._sink.close()
