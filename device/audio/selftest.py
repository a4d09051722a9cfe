"""Whether the microphone hears the speaker: a chirp to play, and the search for it in what is captured. PURE.

The chirp climbs from 1 to 2 kHz in 200 ms, quietly: any speaker can sound that, and any microphone hears it. It is
looked for by a matched filter: what is captured is brought down from around 1.5 kHz to around 0, to 2,000 complex
samples a second, so that Python alone can compare every place of it with the chirp while it comes. What counts is how
alike they are, 0 to 1, at any level: noise is alike by 0.16 somewhere in 10 s, speech by 0.19.
"""

import cmath
import math
import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import accumulate

from device.audio.capture_clock import RATE_HZ, Block
from device.audio.meter import DEAF_DBFS, Meter

PROBE_MS = 200
PEAK_DBFS = -20.0  # as loud as the tones
# From when the card is given the chirp to when the microphone has its beginning: the card's own queue, the way through
# the air, and whatever a Bluetooth speaker keeps.
MAX_DELAY_MS = 500.0

_FROM_HZ, _TO_HZ, _MIDDLE_HZ = 1_000.0, 2_000.0, 1_500.0
_EDGE_MS = 10  # a chirp that begins at once clicks
_STEP = 24  # samples of 48 kHz for one of the narrow band
_NARROW_HZ = RATE_HZ // _STEP
_NS_PER_S = 1_000_000_000
# Heard, 10 dB under the noise around it.
_LIKENESS = 0.3
# Fainter than this it came through the cables and not through the air.
_FAINTEST = 10 ** (-75.0 / 20)
# The best likeness is within so much of the first good one.
_SUMMIT = _NARROW_HZ // 100
_PLACES = PROBE_MS * _NARROW_HZ // 1_000
_PROBE_RMS = 10 ** (PEAK_DBFS / 20) / math.sqrt(2)
# A microphone that hears this much of something else may have missed the chirp.
_LOUD_DBFS = -35.0


class Verdict(StrEnum):
    """FINE: it hears the speaker. MUTE: it works, and does not. DEAF: it delivers nothing. UNCLEAR: cannot be told."""

    FINE = "fine"
    MUTE = "mute"
    DEAF = "deaf"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Result:
    """What came out.

    level_dbfs: of the room, before the chirp. clipped_share: of those samples. loop_dbfs: of the chirp in the
    microphone, and delay_ms: from when the card was given it to when it was captured; both None where it was not heard.
    why: for an unclear one, what was in the way.
    """

    verdict: Verdict
    level_dbfs: float
    clipped_share: float
    loop_dbfs: float | None = None
    delay_ms: float | None = None
    why: str = ""


def probe() -> bytes:
    """The chirp, s16le mono at 48 kHz."""
    samples, edge = PROBE_MS * RATE_HZ // 1_000, _EDGE_MS * RATE_HZ // 1_000
    peak, climb = 32_767 * 10 ** (PEAK_DBFS / 20), (_TO_HZ - _FROM_HZ) / samples / 2

    def sample(n: int) -> int:
        swept = math.sin(2 * math.pi * (_FROM_HZ + climb * n) * n / RATE_HZ)
        return round(peak * min(1.0, n / edge, (samples - 1 - n) / edge) * swept)

    return array("h", map(sample, range(samples))).tobytes()


class _Narrow:
    """48 kHz to the narrow band around 1.5 kHz, complex."""

    # 24 samples are three quarters of a turn of 1.5 kHz: every fourth time it begins at the same phase.
    _TURNS = tuple(
        tuple(
            cmath.exp(-2j * math.pi * _MIDDLE_HZ * (quarter * _STEP + n) / RATE_HZ) / _STEP / 32_768
            for n in range(_STEP)
        )
        for quarter in range(4)
    )

    def __init__(self) -> None:
        self._rest = array("h")
        self._quarter = 0

    def take(self, pcm: bytes) -> list[complex]:
        """The next samples. What does not fill a step waits for the next block."""
        wide = self._rest + array("h", pcm)
        steps = len(wide) // _STEP
        narrow = []
        for step in range(steps):
            turn = self._TURNS[self._quarter]
            narrow.append(sum(map(operator.mul, turn, wide[step * _STEP : (step + 1) * _STEP])))
            self._quarter = (self._quarter + 1) % 4
        self._rest = wide[steps * _STEP :]
        return narrow

    @property
    def waiting(self) -> int:
        """Samples of 48 kHz that wait."""
        return len(self._rest)


@cache
def _pattern() -> tuple[tuple[complex, ...], float]:
    """The chirp in the narrow band, conjugate, and its energy. Made when it is needed: a start does not wait for it."""
    pattern = tuple(value.conjugate() for value in _Narrow().take(probe()))
    return pattern, sum(abs(value) ** 2 for value in pattern)


class Detector:
    """One test. `hear` every captured block, say when the chirp was `played`, and ask for the `result` when `done`."""

    def __init__(self) -> None:
        self.done = False
        self._room, self._all = Meter(), Meter()
        self._narrow, self._heard = _Narrow(), list[complex]()
        self._played_ns: int | None = None
        self._next_frame: int | None = None
        self._torn = False
        # Of the best place so far: likeness, how loud against full scale, when it was captured; and its age, in places.
        self._best: tuple[float, float, int] | None = None
        self._since_best = 0

    @property
    def room_ms(self) -> float:
        """For how long the room was listened to, before the chirp."""
        return self._room.samples * 1_000 / RATE_HZ

    def played(self, at_ns: int) -> None:
        """The speaker's card was given the beginning of the chirp then, monotonic."""
        self._played_ns = at_ns

    def hear(self, block: Block) -> None:
        """The next captured block."""
        if self.done:
            return
        if self._next_frame not in (None, block.frame):
            self._narrow, self._heard = _Narrow(), []  # a chirp with a hole is none
            self._torn = self._torn or self._played_ns is not None
        self._next_frame = block.frame + len(block.pcm) // 2
        self._all.hear(block.pcm)
        if self._played_ns is None:
            self._room.hear(block.pcm)
        before = len(self._heard)
        self._heard += self._narrow.take(block.pcm)
        energies = list(accumulate((abs(value) ** 2 for value in self._heard), initial=0.0))
        for end in range(max(before + 1, _PLACES), len(self._heard) + 1):
            begin = end - _PLACES
            after = (len(self._heard) - begin) * _STEP + self._narrow.waiting
            began_ns = block.captured_ns - after * _NS_PER_S // RATE_HZ
            if not self.done and self._played_ns is not None and began_ns >= self._played_ns:
                self._look(self._heard[begin:end], energies[end] - energies[begin], began_ns, self._played_ns)
        del self._heard[:-_PLACES]

    def _look(self, window: Sequence[complex], energy: float, began_ns: int, played_ns: int) -> None:
        """Compare one place, captured from began_ns on, with the chirp."""
        pattern, pattern_energy = _pattern()
        product = abs(sum(map(operator.mul, window, pattern)))
        loud = product / pattern_energy * _PROBE_RMS
        likeness = product / math.sqrt(energy * pattern_energy) if loud >= _FAINTEST else 0.0
        if likeness >= _LIKENESS and (self._best is None or likeness > self._best[0]):
            self._best, self._since_best = (likeness, loud, began_ns), 0
        elif self._best is not None:
            self._since_best += 1
        late_ms = (began_ns - played_ns) * 1_000 / _NS_PER_S
        self.done = self._since_best >= _SUMMIT or (self._best is None and late_ms > MAX_DELAY_MS)

    def result(self) -> Result:
        """What can be said now; without a sound from the microphone that is DEAF, with a chirp never played MUTE."""
        level_dbfs, clipped_share = self._room.level_dbfs, self._room.clipped_share
        if self._best is not None and self._played_ns is not None:
            _, loud, began_ns = self._best
            delay_ms = round((began_ns - self._played_ns) * 1_000 / _NS_PER_S, 1)
            loop_dbfs = round(20 * math.log10(loud), 1)
            return Result(Verdict.FINE, level_dbfs, clipped_share, loop_dbfs, delay_ms)
        if self._all.level_dbfs <= DEAF_DBFS:
            return Result(Verdict.DEAF, level_dbfs, clipped_share)
        if self._torn or (self._played_ns is not None and not self.done):
            return Result(Verdict.UNCLEAR, level_dbfs, clipped_share, why="the microphone lost sound meanwhile")
        if self._all.level_dbfs > _LOUD_DBFS:
            return Result(Verdict.UNCLEAR, level_dbfs, clipped_share, why="it was too loud here to hear the tone")
        return Result(Verdict.MUTE, level_dbfs, clipped_share)
