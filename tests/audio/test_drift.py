"""Two clocks that run apart are held together by single samples."""

import pytest

from device.audio.drift import Drift
from tests.audio.listening import MS

PACKET = 960
TARGET = 12 * MS


class Call:
    """Packets of 20 ms waiting in a buffer whose talker's clock is `ppm` fast."""

    def __init__(self, ppm: float, excess: float = 0.0) -> None:
        self.drift = Drift()
        self.ppm, self.excess = ppm, excess

    def run(self, seconds: float, quiet: bool = False) -> "Call":
        for _ in range(int(seconds * 50)):
            self.excess += PACKET * self.ppm / 1e6
            self.excess -= self.drift.correct(TARGET + round(self.excess), round(self.excess), PACKET, quiet)
        return self


@pytest.mark.parametrize("ppm", [200, -20])
def test_an_hour_at_200_ppm_stays_within_1_ms_and_the_drift_is_known(ppm: float) -> None:
    call = Call(ppm)
    for _ in range(60):
        call.run(60)
        assert abs(call.excess) < MS
    assert call.drift.ppm == pytest.approx(ppm, abs=3)


def test_a_perfect_clock_is_left_alone() -> None:
    """Half a millisecond of noise, either way: not one slip."""
    drift = Drift()
    slips = [drift.correct(TARGET + noise, noise, PACKET, quiet=False) for noise in (24, -24, 20, 0) * 500]
    assert set(slips) == {0}
    assert drift.ppm == pytest.approx(0, abs=20)


def test_drift_is_not_known_before_five_seconds() -> None:
    assert Call(200).run(4.9).drift.ppm == 0
    assert Call(200).run(6).drift.ppm == pytest.approx(200, abs=30)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_excess_dies_away_within_seconds(sign: int) -> None:
    """By at most 1 % in speech; ten times as fast in a pause. A buffer too short grows in the same way."""
    call = Call(0, sign * 50 * MS).run(1)
    assert abs(call.excess) == pytest.approx(40 * MS, abs=MS)
    assert abs(call.run(7).excess) < 2 * MS
    assert abs(Call(0, sign * 50 * MS).run(1.2, quiet=True).excess) < MS


def test_a_cut_is_not_taken_for_drift() -> None:
    """The jitter buffer skips what is old, and may go on without a pause."""
    call = Call(0, 300 * MS).run(10)
    call.excess = 0
    assert call.run(10).drift.ppm == pytest.approx(0, abs=10)


@pytest.mark.parametrize("period", [200, -200])
def test_a_period_that_was_left_out_is_not_taken_for_drift(period: int) -> None:
    """Once in 60 ms, as long as the delay is far from what is needed (stretch.py)."""
    call = Call(100).run(10)
    for number in range(60):
        left_out = period if number % 3 == 0 else 0
        call.drift.measure(TARGET + round(call.excess), PACKET, left_out)
        call.excess += PACKET * 100 / 1e6 - left_out
    call.excess = 0
    call.drift.interrupt()
    assert call.run(10).drift.ppm == pytest.approx(100, abs=5)


def test_a_pause_is_not_taken_for_drift() -> None:
    call = Call(100).run(10)
    call.drift.interrupt()
    call.excess += 20 * MS
    assert call.run(10).drift.ppm == pytest.approx(100, abs=5)


def test_spurts_too_short_for_a_slip_still_show_the_drift() -> None:
    """Every spurt starts on time again, so nothing needs correcting; the trend is there all the same."""
    call = Call(100)
    for _ in range(100):
        call.run(3)
        call.drift.interrupt()
        call.excess = 0
    assert call.drift.ppm == pytest.approx(100, abs=15)


def test_slips_are_whole_samples_and_add_up() -> None:
    """At 1 ms too much 0.05 % is dropped: every second packet loses a sample."""
    drift = Drift()
    slips = [drift.correct(TARGET + MS, MS, PACKET, quiet=False) for _ in range(100)]
    assert set(slips) == {0, 1}
    assert sum(slips) == pytest.approx(100 * PACKET * 0.0005, abs=1)
