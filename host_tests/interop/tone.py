"""Test tones as WAV files, and how much of a recording is the tone it should be."""

import array
import math
import statistics
import sys
import wave

RATE_HZ = 8000
LOCAL_HZ = 1000  # what the phone plays
REMOTE_HZ = 440  # what the peers play
_BLOCK_SAMPLES = 800  # 100 ms: every whole multiple of 10 Hz has whole periods in a block
_SILENT_POWER = 100.0 * 100.0  # mean square below which a block holds no tone at all


def write_sine(path, frequency_hz: int, seconds: float, amplitude: float = 0.4):
    """Write a sine of frequency_hz as 8 kHz mono 16 bit WAV."""
    step = 2 * math.pi * frequency_hz / RATE_HZ
    peak = 32767 * amplitude
    count = int(seconds * RATE_HZ)
    samples = array.array("h", (round(peak * math.sin(step * i)) for i in range(count)))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def read(path) -> array.array:
    """Return the samples of a 16 bit WAV, the first channel of several.

    Of one at 16 kHz every second sample, which does no harm to a tone.
    """
    with wave.open(str(path), "rb") as file:
        step, rest = divmod(file.getframerate(), RATE_HZ)
        assert step in (1, 2) and rest == 0, file.getframerate()
        assert file.getsampwidth() == 2, file.getsampwidth()
        samples = array.array("h", file.readframes(file.getnframes()))
        if sys.byteorder == "big":
            samples.byteswap()
        return samples[:: file.getnchannels() * step]


class Tone:
    """What a recording holds of one frequency, by blocks of 100 ms.

    seconds: length of the recording. heard_s: from the first to the last block with sound.
    purity: median over the blocks between those two of the share of energy at the frequency;
    1.0 is the tone alone. blemishes: blocks among them whose own share is below 0.9, as a
    phase jump makes (a packet concealed, a jitter buffer that slips). gaps: silent ones.
    """

    def __init__(self, samples, frequency_hz: int):
        self.seconds = len(samples) / RATE_HZ
        blocks = [
            _powers(samples[i : i + _BLOCK_SAMPLES], frequency_hz)
            for i in range(0, len(samples) - _BLOCK_SAMPLES + 1, _BLOCK_SAMPLES)
        ]
        loud = [i for i, (total, _) in enumerate(blocks) if total > _SILENT_POWER]
        # The first and last block with sound are cut by the start and the end of the call.
        heard = blocks[loud[0] + 1 : loud[-1]] if loud else []
        shares = [tone / total if total else 0.0 for total, tone in heard]
        self.heard_s = len(heard) * _BLOCK_SAMPLES / RATE_HZ
        self.purity = statistics.median(shares) if shares else 0.0
        self.blemishes = sum(share < 0.9 for share in shares)
        self.gaps = sum(total <= _SILENT_POWER for total, _ in heard)

    def __repr__(self):
        return (
            f"Tone(seconds={self.seconds:.2f}, heard_s={self.heard_s:.1f}, "
            f"purity={self.purity:.4f}, blemishes={self.blemishes}, gaps={self.gaps})"
        )


def _powers(block, frequency_hz):
    """Return (mean square of the block, mean square of its component at frequency_hz)."""
    step = 2 * math.pi * frequency_hz / RATE_HZ
    count = len(block)
    in_phase = sum(sample * math.cos(step * i) for i, sample in enumerate(block))
    quadrature = sum(sample * math.sin(step * i) for i, sample in enumerate(block))
    total = sum(sample * sample for sample in block) / count
    return total, 2 * (in_phase * in_phase + quadrature * quadrature) / (count * count)


def measure(path, frequency_hz: int) -> Tone:
    """Return the Tone of frequency_hz in the WAV at *path*."""
    return Tone(read(path), frequency_hz)
