"""A machine that stands still for a while, as a busy host lets a virtual one do, loses sound that nobody could save.

So one thread for each CPU looks whether it wakes in time, and a test that fails while one did not is done once more;
the summary names it. What fails on a machine that runs fails at once, and what fails twice has failed.
"""

import os
import threading
import time
from collections.abc import Iterator

import pytest
from _pytest.runner import runtestprotocol

# A thread that only sleeps wakes within 20 ms beside anything that tests do.
STOOD_STILL_S = 0.1
_LOOK_S = 0.02
# What several tests share may have begun so long before the one that fails by it.
_SHARED_S = 30.0
_STOOD_STILL_MS = "stood_still_ms"


class Watch:
    """Looks at each CPU that this process may use, until it ends."""

    def __init__(self) -> None:
        self._stood_still: list[tuple[float, float]] = []  # when that ended, and for how long
        for cpu in os.sched_getaffinity(0):
            threading.Thread(target=self._look, args=(cpu,), daemon=True).start()

    def stood_still_s(self, since: float) -> float:
        """The longest time that a CPU stood still since then (time.monotonic), 0 where none did."""
        return max((length_s for ended, length_s in self._stood_still if ended >= since), default=0.0)

    def _look(self, cpu: int) -> None:
        os.sched_setaffinity(0, {cpu})
        before = time.monotonic()
        while True:
            time.sleep(_LOOK_S)
            now = time.monotonic()
            if now - before > _LOOK_S + STOOD_STILL_S:
                self._stood_still.append((now, now - before))
            before = now


class OnceMore:
    """The plugin of pytest for that."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """In place of pytest's own, which does the same once."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        since = time.monotonic() - _SHARED_S
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if any(report.failed for report in reports) and (stood_still_s := self._watch.stood_still_s(since)):
            assert isinstance(item, pytest.Function)
            item._initrequest()
            item.user_properties.append((_STOOD_STILL_MS, round(stood_still_s * 1_000)))
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """A line for each."""
        for line in sorted(set(_done_again(terminalreporter))):
            terminalreporter.write_line(line)


def _done_again(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for report in (one for some in terminalreporter.stats.values() for one in some):
        for name, value in getattr(report, "user_properties", ()):
            if name == _STOOD_STILL_MS:
                yield f"DONE AGAIN (the machine stood still for {value} ms meanwhile): {report.nodeid}"
