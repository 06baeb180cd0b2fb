"""Codecs other than G.711 in a stream, and comfort noise. Loaded only when agreed on.

A coder does both directions of a call: `name`; `octets` of a sample at 8 kHz; `is_wide`, whether
its sound is at 16 kHz; `silence`, the octet of none; `buffer`, the class of its jitter buffer;
`encode(pcm, buf, at)`, `decode(buf, start, pcm, at, count)`; `keep` and `restore` of the decoder's
state. Packets are laid down and timed as those of G.711 are, since both have a clock of 8 kHz.

What is decoded to look ahead is decoded again when its time comes: the state goes back for that.
After a loss the decoder goes on with the state before it; G.722 recovers within milliseconds.
"""

from array import array

from micropython import const

from usip.rtp.playout import Playout

_FRAME = const(160)


class CodedPlayout(Playout):
    """As Playout, decoding with *coder*; sound at 8 kHz."""

    def __init__(self, coder, before: Playout) -> None:
        """Take the place of *before*: packets go where they would have gone there."""
        old = before.buffer
        slots = old.size // 160
        super().__init__(slots)
        self._coder = coder
        self.delays = before.delays
        self.buffer = coder.buffer(slots)
        self.buffer.clear(old.position)
        follow(self, before)

    def _decode(self, position: int, pcm, at: int, n: int) -> None:
        buffer = self.buffer
        coder = self._coder
        while n:  # by what a coder takes at once, and round the ring's end
            start = position % buffer.size
            count = buffer.size - start
            if count > _FRAME:
                count = _FRAME
            if count > n:
                count = n
            coder.decode(buffer.octets, start, pcm, at, count)
            position += count
            at += count << self._wide
            n -= count

    def _bridge(self, scratch, gap: int) -> None:
        self._coder.keep()
        Playout._bridge(self, scratch, gap)
        self._coder.restore()

    def _leave_out(self, is_quiet: bool) -> None:
        self._coder.keep()
        position = self.buffer.position
        Playout._leave_out(self, is_quiet)
        if self.buffer.position == position:
            self._coder.restore()


class WidePlayout(CodedPlayout):
    """The same at 16 kHz: frames of 320 samples."""

    _wide = 1


def follow(playout: Playout, before: Playout) -> None:
    """Go on with the figures of *before*."""
    playout.concealed = before.concealed
    playout.slips = before.slips
    playout.comfort_level = before.comfort_level


def configure(stream, codec: str, has_noise: bool) -> None:
    """Let *stream* send and hear *codec*, at 8 kHz; PCMU and PCMA as it does without us.

    With *has_noise* (RFC 3389) silence is not sent. ValueError: no such codec. Allocates,
    unless it is the codec there is.
    """
    if not has_noise:
        stream.suppressor = None
    elif stream.suppressor is None:
        from usip.rtp import silence

        stream.suppressor = silence.Suppressor()
    before = stream.sender.coder
    if before is not None and before.name == codec.encode():
        return
    if codec == "G722":
        from usip.rtp import g722

        _use(stream, g722.Coder())
    elif codec == "L16":
        from usip.rtp import l16

        _use(stream, l16.Coder())
    elif codec not in ("PCMU", "PCMA"):
        raise ValueError("no such codec: %s" % codec)
    elif before is not None:
        old = stream.playout
        stream.playout = Playout(old.buffer.size // 160)
        stream.playout.delays = old.delays
        stream.playout.buffer.clear(old.buffer.position)
        follow(stream.playout, old)
        stream.sender.set_coder(None)


def set_wide(stream, is_wide: bool) -> bool:
    """Take and give frames of 320 samples at 16 kHz, or of 160 at 8 kHz again; allocates.

    Return whether they are wide from now on: only G.722 can, and not while tones are listened to.
    """
    coder = stream.sender.coder
    if coder is None or coder.name != b"G722" or stream.detector is not None:
        return False
    if coder.is_wide != is_wide:
        from usip.rtp import g722

        _use(stream, g722.Coder(is_wide))
    return is_wide


def fit(call) -> None:
    """Let the frames of *call* be as its codec and its ends allow; allocates when that changes.

    An end that says `is_wide` takes frames of 320 samples as well as of 160.
    """
    ends = [end for end in (call.source, call.sink) if end is not None]
    is_wide = bool(ends) and all([getattr(end, "is_wide", False) for end in ends])
    samples = 320 if set_wide(call.stream, is_wide) else 160
    if len(call.pcm) != samples:
        call.pcm = array("h", bytes(2 * samples))


def _use(stream, coder) -> None:
    kind = WidePlayout if coder.is_wide else CodedPlayout
    stream.playout = kind(coder, stream.playout)
    stream.sender.set_coder(coder)
