"""The figures of bare connections, on messages made by hand; real ones are for scripts/bench faults."""

import pytest

from .floors import _longest_gap_ms, _unplayable_percent

SENT = [number * 0.02 for number in range(100)]


def came(*numbers: int, late_s: float = 0.04) -> dict[int, float]:
    return {number: SENT[number] + late_s for number in numbers}


def test_the_longest_gap_is_between_what_was_fresh() -> None:
    assert _longest_gap_ms(SENT, came(*range(100))) == pytest.approx(40)
    assert _longest_gap_ms(SENT, came(*range(40), *range(60, 100))) == pytest.approx(420)
    assert _longest_gap_ms(SENT, came(*range(40), *range(60, 100)) | came(50, late_s=0.6)) == pytest.approx(420)


def test_where_nothing_fresh_came_the_gap_is_all_of_it() -> None:
    """As in one of sixty minutes of bare TCP at 15 % loss."""
    assert _longest_gap_ms(SENT, came(*range(100), late_s=5.0)) == pytest.approx(1_980)
    assert _longest_gap_ms(SENT, {}) == pytest.approx(1_980)
    assert _longest_gap_ms(SENT, came(30)) == pytest.approx(1_340)
    assert _unplayable_percent(SENT, {}) == 100
