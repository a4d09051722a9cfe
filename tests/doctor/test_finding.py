"""A finding as people and as programs read it."""

import json

import pytest

from device.doctor.finding import Finding, Verdict, exit_code


def test_a_line_has_verdict_check_what_was_found_and_the_remedy() -> None:
    assert Finding("clock", Verdict.OK, "right").line() == "ok    clock: right"
    assert Finding("clock", Verdict.WARN, "late", "set it").line() == "warn  clock: late; set it"
    assert Finding("clock", Verdict.FAIL, "wrong", "set it").line() == "FAIL  clock: wrong; set it"


def test_a_line_stays_one_and_moves_no_cursor() -> None:
    assert Finding("hub", Verdict.OK, "a\nb\x1b[2J").line() == "ok    hub: a?b?[2J"


def test_programs_get_the_figures_beside_it() -> None:
    members = Finding("clock", Verdict.OK, "right", figures={"clock_ahead_s": 0.5}).members()
    expected = {"check": "clock", "verdict": "ok", "found": "right", "remedy": "", "clock_ahead_s": 0.5}
    assert json.loads(json.dumps(members)) == expected


@pytest.mark.parametrize(
    ("verdicts", "code"), [([], 0), ([Verdict.OK, Verdict.WARN], 0), ([Verdict.OK, Verdict.FAIL, Verdict.WARN], 1)]
)
def test_only_what_failed_fails(verdicts: list[Verdict], code: int) -> None:
    assert exit_code([Finding("x", verdict, "") for verdict in verdicts]) == code
