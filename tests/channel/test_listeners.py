"""What counts of what listeners report."""

from device.channel.listeners import CROWDED_FOR_S, FOR_S, MOST, Arriving, Listeners
from device.channel.reception import EVERY_S, FORGOTTEN_S, Reception
from device.channel.report import Told
from device.channel.rtp import Packet


def arriving(others: int, *reports: Told) -> Arriving:
    """After each has reported this twice."""
    listeners = Listeners()
    for now in (0.0, 2.0):
        for report in reports:
            listeners.told(report, now)
    return listeners.arriving(others, 3.0)


def test_what_was_lost_once_is_over_when_it_is_told() -> None:
    listeners = Listeners()
    listeners.told(Told(3, 50, False), 0.0)
    assert listeners.arriving(1, 0.1) == Arriving(0, False)
    listeners.told(Told(3, 4, False), 2.0)
    assert listeners.arriving(1, 2.1) == Arriving(4, False)
    listeners.told(Told(3, 50, False), 2.0 + FORGOTTEN_S)
    assert listeners.arriving(1, 2.1 + FORGOTTEN_S) == Arriving(0, False)


def test_who_says_a_word_now_and_then_has_something_done_about_what_each_of_them_loses() -> None:
    reception, listeners, done = Reception(), Listeners(), []
    for word in range(8):
        now = 6.0 * word
        for number in range(10):
            if number not in (3, 5, 7):
                reception.heard(Packet(3, 10 * word + number, 0, b"opus"), now)
        for _, percent in reception.due(now + EVERY_S):
            listeners.told(Told(7, percent, False), now + EVERY_S)
        done.append(listeners.arriving(1, now + EVERY_S).lost_percent)
    assert done[:3] == [0, 0, 0] and all(20 <= percent <= 40 for percent in done[4:])


def test_a_burst_now_and_then_in_speech_that_all_came_is_over_each_time() -> None:
    """Six packets in 25 s: nothing can be done about them."""
    reception, listeners, lost = Reception(), Listeners(), 0
    for number in range(50 * 120):
        now = number / 50
        if number % 1_250 >= 6 or number < 100:
            reception.heard(Packet(3, number, 0, b"opus"), now)
        for _, percent in reception.due(now):
            listeners.told(Told(7, percent, False), now)
            lost += percent
        assert listeners.arriving(1, now) == Arriving(0, False)
    assert lost >= 3 * 5, "each was told of"


def test_without_a_report_all_arrives() -> None:
    assert arriving(5) == Arriving(0, False)


def test_among_four_each_single_one_counts() -> None:
    assert arriving(1, Told(3, 12, False)) == Arriving(12, False)
    assert arriving(4, Told(3, 12, False), Told(4, 5, False)) == Arriving(12, False)
    assert arriving(4, Told(3, 12, True)) == Arriving(0, True)


def test_among_many_it_is_what_a_quarter_of_them_has() -> None:
    reports = [Told(uid, uid, False) for uid in range(1, 5)]
    assert arriving(8, *reports) == Arriving(3, False)
    assert arriving(16, *reports) == Arriving(1, False)
    assert arriving(17, *reports) == Arriving(0, False)
    assert arriving(8, Told(1, 50, True)) == Arriving(0, False)


def test_what_is_told_of_an_audience_a_quarter_of_all_has() -> None:
    listeners = Listeners()
    listeners.told(Told(0, 7, False), 0.0)
    assert listeners.arriving(20, 0.0) == Arriving(7, False), "and the hub has waited until it lasted"
    for now in (0.0, 2.0):
        listeners.told(Told(3, 30, False), now)
    assert listeners.arriving(20, 2.0) == Arriving(7, False)
    assert listeners.arriving(4, 2.0) == Arriving(30, False)
    listeners.told(Told(0, 7, True), 2.0)
    assert listeners.arriving(20, 2.0) == Arriving(0, True)


def test_a_full_path_is_not_taken_for_one_that_loses() -> None:
    assert arriving(2, Told(3, 90, True), Told(4, 2, False)) == Arriving(2, True)


def test_who_reports_no_more_has_nothing_to_say() -> None:
    listeners = Listeners()
    listeners.told(Told(3, 12, False), 0.0)
    listeners.told(Told(3, 6, False), 1.0)
    assert listeners.arriving(1, 0.9 + FOR_S) == Arriving(6, False)
    assert listeners.arriving(1, 1.0 + FOR_S) == Arriving(0, False)


def test_it_remembers_no_more_than_a_channel_holds() -> None:
    listeners = Listeners()
    for now in (0.0, 1.0):
        for uid in range(1, 2 * MOST):
            listeners.told(Told(uid, 10 if uid <= MOST else 90, False), now)
    assert listeners.arriving(1, 1.0) == Arriving(10, False)


def test_a_full_path_counts_until_it_could_have_been_told_again() -> None:
    listeners = Listeners()
    listeners.told(Told(3, 0, True), 0.0)
    assert listeners.arriving(1, CROWDED_FOR_S - 0.1) == Arriving(0, True)
    assert listeners.arriving(1, CROWDED_FOR_S) == Arriving(0, False)
