"""What is said on two connections, and told once."""

import random

from device.channel.copies import COPY_WITHIN_S, MOST_REMEMBERED, Copies


def test_whichever_says_it_first_is_told_and_the_other_is_not() -> None:
    copies = Copies()
    assert copies.is_new(1, "left", 0.0)
    assert not copies.is_new(2, "left", 0.1)
    assert copies.is_new(2, "joined", 0.2)
    assert not copies.is_new(1, "joined", 0.3)


def test_the_same_thing_may_happen_again() -> None:
    copies = Copies()
    assert [copies.is_new(1, "ring", 0.0) for _ in range(3)] == [True] * 3
    assert [copies.is_new(2, "ring", 0.5) for _ in range(3)] == [False] * 3
    assert copies.is_new(2, "ring", 1.0)


def test_however_the_two_lag_behind_each_other_all_is_told_once_and_in_order() -> None:
    """Both say the same sequence of few different things, each at a pace of its own."""
    chance = random.Random(3)
    for _ in range(200):
        said = [chance.choice(["added", "removed", "ring"]) for _ in range(30)]
        copies, told, at = Copies(), [], {1: 0, 2: 0}
        while sum(at.values()) < 2 * len(said):
            conn = chance.choice([conn for conn in at if at[conn] < len(said)])
            text = said[at[conn]]
            at[conn] += 1
            if copies.is_new(conn, text, 0.0):
                told.append(text)
        assert told == said


def test_what_came_before_the_second_was_asked_for_has_no_copy() -> None:
    copies = Copies()
    copies.is_new(1, "ring", 1.0)
    copies.is_new(1, "left", 2.0)
    copies.forget_before(1.5)
    assert copies.is_new(2, "ring", 2.0)
    assert not copies.is_new(2, "left", 2.0)


def test_nothing_is_remembered_for_long_nor_much_of_it() -> None:
    copies = Copies()
    copies.is_new(1, "ring", 0.0)
    assert copies.is_new(2, "ring", COPY_WITHIN_S + 0.1)
    for number in range(MOST_REMEMBERED + 1):
        copies.is_new(1, f"ring {number}", 20.0)
    assert copies.is_new(2, "ring 0", 20.0), "forgotten"
    assert not copies.is_new(2, "ring 2", 20.0)
