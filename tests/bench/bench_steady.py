"""Ten minutes of call with clocks that run apart: does anything creep?

Two devices whose sound cards run 100 ppm too fast and 100 ppm too slow, ten sentences spoken again and again into the
first, heard in the second. 200 ppm over ten minutes are 120 ms: without drift compensation the buffer runs over or dry.
Limits: latency at the end within 5 ms of the start, PESQ of the last minute within 0.1 of the first (medians over the
same ten sentences), 0 xruns. `machine_late_ms`: as that of mouth-to-ear.
"""

import statistics
import time
from collections.abc import Iterator

from tests.bench.lateness import Lateness
from tests.call import Call
from tests.soundcard import Device, quality, speech

MINUTES = 10
SETTLE_S = 5.0
LATENCY_MS, PESQ = 5.0, 0.1


def cases() -> Iterator[dict[str, object]]:
    """One case."""
    spoken = speech.speech()
    rounds = MINUTES * 60 * 48_000 // len(spoken.samples)
    with Lateness() as lateness, Call(ppm=(100.0, -100.0)) as call:
        mouth, ear = call.parties
        time.sleep(SETTLE_S)
        xruns = call.xruns()
        begin = round(mouth.mic.frame()) + 4_800
        for number in range(rounds):
            mouth.mic.put(spoken.samples, begin + number * len(spoken.samples))
        end = begin + rounds * len(spoken.samples)
        while mouth.mic.frame() < end + 48_000:
            time.sleep(1.0)
        xruns = call.xruns() - xruns
        (first_ms, first_pesq), (last_ms, last_pesq) = (
            _judge(mouth.mic, ear.spk, begin + number * len(spoken.samples), spoken) for number in (0, rounds - 1)
        )
        (talker,) = ear.daemon.ask("status")["talkers"]
    yield {
        "case": f"{MINUTES} min, clocks +100 and -100 ppm",
        "first_latency_ms": round(first_ms, 2),
        "last_latency_ms": round(last_ms, 2),
        "first_pesq": round(first_pesq, 2),
        "last_pesq": round(last_pesq, 2),
        "drift_seen_ppm": round(talker["drift_ppm"]),
        "xruns": xruns,
        "machine_late_ms": round(lateness.longest_ms, 1),
        "limit": f"latency within {LATENCY_MS:g} ms, PESQ within {PESQ}, 0 xruns",
        "ok": abs(last_ms - first_ms) <= LATENCY_MS and last_pesq >= first_pesq - PESQ and not xruns,
    }


def _judge(mic: Device, spk: Device, begin: int, spoken: speech.Speech) -> tuple[float, float]:
    """(median latency in ms, median PESQ) over the ten sentences that begin at this frame of the microphone."""
    heard = quality.judge(mic, spk, begin, spoken)
    return statistics.median(one.offset_ms for one in heard), statistics.median(one.pesq for one in heard)
