"""How loud a microphone is over a while, and what is wrong with it. PURE.

Levels are dB under full scale, that of a square wave, as everywhere here. A constant is silence: what some boards
deliver where no microphone answers is a number that never changes.
"""

import math
from array import array

SILENT_DBFS = -127.0
# Under the least that 16 bits can tell from nothing, one bit that flickers: there is no microphone behind it.
DEAF_DBFS = -93.0
# A room is seldom that quiet for a microphone whose gain is right.
VERY_LOW_DBFS = -75.0
# So many samples at the rails are no accident: 1 in 1,000.
CLIPPING_SHARE = 0.001
_FULL = 32_768
_RAILS = (32_767, -32_768)


class Meter:
    """Takes blocks of s16le mono."""

    def __init__(self) -> None:
        self._samples = self._sum = self._squares = self._at_the_rails = 0

    def hear(self, pcm: bytes) -> None:
        """Take the next block."""
        block = array("h", pcm)
        self._samples += len(block)
        self._sum += sum(block)
        self._squares += sum(value * value for value in block)
        self._at_the_rails += sum(map(block.count, _RAILS))

    @property
    def samples(self) -> int:
        """How many were heard."""
        return self._samples

    @property
    def level_dbfs(self) -> float:
        """RMS level without the constant part, over everything heard: -127 (silent) to 0."""
        if not self._samples:
            return SILENT_DBFS
        variance = self._squares / self._samples - (self._sum / self._samples) ** 2
        return max(SILENT_DBFS, round(10 * math.log10(variance / _FULL**2), 1)) if variance > 0 else SILENT_DBFS

    @property
    def clipped_share(self) -> float:
        """Which part of the samples is the largest or the smallest there is: 0 to 1."""
        return self._at_the_rails / self._samples if self._samples else 0.0
