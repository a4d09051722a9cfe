"""A pace lets a burst through, then as many as it says, and forgets what it refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.hub.limits import Pace, household


def test_a_burst_passes_and_the_next_one_does_not() -> None:
    pace = Pace(per_s=10, burst=3)
    assert [pace.take(5.0) for _ in range(4)] == [True, True, True, False]


def test_after_the_burst_one_passes_every_interval() -> None:
    pace = Pace(per_s=10, burst=3)
    assert [pace.take(5.0) for _ in range(3)] == [True] * 3
    assert [pace.take(5.0 + ms / 1000) for ms in (50, 101, 150, 201)] == [False, True, False, True]


def test_a_rest_earns_the_whole_burst_again_and_no_more() -> None:
    pace = Pace(per_s=10, burst=3)
    for _ in range(10):
        pace.take(0.0)
    assert [pace.take(1_000.0) for _ in range(4)] == [True, True, True, False]


@given(
    per_s=st.floats(0.5, 1_000), burst=st.integers(1, 500),
    gaps_s=st.lists(st.floats(0, 1), min_size=1, max_size=300),
)  # fmt: skip
def test_never_more_than_the_burst_and_what_the_time_allows(per_s: float, burst: int, gaps_s: list[float]) -> None:
    pace, now, passed = Pace(per_s, burst), 100.0, 0
    for gap_s in gaps_s:
        now += gap_s
        passed += pace.take(now)
        assert passed <= burst + (now - 100.0) * per_s + 0.01


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "a hub before this one", False),
    ],
)
def test_limits_are_those_of_an_ipv4_address_and_of_all_that_an_ipv6_network_can_give_itself(
    one: str, another: str, same: bool
) -> None:
    assert (household(one) == household(another)) is same


def test_many_at_once_count_as_many() -> None:
    pace = Pace(1_000, 1_000)
    assert pace.take_many(1_000, 0.0)
    assert not pace.take_many(1, 0.5e-3)
    assert pace.take_many(500, 0.5)
