"""Mouth to ear: how long a sound takes from one device's microphone to the other's speaker.

Two `intercomd run` processes, shipped defaults but for the tones, which would be heard beside the chirps, and a
separate hub on loopback, on the virtual sound card, both directions at once, one run of 500 chirps each way. Beside it,
in the same run and just before and after it, the floors: the same chirps through pyalsaaudio alone, and through
pyalsaaudio and opuslib in one process without a network.

Limits: p50 at most 1.4 times the Opus floor, p95 within 5 ms of p50, no chirp missed, no step over 5 ms once 5 s have
passed, no xrun. `machine_late_ms`: by how much the machine itself was late at most meanwhile (lateness.py); where that
is more than what the card holds in reserve, 9 and 12 ms, xruns need not be the device's.
"""

import statistics
import time
from collections.abc import Iterator

from tests.bench.floors import floor
from tests.bench.lateness import Lateness
from tests.call import Call
from tests.soundcard import Device, chirps

CHIRPS = 500
FLOOR_CHIRPS = 30
TIMES_THE_FLOOR = 1.4
JUMP_MS = 5.0


def cases() -> Iterator[dict[str, object]]:
    """One case per frame length, each with its floors."""
    for frame_ms in (10, 20):
        floors = [_floor(frame_ms, codec) for codec in (False, True)]
        with Lateness() as lateness, Call(audio={"frame_ms": frame_ms}) as call:
            xruns_before = call.xruns()
            ways = _measure(call)
            xruns = call.xruns() - xruns_before
        floors += [_floor(frame_ms, codec) for codec in (False, True)]
        bare_ms, opus_ms = statistics.median(floors[::2]), statistics.median(floors[1::2])
        p50_ms = max(way.p50_ms for way in ways)
        spread_ms = max(way.p95_ms - way.p50_ms for way in ways)
        step_ms = max(way.largest_step_ms for way in ways)
        missed = sum(way.missed for way in ways)
        limit_ms = round(TIMES_THE_FLOOR * opus_ms, 1)
        yield {
            "case": f"{frame_ms} ms frames",
            "p50_ms": round(p50_ms, 2),
            "p95_over_p50_ms": round(spread_ms, 2),
            "largest_step_ms": round(step_ms, 2),
            "chirps": sum(len(way.latency_ms) for way in ways),
            "missed": missed,
            "xruns": xruns,
            "machine_late_ms": round(lateness.longest_ms, 1),
            "floor_bare_ms": round(bare_ms, 2),
            "floor_opus_ms": round(opus_ms, 2),
            "times_opus_floor": round(p50_ms / opus_ms, 2),
            "limit": f"p50 <= {limit_ms} ms, p95 - p50 <= 5 ms, step <= 5 ms, 0 missed, 0 xruns",
            "ok": p50_ms <= limit_ms and max(spread_ms, step_ms) <= JUMP_MS and not missed and not xruns,
        }


def _measure(call: Call) -> list[chirps.MouthToEar]:
    """Chirps both ways at once; each way has its own rhythm."""
    begins, stimuli = [], []
    for number, party in enumerate(call.parties):
        sound, at = chirps.stimulus(CHIRPS, seed=number + 1)
        begins.append(round(party.mic.frame()) + 4_800)
        party.mic.put(sound, begins[-1])
        stimuli.append((sound, at))
    time.sleep(max(len(sound) for sound, _ in stimuli) / chirps.RATE + 0.5)
    first, second = call.parties
    return [
        chirps.measure(mouth.mic, ear.spk, begin, at)
        for mouth, ear, begin, (_, at) in zip((first, second), (second, first), begins, stimuli, strict=True)
    ]


def _floor(frame_ms: int, codec: bool) -> float:
    """p50 in ms of a bare passthrough."""
    sound, at = chirps.stimulus(FLOOR_CHIRPS)

    def speak(mic: Device) -> int:
        begin = round(mic.frame() + chirps.RATE)  # by then it runs
        mic.put(sound, begin)
        return begin

    seconds = len(sound) / chirps.RATE + 1.5
    return floor(
        frame_ms, codec, seconds, speak, lambda report, mic, spk, begin: chirps.measure(mic, spk, begin, at).p50_ms
    )
