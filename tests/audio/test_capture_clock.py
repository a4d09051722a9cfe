"""The capture clock keeps to real time over everything that was not captured."""

from random import Random

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


def run(stalls_ms: list[int], ppm: float = 0.0, seed: int = 1, jitter_ms: float = 0.0) -> list[float]:
    """How late the clock is after each second, ms: blocks of 20 ms, and before each second a standstill like this.

    jitter_ms: how late the time of a block may be told, beside that.
    """
    clock, random, at_ns, late_ms = CaptureClock(), Random(seed), SECOND, list[float]()
    for stall_ms in stalls_ms:
        at_ns += stall_ms * MS
        for _ in range(50):
            at_ns += round(20 * MS * (1 - ppm / 1e6))
            first = clock.number(960, at_ns + round(random.uniform(0, jitter_ms) * MS))
        late_ms.append((at_ns - SECOND) / MS - (first + 960) / 48)
    return late_ms


def test_standstills_too_short_to_be_seen_at_once_do_not_add_up() -> None:
    """A listener forgets 0.5 ms a second: without this, he would take the seventeenth second for old speech."""
    late_ms = run([30] * 60)
    assert max(late_ms) < 31, "what stood still in the last second"
    assert max(run([0, 0, 30, 0, 0])[3:]) < 1, "within a second"


def test_two_crystals_and_a_thread_that_is_late_are_no_standstill() -> None:
    for ppm in (-500, 0, 500):
        late_ms = run([0] * 60, ppm, jitter_ms=9)
        assert abs(late_ms[-1] + 60 * ppm / 1_000) < 0.5, "it runs with the card"
    assert max(map(abs, run([0] * 60, jitter_ms=45))) < 0.5


def test_after_an_xrun_it_is_looked_at_anew() -> None:
    clock = CaptureClock()
    for number in range(30):
        clock.number(960, SECOND + 20 * MS * number)
    clock.broke()
    first = clock.number(960, SECOND + 20 * MS * 30 + 500 * MS)
    assert first == 960 * 30 + 48 * 500
    for number in range(1, 100):
        assert clock.number(960, SECOND + 20 * MS * (30 + number) + 500 * MS) == first + 960 * number
