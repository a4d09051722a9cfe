"""The page of features: which tests show which row, and when it is whole."""

import pytest

from tests.features import ROWS, Tier, is_whole, page, shown_by, verdict

BY_ID = {row.id: row for row in ROWS}
NAME = "tests/hub/test_rooms.py::{}"


def test_a_test_shows_the_rows_in_its_name_and_no_others() -> None:
    names = [NAME.format(name) for name in ("test_A8_x", "TestB1::test_A18_and_E4_y[A2-B3]", "test_h264_and_AA8_Z9x")]
    assert shown_by(names) == {"A8": [names[0]], "A18": [names[1]], "E4": [names[1]]}


@pytest.mark.parametrize(
    ("names", "failed", "says"), [([], [], "open"), (["a"], [], "pass"), (["a", "b"], ["b"], "fail")]
)
def test_a_row_passes_when_all_its_tests_do(names: list[str], failed: list[str], says: str) -> None:
    assert verdict(BY_ID["A8"], {"A8": names}, set(failed)) == says
    assert f"{says:4}  A8   must" in "\n".join(page({"A8": names}, set(failed)))


def test_the_page_is_whole_without_what_could_be_and_not_without_what_should() -> None:
    tests = {row.id: [row.id] for row in ROWS if row.tier is not Tier.COULD}
    assert is_whole(tests, set())
    assert not is_whole(tests, {"A1"})
    assert not is_whole({id: names for id, names in tests.items() if id != "L3"}, set())


def test_there_is_a_row_for_every_feature_once() -> None:
    assert len(BY_ID) == len(ROWS) == 104
