"""What the path allows: fewer bits when it is full, and more again, one step at a time."""

import pytest

from device.channel.adapt import UP_AFTER_S, Adapt, Coding
from device.channel.doubling import Path
from device.channel.listeners import Arriving

BEST = Coding(28_000, 20)


def path(queue_s: float, varies_s: float = 0.0) -> Path:
    """One of 20 ms, and what stands in the queue on top."""
    return Path(0, 0.02 + queue_s, 0.02, varies_s)


def adapt(wanted: Coding = BEST) -> Adapt:
    one = Adapt()
    one.begin(wanted)
    return one


class Second:
    """Looks once a second; `coding` is what was said last."""

    def __init__(self, one: Adapt) -> None:
        self._one, self._now, self._skipped, self.coding = one, 0.0, 0, BEST

    def pass_(self, seconds: int, queue_s: float, skips: int = 0, varies_s: float = 0.0) -> list[Coding]:
        told = []
        for _ in range(seconds):
            self._now, self._skipped = self._now + 1, self._skipped + skips
            said = self._one.looked(path(queue_s, varies_s), self._skipped, self._now)
            if said is not None:
                told.append(said)
                self.coding = said
        return told


def test_a_path_with_room_changes_nothing() -> None:
    assert Second(adapt()).pass_(600, 0.04) == []


def test_a_full_path_is_met_within_two_seconds_and_left_in_steps() -> None:
    second = Second(adapt())
    assert second.pass_(3, 0.5) == [Coding(16_000, 40), Coding(12_000, 60)]
    up = second.pass_(60, 0.01)
    assert up == [Coding(16_000, 40), Coding(20_000, 20), BEST]


def test_a_short_queue_counts_only_where_frames_were_skipped() -> None:
    assert Second(adapt()).pass_(60, 0.2) == []
    assert Second(adapt()).pass_(1, 0.2, skips=3) == [Coding(20_000, 20)]


def test_what_comes_and_goes_on_a_radio_stands_in_no_queue() -> None:
    assert Second(adapt()).pass_(60, 0.15, skips=1, varies_s=0.04) == []


def test_but_where_frame_after_frame_is_skipped_nothing_comes_and_goes() -> None:
    """A queue that fills: the kernel takes the way that its round trip grows for an uncertain one."""
    one = adapt()
    assert one.looked(path(0.13, 0.08), 1, 10.0) is None
    assert one.looked(path(0.14, 0.09), 4, 10.1) is None
    assert one.looked(path(0.15, 0.09), 6, 10.15) == Coding(20_000, 20)
    assert one.looked(path(0.2, 0.09), 20, 10.4) is None, "what that has done is not seen yet"
    assert one.looked(path(0.2, 0.09), 26, 10.7) == Coding(16_000, 40)


def test_what_was_taken_for_that_of_others_was_ours_where_a_step_up_has_frames_skipped() -> None:
    """A way of 32 kbit/s: each packet of the least stands in it alone for 45 ms, and takes no others beside it."""
    second = Second(adapt())
    second.pass_(2, 0.5)
    while second.coding != Coding(16_000, 40):
        second.pass_(1, 0.087)
    assert second.pass_(1, 0.25, skips=8, varies_s=0.06) == [Coding(12_000, 60)]
    assert second.pass_(9, 0.087) == [], "it is known from nothing again, and the next one is waited for"


def test_what_stands_in_the_queue_though_all_of_the_least_goes_through_is_not_ours() -> None:
    """A radio begins to jitter while we talk: frames are skipped until that is known, and the round trip stays long."""
    second = Second(adapt())
    assert second.pass_(3, 0.2, skips=1)[-1] == Coding(12_000, 60)
    assert second.pass_(25, 0.2)[-1] == BEST
    assert second.pass_(10, 0.25) == [], "a little more than that is no reason"
    assert second.pass_(1, 0.35, skips=1) == [Coding(20_000, 20)], "our own on top of it is"


def test_of_what_stands_there_the_least_is_not_ours() -> None:
    second = Second(adapt())
    second.pass_(3, 0.2, skips=1)
    second.pass_(1, 0.1)
    assert second.pass_(20, 0.25) == [], "the rest may be ours"


def test_a_path_too_narrow_for_the_least_stays_at_it() -> None:
    second = Second(adapt())
    second.pass_(3, 0.25, skips=1)
    assert [coding for _ in range(20) for coding in second.pass_(2, 0.25) + second.pass_(1, 0.25, skips=1)] == []


def test_once_their_queue_is_gone_ours_counts_from_nothing_again() -> None:
    second = Second(adapt())
    second.pass_(3, 0.2, skips=1)
    second.pass_(25, 0.2)
    second.pass_(10, 0.01)
    assert second.pass_(1, 0.2, skips=1) == [Coding(20_000, 20)]


def test_a_dead_path_is_not_a_full_one() -> None:
    """Its round trip is what it was, while frames are skipped."""
    assert Second(adapt()).pass_(60, 0.0, skips=50) == []


def test_who_falls_back_after_a_step_up_waits_twice_as_long_for_the_next_one() -> None:
    second, waits = Second(adapt()), []
    second.pass_(1, 0.2, skips=1)
    for _ in range(5):
        waited = 0
        while second.coding != BEST:
            second.pass_(1, 0.0)
            waited += 1
        waits.append(waited)
        second.pass_(1, 0.2, skips=1)
    assert waits == pytest.approx([UP_AFTER_S, 10, 20, 40, 60], abs=1)


def test_after_a_good_while_it_is_as_quick_as_at_first() -> None:
    second = Second(adapt())
    for _ in range(3):
        second.pass_(1, 0.2, skips=1)
        second.pass_(100, 0.0)
    second.pass_(1, 0.2, skips=1)
    assert second.pass_(7, 0.0) == [BEST]


def test_nobody_is_asked_for_more_than_he_wanted_nor_for_shorter_packets() -> None:
    second = Second(adapt(Coding(14_000, 20)))
    assert second.pass_(10, 1.0, skips=1) == [Coding(12_000, 60)]
    assert Second(adapt(Coding(6_000, 10))).pass_(10, 1.0, skips=1) == [Coding(6_000, 40), Coding(6_000, 60)]
    assert Second(adapt(Coding(6_000, 60))).pass_(10, 1.0, skips=1) == []


def test_it_looks_twice_a_second_however_often_it_is_asked() -> None:
    one = adapt()
    assert [one.looked(path(1.0), 0, number / 10) for number in range(8)].count(None) == 6


def test_without_a_wish_it_says_nothing() -> None:
    assert Adapt().looked(path(1.0), 5, 1.0) is None


def reported(one: Adapt, seconds: int, arriving: Arriving, start: int = 0) -> list[Coding]:
    looks = (one.looked(path(0.0), 0, start + second, arriving) for second in range(seconds))
    return [coding for coding in looks if coding is not None]


def test_a_path_that_loses_is_met_by_sending_more_and_no_longer_than_needed() -> None:
    one = adapt()
    assert reported(one, 5, Arriving(2)) == [Coding(32_000, 20, 10, 0)]
    assert reported(one, 5, Arriving(10), 5) == [Coding(20_000, 20, 0, 1)] and one.copies == 1
    assert reported(one, 60, Arriving(), 10) == [Coding(32_000, 20, 10, 0), BEST] and one.copies == 0


def test_what_is_full_is_not_filled_with_more() -> None:
    one = adapt()
    reported(one, 5, Arriving(30))
    assert one.looked(path(0.5), 0, 5.0, Arriving(30)) == Coding(16_000, 40)
    assert one.copies == 0


def test_a_listener_whose_path_is_full_counts_like_our_own_with_time_to_tell_what_came_of_it() -> None:
    one = adapt()
    told = [one.looked(path(0.0), 0, float(second), Arriving(0, crowded=True)) for second in range(10)]
    assert [(at, coding) for at, coding in enumerate(told) if coding] == [
        (0, Coding(16_000, 40)), (3, Coding(12_000, 60)),
    ]  # fmt: skip
    assert reported(one, 60, Arriving(), 10) == [Coding(16_000, 40), Coding(20_000, 20), BEST]


def test_who_begins_anew_begins_with_nothing_beside() -> None:
    one = adapt()
    reported(one, 5, Arriving(30))
    one.begin(BEST)
    assert one.copies == 0
    assert reported(one, 2, Arriving(30), 5) == [Coding(16_000, 20, 0, 2)]


def test_before_it_begins_nothing_is_sent_beside() -> None:
    assert Adapt().copies == 0
