"""CPU and memory of one device in a call: it talks and hears one other, real speech both ways, shipped defaults with
tones, buttons and lights.

Beside it, by turns in the same run, the floor: pyalsaaudio and opuslib in one process without a network, on the same
speech, at the same frame length, voip, 24 kbit/s, complexity 5. A machine is faster at one minute and slower at the
next, so a turn of the device is compared with the mean of the floors before and after it. Limit: 1.5 times that, as the
median of the turns; memory 45 MB. Then the same with everything on: AEC3 with noise and gain, gate mode voice, and FEC
at both, as a third one reports that it misses some packets (complainer.py); drift is always compensated. At most 2.0
times the device without.

Where this limit lies below what it costs to be woken no intercom can meet it on that machine. Two more floors say so.
`network_floor.py` is the least that can be done with a network: two threads, one sends what it has read, the other
plays what it has received. `loop_floor.py` does no more than that, in a device's three threads: each packet wakes four
sleepers (capture, loop to send, loop to receive, playback), where the floor sleeps once a frame. What a device has
beyond that: a hub's WebSocket and RTP, a jitter buffer, drift and stretching, levels, the mix, the status.
`websocket_floor.py` is that with a WebSocket as its library has it: the simplest intercom, to compare with, no floor.
`us_per_bare_wake` is what it costs here to wake up and do nothing.
"""

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from tests.bench.complainer import Complainer
from tests.bench.floors import floor
from tests.call import Call
from tests.daemon import DeviceDaemon
from tests.soundcard import Device, speech
from tests.timing import until

TURNS = 5
SETTLE_S, MEASURE_S = 3.0, 12.0
BARE_WAKES = 100
FLOORS = ("floor", "network_floor", "loop_floor", "websocket_floor")
TIMES_THE_FLOOR = 1.5
EVERYTHING: dict[str, Any] = {"audio": {"echo": "webrtc", "noise": True, "gain": True}, "gate": {"mode": "voice"}}
TIMES_WITHOUT = 2.0
MEMORY_MB = 45.0


class Used(NamedTuple):
    """By one device, in a second of call."""

    cpu_ms_per_s: float
    wakes_per_s: float
    memory_mb: float


def cases() -> Iterator[dict[str, object]]:
    """The device's CPU over the floor's, and its memory; and what it is with everything on."""
    devices, all_on, bare = [], [], []
    floors = {program: [_floor(program)] for program in FLOORS}
    for _ in range(TURNS):
        bare.append(_bare_wake_us())
        devices.append(_device())
        for program, turns in floors.items():
            turns.append(_floor(program))
        all_on.append(_device_with_everything())
    plain = [one.cpu_ms_per_s for one in devices]
    ratio, over_network, over_loop, over_websocket = (
        statistics.median(2 * device / sum(around) for device, around in zip(plain, pairwise(turns), strict=True))
        for turns in floors.values()
    )
    opus, network, loop, websocket = (statistics.median(turns) for turns in floors.values())
    memory_mb = max(one.memory_mb for one in devices)
    yield {
        "case": "one device in a call, 20 ms frames",
        "cpu_ms_per_s": round(statistics.median(plain), 1),
        "floor_opus_cpu_ms_per_s": round(opus, 1),
        "times_opus_floor": round(ratio, 2),
        "floor_with_network_cpu_ms_per_s": round(network, 1),
        "times_floor_with_network": round(over_network, 2),
        "floor_with_loop_cpu_ms_per_s": round(loop, 1),
        "times_floor_with_loop": round(over_loop, 2),
        "floor_with_websocket_cpu_ms_per_s": round(websocket, 1),
        "times_floor_with_websocket": round(over_websocket, 2),
        "wakes_per_s": round(statistics.median(one.wakes_per_s for one in devices)),
        "us_per_bare_wake": round(statistics.median(bare)),
        "memory_mb": round(memory_mb, 1),
        "limit": f"{TIMES_THE_FLOOR} x floor, {MEMORY_MB:g} MB",
        "ok": ratio <= TIMES_THE_FLOOR and memory_mb <= MEMORY_MB,
    }
    times = statistics.median(one.cpu_ms_per_s / other for one, other in zip(all_on, plain, strict=True))
    yield {
        "case": "the same with everything on: AEC3, noise, gain, gate mode voice, FEC",
        "cpu_ms_per_s": round(statistics.median(one.cpu_ms_per_s for one in all_on), 1),
        "times_without": round(times, 2),
        "memory_mb": round(max(one.memory_mb for one in all_on), 1),
        "limit": f"{TIMES_WITHOUT} x without",
        "ok": times <= TIMES_WITHOUT,
    }


def _device() -> Used:
    with Call(tape=talk, wired=True) as call:
        return _used(call.parties[0].daemon)


def _device_with_everything() -> Used:
    with Call(tape=talk, wired=True, **EVERYTHING) as call:
        uids = [party.daemon.ask("status")["uid"] for party in call.parties]
        with Complainer(call.hub.url, uids):
            until(lambda: all(party.daemon.ask("status")["link"]["fec_percent"] for party in call.parties))
            return _used(call.parties[0].daemon)


def _used(daemon: DeviceDaemon) -> Used:
    time.sleep(SETTLE_S)
    began_s, cpu_s, woken = time.monotonic(), daemon.cpu_s(), daemon.wakes()
    time.sleep(MEASURE_S)
    took_s = time.monotonic() - began_s
    return Used((daemon.cpu_s() - cpu_s) / took_s * 1_000, (daemon.wakes() - woken) / took_s, daemon.rss_mb())


def talk(mic: Device) -> int:
    """The ten sentences, again and again; returns the first frame of them."""
    samples = speech.speech().samples
    begin = round(mic.frame()) + 4_800
    mic.put(samples, begin)
    mic.loop(begin, len(samples))
    return begin


def _bare_wake_us() -> float:
    began_s = time.thread_time()
    for _ in range(BARE_WAKES):
        time.sleep(0.02)
    return (time.thread_time() - began_s) / BARE_WAKES * 1e6


def _floor(program: str) -> float:
    """CPU of the floor in ms per second of call."""
    return floor(20, True, MEASURE_S, talk, lambda report, *_: float(report["cpu_ms_per_s"]), program)
