"""Half-duplex voice switching: who speaks is heard, so what the loudspeaker says cannot come back.

For boards without room for an echo canceller. Each frame the levels of both directions are
compared. The far end's sound reaches the microphone again, weakened by the coupling between
loudspeaker and microphone; that coupling is learned as the greatest ratio seen while the far end
speaks alone, and forgotten slowly. The near end speaks when the microphone hears clearly more than
the coupling explains. While the far end has the floor the microphone is attenuated, while the near
end has it the loudspeaker is, and when nobody speaks both are half open.

The gains of a frame are found from that frame before it goes out, and open within 5 ms, so first
syllables are not clipped; they close slowly, after a hang-over, so last ones are not either. An
answer that begins 140 ms after the far end's last word, when the room has become quiet, is heard
whole; one that begins earlier must be louder than what is left of the echo.
"""

from micropython import const

from usip.audio.level import Gain
from usip.rtp import conceal

_FRAME = const(160)
_UNITY = const(4096)
_IDLE = const(0)
_NEAR = const(1)
_FAR = const(2)
_HANG_FRAMES = const(10)  # the floor is kept for 200 ms of silence
_YIELD_FRAMES = const(3)  # and for 60 ms when the other one speaks
_SPEECH = const(60)  # mean magnitude: -55 dBov
_NOISE_FLOOR = const(8)
_CLEAR = const(3)  # times the noise or the echo expected
_CLOSED = const(64)  # -36 dB
_HALF = const(1024)  # -12 dB


class VoiceSwitch:
    """Call `apply` once a frame, with what was recorded and what is about to be played.

    `state` is 0 while nobody speaks, 1 while the near end has the floor, 2 while the far end has.
    """

    def __init__(self) -> None:
        self.state = _IDLE
        self._microphone = Gain()
        self._loudspeaker = Gain()
        self._coupling = _UNITY  # as if all came back, until something better is learned
        self._echo = 0  # what the loudspeaker said lately, fading like a room
        self._noise = _SPEECH  # of the microphone
        self._silence = 0  # frames since the one with the floor spoke

    def apply(self, microphone, loudspeaker) -> None:
        """Attenuate the two array('h') frames in place as the conversation needs; no heap."""
        near = conceal.level(microphone, 0, _FRAME)
        far = conceal.level(loudspeaker, 0, _FRAME)
        expected = (self._echo if self._echo > far else far) * self._coupling // _UNITY
        is_near = near > _CLEAR * self._noise and near > _CLEAR * expected
        is_far = far > _SPEECH
        self._learn(near, is_near, is_far)
        before = self.state
        self._turn(is_near, is_far)
        self._set_gains()
        ramp = _FRAME if self.state == _IDLE or self.state == before else _FRAME // 4
        self._microphone.apply(microphone, ramp)
        self._loudspeaker.apply(loudspeaker, ramp)
        far = conceal.level(loudspeaker, 0, _FRAME)
        fading = self._echo * 3 // 4
        self._echo = far if far > fading else fading

    def _learn(self, near: int, is_near: bool, is_far: bool) -> None:
        """Follow the coupling while the far end is alone, and the noise in silence."""
        if is_near:
            return
        if self.state == _FAR and is_far:
            ratio = near * _UNITY // (self._echo + 1)
            lower = self._coupling - (self._coupling >> 5)
            self._coupling = ratio if ratio > lower else lower
        elif self._echo < _SPEECH:
            self._noise += (near - self._noise) // 16 if near > self._noise else 0
            if near < self._noise:
                self._noise = near if near > _NOISE_FLOOR else _NOISE_FLOOR

    def _turn(self, is_near: bool, is_far: bool) -> None:
        """Give the floor to who speaks; who has it keeps it through short pauses."""
        if is_near:
            speaker = _NEAR
        elif is_far:
            speaker = _FAR
        else:
            speaker = _IDLE
        if speaker == self.state:
            self._silence = 0
        elif self.state == _IDLE or (self.state == _FAR and speaker == _NEAR):
            self.state = speaker
            self._silence = 0
        else:
            self._silence += 1
            if self._silence >= (_YIELD_FRAMES if speaker else _HANG_FRAMES):
                self.state = speaker
                self._silence = 0

    def _set_gains(self) -> None:
        if self.state == _IDLE:
            self._microphone.target = self._loudspeaker.target = _HALF
        elif self.state == _NEAR:
            self._microphone.target = _UNITY
            self._loudspeaker.target = _CLOSED
        else:
            self._microphone.target = _CLOSED
            self._loudspeaker.target = _UNITY
