"""A room with a noise in it, and what a maker makes of somebody who speaks there. No clock, no card.

Samples are floats of the size of s16le, 48 kHz mono.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pesq import pesq
from pystoi import stoi
from scipy.signal import resample_poly

from device.audio.capture_clock import RATE_HZ
from device.audio.echo import Canceller
from device.audio.pcm import SAMPLE_BYTES
from device.audio.speex import SpeexCanceller
from device.audio.webrtc import WebRtcCanceller
from tests.audio.echo_room import level_db
from tests.soundcard.speech import Speech, speech

Samples = NDArray[np.float64]
SNR_DB = 15.0
# Before the first word, for a maker to know the noise.
ALONE_S = 3
_10_MS = RATE_HZ // 100
_LOWEST_HZ = 20.0
_PESQ_HZ: Final = 16_000


class Quality(NamedTuple):
    """Medians over the sentences. pesq: wideband, MOS-LQO. stoi: 0 to 1."""

    pesq: float
    stoi: float


def pink(frames: int, seed: int) -> Samples:
    """Noise with as much power in each octave, of power 1."""
    white = np.fft.rfft(np.random.default_rng(seed).normal(size=frames))
    sound = np.fft.irfft(white / np.sqrt(np.maximum(np.fft.rfftfreq(frames, 1 / RATE_HZ), _LOWEST_HZ)), frames)
    loud: Samples = sound / np.sqrt(np.mean(sound**2))
    return loud


def said(sentences: int, seed: int = 1) -> tuple[Speech, Samples, Samples]:
    """Sentences; them after ALONE_S of silence; and the same with pink noise SNR_DB below."""
    spoken = speech(sentences, seed=seed)
    clear = np.concatenate((np.zeros(ALONE_S * RATE_HZ), spoken.samples.astype(float)))
    talk = np.concatenate([spoken.samples[one.first_frame : one.end_frame] for one in spoken.sentences]).astype(float)
    noise = pink(len(clear), seed) * 10 ** ((level_db(talk) - SNR_DB) / 20)
    return spoken, clear, clear + noise


MAKERS: Final[dict[str, Callable[[], Canceller]]] = {
    "webrtc": lambda: WebRtcCanceller(echo=False, noise=True),
    "speex": lambda: SpeexCanceller(echo=False, noise=True),
}
"""By name, those that take out noise and nothing else."""


def clean(maker: Canceller, heard: Samples) -> Samples:
    """What this maker gives, moved back by its delay."""
    whole = np.clip(np.round(heard[: len(heard) // _10_MS * _10_MS]), -32_768, 32_767).astype(np.int16)
    still = bytes(_10_MS * SAMPLE_BYTES)
    given = b"".join(maker.clean(block.tobytes(), still) for block in whole.reshape(-1, _10_MS))
    late = maker.delay_ms * RATE_HZ // 1_000
    return np.concatenate((np.frombuffer(given, np.int16).astype(float)[late:], np.zeros(late)))


def judge(spoken: Speech, clear: Samples, came: Samples) -> Quality:
    """How well each sentence came."""
    marks = []
    for sentence in spoken.sentences:
        where = slice(ALONE_S * RATE_HZ + sentence.first_frame, ALONE_S * RATE_HZ + sentence.end_frame)
        one, other = (resample_poly(sound[where], 1, RATE_HZ // _PESQ_HZ) / 32_768 for sound in (clear, came))
        marks.append((pesq(_PESQ_HZ, one, other, "wb"), stoi(one, other, _PESQ_HZ)))
    return Quality(*(float(mark) for mark in np.median(marks, axis=0)))
