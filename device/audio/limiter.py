"""Talkers who are too loud together are made quieter instead of clipped, which crackles. PURE.

The sum is turned down within 2 ms, as far as its loudest moment in this block asks for, and up again by 6 dB in half a
second once there is room. One talker alone who is made no louder, and all who have room, pass to the bit.
"""

from collections.abc import Sequence

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ

_RAIL = 32_767
# Just below it: what counts as reaching the rail has been clipped already.
_CEILING = 32_000
_STEP = RATE_HZ // 2_000  # gain changes every half a millisecond, too finely to be heard
_ATTACK_STEPS = 4
_UP_PER_STEP = 2 ** (1 / 1_000)


class Limiter:
    """One for each speaker."""

    def __init__(self) -> None:
        self._gain = 1.0

    def mix(self, sounds: Sequence[tuple[bytes, float]]) -> bytes:
        """One or more blocks of one length (s16le mono at 48 kHz), each times its gain, summed."""
        if self._gain == 1.0 and not any(gain > 1.0 and pcm.peak(block) * gain >= _RAIL for block, gain in sounds):
            total = pcm.mix([_times(block, gain) for block, gain in sounds])
            if len(sounds) == 1 or pcm.peak(total) < _RAIL:
                return total
        room = sum(gain for _, gain in sounds) or 1.0
        return self._limited(pcm.mix([_times(block, gain / room) for block, gain in sounds]), room)

    def rest(self, samples: int) -> None:
        """Nobody is heard for so many samples: room comes back meanwhile, too."""
        self._gain = min(1.0, self._gain * _UP_PER_STEP ** (samples // _STEP))

    def _limited(self, softly: bytes, times: float) -> bytes:
        """softly: the sum, that many times quieter."""
        wanted = min(1.0, _CEILING / max(1, pcm.peak(softly) * times))
        down = max(0.0, self._gain - wanted) / _ATTACK_STEPS
        size, parts = _STEP * pcm.SAMPLE_BYTES, []
        for at in range(0, len(softly), size):
            part = softly[at : at + size]
            gain = max(wanted, self._gain - down) if down else min(wanted, self._gain * _UP_PER_STEP)
            self._gain = min(gain, _CEILING / max(1, pcm.peak(part) * times))  # on its way down it may be too high yet
            parts.append(pcm.scale(part, times * self._gain))
        return b"".join(parts)


def _times(block: bytes, gain: float) -> bytes:
    return block if gain == 1.0 else pcm.scale(block, gain)
