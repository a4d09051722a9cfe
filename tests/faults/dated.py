"""A sound from which every moment can be dated, and what a listener got of it.

Noise from 300 to 2,000 Hz, limited so that it is always about equally loud: silence is silence, no 20 ms of it are
like any other, and it lies where a speech codec keeps the shape of a wave. Two questions are asked with a matched
filter, at 8 kHz:

    each 20 ms that was spoken   where is it in what was heard, up to the oldest that may be played?
    each 20 ms that was heard    where nothing was found: does it sound like something older?

What a decoder makes up to conceal a loss resembles neither.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import butter, resample_poly, sosfilt

from tests.soundcard.device import Samples

RATE, LOW_RATE = 48_000, 8_000
FRAME_MS = 20
AMPLITUDE = 10_000
# DESIGN 5: a packet with an age over 500 ms is never played.
OLD_MS = 500.0
# Beyond the age limit and the normal way: one frame that the card plays after it was let in, and one for the filter.
SLACK_MS = 2 * FRAME_MS
# Resemblance, a correlation coefficient. Opus at 24 kbit/s leaves 0.70 to 0.85; what has nothing to do with each other
# comes to 0.6 once in 100,000 times, for 20 ms anywhere within 0.5 s, and to 0.52 for 40 ms within a minute.
HEARD = 0.6
# Where one frame is enough to fail, and a soak looks for 100,000: of one alone, of each of two, of three in a row.
HEARD_IN_A_ROW = (0.72, 0.6, 0.45)
# The frame after a loss is damaged: its decoder has to find its way again. Where the frames around it were found, and
# nowhere else, so much is enough; there is little room for chance.
HEARD_IN_PLACE = 0.45
IN_PLACE_MS = 1
# Somebody at 12 kbit/s, while others talk and the buffer drops a sample here and there, is like himself 0.3 to 0.45 on
# the average over 300 ms, at places 2 ms around one another; what has nothing to do with each other 0.29 at the most.
FAINTLY, FAINTLY_FRAMES, FAINTLY_MS = 0.3, 15, 2
# 40 dB below what was said is silence.
FAINTEST = 0.01
# A shorter gap does not count as sound that is away: a decoder conceals it.
LITTLE_MS = 100

_BAND_HZ = (300, 2_000)
_FRAME = LOW_RATE * FRAME_MS // 1_000
_MS = LOW_RATE // 1_000
_BATCH = 250

Floats = NDArray[np.float64]


def speech(seconds: float, seed: int = 1) -> Samples:
    """48 kHz mono; another seed, another sound."""
    noise = np.random.default_rng(seed).normal(size=round(seconds * RATE))
    band = sosfilt(butter(6, _BAND_HZ, "bandpass", fs=RATE, output="sos"), noise)
    limited = np.tanh(band / np.sqrt(np.mean(band**2)) / 1.5)
    sound: Samples = np.round(AMPLITUDE * limited).astype(np.int16)
    return sound


@dataclass(frozen=True)
class Hearing:
    """What a listener got. All times in seconds from the moment at which the first sample was spoken."""

    latency_ms: Floats
    """Of each 20 ms that were spoken: how much later they were heard, NaN where they were not heard in time."""
    old: Floats
    """Of each 20 ms at the speaker, how old they were in seconds where that is older than allowed; NaN elsewhere."""
    normal_ms: float
    """The latency while nothing was wrong."""

    def _fresh(self) -> NDArray[np.bool_]:
        """For each millisecond at the speaker, whether it sounded something that was fresh."""
        fresh = np.zeros((len(self.latency_ms) + 1) * FRAME_MS + 2_000, bool)
        heard = np.flatnonzero(~np.isnan(self.latency_ms))
        begins = np.round(heard * FRAME_MS + self.latency_ms[heard]).astype(int)
        for begin in begins:
            fresh[begin : begin + FRAME_MS] = True
        return fresh[: len(self.latency_ms) * FRAME_MS]

    def back_s(self, after_s: float, little_ms: int = LITTLE_MS) -> float:
        """How long after this moment the last gap ends that matters; 0 without one, infinity where it does not end.

        little_ms: what is shorter does not matter.
        """
        begins, ends = _runs(~self._fresh())
        matter = ends[(ends - begins >= little_ms) & (ends > after_s * 1_000)]
        if not len(matter):
            return 0.0
        return float("inf") if matter[-1] == len(self.latency_ms) * FRAME_MS else matter[-1] / 1_000 - after_s

    def longest_gap_ms(self, from_s: float, to_s: float) -> float:
        """The longest time between these moments in which the speaker sounded nothing fresh."""
        fresh = self._fresh()[round(from_s * 1_000) : round(to_s * 1_000)]
        begins, ends = _runs(~fresh)
        return float(np.max(ends - begins, initial=0))

    def gap_at_s(self, from_s: float, to_s: float) -> float:
        """When that gap begins, from the first of these moments on; NaN where there is none."""
        begins, ends = _runs(~self._fresh()[round(from_s * 1_000) : round(to_s * 1_000)])
        return float(begins[np.argmax(ends - begins)]) / 1_000 if len(begins) else float("nan")

    def unplayable_percent(self, from_s: float, to_s: float) -> float:
        """Of the frames that were spoken between these moments, those that were not heard in time."""
        frames = self.latency_ms[round(from_s * 1_000) // FRAME_MS : round(to_s * 1_000) // FRAME_MS]
        return 100 * float(np.mean(np.isnan(frames))) if len(frames) else 0.0

    def old_s(self) -> float:
        """How much was played that was too old."""
        return float(np.sum(~np.isnan(self.old))) * FRAME_MS / 1_000

    def latency_at_ms(self, from_s: float, to_s: float) -> float:
        """The median; NaN where nothing was heard."""
        frames = self.latency_ms[round(from_s * 1_000) // FRAME_MS : round(to_s * 1_000) // FRAME_MS]
        return float(np.nanmedian(frames)) if np.any(~np.isnan(frames)) else float("nan")


def listen(said: Samples, heard: Samples, calm_s: float, old_every: int = 1, faintly: bool = False) -> Hearing:
    """Dates what was heard. Both 48 kHz mono; heard[0] is the moment at which said[0] was spoken.

    calm_s: for so long nothing was wrong. old_every: look for old speech in every so many frames only, as each look
    goes through all that was ever said. faintly: also find who is hardly to be heard beside others; gaps look 150 ms
    shorter then. Raises ValueError where even in the calm nothing was heard.
    """
    spoken, sounded = _slow(said), _slow(heard)
    frames = min(len(spoken), len(sounded)) // _FRAME
    calm = _latencies(spoken, sounded, min(frames, round(calm_s * 1_000) // FRAME_MS), OLD_MS, faintly=faintly)
    if np.mean(np.isnan(calm)) > 0.5:
        raise ValueError("nothing was heard even before the fault")
    normal_ms = float(np.nanmedian(calm))
    oldest_ms = OLD_MS + normal_ms + SLACK_MS
    latency_ms = _latencies(spoken, sounded, frames, oldest_ms, faintly=faintly)
    return Hearing(latency_ms, _old(spoken, sounded, latency_ms, oldest_ms, old_every), normal_ms)


def said_and_heard_s(said: Samples, heard: Samples, from_s: float, to_s: float) -> Floats:
    """When each 20 ms was said that is heard although it lies between these moments; within the time it may be played.

    The fewer frames in a row, the more each has to be alike: so many are looked for that one is like another by chance.
    """
    first, last = (max(0, round(moment_s * RATE)) for moment_s in (from_s, min(to_s, len(heard) / RATE)))
    spoken, sounded = _slow(said[first:last]), _slow(heard[first:])
    frames = min(len(spoken), len(sounded)) // _FRAME
    found = np.zeros(frames, bool)
    for in_a_row, alike in enumerate(HEARD_IN_A_ROW, 1):
        latencies = _latencies(spoken, sounded, frames, OLD_MS + SLACK_MS, alike)
        together = np.abs(np.diff(latencies)) <= IN_PLACE_MS
        for begin in range(frames - in_a_row + 1):
            if not np.isnan(latencies[begin]) and np.all(together[begin : begin + in_a_row - 1]):
                found[begin : begin + in_a_row] = True
    return first / RATE + np.flatnonzero(found) * FRAME_MS / 1_000


def silent(heard: Samples) -> bool:
    """Whether there was nothing at all."""
    return not np.any(np.abs(heard.astype(np.int32)) > AMPLITUDE * FAINTEST)


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run of True begins, and where it ends."""
    edges = np.diff(np.concatenate(([False], flags, [False])).astype(int))
    return np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)


def _slow(sound: Samples) -> Floats:
    slow: Floats = resample_poly(sound.astype(np.float64), LOW_RATE, RATE)
    return slow


def _latencies(
    spoken: Floats, sounded: Floats, frames: int, oldest_ms: float, least: float = HEARD, faintly: bool = False
) -> Floats:
    """Of each frame, in ms; NaN where nothing is so much alike."""
    length = _FRAME + round(oldest_ms * _MS)
    padded = np.concatenate((sounded, np.zeros(length)))
    latencies = np.full(frames, np.nan)
    for first in range(0, frames, _BATCH):
        last = min(first + _BATCH, frames)
        patterns = spoken[first * _FRAME : last * _FRAME].reshape(-1, _FRAME)
        places = sliding_window_view(padded, length)[first * _FRAME : last * _FRAME : _FRAME]
        alike = _resemblance(patterns, places)
        best = np.argmax(alike, axis=1)
        good = alike[np.arange(len(best)), best] >= least
        latencies[first:last][good] = best[good] / _MS
        _look_in_place(latencies[first:last], alike)
        if faintly:
            _look_faintly(latencies[first:last], alike)
    return latencies


def _look_in_place(latencies: Floats, alike: Floats) -> None:
    """Once more for those that were not found, as much later as the last one or the next one was heard."""
    found = np.flatnonzero(~np.isnan(latencies))
    for frame in np.flatnonzero(np.isnan(latencies)):
        for neighbour in {*found[found < frame][-1:], *found[found > frame][:1]}:
            place = round(latencies[neighbour] * _MS)
            first = max(0, place - IN_PLACE_MS * _MS)
            around = alike[frame, first : place + IN_PLACE_MS * _MS + 1]
            if len(around) and np.max(around) >= HEARD_IN_PLACE:
                latencies[frame] = (first + int(np.argmax(around))) / _MS


def _look_faintly(latencies: Floats, alike: Floats) -> None:
    """Once more for those that were not found, together with the frames around them."""
    around = uniform_filter1d(maximum_filter1d(alike, FAINTLY_MS * _MS, axis=1), FAINTLY_FRAMES, axis=0)
    missing = np.isnan(latencies) & (np.max(around, axis=1) >= FAINTLY)
    latencies[missing] = np.argmax(around[missing], axis=1) / _MS


def _resemblance(patterns: Floats, places: Floats) -> Floats:
    """Correlation coefficients: of each pattern with each place in its row of `places`."""
    size = 1 << places.shape[1].bit_length()
    spectrum = np.fft.rfft(places, size) * np.conj(np.fft.rfft(patterns, size))
    product = np.fft.irfft(spectrum, size)[:, : places.shape[1] - patterns.shape[1] + 1]
    return np.asarray(product / np.sqrt(_energies(places, patterns.shape[1]) * np.sum(patterns**2, axis=1)[:, None]))


def _energies(places: Floats, length: int) -> Floats:
    """Of each stretch of this length; never less than that of the faintest sound."""
    sums = np.cumsum(np.pad(places**2, ((0, 0), (1, 0))), axis=1)
    return np.maximum(sums[:, length:] - sums[:, :-length], length * (AMPLITUDE * FAINTEST) ** 2 / 2)


def _old(spoken: Floats, sounded: Floats, latency_ms: Floats, oldest_ms: float, every: int) -> Floats:
    """For each 20 ms at the speaker that hold sound and nothing fresh: how old it is, in seconds, if it is too old."""
    ages = np.full(len(latency_ms), np.nan)
    fresh = np.max(Hearing(latency_ms, ages, 0.0)._fresh().reshape(-1, FRAME_MS), axis=1)
    whole = np.fft.rfft(spoken, size := 1 << (len(spoken) + 2 * _FRAME).bit_length())
    energies = _energies(spoken[None, :], 2 * _FRAME)[0]
    for frame in np.flatnonzero(fresh[:-1] == 0)[::every]:
        piece = sounded[frame * _FRAME : (frame + 2) * _FRAME]
        newest = frame * _FRAME - round(oldest_ms * _MS)
        if newest <= 0 or np.mean(piece[:_FRAME] ** 2) < (AMPLITUDE * FAINTEST) ** 2 / 2:
            continue
        product = np.fft.irfft(whole * np.conj(np.fft.rfft(piece, size)), size)[:newest]
        alike = product / np.sqrt(energies[:newest] * np.sum(piece**2))
        if alike[best := int(np.argmax(alike))] >= HEARD:
            ages[frame] = (frame * _FRAME - best) / LOW_RATE
    return ages
