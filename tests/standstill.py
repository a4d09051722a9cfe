"""A machine that stands still for a while, as a busy host lets a virtual one do, loses sound that nobody could save.

So one thread for each CPU looks whether it wakes in time, and a test that fails within a minute after one did not is
done once more. What fails on a machine that runs fails at once, and what fails twice has failed.
"""

import os
import threading
import time
from collections.abc import Iterator

# A thread that only sleeps wakes within 20 ms beside anything that tests do.
STOOD_STILL_S = 0.1
_LOOK_S = 0.02
# No test takes longer; what several of them share may have begun before the one that fails by it.
_LATELY_S = 60.0


class Watch:
    """Looks at each CPU that this process may use, until it ends."""

    def __init__(self) -> None:
        self._stood_still_at = -_LATELY_S
        for cpu in os.sched_getaffinity(0):
            threading.Thread(target=self._look, args=(cpu,), daemon=True).start()

    def stood_still(self) -> bool:
        """Whether a CPU stood still lately."""
        time.sleep(2 * _LOOK_S)  # one that just has is seen
        return time.monotonic() - self._stood_still_at < _LATELY_S

    def _look(self, cpu: int) -> None:
        for late_s in wakes(cpu, _LOOK_S):
            if late_s > STOOD_STILL_S:
                self._stood_still_at = time.monotonic()


def wakes(cpu: int, sleep_s: float) -> Iterator[float]:
    """Sleep for so long again and again, on this CPU from now on; by how many seconds each time was too long."""
    os.sched_setaffinity(0, {cpu})
    before = time.monotonic()
    while True:
        time.sleep(sleep_s)
        now = time.monotonic()
        yield now - before - sleep_s
        before = now
