"""A machine that is late is noticed, and what had an xrun meanwhile is measured once more; nothing else is."""

import signal
import time
from typing import Self

import pytest

from tests.bench.lateness import ATTEMPTS, LATE_MS, Lateness, in_time


def test_a_machine_that_stands_still_for_100_ms_was_late_by_about_that() -> None:
    with Lateness() as lateness:
        lateness.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        lateness.process.send_signal(signal.SIGCONT)
    assert lateness.longest_ms > 90


class Machine(Lateness):
    """One that is late by that much in each run, which takes no time."""

    def __init__(self, late_ms: list[float]) -> None:
        self._late_ms = late_ms

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.longest_ms = self._late_ms.pop(0)


@pytest.mark.parametrize(
    ("xruns", "late_ms", "counts"),
    [
        ([0], [100.0], 0), ([1, 0], [LATE_MS - 0.1, 0.0], 0), ([1, 0], [LATE_MS, 0.0], 1),
        ([1, 2, 0], [9.0, 0.0, 0.0], 1), ([3] * ATTEMPTS, [9.0] * ATTEMPTS, ATTEMPTS - 1),
    ],
    ids=["no xrun", "in time", "late", "late, then in time", "late always"],
)  # fmt: skip
def test_a_run_with_an_xrun_on_a_late_machine_is_done_once_more(
    xruns: list[int], late_ms: list[float], counts: int
) -> None:
    runs = iter(enumerate(xruns))
    expected = {"xruns": xruns[counts], "machine_late_ms": late_ms[counts], "repeated": counts}
    assert in_time(lambda: next(runs), lambda: Machine(late_ms)) == (counts, expected)
