"""What the speaker sounded while the microphone listened, by two clocks that wobble."""

import random
import tracemalloc
from array import array
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.audio.capture_clock import RATE_HZ
from device.audio.reference import LEAD_FRAMES, Reference

NS_PER_S = 1_000_000_000
TICK = 960


def ramp(first: int, frames: int) -> bytes:
    """Samples that tell their own number, modulo 30,000."""
    return array("h", [number % 30_000 for number in range(first, first + frames)]).tobytes()


def samples(pcm: bytes) -> "array[int]":
    return array("h", pcm)


class Box:
    """A speaker and a microphone. Each clock runs so many ppm too fast; their times are off by up to wobble_ms."""

    def __init__(self, speaker_ppm: float = 0, microphone_ppm: float = 0, wobble_ms: float = 0, seed: int = 0) -> None:
        self.reference, self._random, self._wobble_ns = Reference(), random.Random(seed), wobble_ms * 1e6
        self._speaker_ns = NS_PER_S / RATE_HZ / (1 + speaker_ppm / 1e6)
        self._microphone_ns = NS_PER_S / RATE_HZ / (1 + microphone_ppm / 1e6)
        self.told = self.heard = 0
        self.late_ns = 5 * NS_PER_S  # when frame 0 sounds

    def _about(self, at_ns: float) -> int:
        return round(at_ns + self._random.uniform(0, self._wobble_ns))

    def tick(self) -> None:
        self.reference.played(ramp(self.told, TICK), self._about(self.late_ns + self.told * self._speaker_ns))
        self.told += TICK

    def block(self) -> "array[int]":
        first_ns = 5 * NS_PER_S + self.heard * self._microphone_ns
        self.heard += TICK
        return samples(self.reference.during(self._about(first_ns), TICK))

    def off_by(self, block: "array[int]") -> float:
        """How many frames the middle of that block is from what sounded then, and the lead."""
        sounded = (self.heard - TICK // 2) * self._microphone_ns / self._speaker_ns + LEAD_FRAMES
        return (block[TICK // 2] - sounded + 15_000) % 30_000 - 15_000


@pytest.mark.parametrize("dry_ms", [8, 15, 25])
def test_where_the_card_ran_dry_for_a_moment_it_is_right_from_the_next_tick_on(dry_ms: int) -> None:
    """No crystal: led there slowly, it would be some milliseconds off for 18 s."""
    box = Box()
    for _ in range(500):
        box.tick()
        box.block()
    box.reference.played(b"", 0)
    box.late_ns += dry_ms * 1_000_000
    for _ in range(3):
        box.tick()
    box.heard += dry_ms * 48
    box.block()
    for _ in range(900):
        box.tick()
        assert abs(box.off_by(box.block()) + dry_ms * 48) < 48


def test_it_is_what_sounds_then_and_a_little_more() -> None:
    box = Box()
    box.tick()
    box.tick()
    assert box.block().tobytes() == ramp(LEAD_FRAMES, TICK)
    box.tick()
    assert box.block().tobytes() == ramp(TICK + LEAD_FRAMES, TICK)


def test_before_anything_was_played_there_is_silence() -> None:
    assert Reference().during(NS_PER_S, TICK) == bytes(2 * TICK)


def test_what_is_not_known_yet_is_silence() -> None:
    box = Box()
    box.tick()
    block = box.block().tobytes()
    assert block == ramp(LEAD_FRAMES, TICK - LEAD_FRAMES) + bytes(2 * LEAD_FRAMES)


@settings(max_examples=20)
@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(0, 1_000))
def test_two_clocks_that_wobble_stay_together_within_two_ms_and_read_on_without_a_seam(
    speaker_ppm: int, microphone_ppm: int, seed: int
) -> None:
    box = Box(speaker_ppm, microphone_ppm, wobble_ms=1, seed=seed)
    box.tick()
    box.tick()
    for number in range(1_000):
        box.tick()
        block = box.block()
        assert abs(box.off_by(block)) < RATE_HZ / 500
        if number > 500:
            steps = {(after - before) % 30_000 for before, after in pairwise(block)}
            assert steps <= {0, 1, 2}


@pytest.mark.parametrize("later_ms", [-300, -30, 30, 300])
def test_after_a_standstill_of_the_speaker_it_is_right_again_with_the_next_tick(later_ms: int) -> None:
    box = Box()
    for _ in range(100):
        box.tick()
    box.heard = 97 * TICK
    assert box.off_by(box.block()) == 0
    box.late_ns += later_ms * 1_000_000
    box.tick()
    box.heard = 100 * TICK + later_ms * RATE_HZ // 1_000  # what sounds in the middle of that tick
    assert box.off_by(box.block()) == -later_ms * RATE_HZ // 1_000


def test_a_microphone_that_stood_still_goes_on_where_it_is() -> None:
    box = Box()
    box.tick()
    box.tick()
    box.block()
    for _ in range(10):
        box.tick()
    box.heard += 10 * TICK
    assert box.block().tobytes() == ramp(11 * TICK + LEAD_FRAMES, TICK - LEAD_FRAMES) + bytes(2 * LEAD_FRAMES)


def test_without_a_microphone_no_memory_fills_up() -> None:
    box = Box()
    tracemalloc.start()
    try:
        for _ in range(5_000):
            box.tick()
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()
