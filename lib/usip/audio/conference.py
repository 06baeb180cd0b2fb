"""A conference of calls and us: everybody hears all others (N-1 mixing), at 8 kHz.

Each call brings a frame in and takes one away once in 20 ms, at a moment of its own; our own
sound follows the first call that has any. What comes in from each is kept in a ring of four
frames, and each of the others reads it at its own pace: who was late leaves out a frame, and is
silence to the others meanwhile. All clocks are one clock, so nobody drifts. No frame uses heap; a
conference of three takes 5 KB of it.
"""

from array import array

from micropython import const

from usip.audio.mix import mix
from usip.rtp.conceal import copy

_FRAME = const(160)
_RING = const(4)  # frames
_LAG = const(2)  # frames a reader may be behind
_MISSED = const(2)  # frames of others without one of who gives our own sound its pace


def join(*calls) -> "Conference":
    """Join answered calls with our sound; those that we hold are resumed.

    ValueError: fewer than two.
    """
    if len(calls) < 2:
        raise ValueError("a conference is of two calls or more")
    for call in calls:
        if not call.media.can_receive and call.allowed("modify"):
            call.resume()
    return Conference(calls)


class _Party:
    """What one of those who speak said lately, and how far each of the others has heard it."""

    def __init__(self, parties: int) -> None:
        self._ring = array("h", bytes(2 * _RING * _FRAME))
        self._written = 0
        self._heard = bytearray(parties)

    def put(self, pcm) -> None:
        """Take a frame."""
        copy(self._ring, self._written % _RING * _FRAME, pcm, 0, _FRAME)
        self._written = (self._written + 1) & 0xFF

    def add_to(self, pcm, reader: int) -> None:
        """Add the next frame for *reader* to *pcm*, if there is one."""
        behind = (self._written - self._heard[reader]) & 0xFF
        if behind:
            if behind > _LAG:
                behind = _LAG
            first = self._written - behind
            mix(pcm, self._ring, first % _RING * _FRAME, _FRAME)
            self._heard[reader] = (first + 1) & 0xFF


class Member:
    """Source and sink of one call in a conference."""

    def __init__(self, conference, call, index: int) -> None:
        self._conference = conference
        self.call = call
        self.index = index

    def write(self, pcm) -> None:
        """Take what the far side says."""
        self._conference.take(self, pcm)

    def read(self, pcm) -> None:
        """Give what the far side is to hear."""
        self._conference.give(self.index, pcm)

    def close(self) -> None:
        """Leave: the call is over, or has other sound now; a second call changes nothing."""
        self._conference.remove(self)


class Conference:
    """Joins *calls*; our source and sink are those of the first that has any.

    A call leaves when it ends; with the last but one the rest is an ordinary call again.
    """

    def __init__(self, calls) -> None:
        parties = len(calls) + 1
        self.source = self.sink = None
        self.members = []
        self._parties = [_Party(parties) for _ in range(parties)]
        self._pcm = array("h", bytes(2 * _FRAME))
        self._leader = None
        self._missed = 0
        for call in calls:
            if self.source is None and self.sink is None:
                self.source, self.sink = call.source, call.sink
                call.source = call.sink = None
            call.close_audio()
            member = Member(self, call, len(self.members) + 1)
            self.members.append(member)
            call.source = call.sink = member
            call.fit()
        self._leader = self.members[0]

    def take(self, member, pcm) -> None:
        """A call brings a frame; with the leader's it is our turn too."""
        self._parties[member.index].put(pcm)
        if member is not self._leader:
            self._missed += 1
            if self._missed <= _MISSED * len(self.members):
                return
            self._leader = member  # the other one has no sound any more
        self._missed = 0
        own = self._pcm
        if self.sink is not None:
            self.give(0, own)
            self.sink.write(own)
        if self.source is not None:
            self.source.read(own)
            self._parties[0].put(own)

    def give(self, reader: int, pcm) -> None:
        """Fill *pcm* with what all but *reader* say."""
        for i in range(_FRAME):
            pcm[i] = 0
        if reader:
            self._parties[0].add_to(pcm, reader)
        for member in self.members:
            if member.index != reader:
                self._parties[member.index].add_to(pcm, reader)

    def remove(self, member) -> None:
        """Let one call go."""
        if member not in self.members:
            return
        self.members.remove(member)
        if member is self._leader and self.members:
            self._leader = self.members[0]
        if len(self.members) == 1:
            self.end()

    def end(self) -> None:
        """Dissolve: the first call keeps our sound, the others hear silence."""
        source, sink = self.source, self.sink
        self.source = self.sink = None
        for member in self.members:
            call = member.call
            if call.source is member:
                call.source = source
            if call.sink is member:
                call.sink = sink
            call.fit()
            source = sink = None
        self.members = []
        for end in (source, sink):
            if end is not None:
                end.close()
