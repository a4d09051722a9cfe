"""What is said of this machine's clock."""

import pytest

from device.doctor import clock
from device.doctor.finding import Verdict

NOW_S = 1_800_000_000.0  # in January 2027


@pytest.mark.parametrize(
    ("now_s", "hubs", "verdict", "text"),
    [
        (NOW_S, {}, Verdict.OK, "2027-01-15 08:00 UTC; no hub"),
        (NOW_S, {"ws://a:1": 0.4, "ws://b:1": -2.0}, Verdict.OK, "2 s ahead of ws://b:1"),
        (NOW_S, {"ws://a:1": 31.0}, Verdict.WARN, "31 s behind ws://a:1"),
        (NOW_S, {"ws://a:1": -3_600.0}, Verdict.WARN, "3600 s ahead of ws://a:1"),
        (0.0, {}, Verdict.FAIL, "1970-01-01"),
        (1_000_000_000.0, {"ws://a:1": 8e8}, Verdict.FAIL, "long ago"),
    ],
)
def test_a_clock_is_judged_by_the_year_and_by_the_hubs(
    now_s: float, hubs: dict[str, float], verdict: Verdict, text: str
) -> None:
    found = clock.judge(now_s, False, hubs)
    assert found.verdict is verdict and text in found.found
    assert ("timesyncd" in found.remedy) == (verdict is not Verdict.OK)


def test_the_clock_of_this_machine() -> None:
    now_s, synchronized = clock.look()
    assert ("synchronized" in clock.judge(now_s, synchronized, {}).found) == synchronized
