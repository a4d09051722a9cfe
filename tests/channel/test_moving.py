"""When a seat that is fine where it is looks for a better place: the times alone. The stories are in
test_session_moving."""

from itertools import pairwise
from random import Random

import pytest

from device.channel import address
from device.channel.company import LONGEST_PAUSE_S
from device.channel.dialling import VARY
from device.channel.moving import (
    AGAIN_S,
    BELIEVED_S,
    FIRST_LOOK_S,
    FOLLOWED_S,
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


def moving(hub: int, now: float = 100.0, alone: bool = False) -> Moving:
    """With a seat at this hub."""
    it = Moving(HUBS, Random(1))
    it.seated(hub, alone, now)
    return it


def about(wait_s: float, nominal_s: float) -> bool:
    """Whether that is this time, varied."""
    return nominal_s * (1 - VARY) <= wait_s <= nominal_s * (1 + VARY)


def test_at_the_first_hub_there_is_nothing_to_look_for() -> None:
    assert moving(0).due_at() == NEVER
    it = moving(0)
    it.somebody_left(False, 101.0)
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
    it.somebody_left(False, 100.2)
    assert 100.2 <= it.due_at() <= 100.2 + SPREAD_S
    now = it.due_at()
    it.look(now)
    it.somebody_left(False, now + 0.1)
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
    it.somebody_came(3)
    waits_until = it.due_at()
    assert 102.0 + WARY_S * (1 - VARY) <= waits_until <= 102.0 + WARY_S * (1 + VARY)
    it.told("", 103.0)
    told_for = it.due_at()
    it.somebody_came(3)
    it.somebody_left(True, 103.0)
    assert it.due_at() == told_for < waits_until, "what the hub says goes first"


def test_who_misses_somebody_since_the_seat_was_lost_looks_at_once_until_he_comes() -> None:
    it = moving(0)
    it.lost(seated_at=100.0, now=101.0)
    it.seated(1, False, 102.0, {4, 5})
    assert about(it.due_at() - 102.0, FIRST_LOOK_S)
    it.somebody_came(4)
    it.somebody_came(6)
    it.look(now := it.due_at())
    assert about(it.due_at() - now, LOOK_S), "5 has not come"
    it.somebody_came(5)
    assert about(it.due_at() - 102.0, WARY_S)


def test_but_not_at_a_hub_that_has_sent_him_to_where_the_others_will_come() -> None:
    it = moving(0)
    it.told("ws://hub1:8800", 200.0)
    it.seated(1, False, 200.1, {4})
    it.somebody_came(5)
    assert it.due_at() >= 200.1 + SENT_AWAY_S * (1 - VARY)


def test_nor_if_he_has_followed_the_others_whoever_else_was_there() -> None:
    it = moving(0, alone=True)
    hub = it.look(105.0)
    it.seated(hub, False, 105.1, {9})
    assert about(it.due_at() - 105.1, FOLLOWED_S)


def test_nor_if_he_has_moved_to_an_earlier_hub_and_the_others_are_on_their_way() -> None:
    it = moving(0)
    it.lost(seated_at=100.0, now=101.0)
    it.seated(2, False, 102.0)
    hub = it.look(it.due_at())
    it.seated(hub + 1, False, 120.0, {4})
    assert about(it.due_at() - 120.0, WARY_S)


def test_who_is_gone_for_good_is_missing_at_one_seat_only() -> None:
    it = moving(0)
    it.lost(seated_at=100.0, now=101.0)
    it.seated(1, False, 102.0, {4})
    it.lost(seated_at=102.0, now=103.0)
    it.seated(1, False, 104.0)
    assert about(it.due_at() - 104.0, 2 * WARY_S)


def test_who_is_alone_at_the_first_looks_at_the_others_in_turn_and_less_and_less_often() -> None:
    it, now = moving(0, alone=True), 100.0
    for n, nominal_s in enumerate((LOOK_S, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S)):
        wait_s, now = it.due_at() - now, it.due_at()
        assert about(wait_s, nominal_s)
        assert it.look(now) == 1 + n % 2


def test_that_is_over_when_somebody_comes_and_begins_anew_when_he_leaves() -> None:
    it = moving(0, alone=True)
    for _ in range(3):
        it.look(it.due_at())
    it.somebody_came(3)
    assert it.due_at() == NEVER
    it.somebody_left(False, 200.0)
    assert it.due_at() == NEVER, "others are there still"
    it.somebody_left(True, 300.0)
    assert about(it.due_at() - 300.0, LOOK_S), "there is nobody to be pulled along by"
    it.look(now := it.due_at())
    assert about(it.due_at() - now, 10.0)
    it.somebody_left(True, now)
    assert about(it.due_at() - now, LOOK_S), "somebody who only listened"
    it.somebody_left(False, now)
    assert it.due_at() == NEVER, "those of before a crash of the hub are expected back"


def test_who_is_alone_elsewhere_looks_steadily_at_the_earlier_ones_and_less_and_less_often_at_the_later() -> None:
    it, times = moving(1, alone=True), dict[int, list[float]]({0: [100.0], 2: [100.0]})
    while (now := it.due_at()) < 3_700.0:
        times[it.look(now)].append(now)
    waits = {hub: [after - before for before, after in pairwise(at)] for hub, at in times.items()}
    assert about(waits[0][0], FIRST_LOOK_S) and all(about(wait_s, LOOK_S) for wait_s in waits[0][1:])
    for n, wait_s in enumerate(waits[2]):
        assert about(wait_s, min(2 * LOOK_S * 2**n, LONGEST_PAUSE_S)), (
            "who is alone at the third has looked here before"
        )
    assert len(waits[2]) > 8


def test_and_when_somebody_comes_at_the_later_no_more_until_he_leaves() -> None:
    it = moving(1, alone=True)
    while it.due_at() < 400.0:
        it.look(it.due_at())
    it.somebody_came(3)
    assert [it.look(it.due_at()) for _ in range(30)] == [0] * 30
    it.somebody_left(True, now := it.due_at())
    assert it.due_at() <= now + SPREAD_S
    assert it.look(it.due_at()) == 0, "whoever left may have gone to an earlier one"
    while it.look(it.due_at()) != 2:
        assert it.due_at() < now + 2 * LOOK_S * (1 + VARY)


def test_what_the_hub_says_goes_before_a_look_for_company_and_delays_it_only() -> None:
    it = moving(1, alone=True)
    it.told("", 100.1)
    looks = list[int]()
    while (now := it.due_at()) < 100.1 + BELIEVED_S:
        looks.append(it.look(now))
    assert set(looks) == {1} and len(looks) <= BELIEVED_S + 1
    it.told("ws://hub0:8800", 130.0)
    assert it.look(it.due_at()) == 0
    assert [it.look(it.due_at()) for _ in range(31)][-2:] == [0, 2]


@pytest.mark.parametrize("hub", [0, 1])
def test_who_was_sent_somewhere_and_is_alone_there_looks_for_company_later_too(hub: int) -> None:
    """Those of before may have no way here yet, and the hub does not want us back."""
    it = moving(1 - hub)
    it.told(f"ws://hub{hub}:8800", 200.0)
    it.seated(hub, True, 200.1)
    assert it.due_at() >= 200.1 + SENT_AWAY_S * (1 - VARY)


def test_with_one_hub_there_is_nowhere_to_look() -> None:
    it = Moving(HUBS[:1], Random(1))
    it.seated(0, True, 100.0)
    it.somebody_came(3)
    it.somebody_left(True, 101.0)
    assert it.due_at() == NEVER
    it.told("", 102.0)
    while it.due_at() < NEVER:
        assert it.look(it.due_at()) == 0


def test_a_later_hub_is_a_better_place_only_with_somebody_there_or_where_we_are_sent_there() -> None:
    it = moving(1, alone=True)
    assert it.look(101.0) == 0 and it.is_better(0, False)
    while it.look(it.due_at()) != 2:
        assert it.due_at() < 115.0
    assert it.is_better(2, True) and not it.is_better(2, False)
    it.told("ws://hub2:8800", 110.0)
    assert it.look(110.1) == 2 and it.is_better(2, False)
    assert it.look(110.0 + BELIEVED_S) == 2 and it.is_better(2, False), "the last time it is believed"


def test_nor_with_somebody_there_when_somebody_has_come_to_us_meanwhile() -> None:
    it = moving(0, alone=True)
    hub = it.look(105.0)
    it.somebody_came(3)
    assert not it.is_better(hub, True)
    it.somebody_left(True, 106.0)
    assert it.is_better(hub, True)


@pytest.mark.parametrize("alone", [False, True])
def test_who_has_followed_and_is_pulled_in_vain_has_his_wait_still_unless_he_is_alone(alone: bool) -> None:
    it = moving(0, alone=True)
    it.seated(it.look(105.0), False, 105.1)
    waits_until = it.due_at()
    it.somebody_left(alone, 200.0)
    assert it.look(now := it.due_at()) == 0
    if alone:
        assert about(it.due_at() - now, LOOK_S)
        it.somebody_came(3)
    assert it.due_at() == waits_until
    it.somebody_left(False, waits_until - 1.0)
    it.look(now := it.due_at())
    assert about(it.due_at() - now, LOOK_S)


def test_who_is_wary_of_a_hub_and_is_pulled_or_told_in_vain_is_so_still() -> None:
    it = moving(0)
    for _ in range(4):
        it.lost(seated_at=100.0, now=101.0)
    it.seated(1, False, 102.0)
    waits_until = it.due_at()
    it.somebody_left(False, 110.0)
    assert it.look(it.due_at()) == 0
    assert it.due_at() == waits_until > 140.0
    it.told("", 103.0)
    while it.look(it.due_at()) and it.due_at() < waits_until:
        pass
    assert it.due_at() == waits_until


def test_who_has_followed_the_others_goes_back_with_them_and_by_himself_after_minutes() -> None:
    it = moving(0, alone=True)
    hub = it.look(105.0)
    it.seated(hub, False, 105.1)
    assert about(it.due_at() - 105.1, FOLLOWED_S)
    it.somebody_came(3)
    assert about(it.due_at() - 105.1, FOLLOWED_S)
    it.somebody_left(False, 200.0)
    assert it.due_at() <= 200.0 + SPREAD_S
    assert it.look(it.due_at()) == 0


def test_and_if_he_is_alone_there_after_all_like_anybody_who_is() -> None:
    it = moving(0, alone=True)
    hub = it.look(105.0)
    it.seated(hub, True, 105.1)
    assert about(it.due_at() - 105.1, FIRST_LOOK_S)
    it.look(it.due_at())
    it.somebody_came(3)
    assert it.due_at() < 120.0, "he has followed nobody"


def test_who_has_lost_the_first_hub_since_he_looked_has_followed_nobody() -> None:
    it = moving(0, alone=True)
    hub = it.look(105.0)
    it.lost(seated_at=0.0, now=106.0)
    it.seated(hub, False, 107.0)
    assert about(it.due_at() - 107.0, FIRST_LOOK_S)


def test_who_has_left_looks_for_nothing() -> None:
    it = moving(1)
    it.told("", 200.0)
    it.left()
    assert it.due_at() == NEVER
