"""What waits for one listener who does not read fast enough: at most 200 ms of packets, the oldest go first.

The listener would refuse old speech anyway (DESIGN 5); dropping it here saves memory and the way. Where there is more
than fits, the oldest of whoever fills most of it goes: somebody who floods a channel crowds out himself. PURE.
"""

from collections import Counter, deque

from device.hub.frames import talker_of

# Two playback buffers of a device; what has waited longer here is late at the other end even on a fast path.
KEEP_S = 0.2
# 200 ms of twelve talkers at 10 ms, or of two at the highest rate of Opus, whatever they send.
KEEP_FRAMES, KEEP_BYTES = 256, 24_576


class Backlog:
    """Frames with the time they came, and whose they are. A frame is shared with every other listener's backlog."""

    __slots__ = ("_bytes", "_frames", "_whose")

    def __init__(self) -> None:
        self._frames = deque[tuple[float, bytes, bytes]]()
        self._bytes = 0
        self._whose = Counter[bytes]()

    def put(self, frame: bytes, now: float) -> int:
        """Keep a frame; returns how many had to go for it."""
        talker = talker_of(frame)
        self._frames.append((now, frame, talker))
        self._bytes += len(frame)
        self._whose[talker] += len(frame)
        shed = self._forget_old(now)
        while len(self._frames) > KEEP_FRAMES or self._bytes > KEEP_BYTES:
            self._forget_one_of(max(self._whose, key=self._whose.__getitem__))
            shed += 1
        return shed

    def take(self, now: float) -> tuple[bytes, int]:
        """Everything that is still fresh, oldest first in one piece, and how many frames were not. Empties it."""
        shed = self._forget_old(now)
        fresh = b"".join(frame for _, frame, _ in self._frames)
        self._frames.clear()
        self._whose.clear()
        self._bytes = 0
        return fresh, shed

    def _forget_old(self, now: float) -> int:
        before = len(self._frames)
        while self._frames and now - self._frames[0][0] > KEEP_S:
            self._forget(0)
        return before - len(self._frames)

    def _forget_one_of(self, talker: bytes) -> None:
        self._forget(next(at for at, (_, _, whose) in enumerate(self._frames) if whose == talker))

    def _forget(self, at: int) -> None:
        _, frame, talker = self._frames[at]
        del self._frames[at]
        self._bytes -= len(frame)
        self._whose[talker] -= len(frame)
        if not self._whose[talker]:
            del self._whose[talker]
