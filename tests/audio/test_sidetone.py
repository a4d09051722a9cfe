"""The own voice between two threads: how late it is, and what is left out or silent where they disagree."""

import random
from array import array
from collections.abc import Callable

import pytest

from device.audio.sidetone import SideTone

MS = 48
SIZES = pytest.mark.parametrize(("block_ms", "tick_ms"), [(20, 20), (10, 5)])


class Ear:
    """A capture thread and a playback thread in virtual time, ms. Each sample that is said carries its number.

    phase: how long after a block the speaker asks. late: how much later than it should the capture thread is.
    """

    def __init__(self, block_ms: int, tick_ms: int, phase: float, late: Callable[[], float] = lambda: 0.0) -> None:
        self.tone = SideTone(1.0, block_ms * MS, tick_ms * MS)
        self.block_ms, self.tick_ms, self.late, self.speaks = block_ms, tick_ms, late, True
        self.captured, self.asked, self.drift = float(block_ms), float(block_ms + phase), 1.0
        self.number = 1
        self.heard: list[list[int]] = []
        self.next_late = late()

    def until(self, end_ms: float) -> "Ear":
        while min(self.captured + self.next_late, self.asked) < end_ms:
            if self.captured + self.next_late <= self.asked:
                if self.speaks:
                    self.tone.hear(array("h", [self.number % 30_000] * (self.block_ms * MS)).tobytes())
                self.number, self.captured = self.number + 1, self.captured + self.block_ms * self.drift
                self.next_late = self.late()
            else:
                self.heard.append(array("h", self.tone.take()).tolist())
                assert len(self.heard[-1]) in (0, self.tick_ms * MS)
                self.asked += self.tick_ms
        return self

    def waits_ms(self) -> float:
        """How long the block that sounded last had waited since it was captured."""
        begin: dict[int, int] = {}
        for number, tick in enumerate(self.heard):
            for value in tick[:1]:
                begin.setdefault(value, number)
        last = max(begin)
        captured_ms = self.block_ms * (1 + (last - 1) * self.drift)
        return self.asked - self.tick_ms * (len(self.heard) - begin[last]) - captured_ms

    def gaps(self) -> int:
        """Ticks of silence after the first word."""
        first = next(number for number, tick in enumerate(self.heard) if tick)
        return sum(not tick for tick in self.heard[first:])

    def numbers(self) -> list[int]:
        """What was heard, in order."""
        return list(dict.fromkeys(value for tick in self.heard for value in tick))


@SIZES
@pytest.mark.parametrize("phase", [0.0, 1.0, 4.9])
def test_it_sounds_as_soon_as_the_speaker_asks_and_whole(block_ms: int, tick_ms: int, phase: float) -> None:
    ear = Ear(block_ms, tick_ms, phase).until(2_000)
    assert ear.waits_ms() == pytest.approx(phase)
    assert ear.gaps() == 0
    assert ear.numbers() == list(range(1, len(ear.numbers()) + 1))


def test_it_is_as_loud_as_is_asked_for_and_nothing_where_it_is_off() -> None:
    for gain, value in ((0.5, [500] * 960), (0.0, [])):
        tone = SideTone(gain, 960, 960)
        tone.hear(array("h", [1_000] * 960).tobytes())
        assert array("h", tone.take()).tolist() == value
        assert tone.take() == b""


@SIZES
def test_when_nothing_is_sent_any_more_it_is_silent_at_once(block_ms: int, tick_ms: int) -> None:
    ear = Ear(block_ms, tick_ms, 1.0).until(1_000)
    ear.speaks, heard = False, len(ear.heard)
    ear.until(1_500)
    assert sum(map(bool, ear.heard[heard:])) <= block_ms // tick_ms


@SIZES
def test_a_thread_that_stood_still_does_not_make_it_late_for_ever(block_ms: int, tick_ms: int) -> None:
    """The speaker asks for nothing for a while: what was said meanwhile is left out but for what is bounded."""
    ear = Ear(block_ms, tick_ms, 1.0).until(1_100)
    ear.asked += 400
    ear.until(1_600)
    assert 1.0 < ear.waits_ms() <= 1.0 + block_ms
    ear.until(4_000)
    assert ear.waits_ms() == pytest.approx(1.0)


@SIZES
def test_two_blocks_at_once_after_a_pause_begin_with_the_newest(block_ms: int, tick_ms: int) -> None:
    """A capture thread that saw no conversation brings two at a time."""
    ear = Ear(block_ms, tick_ms, 1.0)
    ear.speaks = False
    ear.until(1_000)
    for value in (1, 2):
        ear.tone.hear(array("h", [value] * (block_ms * MS)).tobytes())
    heard = [ear.tone.take() for _ in range(block_ms // tick_ms + 1)]
    assert array("h", b"".join(heard)).tolist() == [2] * (block_ms * MS)


@SIZES
def test_a_thread_that_is_late_for_a_moment_is_waited_for_once_and_nothing_is_left_out(
    block_ms: int, tick_ms: int
) -> None:
    chance = random.Random(3)
    ear = Ear(block_ms, tick_ms, 1.0, lambda: chance.choice((0.0, 0.0, 0.0, 2.0))).until(900)
    assert ear.gaps() == 1
    assert ear.numbers() == list(range(1, len(ear.numbers()) + 1))


@SIZES
@pytest.mark.parametrize("ppm", [1_000, -1_000])
def test_clocks_that_drift_apart_cost_a_tick_now_and_then_and_never_time(block_ms: int, tick_ms: int, ppm: int) -> None:
    """Two minutes, in which 120 ms are too many or missing, and a thread that wakes late by up to 0.2 ms."""
    chance = random.Random(4)
    ear = Ear(block_ms, tick_ms, 1.0, lambda: chance.uniform(0, 0.2))
    ear.drift = 1 - ppm / 1e6
    ear.until(120_000)
    heard_ms = sum(map(len, ear.heard)) / MS
    left_out_ms = (ear.number - 1) * block_ms - heard_ms
    assert left_out_ms <= 120 + 20 and ear.gaps() * tick_ms <= 120 + 20
    assert 0 <= ear.waits_ms() <= 2 * tick_ms
