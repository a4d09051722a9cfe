"""A microphone's level over a while."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio.meter import CLIPPING_SHARE, DEAF_DBFS, SILENT_DBFS, VERY_LOW_DBFS, Meter


def metered(samples: object, blocks: int = 1) -> Meter:
    meter = Meter()
    for part in np.array_split(np.asarray(samples, np.int16), blocks):
        meter.hear(part.tobytes())
    return meter


def test_nothing_heard_is_silence() -> None:
    assert (Meter().level_dbfs, Meter().clipped_share, Meter().samples) == (SILENT_DBFS, 0.0, 0)


def test_a_full_square_wave_is_0_and_clips_and_a_sine_is_3_db_less() -> None:
    square = np.tile([32_767, -32_768], 500)
    assert metered(square).level_dbfs == pytest.approx(0.0, abs=0.1)
    assert metered(square).clipped_share == 1.0
    sine = 16_384 * np.sin(2 * np.pi * np.arange(48_000) / 48)
    assert metered(sine).level_dbfs == pytest.approx(-9.0, abs=0.1)
    assert metered(sine).clipped_share < CLIPPING_SHARE


@given(constant=st.integers(-32_768, 32_767))
def test_a_number_that_never_changes_is_silence(constant: int) -> None:
    assert metered(np.full(960, constant)).level_dbfs == SILENT_DBFS


@given(offset=st.integers(-10_000, 10_000), blocks=st.integers(1, 20))
def test_a_constant_below_the_sound_changes_nothing_and_neither_do_blocks(offset: int, blocks: int) -> None:
    noise = np.random.default_rng(1).normal(0, 300, 4_800)
    assert metered(np.round(noise) + offset, blocks).level_dbfs == metered(np.round(noise)).level_dbfs
    assert metered(noise, blocks).samples == 4_800


def test_one_flickering_bit_is_deaf_and_a_quiet_microphone_is_not() -> None:
    rng = np.random.default_rng(1)
    assert metered(rng.integers(0, 2, 48_000)).level_dbfs < DEAF_DBFS
    quiet = metered(np.round(rng.normal(0, 1.5, 48_000))).level_dbfs
    assert DEAF_DBFS < quiet < VERY_LOW_DBFS
