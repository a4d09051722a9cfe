"""How far apart two clocks run, and what is done about it: single samples dropped or repeated.

A talker's microphone and this speaker count 48,000 samples a second by two crystals, so the buffer between them grows
or empties: at 200 ppm by 0.7 s in an hour. `Drift` looks at each packet that is played: how long it waited (delay),
and how much of that is more than it needed (excess). Half a millisecond either way is left alone. Beyond that 0.1 % of
the packet is dropped or repeated for each ms, at most 1 %, so that an excess dies away within seconds; in quiet
passages, where nobody hears it, ten times as much. The same steps shorten the delay when jitter is over; where much
is left of it, whole periods of the sound go first (stretch.py), of which `measure` is told.

Lengths are samples of 48 kHz.
"""

import math

_LEFT_ALONE = 24
_SHARE_PER_SAMPLE = 0.001 / 48
_MOST = 0.01
_TIMES_IN_QUIET = 10
# The mean that `ppm` is: long enough for the noise of single arrivals, short enough to show a crystal warming up.
_MEMORY = 120 * 48_000
# From one packet to the next clocks do not move the delay so far.
_JUMP = 5 * 48
# Before so much has been heard, noise is all there is.
_FIRST_ANSWER = 5 * 48_000


class Drift:
    """One talker's clock against the clock of our speaker."""

    def __init__(self) -> None:
        self._owed = 0.0
        self._expected_delay: int | None = None
        self._grown = self._played = 0.0

    @property
    def ppm(self) -> float:
        """How much faster the talker's clock runs than ours, 0.0 while that is not known yet."""
        return self._grown / self._played * 1e6 if self._played >= _FIRST_ANSWER else 0.0

    def correct(self, delay: int, excess: int, samples: int, quiet: bool) -> int:
        """How many samples to drop (> 0) or repeat (< 0) in this packet of so many samples."""
        beyond = max(0, abs(excess) - _LEFT_ALONE)
        share = min(_MOST, beyond * _SHARE_PER_SAMPLE) * (_TIMES_IN_QUIET if quiet else 1)
        self._owed += math.copysign(share * samples, excess)
        slips = int(self._owed)
        self._owed -= slips
        self.measure(delay, samples, slips)
        return slips

    def interrupt(self) -> None:
        """Something other than the clocks changed the delay: a gap, a pause."""
        self._expected_delay = None

    def measure(self, delay: int, samples: int, dropped: int) -> None:
        """The delay grows by what the talker's clock is ahead of ours, less what was dropped (< 0: repeated)."""
        if self._expected_delay is not None and abs(delay - self._expected_delay) < _JUMP:
            kept = math.exp(-samples / _MEMORY)
            self._grown = self._grown * kept + delay - self._expected_delay
            self._played = self._played * kept + samples
        self._expected_delay = delay - dropped
