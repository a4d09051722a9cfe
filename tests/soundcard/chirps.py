"""Mouth-to-ear latency, measured by chirps.

A chirp goes onto a microphone's tape and is looked for on a speaker's tape by a matched filter: the place where the
tape resembles the chirp most, interpolated between samples. Both places become moments of CLOCK_MONOTONIC through the
clocks of their devices, so that clocks which run apart do not disturb.

    sound, at = stimulus(count=20)
    first_frame = round(mic.frame()) + 4_800
    mic.put(sound, first_frame)
    ...wait until all of it was heard...
    print(measure(mic, spk, first_frame, at))
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from .device import Device, Samples

RATE = 48_000
CHIRP_FRAMES = 480
AMPLITUDE = 12_000
# Resemblance (a correlation coefficient) below which nothing was heard. Opus at 16 kbit/s and more leaves 0.75 to 1 of
# this chirp in each of its applications (of one up to 7 kHz only 0.28); noise looks like 0.4 of it somewhere.
HEARD = 0.5
# A chirp 40 dB below the one sent is not heard either, however clear it is.
FAINTEST = 0.01
SETTLED_S = 5.0


def chirp() -> NDArray[np.float64]:
    """10 ms from 300 to 3,400 Hz with soft ends, amplitude 1: where every speech codec is at its best."""
    t = np.arange(CHIRP_FRAMES) / RATE
    low, high, length = 300.0, 3_400.0, CHIRP_FRAMES / RATE
    swept: NDArray[np.float64] = np.sin(2 * np.pi * (low * t + (high - low) * t * t / 2 / length))
    return swept * np.hanning(CHIRP_FRAMES)


def stimulus(
    count: int, spacing_s: tuple[float, float] = (0.3, 0.4), seed: int = 1
) -> tuple[Samples, NDArray[np.int64]]:
    """`count` chirps at irregular distances, so that no rhythm of the system under test meets them all alike.

    Returns 48 kHz mono samples and the frame in them at which each chirp begins.
    """
    distances = np.random.default_rng(seed).uniform(*spacing_s, count)
    at = np.round(np.cumsum(distances) * RATE).astype(np.int64)
    sound = np.zeros(int(at[-1]) + RATE // 2, np.int16)
    for first in at:
        sound[first : first + CHIRP_FRAMES] = np.round(AMPLITUDE * chirp())
    return sound, at


def find(samples: NDArray[np.generic]) -> float | None:
    """Where in `samples` (48 kHz mono) the clearest chirp begins, in frames and parts of one; None if there is none."""
    heard = samples.astype(np.float64)
    if len(heard) < CHIRP_FRAMES + 2:
        return None
    pattern = chirp()
    product = fftconvolve(heard, pattern[::-1], mode="valid")
    energy = fftconvolve(heard**2, np.ones(CHIRP_FRAMES), mode="valid")
    faintest = AMPLITUDE**2 * FAINTEST**2 * np.sum(pattern**2)
    resemblance = product / np.sqrt(np.maximum(energy, faintest) * np.sum(pattern**2))
    best = int(np.argmax(resemblance))
    if resemblance[best] < HEARD:
        return None
    return best + _summit(product, best)


def _summit(curve: NDArray[np.float64], peak: int) -> float:
    """How far from sample `peak` the top of the parabola through it and its two neighbours lies, -0.5 to 0.5."""
    if not 0 < peak < len(curve) - 1:
        return 0.0
    left, middle, right = curve[peak - 1 : peak + 2]
    bend = left - 2 * middle + right
    return 0.0 if bend == 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))


@dataclass(frozen=True)
class MouthToEar:
    """What became of each chirp, in the order in which they were sent."""

    sent_s: NDArray[np.float64]
    """Seconds from the first chirp on."""
    latency_ms: NDArray[np.float64]
    """From mouth to ear; NaN for a chirp that was not heard."""

    @property
    def heard(self) -> NDArray[np.float64]:
        """The latencies of those that were heard, ms."""
        return self.latency_ms[~np.isnan(self.latency_ms)]

    @property
    def missed(self) -> int:
        return int(np.isnan(self.latency_ms).sum())

    @property
    def p50_ms(self) -> float:
        return float(np.percentile(self.heard, 50)) if len(self.heard) else float("nan")

    @property
    def p95_ms(self) -> float:
        return float(np.percentile(self.heard, 95)) if len(self.heard) else float("nan")

    @property
    def largest_step_ms(self) -> float:
        """Between one chirp that was heard and the next, once SETTLED_S have passed."""
        settled = self.latency_ms[(self.sent_s >= SETTLED_S) & ~np.isnan(self.latency_ms)]
        return float(np.max(np.abs(np.diff(settled)), initial=0.0))

    def __str__(self) -> str:
        return (
            f"{len(self.heard)} of {len(self.latency_ms)} chirps heard, p50 {self.p50_ms:.2f} ms, "
            f"p95 {self.p95_ms:.2f} ms, largest step {self.largest_step_ms:.2f} ms"
        )


def measure(
    mic: Device, spk: Device, first_frame: int, at: NDArray[np.int64], max_latency_ms: float = 250.0
) -> MouthToEar:
    """Looks for each chirp on the speaker's tape, from the moment it was spoken until `max_latency_ms` later.

    first_frame: where the stimulus lies on the microphone's tape; at: its chirps. Both devices run at 48 kHz, and
    their clocks have not been changed since. Chirps must stand further apart than `max_latency_ms`.
    """
    latencies = []
    for frame in at:
        spoken_ns = mic.time_ns(first_frame + int(frame))
        window = int(spk.frame(spoken_ns))
        found = find(spk.got(window, window + round(max_latency_ms * RATE / 1_000) + CHIRP_FRAMES))
        latencies.append(float("nan") if found is None else (spk.time_ns(window + found) - spoken_ns) / 1e6)
    return MouthToEar((at - at[0]) / RATE, np.array(latencies))
