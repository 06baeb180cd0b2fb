"""G.711, frames of 160 samples one after the other; beside it the C codec of CPython."""

from array import array

from usip.rtp import g711

try:
    import audioop
except ImportError:
    audioop = None

RATIOS = tuple(
    ("%s %s" % (law, way), "%s %s, audioop (C)" % (law, way), 4)
    for law in ("mu-law", "A-law")
    for way in ("encode", "decode")
)

_FRAME = 160
_FRAMES = 50
_pcm = array("h", [(i * 409 % 65536) - 32768 for i in range(_FRAME)])
_octets = bytearray((i * 37) & 0xFF for i in range(_FRAME))


class _Codec:
    """One law, frame by frame."""

    def __init__(self, encode, decode):
        self._encode = encode
        self._decode = decode
        self._packet = bytearray(12 + _FRAME)
        self._out = array("h", _pcm)

    def encode(self):
        encode = self._encode
        pcm = _pcm
        packet = self._packet
        count = _FRAME
        for _ in range(_FRAMES):
            encode(pcm, 0, packet, 12, count)

    def decode(self):
        decode = self._decode
        octets = _octets
        out = self._out
        count = _FRAME
        for _ in range(_FRAMES):
            decode(octets, 0, out, 0, count)


class _C:
    """A function of audioop, frame by frame."""

    def __init__(self, function, frame):
        self.function = function
        self.frame = frame

    def run(self):
        function = self.function
        frame = self.frame
        for _ in range(_FRAMES):
            function(frame, 2)


_ulaw = _Codec(g711.ulaw_encode, g711.ulaw_decode)
_alaw = _Codec(g711.alaw_encode, g711.alaw_decode)

CASES = (
    ("mu-law encode", _ulaw.encode, _FRAMES),
    ("mu-law decode", _ulaw.decode, _FRAMES),
    ("A-law encode", _alaw.encode, _FRAMES),
    ("A-law decode", _alaw.decode, _FRAMES),
)

if audioop:
    CASES += (
        ("mu-law encode, audioop (C)", _C(audioop.lin2ulaw, _pcm).run, _FRAMES),
        ("mu-law decode, audioop (C)", _C(audioop.ulaw2lin, _octets).run, _FRAMES),
        ("A-law encode, audioop (C)", _C(audioop.lin2alaw, _pcm).run, _FRAMES),
        ("A-law decode, audioop (C)", _C(audioop.alaw2lin, _octets).run, _FRAMES),
    )
