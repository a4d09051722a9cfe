"""The reserve of a speaker's card: as little as was wanted, and as much as the card needs."""

from device.audio.reserve import Reserve

SECOND = 1_000_000_000


def test_a_card_with_short_periods_gets_what_was_wanted() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    assert reserve.frames == 576


def test_a_card_with_long_periods_gets_one_and_a_little_more() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=1_024, buffer_frames=4_096)
    assert reserve.frames == 1_024 + 96


def test_no_reserve_leaves_less_room_than_a_tick() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=960, buffer_frames=1_920)
    assert reserve.frames == 960


def test_while_nothing_sounds_less_will_do_on_a_card_that_needs_no_more_than_was_wanted() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    assert (reserve.frames, reserve.resting_frames) == (576, 288)
    reserve.fit(tick_frames=960, period_frames=1_024, buffer_frames=4_096)
    assert reserve.resting_frames == reserve.frames == 1_024 + 96
    small = Reserve(240)
    small.fit(tick_frames=240, period_frames=120, buffer_frames=3_840)
    assert small.resting_frames == small.frames == 240


def test_an_xrun_at_rest_ends_the_resting_and_costs_no_latency() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    for second in range(100, 110):
        reserve.xrun(second * SECOND, resting=True)
    assert reserve.resting_frames == reserve.frames == 576


def test_one_xrun_is_an_accident_and_a_second_one_soon_makes_it_grow() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=2_000)
    reserve.xrun(100 * SECOND)
    reserve.xrun(111 * SECOND)
    assert reserve.frames == 576
    reserve.xrun(112 * SECOND)
    assert reserve.frames == 576 + 240
    for second in range(113, 120):
        reserve.xrun(second * SECOND)
    assert reserve.frames == reserve.resting_frames == 2_000 - 960
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=2_000)
    assert reserve.frames == 576


def test_after_a_thousand_xruns_it_is_what_the_buffer_allows_and_then_what_it_was_before() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    for number in range(1_000):
        reserve.xrun(100 * SECOND + number * SECOND // 10)
    assert reserve.frames == 3_840 - 960
    assert reserve.tick(209 * SECOND) == 0
    assert reserve.frames == 3_840 - 960
    assert reserve.tick(211 * SECOND) == 3_840 - 960 - 576
    assert reserve.frames == 576


def test_where_less_was_too_little_the_next_try_waits_for_twice_as_long() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    now, waits = 100, []
    for _ in range(9):
        reserve.xrun(now * SECOND)
        reserve.xrun((now + 1) * SECOND)
        began, now = now + 1, now + 1
        while reserve.frames > 576:
            now += 1
            reserve.tick(now * SECOND)
        waits.append(now - began)
    assert waits == [11, 21, 41, 81, 161, 321, 641, 1_281, 2_561]
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    reserve.xrun(now * SECOND)
    reserve.xrun((now + 1) * SECOND)
    reserve.tick((now + 12) * SECOND)
    assert reserve.frames == 576, "another card, which may be a better one"


def test_how_long_a_card_was_dry_is_known_by_the_moments_at_which_it_had_its_reserve_left() -> None:
    """The thread is 3 ms late at one ask, and 5 at the next: that is no time that was dry."""
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    assert reserve.asks(SECOND, 576, 960) == 960
    assert reserve.asks(SECOND + 23_000_000, 576 - 3 * 48, 960) == 960
    assert not reserve.xrun(SECOND + 80_000_000)
    assert reserve.asks(SECOND + 105_000_000, 576 - 5 * 48, 960) == 80 * 48
    assert reserve.asks(SECOND + 120_000_000, 576, 960) == 960


def test_what_was_asked_for_a_tenth_of_a_second_before_an_xrun_is_old() -> None:
    reserve = Reserve(576)
    reserve.fit(tick_frames=960, period_frames=240, buffer_frames=3_840)
    reserve.asks(SECOND, 576, 960)
    assert not reserve.xrun(SECOND + 99_000_000)
    assert reserve.xrun(SECOND + 100_000_000, resting=True)
