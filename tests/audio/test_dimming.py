"""How loud all others are while somebody speaks who has priority."""

from itertools import pairwise

import pytest

from device.audio.arrivals import MS
from device.audio.dimming import DIM_GAIN, DOWN_MS, HOLD_MS, UP_MS, Dimming


@pytest.mark.parametrize("tick_ms", [5, 20])
def test_they_are_soon_quiet_stay_so_between_words_and_come_back_slowly(tick_ms: int) -> None:
    dimming = Dimming(tick_ms * MS)
    assert {dimming.step(False) for _ in range(10)} == {1.0}
    down = [dimming.step(True) for _ in range(DOWN_MS // tick_ms)]
    assert down[-1] == pytest.approx(DIM_GAIN) and down == sorted(down, reverse=True)
    between = [dimming.step(False) for _ in range(HOLD_MS // tick_ms - 1)]
    assert set(between) == {DIM_GAIN}
    up = [dimming.step(False) for _ in range(UP_MS // tick_ms + 1)]
    assert up[-1] == pytest.approx(1.0) and up == sorted(up)
    steps = [after / before for before, after in pairwise(up)]
    assert max(steps) < 1.1, "less than a decibel each"
