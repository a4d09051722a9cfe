"""The coverage gate says no for one branch of a pure file, or for too little of everything."""

from tests.gate import verdicts


def test_enough_is_enough() -> None:
    assert verdicts(90.0, {"channel/rtp.py": 100.0}) == []


def test_one_branch_of_a_pure_file_is_missed() -> None:
    assert verdicts(95.0, {"channel/rtp.py": 99.9, "hub/rooms.py": 100.0}) == [
        "COVERAGE FAILED: channel/rtp.py is pure and has 99.9 %, not 100"
    ]


def test_too_little_of_everything() -> None:
    assert verdicts(89.9, {}) == ["COVERAGE FAILED: 89.9 % overall, less than 90"]
