"""What a hub costs: CPU and delay of a packet forwarded to 200 listeners, and memory with 10 participants.

The real hub process on one core, on the other one a second process with 200 WebSocket clients and a talker who sends 50
packets a second (hub_load.py); everybody pings every 5 s, and that is counted, too. Nearly all of the CPU is the
kernel's: it sends each listener a TCP segment of his own, and on loopback receives it as well. So beside the hub, by
turns in the same run, stands the floor: the same load on a process that does nothing but that (hub_floor.py).

Limits, as medians of the turns: 3.3 us a packet and 3 ms for 99 of 100 packets, nothing lost; memory 45 MB. Where the
floor alone is above a limit no hub can meet it on that machine, and `times_floor` is what there is to judge;
`floor_kernel_us_per_packet` is what the kernel alone takes there for a TCP segment, whatever language sends it.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from tests.daemon import ROOT, HubDaemon

TURNS = 5
SECONDS = 5.0
LISTENERS = 200
CPU_US, P99_MS = 3.3, 3.0
PARTICIPANTS, MEMORY_MB = 10, 45.0

CORES = sorted(os.sched_getaffinity(0))
HUB_CORE, LOAD_CORE = CORES[0], CORES[-1]


def cases() -> Iterator[dict[str, object]]:
    """Two cases."""
    with HubDaemon(prefix=_on(HUB_CORE)) as hub:
        few = _load(hub.url, hub.pid, PARTICIPANTS - 1)
    with HubDaemon(prefix=_on(HUB_CORE)) as hub, subprocess.Popen(_floor(), cwd=ROOT, stdout=subprocess.PIPE) as floor:
        assert floor.stdout
        floor_url = floor.stdout.readline().decode().strip()
        turns = [
            (_load(floor_url, floor.pid, LISTENERS), _load(hub.url, hub.pid, LISTENERS)) for _ in range(TURNS)
        ]  # fmt: skip
        floor.kill()
    yield _verdict([hub for _, hub in turns], [floor for floor, _ in turns])
    yield {
        "case": f"memory with {PARTICIPANTS} participants",
        "memory_mb": round(few["rss_mb"], 1),
        "limit": f"{MEMORY_MB:g} MB",
        "ok": few["rss_mb"] <= MEMORY_MB,
    }


def _verdict(hub: list[dict[str, float]], floor: list[dict[str, float]]) -> dict[str, object]:
    def median(runs: list[dict[str, float]], name: str) -> float:
        return statistics.median(run[name] for run in runs)

    cpu_us, floor_cpu_us = median(hub, "cpu_us_per_packet"), median(floor, "cpu_us_per_packet")
    kernel_us = floor_cpu_us * median(floor, "kernel_share")
    p99_ms, floor_p99_ms = median(hub, "p99_ms"), median(floor, "p99_ms")
    lost = sum(run["lost"] for run in hub)
    return {
        "case": f"one talker, {LISTENERS} listeners",
        "cpu_us_per_packet": round(cpu_us, 2),
        "floor_cpu_us_per_packet": round(floor_cpu_us, 2),
        "floor_kernel_us_per_packet": round(kernel_us, 2),
        "times_floor": round(cpu_us / floor_cpu_us, 2),
        "p50_ms": round(median(hub, "p50_ms"), 2),
        "p99_ms": round(p99_ms, 2),
        "floor_p99_ms": round(floor_p99_ms, 2),
        "lost": lost,
        "limit": f"{CPU_US} us, {P99_MS:g} ms, 0 lost",
        "ok": cpu_us <= CPU_US and p99_ms <= P99_MS and not lost,
    }


def _on(core: int) -> tuple[str, ...]:
    return ("taskset", "-c", str(core))


def _floor() -> list[str]:
    return [*_on(HUB_CORE), sys.executable, "-m", "tests.bench.hub_floor"]


def _load(url: str, pid: int, listeners: int) -> dict[str, float]:
    command = [*_on(LOAD_CORE), sys.executable, "-m", "tests.bench.hub_load", url, str(pid)]
    options = ["--listeners", str(listeners), "--seconds", str(SECONDS)]
    report = subprocess.run([*command, *options], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    figures: dict[str, float] = json.loads(report)
    return figures
