"""The schedule of attempts: its pace, who makes room, who asks, and what each answer earns."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel.dialling import (
    ANSWER_S,
    HUMAN_WAIT_S,
    LONGEST_WAIT_S,
    MAX_IN_TURN,
    MAX_PENDING,
    PACE_S,
    REACHED_PACE_S,
    STABLE_S,
    STEP_S,
    VARY,
    Attempt,
    Dialling,
    Step,
)
from device.channel.verdicts import Verdict

SLACK = 1 + VARY


class Caller:
    """A schedule that is kept, in virtual time."""

    def __init__(self, hubs: int = 1, seed: int = 1) -> None:
        self.dialling = Dialling(hubs, Random(seed))
        self.now = 0.0
        self.begun: list[Attempt] = []

    def next(self) -> Attempt:
        """Wait until an attempt is due, and begin it."""
        self.now = max(self.now, self.dialling.due_at())
        surplus = self.dialling.surplus()
        if surplus is not None:
            self.dialling.ended(surplus, Verdict.MISSED, self.now)
        attempt = self.dialling.begin(len(self.begun), self.now)
        self.begun.append(attempt)
        return attempt

    def end(self, verdict: Verdict) -> float:
        """The next attempt is answered so at once; returns when the one after it is due, from then."""
        self.dialling.ended(self.next(), verdict, self.now)
        return self.dialling.due_at() - self.now


def dialling_since_now(hubs: int = 1, seed: int = 1) -> Caller:
    caller = Caller(hubs, seed)
    caller.dialling.start(0)
    return caller


def test_nothing_is_due_unless_a_seat_is_wanted() -> None:
    caller = Caller()
    assert caller.dialling.deadline() == float("inf")
    caller.dialling.start(0)
    assert caller.dialling.due_at() <= 0.0
    caller.next()
    assert caller.dialling.stop() == [0]
    assert caller.dialling.deadline() == float("inf")
    assert caller.dialling.stop() == []


@given(st.integers(0, 1_000))
def test_while_nobody_answers_an_attempt_starts_every_200_ms(seed: int) -> None:
    caller = dialling_since_now(seed=seed)
    times = [caller.next().since for _ in range(40)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(PACE_S * (1 - VARY) <= gap <= PACE_S * (1 + VARY) + 1e-9 for gap in gaps)
    assert len(set(gaps)) > 20, "devices that start together must not stay together"
    assert len(caller.dialling.attempts) == MAX_PENDING


def test_a_path_with_a_round_trip_of_seconds_connects_too() -> None:
    """The oldest of all is kept for 5 s, the others turn over behind it."""
    caller = dialling_since_now()
    first = caller.next()
    while caller.now < STEP_S - PACE_S:
        caller.next()
        assert first.conn in caller.dialling.attempts
    ages = [caller.now - attempt.since for attempt in caller.dialling.attempts.values()]
    assert max(ages[1:]) < MAX_PENDING * PACE_S * SLACK
    assert caller.dialling.expired(first.since + STEP_S) == [first]


def test_an_attempt_that_tcp_has_connected_gets_5_s_for_each_step_and_slows_the_next() -> None:
    caller = dialling_since_now()
    attempt = caller.next()
    caller.dialling.proceeded(attempt, Step.REACHED, 0.1)
    assert REACHED_PACE_S * (1 - VARY) <= caller.dialling.due_at() <= REACHED_PACE_S * SLACK
    assert caller.dialling.expired(STEP_S) == []
    caller.dialling.proceeded(attempt, Step.OPENED, 4.0)
    assert caller.dialling.expired(4.0 + STEP_S - 0.01) == []
    assert caller.dialling.expired(4.0 + STEP_S) == [attempt]


def test_room_is_made_by_what_has_not_connected_first() -> None:
    caller = dialling_since_now()
    for _ in range(MAX_PENDING):
        caller.next()
    pending = list(caller.dialling.attempts.values())
    for attempt in pending[:3]:
        caller.dialling.proceeded(attempt, Step.REACHED, caller.now)
    assert caller.dialling.surplus() is pending[4], "the oldest that dials, but one"
    for attempt in pending[3:]:
        caller.dialling.proceeded(attempt, Step.OPENED, caller.now)
    pending[0].request = 1
    assert caller.dialling.surplus() is pending[1], "the oldest that has not asked"


def test_one_open_connection_asks_and_the_newest_follows_when_it_gets_no_answer() -> None:
    caller = dialling_since_now()
    first, second, third = caller.next(), caller.next(), caller.next()
    assert caller.dialling.next_to_ask(caller.now) is None
    now = caller.now
    for attempt in (first, second, third):
        caller.dialling.proceeded(attempt, Step.REACHED, now)
    caller.dialling.proceeded(first, Step.OPENED, now + 0.01)
    assert caller.dialling.next_to_ask(now + 0.01) is first
    first.request = 1
    assert caller.dialling.asks_at() == float("inf"), "nobody waits"
    caller.dialling.proceeded(second, Step.OPENED, now + 0.02)
    caller.dialling.proceeded(third, Step.OPENED, now + 0.02)
    assert caller.dialling.next_to_ask(now + ANSWER_S) is None
    assert caller.dialling.asking() is first
    assert caller.dialling.deadline() == pytest.approx(now + 0.01 + ANSWER_S)
    assert caller.dialling.next_to_ask(now + 0.011 + ANSWER_S) is third


def test_on_a_long_path_an_answer_has_as_long_as_the_handshake_took_twice() -> None:
    caller = dialling_since_now()
    first, second = caller.next(), caller.next()
    for attempt in (first, second):
        caller.dialling.proceeded(attempt, Step.REACHED, 3.0)
        caller.dialling.proceeded(attempt, Step.OPENED, 5.0)
    first.request = 1
    assert caller.dialling.asks_at() == pytest.approx(5.0 + 4.0)


def test_a_no_slows_down_from_a_quarter_to_five_seconds() -> None:
    caller = dialling_since_now()
    waits = [caller.end(Verdict.SLOWED) for _ in range(8)]
    for wait, wanted in zip(waits, [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0], strict=True):
        assert wanted * (1 - VARY) <= wait <= wanted * SLACK


def test_when_nobody_answers_any_more_the_pace_is_that_of_before() -> None:
    caller = dialling_since_now()
    for _ in range(6):
        caller.end(Verdict.SLOWED)
    assert caller.end(Verdict.MISSED) <= PACE_S * SLACK
    assert caller.end(Verdict.SLOWED) <= 0.25 * SLACK


def test_a_refusal_waits_for_a_person() -> None:
    caller = dialling_since_now()
    assert not caller.dialling.all_closed()
    assert HUMAN_WAIT_S * (1 - VARY) <= caller.end(Verdict.REFUSED) <= HUMAN_WAIT_S * SLACK
    assert caller.dialling.all_closed()
    caller.dialling.forgive()
    assert not caller.dialling.all_closed()
    assert caller.dialling.due_at() <= caller.now


def test_a_no_ends_the_other_attempts_that_would_hear_the_same() -> None:
    caller = dialling_since_now(hubs=2)
    here, there, here_too = caller.next(), None, None
    caller.dialling.ended(caller.next(), Verdict.MISSED, caller.now)
    there = caller.next()
    assert (here.hub, there.hub) == (0, 1)
    caller.dialling.ended(there, Verdict.MISSED, caller.now)
    here_too = caller.next()
    elsewhere = caller.dialling.begin(99, caller.now)
    elsewhere.hub = 1
    assert sorted(caller.dialling.ended(here, Verdict.SLOWED, caller.now)) == [here.conn, here_too.conn]
    assert list(caller.dialling.attempts) == [99]


def test_several_hubs_are_tried_in_order_as_each_fails() -> None:
    caller = dialling_since_now(hubs=3)
    hubs = []
    for _ in range(7):
        attempt = caller.next()
        hubs.append(attempt.hub)
        caller.dialling.ended(attempt, Verdict.MISSED, caller.now)
    assert hubs == [0, 1, 2, 0, 1, 2, 0]


def test_a_hub_that_does_not_answer_five_attempts_passes_its_turn_on() -> None:
    caller = dialling_since_now(hubs=3)
    hubs = [caller.next().hub for _ in range(100)]
    assert hubs[:10] == [0] * MAX_IN_TURN + [1] * MAX_IN_TURN
    assert min(hubs[10:].count(hub) for hub in range(3)) > 20
    assert len(caller.dialling.attempts) == MAX_PENDING


def test_one_that_refuses_at_once_takes_no_turn_from_one_that_may_be_back_at_any_moment() -> None:
    """The first is unreachable, and at the second no hub is running."""
    caller = dialling_since_now(hubs=2)
    while caller.now < 20.0:
        for attempt in caller.dialling.expired(caller.now):
            caller.dialling.ended(attempt, Verdict.MISSED, caller.now)
        attempt = caller.next()
        if attempt.hub == 1:
            caller.dialling.ended(attempt, Verdict.MISSED, caller.now)
    first = [attempt.since for attempt in caller.begun if attempt.hub == 0]
    assert max(later - earlier for earlier, later in pairwise(first)) < 4 * PACE_S * SLACK


@pytest.mark.parametrize("closed", range(3))
def test_nor_does_one_that_waits_for_a_person_keep_the_others_from_their_turns(closed: int) -> None:
    caller = dialling_since_now(hubs=3)
    caller.dialling.wait_for_a_human(closed, 0.0)
    hubs = [caller.next().hub for _ in range(100)]
    assert min(hubs.count(hub) for hub in range(3) if hub != closed) > 30 and closed not in hubs


def test_a_hub_that_said_no_is_passed_over_and_does_not_slow_the_others() -> None:
    caller = dialling_since_now(hubs=2)
    assert caller.end(Verdict.REFUSED) <= PACE_S * SLACK
    hubs = []
    for _ in range(5):
        attempt = caller.next()
        hubs.append(attempt.hub)
        caller.dialling.ended(attempt, Verdict.MISSED, caller.now)
    assert hubs == [1] * 5


def test_a_loss_turns_to_the_hub_that_was_lost_at_once() -> None:
    caller = dialling_since_now(hubs=2)
    attempt = caller.next()
    caller.dialling.seated(attempt)
    assert caller.dialling.stop() == []
    caller.dialling.lost(1, seated_at=0.0, unwelcome=False, now=STABLE_S)
    assert caller.dialling.due_at() <= STABLE_S
    assert caller.dialling.begin(5, STABLE_S).hub == 1


@pytest.mark.parametrize("hubs", [2, 3])
def test_a_lost_hub_that_wants_a_moment_has_its_turn_then_although_others_have_not_answered_yet(hubs: int) -> None:
    caller = Caller(hubs)
    caller.dialling.lost(0, -1.0, False, 0.0)
    tried = [caller.next() for _ in range(MAX_IN_TURN)]
    assert tried[0].hub == 1 and tried[0].since < 0.1
    assert next(attempt.since for attempt in tried if attempt.hub == 0) < 0.25 * SLACK + PACE_S * SLACK


def test_so_has_one_that_was_looked_for_in_vain_while_it_was_in_doubt() -> None:
    caller = Caller(2)
    caller.dialling.start(0)
    assert caller.next().hub == 0
    caller.dialling.lost(0, -3_600.0, True, caller.now)
    tried = [caller.next() for _ in range(MAX_IN_TURN)]
    assert next(attempt.since for attempt in tried if attempt.hub == 0) < 0.25 * SLACK + PACE_S * SLACK


@pytest.mark.parametrize(("held_s", "unwelcome"), [(STABLE_S - 0.1, False), (3_600.0, True)])
def test_a_seat_taken_back_soon_or_with_a_complaint_is_a_no(held_s: float, unwelcome: bool) -> None:
    caller = Caller()
    for times in range(1, 8):
        begin = caller.now
        caller.dialling.lost(0, begin - held_s, unwelcome, begin)
        wait = caller.dialling.due_at() - begin
        assert wait >= min(0.125 * 2**times, LONGEST_WAIT_S) * (1 - VARY)
        caller.dialling.seated(caller.next())
        caller.dialling.stop()


def test_a_seat_that_lasted_makes_up_for_what_was_before() -> None:
    caller = dialling_since_now()
    for _ in range(6):
        caller.end(Verdict.SLOWED)
    caller.dialling.lost(0, caller.now - STABLE_S, False, caller.now)
    assert caller.end(Verdict.SLOWED) <= 0.25 * SLACK


def test_the_way_of_a_second_connection_is_one_attempt_a_second_that_starts_no_others() -> None:
    schedule = Dialling(2, Random(1))
    schedule.double(1, 0.0)
    assert schedule.due_at() <= 0.0 and schedule.idle
    attempt = schedule.begin(1, 0.0)
    assert (attempt.hub, attempt.second) == (1, True)
    schedule.double(1, 4.0)
    assert schedule.due_at() == float("inf") and schedule.idle, "not beside another"
    assert schedule.ended(attempt, Verdict.REFUSED, 4.0) == [1]
    schedule.double(1, 0.5)
    assert schedule.due_at() == float("inf"), "not soon after another"
    schedule.double(1, 4.0)
    assert schedule.due_at() <= 4.0, "what was said about it is no answer for others"


def test_a_second_connection_has_to_wait_where_the_hub_wants_to_be_left_alone() -> None:
    schedule = Dialling(1, Random(1))
    schedule.wait_for_a_human(0, 0.0)
    schedule.double(0, HUMAN_WAIT_S * (1 - VARY) - 1.0)
    assert schedule.due_at() == float("inf")
    schedule.double(0, HUMAN_WAIT_S * SLACK + 1.0)
    assert schedule.due_at() < float("inf")


def test_a_look_goes_before_a_second_connection_and_beside_it() -> None:
    schedule = Dialling(2, Random(1))
    schedule.double(1, 0.0)
    look = schedule.look(1, 0, 0.0)
    assert look is not None and (look.hub, look.look) == (0, True)
    assert schedule.begin(2, 0.0).second
    schedule.double(1, 5.0)
    assert not schedule.idle and schedule.due_at() == float("inf")


def test_a_look_at_a_hub_that_wants_to_be_left_alone_is_dropped_and_blocks_nothing() -> None:
    schedule = Dialling(2, Random(1))
    schedule.wait_for_a_human(1, 0.0)
    assert schedule.look(1, 1, HUMAN_WAIT_S * (1 - VARY) - 1.0) is None
    assert schedule.idle and schedule.deadline() == float("inf")
    assert schedule.look(2, 0, 1.0) is not None, "another hub has said nothing"
    assert schedule.stop() == [2]
    assert schedule.look(3, 1, HUMAN_WAIT_S * SLACK + 1.0) is not None


def test_once_a_seat_is_wanted_a_second_connection_is_one_of_those_that_find_it() -> None:
    schedule = Dialling(1, Random(1))
    schedule.double(0, 0.0)
    attempt = schedule.begin(1, 0.0)
    schedule.start(0)
    assert not attempt.second
    schedule.double(0, 2.0)
    assert not schedule.begin(2, 2.0).second
    assert schedule.stop() == [1, 2]
    schedule.double(0, 4.0)
    assert schedule.stop() == [] and schedule.due_at() == float("inf")
