"""WAV files as a source and a sink of sound: 8 kHz (or another rate), mono, 16 bit.

The sink writes its header at once and corrects the lengths on close, so that a recording cut
short by a power failure still opens: its lengths are then 0 (to the end of the file).
"""


def _uint(buf, at, octets):
    return int.from_bytes(buf[at : at + octets], "little")


class WAVSource:
    """Plays the file at *path*, then silence; `is_finished` says that its end was reached.

    OSError: no such file. ValueError: no WAV, or not mono 16 bit PCM at *rate_hz*; the text says
    what.
    """

    def __init__(self, path: str, rate_hz: int = 8000) -> None:
        self._file = open(path, "rb")
        self._rate_hz = rate_hz
        self._rest = 0  # octets of sound left in the file
        self.is_finished = False
        try:
            self._rest = self._find_data()
        except ValueError:
            self._file.close()
            raise

    def _find_data(self) -> int:
        """Read the chunks up to the sound; return its octets."""
        head = self._file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            raise ValueError("no WAV file")
        has_format = False
        while True:
            head = self._file.read(8)
            if len(head) < 8:
                raise ValueError("WAV file without sound")
            size = _uint(head, 4, 4)
            if head[:4] == b"data":
                break
            chunk = self._file.read(size + size % 2)
            if head[:4] == b"fmt ":
                _check_format(chunk, self._rate_hz)
                has_format = True
        if not has_format:
            raise ValueError("WAV file without format")
        return size if 0 < size < 1 << 30 else -1  # 0 or all ones: the recorder was cut off

    def read(self, pcm) -> None:
        """Fill the array('h') *pcm* with the next frame; 0 bytes of heap."""
        n = 0
        if self._rest:
            n = self._file.readinto(pcm) or 0  # little-endian, as all that MicroPython runs on
            if self._rest > 0:
                if n > self._rest:
                    n = self._rest
                self._rest -= n
            if n == 0:
                self._rest = 0
        self.is_finished = n == 0
        for i in range(n // 2, len(pcm)):
            pcm[i] = 0

    def close(self) -> None:
        """Close the file; a second call changes nothing."""
        self._file.close()


def _check_format(chunk, rate_hz: int) -> None:
    if len(chunk) < 16:
        raise ValueError("WAV file with a broken format chunk")
    code = _uint(chunk, 0, 2)
    channels = _uint(chunk, 2, 2)
    rate = _uint(chunk, 4, 4)
    bits = _uint(chunk, 14, 2)
    if code not in (1, 0xFFFE) or (channels, rate, bits) != (1, rate_hz, 16):
        raise ValueError(
            "must be %d Hz, 1 channel, 16 bit PCM, not %d Hz, %d, %d bit (format %d)"
            % (rate_hz, rate, channels, bits, code)
        )


class WAVSink:
    """Records frames to a new file at *path*; `samples` counts them. OSError as of `open`."""

    def __init__(self, path: str, rate_hz: int = 8000) -> None:
        self._file = open(path, "wb")
        self._rate_hz = rate_hz
        self.samples = 0
        self._is_open = True
        self._write_header()

    def _write_header(self) -> None:
        size = 2 * self.samples
        self._file.write(b"RIFF" + (size + 36 if size else 0).to_bytes(4, "little") + b"WAVE")
        self._file.write(b"fmt \x10\x00\x00\x00\x01\x00\x01\x00")
        rate_hz = self._rate_hz
        self._file.write(rate_hz.to_bytes(4, "little") + (2 * rate_hz).to_bytes(4, "little"))
        self._file.write(b"\x02\x00\x10\x00data" + size.to_bytes(4, "little"))

    def write(self, pcm) -> None:
        """Append the array('h') *pcm*; 0 bytes of heap."""
        self._file.write(pcm)
        self.samples += len(pcm)

    def close(self) -> None:
        """Correct the lengths in the header and close; a second call changes nothing."""
        if self._is_open:
            self._is_open = False
            self._file.seek(0)
            self._write_header()
            self._file.close()
