"""Numbers captured samples so that their clock keeps to real time, whatever was not captured. PURE.

An xrun, a missing card or one that stood still swallows sound. Were its time not counted, RTP time would fall behind
real time, and listeners would take all that follows for old speech.

A standstill of some milliseconds looks like a thread that was late; but that is over with the next block, and of a
standstill no block is free. So of each half second the one that was least late is compared with that of the half second
before: what the two are apart, beyond what crystals are, was a standstill.
"""

from typing import NamedTuple

RATE_HZ = 48_000
_NS_PER_S = 1_000_000_000
# So late without an xrun: the card's clock stood still, ours did not. Less is the scheduler's mood.
_STOOD_STILL_FRAMES = RATE_HZ // 20
_WINDOW_FRAMES = RATE_HZ // 2
# In a window two crystals come apart by a hundredth of this, and a card's position jumps by a few ms at most.
_LATE_FRAMES = RATE_HZ // 100


class Block(NamedTuple):
    """One captured block.

    pcm: s16le mono. frame: number of its first sample on the capture clock. captured_ns: monotonic time of its last.
    """

    pcm: bytes
    frame: int
    captured_ns: int


class CaptureClock:
    """The capture clock of one microphone; it never goes back. first: the number of the first sample."""

    def __init__(self, first: int = 0) -> None:
        self._frame = first
        self._stamp_ns = 0  # when the sample before `_frame` was captured; 0 = never
        self._broken = False
        self._lateness = _Lateness()

    def broke(self) -> None:
        """Sound was lost since the last block."""
        self._broken = True

    def number(self, frames: int, captured_ns: int) -> int:
        """The number of the first sample of a block of so many, whose last one was captured at that time."""
        if self._stamp_ns:
            lost_frames = (captured_ns - self._stamp_ns) * RATE_HZ // _NS_PER_S - frames
            if lost_frames > (0 if self._broken else _STOOD_STILL_FRAMES):
                self._frame += lost_frames
                self._lateness = _Lateness()
        self._frame += self._lateness.add(self._frame, frames, captured_ns)
        first, self._frame = self._frame, self._frame + frames
        self._stamp_ns, self._broken = captured_ns, False
        return first


class _Lateness:
    """How late blocks are against the first of them, by the least of each window."""

    def __init__(self) -> None:
        self._origin: tuple[int, int] | None = None  # a frame, and when it was captured
        self._before: int | None = None  # the least of the window before
        self._least, self._left = 0, 0

    def add(self, first: int, frames: int, captured_ns: int) -> int:
        """The next block; returns by how many frames its number has to go ahead."""
        end = first + frames
        if self._origin is None:
            self._origin = end, captured_ns
        origin_frame, origin_ns = self._origin
        late = (captured_ns - origin_ns) * RATE_HZ // _NS_PER_S - (end - origin_frame)
        self._least = min(self._least, late) if self._left else late
        self._left = (self._left or _WINDOW_FRAMES) - frames
        if self._left > 0:
            return 0
        self._left, least, before = 0, self._least, self._before
        if before is not None and least - before > _LATE_FRAMES:
            return least - before
        self._before = least
        return 0
