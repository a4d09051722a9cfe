"""A simulated room: what a speaker sounds comes to a microphone, where somebody may talk as well. No clock, no card.

Samples are floats of the size of s16le, 48 kHz mono. The times that the card would tell wobble by a millisecond, as a
card's position comes in steps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from device.audio import echo
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.echo import Canceller, Echo
from tests.soundcard.speech import speech

Samples = NDArray[np.float64]
FRAMES = 960
_NS_PER_FRAME = 1_000_000_000 / RATE_HZ
_WOBBLE_NS = 1_000_000
_REVERBERATION_FRAMES = RATE_HZ // 10
FULL_SCALE_DB = 90.3


@dataclass(frozen=True)
class Room:
    """delay_ms: from speaker to microphone. loss_db: on that way. noise_dbfs: the room's own.

    ppm: how much faster the speaker's clock runs than the microphone's.
    """

    delay_ms: int = 60
    loss_db: float = 6.0
    ppm: float = 0.0
    noise_dbfs: float = -65.0

    def carry(self, far: Samples) -> Samples:
        """What comes to the microphone, as long as what was played."""
        rng = np.random.default_rng(1)
        walls = rng.normal(0, 1, _REVERBERATION_FRAMES) * 10 ** np.linspace(0, -3, _REVERBERATION_FRAMES)
        walls *= 10 ** (-self.loss_db / 20) / np.sqrt(np.sum(walls**2))
        in_the_air = np.interp(np.arange(len(far)) * (1 + self.ppm / 1e6), np.arange(len(far)), far)
        late = np.concatenate([np.zeros(self.delay_ms * RATE_HZ // 1_000), fftconvolve(in_the_air, walls)])[: len(far)]
        noise: Samples = rng.normal(0, 32_768 * 10 ** (self.noise_dbfs / 20), len(far))
        return late + noise

    def clean(self, box: Echo, far: Samples, heard: Samples) -> Samples:
        """What this box makes of it while it plays `far`; as late as its canceller says."""
        rng, told, cleaned = np.random.default_rng(2), 0, list[bytes]()
        ticks, blocks = _cut(far), _cut(heard)

        def about(frame: int, ppm: float) -> int:
            return round(1e12 + frame * _NS_PER_FRAME / (1 + ppm / 1e6) + rng.uniform(0, _WOBBLE_NS))

        for number, block in enumerate(blocks):
            while told < min(number + 3, len(ticks)):  # the card holds two
                box.played(ticks[told], about(told * FRAMES, self.ppm))
                told += 1
            cleaned.append(box.clean(Block(block, number * FRAMES, about((number + 1) * FRAMES, 0))).pcm)
        return np.frombuffer(b"".join(cleaned), np.int16).astype(float)


def _cut(samples: Samples, frames: int = FRAMES) -> list[bytes]:
    whole = np.clip(np.round(samples[: len(samples) // frames * frames]), -32_768, 32_767).astype(np.int16)
    return [one.tobytes() for one in np.split(whole, len(whole) // frames)]


def choose(maker: str) -> Echo:
    """A box with this canceller, which has to be installed."""
    chosen = echo.choose(maker)
    assert chosen is not None, f"{maker} is not installed"
    return chosen


def talk(length_s: int) -> Samples:
    """So many seconds of speech, hardly a pause in it."""
    return speech(pause_s=(0.0, 0.1)).samples[: length_s * RATE_HZ].astype(float)


def delay_ms(canceller: Canceller) -> float:
    """How much later speech comes out of it, while nothing is played."""
    said = talk(4)
    came = np.frombuffer(b"".join(canceller.clean(one, bytes(len(one))) for one in _cut(said, 480)), np.int16).astype(
        float
    )
    likeness = [np.dot(said[RATE_HZ:-RATE_HZ], came[RATE_HZ + late : late - RATE_HZ]) for late in range(FRAMES)]
    return int(np.argmax(likeness)) * 1_000 / RATE_HZ


def level_db(samples: Samples) -> float:
    """Its energy, dB; that of the loudest there is is FULL_SCALE_DB."""
    return float(10 * np.log10(np.mean(samples**2) + 1e-9))


def reduction_db(box: Echo, room: Room, far: Samples) -> float:
    """How much quieter the second half of the echo becomes."""
    heard = room.carry(far)
    cleaned = room.clean(box, far, heard)
    half = len(far) // 2
    return level_db(heard[half:]) - level_db(cleaned[half:])
