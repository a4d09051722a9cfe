"""Spoken sentences: espeak-ng's voices, 48 kHz mono, the same samples every time."""

import hashlib
import io
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from .build import BUILT
from .device import Samples

RATE = 48_000
# Loudness of a sentence, as a talker at arm's length has it: -26 dBFS, the usual level of speech in telephony tests.
LEVEL_DBFS = -26.0

SENTENCES = (
    ("en-us", "Good morning, this is the front gate. A parcel has come for the workshop."),
    ("en-gb", "The birch canoe slid on the smooth planks."),
    ("en-us+f3", "Please bring the ladder to the back door before it gets dark."),
    ("en-gb-scotland", "Glue the sheet to the dark blue background."),
    ("en-us+m3", "Dinner is ready, and there are seven of us tonight."),
    ("en-gb+f2", "It is easy to tell the depth of a well."),
    ("en-us+f1", "Who left the lights on in the garage? I can see them from here."),
    ("en-gb+m1", "Four hours of steady work faced us."),
    ("en-us+m7", "The chairs are stacked in the hall, six high and two deep."),
    ("en-gb+f4", "A large size in stockings is hard to sell."),
)
"""(espeak-ng voice, text)"""


@dataclass(frozen=True)
class Sentence:
    """Where one sentence stands in a `Speech`: frames from its first sample."""

    voice: str
    text: str
    first_frame: int
    end_frame: int


@dataclass(frozen=True)
class Speech:
    """Sentences with pauses before, between and after them."""

    samples: Samples
    sentences: tuple[Sentence, ...]


def speak(voice: str, text: str, cache: Path = BUILT / "speech") -> Samples:
    """One sentence without silence around it, s16le mono 48 kHz; made once and then read from `cache`.

    Raises FileNotFoundError when there is no espeak-ng (Debian: apt install espeak-ng).
    """
    recipe = repr((voice, text, LEVEL_DBFS, RATE)).encode()
    path = cache / f"{hashlib.sha256(recipe).hexdigest()[:16]}.npy"
    if path.exists():
        known: Samples = np.load(path)
        return known
    samples = _synthesize(voice, text)
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{id(samples)}")
    with unfinished.open("wb") as file:
        np.save(file, samples)
    unfinished.replace(path)
    return samples


def _synthesize(voice: str, text: str) -> Samples:
    command = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", text]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    sound = resample_poly(np.frombuffer(pcm, "<i2").astype(np.float64), RATE, rate)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.max(np.abs(sound)))
    sound = sound[loud[0] : loud[-1] + 1]
    sound *= 32_768 * 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(sound**2))
    clipped: Samples = np.clip(np.round(sound), -32_768, 32_767).astype(np.int16)
    return clipped


def speech(count: int = len(SENTENCES), pause_s: tuple[float, float] = (0.4, 0.9), seed: int = 1) -> Speech:
    """The first `count` sentences one after the other, with pauses as people make them between sentences."""
    pauses = np.round(np.random.default_rng(seed).uniform(*pause_s, count + 1) * RATE).astype(int)
    parts, sentences, frame = [], [], 0
    for (voice, text), pause in zip(SENTENCES[:count], pauses, strict=False):
        spoken = speak(voice, text)
        first = frame + int(pause)
        frame = first + len(spoken)
        parts += [np.zeros(pause, np.int16), spoken]
        sentences.append(Sentence(voice, text, first, frame))
    parts.append(np.zeros(pauses[-1], np.int16))
    return Speech(np.concatenate(parts), tuple(sentences))


def main(path: str) -> None:
    """Three sentences as a WAV file."""
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(speech(3).samples.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
