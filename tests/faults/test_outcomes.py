"""Each fault of up to 5 s, once, with real processes: what is kept, and that nothing old is heard. Not how fast.

In every second one a device is muted meanwhile. scripts/bench faults measures.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from .once import once
from .row import NOBODY_LEAVES, SHORT_S, Figures, Row, rows
from .scene import CALM_S

pytestmark = [pytest.mark.root, pytest.mark.unmeasured, pytest.mark.xdist_group("outcomes")]

SHORT = [row for row in rows().values() if row.fault_s <= SHORT_S]
AT_A_TIME = 4
# Less than the bench takes (row.STEADY_S before, row.AFTER_S after): how fast all are back is not asked here.
AFTER_S = 0.6
# Behind the tests that run beside it, judging would take a minute instead of seconds.
NICE = 0

Outcome = Callable[[Row], Figures]


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest) -> Iterator[Outcome]:
    """The figures of a row. All that are asked for here run side by side, each in a process and network of its own; one
    that is asked for once more runs once more."""
    asked = [(seed, row.name) for seed, row in enumerate(SHORT, start=1) if _is_asked_for(row, request.session.items)]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        runs = {name: partial(once, name, seed, AFTER_S, CALM_S, NICE) for seed, name in asked}
        running = {name: pool.submit(run) for name, run in runs.items()}
        yield lambda row: (running.pop(row.name, None) or pool.submit(runs[row.name])).result()


def is_heard(row: Row, figures: Figures) -> bool:
    """Whether sound is back; or, in a row that says how much has to be heard during the fault, whether that was.

    Where a path was full speech is denser for some seconds, and a sound among others is hardly to be told then
    (dated.FAINTLY).
    """
    during = [limit for limit in row.limits if limit.figure == "unplayable_percent"]
    never_away = bool(during) and all(limit.counted([figures]) <= limit.most for limit in during)
    return math.isfinite(figures["sound_back_s"]) or never_away


def _is_asked_for(row: Row, items: list[pytest.Item]) -> bool:
    return any(item.path == Path(__file__) and f"[{row.name}]" in item.name for item in items)


@pytest.mark.parametrize("row", SHORT, ids=lambda row: row.name)
def test_the_call_is_as_it_was_and_nothing_old_is_heard(row: Row, outcome: Outcome) -> None:
    figures = outcome(row)
    assert "failed" not in figures, figures["failed"]
    assert figures["not_kept"] == 0, figures
    assert figures["old_speech_s"] == 0, figures
    assert is_heard(row, figures), figures
    assert NOBODY_LEAVES not in row.limits or figures["noticed"] == []
