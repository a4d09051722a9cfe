"""No network at boot, in virtual time: the row that the bench prints, and that it is what it says."""

import pytest

from device.channel.verdicts import Miss

from .row import rows
from .rows_virtual import WITHOUT, boot_without_network

NAME = "no network at boot for 10 minutes (virtual time)"

pytestmark = pytest.mark.unmeasured


@pytest.mark.parametrize("seed", range(len(WITHOUT)))
def test_after_ten_minutes_without_a_network_there_is_sound_within_a_second(seed: int) -> None:
    row = rows()[NAME]
    figures = row.run(seed)
    assert all(limit.of([figures[limit.figure]]) <= limit.most for limit in row.limits), figures
    assert figures["sound_back_s"] > 0.04, "a round trip at least"
    assert 4.0 < figures["dials_per_s"] < 6.0


@pytest.mark.parametrize("miss", WITHOUT)
def test_whenever_the_network_comes_it_is_dialled_at_once(miss: Miss) -> None:
    """The whole way: the pause between two dials at the longest, TCP, join, publish, and the first packet."""
    backs_s = [boot_without_network(seed, miss, 20.0)["sound_back_s"] for seed in range(10)]
    assert max(backs_s) < 0.3 + 0.36 + 0.1
    assert max(backs_s) - min(backs_s) > 0.05, "it is not the same moment each time"


def test_a_network_that_never_comes_is_no_sound() -> None:
    figures = boot_without_network(1, Miss.DNS, 5.0)
    assert figures["not_kept"] == 0
    never = boot_without_network(1, Miss.HTTP, 5.0)  # that is an answer, and slows it down
    assert never["sound_back_s"] > figures["sound_back_s"]
