"""Echo: how much of it each maker takes out, what it does to who talks, and what it costs.

A simulated room (tests/audio/echo_room.py): speech comes to the microphone 6 dB quieter, 60 to 450 ms late, by clocks
that differ and times that wobble. `reduction_db` is how much quieter the second half of 40 s becomes (ERLE). The limits
are what AEC3 and speexdsp can do in such rooms; speexdsp does not look for an echo beyond its filter of 200 ms. "No
correction" is the canceller without the reference that follows the clocks (device/audio/reference.py).

With somebody who talks in the second half, 16 dB louder than the echo, `near_stoi` says how well he is understood:
the median of five ways to pause between ten sentences, and `least` the worst of them. Either he talks loud, at -16
dBFS, or as usual, at -26 dBFS, by a speaker that is 10 dB quieter. What is understood without a canceller, and what a
canceller leaves of him where there is no echo at all, show what takes intelligibility: the echo, or its remover.

aec-audio-processing is not a maker of the device; it is measured where it is installed.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pystoi import stoi
from scipy.signal import resample_poly

from device.audio.capture_clock import RATE_HZ
from device.audio.echo import MAKERS
from device.audio.reference import LEAD_FRAMES
from tests.audio.echo_room import Room, Samples, level_db, reduction_db, talk
from tests.bench.apm import ApmCanceller
from tests.bench.echo_makers import holds, make
from tests.soundcard.speech import speech

LENGTH_S = 40
ROOMS = {
    "60 ms": Room(60), "250 ms": Room(250), "450 ms": Room(450), "60 ms, +200 ppm": Room(60, ppm=200),
    "60 ms, -200 ppm": Room(60, ppm=-200),
}  # fmt: skip
UNCORRECTED = Room(60, ppm=200)
WEBRTC_DB = dict.fromkeys(ROOMS, 30.0)
LEAST_DB = {"webrtc": WEBRTC_DB, "speex": {"60 ms": 20.0}, ApmCanceller.name: WEBRTC_DB}
LEAST_UNCORRECTED_DB = {"webrtc": 27.0, ApmCanceller.name: 27.0}
LEAST_STOI = {"webrtc": 0.90, "speex": 0.95, ApmCanceller.name: 0.90}
NEAR_OVER_ECHO_DB = 16.0
PAUSES = range(1, 6)
LOUD, USUAL = Room(), Room(loss_db=16)


class Scene(NamedTuple):
    """room: its echo is NEAR_OVER_ECHO_DB below who talks. played: what the canceller is told. sounded: what of that
    the room gives back. limited: whether this is what has to be understood, and not only shows why. noise: whether
    the maker is to take out noise as well."""

    name: str
    room: Room
    played: Samples
    sounded: Samples
    limited: bool
    noise: bool = False


def cases() -> Iterator[dict[str, object]]:
    """Makers and rooms."""
    far = talk(LENGTH_S)
    scenes = _scenes(far)
    for scene in scenes[:2]:
        yield _unlimited(f"no canceller, {scene.name}", **_near_stoi(None, scene, far))
    for maker in LEAST_STOI:
        yield from _of(maker, far, scenes)


def _of(maker: str, far: Samples, scenes: Sequence[Scene]) -> Iterator[dict[str, object]]:
    try:
        make(maker)
    except ImportError as missing:
        yield {"case": f"{maker}, not measured: {missing}", "limit": "none", "ok": maker not in MAKERS}
        return
    yield from _far_end_alone(maker, far)
    for scene in scenes:
        understood = _near_stoi(maker, scene, far)
        limit = LEAST_STOI[maker] if scene.limited else 0.0
        yield {
            "case": f"{maker}, {scene.name}", **understood, "limit": f"{limit}" if limit else "none",
            "ok": understood["near_stoi"] >= limit,
        }  # fmt: skip
    cpu_ms_per_s, delay_ms = round(_cpu_ms_per_s(maker, far), 1), make(maker).canceller.delay_ms
    yield _unlimited(f"{maker}, cost", cpu_ms_per_s=cpu_ms_per_s, delay_ms=delay_ms, **holds(maker))


def _unlimited(case: str, **figures: float) -> dict[str, object]:
    return {"case": case, **figures, "limit": "none", "ok": True}


def _scenes(far: Samples) -> list[Scene]:
    silent = np.zeros(len(far))
    # A canceller rests while nothing at all is played: the least noise there is keeps it at work.
    hiss = np.random.default_rng(3).integers(-1, 2, len(far)).astype(float)
    both = f"both talk, echo {NEAR_OVER_ECHO_DB:g} dB below"
    return [
        Scene(both, LOUD, far, far, limited=True),
        Scene(f"{both}, at the usual loudness", USUAL, far, far, limited=True),
        Scene(f"{both}, at the usual loudness, noise = true", USUAL, far, far, limited=False, noise=True),
        Scene("both talk, no echo comes back", USUAL, far, silent, limited=False),
        Scene("near end alone", USUAL, hiss, silent, limited=False),
    ]


def _far_end_alone(maker: str, far: Samples) -> Iterator[dict[str, object]]:
    found = [(name, reduction_db(make(maker), room, far), LEAST_DB[maker].get(name)) for name, room in ROOMS.items()]
    found.append(("60 ms, +200 ppm, no correction", _uncorrected_db(maker, far), LEAST_UNCORRECTED_DB.get(maker)))
    for name, reduced_db, least_db in found:
        yield {
            "case": f"{maker}, far end alone, {name}",
            "reduction_db": round(reduced_db, 1),
            "limit": "none" if least_db is None else f"{least_db:g} dB",
            "ok": least_db is None or reduced_db >= least_db,
        }


def _uncorrected_db(maker: str, far: Samples) -> float:
    """Where the reference is just what was played, however the clocks differ."""
    heard, canceller, frames = UNCORRECTED.carry(far), make(maker).canceller, RATE_HZ // 100
    captured, reference = (_pcm(sound) for sound in (heard, np.concatenate([far[LEAD_FRAMES:], far[:LEAD_FRAMES]])))
    cleaned = b"".join(
        canceller.clean(captured[at : at + frames].tobytes(), reference[at : at + frames].tobytes())
        for at in range(0, len(far) // frames * frames, frames)
    )
    half = len(far) // 2
    return level_db(heard[half:]) - level_db(np.frombuffer(cleaned, np.int16)[half:].astype(float))


def _pcm(sound: Samples) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.clip(np.round(sound), -32_768, 32_767).astype(np.int16)


def _near_stoi(maker: str | None, scene: Scene, far: Samples) -> dict[str, float]:
    """Of the second half, in which somebody talks."""
    marks = [_understood(maker, scene, _said(scene.room, far, seed)) for seed in PAUSES]
    return {"near_stoi": round(statistics.median(marks), 3), "least": round(min(marks), 3)}


def _said(room: Room, far: Samples, seed: int) -> Samples:
    """By who talks in the second half, so much louder than the echo of `far` there."""
    half = len(far) // 2
    said, echo_db = speech(seed=seed).samples[-half:].astype(float), level_db(room.carry(far)[half:])
    near = np.zeros(len(far))
    near[half : half + len(said)] = said * 10 ** ((echo_db + NEAR_OVER_ECHO_DB - level_db(said)) / 20)
    return near


def _understood(maker: str | None, scene: Scene, near: Samples) -> float:
    heard, late, half = scene.room.carry(scene.sounded) + near, 0, len(near) // 2
    if maker is not None:
        box = make(maker, scene.noise)
        late = box.canceller.delay_ms * RATE_HZ // 1_000
        heard = scene.room.clean(box, scene.played, heard)
    clear, came = near[half : len(heard) - late], heard[half + late :]
    return float(stoi(resample_poly(clear, 1, 3), resample_poly(came, 1, 3), RATE_HZ // 3))


def _cpu_ms_per_s(maker: str, far: Samples) -> float:
    box, room = make(maker), Room()
    heard = room.carry(far)
    began_s = time.process_time()
    room.clean(box, far, heard)
    return (time.process_time() - began_s) / (len(far) / RATE_HZ) * 1_000
