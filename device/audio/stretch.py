"""Time stretching that keeps the pitch: a block loses one period of its sound, or has one twice. PURE.

A voice repeats itself every 2.5 to 15 ms. The block is searched for the length after which it is most like itself; the
two are cross-faded over 5 ms, and what lies between them is gone, or comes once more. Where nothing is alike (a
fricative, the beginning of a word) the block stays as it is. The longer that goes on, the less alike is enough: noise
has no period, and sounds the same wherever it is joined. Nor has a quiet block: it loses its half without a search.

`Stretch` does that for one talker: from 30 ms too much on, until less than 10 ms are left for the slips of drift.py. It
searches once in 60 ms: first every eighth sample, smoothed, then around the best of that. Lengths are samples of 48
kHz.
"""

from array import array

from device.audio import pcm
from device.audio.arrivals import MS

_BEGIN, _END = 30 * MS, 10 * MS
_EVERY = 60 * MS
# Pitches from 400 down to 67 Hz; of a high voice, several periods.
_SHORTEST, _LONGEST = 5 * MS // 2, 15 * MS
_FADE = 5 * MS
# What is compared: a period of most voices, or what a short block has.
_COMPARED = 10 * MS
# Every so many samples at first; then every so many are compared.
_COARSE, _FINE = 8, 4
# Several periods are nearly as good as one, and fewer joins; at every eighth sample they may look worse.
_NEARLY, _MAYBE = 0.03, 0.2
# How alike is enough (pcm.alike); after each time that nothing was, so much less, until something is again.
_ALIKE, _STEP = 0.8, 0.05


class Stretch:
    """One talker's."""

    def __init__(self) -> None:
        self._active = False
        self._rest = 0
        self._enough = _ALIKE

    def fit(self, block: bytes, spare: int, quiet: bool) -> bytes:
        """The block; shorter where spare > 0, by no more than that; longer where it is < 0."""
        self._rest = max(0, self._rest - len(block) // pcm.SAMPLE_BYTES)
        self._active = abs(spare) > (_END if self._active else _BEGIN)
        if not self._active:
            return block
        samples = array("h", block)
        longest = min(abs(spare), _LONGEST, len(samples) - _fade(samples))
        if longest < _SHORTEST or (self._rest and not quiet):
            return block
        period = min(longest, len(samples) // 2) if quiet else self._search(samples, longest)
        return join(samples, period if spare > 0 else -period).tobytes() if period else block

    def _search(self, samples: "array[int]", longest: int) -> int:
        """The period, 0 where there is none."""
        self._rest = _EVERY
        period, alike = find_period(samples, longest)
        if alike < self._enough:
            # Where not all lengths fit in, its period may be one of the others.
            self._enough -= _STEP if longest == _LONGEST else 0
            return 0
        self._enough = min(_ALIKE, self._enough + _STEP)
        return period


def find_period(samples: "array[int]", longest: int) -> tuple[int, float]:
    """After how many samples (120 to longest) a block is most like itself, and how much: 0 (not at all) to 1."""
    smooth = array("h", [sum(some) // _COARSE for some in zip(*[iter(samples)] * _COARSE, strict=False)])
    lags = range(_SHORTEST // _COARSE, longest // _COARSE + 1)
    alike = [_alike(smooth, lag, _COMPARED // _COARSE, 1) for lag in lags]
    best = max(alike)
    peaks = [n for n in range(1, len(lags) - 1) if best - _MAYBE <= alike[n] >= max(alike[n - 1], alike[n + 1])]
    found = [_refine(samples, lags[n] * _COARSE, longest) for n in {alike.index(best), *peaks[-1:]}]
    enough = max(alike for _, alike in found) - _NEARLY
    return max((lag, alike) for lag, alike in found if alike >= enough)


def _refine(samples: "array[int]", coarse: int, longest: int) -> tuple[int, float]:
    around = range(max(_SHORTEST, coarse - _COARSE + 1), min(longest + 1, coarse + _COARSE))
    score, lag = max((_alike(samples, lag, _COMPARED, _FINE), lag) for lag in around)
    return lag, score


def join(samples: "array[int]", period: int) -> "array[int]":
    """Without one period in its middle, or (period < 0) with that twice; it may be as long as the block less a fade."""
    lag, fade = abs(period), _fade(samples)
    begin = (len(samples) - lag - fade) // 2
    one, other = samples[begin : begin + fade], samples[begin + lag : begin + lag + fade]
    if period > 0:
        return samples[:begin] + _cross_fade(one, other) + samples[begin + lag + fade :]
    return samples[: begin + lag] + _cross_fade(other, one) + samples[begin + fade :]


def _alike(samples: "array[int]", lag: int, compared: int, step: int) -> float:
    """How alike two pieces in the middle are that lie so far apart; every so many samples of them."""
    length = min(compared, len(samples) - lag)
    begin = (len(samples) - lag - length) // 2
    one, other = samples[begin : begin + length : step], samples[begin + lag : begin + lag + length : step]
    return pcm.alike(one.tobytes(), other.tobytes())


def _fade(samples: "array[int]") -> int:
    return min(_FADE, len(samples) // 4)


def _cross_fade(one: "array[int]", other: "array[int]") -> "array[int]":
    length = len(one)
    return array("h", [(a * (length - n) + b * n) // length for n, (a, b) in enumerate(zip(one, other, strict=True))])
