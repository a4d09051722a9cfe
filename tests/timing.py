"""How long tests wait for real things, in one place: INTERCOM_TEST_SLOW=3 makes every wait three times as long.

Waits are upper bounds for what comes sooner; no test passes by being fast.
"""

import os
import time
from collections.abc import Callable

SLOW = float(os.environ.get("INTERCOM_TEST_SLOW", "1"))
MS = 0.001 * SLOW


def seconds(nominal_s: float) -> float:
    """A bound of `nominal_s` seconds on a machine as fast as the developers'."""
    return nominal_s * SLOW


def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait until `condition()` is true, for what has no event to wait on. Raises AssertionError after `within_s`."""
    deadline = time.monotonic() + seconds(within_s)
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(5 * MS)
