"""The E-model: values that others have published, and what more delay and loss do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio import emodel
from tests.audio import properties


def test_a_call_without_a_fault_is_as_good_as_the_model_knows() -> None:
    assert emodel.rating(60, 0) == emodel.BEST
    assert emodel.mos(emodel.BEST) == pytest.approx(4.41, abs=0.01)


@pytest.mark.parametrize(("rated", "mos"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0)])
def test_the_score_is_that_of_the_recommendation(rated: float, mos: float) -> None:
    """G.107 table B.1."""
    assert emodel.mos(rated) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize(("delay_ms", "least", "most"), [(150, 90, 93.2), (300, 70, 82), (500, 55, 65)])
def test_delay_costs_what_the_recommendation_says(delay_ms: float, least: float, most: float) -> None:
    """G.114 figure 1: all users satisfied up to 200 ms, some not at 300, many not at 500."""
    assert least <= emodel.rating(delay_ms, 0) <= most


@given(st.floats(0, 3_000), st.floats(0, 3_000), st.floats(0, 100), st.floats(0, 100))
@properties
def test_more_delay_and_more_loss_are_never_better(delay: float, more: float, loss: float, worse: float) -> None:
    good = emodel.mos(emodel.rating(delay, loss))
    bad = emodel.mos(emodel.rating(delay + more, min(100.0, loss + worse)))
    assert 1.0 <= bad <= good + 1e-9 <= 4.5
