"""G.711, one frame of 160 samples; beside it the C codec of CPython, where it has one."""

from array import array

from usip.rtp import g711

try:
    import audioop
except ImportError:
    audioop = None

_FRAME = 160
_pcm = array("h", [(i * 409 % 65536) - 32768 for i in range(_FRAME)])
_octets = bytearray((i * 37) & 0xFF for i in range(_FRAME))
_packet = bytearray(12 + _FRAME)
_out = array("h", [0] * _FRAME)


def _ulaw_encode():
    g711.ulaw_encode(_pcm, 0, _packet, 12, _FRAME)


def _ulaw_decode():
    g711.ulaw_decode(_octets, 0, _out, 0, _FRAME)


def _alaw_encode():
    g711.alaw_encode(_pcm, 0, _packet, 12, _FRAME)


def _alaw_decode():
    g711.alaw_decode(_octets, 0, _out, 0, _FRAME)


CASES = (
    ("mu-law encode", _ulaw_encode, 1),
    ("mu-law decode", _ulaw_decode, 1),
    ("A-law encode", _alaw_encode, 1),
    ("A-law decode", _alaw_decode, 1),
)

if audioop:
    CASES += (
        ("mu-law encode, audioop (C)", lambda: audioop.lin2ulaw(_pcm, 2), 1),
        ("mu-law decode, audioop (C)", lambda: audioop.ulaw2lin(_octets, 2), 1),
        ("A-law encode, audioop (C)", lambda: audioop.lin2alaw(_pcm, 2), 1),
        ("A-law decode, audioop (C)", lambda: audioop.alaw2lin(_octets, 2), 1),
    )
