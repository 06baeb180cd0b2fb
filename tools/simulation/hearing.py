"""How much of what was said was heard: two recordings compared piece by piece.

Theory of operation: the cross-correlation of the whole (by FFT) says by how much the heard sound
is late. Then each piece of 400 ms in which something was said is looked for near that place; its
score is the normalised correlation there, 1.0 for the same sound at any level. A jitter buffer
that shifts by some samples, or a lost packet, thus costs the piece it hits and no other.
"""

import numpy

from tools.simulation.speech import RATE_HZ

_PIECE = int(0.4 * RATE_HZ)
_AROUND = int(0.06 * RATE_HZ)  # how far a piece may be from where the whole says it is
_AUDIBLE = 200.0  # root mean square
_GOOD = 0.9


class Heard:
    """The result: *similarity* median of the scores, *good_share* of pieces above 0.9.

    *lag_ms*: how much later it is in the recording than in what was played. *pieces*: scores.
    """

    def __init__(self, lag_samples: int, scores: list) -> None:
        self.lag_samples = lag_samples
        self.lag_ms = lag_samples * 1000 // RATE_HZ
        self.scores = scores
        self.similarity = float(numpy.median(scores)) if scores else 0.0
        self.good_share = sum(score >= _GOOD for score in scores) / len(scores) if scores else 0.0

    @property
    def seconds(self) -> float:
        """How much of speech was compared."""
        return len(self.scores) * _PIECE / RATE_HZ


def compare(said, heard) -> Heard:
    """Compare two arrays of samples at 8 kHz."""
    said = numpy.asarray(said, float)
    heard = numpy.asarray(heard, float)
    if len(heard) < _PIECE or not heard.any():
        return Heard(0, [])
    lag = _lag(said, heard)
    scores = []
    for start in range(0, len(said) - _PIECE, _PIECE):
        piece = said[start : start + _PIECE]
        at = start + lag
        if at < 0 or at + _PIECE > len(heard) or _rms(piece) < _AUDIBLE:
            continue
        low = max(0, at - _AROUND)
        scores.append(_score(piece, heard[low : at + _PIECE + _AROUND]))
    return Heard(lag, scores)


def _rms(samples) -> float:
    return float(numpy.sqrt(numpy.mean(samples * samples)))


def _lag(said, heard) -> int:
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = numpy.fft.rfft(heard, size) * numpy.conj(numpy.fft.rfft(said, size))
    correlation = numpy.fft.irfft(spectrum, size)
    at = int(numpy.argmax(correlation))
    return at if at < size // 2 else at - size


def _score(piece, window) -> float:
    """Return the best normalised correlation of *piece* anywhere in *window*."""
    products = numpy.correlate(window, piece, "valid")
    energy = numpy.concatenate(([0.0], numpy.cumsum(window * window)))
    energies = energy[len(piece) :] - energy[: -len(piece)]
    scale = numpy.sqrt(energies * float(piece @ piece))
    return float(numpy.max(products / numpy.maximum(scale, 1.0)))
