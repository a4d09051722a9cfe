"""What waits for one listener who does not read fast enough: at most 200 ms of packets, the oldest go first.

The listener would refuse old speech anyway (DESIGN 5); dropping it here saves memory and the way. PURE.
"""

from collections import deque

# Two playback buffers of a device; what has waited longer here is late at the other end even on a fast path.
KEEP_S = 0.2
# 200 ms of twelve talkers at 10 ms, and at most 330 kB whatever they send.
KEEP_FRAMES = 256


class Backlog:
    """Frames with the time they came. A frame is shared with every other listener's backlog."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames: deque[tuple[float, bytes]] = deque()

    def put(self, frame: bytes, now: float) -> int:
        """Keep a frame; returns how many had to go for it."""
        self._frames.append((now, frame))
        return self._shed(now)

    def take(self, now: float) -> tuple[bytes, int]:
        """Everything that is still fresh, oldest first in one piece, and how many frames were not. Empties it."""
        shed = self._shed(now)
        fresh = b"".join(frame for _, frame in self._frames)
        self._frames.clear()
        return fresh, shed

    def _shed(self, now: float) -> int:
        before = len(self._frames)
        while self._frames and (now - self._frames[0][0] > KEEP_S or len(self._frames) > KEEP_FRAMES):
            self._frames.popleft()
        return before - len(self._frames)
