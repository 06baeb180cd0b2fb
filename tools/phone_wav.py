"""Any WAV file as the phone plays it: 8 or 16 kHz, mono, 16 bit.

Channels are averaged; the rate is converted by a windowed-sinc filter, one set of coefficients
for each phase of the ratio.
"""

import array
import math
import sys
import wave
from operator import mul
from pathlib import Path

RATE_HZ = 8000
_LOBES = 16  # of the sinc on either side: 60 dB of stop band with the Blackman window


class WAVError(Exception):
    """The file is no WAV file of linear samples."""


def prepare(path: str, folder: Path, rate_hz: int = RATE_HZ) -> str:
    """Return *path* when it can be played as it is, else that of a converted copy in *folder*.

    WAVError says what is wrong with the file.
    """
    try:
        with wave.open(path, "rb") as file:
            shape = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if shape == (1, 2, rate_hz):
                return path
            octets = file.readframes(file.getnframes())
    except OSError as e:
        raise WAVError("%s: %s" % (path, e.strerror or e)) from None
    except (wave.Error, EOFError) as e:
        raise WAVError("%s: %s" % (path, e or "is cut short")) from None
    channels, width, rate = shape
    if width > 4 or not 1000 <= rate <= 192000:
        raise WAVError("%s: %d octets a sample at %d Hz" % (path, width, rate))
    mono = mix(samples(octets, width), channels)
    target = folder / ("%s.%dk.wav" % (Path(path).stem, rate_hz // 1000))
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        pcm = array.array("h", resample(mono, rate, rate_hz))
        if sys.byteorder == "big":
            pcm.byteswap()
        file.writeframes(pcm.tobytes())
    return str(target)


def samples(octets: bytes, width: int) -> list:
    """Return the samples of little-endian linear PCM, scaled to 16 bit."""
    if width == 1:
        return [(octet - 128) << 8 for octet in octets]
    usable = len(octets) - len(octets) % width
    return [
        int.from_bytes(octets[at + width - 2 : at + width], "little", signed=True)
        for at in range(0, usable, width)
    ]


def mix(values: list, channels: int) -> list:
    """Return the mean of the channels."""
    if channels == 1:
        return values
    usable = len(values) - len(values) % channels
    return [sum(values[at : at + channels]) / channels for at in range(0, usable, channels)]


def resample(values: list, rate_hz: int, wanted_hz: int = RATE_HZ) -> list:
    """Return *values* at *wanted_hz* as ints of 16 bit."""
    divisor = math.gcd(rate_hz, wanted_hz)
    up, down = wanted_hz // divisor, rate_hz // divisor
    scale = min(1.0, up / down) * 0.95  # the pass band ends below the new half rate
    reach = math.ceil(_LOBES / scale)
    phases = [_coefficients(phase / up, scale, reach) for phase in range(up)]
    padded = [0] * reach + values + [0] * (reach + 1)
    out = []
    for n in range(len(values) * up // down):
        at, phase = divmod(n * down, up)
        # padded[at] is `reach` before sample *at*.
        total = sum(map(mul, phases[phase], padded[at : at + 2 * reach + 1]))
        out.append(max(-32768, min(32767, round(total))))
    return out


def _coefficients(fraction, scale, reach):
    """Return the filter around a point *fraction* of a sample behind the middle one; sum 1."""
    weights = []
    for k in range(-reach, reach + 1):
        x = (k - fraction) * scale
        position = (k - fraction) / (reach + 1)
        window = (
            0.42 + 0.5 * math.cos(math.pi * position) + 0.08 * math.cos(2 * math.pi * position)
        )
        weights.append(window * (math.sin(math.pi * x) / (math.pi * x) if x else 1.0))
    total = sum(weights)
    return [weight / total for weight in weights]
