"""Echo: how much of it each maker takes out, what it does to who talks, and what it costs.

A simulated room (tests/audio/echo_room.py): speech comes to the microphone 6 dB quieter, 60 to 450 ms late, by clocks
that differ and times that wobble. `reduction_db` is how much quieter the second half of 40 s becomes (ERLE); with
somebody who talks at the same time, 16 dB louder than the echo, `near_stoi` says how well he is understood. The limits
are what AEC3 and speexdsp can do in such rooms; speexdsp does not look for an echo beyond its filter of 200 ms.
"""

import time
from collections.abc import Iterator

import numpy as np
from pystoi import stoi
from scipy.signal import resample_poly

from device.audio.capture_clock import RATE_HZ
from tests.audio.echo_room import Room, Samples, choose, level_db, reduction_db, talk
from tests.soundcard.speech import speech

LENGTH_S = 40
ROOMS = {
    "60 ms": Room(60), "250 ms": Room(250), "450 ms": Room(450), "60 ms, +200 ppm": Room(60, ppm=200),
    "60 ms, -200 ppm": Room(60, ppm=-200),
}  # fmt: skip
LEAST_DB = {"webrtc": dict.fromkeys(ROOMS, 30.0), "speex": {"60 ms": 20.0}}
LEAST_STOI = {"webrtc": 0.90, "speex": 0.95}
NEAR_OVER_ECHO_DB = 16.0


def cases() -> Iterator[dict[str, object]]:
    """Makers and rooms."""
    far = talk(LENGTH_S)
    for maker, least_stoi in LEAST_STOI.items():
        for name, room in ROOMS.items():
            least_db, reduced_db = LEAST_DB[maker].get(name), reduction_db(maker, room, far)
            yield {
                "case": f"{maker}, far end alone, {name}",
                "reduction_db": round(reduced_db, 1),
                "limit": "none" if least_db is None else f"{least_db:g} dB",
                "ok": least_db is None or reduced_db >= least_db,
            }
        understood = _near_stoi(maker, far)
        yield {
            "case": f"{maker}, both talk, echo {NEAR_OVER_ECHO_DB:g} dB below",
            "near_stoi": round(understood, 3),
            "limit": f"{least_stoi}",
            "ok": understood >= least_stoi,
        }
        yield {
            "case": f"{maker}, cost", "cpu_ms_per_s": round(_cpu_ms_per_s(maker, far), 1),
            "delay_ms": choose(maker).canceller.delay_ms, "limit": "none", "ok": True,
        }  # fmt: skip


def _near_stoi(maker: str, far: Samples) -> float:
    """Of the second half, in which somebody talks."""
    room, half = Room(), len(far) // 2
    echo = room.carry(far)
    near = np.zeros(len(far))
    said = speech(seed=2).samples[-half:].astype(float)
    near[half : half + len(said)] = said * 10 ** ((level_db(echo[half:]) + NEAR_OVER_ECHO_DB - level_db(said)) / 20)
    box = choose(maker)
    late = box.canceller.delay_ms * RATE_HZ // 1_000
    cleaned = room.clean(box, far, echo + near)
    clear, came = near[half : len(cleaned) - late], cleaned[half + late :]
    return float(stoi(resample_poly(clear, 1, 3), resample_poly(came, 1, 3), RATE_HZ // 3))


def _cpu_ms_per_s(maker: str, far: Samples) -> float:
    box, room = choose(maker), Room()
    heard = room.carry(far)
    began_s = time.process_time()
    room.clean(box, far, heard)
    return (time.process_time() - began_s) / (len(far) / RATE_HZ) * 1_000
