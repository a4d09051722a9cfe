"""Numbers captured samples so that their clock keeps to real time, whatever was not captured. PURE.

An xrun, a missing card or one that stood still swallows sound. Were its time not counted, RTP time would fall behind
real time, and listeners would take all that follows for old speech.
"""

from typing import NamedTuple

RATE_HZ = 48_000
_NS_PER_S = 1_000_000_000
# So late without an xrun: the card's clock stood still, ours did not. Less is the scheduler's mood.
_STOOD_STILL_FRAMES = RATE_HZ // 20


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

    def broke(self) -> None:
        """Sound was lost since the last block."""
        self._broken = True

    def number(self, frames: int, captured_ns: int) -> int:
        """The number of the first sample of a block of so many, whose last one was captured at that time."""
        if self._stamp_ns:
            lost_frames = (captured_ns - self._stamp_ns) * RATE_HZ // _NS_PER_S - frames
            if lost_frames > (0 if self._broken else _STOOD_STILL_FRAMES):
                self._frame += lost_frames
        first, self._frame = self._frame, self._frame + frames
        self._stamp_ns, self._broken = captured_ns, False
        return first
