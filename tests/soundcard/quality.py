"""How well a sentence arrived: offset, PESQ, STOI, and the gaps in it.

PESQ here is the wideband one (ITU-T P.862.2, MOS-LQO, at most 4.64); STOI runs from 0 to 1. Synthetic voices are good
for comparing, not for absolute figures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pesq import NoUtterancesError, pesq
from pystoi import stoi
from scipy.signal import fftconvolve, resample_poly

from .device import Device, Samples
from .speech import Speech

RATE = 48_000
PESQ_RATE = 16_000
# A gap: for 20 ms or more what was heard lies 25 dB below what was said there, on a scale where the two agree in the
# middle. Said counts only down to 30 dB under the sentence's loudest moment: pauses for breath are no gaps.
GAP_MS, DROP_DB, QUIETEST_DB = 20, 25.0, 30.0
WINDOW_MS = 5  # levels are those of so much sound, one for each millisecond
# PESQ judges the beginning badly without some silence before it.
MARGIN_S = 0.25


@dataclass(frozen=True)
class Gap:
    """A hole in what was heard: milliseconds from the beginning of the sentence, and how long it is."""

    at_ms: float
    length_ms: float


@dataclass(frozen=True)
class Heard:
    """One sentence as it arrived. Without a trace of it: PESQ 1, STOI 0, and one gap as long as the sentence."""

    text: str
    offset_ms: float
    """From said to heard."""
    pesq: float
    stoi: float
    gaps: tuple[Gap, ...]


def offset(said: Samples, heard: Samples) -> int:
    """By how many samples `heard` must be shifted back to lie on `said`: 0 to len(heard) - len(said)."""
    product = fftconvolve(heard.astype(np.float64), said[::-1].astype(np.float64), mode="valid")
    return int(np.argmax(product))


def compare(text: str, said: Samples, heard: Samples) -> Heard:
    """Judges one sentence.

    said: the sentence alone, 48 kHz mono. heard: what the listener got from the moment on at which it was said, longer
    than `said` by the largest offset to look for.
    """
    shift = offset(said, heard)
    cut = heard[shift : shift + len(said)]
    length_ms = len(said) * 1_000 / RATE
    if not np.any(cut):
        return Heard(text, float("nan"), 1.0, 0.0, (Gap(0.0, length_ms),))
    reference, degraded = _narrow(said), _narrow(cut)
    margin = np.zeros(round(MARGIN_S * PESQ_RATE))
    padded = np.concatenate((margin, reference, margin)), np.concatenate((margin, degraded, margin))
    try:
        score = float(pesq(16_000, *padded, "wb"))
    except NoUtterancesError:  # nothing in it that PESQ takes for speech
        score = 1.0
    return Heard(
        text, shift * 1_000 / RATE, score, float(stoi(reference, degraded, PESQ_RATE)), gaps(reference, degraded)
    )


def _narrow(sound: Samples) -> NDArray[np.float64]:
    return resample_poly(sound.astype(np.float64), PESQ_RATE, RATE)


def gaps(said: NDArray[np.float64], heard: NDArray[np.float64], rate: int = PESQ_RATE) -> tuple[Gap, ...]:
    """The holes in `heard`, which lies sample by sample on `said`."""
    said_db, heard_db = _levels_db(said, rate), _levels_db(heard, rate)
    spoken = said_db > np.max(said_db) - QUIETEST_DB
    loss_db = said_db - heard_db
    missing = spoken & (loss_db > np.median(loss_db[spoken]) + DROP_DB)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], missing.astype(int), [0]))))
    found = (Gap(float(first), float(end - first + WINDOW_MS)) for first, end in edges.reshape(-1, 2).tolist())
    return tuple(gap for gap in found if gap.length_ms >= GAP_MS)


def _levels_db(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Power of the WINDOW_MS that begin at every millisecond, in dB."""
    ends = np.arange(0, len(sound) * 1_000 // rate + 1) * rate // 1_000
    energy = np.concatenate(([0.0], np.cumsum(sound**2)))[ends]
    power = np.maximum((energy[WINDOW_MS:] - energy[:-WINDOW_MS]) * 1_000 / (WINDOW_MS * rate), 1e-3)
    levels: NDArray[np.float64] = 10 * np.log10(power)
    return levels


def judge(mic: Device, spk: Device, first_frame: int, speech: Speech, max_offset_ms: float = 500.0) -> list[Heard]:
    """Compares each sentence with what the speaker sounded in its time, by the clocks of both 48 kHz devices.

    first_frame: where `speech` lies on the microphone's tape.
    """
    heard = []
    for sentence in speech.sentences:
        begin = int(spk.frame(mic.time_ns(first_frame + sentence.first_frame)))
        said = speech.samples[sentence.first_frame : sentence.end_frame]
        sounded = spk.got(begin, begin + len(said) + round(max_offset_ms * RATE / 1_000))
        heard.append(compare(sentence.text, said, sounded))
    return heard
