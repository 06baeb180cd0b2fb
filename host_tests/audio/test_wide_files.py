"""wideband: files at 16 kHz take and give frames of both lengths without heap."""

import os
from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.audio.wideband import WideSink, WideSource

PATH = "/tmp/usip-wide-%d.wav" % (id(os) % 100000)


def test_no_frame_uses_heap_and_nothing_is_lost():
    sink = WideSink(PATH)
    pcm = array("h", [i % 80 * 100 for i in range(320)])
    for _ in range(20):
        sink.write(pcm)
    sink.close()
    for size in (160, 320):
        source, sink = WideSource(PATH), WideSink(PATH + ".out")
        pcm = array("h", [0] * size)
        source.read(pcm)
        sink.write(pcm)
        with NoAlloc():
            for _ in range(19):
                source.read(pcm)
                sink.write(pcm)
        assert not source.is_finished
        source.read(pcm)
        assert source.is_finished
        source.close()
        sink.close()
        assert os.stat(PATH + ".out")[6] == 44 + 20 * 640
    os.remove(PATH)
    os.remove(PATH + ".out")
