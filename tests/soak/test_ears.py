"""What is judged of a way, with sound that was cut by hand; tests/faults/test_dated.py measures the measuring."""

import math

import numpy as np
import pytest

from tests.faults import dated
from tests.soundcard.device import Samples

from .ears import Answer, Ears, Question, answer

SECONDS, CALM_S, ENDED_S = 12.0, 2.0, 6.0
WAY_MS = 80


def between(from_s: float, to_s: float) -> slice:
    return slice(round(from_s * dated.RATE), round(to_s * dated.RATE))


def said(seed: int = 1) -> Samples:
    return dated.speech(SECONDS, seed)


def late(sound: Samples, ms: float = WAY_MS) -> Samples:
    frames = round(ms * dated.RATE / 1_000)
    return np.concatenate((np.zeros(frames, np.int16), sound))[: len(sound)]


def asked(heard: Samples, silent: tuple[tuple[float, float], ...] = ()) -> Question:
    return Question("far", "near", said(), heard, CALM_S, ENDED_S, silent)


def test_sound_that_was_away_is_back_when_it_is_and_that_is_judged() -> None:
    heard = late(said())
    heard[between(4.0, 7.0)] = 0
    judged = answer(asked(heard))
    assert judged.back_s == pytest.approx(0.95, abs=0.1) and judged.faults(1.5) == []
    assert judged.faults(0.5) == ["far to near: sound is back after 0.9 s, expected within 0.5 s"]
    heard[between(7.0, SECONDS)] = 0
    judged = answer(asked(heard))
    assert math.isinf(judged.back_s)
    assert judged.faults(10) == ["far to near: sound is back not at all, expected within 10 s"]


def test_old_speech_is_found_also_while_somebody_else_is_heard() -> None:
    heard = late(said())
    heard[between(4.0, 8.0)] = 0
    heard[between(7.0, 7.5)] = late(said())[between(4.0, 4.5)]
    together = (heard // 2 + late(said(2)) // 2).astype(np.int16)
    for sound in (heard, together):
        [line] = answer(asked(sound)).faults(10)
        assert "old speech" in line


def test_who_is_muted_may_not_be_heard() -> None:
    always = ((0.0, 1e9),)
    other = late(said(2))
    assert answer(asked(other, always)).faults(10) == []
    leaked = other.copy()
    leaked[between(5.0, 5.2)] = late(said())[between(5.0, 5.2)]
    [line] = answer(asked(leaked, always)).faults(10)
    assert line.endswith(" s were heard of who was muted or had left, said from 4.92 s on, expected silence")
    assert answer(asked(leaked, always)).forbidden_s == pytest.approx(0.2, abs=0.03)


def test_a_hiccup_of_the_machine_at_the_end_is_no_sound_that_stays_away() -> None:
    heard = late(said())
    heard[-dated.RATE // 5 :] = 0
    assert answer(asked(heard)).faults(1) == []
    heard[-dated.RATE // 2 :] = 0
    assert answer(asked(heard)).faults(1) == ["far to near: sound is back not at all, expected within 1 s"]


def test_who_is_muted_for_a_moment_may_be_heard_before_and_after() -> None:
    span = ((3.0, 5.0),)
    heard = late(said())
    heard[between(3.0 + WAY_MS / 1e3, 5.0 + WAY_MS / 1e3)] = 0
    assert answer(asked(heard, span)).faults(1) == []
    assert answer(asked(late(said()), span)).forbidden_s == pytest.approx(2.0, abs=0.05)


def test_nothing_in_the_calm_before_is_a_failure_too() -> None:
    assert answer(asked(np.zeros_like(said()))).faults(10) == ["far to near: nothing was heard even before the fault"]


def test_the_process_beside_judges_the_same() -> None:
    heard = late(said())
    with Ears() as ears:
        assert ears.answers([asked(heard)]) == [answer(asked(heard))]
    assert isinstance(answer(asked(heard)), Answer)
