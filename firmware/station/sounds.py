"""What a station lets be heard beside a call: chime, bells, tones, announcements; its volume.

Theory of operation. Sounds stands between the agent and the sound device: it is the agent's
`audio`, hands calls itself as both ends, and mixes what it plays into what they hear. While no
call carries sound it writes the frames itself, one each 20 ms, from `tick`. The device is open
while a call has it or something is playing. What sounds when is in `take`: it follows the events
of the station, so nothing else has to know of it. With nothing to play a tick uses no heap.
"""

from array import array

import micropython
from micropython import const

from usip.audio.tone import Tone, call_tone
from usip.audio.wav import WAVSource
from usip.ticks import ticks_add, ticks_diff

_FRAME_MS = const(20)
_PAUSE_MS = const(60)  # no frame of a call for so long: it carries no sound
_TONE_MS = const(3000)  # how long busy and error tones last
_STEPS = const(10)  # of the volume; each is 3 dB

_CHIMES = {
    "ding-dong": ((659, 0, (450, 50)), (523, 0, (700, 100))),
    "ding": ((784, 0, (600, 100)),),
    "gong": ((392, 0, (500, 50)), (494, 0, (500, 50)), (330, 0, (900, 100))),
}
_RINGS = {
    "bell": (800, 1067, (1000, 2000)),
    "double": (800, 1067, (400, 200, 400, 2000)),
    "fast": (1000, 1250, (150, 150)),
    "soft": (523, 659, (800, 4000)),
}
_BUSY = (486, 600, 603)


@micropython.viper
def _amplify(pcm: ptr16, count: int, gain: int):
    """Multiply pcm[:count] by *gain* / 4096, up to 1."""
    pcm = ptr16(pcm)
    i = 0
    while i < count:
        a = ((int(pcm[i]) & 0xFFFF) ^ 0x8000) - 0x8000
        pcm[i] = a * gain >> 12 & 0xFFFF
        i += 1


class Sounds:
    """The sounds of *station* over *device*, which has open() -> (source, sink)."""

    def __init__(self, station, device, settings: dict) -> None:
        self._station = station
        self._device = device
        self._settings = settings["sounds"]
        self._bells = settings.get("bells", ())
        self._source = self._sink = None
        self._is_open = False
        self._ends = 0  # of calls that have this as source or sink
        self._pcm = array("h", bytes(320))
        self._queue = []  # sources to be played one after the other
        self._again = None  # path of the WAV that is played until something ends it
        self._rings_back = False
        self._left = -1  # frames until what plays is cut off, -1: never
        self._carried = False  # a call wrote a frame since the last tick
        self._due_at = 0
        self._output = -1  # of the bell that rings
        self._is_held = False
        self.is_muted = False
        self.is_paged = False  # a page has the loudspeaker, see station.pager
        self.volume = self._settings["volume"]
        self._gain = 4096
        self.set_volume(self.volume)
        station.agent.audio = self
        station.listeners.append(self)
        station.parts.append(self)

    # -- what keys do

    def act(self, action: str) -> None:
        """Do what a key with *action* mute, louder or softer is for."""
        if action == "mute":
            self.set_mute(not self.is_muted)
        elif action == "louder" or action == "softer":
            self.set_volume(self.volume + (1 if action == "louder" else -1))

    def set_mute(self, is_muted: bool) -> None:
        """Send silence in place of the microphone, to the end of the call at most."""
        self.is_muted = is_muted
        self._station.say("mute", "on", is_muted)

    def set_volume(self, volume: int) -> None:
        """Make it louder or softer: 0, which is silence, to 10."""
        changed = self.volume != volume
        self.volume = volume = max(0, min(_STEPS, volume))
        gain = 4096 if volume else 0
        for _ in range(_STEPS - volume if volume else 0):
            gain = gain * 181 >> 8  # 3 dB
        self._gain = gain
        if changed:
            self._station.say("volume", "level", volume)

    # -- what is heard when

    def take(self, event: str, fields: tuple) -> None:
        """Follow what happens."""
        settings = self._settings
        if event == "button" and fields[3] == "call" and self._station.call is None:
            self.play(self._chime(settings["chime"]))
        elif event == "calling" or event == "answered" or event == "unanswered":
            if event != "calling":
                self.stop()
            if not self._announce(event) and event == "unanswered" and settings["tones"]:
                name = "busy" if fields[3] in _BUSY else "congestion"
                self.play([call_tone(name, settings["country"])], _TONE_MS)
        elif event == "progress":
            if fields[3] in (180, 183) and settings["ring_back"] and not self._rings_back:
                self._rings_back = True  # behind the chime
                self._queue.append(call_tone("ringback", settings["country"]))
        elif event == "media" or event == "ended":
            self.stop()
        elif event == "ringing":
            if not 0 <= fields[5] <= 1000:
                self._ring(fields[3])
        elif event == "waiting":
            self.play([call_tone("waiting", settings["country"])])
        elif event == "waited":
            self.stop()
        elif event == "warning":
            self.play([Tone(1400, 0, (200, 200), -13, 3)])
        else:
            self._announce(event)

    def _announce(self, event) -> bool:
        for entry in self._settings["say"]:
            if entry["event"] == event:
                self.play(self._wav(entry["file"]))
                return True
        return False

    def _chime(self, name) -> list:
        if name in _CHIMES:
            return [Tone(hz, second, cadence, -10, 1) for hz, second, cadence in _CHIMES[name]]
        return self._wav(name) if name != "none" else []

    def _ring(self, uri):
        name = self._settings["ring"]
        for bell in self._bells:
            from station import callers

            if callers.matches(uri, bell["callers"]):
                name = bell["sound"]
                self._output = bell.get("output", -1)
                break
        if self._output >= 0:
            self._station.pins.write(self._output, 1)
        if name in _RINGS:
            hz, second, cadence = _RINGS[name]
            self.play([Tone(hz, second, cadence, -7)])
        elif name != "none":
            self.play(self._wav(name))
            self._again = name

    def _wav(self, path) -> list:
        try:
            return [WAVSource(path)]
        except (OSError, ValueError) as e:
            self._station.say("error", "what", str(e), "where", path)
            return []

    # -- playing

    def play(self, sources: list, limit_ms: int = 0) -> None:
        """Play *sources* one after the other, in place of what plays now."""
        self._clear()
        self._queue += sources
        self._left = limit_ms // _FRAME_MS if limit_ms else -1

    def stop(self) -> None:
        """End what plays."""
        self._clear()
        if self._output >= 0:
            self._station.pins.write(self._output, 0)
            self._output = -1

    def _clear(self):
        for source in self._queue:
            source.close()
        self._queue.clear()
        self._again = None
        self._rings_back = False
        self._left = -1

    def tick(self, now_ms: int) -> None:
        """Write a frame when one is due and no call does."""
        if self._carried:
            self._carried = False
            self._due_at = ticks_add(now_ms, _PAUSE_MS)
        if self.is_paged:
            return
        if not self._queue:
            if self._is_open and not (self._ends or self._is_held):
                self._close_device()
            return
        if not self._is_open:
            self._open_device()
            if not self._is_open:
                self.stop()
                return
            self._due_at = now_ms
        elif ticks_diff(now_ms, self._due_at) > 4 * _PAUSE_MS:
            self._due_at = now_ms
        while self._queue and ticks_diff(now_ms, self._due_at) >= 0:
            self._due_at = ticks_add(self._due_at, _FRAME_MS)
            pcm = self._pcm
            for i in range(160):
                pcm[i] = 0
            self._put(pcm)

    def _put(self, pcm):
        """Mix what plays into a frame and let it be heard."""
        if self._queue:
            self._mix(pcm)
        self._write(pcm)

    def _write(self, pcm):
        if self._gain < 4096:
            _amplify(pcm, len(pcm), self._gain)
        if self._sink is not None:
            self._sink.write(pcm)

    def _mix(self, pcm):
        source = self._queue[0]
        if hasattr(source, "add"):
            source.add(pcm)
        else:
            source.read(pcm)  # an announcement takes the place of speech
        self._left -= 1 if self._left > 0 else 0
        if source.is_finished or self._left == 0:
            self._queue.pop(0).close()
            if self._left == 0:
                self._clear()
            elif not self._queue and self._again is not None:
                self._queue += self._wav(self._again)

    def page(self, pcm) -> None:
        """Let a frame of a page be heard, and nothing else."""
        if not self._is_open:
            self._open_device()
        self._write(pcm)

    def hold(self, is_held: bool) -> bool:
        """Keep the device open for a page of ours, or no longer; whether it is open."""
        if is_held and not self._is_open:
            self._open_device()
        self._is_held = is_held and self._is_open
        return self._is_open

    def listen(self, pcm) -> None:
        """Fill a frame from the microphone, for a page of ours."""
        if self._source is not None:
            self._source.read(pcm)

    def _open_device(self):
        try:
            self._take_device()
        except (OSError, ValueError) as e:
            self._station.say("error", "what", str(e), "where", "audio")

    def _take_device(self):
        if self._device is not None:
            self._source, self._sink = self._device.open()
        self._is_open = True

    def _close_device(self):
        self._is_open = False
        for end in (self._source, self._sink):
            if end is not None:
                end.close()
        self._source = self._sink = None

    # -- as the ends of a call's sound

    def open(self) -> tuple:
        """Return what a call reads from and writes to; OSError or ValueError of the device."""
        if not self._is_open:
            self._take_device()
        self._ends += 2
        return self, self

    def read(self, pcm) -> None:
        """Fill a frame from the microphone, with silence while it is muted."""
        if self._source is None or self.is_muted or self.is_paged:
            for i in range(len(pcm)):
                pcm[i] = 0
        else:
            self._source.read(pcm)

    def write(self, pcm) -> None:
        """Take a frame of a call."""
        self._carried = True
        if not self.is_paged:
            self._put(pcm)

    def close(self) -> None:
        """A call lets go of an end."""
        if self._ends:
            self._ends -= 1
            if not self._ends:
                self.is_muted = False
        # what else keeps the device open lets go of it in `tick`
        if not (self._ends or self._queue or self.is_paged or self._is_held) and self._is_open:
            self._close_device()

    def finish(self) -> None:
        """The station ends; calls that are left let go themselves."""
        self.stop()
        if self._is_open and not self._ends:
            self._close_device()
