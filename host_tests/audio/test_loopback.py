"""loopback: what a loudspeaker says is heard by the microphone, or not."""

from array import array

from usip.audio.loopback import Loopback, decibels


class Air:
    """What is said is heard some frames later, weaker, over some noise."""

    def __init__(self, frames, share, noise=20):
        self.said = [array("h", bytes(320)) for _ in range(frames)]
        self.share = share
        self.noise = noise
        self.seed = 1

    def read(self, pcm):
        far = self.said.pop(0)
        for i in range(160):
            self.seed = (self.seed * 1103515 + 12345) & 0xFFFFFF
            pcm[i] = (
                int(far[i] * self.share) + (self.seed >> 8) % (2 * self.noise + 1) - self.noise
            )

    def write(self, pcm):
        self.said.append(array("h", pcm))


def result(air):
    test = Loopback(air, air)
    while test.step():
        pass
    return test


def test_a_tone_that_comes_back_is_measured():
    found = result(Air(4, 0.5))
    assert found.tone > 95 and found.delay_ms == 80
    assert -28 <= decibels(found.loud) <= -18 and decibels(found.quiet) < -65
    assert decibels(found.peak) < -15


def test_a_dead_loudspeaker_is_noticed():
    found = result(Air(4, 0.0))
    assert found.tone < 20 and found.delay_ms == -1


def test_a_dead_microphone_is_noticed():
    found = result(Air(4, 0.0, 0))
    assert (found.tone, found.loud, found.peak, decibels(found.loud)) == (0, 0, 0, -96)


def test_noise_is_no_tone():
    found = result(Air(3, 0.0, 8000))
    assert found.tone < 20 and found.quiet > 3000
