"""Makers of a box that takes the echo out: those of the device, and one more. `python -m tests.bench.echo_makers NAME`
prints what one holds in a process of its own, without numpy before it, as one line of JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

from device.audio import echo
from device.audio.capture_clock import RATE_HZ
from device.audio.echo import Echo, Tasks
from device.audio.pcm import SAMPLE_BYTES
from tests.bench.apm import ApmCanceller

_10_MS = RATE_HZ // 100 * SAMPLE_BYTES
_BLOCKS = 500
_ROOT = Path(__file__).parents[2]


def make(name: str, noise: bool = False) -> Echo:
    """Raises ImportError where its package is missing."""
    tasks = Tasks(noise=noise)
    if name == ApmCanceller.name:
        return Echo(ApmCanceller(noise), tasks)
    canceller, missing = echo.find(name, noise)
    if canceller is None:
        raise ImportError("; ".join(missing))
    return Echo(canceller, tasks)


def holds(name: str) -> dict[str, float]:
    """memory_mb: by how much a process grows that takes it and cleans 5 s; threads: how many it starts."""
    command = [sys.executable, "-m", "tests.bench.echo_makers", name]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=_ROOT).stdout
    held: dict[str, float] = json.loads(printed)
    return held


def _memory_kb_and_threads() -> tuple[int, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    told = dict(line.split(":", 1) for line in lines)
    return int(told["VmRSS"].split()[0]), int(told["Threads"])


def _measure(name: str) -> dict[str, float]:
    kb_before, threads_before = _memory_kb_and_threads()
    canceller = make(name).canceller
    for _ in range(_BLOCKS):
        canceller.clean(os.urandom(_10_MS), os.urandom(_10_MS))
    kb, threads = _memory_kb_and_threads()
    return {"memory_mb": round((kb - kb_before) / 1_024, 1), "threads": threads - threads_before}


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1])))
