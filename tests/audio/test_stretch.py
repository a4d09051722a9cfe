"""Sound becomes shorter or longer by whole periods: the pitch stays, nothing clicks, and it is quick enough."""

import math
from array import array
from collections.abc import Callable
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pesq import pesq
from scipy.signal import resample_poly

from device.audio import pcm, stretch
from device.audio.stretch import Stretch, find_period, join
from tests.audio import properties
from tests.audio.listening import MS, SECOND
from tests.soundcard.device import Samples
from tests.soundcard.speech import SENTENCES, speak

QUIET_DBOV = -45
LENGTHS = [480, 960, 1_920, 2_880]


def tone(count: int, hz: float, peak: int = 8_000) -> "array[int]":
    return array("h", (round(peak * math.sin(2 * math.pi * hz * n / SECOND)) for n in range(count)))


def voice(count: int, hz: float) -> "array[int]":
    """A buzz of 20 harmonics."""
    return array("h", (round(sum(3_000 / k * math.sin(2 * math.pi * hz * k * n / SECOND + k * k) for k in range(1, 21)))
                       for n in range(count)))  # fmt: skip


def noise(count: int, rms: int = 3_000) -> "array[int]":
    chance = Random(1)
    return array("h", (round(chance.gauss(0, rms)) for _ in range(count)))


def hz(sound: "array[int]") -> float:
    """Of a tone: how often it rises through zero."""
    return sum(before < 0 <= after for before, after in pairwise(sound)) / len(sound) * SECOND


def largest_step(sound: "array[int]") -> int:
    return max(abs(after - before) for before, after in pairwise(sound))


class Listener:
    """What is heard of a sound that comes in blocks of `length`, spare_ms late (< 0: early)."""

    def __init__(self, spare_ms: float, length: int = 960) -> None:
        self.stretch, self.spare, self.length = Stretch(), round(spare_ms * MS), length
        self.heard, self.lengths, self.left = array("h"), [0], [self.spare]

    def hear(self, sound: "array[int]") -> "Listener":
        for begin in range(0, len(sound) - self.length + 1, self.length):
            block = sound[begin : begin + self.length].tobytes()
            fitted = self.stretch.fit(block, self.spare, quiet=pcm.level_dbov(block) < QUIET_DBOV)
            self.heard.frombytes(fitted)
            self.lengths.append(len(fitted) // 2)
            self.spare -= self.length - len(fitted) // 2
            self.left.append(self.spare)
        return self

    def done_after_s(self, left_ms: float = 15) -> float:
        """When so much was left, infinite if never."""
        done = [number for number, left in enumerate(self.left) if abs(left) <= left_ms * MS]
        return done[0] * self.length / SECOND if done else math.inf


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("spare_ms", [300, -300])
@pytest.mark.parametrize("pitch", [100, 220, 390])
def test_a_tone_is_shorter_or_longer_and_has_its_pitch(length: int, spare_ms: int, pitch: int) -> None:
    """10 ms have no room for a period of 10 ms: such a block stays as it is."""
    said = tone(5 * SECOND // length * length, pitch)
    listener = Listener(spare_ms, length).hear(said)
    possible = SECOND // pitch < length - 120
    assert (len(listener.heard) - len(said)) / MS == pytest.approx(-spare_ms * possible, abs=15)
    assert hz(listener.heard) == pytest.approx(hz(said), rel=0.004)
    assert largest_step(listener.heard) <= largest_step(said) + 2


@pytest.mark.parametrize("pitch", [80, 120, 210, 350])
def test_a_voice_keeps_the_distance_of_its_harmonics(pitch: int) -> None:
    listener = Listener(300).hear(voice(3 * SECOND, pitch))
    spectrum = np.abs(np.fft.rfft(np.array(listener.heard[:SECOND]) * np.hanning(SECOND)))
    around = [range(round(pitch * (k - 0.5)), round(pitch * (k + 0.5))) for k in range(1, 9)]
    strongest = [hzs[int(np.argmax(spectrum[hzs.start : hzs.stop]))] for hzs in around]
    assert strongest == [pytest.approx(pitch * k, abs=1.5) for k in range(1, 9)]
    assert listener.left[-1] < 15 * MS


@given(st.data(), st.sampled_from(LENGTHS))
@properties
def test_no_step_in_it_is_larger_than_those_of_the_sound(data: st.DataObject, length: int) -> None:
    """But for what a fade over 5 ms moves from sample to sample; whatever the sound and wherever the join."""
    fade = min(240, length // 4)
    period = data.draw(st.integers(120, length - fade)) * data.draw(st.sampled_from([1, -1]))
    chance, hold = Random(data.draw(st.integers(0, 1 << 32))), data.draw(st.sampled_from([1, 50, 400]))
    held = [chance.randint(-32_768, 32_767) for _ in range(length // hold + 1)]
    said = array("h", (held[n // hold] * (hold - n % hold) // hold for n in range(length)))
    heard = join(said, period)
    assert len(heard) == length - period
    assert largest_step(heard) <= largest_step(said) + 65_535 / fade + 2
    untouched = (length - abs(period) - fade) // 2
    assert heard[:untouched] == said[:untouched]
    assert not untouched or heard[-untouched:] == said[-untouched:]


def test_of_periods_that_are_as_good_the_longest_is_taken() -> None:
    assert find_period(tone(960, 370), 720)[0] == pytest.approx(5 * SECOND / 370, abs=2)
    assert find_period(tone(960, 100), 720)[0] == pytest.approx(480, abs=1)


def test_several_periods_of_a_voice_that_rises_are_not_as_good_as_one() -> None:
    rising = array("h", (round(8_000 * math.sin(2 * math.pi * (180 * n + n * n / 48) / SECOND)) for n in range(960)))
    period, alike = find_period(rising, 720)
    alone, best = find_period(rising, 300)
    assert (period, alike) == (alone, best)


@pytest.mark.parametrize("maker", pcm.makers)
def test_every_maker_finds_the_same(maker: type[pcm.Plain], monkeypatch: pytest.MonkeyPatch) -> None:
    said = voice(960, 131)
    known = find_period(said, 720)
    monkeypatch.setattr(pcm, "alike", maker.alike)
    assert find_period(said, 720) == known
    assert known[0] == pytest.approx(SECOND / 131, abs=2)


@pytest.mark.parametrize("length", LENGTHS)
def test_it_searches_once_in_60_ms(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[int] = []

    def counted(samples: "array[int]", longest: int) -> tuple[int, float]:
        searches.append(longest)
        return find_period(samples, longest)

    monkeypatch.setattr(stretch, "find_period", counted)
    Listener(10_000, length).hear(noise(SECOND))
    assert len(searches) == math.ceil(SECOND // length / math.ceil(60 * MS / length))


def test_it_begins_at_30_ms_and_leaves_the_last_10_to_others() -> None:
    said = tone(2 * SECOND, 210)
    assert Listener(29).hear(said).heard == said
    assert Listener(-29).hear(said).heard == said
    assert 0 < Listener(31).hear(said).left[-1] <= 10 * MS
    assert 0 < -Listener(-31).hear(said).left[-1] <= 10 * MS


def test_never_more_goes_than_there_is_too_much() -> None:
    """The third block of a tone whose period of 12.5 ms does not fit into what is left."""
    for spare_ms in range(31, 60):
        assert min(Listener(spare_ms).hear(tone(SECOND, 80)).left) >= 0


@pytest.mark.parametrize("length", [0, 40, 120])
def test_a_block_that_is_too_short_is_left_alone(length: int) -> None:
    block = tone(length, 210).tobytes()
    assert Stretch().fit(block, 300 * MS, quiet=True) == block


def test_the_beginning_of_a_word_is_left_alone() -> None:
    onset = array("h", [value * n // 960 * (n > 500) for n, value in enumerate(noise(960, 9_000))])
    assert Stretch().fit(onset.tobytes(), 300 * MS, quiet=False) == onset.tobytes()


def test_noise_is_joined_anywhere_but_not_at_once() -> None:
    listener = Listener(300).hear(noise(5 * SECOND))
    assert listener.lengths[1:16] == [960] * 15
    assert listener.done_after_s() < 5


@pytest.mark.parametrize("spare_ms", [300, -300])
def test_a_quiet_block_loses_its_half_or_has_it_twice(spare_ms: int) -> None:
    listener = Listener(spare_ms).hear(noise(SECOND, 60))
    assert listener.lengths[1] == (480 if spare_ms > 0 else 1_440)
    assert listener.done_after_s() < 0.7


def sentences(count: int) -> "list[array[int]]":
    return [array("h", speak(*sentence).tobytes()) for sentence in SENTENCES[:count]]


@pytest.mark.parametrize("length", LENGTHS)
def test_100_ms_are_gone_within_1500_ms_of_speech_and_300_within_four_seconds(length: int) -> None:
    for said in sentences(6):
        assert Listener(100, length).hear(said).done_after_s() < (1.5 if length > 480 else 2)
        assert Listener(300, length).hear(said * 3).done_after_s() < (4 if length > 480 else 6)


def ten_percent_of_single_samples(said: "array[int]") -> "array[int]":
    """What slips alone would make of the first 100 ms too much."""
    heard = array("h")
    for begin in range(0, len(said), 960):
        slips = 96 if begin < SECOND else 0
        heard.frombytes(pcm.slip(said[begin : begin + 960].tobytes(), slips))
    return heard


def test_speech_is_much_better_than_with_10_percent_of_single_samples_dropped() -> None:
    """PESQ against the original, 100 ms longer; it finds out by itself which parts belong together."""

    def median(shorten: Callable[["array[int]"], "array[int]"]) -> float:
        return float(np.median([quality(said, shorten(said)) for said in sentences(6)]))

    assert median(lambda said: Listener(100).hear(said).heard) > median(ten_percent_of_single_samples) + 0.7


def quality(said: "array[int]", heard: "array[int]") -> float:
    still: Samples = np.zeros(SECOND // 4, np.int16)
    one, other = (resample_poly(np.concatenate((still, np.array(sound, np.int16), still)).astype(float), 1, 3)
                  for sound in (said, heard))  # fmt: skip
    return float(pesq(16_000, one, other, "wb"))
