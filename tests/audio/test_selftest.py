"""The search for the speaker's chirp in what the microphone hears, in rooms of numbers."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.audio import selftest
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.selftest import Detector, Result, Verdict
from tests.soundcard import speech

Sound = NDArray[np.float64]
PLAYED_MS = 400
LASTS_MS = 1_700
CHIRP: Sound = np.frombuffer(selftest.probe(), "<i2").astype(float)
CHIRP_DBFS = -23.0


def ms(time_ms: float) -> int:
    return round(time_ms * RATE_HZ / 1_000)


def noise(dbfs: float, seed: int = 1) -> Sound:
    if dbfs <= -120:
        return np.zeros(ms(LASTS_MS))
    return np.random.default_rng(seed).normal(0, 32_768 * 10 ** (dbfs / 20), ms(LASTS_MS))


def coupled(room: Sound, loss_db: float, delay_ms: float, way: Sound | None = None) -> Sound:
    """The room with the chirp in it, through a way of several reflections if one is given."""
    arrives = CHIRP * 10 ** (-loss_db / 20)
    if way is not None:
        arrives = np.convolve(arrives, way)
    heard, at = room.copy(), ms(PLAYED_MS + delay_ms)
    heard[at : at + len(arrives)] += arrives
    return heard


def listen(heard: Sound, block_ms: int = 20, lost: Callable[[int], int] = lambda at: 0) -> tuple[Result, float]:
    """The result, and after how many ms it was there. lost: samples that were lost before each one."""
    samples = np.clip(np.round(heard), -32_768, 32_767).astype("<i2")
    detector, size, at = Detector(), ms(block_ms), 0
    while not detector.done and at + size <= len(samples):
        captured_ns = (at + size) * 1_000_000_000 // RATE_HZ
        if at == ms(PLAYED_MS):
            assert detector.room_ms == PLAYED_MS
            detector.played(PLAYED_MS * 1_000_000)
        detector.hear(Block(samples[at : at + size].tobytes(), at + lost(at), captured_ns))
        at += size
    return detector.result(), at * 1_000 / RATE_HZ


@settings(max_examples=60)
@given(
    loss_db=st.floats(-10, 45),
    delay_ms=st.floats(0.1, 495),
    room_dbfs=st.sampled_from([-127.0, -70.0, -60.0]),
    block_ms=st.sampled_from([10, 20]),
    sign=st.sampled_from([-1.0, 1.0]),
)
@example(loss_db=45, delay_ms=495, room_dbfs=-60, block_ms=10, sign=-1)
def test_a_microphone_that_hears_the_speaker_is_fine_at_any_loss_and_delay(
    loss_db: float, delay_ms: float, room_dbfs: float, block_ms: int, sign: float
) -> None:
    result, after_ms = listen(sign * coupled(noise(room_dbfs), loss_db, delay_ms), block_ms)
    assert result.verdict is Verdict.FINE
    assert result.level_dbfs == pytest.approx(room_dbfs, abs=0.5)
    assert result.delay_ms == pytest.approx(delay_ms, abs=1.0)
    assert result.loop_dbfs == pytest.approx(CHIRP_DBFS - loss_db, abs=2.0)
    assert after_ms <= PLAYED_MS + delay_ms + selftest.PROBE_MS + 50, "it is over as soon as it is clear"


@settings(max_examples=30)
@given(room_dbfs=st.floats(-90, -36), seed=st.integers(0, 10_000))
def test_a_working_microphone_that_hears_no_speaker_is_mute(room_dbfs: float, seed: int) -> None:
    result, after_ms = listen(noise(room_dbfs, seed))
    assert (result.verdict, result.loop_dbfs, result.delay_ms) == (Verdict.MUTE, None, None)
    assert after_ms <= PLAYED_MS + selftest.MAX_DELAY_MS + selftest.PROBE_MS + 20


@pytest.mark.parametrize("constant", [0, -1, 1_234, 32_767])
def test_a_microphone_that_delivers_nothing_or_always_the_same_is_deaf(constant: int) -> None:
    assert listen(np.full(ms(LASTS_MS), float(constant)))[0].verdict is Verdict.DEAF


def test_the_loop_is_heard_10_db_below_the_noise_and_in_a_room_with_echoes() -> None:
    assert listen(coupled(noise(-35), 20, 40))[0].verdict is Verdict.FINE
    rng = np.random.default_rng(3)
    way = rng.normal(0, 1, ms(150)) * np.exp(-np.arange(ms(150)) / ms(60)) * 0.02
    way[0] = 1.0
    result, _ = listen(coupled(noise(-60), 20, 40, way))
    assert result.verdict is Verdict.FINE
    assert result.delay_ms == pytest.approx(40, abs=2)


def test_while_somebody_speaks_nearby_the_speaker_is_heard_or_nothing_is_said() -> None:
    said = speech.speech(4).samples.astype(float)
    for at in range(0, len(said) - ms(LASTS_MS), ms(450)):
        room = said[at : at + ms(LASTS_MS)]
        assert listen(coupled(room, 5, 30))[0].verdict is Verdict.FINE
        alone, _ = listen(room)
        assert alone.verdict in (Verdict.UNCLEAR, Verdict.MUTE)
        if np.sqrt(np.mean(room**2)) > 1_000:
            assert alone.verdict is Verdict.UNCLEAR


def test_what_comes_through_the_cables_is_not_heard() -> None:
    assert listen(coupled(noise(-85), 55, 20))[0].verdict is Verdict.MUTE


def test_too_loud_a_room_is_unclear_and_says_why() -> None:
    result, _ = listen(noise(-20))
    assert (result.verdict, result.why) == (Verdict.UNCLEAR, "it was too loud here to hear the tone")


def test_a_hole_in_the_chirp_is_unclear_and_one_before_it_is_nothing() -> None:
    heard = coupled(noise(-60), 20, 40)
    assert listen(heard, lost=lambda at: 960 * (at > ms(100)))[0].verdict is Verdict.FINE
    result, _ = listen(heard, lost=lambda at: 960 * (at > ms(500)))
    assert (result.verdict, result.why) == (Verdict.UNCLEAR, "the microphone lost sound meanwhile")


def test_a_microphone_that_stops_in_the_middle_is_unclear_and_so_is_a_speaker_that_never_began() -> None:
    assert listen(noise(-60)[: ms(PLAYED_MS + 100)])[0].verdict is Verdict.UNCLEAR
    result, _ = listen(noise(-60)[: ms(PLAYED_MS - 100)])
    assert (result.verdict, result.why) == (Verdict.UNCLEAR, "the speaker did not take the tone")
    assert Detector().result() == Result(Verdict.DEAF, -127.0, 0.0)


def test_how_much_of_the_room_clips_is_told() -> None:
    result, _ = listen(coupled(noise(-3), 0, 30))
    assert result.clipped_share > 0.01


def test_the_chirp_is_quiet_and_does_not_click() -> None:
    assert len(CHIRP) == ms(selftest.PROBE_MS)
    assert 20 * np.log10(np.abs(CHIRP).max() / 32_768) == pytest.approx(selftest.PEAK_DBFS, abs=0.1)
    assert abs(CHIRP[0]) < 10 and abs(CHIRP[-1]) < 10
    assert 20 * np.log10(np.sqrt(np.mean(CHIRP**2)) / 32_768) == pytest.approx(CHIRP_DBFS, abs=0.5)


def test_what_is_heard_after_the_end_changes_nothing() -> None:
    detector = Detector()
    detector.played(0)
    loud = noise(-60).astype("<i2")
    for at in range(0, ms(1_000), 960):
        detector.hear(Block(loud[at : at + 960].tobytes(), at, (at + 960) * 1_000_000_000 // RATE_HZ))
    before = detector.result()
    assert detector.done and before.verdict is Verdict.MUTE
    detector.hear(Block(CHIRP.astype("<i2").tobytes(), 0, 10**10))
    assert detector.result() == before
