"""When whoever is alone looks where the others are: the times alone. The stories are in test_session_moving."""

from random import Random

from device.channel.company import FIRST_PAUSE_S, LONGEST_PAUSE_S, Company
from device.channel.dialling import VARY

NEVER = float("inf")


def about(wait_s: float, nominal_s: float) -> bool:
    return nominal_s * (1 - VARY) <= wait_s <= nominal_s * (1 + VARY)


def alone(here: int, hubs: int = 3) -> Company:
    """At this hub of so many, since 100 s."""
    it = Company(range(here + 1, hubs), Random(1))
    it.miss(100.0)
    return it


def test_the_later_the_hub_the_later_the_first_look() -> None:
    assert about(alone(0).due_at - 100.0, FIRST_PAUSE_S)
    assert about(alone(1).due_at - 100.0, 2 * FIRST_PAUSE_S)


def test_at_the_last_hub_there_is_none() -> None:
    assert alone(2).due_at == NEVER


def test_each_later_hub_in_turn_and_less_and_less_often() -> None:
    it, hubs, pause_s = alone(0), list[int](), FIRST_PAUSE_S
    for _ in range(10):
        hubs.append(it.look(now := it.due_at))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        assert about(it.due_at - now, pause_s)
    assert hubs == [1, 2] * 5


def test_to_be_alone_once_more_makes_the_pauses_short_again_and_delays_nothing() -> None:
    it = alone(0)
    for _ in range(8):
        it.look(it.due_at)
    it.miss(now := it.due_at - 1.0)
    assert it.due_at == now + 1.0
    it.look(now := it.due_at)
    assert about(it.due_at - now, 2 * FIRST_PAUSE_S)


def test_with_somebody_there_no_more_but_a_look_under_way_is_still_one_for_company() -> None:
    it = alone(0)
    hub = it.look(it.due_at)
    it.stop()
    assert it.looked_at == hub
    assert it.due_at == NEVER
