"""Talkers who are too loud together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.audio import pcm
from device.audio.limiter import Limiter
from tests.audio import properties

RATE_HZ = 48_000
BLOCK = 960
RAIL = 32_767


def tone(peak: float, hz: float, blocks: int = 50) -> NDArray[np.int16]:
    return (peak * np.sin(np.arange(blocks * BLOCK) * 2 * np.pi * hz / RATE_HZ)).astype(np.int16)


def limited(limiter: Limiter, *talkers: NDArray[np.int16], gain: float = 1.0) -> NDArray[np.float64]:
    mixed = [
        limiter.mix([(talker[at : at + BLOCK].tobytes(), gain) for talker in talkers])
        for at in range(0, len(talkers[0]), BLOCK)
    ]
    return np.frombuffer(b"".join(mixed), np.int16).astype(float)


def test_what_has_room_passes_to_the_bit() -> None:
    one, other = tone(15_000, 440), tone(15_000, 997)
    assert (limited(Limiter(), one, other) == one.astype(float) + other).all()


def test_one_alone_passes_to_the_bit_however_loud() -> None:
    assert (limited(Limiter(), tone(32_767, 440)) == tone(32_767, 440)).all()


def test_a_gain_is_that_of_each_and_where_nobody_is_to_be_heard_nobody_is() -> None:
    one, other = tone(8_000, 440), tone(16_000, 997)
    sounds = [(one.tobytes(), 2.0), (other.tobytes(), 0.5)]
    mixed = np.frombuffer(Limiter().mix(sounds), np.int16)
    assert np.abs(mixed - (one * 2.0 + other * 0.5)).max() <= 1
    limiter = Limiter()
    limited(limiter, tone(30_000, 440), tone(30_000, 997))
    assert not limited(limiter, one, other, gain=0.0).any()


@pytest.mark.parametrize("others", [[], [tone(2_000, 997)]])
def test_who_is_made_louder_than_there_is_room_for_is_not_cut_either(others: list[NDArray[np.int16]]) -> None:
    mixed = limited(Limiter(), tone(20_000, 440), *others, gain=4.0)
    assert (np.abs(mixed) < RAIL).all() and np.abs(mixed).max() > 30_000
    mixed = mixed[RATE_HZ // 500 :]
    whole = np.sum([talker * 4.0 for talker in (tone(20_000, 440), *others)], axis=0)[RATE_HZ // 500 :]
    assert np.corrcoef(mixed, whole)[0, 1] > 0.999


def test_one_who_cuts_himself_is_not_hidden_by_another() -> None:
    """Their sum has room, and of the one alone too much is lost before it is summed."""
    loud = tone(12_000, 440)
    mixed = limited(Limiter(), loud, (loud * -0.9).astype(np.int16), gain=4.0)
    assert np.abs(mixed).max() == pytest.approx(4_800, rel=0.02)


@pytest.mark.parametrize("quietly_ms", [0, 500])
def test_too_loud_together_they_are_quieter_and_never_cut(quietly_ms: int) -> None:
    """From the first sample on, and in the middle of a word."""
    one, other = tone(30_000, 440), tone(30_000, 997)
    one[: quietly_ms * 48] //= 10
    mixed = limited(Limiter(), one, other)
    assert (np.abs(mixed) < RAIL).all()
    settled = slice(quietly_ms * 48 + RATE_HZ // 500, None)
    expected = (one.astype(float) + other)[settled]
    shape = np.corrcoef(mixed[settled], expected)[0, 1]
    clipped = np.corrcoef(np.clip(expected, -32_768, RAIL), expected)[0, 1]
    assert shape > 0.999 > clipped


def test_once_there_is_room_again_it_is_as_loud_as_before_within_half_a_second_and_without_a_step() -> None:
    limiter = Limiter()
    limited(limiter, tone(30_000, 440), tone(30_000, 997))
    after = limited(limiter, tone(10_000, 100))
    gains = np.array([np.abs(after[at : at + BLOCK]).max() for at in range(0, len(after), BLOCK)]) / 10_000
    assert gains[0] < 0.6 and (np.diff(gains) < 0.03).all() and gains[30:].min() > 0.999


def test_room_comes_back_while_nobody_is_heard() -> None:
    limiter, word = Limiter(), tone(10_000, 100)
    limited(limiter, tone(30_000, 440), tone(30_000, 997))
    limiter.rest(BLOCK)
    assert (limited(limiter, word)[: BLOCK // 2] != word[: BLOCK // 2]).any(), "not at once"
    limited(limiter, tone(30_000, 440), tone(30_000, 997))
    for _ in range(25):
        limiter.rest(BLOCK)
    assert (limited(limiter, word) == word).all()


@given(st.lists(st.lists(st.integers(-32_768, RAIL), min_size=48, max_size=48), min_size=1, max_size=5))
@properties
def test_nothing_wraps_around_or_becomes_louder(talkers: list[list[int]]) -> None:
    blocks = [np.array(talker, np.int16) for talker in talkers]
    mixed = np.frombuffer(Limiter().mix([(block.tobytes(), 1.0) for block in blocks]), np.int16).astype(int)
    total = np.sum([block.astype(int) for block in blocks], axis=0)
    assert (np.minimum(mixed, 0) >= np.minimum(total, 0) - 2 * len(blocks)).all()
    assert (np.maximum(mixed, 0) <= np.maximum(total, 0)).all()


@pytest.mark.parametrize("maker", pcm.makers)
def test_both_makers_find_the_same_peak(maker: type[pcm.Plain]) -> None:
    assert maker.peak(np.array([3, -32_768, 9], np.int16).tobytes()) == 32_768 and maker.peak(b"") == 0
