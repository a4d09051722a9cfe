"""When a seat that is fine where it is looks for a better place: the times alone. The stories are in
test_session_moving."""

from random import Random

import pytest

from device.channel import address
from device.channel.dialling import VARY
from device.channel.moving import (
    AGAIN_S,
    BELIEVED_S,
    FIRST_LOOK_S,
    LOOK_S,
    SENT_AWAY_S,
    SPREAD_S,
    STEADY_S,
    WARIEST_S,
    WARY_S,
    Moving,
)

HUBS = [address.read(f"ws://hub{n}:8800") for n in range(3)]
NEVER = float("inf")


def moving(hub: int, now: float = 100.0) -> Moving:
    """With a seat at this hub."""
    it = Moving(HUBS, Random(1))
    it.seated(hub, False, now)
    return it


def test_at_the_first_hub_there_is_nothing_to_look_for() -> None:
    assert moving(0).due_at() == NEVER
    it = moving(0)
    it.somebody_left(101.0)
    assert it.due_at() == NEVER


def test_elsewhere_the_first_look_comes_soon_and_the_others_steadily_at_each_earlier_hub_in_turn() -> None:
    it, now, looks = moving(2), 100.0, []
    for n in range(6):
        wait_s, now = it.due_at() - now, it.due_at()
        nominal_s = LOOK_S if n else FIRST_LOOK_S
        assert nominal_s * (1 - VARY) <= wait_s <= nominal_s * (1 + VARY)
        looks.append(it.look(now))
    assert looks == [0, 1, 0, 1, 0, 1]


def test_somebody_who_leaves_may_have_found_it_but_a_crowd_that_leaves_is_one_reason() -> None:
    it = moving(1)
    it.somebody_left(100.2)
    assert 100.2 <= it.due_at() <= 100.2 + SPREAD_S
    now = it.due_at()
    it.look(now)
    it.somebody_left(now + 0.1)
    assert it.due_at() == now + AGAIN_S


@pytest.mark.parametrize(("url", "hub"), [("", 1), ("ws://hub2:8800", 2), ("ws://HUB0:8800/v1?token=SECRET", 0)])
def test_a_hub_may_send_us_to_itself_or_to_another_of_the_list(url: str, hub: int) -> None:
    it = moving(1)
    assert it.told(url, 100.1)
    for earliest, latest in ((100.1, 100.1 + SPREAD_S), (101.1, 101.1 + SPREAD_S)):
        assert earliest <= it.due_at() <= latest
        assert it.look(it.due_at()) == hub


@pytest.mark.parametrize("hub", [0, 1])
def test_what_a_hub_has_said_is_believed_for_half_a_minute(hub: int) -> None:
    it, looks = moving(hub), 0
    it.told("ws://hub2:8800", 100.1)
    while it.due_at() < 200.0 and it.look(it.due_at()) == 2:
        looks += 1
    assert BELIEVED_S <= looks <= BELIEVED_S + 2
    assert it.due_at() == NEVER if hub == 0 else it.due_at() > 130.0


def test_a_hub_that_says_it_over_and_over_makes_nobody_dial_faster() -> None:
    it, looks, now = moving(0), 0, 200.0
    while now < 210.0:
        it.told("", now)
        if it.due_at() <= now:
            it.look(now)
            looks += 1
        now += 0.01
    assert 9 <= looks <= 11


@pytest.mark.parametrize("url", ["ws://elsewhere:8800", "wss://hub0:8800", "ws://hub0:8801", "http://hub0:8800", "?"])
def test_but_never_anywhere_else(url: str) -> None:
    it = moving(1)
    before = it.due_at()
    assert not it.told(url, 200.0)
    assert it.due_at() == before


def test_who_was_sent_to_a_later_hub_does_not_go_back_at_once() -> None:
    it = moving(0)
    it.told("ws://hub1:8800", 200.0)
    it.seated(1, True, 200.1)
    assert it.due_at() >= 200.1 + SENT_AWAY_S * (1 - VARY)


def test_a_hub_that_was_lost_soon_is_worth_a_longer_wait_each_time_until_it_has_been_steady() -> None:
    it, waits = moving(0), []
    for _ in range(8):
        it.lost(seated_at=100.0, now=101.0)
        assert it.due_at() == NEVER
        it.seated(1, False, 102.0)
        waits.append(it.due_at() - 102.0)
    for n, wait_s in enumerate(waits):
        nominal_s = min(WARY_S * 2**n, WARIEST_S)
        assert nominal_s * (1 - VARY) <= wait_s <= nominal_s * (1 + VARY)
    it.lost(seated_at=102.0, now=102.0 + STEADY_S)
    it.seated(1, False, 200.0)
    assert it.due_at() <= 200.0 + FIRST_LOOK_S * (1 + VARY)


def test_who_is_alone_has_no_conversation_to_disturb_and_looks_at_once_until_somebody_comes() -> None:
    it = moving(0)
    it.lost(seated_at=100.0, now=101.0)
    it.seated(1, True, 102.0)
    assert it.due_at() <= 102.0 + FIRST_LOOK_S * (1 + VARY)
    it.somebody_came()
    waits_until = it.due_at()
    assert 102.0 + WARY_S * (1 - VARY) <= waits_until <= 102.0 + WARY_S * (1 + VARY)
    it.told("", 103.0)
    it.somebody_came()
    assert it.due_at() < waits_until, "what the hub says goes first"


def test_who_has_left_looks_for_nothing() -> None:
    it = moving(1)
    it.told("", 200.0)
    it.left()
    assert it.due_at() == NEVER
