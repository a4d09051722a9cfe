"""CPU of a device in a call in which nobody talks: gate mode voice, noise of -50 dBFS at both microphones.

Each has talked before, so that the other still holds its place in the jitter buffer. Beside it, by turns in the same
run, the floor: pyalsaaudio alone in one process, which reads a frame and writes it, 50 times a second and nothing else.
`us_per_bare_wake` is what it costs here to wake up and do nothing (a thread that sleeps, 50 times a second): a device
has to wake up twice a frame, as microphone and speaker have clocks of their own. Limit: 1 % of a core, as the median of
the turns.
"""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from tests.bench.bench_cpu import _bare_wake_us
from tests.bench.floors import floor
from tests.call import Call
from tests.soundcard import Device
from tests.timing import until

TURNS = 3
HUM_S, SETTLE_S, MEASURE_S = 3.0, 6.0, 12.0
NOISE_DBFS = -50
LIMIT_MS_PER_S = 10.0
RATE = 48_000


def cases() -> Iterator[dict[str, object]]:
    """One case: the devices' CPU, the floor's, and what a wake-up costs."""
    devices, floors, bare, wakes = [], [], [], []
    for _ in range(TURNS):
        floors.append(floor(20, False, MEASURE_S, _rustle, lambda report, *_: float(report["cpu_ms_per_s"])))
        bare.append(_bare_wake_us())
        with Call(gate={"mode": "voice"}, tape=_hum_then_rustle) as call:
            quiet_from = (HUM_S + SETTLE_S) * RATE
            until(lambda: all(party.mic.frame() > quiet_from for party in call.parties), 20)  # noqa: B023
            daemons = [party.daemon for party in call.parties]
            began_s, before = time.monotonic(), [(daemon.cpu_s(), daemon.wakes()) for daemon in daemons]
            time.sleep(MEASURE_S)
            took_s = time.monotonic() - began_s
            for daemon, (cpu_s, woken) in zip(daemons, before, strict=True):
                devices.append((daemon.cpu_s() - cpu_s) / took_s * 1_000)
                wakes.append((daemon.wakes() - woken) / took_s)
            assert all(talker["level_dbfs"] == -127 for daemon in daemons for talker in daemon.ask("status")["talkers"])
    cpu_ms_per_s = statistics.median(devices)
    yield {
        "case": f"one device in a call, nobody talks, {NOISE_DBFS} dBFS of noise",
        "cpu_ms_per_s": round(cpu_ms_per_s, 1),
        "worst_cpu_ms_per_s": round(max(devices), 1),
        "floor_cpu_ms_per_s": round(statistics.median(floors), 1),
        "wakes_per_s": round(statistics.median(wakes)),
        "us_per_bare_wake": round(statistics.median(bare)),
        "limit": f"{LIMIT_MS_PER_S:g} ms/s",
        "ok": cpu_ms_per_s <= LIMIT_MS_PER_S,
    }


def _noise(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(1).normal(0, 32_768 * 10 ** (NOISE_DBFS / 20), round(seconds * RATE))


def _rustle(mic: Device, begin: int | None = None) -> int:
    begin = round(mic.frame()) if begin is None else begin
    noise = _noise(4.0)
    mic.put(noise.astype(np.int16), begin)
    mic.loop(begin, len(noise))
    return begin


def _hum_then_rustle(mic: Device) -> None:
    """From the first frame of its clock on."""
    hum = 6_000 * np.sin(np.arange(HUM_S * RATE) * 2 * np.pi * 300 / RATE)
    mic.put((hum + _noise(HUM_S)).astype(np.int16), 0)
    _rustle(mic, len(hum))
