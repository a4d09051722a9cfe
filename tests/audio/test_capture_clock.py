"""The capture clock keeps to real time over everything that was not captured."""

from device.audio.capture_clock import CaptureClock

MS = 1_000_000
SECOND = 1_000 * MS


def test_blocks_without_a_gap_are_numbered_without_one_however_late_the_thread_is() -> None:
    clock = CaptureClock()
    times_ns = (SECOND, SECOND + 21 * MS, SECOND + 39 * MS, SECOND + 100 * MS)
    assert [clock.number(960, at_ns) for at_ns in times_ns] == [0, 960, 1_920, 2_880]


def test_what_an_xrun_swallowed_is_counted() -> None:
    clock = CaptureClock()
    clock.number(960, SECOND)
    clock.broke()
    assert clock.number(960, SECOND + 50 * MS) == 960 + 48 * 30


def test_the_time_that_a_card_stood_still_is_counted_without_an_xrun() -> None:
    clock = CaptureClock()
    clock.number(960, SECOND)
    assert clock.number(960, 3 * SECOND) == 960 + 48 * (2_000 - 20)


def test_it_never_goes_back() -> None:
    clock = CaptureClock()
    clock.number(960, SECOND)
    clock.broke()
    assert clock.number(960, SECOND - 10 * MS) == 960
