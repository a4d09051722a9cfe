"""How many packets do not arrive, by their numbers."""

import random

import pytest

from device.channel.reception import EVERY_S, FORGOTTEN_S, MOST_TALKERS, MOST_TOLD, Reception
from device.channel.rtp import Packet


def hear(reception: Reception, numbers: list[int], now: float = 0.0, uid: int = 3) -> None:
    for number in numbers:
        reception.heard(Packet(uid, number & 0xFFFF, 0, b"opus"), now)


def lost(numbers: list[int]) -> list[tuple[int, int]]:
    reception = Reception()
    hear(reception, numbers)
    return reception.due(EVERY_S)


@pytest.mark.parametrize("start", [0, 1_000, 0xFFF0])
def test_what_is_missing_between_numbers_is_lost(start: int) -> None:
    assert lost([start + n for n in range(100) if n % 10]) == [(3, 9)], "the first number is not known to be missing"
    assert lost([start + n for n in range(100)]) == []


def test_what_comes_in_another_order_or_twice_is_not() -> None:
    numbers = list(range(100))
    for at in range(0, 90, 7):
        numbers[at], numbers[at + 5] = numbers[at + 5], numbers[at]
    assert lost(numbers) == []
    assert lost([n for n in range(100) for _ in range(2) if n % 10]) == [(3, 9)]


def test_the_same_is_lost_in_whatever_order_it_comes() -> None:
    draw = random.Random(1)
    kept = [n for n in range(200) if n == 199 or draw.random() > 0.2]
    jittered = sorted(kept, key=lambda n: n + draw.random() * 5)
    assert abs(lost(kept)[0][1] - lost(jittered)[0][1]) <= 1


def test_an_outage_and_a_new_start_are_no_loss() -> None:
    assert lost([*range(50), *range(100, 150)]) == []
    assert lost([*range(50), *range(40_000, 40_050)]) == []


@pytest.mark.parametrize("start", [3_000, 19_000, 20_300, 40_000])
def test_who_starts_anew_is_counted_from_there_wherever_that_is(start: int) -> None:
    reception = Reception()
    hear(reception, list(range(20_000, 20_100)))
    assert reception.due(EVERY_S) == []
    hear(reception, [start + n for n in range(100) if n % 10], EVERY_S)
    assert reception.due(2 * EVERY_S) == [(3, 9)]


def test_a_path_that_lags_by_two_seconds_changes_nothing() -> None:
    numbers = [n for at in range(300) for n in (at, at - 100) if n >= 0]
    assert lost(numbers) == []
    assert lost([n for n in numbers if n % 10]) == [(3, 10)]
    late = [n for at in range(300) for n in (at, at - 100) if n >= 0 and n % 10 and not 150 < at == n < 170]
    assert lost(late) == [(3, 9)], "what it brings of an outage makes good no other loss"


def test_half_a_second_says_nothing_yet_nor_does_one_in_hundreds() -> None:
    assert lost([n for n in range(24) if n % 5]) == []
    assert lost([n for n in range(300) if n != 100]) == []


@pytest.mark.parametrize("every_s", [EVERY_S, 6 * EVERY_S])
def test_who_says_little_at_a_time_is_told_of_too_when_it_is_enough(every_s: float) -> None:
    """Ten packets in two seconds: one word, or half a sentence in packets of 60 ms; with or without a pause between.

    Once it is enough each further word that loses something tells of it again: only what lasts is acted upon.
    """
    reception, told = Reception(), []
    for word in range(6):
        hear(reception, [10 * word + n for n in range(10) if n != 5 or word == 4], word * every_s)
        told.append(reception.due(word * every_s + EVERY_S))
        assert reception.due((word + 1) * every_s) == []
    assert told == [[], [], [(3, 10)], [(3, 10)], [], [(3, 8)]]


def test_a_word_is_weighed_with_what_was_said_before_it_and_the_newer_the_more() -> None:
    reception, told = Reception(), []
    hear(reception, list(range(100)))
    assert reception.due(EVERY_S) == []
    for word in range(1, 9):
        hear(reception, [90 + 10 * word + n for n in range(10) if n not in (3, 5, 7)], word * EVERY_S)
        told += [percent for _, percent in reception.due((word + 1) * EVERY_S)]
    assert told == sorted(told)
    assert (told[0], len(told)) == (9, 8) and 26 <= told[-1] <= 30


def test_a_burst_that_is_over_is_not_told_again_with_the_next_stray_loss() -> None:
    reception = Reception()
    hear(reception, [n for n in range(100) if not 50 <= n < 59])
    assert reception.due(EVERY_S) == [(3, 9)]
    hear(reception, [100 + n for n in range(20) if n != 7], EVERY_S)
    assert reception.due(2 * EVERY_S) == [(3, 5)]


def test_five_seconds_of_speech_that_all_came_end_what_was_told_and_are_told_once() -> None:
    reception, told = Reception(), []
    hear(reception, [n for n in range(100) if not 50 <= n < 59])
    for second in range(2, 14, 2):
        told += reception.due(float(second))
        hear(reception, [50 * second + n for n in range(100)], float(second))
    assert told == [(3, 9), (3, 0)]


def test_at_a_loss_of_one_in_a_hundred_it_is_not_over_with_the_first_seconds_without_any() -> None:
    reception, told = Reception(), list[tuple[int, int]]()
    for second in range(2, 12, 2):
        hear(reception, [50 * second + n for n in range(100) if n != 50 or second % 4], float(second))
        told += reception.due(second + EVERY_S)
    assert told == [(3, 1)] * 2


def test_nor_is_it_over_while_single_ones_are_lost_be_they_too_few_to_be_told() -> None:
    reception, told = Reception(), list[tuple[int, int]]()
    hear(reception, [n for n in range(110) if not 50 <= n < 56])
    for second in range(2, 14, 2):
        told += reception.due(float(second))
        hear(reception, [55 * second + n for n in range(110) if n != 50], float(second))
    assert told == [(3, 5)]


def test_what_was_said_long_ago_is_not_told_with_what_is_said_now() -> None:
    reception = Reception()
    hear(reception, [n for n in range(20) if n % 2])
    assert reception.due(EVERY_S) == []
    hear(reception, [20 + n for n in range(20) if n != 7], FORGOTTEN_S + 1.0)
    assert reception.due(FORGOTTEN_S + 1.0 + EVERY_S) == []


def test_it_is_told_every_two_seconds_of_those_of_whom_something_was_lost() -> None:
    reception = Reception()
    hear(reception, list(range(100)), uid=1)
    hear(reception, [n for n in range(100) if n % 4], uid=2)
    hear(reception, [n for n in range(100) if n % 2], uid=3)
    assert reception.due(1.9) == []
    assert reception.due(2.0) == [(3, 49), (2, 24)], "the worst first"
    assert reception.due(4.0) == []
    hear(reception, [n for n in range(100, 200) if n % 2], 10.0)
    assert reception.due(11.9) == []
    assert reception.due(12.0) == [(3, 50)], "of the first of them it is known now, too"


def test_nobody_heard_is_nobody_told_of() -> None:
    assert Reception().due(1e9) == []


def test_it_stays_within_bounds_whoever_talks() -> None:
    reception = Reception()
    for uid in range(1, 2 * MOST_TALKERS):
        hear(reception, [n for n in range(100) if n % 2], uid=uid)
    assert len(reception.due(2.0)) == MOST_TOLD


def test_who_has_been_silent_makes_room_for_who_talks() -> None:
    reception = Reception()
    for uid in range(1, MOST_TALKERS + 1):
        hear(reception, [1, 2], uid=uid)
    hear(reception, [n for n in range(100) if n % 2], 1.0, uid=1_000)
    assert reception.due(EVERY_S) == []
    hear(reception, [n for n in range(100) if n % 2], EVERY_S + 1.0, uid=1_000)
    assert reception.due(2 * EVERY_S + 1.0) == [(1_000, 49)]
