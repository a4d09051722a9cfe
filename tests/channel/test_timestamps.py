"""Timestamps against the clock: what is heard by nobody is told once, and nothing else."""

from collections.abc import Callable

import pytest

from device.channel.timestamps import AHEAD, BEHIND, Timestamps

FRAME_S, SAMPLES = 0.02, 960


def told(
    timestamp: Callable[[int], float], sent_at: Callable[[int], float] = lambda n: n * FRAME_S, frames: int = 1_500
) -> list[str]:
    """What is said of these frames, by their number."""
    stamps = Timestamps()
    lines = [stamps.note(int(timestamp(n)) & 0xFFFFFFFF, 1_000.0 + sent_at(n)) for n in range(frames)]
    return [line for line in lines if line]


@pytest.mark.parametrize("first", [0, 2**31 - 960, 2**32 - 4_800])
def test_who_goes_with_the_clock_hears_nothing(first: int) -> None:
    assert told(lambda n: first + n * SAMPLES) == []


@pytest.mark.parametrize("ppm", [-400, 400])
def test_nor_does_a_crystal_that_is_far_off(ppm: int) -> None:
    assert told(lambda n: n * SAMPLES * (1 + ppm / 1e6), frames=200_000) == []


def test_nor_who_pauses_and_counts_on() -> None:
    assert told(lambda n: (n + 500 * (n > 100)) * SAMPLES, lambda n: (n + 500 * (n > 100)) * FRAME_S) == []


def test_nor_a_program_that_was_late_and_catches_up() -> None:
    assert told(lambda n: n * SAMPLES, lambda n: max(n * FRAME_S, 4.0) if n > 50 else n * FRAME_S) == []


def test_nor_a_program_that_is_late_for_a_moment_before_a_long_break_and_after_it() -> None:
    def sent_at(n: int) -> float:
        return (n + 500 * (n > 100)) * FRAME_S + 0.6 * (n in (100, 101))

    assert told(lambda n: (n + 500 * (n > 100)) * SAMPLES, sent_at) == []


def test_nor_one_step_forward_in_time_which_is_heard() -> None:
    assert told(lambda n: (n + 250 * (n > 100)) * SAMPLES) == []


@pytest.mark.parametrize("step_s", [-61, 61, 3_600])
def test_nor_a_step_so_far_that_it_is_another_stream(step_s: int) -> None:
    assert told(lambda n: 10_000_000 + n * SAMPLES + (n > 100) * step_s * 48_000) == []


@pytest.mark.parametrize(
    "timestamp",
    [
        lambda n: 0, lambda n: n, lambda n: n * SAMPLES // 2, lambda n: n * 882,
        lambda n: (n - 250 * (n > 300)) * SAMPLES,
    ],
    ids=["always the same", "frames", "half", "44.1 kHz", "a step back"],
)  # fmt: skip
def test_who_counts_too_slowly_is_told_once(timestamp: Callable[[int], float]) -> None:
    assert told(timestamp) == [BEHIND]


@pytest.mark.parametrize("pause_frames", [40, 500])
def test_who_does_not_count_his_pauses_is_told_once(pause_frames: int) -> None:
    assert told(lambda n: n * SAMPLES, lambda n: (n + pause_frames * (n > 100)) * FRAME_S) == [BEHIND]


@pytest.mark.parametrize(
    ("timestamp", "sent_at"),
    [(lambda n: n * SAMPLES, lambda n: n * 1e-5), (lambda n: n * 2 * SAMPLES, lambda n: n * FRAME_S)],
    ids=["as fast as it can", "twice the samples"],
)
def test_who_sends_faster_than_he_counts_is_told_once(
    timestamp: Callable[[int], float], sent_at: Callable[[int], float]
) -> None:
    assert told(timestamp, sent_at) == [AHEAD]


def test_a_stream_that_is_published_anew_may_count_from_anywhere() -> None:
    stamps = Timestamps()
    lines = []
    for second in range(0, 40, 4):
        stamps.restart()
        lines += [stamps.note(n * SAMPLES, second + n * FRAME_S) for n in range(100)]
    assert not any(lines)
