"""How late the machine itself is: a virtual one stands still now and then, when its host is busy.

A process beside what is measured has a thread on each CPU, above the audio threads of a device where the system allows
that, which sleeps 5 ms again and again. When one of them wakes late, whatever had to run there at that moment was late.

    python -m tests.bench.lateness        until its input ends; then prints by how many ms one was late at most
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from typing import Self

from tests.daemon import ROOT
from tests.standstill import wakes

_SLEEP_S = 0.005
# A device asks for 10.
_PRIORITY = 11


class Lateness:
    """Of the machine, from the beginning of the `with` to its end; then `longest_ms` is there."""

    longest_ms: float

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.lateness"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        assert self.process.stdout.readline() == "looking\n"
        return self

    def __exit__(self, *_: object) -> None:
        self.longest_ms = float(self.process.communicate()[0])


def main() -> None:
    latest_s = dict.fromkeys(os.sched_getaffinity(0), 0.0)
    for cpu in latest_s:
        threading.Thread(target=_look, args=(cpu, latest_s), daemon=True).start()
    time.sleep(2 * _SLEEP_S)
    print("looking", flush=True)
    sys.stdin.read()
    time.sleep(2 * _SLEEP_S)  # what has just been is seen
    print(max(latest_s.values()) * 1_000)


def _look(cpu: int, latest_s: dict[int, float]) -> None:
    with contextlib.suppress(PermissionError):  # then this machine is late by what else runs on it, too
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    for late_s in wakes(cpu, _SLEEP_S):
        latest_s[cpu] = max(latest_s[cpu], late_s)


if __name__ == "__main__":
    main()
