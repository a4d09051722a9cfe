"""The watchdog's food: given while everything moves, kept back when one thing stands still."""

from device.service.watchdog import Watchdog

LIMITS = {"loop": 2.0, "capture": 2.0, "playback": 3.0}


def test_it_is_fed_while_every_beat_moves() -> None:
    watchdog = Watchdog(LIMITS)
    for second in range(100):
        assert watchdog.feed(second, dict.fromkeys(LIMITS, second))
    assert watchdog.stuck == ()


def test_each_beat_that_stands_still_beyond_its_limit_keeps_the_food_back_and_is_named() -> None:
    for name, limit in LIMITS.items():
        watchdog = Watchdog(LIMITS)
        for second in range(10):
            beats = {**dict.fromkeys(LIMITS, second), name: 0}
            assert watchdog.feed(second, beats) == (second <= limit)
            assert watchdog.stuck == (() if second <= limit else (name,))


def test_one_that_moves_again_is_forgiven() -> None:
    watchdog = Watchdog({"capture": 2.0})
    assert watchdog.feed(0.0, {"capture": 5})
    assert not watchdog.feed(2.1, {"capture": 5})
    assert watchdog.feed(2.2, {"capture": 6})
    assert watchdog.feed(4.2, {"capture": 6})
    assert not watchdog.feed(4.3, {"capture": 6})


def test_a_counter_that_begins_again_has_moved() -> None:
    watchdog = Watchdog({"capture": 2.0})
    assert watchdog.feed(0.0, {"capture": 1_000})
    assert watchdog.feed(3.0, {"capture": 0})


def test_what_has_not_begun_yet_has_its_limit_from_the_first_look() -> None:
    watchdog = Watchdog({"capture": 2.0})
    assert watchdog.feed(1_000.0, {"capture": 0})
    assert watchdog.feed(1_002.0, {"capture": 0})
    assert not watchdog.feed(1_002.1, {"capture": 0})


def test_a_beat_without_a_limit_may_do_as_it_likes() -> None:
    watchdog = Watchdog({"capture": 2.0})
    assert watchdog.feed(0.0, {"capture": 0, "pins": 0})
    assert watchdog.feed(5.0, {"capture": 1, "pins": 0})
