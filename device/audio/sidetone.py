"""The own voice on its way from the microphone to the own ear, for who wears a headset. PURE.

The capture thread hears, the playback thread takes what waits. In between are a block and a tick at most, and less
after a second in which that much was never needed: it is as late as it has to be, a block until it is captured, up to a
tick until it is asked for, and what the card has in reserve. Where the clocks of two cards drift apart, a tick is left
out or is silent once in some minutes.
"""

from collections import deque

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ


class SideTone:
    """gain: how loud it is, 0.0 for off. block, tick: samples that are heard and taken at a time, the first a multiple
    of the other."""

    def __init__(self, gain: float, block: int, tick: int) -> None:
        self._gain = gain
        self._block, self._tick = block * pcm.SAMPLE_BYTES, tick * pcm.SAMPLE_BYTES
        # Two, as a capture thread that was late brings two at once.
        self._heard: deque[bytes] = deque(maxlen=2)
        self._waiting = b""
        self._looks_in = self._every = RATE_HZ // tick
        self._spare = self._silent = 0  # the least that was left after a tick, and how long nothing came, bytes

    def hear(self, block: bytes) -> None:
        """In the capture thread: what is being sent."""
        if self._gain:
            self._heard.append(pcm.scale(block, self._gain))

    def take(self) -> bytes:
        """In the playback thread: the next tick, b"" where nothing is heard."""
        while self._heard:
            self._waiting += self._heard.popleft()
        begins = self._silent > self._block
        self._waiting = self._waiting[-self._block if begins else -self._block - self._tick :]
        tick, self._waiting = self._waiting[: self._tick], self._waiting[self._tick :]
        self._silent = 0 if tick else self._silent + self._tick
        self._look()
        return tick

    def _look(self) -> None:
        """Whether something waits that is never needed: after a hiccup of a thread it would be late for ever."""
        self._spare = min(self._spare, len(self._waiting))
        self._looks_in -= 1
        if not self._looks_in:
            self._waiting = self._waiting[self._spare :]
            self._looks_in, self._spare = self._every, len(self._waiting)
