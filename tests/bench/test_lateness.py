"""A machine that is late is noticed."""

import signal
import time

from tests.bench.lateness import Lateness


def test_a_machine_that_stands_still_for_100_ms_was_late_by_about_that() -> None:
    with Lateness() as lateness:
        lateness.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        lateness.process.send_signal(signal.SIGCONT)
    assert lateness.longest_ms > 90
