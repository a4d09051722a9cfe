"""A whisper as loud as a shout: what each talker's level is multiplied with."""

import math
import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.loudness import DOWN_DB_PER_S, MOST_DB, REMEMBERED, TARGET_DBOV, UP_DB_PER_S, Loudness, Loudnesses
from tests.audio import properties

PACKET = 960
PACKETS_PER_S = 50


def db(gain: float) -> float:
    return 20 * math.log10(gain)


def speech(level_dbov: float, seconds: float, noise_dbov: int = -70, seed: int = 1) -> Iterator[int]:
    """The levels of packets: words of 0.2 to 1.5 s, syllables in them, and pauses in which the room is heard.

    level_dbov: that of the mean power of the words.
    """
    chance, left = random.Random(seed), round(seconds * PACKETS_PER_S)
    while left > 0:
        yield from (noise_dbov + chance.choice((-1, 0, 1)) for _ in range(chance.randint(5, 25)))
        word = chance.randint(10, 75)
        yield from (round(level_dbov + 2 + 5 * math.sin(packet / 2)) - 3 for packet in range(word))
        left -= word


def play(loudness: Loudness, levels: Iterator[int]) -> list[float]:
    """The gain of each packet."""
    gains = []
    for level in levels:
        loudness.hear(level, PACKET)
        gains.append(loudness.step(PACKET))
    return gains


@pytest.mark.parametrize("level_dbov", [-38, -33, -20, -15])
@pytest.mark.parametrize("noise_dbov", [-70, -55])
def test_whoever_speaks_is_about_as_loud_as_everybody_within_some_seconds(level_dbov: int, noise_dbov: int) -> None:
    gains = play(Loudness(), speech(level_dbov, 20, noise_dbov))
    settled = [level_dbov + db(gain) for gain in gains[10 * PACKETS_PER_S :]]
    assert min(settled) > TARGET_DBOV - 2.5 and max(settled) < TARGET_DBOV + 2.5


@pytest.mark.parametrize("sign", [1, -1])
def test_more_than_12_db_is_never_done(sign: int) -> None:
    gains = play(Loudness(), speech(-44 if sign > 0 else -4, 30))
    assert sign * db(gains[-1]) == pytest.approx(MOST_DB)


def test_who_speaks_as_loud_as_he_should_is_left_to_the_bit() -> None:
    loudness = Loudness()
    for _ in range(20):
        gains = play(loudness, iter([-60] * 10 + [-26] * 40))
        assert set(gains) == {1.0}


def test_who_comes_back_to_that_is_left_to_the_bit_again() -> None:
    loudness = Loudness()
    assert play(loudness, speech(-40, 10))[-1] > 2
    assert play(loudness, iter(([-60] * 10 + [-26] * 40) * 20))[-1] == 1.0


@pytest.mark.parametrize("tick", [240, 960])
def test_it_rises_by_3_db_a_second_falls_by_10_and_never_makes_a_step(tick: int) -> None:
    loudness, gains = Loudness(), [1.0]
    for level in [*speech(-38, 10), *speech(-14, 10)]:
        loudness.hear(level, PACKET)
        gains += [loudness.step(tick) for _ in range(PACKET // tick)]
    steps = [db(after / before) for before, after in pairwise(gains)]
    assert max(steps) == pytest.approx(UP_DB_PER_S * tick / 48_000)
    assert min(steps) == pytest.approx(-DOWN_DB_PER_S * tick / 48_000)
    assert max(map(abs, steps)) <= 0.2 + 1e-9


@pytest.mark.parametrize("noise", [lambda: iter([-60] * 3_000), lambda: iter([-50, -48, -52] * 1_000)])
def test_noise_alone_changes_nothing(noise: Callable[[], Iterator[int]]) -> None:
    loudness = Loudness()
    assert set(play(loudness, noise())) == {1.0}
    whispered = play(loudness, speech(-40, 10))[-1]
    assert whispered > 2
    assert set(play(loudness, noise())) == {whispered}, "nor does it what the whisper has made of it"


def test_a_voice_from_the_next_room_is_not_brought_here() -> None:
    assert set(play(Loudness(), speech(-56, 20, -80))) == {1.0}


def test_a_loud_room_that_was_there_from_the_start_is_no_speech() -> None:
    assert set(play(Loudness(), iter([-32, -30, -31] * 1_000))) == {1.0}


def test_a_machine_that_is_switched_on_is_taken_for_speech_for_2_s_and_no_longer() -> None:
    gains = [db(gain) for gain in play(Loudness(), iter([-60] * 120 + [-40] * 1_500))]
    assert 0 < gains[-1] <= 2 * UP_DB_PER_S
    assert gains[120 + 2 * PACKETS_PER_S] == gains[-1]


def test_in_a_pause_nothing_moves_and_after_it_goes_on() -> None:
    loudness = Loudness()
    begun = play(loudness, speech(-40, 1))[-1]
    assert 1 < begun < 2
    assert set(play(loudness, iter([-70] * 500))) == {begun}
    assert play(loudness, speech(-40, 3))[-1] > 2


def test_two_at_one_microphone_a_loud_one_is_soon_softer_and_a_soft_one_louder_after_a_while() -> None:
    loudness = Loudness()
    shout = play(loudness, speech(-16, 10))[-1]
    whisper = [db(gain) for gain in play(loudness, speech(-36, 30))]
    assert db(shout) < -7 < 6 < whisper[-1]
    again = [db(gain) for gain in play(loudness, speech(-16, 3))]
    assert again[2 * PACKETS_PER_S] < 0


def test_who_comes_again_is_known_and_where_too_many_come_the_oldest_are_not() -> None:
    everybody = Loudnesses(equal=True)
    play(everybody.of(1), speech(-40, 10))
    known = everybody.of(1).gain
    assert known > 2
    for uid in range(2, REMEMBERED + 1):
        everybody.of(uid)
    assert everybody.of(1).gain == known
    everybody.of(1_000)
    assert everybody.of(1).gain == known, "who talks again is not the oldest"
    for uid in range(1_001, 1_001 + REMEMBERED):
        everybody.of(uid)
    assert everybody.of(1).gain == 1.0


def test_where_it_is_not_wanted_everybody_is_as_he_is() -> None:
    assert set(play(Loudnesses(equal=False).of(1), speech(-40, 10))) == {1.0}


@given(st.lists(st.tuples(st.integers(-127, 0), st.integers(1, 2_880)), max_size=300))
@properties
def test_whatever_comes_the_gain_stays_within_12_db(packets: list[tuple[int, int]]) -> None:
    loudness = Loudness()
    for level_dbov, samples in packets:
        loudness.hear(level_dbov, samples)
        assert abs(db(loudness.step(samples))) <= MOST_DB + 1e-9
