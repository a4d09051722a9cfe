"""How lights blink: their steps, and that who waits for the next change sees every one."""

from itertools import pairwise

import pytest

from device.panel.lights import STEPS_MS, Pattern, is_on, next_change_ms


def seen(pattern: Pattern, until_ms: int) -> list[tuple[int, bool]]:
    at_ms, changes = 0, [(0, is_on(pattern, 0))]
    while (next_ms := next_change_ms(pattern, at_ms)) is not None and next_ms < until_ms:
        at_ms = next_ms
        changes.append((at_ms, is_on(pattern, at_ms)))
    return changes


def test_steady_ones_never_change() -> None:
    assert seen(Pattern.OFF, 9_999) == [(0, False)]
    assert seen(Pattern.ON, 9_999) == [(0, True)]


def test_the_double_flash() -> None:
    assert seen(Pattern.DOUBLE, 1_600) == [
        (0, True), (100, False), (250, True), (350, False), (1_500, True),
    ]  # fmt: skip


@pytest.mark.parametrize("pattern", STEPS_MS)
def test_each_change_is_one_and_nothing_changes_in_between(pattern: Pattern) -> None:
    changes = seen(pattern, 10_000)
    assert all(before[1] != after[1] for before, after in pairwise(changes))
    shown = [is_on(pattern, at_ms) for at_ms in range(10_000)]
    assert [at_ms for at_ms in range(1, 10_000) if shown[at_ms] != shown[at_ms - 1]] == [at for at, _ in changes[1:]]


def test_no_two_patterns_look_alike() -> None:
    assert len({tuple(is_on(pattern, at_ms) for at_ms in range(5_000)) for pattern in Pattern}) == len(Pattern)
