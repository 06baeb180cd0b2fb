"""G.722: octet by octet beside spandsp, and in a call with baresip."""

import ctypes
import random
import time
from array import array

import pytest

from usip.rtp.g722 import Coder

from .test_calls_host import assert_media_flowed, assert_sound_both_ways, sounds  # noqa: F401

_NARROW = 1  # G722_SAMPLE_RATE_8000
_FRAMES = 40
_TALK_S = 3.0


class Spandsp:
    """An encoder and a decoder of libspandsp, at 16 or 8 kHz."""

    def __init__(self, is_wide: bool) -> None:
        library = self.library = ctypes.CDLL("libspandsp.so.2")
        library.g722_encode_init.restype = library.g722_decode_init.restype = ctypes.c_void_p
        options = 0 if is_wide else _NARROW
        self._encoder = ctypes.c_void_p(library.g722_encode_init(None, 64000, options))
        self._decoder = ctypes.c_void_p(library.g722_decode_init(None, 64000, options))

    def encode(self, pcm) -> bytes:
        out = (ctypes.c_uint8 * len(pcm))()
        given = (ctypes.c_int16 * len(pcm))(*pcm)
        return bytes(out[: self.library.g722_encode(self._encoder, out, given, len(pcm))])

    def decode(self, octets) -> list:
        out = (ctypes.c_int16 * (2 * len(octets)))()
        given = (ctypes.c_uint8 * len(octets))(*octets)
        return list(out[: self.library.g722_decode(self._decoder, out, given, len(octets))])


def signals(count):
    """Yield noises of several loudnesses, clicks and a square wave, below what overloads."""
    source = random.Random(722)
    for size in (30, 1000, 9000):
        yield [max(-32768, min(32767, round(source.gauss(0, size)))) for _ in range(count)]
    yield [20000 if i % 397 == 0 else 0 for i in range(count)]
    yield [9000 if i // 37 % 2 else -9000 for i in range(count)]


@pytest.mark.parametrize("is_wide", [True, False])
def test_octets_and_samples_are_spandsp_s(is_wide):
    size = 320 if is_wide else 160
    for n, pcm in enumerate(signals(_FRAMES * size)):
        theirs, ours = Spandsp(is_wide), Coder(is_wide)
        octets = bytearray(160 * _FRAMES)
        for f in range(_FRAMES):
            ours.encode(array("h", pcm[f * size : (f + 1) * size]), octets, 160 * f)
        assert bytes(octets) == theirs.encode(pcm), n
        heard = array("h", [0] * len(pcm))
        for f in range(_FRAMES):
            ours.decode(octets, 160 * f, heard, f * size, 160)
        assert list(heard) == theirs.decode(octets), n


def test_a_call_with_baresip_in_wideband(
    phone,
    vm,
    baresip,
    kamailio,
    sounds,  # noqa: F811
    folder,
):
    bob = baresip("bob", codecs="g722/16000/1")
    room = ("--heap", "128k") if "micropython" in vm else ()  # G.722 takes 5 KB more
    door = phone(*sounds, "--codecs", "G722,PCMU", *room)
    door.do("call", to=kamailio.uri("bob"))
    answered = door.wait_event("answered")
    assert answered["codec"] == "G722"
    bob.wait_event("CALL_ESTABLISHED")
    time.sleep(_TALK_S)
    door.do("hangup", call=answered["call"])
    door.wait_event("ended", call=answered["call"])
    bob.wait_event("CALL_CLOSED")
    assert_media_flowed(door, answered["call"])
    assert door.quit() == 0
    assert_sound_both_ways(folder, bob)
