"""What the speaker sounded at the time a microphone heard it: the reference that an echo is found by. PURE.

Playback tells when each tick sounds, capture asks for what sounded during a block. Both times wobble by a millisecond,
as cards tell their position in steps; both ways are read on without a seam nevertheless, and led to where the times say
by single samples. So the two clocks may differ, and the path of the echo stays as long as it is.
"""

from collections import deque

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ

_NS_PER_S = 1_000_000_000
_FRAME_NS = _NS_PER_S / RATE_HZ
# An echo canceller finds only what comes after its reference: so much earlier is told, more than the times wobble. The
# card holds more than that, so it is known by then.
LEAD_FRAMES = RATE_HZ * 4 // 1_000
# What the playback thread has told and nobody has asked for: while capture stands still.
_WAITING = 100
_KEPT_FRAMES = RATE_HZ // 2
# Farther apart something stood still, or was lost: no crystal.
_JUMP_FRAMES = RATE_HZ // 50
# One time says little, as it wobbles: so many are taken together, and fewer at first.
_TOGETHER = 1_000


class Reference:
    """`played` belongs to the playback thread, `during` to the capture thread."""

    def __init__(self) -> None:
        self._told: deque[tuple[bytes, int]] = deque(maxlen=_WAITING)
        self._sound = bytearray()
        self._end = 0  # number of the frame after `_sound`
        self._dry = False
        self._sounds = _Trend(0.0)  # when frame 0 sounds, by the ticks so far; ns
        self._next: int | None = None  # the frame to read next
        self._ahead = _Trend(0.0)  # by how much the frame that sounds then is ahead of an even reading
        self._read_ahead = 0

    def played(self, pcm_bytes: bytes, sounds_ns: int) -> None:
        """One tick, s16le mono at 48 kHz, and when its first sample sounds, monotonic. An empty one, of no
        time: the card ran dry, and the next one sounds later than right behind the last."""
        self._told.append((pcm_bytes, sounds_ns))

    def during(self, first_ns: int, frames: int) -> bytes:
        """So many frames, from 4 ms after that time on; silence where nothing is known."""
        while self._told:
            self._take(*self._told.popleft())
        wanted = (first_ns - self._sounds.value) / _FRAME_NS + LEAD_FRAMES
        if self._next is None or abs(wanted - self._next) > _JUMP_FRAMES:
            self._next, self._read_ahead, self._ahead = round(wanted), 0, _Trend(wanted - round(wanted))
        slips = round(self._ahead.follow(wanted - self._next + self._read_ahead)) - self._read_ahead
        sound = self._read(self._next, frames + slips)
        self._next += frames + slips
        self._read_ahead += slips
        return pcm.slip(sound, slips) if slips else sound

    def _take(self, pcm_bytes: bytes, sounds_ns: int) -> None:
        if not pcm_bytes:
            self._dry = True
            return
        late_ns = sounds_ns - self._sounds.value - self._end * _FRAME_NS
        if self._dry or abs(late_ns) > _JUMP_FRAMES * _FRAME_NS:
            self._dry = False
            self._sound.clear()
            self._sounds, self._next = _Trend(sounds_ns - self._end * _FRAME_NS), None
        else:
            self._sounds.follow(sounds_ns - self._end * _FRAME_NS)
        self._sound += pcm_bytes
        self._end += len(pcm_bytes) // pcm.SAMPLE_BYTES
        del self._sound[: -_KEPT_FRAMES * pcm.SAMPLE_BYTES]

    def _read(self, first: int, frames: int) -> bytes:
        begin = (first - self._end) * pcm.SAMPLE_BYTES + len(self._sound)
        end = begin + frames * pcm.SAMPLE_BYTES
        known = bytes(self._sound[max(0, begin) : max(0, end)])
        return (bytes(max(0, min(0, end) - begin)) + known).ljust(frames * pcm.SAMPLE_BYTES, b"\0")


class _Trend:
    """A value that grows evenly, seen through noise: the line through what was seen last, at its end."""

    def __init__(self, value: float) -> None:
        self.value, self._slope, self._seen = value, 0.0, 1

    def follow(self, seen: float) -> float:
        """It was seen once more, one step later; returns what it is. (The g-h filter with an expanding memory.)"""
        self._seen = count = min(self._seen + 1, _TOGETHER)
        self.value += self._slope
        error, scale = seen - self.value, (count + 1) * (count + 2)
        self.value += error * 2 * (2 * count + 1) / scale
        self._slope += error * 6 / scale
        return self.value
