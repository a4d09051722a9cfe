"""How late the machine itself is: a virtual one stands still now and then, when its host is busy.

A process beside what is measured has a thread on each CPU, above all others where the system allows that, which sleeps
5 ms again and again. What such a thread wakes too late for no intercom could have been in time for.

    python -m tests.bench.lateness        until its input ends; then prints by how many ms one was late at most
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar

from tests.daemon import ROOT

# Late by this, a machine has used up most of what a card holds in reserve at 10 ms frames (9 ms).
LATE_MS = 5.0
ATTEMPTS = 3
_SLEEP_S = 0.005
# Above the audio threads of a device, which ask for 10.
_PRIORITY = 40
Result = TypeVar("Result")


class Lateness:
    """Of the machine, from the beginning of the `with` to its end; then `longest_ms` is there."""

    longest_ms: float

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.lateness"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.process.stdout.readline()  # it looks
        return self

    def __exit__(self, *_: object) -> None:
        self.longest_ms = float(self.process.communicate()[0] or "nan")


def in_time(
    run: Callable[[], tuple[Result, int]], watch: Callable[[], Lateness] = Lateness
) -> tuple[Result, dict[str, object]]:
    """What a run says, and {xruns, machine_late_ms, repeated}. run: returns also how many xruns it had.

    It is done once more, twice at most, where it had an xrun and the machine was late by LATE_MS meanwhile.
    """
    repeated = 0
    while True:
        with watch() as lateness:
            result, xruns = run()
        late_ms = lateness.longest_ms
        if not xruns or late_ms < LATE_MS or repeated == ATTEMPTS - 1:
            return result, {"xruns": xruns, "machine_late_ms": round(late_ms, 1), "repeated": repeated}
        repeated += 1


def main() -> None:
    latest_s = dict.fromkeys(os.sched_getaffinity(0), 0.0)
    for cpu in latest_s:
        threading.Thread(target=_look, args=(cpu, latest_s), daemon=True).start()
    print("looking", flush=True)
    sys.stdin.read()
    print(max(latest_s.values()) * 1_000)


def _look(cpu: int, latest_s: dict[int, float]) -> None:
    os.sched_setaffinity(0, {cpu})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    before = time.monotonic()
    while True:
        time.sleep(_SLEEP_S)
        now = time.monotonic()
        latest_s[cpu] = max(latest_s[cpu], now - before - _SLEEP_S)
        before = now


if __name__ == "__main__":
    main()
