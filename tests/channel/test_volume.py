"""How loud who is."""

from typing import Any

import pytest

from device.channel.volume import FORGOTTEN_S, MAX_TALKERS, Volume, volume


def on(interval_ms: int = 200) -> Volume:
    meter = Volume()
    meter.set_interval(interval_ms, 0.0)
    return meter


def levels(told: dict[str, Any]) -> list[tuple[int, int]]:
    return [(speaker["uid"], speaker["level_dbov"]) for speaker in told["speakers"]]


def test_B13_it_is_off_until_it_is_asked_for_and_off_again() -> None:
    meter = Volume()
    assert (meter.is_on, meter.due_at()) == (False, float("inf"))
    meter.set_interval(200, 10.0)
    assert (meter.is_on, meter.due_at()) == (True, 10.2)
    meter.set_interval(0, 11.0)
    assert (meter.is_on, meter.due_at()) == (False, float("inf"))
    for wrong in (10, 1, -1):
        with pytest.raises(ValueError, match="more than 10 ms"):
            meter.set_interval(wrong, 0.0)


def test_B13_the_loudest_three_are_told_and_ourselves_last() -> None:
    meter = on()
    for uid, level in ((1, -40), (2, -20), (3, -60), (4, -30), (2, -25), (5, None)):
        meter.heard(uid, level, 0.1)
    meter.said(-10)
    meter.said(-50)
    meter.said(None)
    assert levels(meter.take(7, 0.2)) == [(2, -20), (4, -30), (1, -40), (7, -10)]
    assert meter.due_at() == pytest.approx(0.4)


def test_B13_each_interval_begins_anew_and_who_is_silent_for_long_is_told_no_more() -> None:
    meter = on()
    meter.heard(1, -20, 0.1)
    meter.take(7, 0.2)
    assert levels(meter.take(7, 0.4)) == [(1, -127), (7, -127)]
    meter.heard(2, -30, FORGOTTEN_S)
    assert levels(meter.take(7, 0.1 + FORGOTTEN_S)) == [(2, -30), (1, -127), (7, -127)]
    assert levels(meter.take(7, 0.2 + FORGOTTEN_S)) == [(2, -127), (7, -127)]


def test_B13_volume_is_0_to_255_and_speech_is_told_from_a_quiet_room() -> None:
    assert [volume(level) for level in (0, -26, -63, -64, -127)] == [255, 151, 3, 0, 0]
    meter = on()
    meter.heard(1, -50, 0.1)
    meter.heard(2, -51, 0.1)
    assert [(one["uid"], one["speaking"]) for one in meter.take(7, 0.2)["speakers"]] == [
        (1, True),
        (2, False),
        (7, False),
    ]


def test_B13_talkers_without_end_are_not_believed() -> None:
    meter = on()
    for uid in range(2 * MAX_TALKERS):
        meter.heard(uid, -127, 0.1)
    meter.heard(0, -1, 0.1)
    meter.heard(2 * MAX_TALKERS, 0, 0.1)
    assert levels(meter.take(7, 0.2))[0] == (0, -1)
